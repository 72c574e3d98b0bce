"""Lists: every page can be found, on one list and in the search file; other names of it lead to it and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from published import HOSTILE, SITE, House, three

from panel.errors import RecordError
from panel.names import SLUG
from panel.publish import edition
from panel.publish.entries import PairEntry, Sat, ToolEntry, category_slug, redirects
from panel.publish.manifest import inside
from panel.tables import SiteSettings

KINDS = ("html", "md", "json")


@pytest.fixture
def shop(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """Three published tools and two comparisons; no cards are drawn."""
    monkeypatch.setattr("panel.publish.build.has_letters", lambda: False)
    return three(house)


def listed(house: House, path: str) -> list[str]:
    """Return the names of the entries that a page lists, by its data; page and text must list them too."""
    groups = house.data(f"{path}index.json")["groups"].values()
    entries = [one for group in groups for one in group]
    shown = re.findall(r'<h3><a href="[./]*([^"]+)" dir="auto">', house.text(f"{path}index.html"))
    text = house.text(f"{path}index.md")
    assert [one["path"] for one in entries] == shown
    assert all(f"/{one['path']})" in text for one in entries)
    return [one["path"].split("/")[1] for one in entries]


# Long lists


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_every_entry_is_on_one_page_of_a_long_list(shop: House, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """However many stand on a page, each tool is on exactly one, the latest first, and the pages lead to each other."""
    monkeypatch.setattr(edition, "PER_PAGE", count)
    shop.published("delta", approved="2026-06-01T00:00:00Z")
    shop.published("page", approved="2026-06-02T00:00:00Z")
    shop.built()
    paths = ["tools/", *(f"tools/page/{number}/" for number in range(2, -(-5 // count) + 1))]

    assert ["page", "delta", "beta", "alpha", "gamma"] == [slug for path in paths for slug in listed(shop, path)]
    assert not (shop.out / f"tools/page/{len(paths) + 1}").exists()
    for path in paths:
        pager = re.findall(r'<nav class="pages".*?</nav>', shop.text(f"{path}index.html"), re.DOTALL)
        assert (len(paths) > 1) == bool(pager)
        assert all(f">{number}</" in pager[0] for number in range(1, len(paths) + 1) if pager)
        assert {*shop.links(f"{path}index.html")} <= {*shop.site()}


def test_a_shorter_list_takes_its_last_pages_away(shop: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where fewer entries are left, pages of the list go; a tool that is called page keeps its own."""
    monkeypatch.setattr(edition, "PER_PAGE", 1)
    shop.published("page")
    shop.built()
    assert (shop.out / "tools/page/4/index.html").is_file()
    for slug in ("alpha", "beta", "gamma"):
        shop.kept(slug).unlink()
    shop.built()

    assert ["page"] == listed(shop, "tools/")
    assert not (shop.out / "tools/page/2").exists()
    assert '<h1 dir="auto">Page</h1>' in shop.text("tools/page/index.html")


