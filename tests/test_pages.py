"""Pages: what is published works for everybody, in a real browser: any screen, no mouse, no script, no stranger asked.

Each page is opened with everything on it unfolded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal
from urllib.parse import urlsplit

import pytest
from browsing import Browser, Screen, Visit, audit, keyboard_walk, sideways
from markup import dead_links, repeated_ids, valid
from playwright.sync_api import Locator
from published import House, tree
from selectolax.lexbor import LexborHTMLParser
from shown import APPROVED_AT, BASE, DRAFT, DRAFT_PAIR, PAGES, PAIR, WEEK, Published
from subscriber import atom, json_feed, linked_data, sitemap

Screens = Sequence[tuple[int, Literal["light", "dark"]]]
SCREENS: Screens = ((320, "dark"), (1280, "light"))
"""Where each page is looked at in the suite: the narrowest and the widest, in one scheme each."""

EVERY: Screens = [(width, scheme) for width in (320, 768, 1280) for scheme in ("light", "dark")]
"""And in the campaign, which looks at every type of page."""

TOURS = (
    ("comparison", "tool", "figures"),
    ("home", "comparisons", "critics", "category"),
    ("critic", "method", "feeds", "digest", "saved", "missing", "redirect"),
)
"""Every type of page, in tours of about the same length."""

SAME = {"alone": "comparison", "tools": "comparisons", "digests": "critics"}
"""Types that are made from the same template as one that is toured, and hold nothing that it does not hold."""

LARGEST = 60_000
LARGEST_SCRIPT = 2_048
UNFOLD = "() => document.querySelectorAll('details').forEach((each) => { each.open = true })"
SCRIPTED = "() => document.querySelectorAll('.script, .search').forEach((each) => each.remove())"
CONTROLS = """() => [...document.querySelectorAll("button, input, select, textarea")]
    .filter((each) => each.checkVisibility()).map((each) => each.id)"""
SHOWN = "(css) => [...document.querySelectorAll(css)].filter((each) => each.checkVisibility()).length"


def said(visit: Visit) -> list[str]:
    """Return the lines of text that a page shows."""
    with visit.looked_at() as page:
        page.evaluate(SCRIPTED)
        page.evaluate(UNFOLD)
        return page.locator("body").inner_text().splitlines()


@pytest.mark.parametrize(
    ("kinds", "screens"),
    [
        *(pytest.param(kinds, SCREENS, id=f"{kinds[0]} and {len(kinds) - 1} more") for kinds in TOURS),
        pytest.param([*PAGES], EVERY, id="all on every screen", marks=pytest.mark.campaign),
    ],
)
def test_everybody_can_use_a_page(
    browser: Browser, published: Published, kinds: Sequence[str], screens: Screens
) -> None:
    """Axe finds nothing, narrow or wide, light or dark; nothing is too wide; the keyboard reaches all, in sight.

    Nothing goes wrong meanwhile, and a page is one request, that for itself; the list of what was saved asks what it
    is called, too.
    """
    visit = browser.visit(published.url(PAGES[kinds[0]]))
    found, expected = {}, []
    for kind in kinds:
        url = published.url(PAGES[kind])
        if visit.page.url != url:
            visit.open(url)
        expected += [url, f"{published.host.url}search.json"] if kind == "saved" else [url]
        found[kind] = [*faults(visit, screens)]

    assert {kind: [] for kind in kinds} == found
    assert [] == visit.faults()
    assert expected == visit.requested


def faults(visit: Visit, screens: Screens) -> Iterator[str]:
    """Yield what is wrong with a page on any of these screens."""
    walk = keyboard_walk(visit.turn(320))
    yield from walk.faults()
    if not walk.stops:
        yield "nothing to reach"
    visit.page.evaluate("document.activeElement.blur()")  # the link over the top is there while it has the focus
    visit.page.evaluate(UNFOLD)
    for width, scheme in screens:
        yield from (f"{width} {scheme}: {each}" for each in audit(visit.turn(width, scheme=scheme)))
        if wider := sideways(visit):
            yield f"{width}: {wider} pixels too wide"


def test_the_keyboard_reaches_what_was_unfolded(browser: Browser, published: Published) -> None:
    """On a wide screen too, and with all quotes unfolded, everything on a comparison is reached, in sight."""
    visit = browser.visit(published.url(f"compare/{PAIR}/"))
    visit.page.evaluate(UNFOLD)

    walk = keyboard_walk(visit)

    assert [] == walk.faults()
    assert 40 < len(walk.stops)


def test_every_comparison_is_one_request(browser: Browser, published: Published) -> None:
    """Each comparison asks for nothing but itself, and nothing goes wrong on it."""
    paths = [path for path in published.folder.glob("compare/*/index.html") if b'"refresh"' not in path.read_bytes()]
    urls = [published.url(f"{path.parent.relative_to(published.folder).as_posix()}/") for path in paths]
    visit = browser.visit(urls[0])
    for url in urls[1:]:
        visit.open(url)

    assert 5 == len(urls)
    assert urls == visit.requested
    assert [] == visit.faults()


def test_pages_are_small(published: Published) -> None:
    """No page has more than 60,000 bytes, style and script and all; the script of one has 2 KB at most."""
    pages = published.pages
    scripts = {
        len((script.text() or "").encode())
        for page in pages
        for script in LexborHTMLParser(page.read_text()).css("script:not([type])")
    }

    assert {} == {path: path.stat().st_size for path in pages if path.stat().st_size > LARGEST}
    assert {} == {size: True for size in scripts if size > LARGEST_SCRIPT}


def test_a_lost_reader_is_led_back(browser: Browser, published: Published) -> None:
    """At an address where nothing is the page says so, wherever it is shown, and leads to the start of the site."""
    visit = browser.visit(published.url("tools/gone/"))

    assert [f"404 {published.url('tools/gone/')}"] == visit.failed
    assert "Not found" == visit.page.locator("h1").inner_text()
    assert [] == [*visit.violations, *visit.errors, *visit.strangers()]
    visit.page.get_by_role("link", name="All comparisons and tools").click()
    visit.page.wait_for_url(published.host.url)


@pytest.mark.parametrize("script", [True, False])
def test_the_other_order_leads_to_the_page(browser: Browser, published: Published, *, script: bool) -> None:
    """The address with the tools in the other order, and one with an alias, show the comparison."""
    visit = browser.visit(published.host.url, Screen(script=script))
    for path in ("compare/smollm3-vs-skillclaw/", "compare/smollm3-3b-vs-skillclaw/"):
        visit.page.goto(published.url(path), wait_until="commit")
        visit.page.wait_for_url(published.url(f"compare/{PAIR}/"))

        assert [] == visit.faults()


def test_pages_say_the_same_without_script(browser: Browser, published: Published) -> None:
    """Without script a page says all that it says with it, and shows no control that does nothing."""
    kinds = ("home", "comparison", "tool", "critic", "method", "missing")
    with_script, without = browser.visit(published.host.url), browser.visit(published.host.url, Screen(script=False))

    for kind in kinds:
        for visit in (with_script, without):
            visit.open(published.url(PAGES[kind]))
        with without.looked_at() as page:
            controls = page.evaluate(CONTROLS)

        assert said(with_script) == said(without), kind
        assert ["differs"] * len(controls) == controls, kind
    without.open(published.url("saved/"))

    assert "Saving needs a script" in without.page.locator("main").inner_text()
    assert [] == [*with_script.faults(), *without.faults()]


def test_what_differs_is_shown_alone_without_script(browser: Browser, published: Published) -> None:
    """The box above the decision table leaves the rows that differ, for the mouse and for the keyboard."""
    visit = browser.visit(published.url("compare/claude-code-vs-devin/"), Screen(script=False))
    page = visit.page
    rows = page.locator(".dec tbody tr")
    shown = [row.inner_text() for row in rows.all() if row.is_visible()]

    page.get_by_label("Show only what differs").click()
    left = [row.inner_text() for row in rows.all() if row.is_visible()]
    page.get_by_label("Show only what differs").press("Space")

    cells = {row.inner_text(): row.locator("td").all_inner_texts() for row in rows.all()}
    assert [text for text in shown if cells[text][0] != cells[text][1]] == left
    assert len(left) < len(shown) == rows.count()


def test_a_page_can_be_printed(browser: Browser, published: Published) -> None:
    """On paper the quotes are unfolded, sources show their addresses, and what only a screen needs is gone."""
    visit = browser.visit(published.url(f"compare/{PAIR}/"))
    page = visit.page
    before = page.evaluate(SHOWN, "details li")

    page.emulate_media(media="print")

    assert 0 == before
    assert page.locator("details li").count() == page.evaluate(SHOWN, "details li")
    assert 0 == page.evaluate(SHOWN, ".top, .jump, .check, .ghost")
    address = "(link) => getComputedStyle(link, '::after').content.includes(link.href)"
    assert page.locator(".srcs a").first.evaluate(address)
    assert "rgb(255, 255, 255)" == page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert b"%PDF" == page.pdf()[:4]


def test_forced_colours_keep_the_meaning(browser: Browser, published: Published) -> None:
    """Where the reader's colours are forced, shapes stand out from their ground and every vote keeps a border."""
    visit = browser.visit(published.url(f"compare/{PAIR}/"), Screen(forced=True))
    fills = """(css) => [...document.querySelectorAll(css)].map((each) => getComputedStyle(each).fill)"""
    borders = "(css) => [...document.querySelectorAll(css)].map((each) => getComputedStyle(each).borderTopWidth)"

    ground = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
    shapes = visit.page.evaluate(fills, ".fa, .fb")

    assert shapes
    assert ground not in shapes
    assert "0px" not in visit.page.evaluate(borders, ".pill, .bench li")
    assert [] == visit.faults()


