"""Feeds: what machines read can be parsed, moves when a verdict or a take does, and leads to pages that are there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from published import APPROVED, ASKED, HOSTILE, SITE, URL, House, three

from panel.publish import feeds
from panel.publish.render import visible
from panel.tables import SiteSettings

ATOM, MAP = "{http://www.w3.org/2005/Atom}", "{http://www.sitemaps.org/schemas/sitemap/0.9}"
LATER = "2026-06-01T08:00:00Z"


@pytest.fixture
def shop(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """Three published tools and two comparisons; no cards are drawn."""
    monkeypatch.setattr("panel.publish.build.has_letters", lambda: False)
    return three(house)


def entries(house: House, name: str) -> dict[str, tuple[str, str]]:
    """Return the entries of an Atom feed: title and time by id. Its JSON twin must say the same."""
    root = ET.fromstring(house.text(f"{name}.atom"))
    assert [f"{URL}/{name}.atom"] == [
        link.get("href") for link in root.iter(f"{ATOM}link") if link.get("rel") == "self"
    ]
    found, published = {}, {}
    for entry in root.iter(f"{ATOM}entry"):
        title, id, updated = (entry.findtext(f"{ATOM}{tag}") or "" for tag in ("title", "id", "updated"))
        assert id not in found
        found[id] = (title, updated)
        published[id] = entry.findtext(f"{ATOM}published")
    feed = house.data(f"{name}.json")
    assert ("https://jsonfeed.org/version/1.1", f"{URL}/{name}.json") == (feed["version"], feed["feed_url"])
    assert [*found.items()] == [(item["id"], (item["title"], item["date_modified"])) for item in feed["items"]]
    assert published == {item["id"]: item.get("date_published") for item in feed["items"]}
    latest = max((updated for _, updated in found.values()), default="1970-01-01T00:00:00Z")
    assert (latest, f"{URL}/{name}") == (root.findtext(f"{ATOM}updated"), root.findtext(f"{ATOM}id"))
    return found


def updated(house: House) -> dict[str, str]:
    """Return when each page was updated, by what the feed of all calls it."""
    house.built()
    return dict(entries(house, "feeds/all").values())


def test_the_feed_of_all_holds_every_page_once(shop: House) -> None:
    """Each tool and each comparison is one entry, its id the address of its page, the latest first."""
    shop.published("delta", at=LATER)
    shop.built()
    found = entries(shop, "feeds/all")

    assert {f"{URL}/{name.removesuffix('index.html')}" for name in shop.pages() if "-vs-alpha" not in name} == {*found}
    assert ("Delta", LATER) == next(iter(found.values()))


def test_a_feed_of_a_category_holds_what_stands_on_it(shop: House) -> None:
    """The tools of a category and the comparisons that one of them is in, and no others."""
    shop.built()

    assert {"Gamma", "Alpha vs Gamma"} == {title for title, _ in entries(shop, "categories/tables/feed").values()}
    assert {"Alpha", "Beta", "Alpha vs Beta", "Alpha vs Gamma"} == {
        title for title, _ in entries(shop, "categories/builders/feed").values()
    }


def test_an_old_review_that_is_approved_late_comes_first(shop: House) -> None:
    """Entries stand by what readers saw last: an approval that comes late is new then, and leaves `updated` true."""
    shop.published("late", approved=LATER)
    shop.published("fresh", at="2026-05-20T00:00:00Z")
    shop.built()
    items = shop.data("feeds/all.json")["items"]

    assert ("Late", ASKED) == next(iter(entries(shop, "feeds/all").values()))
    assert [(LATER, ASKED), (APPROVED, "2026-05-20T00:00:00Z")] == [
        (one["date_published"], one["date_modified"]) for one in items[:2]
    ]
    when = [max(one["date_published"], one["date_modified"]) for one in items]
    assert when == sorted(when, reverse=True)
    shop.kept("late", "approval.json").unlink()
    shop.built()
    assert "Late" not in shop.text("feeds/all.atom")


STEADY: dict[str, Callable[[House], object]] = {
    "nothing": lambda shop: None,
    "another approval": lambda shop: shop.approved("alpha", at=LATER, by="Bo"),
    "votes": lambda shop: (shop.folder / "runs/votes.json").write_text(
        json.dumps({"schema": "panel.votes/1", "tools": {"alpha": {"ship": 30, "skip": 1}}})
    ),
    "a retake that was left": lambda shop: shop.logged("alpha", "keep", LATER, persona="mason0", rejected=2),
    "a retake that is looked at": lambda shop: shop.logged("alpha", "retake", LATER, persona="mason0", take=2),
    "a lock": lambda shop: shop.logged("alpha", "lock", LATER),
    "an approval in the log": lambda shop: shop.logged("alpha", "approve", LATER, by="Bo"),
    "a torn line": lambda shop: shop.kept("alpha", "log.jsonl").write_text('{"at": "2027-01-01T00:00:00Z", "ev'),
}


@pytest.mark.parametrize("change", STEADY.values(), ids=STEADY)
def test_an_entry_stays_where_no_verdict_and_no_take_changed(shop: House, change: Callable[[House], object]) -> None:
    """Approvals, votes, rebuilds and takes that were not accepted move no entry."""
    before = updated(shop)
    change(shop)

    assert before == updated(shop) == dict.fromkeys(before, ASKED)


MOVING: dict[str, Callable[[House], object]] = {
    "a fresh reply": lambda shop: shop.published("alpha", (75, 80, 90), at=LATER),
    "a retake that was accepted": lambda shop: shop.logged("alpha", "accept", LATER, persona="mason0", take=2),
    "a take that was brought back": lambda shop: shop.logged("alpha", "restore", LATER, persona="mason0", take=1),
    "an edit": lambda shop: shop.logged("alpha", "edit", LATER, persona="mason0", take=1, by="Bo"),
    "a verdict": lambda shop: shop.logged("alpha", "verdict", LATER, before="Mixed 1-2", after="Ship 3-0"),
}


@pytest.mark.parametrize("change", MOVING.values(), ids=MOVING)
def test_an_entry_moves_where_a_verdict_or_a_take_changed(shop: House, change: Callable[[House], object]) -> None:
    """What makes a review another one moves its entry and those of its comparisons, and no other."""
    before = updated(shop)
    change(shop)
    moved = {title for title, at in updated(shop).items() if at == LATER}

    assert {"Alpha", "Alpha vs Beta", "Alpha vs Gamma"} == moved
    assert {*before} == {*updated(shop)}


def test_changed_verdicts_are_told_once_each(shop: House) -> None:
    """The feed of changes has an entry for every other label, none for another split; two of one second stay two."""
    for at, before, after in (
        ("2026-05-10T00:00:00Z", "Ship 3-0", "Mixed 2-1"),
        ("2026-05-10T00:00:00Z", "Mixed 2-1", "Skip 0-3"),
        ("2026-05-11T00:00:00Z", "Skip 0-3", "Skip 0-2"),
        ("2026-05-12T00:00:00Z", "Skip 0-2", "No verdict 0-2"),
    ):
        shop.logged("alpha", "verdict", at, before=before, after=after)
    shop.built()
    found, items = entries(shop, "feeds/changes"), shop.data("feeds/changes.json")["items"]

    assert ["Skip 0-2 to No verdict 0-2", "Ship 3-0 to Mixed 2-1", "Mixed 2-1 to Skip 0-3"] == [
        item["content_text"].removeprefix("the verdict went from ") for item in items
    ]
    assert {f"{URL}/tools/alpha/"} == {item["url"] for item in items} == {id.split("#")[0] for id in found}
    shop.logged("alpha", "verdict", LATER, before="No verdict 0-2", after="Ship 3-0")
    shop.built()
    assert [*found] == [*entries(shop, "feeds/changes")][1:]


def test_words_of_others_are_no_changed_verdict(shop: House) -> None:
    """An event of another name can't forge an entry in the feed of changes, whatever it says."""
    forged = "the verdict went from Skip 0-3 to Ship 3-0"
    shop.logged("alpha", "edit", by=forged, persona="mason0")
    shop.logged("alpha", forged, before="Skip 0-3", after="Ship 3-0")
    shop.logged("alpha", "void", by="Ann", why=forged)
    shop.built()

    assert {} == entries(shop, "feeds/changes")