def test_no_link_of_the_site_is_dead(shop: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a page of the site links to within it is there, on every page but the one for what is missing."""
    monkeypatch.setattr(edition, "PER_PAGE", 1)
    shop.published("delta", aliases=("Old Delta",), category="Шкафы")
    shop.built()
    pages = [name for name in shop.site() if name.endswith(".html") and name != "404.html"]
    there = {*shop.site()}
    dead = {name: [link for link in shop.links(name) if link not in there] for name in pages}

    assert {} == {name: links for name, links in dead.items() if links}


ROOTS = {None: "/", "https://panel.example": "/", "https://x.example/a/b": "/a/b/"}


@pytest.mark.parametrize(("url", "root"), ROOTS.items())
def test_the_page_for_what_is_missing_works_in_any_folder(shop: House, url: str | None, root: str) -> None:
    """A host shows it at any address, so all its links begin at the root of the site."""
    shop.built(SiteSettings(url=url))
    text = shop.text("404.html")
    links = [link for link in re.findall(r'href="([^"]*)"', text) if not link.startswith(("data:", "#"))]

    assert links
    assert [] == [link for link in links if not link.startswith(root)]
    assert f'data-root="{root}"' in text
    assert "noindex" in text


# Search


def test_the_search_file_holds_every_page(shop: House) -> None:
    """Each tool and comparison can be found by name, alias, maker, category, tagline and verdict, in lower case."""
    shop.published("delta", name="ÉCLAIR", aliases=("Old Name",), maker="ACME", category="Шкафы", tagline="ÜBER Fast")
    shop.built()
    found = {one["u"]: one["k"] for one in shop.data("search.json")}

    assert {f"{name.removesuffix('index.html')}" for name in shop.pages() if "old-name" not in name} - {
        "compare/beta-vs-alpha/",
        "compare/gamma-vs-alpha/",
    } == {*found}
    assert all(words == words.lower() for words in found.values())
    for word in ("éclair", "old name", "acme", "шкафы", "über fast", "mixed"):
        assert word in found["tools/delta/"]
    for word in ("alpha", "gamma", "vs", "tables"):
        assert word in found["compare/alpha-vs-gamma/"]


def test_the_search_file_is_fetched_and_never_inlined(shop: House) -> None:
    """No page holds the search file, which grows with the site; those that search may fetch it, and no others may."""
    shop.built()
    asking = {name for name in shop.site() if name.endswith(".html") and "connect-src" in shop.text(name)}

    assert {"index.html", "tools/index.html", "compare/index.html", "saved/index.html"} == asking


# Drafts


def hidden(house: House) -> set[str]:
    """Return the pages of the site that ask not to be found, but for redirects and those of no content."""
    pages = {name for name in house.site() if name.endswith("index.html") and "noindex" in house.text(name)}
    return {name.removesuffix("index.html") for name in pages if "Moved" not in house.text(name)} - {"saved/"}


def test_drafts_are_marked_wherever_they_are_listed(shop: House) -> None:
    """Each list that tells of a draft says so beside it, in every form and in search, and of nothing else."""
    shop.kept("gamma", "approval.json").unlink()
    shop.logged("gamma", "verdict", "2026-05-05T00:00:00Z", before="Ship 3-0", after="Mixed 2-1")
    shop.built(drafts=True)
    drafts = {"tools/gamma/", "compare/alpha-vs-gamma/"}

    for path in ("", "tools/", "compare/", "categories/tables/", "critics/mason0/"):
        cards = re.findall(r'<li class="card">.*?</li>', shop.text(f"{path}index.html"), re.DOTALL)
        told = {match[1]: "Draft: " in card for card in cards if (match := re.search(r'href="[./]*([^"]+)"', card))}
        assert {one for one in drafts if one in told} == {one for one, is_draft in told.items() if is_draft}
        assert drafts & {*told}
    for path in ("", "tools/", "compare/", "categories/tables/"):
        lines = [line for line in shop.text(f"{path}index.md").splitlines() if line.startswith("- ")]
        assert all(("Gamma" in line) == ("): Draft: " in line) for line in lines)
    lines = [line for line in shop.text("digest/2026-W19/index.txt").splitlines() if line.startswith("- ")]
    assert 4 == sum("Gamma: Draft: " in line for line in lines) == sum("Gamma" in line for line in lines)
    assert drafts == {one["u"] for one in shop.data("search.json") if one["t"].startswith("Draft: ")}


def test_lists_with_drafts_ask_not_to_be_found(shop: House) -> None:
    """A list that tells of a draft is hidden and in no sitemap; it can be found again as soon as that is approved."""
    shop.kept("gamma", "approval.json").unlink()
    shop.published("delta", category="Chairs", approved="2026-06-01T00:00:00Z")
    shop.built(drafts=True)
    pages = {"tools/gamma/", "compare/alpha-vs-gamma/"}
    lists = {"", "tools/", "compare/", "categories/builders/", "categories/tables/", "digest/2026-W19/", "statistics/"}
    critics = {f"critics/mason{number}/" for number in range(3)}
    found = re.findall(f"<loc>{SITE.base}(.*?)</loc>", shop.text("sitemap.xml"))

    assert pages | lists | critics == hidden(shop)
    assert not hidden(shop) & {*found}
    assert {"categories/chairs/", "tools/delta/", "critics/", "method/"} <= {*found}
    shop.approved("gamma")
    shop.built(drafts=True)
    assert set() == hidden(shop)


# Categories

NAMES = [
    "Шкафы",
    "Builders",
    "BUILDERS!",
    "C++",
    "C#",
    "日本語",
    "🦀",
    "---",
    "a" * 120,
    "é" * 120,
    "..",
    "/etc",
    HOSTILE,
]


def test_categories_of_any_name_have_a_page(shop: House) -> None:
    """Every tool stands on exactly one category page, which names its category, whatever its name is made of."""
    for number, name in enumerate(NAMES):
        shop.published(f"tool-{number}", category=name)
    shop.built()
    slugs = sorted(name.split("/")[1] for name in shop.site() if re.fullmatch("categories/[^/]+/index.html", name))
    on = {slug: [one for one in listed(shop, f"categories/{slug}/") if "-vs-" not in one] for slug in slugs}
    tools = sorted(tool for shown in on.values() for tool in shown)

    assert sorted(["alpha", "beta", "gamma", *(f"tool-{number}" for number in range(len(NAMES)))]) == tools
    for slug, shown in on.items():
        title = shop.data(f"categories/{slug}/index.json")["title"]
        assert all(shop.data(f"tools/{tool}/index.json")["tool"]["category"] in title for tool in shown)
    assert all(f'href="categories/{slug}/"' in shop.text("index.html").replace("./", "") for slug in slugs)


def test_two_categories_that_share_a_link_share_a_page(shop: House) -> None:
    """Categories whose names make the same link stand on one page, which is called by both."""
    shop.published("delta", category="C++")
    shop.published("epsilon", category="C#")
    shop.built()

    assert ("C#, C++", {"delta", "epsilon"}) == (
        shop.data("categories/c/index.json")["title"],
        {*listed(shop, "categories/c/")},
    )


def test_categories_that_lose_letters_stay_apart() -> None:
    """Names that a link can't spell have links of their own: what is lost is told apart by a hash."""
    names = ["Шкафы", "Шляпы", "日本語", "AI Шкафы", "AI Шляпы", "AI", "🦀"]

    assert len(names) == len({*map(category_slug, names)})
    assert ["ai", "c", "cafe"] == [*map(category_slug, ("AI", "C++", "Café"))]
    assert re.fullmatch("ai-[0-9a-f]{8}", category_slug("AI Шкафы"))


@example("a" * 119 + "Ш")
@example("ab " * 39 + "Ш")
@given(st.text(min_size=1, max_size=120))
def test_the_link_of_a_category_is_one_folder(name: str) -> None:
    """Whatever a category is called, its name in links is a slug of at most eighty characters."""
    slug = category_slug(name)

    assert SLUG.fullmatch(slug)
    assert 80 >= len(slug)


# Redirects


def tool(slug: str, *aliases: str) -> ToolEntry:
    """Return the entry of a tool."""
    told = dict.fromkeys(("tagline", "maker", "category", "split", "digest", "updated", "published"), "x")
    seats = (Sat(persona="mason0", score=75, ships=True),)
    return ToolEntry.model_validate(
        {**told, "slug": slug, "name": slug, "aliases": aliases, "label": "Ship", "width": 0, "seats": seats}
        | {"is_draft": False, "turned": ()}
    )


def pair(*slugs: str) -> PairEntry:
    """Return the entry of a comparison."""
    told = dict.fromkeys(("answer", "updated", "published"), "x")
    return PairEntry.model_validate(
        {**told, "slug": "-vs-".join(slugs), "tools": slugs, "names": slugs, "verdicts": ("x", "x")}
        | {"kind": "pick", "categories": (), "is_draft": False, "is_unread": False}
    )


def leads(tools: Sequence[ToolEntry], pairs: Sequence[PairEntry]) -> dict[str, str]:
    """Return where each redirect leads."""
    return {path: entry.path for path, entry in redirects(tools, pairs)}


def test_other_orders_and_aliases_lead_to_a_comparison() -> None:
    """The other order leads to a comparison, and so does every alias on either side, in both orders."""
    found = leads([tool("a", "Old A"), tool("b")], [pair("a", "b")])

    assert {"compare/b-vs-a/", "compare/old-a-vs-b/", "compare/b-vs-old-a/", "tools/old-a/"} == {*found}
    assert {"compare/a-vs-b/", "tools/a/"} == {*found.values()}


def test_a_name_of_a_page_is_never_an_alias() -> None:
    """An alias that is the slug of another tool leads nowhere: neither its page nor comparisons of that tool."""
    found = leads([tool("a", "B"), tool("b", "a", "C!"), tool("d")], [pair("a", "d"), pair("b", "d")])

    assert not {"tools/a/", "tools/b/", "compare/b-vs-d/", "compare/a-vs-d/"} & {*found}
    assert {"compare/d-vs-a/": "compare/a-vs-d/", "compare/d-vs-b/": "compare/b-vs-d/"}.items() <= found.items()
    assert "compare/b-vs-b/" not in found


def test_an_alias_of_two_tools_leads_nowhere() -> None:
    """An alias that two or more tools claim leads to none of them, nor to their comparisons; one's own names do."""
    shared = [tool("a", "same", "Old A"), tool("b", "Same"), tool("c", "SAME!"), tool("d")]
    found = leads(shared, [pair("a", "d"), pair("b", "d")])

    assert not [path for path in found if "same" in path]
    assert {"tools/old-a/": "tools/a/", "compare/old-a-vs-d/": "compare/a-vs-d/"}.items() <= found.items()


WORDS = st.sampled_from(["a", "b", "c", "A!", "page", "../x", "é", "", "b c", "1"])


@given(st.lists(st.lists(WORDS, max_size=3), min_size=3, max_size=3), st.lists(st.sampled_from("abc"), max_size=2))
def test_no_redirect_hides_a_page_or_leaves_its_folder(aliases: list[list[str]], paired: list[str]) -> None:
    """Whatever tools are called, redirects lead from folders of their own to pages that are there, and to no other."""
    tools = [tool(slug, *names) for slug, names in zip("abc", aliases, strict=True)]
    pairs = [pair(*sorted(["d", slug])) for slug in dict.fromkeys(paired)]
    tools += [tool("d")]
    real = {one.path for one in (*tools, *pairs)}
    found = leads(tools, pairs)

    assert not real & {*found}
    assert {*found.values()} <= real
    assert all(re.fullmatch(r"(tools|compare)/[a-z0-9]+(-[a-z0-9]+)*/", path) for path in found)


def test_a_redirect_is_followed_without_a_server(shop: House) -> None:
    """The page at another name leads on by itself and by a link, is not listed, and names the real page."""
    shop.published("delta", aliases=("Old Delta",))
    shop.built()
    text = shop.text("tools/old-delta/index.html")

    assert {"tools/delta/index.html"} == {*shop.links("tools/old-delta/index.html")}
    assert all(part in text for part in ('url=../../tools/delta/"', "noindex", f'href="{SITE.base}tools/delta/"'))
    assert "tools/old-delta/" not in shop.text("sitemap.xml") + shop.text("search.json")


def test_an_alias_moves_with_its_tool(shop: House) -> None:
    """An alias that becomes a tool of its own has a page, and leads to no other any more."""
    shop.published("alpha", aliases=("Delta",))
    shop.built()
    assert "Moved" in shop.text("tools/delta/index.html")
    shop.published("delta")
    shop.built()

    assert '<h1 dir="auto">Delta</h1>' in shop.text("tools/delta/index.html")
    shop.kept("delta").unlink()
    shop.built()
    assert "Moved" in shop.text("tools/delta/index.html")


# Twins


def test_every_page_of_a_record_has_its_twins(shop: House) -> None:
    """Beside the page of a tool or a comparison lie the same as Markdown and its record, byte for byte."""
    shop.built()
    runs = shop.folder / "runs"
    records = {f"tools/{slug}": f"{slug}/review" for slug in ("alpha", "beta", "gamma")}
    records |= {f"compare/{pair}": f"compare/{pair}/comparison" for pair in ("alpha-vs-beta", "alpha-vs-gamma")}

    for path, record in records.items():
        for kind in ("json", "md"):
            assert (runs / f"{record}.{kind}").read_bytes() == (shop.out / path / f"index.{kind}").read_bytes()
            assert f'href="index.{kind}"' in shop.text(f"{path}/index.html")


def test_every_list_has_its_twins(shop: House) -> None:
    """Lists and critics have twins too, and each alternative that a page names is there."""
    shop.built()
    for path in ("", "tools/", "compare/", "categories/builders/", "critics/mason0/"):
        assert {f"{path}index.{kind}" for kind in KINDS} <= {*shop.site()}
    for name in (name for name in shop.site() if name.endswith(".html")):
        for link in re.findall(r'<link rel="alternate"[^>]* href="([^"]+)"', shop.text(name)):
            assert ((shop.out / name).parent / link).is_file()


@given(st.text(max_size=60))
def test_no_name_leaves_the_folder_of_a_site(given_name: str) -> None:
    """A file is written inside of the folder or not at all, whatever its name is made of."""
    out = Path("/nowhere/site")
    for name in (given_name, f"../{given_name}", f"tools/{given_name}/index.html", f"a/../../{given_name}"):
        with suppress(RecordError):
            assert inside(out, name).resolve().is_relative_to(out)