def test_pages_are_valid(published: Published) -> None:
    """A checker that is not ours holds nothing against the HTML of any type of page, nor of any comparison."""
    every = {*map(published.file, PAGES.values()), *published.folder.glob("compare/*/index.html")}

    assert [] == valid(sorted(every))


def test_no_link_is_dead(published: Published) -> None:
    """Every link of every page leads to a file of the site, or to a place in one; no id stands twice in a page."""
    assert [] == dead_links(published.folder, BASE)
    assert [] == repeated_ids(published.folder)


def test_linked_data_rates_nothing(published: Published) -> None:
    """Linked data says what a page is and where it stands, and nowhere that a person rated something."""
    paths = {*PAGES.values(), "tools/smollm3/", "tools/fineweb/"}
    of = {path.strip("/"): linked_data(published.file(path).read_text()) for path in paths}

    whole = {"WebPage", "Organization", "BreadcrumbList", "ListItem"}
    assert whole | {"ItemList", "SoftwareApplication"} == {*of[f"compare/{PAIR}"]}
    assert 2 == of[f"compare/{PAIR}"].count("SoftwareApplication")
    assert whole | {"SoftwareApplication"} == {*of["tools/smollm3"]}
    assert whole | {"Dataset"} == {*of["tools/fineweb"]}
    assert set() == {kind for kinds in of.values() for kind in kinds if re.search("Rating|Review", kind)}


