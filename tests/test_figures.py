"""The page of figures: made from what is published alone, made again when that changes, small whatever stands in it."""

from __future__ import annotations

import json
import re
from importlib.machinery import ModuleSpec

import made
import pytest
from published import HOSTILE, SITE, House, three
from selectolax.lexbor import LexborHTMLParser

from panel.publish.edition import Edition
from panel.publish.entries import tool_entry
from panel.publish.figures import MOST_CARDS, figures_page
from panel.publish.page import Files
from panel.publish.render import LARGEST_PAGE
from panel.record import digest
from panel.review import Review, review
from panel.statistics import catalogue
from panel.statistics.figures import Statistics
from panel.tables import SiteSettings

HTML, TEXT, DATA = (f"statistics/index.{kind}" for kind in ("html", "md", "json"))
AT = "2026-05-06T09:00:00Z"


@pytest.fixture
def shop(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """Three published tools; no cards are drawn."""
    monkeypatch.setattr("panel.publish.build.has_letters", lambda: False)
    return three(house)


def published(*reviews: Review) -> Edition:
    """Return an edition of approved reviews, by a panel of nobody that is still there."""
    entries = [tool_entry(one, digest(one), None, ()).model_copy(update={"is_draft": False}) for one in reviews]
    return Edition(SITE, (), entries, ())


def files_of(*reviews: Review) -> Files:
    """Return the page of figures over reviews, with its twins."""
    return figures_page(published(*reviews)).make()


def said(files: Files) -> str:
    """Return the words of a page."""
    return " ".join(LexborHTMLParser(files[HTML].decode()).css_first("main").text(separator=" ").split())


MANY = [made.scored_review(f"tool-{n}", {id: n * step % 101 for id, step in (("a", 13), ("b", 29))}) for n in range(30)]


def test_the_page_says_what_its_data_says() -> None:
    """Each number of the data beside it stands on the page and in its text: votes, means, coefficients, ranges."""
    files = files_of(*MANY)
    data = Statistics.model_validate(json.loads(files[DATA]))
    text = files[TEXT].decode()
    agreement = data.agreement
    told = [" ".join(each.told(".2f")) for each in (agreement.scores_alpha, agreement.votes_alpha, agreement.votes_ac1)]
    told += [" ".join(agreement.effective_votes.told(".2f")), " ".join(data.critics[0].harshness.told("+.1f"))]
    told += [f"{one.percent}% {one.ships} of {one.heard}" for one in data.critics]
    told += [f"{one.mean:.1f} median {one.median:g}" for one in data.critics]

    assert [] == [each for each in told if each not in said(files)]
    assert 30 == data.tools
    for one in data.critics:
        assert f"heard on {one.heard} tools, ships {one.ships} of them ({one.percent}%)" in text
    assert f"Krippendorff’s alpha: {agreement.scores_alpha.told('.2f')[0]} (" in text
    assert "NaN" not in said(files) + text


def test_a_chart_has_a_bar_for_every_bin_that_is_not_empty() -> None:
    """The bars of a critic are as high as its bins are full, and its title says the same in words."""
    page = LexborHTMLParser(files_of(*MANY)[HTML].decode())
    chart = page.css("svg.hist")[0]
    shown = [int(node.text()) for node in chart.css("text[text-anchor]")]
    heights = [int(node.attributes["height"] or 0) for node in chart.css("rect")]

    assert 30 == sum(shown)
    assert [round(104 * count / max(shown)) for count in shown] == heights
    assert shown == [int(count) for count in re.findall(r"(\d+) from", chart.css_first("title").text())]


def test_only_what_is_published_counts(shop: House) -> None:
    """A draft that is left out changes nothing on the page; with --drafts it counts, and the page is hidden."""
    shop.built()
    before = {name: shop.site()[name] for name in (HTML, TEXT, DATA)}
    shop.reviewed("delta", (90, 90, 90))
    shop.built()
    after = {name: shop.site()[name] for name in before}
    indexed = "statistics/" in shop.text("sitemap.xml")
    shop.built(drafts=True)

    assert before == after
    assert (3, 4) == (json.loads(before[DATA])["tools"], shop.data(DATA)["tools"])
    assert (True, False) == (indexed, "statistics/" in shop.text("sitemap.xml"))
    assert (False, True) == (b"noindex" in before[HTML], "noindex" in shop.text(HTML))


def test_it_is_made_again_when_a_take_changes(shop: House) -> None:
    """A build without changes leaves it alone; one other score, and it is another page."""
    shop.built()
    first = shop.stamps()[HTML], shop.data(DATA)
    shop.built()
    second = shop.stamps()[HTML], shop.data(DATA)
    shop.published("beta", (40, 30, 50), category="Builders")
    shop.built()

    assert first == second
    assert first[1]["critics"] != shop.data(DATA)["critics"]
    assert "../statistics/" in LexborHTMLParser(shop.text("method/index.html")).css_first("main").html


def test_without_the_library_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Votes, means and charts are there, and instead of coefficients stands that NumPy is not; its key is another."""
    with_it = figures_page(published(*MANY)).depends_on
    monkeypatch.setattr(catalogue, "find_spec", lambda name: None if name == "numpy" else ModuleSpec(name, None))
    files = files_of(*MANY)

    assert 5 + 2 == said(files).count("NumPy is not installed here")
    assert 2 == len(LexborHTMLParser(files[HTML].decode()).css("svg.hist"))
    assert with_it != figures_page(published(*MANY)).depends_on


def test_an_empty_site_has_no_figures() -> None:
    """Where nothing is published the page says that."""
    files = figures_page(Edition(SiteSettings(), (), (), ())).make()

    assert "Nothing is published yet" in said(files)
    assert [] == LexborHTMLParser(files[HTML].decode()).css("svg.hist")


def test_whatever_stands_in_records_the_page_is_small_and_inert() -> None:
    """Sixty critics with long names full of markup make a page under 60 KB on which nothing runs."""
    seats = [made.scored_seat(f"{HOSTILE * 9}{n}", n, name=HOSTILE * 9) for n in range(70)]
    files = files_of(*(review(made.changed(made.plumb(), slug=f"tool-{n}", name=HOSTILE), seats) for n in range(3)))
    page = LexborHTMLParser(files[HTML].decode())

    assert len(files[HTML]) <= LARGEST_PAGE
    assert MOST_CARDS == len(page.css("svg.hist"))
    assert f"And {60 - MOST_CARDS} critics more in the data." in said(files)
    assert [] == page.css("main script, main a[href*=javascript]")
    assert "<script>alert" not in files[HTML].decode() + files[TEXT].decode()
