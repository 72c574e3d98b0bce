"""A reader's walk: what somebody who opens a comparison wants to know is in the first window, or one click away."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from browsing import Browser, Screen, Visit
from shown import APPROVER, DRAFT_PAIR, PAIR, Published

SCREENS = (Screen(1280, 800), Screen(390, 780))
BASIS = "section[aria-labelledby=basis]"
IN_SIGHT = """(node) => {
    const box = node.getBoundingClientRect();
    const words = document.createRange();
    words.selectNodeContents(node);
    return box.height > 0 && box.top >= 0 && box.bottom <= innerHeight && box.left >= 0 && box.right <= innerWidth
        && node.checkVisibility() && words.toString().trim() !== "";
}"""


def in_sight(visit: Visit, css: str) -> list[str]:
    """Return the words of the elements that are meant and whole in the window."""
    with visit.looked_at() as page:
        found = [node for node in page.locator(css).all() if node.evaluate(IN_SIGHT)]
        return [" ".join(node.inner_text().split()) for node in found]


def follow(visit: Visit, name: str) -> None:
    """Click a link that is in the window, and wait until the page stands still."""
    link = visit.page.get_by_role("link", name=name, exact=True)
    assert link.evaluate(IN_SIGHT), f"{name} is not in sight"
    link.click()


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: str(screen.width))
def test_a_reader_finds_what_to_ask(browser: Browser, published: Published, screen: Screen) -> None:
    """In the first window: which one, why, when, who stands behind it, who disagrees. A click away: what they say."""
    visit = browser.visit(published.host.url, replace(screen, still=True))
    for pair in (PAIR, DRAFT_PAIR):
        visit.open(published.url(f"compare/{pair}/"))
        assert_answers(visit, pair)


def assert_answers(visit: Visit, pair: str) -> None:
    """Assert that a comparison answers in its first window, and that the links there lead to what that rests on."""
    [which] = in_sight(visit, ".answer .says")
    why = in_sight(visit, ".answer .says + p")
    when = in_sight(visit, ".head time")
    behind, who = in_sight(visit, ".answer .by")
    follow(visit, "Who says what")
    disagrees = in_sight(visit, "#critics"), in_sight(visit, ".critic .who")
    visit.page.evaluate("scrollTo(0, 0)")
    follow(visit, "What it rests on")
    rests = in_sight(visit, "#basis"), in_sight(visit, f"{BASIS} p")

    assert which in ("Pick SmolLM3.", "Neither.", "Too close to call.")
    assert 1 == len(why)
    assert {"21 November 2026", "20 November 2026"} >= {*when} != set()
    assert behind.startswith(
        f"Approved by {APPROVER} on 21 November 2026." if pair == PAIR else "The review of Devin is a draft."
    )
    assert who.endswith(" Who says what")
    assert re.search("ships|higher|No critic", who)
    assert (["Reviewer scorecard"], True) == (disagrees[0], bool(disagrees[1]))
    assert "/100 · s" in disagrees[1][0]
    assert ["What it rests on"] == rests[0]
    assert "made alike" in rests[1][0].lower() or "like for like" in rests[1][0].lower()


@pytest.mark.parametrize("screen", SCREENS[-1:], ids=lambda screen: str(screen.width))
def test_every_quote_leads_to_its_source(browser: Browser, published: Published, screen: Screen) -> None:
    """From a take its quotes are one click away, and from a quote the source that it stands in, marked."""
    visit = browser.visit(published.url(f"compare/{PAIR}/"), replace(screen, still=True))
    page = visit.page
    take = page.locator("article.take").filter(has=page.locator(".quotes a")).first

    take.locator("summary").click()
    link = take.locator(".quotes a").first
    target = link.get_attribute("href") or ""
    link.click()

    assert re.fullmatch(r"#a\d+", target)
    assert 1 == len(in_sight(visit, target))
    assert "3px" == page.locator(target).evaluate("(node) => getComputedStyle(node).outlineWidth")


def test_the_moderators_citations_lead_to_takes(browser: Browser, published: Published) -> None:
    """From each clause the takes that it rests on are one click away."""
    visit = browser.visit(published.url(f"compare/{PAIR}/"), Screen(still=True))
    links = visit.page.locator(".if li a")
    assert links.count() > 0

    for link in links.all():
        link.click()
        assert 1 == len(in_sight(visit, f"{link.get_attribute('href')} .who"))