def test_feeds_are_read_by_others(published: Published) -> None:
    """Both forms of each feed hold the same entries, which lead to pages of the site; so does the feeds page to them.

    The feed of changes holds the verdicts that became other ones, and nothing else.
    """
    pages = LexborHTMLParser(published.file("feeds/").read_text())
    linked = sorted(link for node in pages.css("main a") if (link := node.attributes["href"] or ""))
    told = {}
    for path in sorted(published.folder.rglob("*.atom")):
        one, other = atom(path.read_text()), json_feed(path.with_suffix(".json").read_text())
        name = path.relative_to(published.folder).as_posix()
        told[name] = [entry.title for entry in one.entries]

        assert (f"{BASE}{name}", one.title) == (one.address, other.title)
        assert one.address.removesuffix(".atom") == other.address.removesuffix(".json")
        assert [(each.id, each.title, each.updated, each.link) for each in one.entries] == [
            (each.id, each.title, each.updated, each.link) for each in other.entries
        ]
        assert max((entry.updated for entry in one.entries), default=one.updated) == one.updated
        assert all(published.file(entry.link.removeprefix(BASE)).is_file() for entry in one.entries)

    forms = [f"../{name.removesuffix('.atom')}.{form}" for name in told for form in ("atom", "json")]
    assert sorted(forms) == linked
    assert {"SkillClaw", "SmolLM3"} == {*told["feeds/changes.atom"]}
    assert ["SkillClaw", "SkillClaw vs SmolLM3", "SmolLM3"] == sorted(told["feeds/all.atom"])


