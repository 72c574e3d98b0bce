"""Feeds: what machines read: Atom 1.0, JSON Feed 1.1, the sitemap, robots.txt and llms.txt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as ET

from panel.files import Json, readable
from panel.markdown import plain
from panel.publish.edition import Edition, Kind, Turn, latest
from panel.publish.entries import Entry, PairEntry, ToolEntry
from panel.publish.lists import feeds, has_drafts
from panel.publish.page import Files
from panel.publish.render import visible

MOST_ENTRIES = 50
"""A feed holds so many of the latest entries."""

_ATOM = "http://www.w3.org/2005/Atom"
_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
_BEGINNING = "1970-01-01T00:00:00Z"
"""When an empty feed was updated."""

Told = Entry | Turn


def files(edition: Edition) -> Files:
    """Return all of them; those that need whole addresses only where the site has one."""
    made = {"llms.txt": llms(edition).encode(), "robots.txt": robots(edition).encode()}
    if not edition.site.base:
        return made
    made["sitemap.xml"] = sitemap(edition)
    for title, path in feeds(edition):
        entries = _entries(edition, path)
        made[f"{path}.atom"] = atom(edition, title, path, entries)
        made[f"{path}.json"] = readable(json_feed(edition, title, path, entries))
    return made


def _entries(edition: Edition, path: str) -> list[tuple[str, str, Told]]:
    """Return the entries of a feed, each after its id and the time of its last change, the latest first; no drafts."""
    base = edition.site.base
    if path == "feeds/changes":
        found = [*_turns(edition)]
    else:
        tools, pairs = edition.tools, edition.pairs
        if path.startswith("categories/"):
            tools, pairs = edition.in_category(path.split("/")[1])
        entries: list[ToolEntry | PairEntry] = [*_approved(tools), *_approved(pairs)]
        found = [(f"{base}{one.path}", one.updated or _BEGINNING, one) for one in entries]
    return sorted(sorted(found, key=lambda one: one[0]), key=_came, reverse=True)[:MOST_ENTRIES]


def _came(told: tuple[str, str, Told]) -> str:
    """Return when an entry came: a review that was approved late is new then, however old its takes are."""
    one = told[2]
    return told[1] if isinstance(one, Turn) else max(told[1], one.published)


def _turns(edition: Edition) -> Iterator[tuple[str, str, Told]]:
    """Yield every verdict that became another one; two of one moment have two ids."""
    for tool in _approved(edition.tools):
        for number, turned in enumerate(tool.turned):
            before = sum(one.at == turned.at for one in tool.turned[:number])
            id = f"{edition.site.base}{tool.path}#{turned.at}{f'-{before + 1}' if before else ''}"
            yield id, turned.at, Turn(tool, turned.what)


def _approved(entries: Sequence[Kind]) -> list[Kind]:
    return [one for one in entries if not one.is_draft]


def atom(edition: Edition, title: str, path: str, entries: Sequence[tuple[str, str, Told]]) -> bytes:
    """Return an Atom feed (RFC 4287)."""
    base = edition.site.base
    root = ET.Element("feed", {"xmlns": _ATOM, "xml:lang": "en"})
    _add(root, "title", f"{edition.site.name}: {title}")
    _add(root, "id", f"{base}{path}")
    _add(root, "updated", max((updated for _, updated, _ in entries), default=_BEGINNING))
    _add(root, "link", rel="self", type="application/atom+xml", href=f"{base}{path}.atom")
    _add(root, "link", rel="alternate", type="text/html", href=base)
    author = ET.SubElement(root, "author")
    _add(author, "name", edition.site.name)
    for id, updated, one in entries:
        entry = ET.SubElement(root, "entry")
        _add(entry, "title", one.title)
        _add(entry, "id", id)
        _add(entry, "updated", updated)
        if not isinstance(one, Turn) and one.published:
            _add(entry, "published", one.published)
        _add(entry, "link", rel="alternate", type="text/html", href=f"{base}{one.path}")
        _add(entry, "summary", one.line)
    return _written(root)


def _add(parent: ET.Element, tag: str, text: str | None = None, **attributes: str) -> None:
    ET.SubElement(parent, tag, attributes).text = visible(text) if text is not None else None


def _written(root: ET.Element) -> bytes:
    text: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'.encode()


def json_feed(edition: Edition, title: str, path: str, entries: Sequence[tuple[str, str, Told]]) -> Json:
    """Return a JSON Feed (version 1.1)."""
    base = edition.site.base
    items: list[Json] = [
        {
            "id": id,
            "url": f"{base}{one.path}",
            "title": visible(one.title),
            "content_text": visible(one.line),
            "date_modified": updated,
            **({} if isinstance(one, Turn) or not one.published else {"date_published": one.published}),
        }
        for id, updated, one in entries
    ]
    return {
        "version": "https://jsonfeed.org/version/1.1",
        "title": visible(f"{edition.site.name}: {title}"),
        "home_page_url": base,
        "feed_url": f"{base}{path}.json",
        "language": "en",
        "authors": [{"name": visible(edition.site.name), "url": base}],
        "items": items,
    }


def sitemap(edition: Edition) -> bytes:
    """Return the sitemap: every page that may be found, with the day of its last change; drafts are left out."""
    root = ET.Element("urlset", {"xmlns": _SITEMAP})
    tools, pairs = _approved(edition.tools), _approved(edition.pairs)
    every: list[Entry] = [*tools, *pairs]
    lists = [(path, _newest(told)) for path, told in _lists(edition) if not has_drafts(told)]
    for path, at in [*lists, *sorted((one.path, one.updated) for one in every)]:
        url = ET.SubElement(root, "url")
        _add(url, "loc", f"{edition.site.base}{path}")
        if at:
            _add(url, "lastmod", at[:10])
    return _written(root)


def _lists(edition: Edition) -> Iterator[tuple[str, Sequence[Entry]]]:
    """Yield the address of every list, with what it tells of."""
    yield "", [*edition.tools, *edition.pairs]
    yield "compare/", edition.pairs
    yield "tools/", edition.tools
    for slug in edition.categories:
        tools, pairs = edition.in_category(slug)
        yield f"categories/{slug}/", [*tools, *pairs]
    yield "critics/", ()
    yield "method/", ()
    yield "statistics/", edition.tools
    for persona in edition.panel:
        heard = [one for one in edition.tools if persona.id in (sat.persona for sat in one.seats)]
        yield f"critics/{persona.id}/", heard


def _newest(entries: Sequence[Entry]) -> str:
    """Return when a list of these last became another one, empty where it is empty."""
    return max((max(one.updated, one.published) for one in entries), default="")


def robots(edition: Edition) -> str:
    """Return robots.txt: everything may be read; drafts say themselves that they are not to be listed."""
    lines = ["User-agent: *", "Allow: /", ""]
    return "\n".join([*lines, f"Sitemap: {edition.site.base}sitemap.xml", ""] if edition.site.base else lines)


def llms(edition: Edition) -> str:
    """Return llms.txt: what the site is, and where its pages are as Markdown."""
    base = edition.site.base
    lines = [
        f"# {plain(edition.site.name)}",
        "",
        "> Reviews of tools by a panel of critics, roles played by language models.",
        "> Every verdict can be computed from the JSON record beside its page; every quote stands in a dossier.",
        "",
    ]
    pairs, tools = _approved(edition.pairs), _approved(edition.tools)
    groups: dict[str, Sequence[Entry]] = {"Comparisons": latest(pairs), "Tools": latest(tools)}
    for title, entries in groups.items():
        lines += [f"## {title}", ""]
        lines += [f"- [{plain(one.title)}]({base}{one.path}index.md): {plain(one.line)}" for one in entries]
        lines += [""]
    more = [f"- [How verdicts are made]({base}method/)", f"- [Figures over all reviews]({base}statistics/index.md)"]
    return visible("\n".join([*lines, "## Method", "", *more, ""]))
