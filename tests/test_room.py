"""Room: pages of tools and comparisons stay within their budget, whatever the longest records hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

import made
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape
from published import SITE, House, moderation, named

from panel.compare import Sided, comparison
from panel.comparison import Approved, Comparison, Happening
from panel.publish.entries import pair_entry, tool_entry
from panel.publish.pages import PairPage, ToolPage, alone
from panel.publish.render import LARGEST_PAGE, clip
from panel.review import Seat, review
from panel.take import Evidence, Flag, Outside
from panel.tool import Links, Pricing, Source

SEATS, SOURCES = 12, 24


def text(fill: str, most: int) -> str:
    """Return a text of just so many characters."""
    return (fill * most)[: most - 1] + "x"


def seat(number: int, fill: str, *, heard: bool = True) -> Seat:
    """Return a seat with the longest take that there can be, or the longest reason for none."""
    name, told = f"Mason {number} of the Long Wall", {"why": text(fill, 400), "evidence": ("e1", "e2", "e3")}
    ratings = [made.rated(Fraction(3), criterion=f"criterion-{each}-of-a-long-name", **told) for each in range(7)]
    model = {"answered_by": f"openai:gpt-{number}"}
    asks = tuple(made.ask(f"{number}{each}").model_copy(update=model) for each in range(3))
    if not heard:
        return made.seat(f"mason{number}", None, name=name, reason=text(fill, 2_000), asks=asks)
    take = made.take(
        ratings,
        text=text(fill, 5_000),
        **{field: text(fill, 400) for field in ("headline", "best_for", "not_for", "would_change_my_vote")},
        evidence=tuple(Evidence(id=f"e{each}", source="source-23", quote=text(fill, 600)) for each in range(100)),
        outside=tuple(Outside(text=text(fill, 400), kind="background") for _ in range(12)),
        flags=tuple(Flag(kind="outside", text=text(fill, 400)) for _ in range(12)),
        samples=9,
        retakes=9,
        edited_by="Ann",
    )
    return made.seat(f"mason{number}", take, name=name, asks=asks)


def longest(slug: str, fill: str, *, heard: bool = True) -> Sided:
    """Return a review as long as its dossier and its takes may be, with a long history."""
    address = "https://panel.example/" + "a" * 1_970
    source = {"kind": "independent", "title": text(fill, 400), "url": address, "text": text(fill, 20_000)}
    tool = named(
        slug,
        **{field: text(fill, 120) for field in ("name", "version", "maker", "category")},
        **{field: text(fill, 400) for field in ("tagline", "license")},
        description=text(fill, 20_000),
        pricing=Pricing(entry="open_source", text=text(fill, 400), url=address),
        links=Links(home=address, docs=address, repo=address),
        aliases=tuple(text(fill, 120) for _ in range(20)),
        sources=tuple(Source(id=f"source-{number}", **source) for number in range(SOURCES)),
    )
    seats = [seat(number, fill, heard=heard) for number in range(SEATS)]
    history = tuple(Happening(at="2026-05-04T12:00:00Z", what=text(fill, 400)) for _ in range(500))
    approval = Approved(by="Ann", at="2026-05-04T12:00:00Z")
    return Sided(review(tool, seats), None, approval, history)


def pages(one: Sided, other: Sided) -> Mapping[str, bytes]:
    """Return the pages of a tool, of a comparison, and of a comparison that belongs to no site."""
    sides = one, other
    entries = [tool_entry(side.review, "sha256:0", side.approval, ()) for side in sides]
    moderated = moderation(f"{entries[0].slug}/mason0", f"{entries[1].slug}/mason1")
    record: Comparison = comparison(one, other, moderated)
    entry = pair_entry(record, (entries[0], entries[1]), is_unread=False)
    critics = {f"mason{number}" for number in range(SEATS)}
    return {
        "tool": ToolPage(SITE, one, entries[0], [entry] * 30, critics, b"").files()[f"{entries[0].path}index.html"],
        "comparison": PairPage(record, SITE, entry, critics).files()[f"{entry.path}index.html"],
        "alone": alone(record).encode(),
    }


MORE = [("🦀", False), ("🦀", True), ("&", False)]
LONGEST = [("&", True), *(pytest.param(*one, marks=pytest.mark.campaign) for one in MORE)]


@pytest.mark.parametrize(("fill", "heard"), LONGEST)
def test_the_longest_records_fit(fill: str, heard: bool) -> None:
    """Every page of the longest records is at most sixty thousand bytes, style and all."""
    made_pages = pages(longest("alpha", fill, heard=heard), longest("beta", fill))
    sizes = {name: len(page) for name, page in made_pages.items()}

    assert {} == {name: size for name, size in sizes.items() if size > LARGEST_PAGE}


def test_the_budget_is_that_of_the_issue() -> None:
    """Sixty thousand bytes are what a page may have."""
    assert 60_000 == LARGEST_PAGE


def test_an_ordinary_record_is_shown_whole(house: House) -> None:
    """A review of the usual length is not cut: the whole take, every quote and the whole history are there."""
    house.published("alpha", (75, 80, 90))
    for number in range(5):
        house.logged("alpha", "edit", f"2026-05-0{number + 1}T00:00:00Z", persona="mason0", by=f"Editor {number}")
    house.built()
    shown = house.text("tools/alpha/index.html")

    assert made.TAKE in shown
    assert "…" not in shown.split("<main")[1].split("</main")[0]
    assert all(f"edited by Editor {number}" in shown for number in range(5))


@given(st.text(max_size=80), st.integers(1, 40))
def test_a_text_that_is_cut_fits(text: str, most: int) -> None:
    """A text is shown whole where there is room; else its beginning, in no more characters and bytes than there are."""
    shown = clip(text, most)
    size = len(str(escape(shown)).encode())

    assert shown == text or (shown.endswith(" …") and text.startswith(shown.removesuffix(" …")))
    assert shown == text or size <= 2 * most + len(" …".encode())
    assert shown == text or len(shown) <= most + 2


def test_what_does_not_fit_is_one_click_away() -> None:
    """A page that is cut says so, and links to its record, which holds everything."""
    shown = pages(longest("alpha", "word "), longest("beta", "word "))

    assert b'Ratings, reasons and quotes are in <a href="index.json">the record</a>' in shown["tool"]
    assert re.search(rb'2[0-9] more in <a href="index.json">the record</a>', shown["tool"])
    assert b"their words are on the pages of the tools" in shown["comparison"]
    assert b"their words are in the record" in shown["alone"] or b"Rests on 100 quotes" in shown["alone"]