def test_the_site_map_lists_what_is_approved(published: Published) -> None:
    """The site map holds approved pages with the day of their last change, and no draft; each leads somewhere."""
    mapped = sitemap((published.folder / "sitemap.xml").read_text())

    paths = [url.removeprefix(BASE) for url in mapped]
    reviews = [path for path in paths if re.fullmatch("(?:compare|tools)/[^/]+/", path)]
    assert [f"compare/{PAIR}/", "tools/skillclaw/", "tools/smollm3/"] == reviews
    assert {day for url, day in mapped.items() if url.removeprefix(BASE) in reviews} == {"2026-11-21"}
    assert all(published.file(path).is_file() for path in paths)
    assert {"critics/", "method/"} < {*paths}


def test_drafts_ask_not_to_be_found(published: Published) -> None:
    """A draft says that it is one and asks search engines to leave it, as a list of drafts does; nothing else does."""
    paths = {*PAGES.values(), f"compare/{DRAFT_PAIR}/", "tools/smollm3/"}
    pages = {path: LexborHTMLParser(published.file(path).read_text()) for path in paths}
    drafts = {path for path, page in pages.items() if page.css_first("aside.draft")}
    hidden = {path for path, page in pages.items() if page.css_first('meta[name="robots"][content="noindex"]')}

    assert {f"compare/{DRAFT_PAIR}/", f"tools/{DRAFT}/", PAGES["alone"]} == drafts
    lists = {PAGES[kind] for kind in ("home", "comparisons", "tools", "category", "digest", "critic", "figures")}
    assert drafts | lists | {PAGES[kind] for kind in ("saved", "missing", "redirect")} == hidden


def test_a_list_is_hidden_where_it_holds_a_draft_itself(house: House) -> None:
    """A draft on one shelf hides the lists that it stands in, and no other, in a rebuild as in a new build."""
    house.published("alpha", category="Builders")
    house.built(drafts=True)
    house.reviewed("gamma", category="Tables")
    house.built(drafts=True)
    house.built(drafts=True, out=house.folder / "new")
    found = {name for name, page in house.site().items() if b'content="noindex"' in page}

    week = next(name for name in house.site() if re.fullmatch(r"digest/[^/]+/index\.html", name))
    lists = {"index.html", "tools/index.html", "categories/tables/index.html", "statistics/index.html", week}
    critics = {f"critics/{persona}/index.html" for persona in ("mason0", "mason1", "mason2")}
    assert lists | critics | {"tools/gamma/index.html", "saved/index.html", "404.html"} == found
    assert house.site(house.folder / "new") == house.site()


def test_a_build_writes_nothing_into_runs(house: House) -> None:
    """Where a review is another one than in the comparison that stands, the page is made of what is, runs untouched."""
    house.published("alpha", (90, 90, 90))
    house.published("beta", (60, 60, 60))
    house.compared("alpha", "beta")
    house.published("alpha", (60, 60, 60))
    before = tree(house.folder / "runs")
    house.built()

    assert before == tree(house.folder / "runs")
    record = house.data("compare/alpha-vs-beta/index.json")
    assert "too close" == record["answer"]["kind"]
    assert "Too close to call." in house.text("compare/alpha-vs-beta/index.html")


