"""Lists: the pages that lead to the pages: index, categories, critics, method, feeds, digests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from panel.compare import CLEAR
from panel.files import Json, canonical, readable
from panel.markdown import plain
from panel.persona import Persona
from panel.publish.edition import Edition, Turn, Week, latest, listed, pages
from panel.publish.entries import Entry
from panel.publish.figures import drawn, figures_page
from panel.publish.mail import days, digest_text
from panel.publish.page import TWINS, Files, Job, Page, files, page
from panel.publish.render import html
from panel.statistics.catalogue import histogram
from panel.verdict import LEAD, POLARISED, QUORUM, RULES

FEWEST_SHOWN = 12
"""So many of each kind stand on the first page of the site."""

Listed = Sequence[Entry]


def jobs(edition: Edition) -> Iterator[Job]:
    """Yield every page that leads to others."""
    tools, pairs = latest(edition.tools), latest(edition.pairs)
    yield _home(edition)
    yield from _paged(edition, "compare/", "All comparisons", pairs)
    yield from _paged(edition, "tools/", "All tools", tools)
    for slug in edition.categories:
        yield _category(edition, slug)
    yield _critics(edition)
    yield from (_critic(edition, persona) for persona in edition.panel)
    yield from (_digest(edition, week) for week in edition.weeks)
    yield figures_page(edition)
    yield from (_digests(edition), _method(edition), _feeds(edition), _saved(edition), _missing(edition))
    found = _search([*tools, *pairs])
    yield Job("search.json", found, lambda: {"search.json": canonical(found)})


def has_drafts(*groups: Sequence[Entry | Turn]) -> bool:
    """Return whether something stands in a list that nobody approved; such a list is not to be found."""
    return any(one.is_draft for group in groups for one in group)


def _told(entries: Listed) -> Json:
    return [listed(one) for one in entries]


def _search(entries: Listed) -> Json:
    return [{"n": one.title, "u": one.path, "t": one.line, "k": one.keywords} for one in entries]


def _groups(groups: Mapping[str, Listed]) -> Json:
    return {title: _told(entries) for title, entries in groups.items()}


def _list(
    edition: Edition, path: str, heading: str, dek: str, groups: Mapping[str, Listed], **context: object
) -> Files:
    """Return a page of lists with its twins."""
    is_home = path == ""
    head = page(
        edition.site,
        path,
        heading,
        dek,
        twins=TWINS,
        asks_site=path in ("", "compare/", "tools/"),
        is_hidden=has_drafts(*groups.values()),
        crumbs=() if is_home else ((edition.site.name, ""), (heading, None)),
    )
    named = {"site": edition.site, "heading": heading, "dek": dek}
    text = _as_text(heading, dek, groups, head.root)
    data: Json = {"title": heading, "groups": _groups(groups)}
    return files(head, "list.html.j2", {**named, "groups": [*groups.items()], **context}, text, readable(data))


def _as_text(heading: str, dek: str, groups: Mapping[str, Listed], root: str) -> str:
    lines = [f"# {plain(heading)}", "", plain(dek), ""]
    for title, entries in groups.items():
        lines += [f"## {plain(title)}", ""]
        lines += [f"- [{plain(one.title)}]({root}{one.path}): {plain(one.line)}" for one in entries]
        lines += [""]
    return "\n".join(lines)


def _home(edition: Edition) -> Job:
    heading = "Which tool should you ship with?"
    dek = "A panel of critics, played by language models, reviews tools. Every verdict can be computed from its record."
    groups: dict[str, Listed] = {
        "Latest comparisons": latest(edition.pairs)[:FEWEST_SHOWN],
        "Latest reviews": latest(edition.tools)[:FEWEST_SHOWN],
    }
    categories = [(name, f"categories/{slug}/") for slug, name in edition.categories.items()]
    depends: Json = [_groups(groups), [list(one) for one in categories]]
    return Job("", depends, lambda: _list(edition, "", heading, dek, groups, categories=categories))


def _paged(edition: Edition, path: str, heading: str, entries: Listed) -> Iterator[Job]:
    """Yield the pages of a long list."""
    slices = [*pages(len(entries))]
    paths = [path if number == 1 else f"{path}page/{number}/" for number in range(1, len(slices) + 1)]
    for here, span in zip(paths, slices, strict=True):
        count = len(entries)
        dek = f"{count} {'is' if count == 1 else 'are'} published."
        named = [(number, there, there == here) for number, there in enumerate(paths, start=1)]
        groups = {"The latest first": entries[span]}

        def make(
            here: str = here,
            dek: str = dek,
            groups: Mapping[str, Listed] = groups,
            named: Sequence[tuple[int, str, bool]] = named,
        ) -> Files:
            return _list(edition, here, heading, dek, groups, pages=named)

        yield Job(here, [_groups(groups), dek, len(paths)], make)


def _category(edition: Edition, slug: str) -> Job:
    name, (tools, pairs) = edition.categories[slug], edition.in_category(slug)
    path = f"categories/{slug}/"
    groups: dict[str, Listed] = {"Comparisons": latest(pairs), "Tools": latest(tools)}
    follow = [(text, f"{path}feed.{kind}") for text, kind in (("Atom", "atom"), ("JSON Feed", "json"))]
    named = follow if edition.site.base else []
    dek = f"{len(tools)} {'tool' if len(tools) == 1 else 'tools'} reviewed on this shelf."
    return Job(path, [name, _groups(groups)], lambda: _list(edition, path, name, dek, groups, feeds=named))


def _critics(edition: Edition) -> Job:
    told: list[Json] = [[persona.id, persona.name, persona.motto] for persona in edition.panel]

    def make() -> Files:
        entries = [
            {"title": persona.name, "path": f"critics/{persona.id}/", "line": persona.motto}
            for persona in edition.panel
        ]
        dek = "Roles played by language models. Each has its own criteria, and each page shows how lenient it is."
        head = page(edition.site, "critics/", "The critics", dek, crumbs=((edition.site.name, ""), ("Critics", None)))
        context = {"site": edition.site, "heading": "The critics"}
        groups = [("The panel", entries)]
        return files(head, "list.html.j2", {**context, "dek": dek, "groups": groups}, None, None)

    return Job("critics/", told, make)


def _critic(edition: Edition, persona: Persona) -> Job:
    heard = [(one, sat) for one in latest(edition.tools) for sat in one.seats if sat.persona == persona.id]
    path, scores = f"critics/{persona.id}/", sorted(sat.score for _, sat in heard)
    ships = sum(sat.ships for _, sat in heard)

    def make() -> Files:
        chart = drawn(histogram(scores), persona.threshold)
        crumbs = (("Critics", "critics/"), (persona.name, None))
        hidden = has_drafts([one for one, _ in heard])
        head = page(edition.site, path, persona.name, persona.motto, crumbs=crumbs, twins=TWINS, is_hidden=hidden)
        shown = [one for one, _ in heard[:FEWEST_SHOWN]]
        voice = [part for part in persona.voice.split("\n\n") if part.strip()]
        context = {
            "site": edition.site,
            "persona": persona,
            "voice": voice,
            "takes": len(heard),
            "ships": ships,
            "scores": scores,
            "middle": scores[len(scores) // 2] if scores else None,
            "chart": chart,
            "entries": shown,
        }
        text = "\n".join([f"# {plain(persona.name)}", "", plain(persona.motto), "", plain(chart.told), ""])
        text += "\n\n".join(map(plain, voice)) + "\n"
        given: Json = {one.slug: sat.score for one, sat in heard}
        data: Json = {"persona": persona.as_json(), "takes": len(heard), "ships": ships, "scores": given}
        return files(head, "critic.html.j2", context, text, readable(data))

    return Job(path, [persona.as_json(), [[one.slug, one.name, one.line, sat.score] for one, sat in heard]], make)


def _text(edition: Edition, head: Page, body: str, **context: object) -> Files:
    """Return a page of running text."""
    return files(head, "text.html.j2", _named(edition, head, body, **context), None, None)


def _named(edition: Edition, head: Page, body: str, **context: object) -> dict[str, object]:
    told = {"heading": head.title, "dek": head.description}
    return {"site": edition.site, **told, "body": f"{body}.body.j2", **context}


def _head(edition: Edition, path: str, heading: str, dek: str, **more: object) -> Page:
    """Return the head of a page that stands right below the first one."""
    return page(edition.site, path, heading, dek, crumbs=((edition.site.name, ""), (heading, None)), **more)


def _method(edition: Edition) -> Job:
    numbers: dict[str, Json] = {
        "rules": RULES,
        "lead": LEAD,
        "quorum": QUORUM,
        "polarised": POLARISED,
        "clear": CLEAR,
        "critics": [{"id": persona.id, "name": persona.name} for persona in edition.panel],
    }
    head = _head(
        edition, "method/", "How verdicts are made", "The rules, with the formulas. No model has a say in them."
    )
    return Job("method/", numbers, lambda: _text(edition, head, "method", **numbers))


def feeds(edition: Edition) -> list[tuple[str, str]]:
    """Return the feeds of a site: what each holds, and its path without an ending; none without an address."""
    if not edition.site.base:
        return []
    shelves = [(name, f"categories/{slug}/feed") for slug, name in edition.categories.items()]
    return [("Everything", "feeds/all"), ("Changed verdicts", "feeds/changes"), *shelves]


def _feeds(edition: Edition) -> Job:
    named = feeds(edition)
    depends: Json = [list(one) for one in named]
    head = _head(edition, "feeds/", "Feeds", "Follow without an account.")
    return Job("feeds/", depends, lambda: _text(edition, head, "feeds", feeds=named))


def _saved(edition: Edition) -> Job:
    head = _head(edition, "saved/", "Saved", "Tools that you marked.", is_hidden=True, asks_site=True)
    return Job("saved/", None, lambda: _text(edition, head, "saved"))


def _missing(edition: Edition) -> Job:
    home = urlsplit(edition.site.base).path or "/"
    # It is shown in any folder, so its links begin at the root of the site.
    head = page(edition.site, "", "Not found", "", root=home, url=None, is_hidden=True)

    def make() -> Files:
        context = {"page": head, **_named(edition, head, "missing", home=home)}
        return {"404.html": html("text.html.j2", context).encode()}

    return Job("404.html", home, make)


def _digests(edition: Edition) -> Job:
    names: list[Json] = [week.name for week in edition.weeks]

    def make() -> Files:
        entries = [{"title": week.name, "path": f"digest/{week.name}/", "line": days(week)} for week in edition.weeks]
        dek = "One page a week: new reviews, changed verdicts, the widest split."
        head = _head(edition, "digest/", "Digests", dek)
        context = {"site": edition.site, "heading": "Digests", "dek": dek}
        return files(head, "list.html.j2", {**context, "groups": [("The latest first", entries)]}, None, None)

    return Job("digest/", names, make)


def _digest(edition: Edition, week: Week) -> Job:
    told = edition.digest(week)
    depends: Json = {title: [[one.path, one.title, one.line] for one in entries] for title, entries in told.items()}
    path = f"digest/{week.name}/"

    def make() -> Files:
        groups = [{"title": title, "entries": entries} for title, entries in told.items()]
        head = _head(edition, path, f"Week {week.name}", days(week), is_hidden=has_drafts(*told.values()))
        made = _text(edition, head, "digest", groups=groups, base="../../")
        return {**made, f"{path}index.txt": digest_text(edition, week).encode()}

    return Job(path, depends, make)