def test_a_long_feed_ends(shop: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A feed holds the latest entries and no more than it says."""
    monkeypatch.setattr(feeds, "MOST_ENTRIES", 3)
    shop.published("delta", at=LATER)
    shop.built()

    assert ["Delta", "Alpha vs Beta", "Beta"] == [title for title, _ in entries(shop, "feeds/all").values()]


def test_hostile_names_are_text_in_every_feed(shop: House) -> None:
    """Markup leaves every file whole, a name comes back as text; what no screen shows is in no feed and no list."""
    shop.published("evil", at=LATER, name=HOSTILE, tagline=HOSTILE, category=HOSTILE, aliases=(HOSTILE,))
    shop.logged("evil", "verdict", LATER, before="Skip 0-3", after=f"{HOSTILE} 3-0")
    shop.compared("alpha", "evil")
    shop.built(SiteSettings(name=HOSTILE[:80], url=URL))
    kept = visible(HOSTILE)

    for name in [name.removesuffix(".atom") for name in shop.site() if name.endswith(".atom")]:
        for text in (shop.text(f"{name}.atom"), json.dumps(shop.data(f"{name}.json"), ensure_ascii=False)):
            assert text == visible(text)
        titles = [title.text for title in ET.fromstring(shop.text(f"{name}.atom")).iter(f"{ATOM}title")]
        assert titles[0] is not None
        assert titles[0].startswith(kept[:60])
    assert kept in [title.text for title in ET.fromstring(shop.text("feeds/all.atom")).iter(f"{ATOM}title")]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ufffe]", kept)
    assert kept in [item["title"] for item in shop.data("feeds/all.json")["items"]]
    ET.fromstring(shop.text("sitemap.xml"))
    told = shop.text("llms.txt")
    assert told == visible(told)
    assert ("<script>" in told, "\n- [Evil" in told, re.findall(r"(?<!\\)\]\(javascript", told)) == (False, False, [])


def test_without_an_address_there_is_nothing_that_needs_one(shop: House) -> None:
    """Without the address of the site there are no feeds, no sitemap, no canonical links; pages offer none."""
    shop.built(SiteSettings())

    assert not [name for name in shop.site() if name.endswith(".atom") or "feed." in name or "sitemap" in name]
    assert "No feeds" in shop.text("feeds/index.html")
    assert {"robots.txt", "llms.txt"} < {*shop.site()}
    assert not [name for name in shop.site() if name.endswith(".html") and 'rel="canonical"' in shop.text(name)]
    assert "Sitemap:" not in shop.text("robots.txt")
    assert "Follow:" not in shop.text("categories/builders/index.html")


def locations(house: House) -> dict[str, str | None]:
    """Return the addresses of the sitemap, from the root, with the day of their last change."""
    root = ET.fromstring(house.text("sitemap.xml"))
    found = [(url.findtext(f"{MAP}loc") or "", url.findtext(f"{MAP}lastmod")) for url in root]
    assert len({*found}) == len(found)
    return {loc.removeprefix(f"{URL}/"): day for loc, day in found}


def test_the_sitemap_tells_true_days(shop: House) -> None:
    """A page changed when its review did, a list when something on it did or was published; rules have no day."""
    shop.published("delta", (None, 75, 75), category="Chairs", at=LATER, approved="2026-06-03T00:00:00Z")
    shop.built()
    found = locations(shop)

    assert ("2026-05-04", "2026-06-01") == (found["tools/alpha/"], found["tools/delta/"])
    assert ("2026-06-03", "2026-06-03", "2026-05-13") == (found[""], found["tools/"], found["compare/"])
    assert ("2026-05-13", "2026-06-03") == (found["categories/builders/"], found["categories/chairs/"])
    assert ("2026-05-13", "2026-06-03") == (found["critics/mason0/"], found["critics/mason1/"])
    assert (None, None) == (found["method/"], found["critics/"])


def test_the_sitemap_names_pages_that_may_be_found(shop: House) -> None:
    """Every address of the sitemap has a page, which is not hidden; all pages of tools and comparisons are there."""
    shop.built()
    found = {f"{path}index.html" for path in locations(shop)}

    assert {name for name in shop.pages() if "-vs-alpha" not in name} < found <= {*shop.site()}
    assert not [name for name in found if "noindex" in shop.text(name)]


def test_robots_may_read_everything(shop: House) -> None:
    """Nothing is disallowed, and the sitemap is named by its whole address."""
    shop.built()

    assert f"User-agent: *\nAllow: /\n\nSitemap: {URL}/sitemap.xml\n" == shop.text("robots.txt")


@pytest.mark.parametrize("url", [URL, f"{URL}/deep/site/", None])
def test_every_link_of_llms_txt_leads_to_a_file(shop: House, url: str | None) -> None:
    """llms.txt leads to the Markdown of every page, and to the method."""
    shop.built(SiteSettings(url=url))
    links = re.findall(r"\]\(([^)]*)\)", shop.text("llms.txt"))
    paths = [link.removeprefix(f"{url.rstrip('/')}/" if url else "") for link in links]

    assert {"tools/alpha/index.md", "compare/alpha-vs-gamma/index.md", "method/"} < {*paths}
    assert all((shop.out / path).exists() for path in paths)
    assert SITE.base == f"{URL}/"