def test_search_answers_from_one_file(browser: Browser, published: Published) -> None:
    """Before the first key nothing is fetched; then search.json once, however fast the keys follow."""
    visit = browser.visit(published.host.url)
    page = visit.page
    before = [*visit.requested]

    page.keyboard.press("Tab")
    page.get_by_label("Find a tool or a comparison").press_sequentially("smol")
    page.locator("#found li").first.wait_for()

    assert [published.host.url] == before
    assert [published.host.url, f"{published.host.url}search.json"] == visit.requested
    titles = page.locator("#found h2").all_inner_texts()
    assert {"SmolLM3", "SkillClaw vs SmolLM3", "Smartdiff vs SmolLM3"} == {*titles}
    assert "3 found" == page.get_by_role("status").inner_text()
    assert [] == audit(visit)
    assert [] == visit.faults()


def test_search_works_by_keyboard(browser: Browser, published: Published) -> None:
    """All words must be met, in any order and case; the next Tab is the first result, and Enter opens it."""
    visit = browser.visit(published.url("compare/"))
    page = visit.page
    box = page.get_by_label("Find a tool or a comparison")

    box.fill("no such tool at all")
    page.get_by_text("0 found").wait_for()
    box.fill("SMOLLM3 skillclaw")
    page.get_by_text("1 found").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(published.url(f"compare/{PAIR}/"))

    assert [] == visit.faults()


def test_search_says_when_it_has_no_file(browser: Browser, published: Published) -> None:
    """Where search.json can't be had, the reader is told instead of waiting."""
    visit = browser.visit(published.host.url)
    visit.page.route("**/search.json", lambda route: route.abort())

    visit.page.get_by_label("Find a tool or a comparison").press_sequentially("smol")

    visit.page.get_by_text("Search can’t be loaded").wait_for()


def test_what_is_saved_stays(browser: Browser, published: Published) -> None:
    """A tool that is saved is so on every page, after a reload and in the list; saved once more, it is gone."""
    visit = browser.visit(published.url("tools/smollm3/"))
    page = visit.page
    button = page.locator("button[data-save='tools/smollm3/']")
    states = [state(button)]
    button.press("Enter")
    for _ in range(2):
        states.append(state(button))
        page.reload()
    visit.open(published.url(f"compare/{PAIR}/"))
    states.append(state(button))
    other = page.locator("button[data-save='tools/skillclaw/']").get_attribute("aria-pressed")
    listed = saved(visit, published)
    visit.open(published.url(f"compare/{PAIR}/"))
    button.click()

    assert ["Save SmolLM3", "Saved SmolLM3", "Saved SmolLM3", "Saved SmolLM3"] == [
        " ".join(text.split()) for text, _ in states
    ]
    assert ["false", "true", "true", "true"] == [pressed for _, pressed in states]
    assert "false" == other
    assert ("1 saved in this browser", ["SmolLM3"]) == listed
    assert ("Nothing saved yet", []) == saved(visit, published)
    assert [] == visit.faults()


def state(button: Locator) -> tuple[str, str | None]:
    """Return what a button says of itself, and what it says to a screen reader."""
    return " ".join((button.text_content() or "").split()), button.get_attribute("aria-pressed")


def saved(visit: Visit, published: Published) -> tuple[str, list[str]]:
    """Return what the list of what was saved says, and what stands in it."""
    visit.open(published.url("saved/"))
    told = visit.page.locator("#state:not(:text('script'))")
    told.wait_for()
    return told.inner_text(), visit.page.locator("#mine h2").all_inner_texts()


def test_every_type_of_page_is_toured() -> None:
    """No type of page is left out of the tours."""
    toured = [kind for tour in TOURS for kind in tour]

    assert sorted({*PAGES} - {*SAME}) == sorted(toured)
    assert {*SAME.values()} <= {*toured}


def test_the_digest_tells_of_its_week(published: Published) -> None:
    """The digest of the week holds the two approved reviews, their turned verdicts and their comparison."""
    page = LexborHTMLParser(published.file(f"digest/{WEEK}/").read_text())
    text = " ".join((page.css_first("main") or page.body).text().split())
    found = [urlsplit(node.attributes["href"] or "").path.removeprefix("../../") for node in page.css("main a")]

    assert APPROVED_AT[:4] in text
    assert {"tools/smollm3/", "tools/skillclaw/", f"compare/{PAIR}/"} <= {*found}
    assert "the verdict went from Ship 3-0 to Mixed 2-2" in text
