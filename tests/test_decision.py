"""The decision table and the page of a comparison: every cell from the record, and nothing in it becomes markup."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any, get_args

import made
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import scored_review, scored_seat, scored_take
from test_markdown import WORST, columns, seen

from panel.community import Community
from panel.compare import Sided, comparison
from panel.comparison import Approved, Comparison, Fact, Happening
from panel.markdown import comparison_page
from panel.moderation import Clause, Moderation
from panel.review import Absence, review
from panel.tool import Entry, Kind, Pricing

ROWS = ["verdict", "community", "pricing", "license", "best_for", "not_for", "category", "kind", "released", "evidence"]


def table(one: Sided) -> Mapping[str, Fact]:
    """Return what the table says of a tool, by row."""
    other = Sided(scored_review("zinc", {"a": 1}))
    return {row.key: row.facts[0] for row in comparison(one, other).decision}


def cell(key: str, **fields: object) -> tuple[str, str | None]:
    """Return a cell of the table for a tool like Plumb with other fields."""
    fact = table(Sided(scored_review("gauge", {"a": 70}, **fields)))[key]
    return fact.text, fact.note


def test_the_rows_of_the_table() -> None:
    """The table has the rows that the design names, each with a fact for both sides."""
    record = comparison(Sided(scored_review("gauge", {})), Sided(scored_review("plumb", {})))

    assert ROWS == [row.key for row in record.decision]
    assert all(row.label and row.facts[0].text and row.facts[1].text for row in record.decision)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ({"a": 80, "b": 60, "c": 70, "d": 20}, ("Ship · 3 ship / 1 skip", "panel score 65, 4 of 4 heard")),
        ({"a": 80, "b": 60, "c": 20, "d": None}, ("Mixed · 2 ship / 1 skip", "panel score 53.3, 3 of 4 heard")),
        ({"a": 80}, ("No verdict · 1 ship / 0 skip", "panel score 80, 1 of 1 heard")),
        ({}, ("No verdict · 0 ship / 0 skip", "0 of 0 heard")),
    ],
)
def test_the_verdict_with_its_split(scores: Mapping[str, int | None], expected: tuple[str, str]) -> None:
    """The verdict is told with its split, its score and how many were heard."""
    fact = table(Sided(scored_review("gauge", scores)))["verdict"]

    assert (expected, None) == ((fact.text, fact.note), fact.persona)


def test_a_provisional_verdict_is_called_so() -> None:
    """A verdict that a seat which failed could still change is told as provisional."""
    heard = [scored_seat(id, score) for id, score in {"a": 80, "b": 80, "c": 80, "f": 20}.items()]
    shaky = review(made.plumb(), [*heard, scored_seat("d", None, absence=Absence.FAILED, reason="busy")])
    sure = review(made.plumb(), heard)

    assert "panel score 80, 4 of 5 heard, provisional" == table(Sided(shaky))["verdict"].note
    assert "panel score 80, 4 of 4 heard" == table(Sided(sure))["verdict"].note


@pytest.mark.parametrize(
    ("votes", "expected"),
    [
        (None, "No community votes yet"),
        (Community(), "No community votes yet"),
        (Community(ship=4), "4 community votes"),
        (Community(ship=7, skip=3), "70% ship of 10 votes (40 to 89%)"),
    ],
)
def test_community(votes: Community | None, expected: str) -> None:
    """What readers voted is told beside the panel; where nobody counts, that there are no votes yet."""
    assert expected == table(Sided(scored_review("gauge", {}), votes))["community"].text


ENTRIES = {
    "free": "Free", "open_source": "Open source", "freemium": "Free to start", "trial": "Free trial",
    "usage": "Pay as you use", "paid": "Paid", "contact": "Ask the maker", "unknown": "Not stated",
}  # fmt: skip


@pytest.mark.parametrize("entry", get_args(Entry))
def test_pricing_goes_by_the_entry(entry: Entry) -> None:
    """How one gets in is told from `entry` alone, whatever the text says."""
    assert (ENTRIES[entry], "Free and paid, open trial") == cell(
        "pricing", pricing=Pricing(entry=entry, text="Free and paid, open trial")
    )
    assert (ENTRIES[entry], None) == cell("pricing", pricing=Pricing(entry=entry))


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        ({"from": "9.50", "currency": "EUR"}, "from 9.50 EUR"),
        ({"from": "20"}, "from 20"),
        ({"from": "1E+3", "currency": "USD"}, "from 1000 USD"),
        ({"from": "0.0000005", "currency": "USD"}, "from 0.0000005 USD"),
        ({"checked_on": "2026-03-01"}, "checked on 2026-03-01"),
        ({"text": "A month", "from": Decimal(0), "currency": "USD", "checked_on": "2026-03-01"},
         "A month · from 0 USD · checked on 2026-03-01"),
    ],
)  # fmt: skip
def test_pricing_in_full(fields: dict[str, object], note: str) -> None:
    """What it costs is told with its text, its lowest price and the day on which somebody looked."""
    assert note == cell("pricing", pricing=Pricing.model_validate({"entry": "paid", **fields}))[1]


@pytest.mark.parametrize("kind", get_args(Kind))
def test_the_facts_of_the_dossier(kind: Kind) -> None:
    """License, category, kind and the day of release stand as the dossier has them."""
    fields = {"license": "Apache-2.0", "category": "Data", "kind": kind, "released": None}

    assert ("Apache-2.0", None) == cell("license", **fields)
    assert ("Data", None) == cell("category", **fields)
    assert (kind.casefold(), None) == (cell("kind", **fields)[0].casefold(), None)
    assert ("Not stated", "2026-03-02") == (cell("released", **fields)[0], cell("released")[0])
    assert ("Not stated", None) == cell("license", license="not stated")


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ([], ("The maker's own account alone", None)),
        (["maker"], ("1 source", "none independent")),
        (["maker", "independent"], ("2 sources", "1 independent")),
        (["independent", "own_test", "maker"], ("3 sources", "2 independent")),
    ],
)
def test_evidence_is_counted(kinds: list[str], expected: tuple[str, str | None]) -> None:
    """How many sources there are is told, and how many of them are not the maker's."""
    docs = made.plumb().sources[0]
    sources = tuple(docs.model_copy(update={"id": f"s{n}", "kind": kind}) for n, kind in enumerate(kinds))

    assert expected == cell("evidence", sources=sources)


SCORES = st.dictionaries(st.sampled_from("abcdefg"), st.none() | st.integers(0, 100), max_size=7)


@given(SCORES)
def test_whom_it_suits_by_the_highest_and_whom_not_by_the_lowest(scores: Mapping[str, int | None]) -> None:
    """Best for is in the words of the highest seat, not for in those of the lowest, each by its name."""
    seats = [
        scored_seat(id, score).model_copy(
            update={"take": score and scored_take(score, best_for=f"best of {score}", not_for=f"not of {score}")}
        )
        for id, score in scores.items()
        if score
    ]
    told = table(Sided(review(made.plumb(), seats)))
    heard = {id: score for id, score in scores.items() if score}
    if not heard:
        assert ("Nobody was heard", None) == (told["best_for"].text, told["best_for"].persona)
        assert ("Nobody was heard", None) == (told["not_for"].text, told["not_for"].persona)
        return
    high, low = max(heard.values()), min(heard.values())

    assert (f"best of {high}", f"not of {low}") == (told["best_for"].text, told["not_for"].text)
    assert heard[(told["best_for"].persona or "").lower()] == high
    assert heard[(told["not_for"].persona or "").lower()] == low


def test_of_two_equals_the_first_on_the_panel_is_cited() -> None:
    """Where two seats are the highest, the one that comes first on the panel is cited; so with the lowest."""
    told = table(Sided(scored_review("gauge", {"b": 70, "a": 70, "c": 70})))

    assert ("B", "B") == (told["best_for"].persona, told["not_for"].persona)


# --- The page ---------------------------------------------------------------------------------------------------------


@cache
def whole() -> Comparison:
    """Return a comparison with everything that a page can show."""
    sides = []
    for slug in ("gauge", "plumb"):
        kind = "app" if slug == "gauge" else "api"
        made_ = scored_review(slug, {"a": 80, "b": 70, "c": 20, "d": None, "e": 50}, kind=kind)
        said = scored_take(
            80,
            text=f"{slug} takes it",
            evidence=({"id": "e1", "source": "docs", "quote": "Rules are read once"},),
            outside=({"text": "Level", "kind": "rival"},),
        )
        seats = [made_.seats[0].model_copy(update={"take": said}), *made_.seats[1:]]
        sides.append(
            Sided(
                review(made_.tool, seats if slug == "gauge" else seats[:-1]),
                Community(ship=3),
                Approved(by="Ann", at="2026-05-04T00:00:00Z") if slug == "gauge" else None,
                (Happening(at="2026-05-03T00:00:00Z", what="approved by Ann"),),
            )
        )
    clauses = tuple((Clause(text=f"you need a {slug}.", takes=(f"{slug}/a",)),) for slug in ("gauge", "plumb"))
    told = {
        "prompt_digest": "x",
        "dropped": ("gauge, clause 2: no",),
        "disclosures": ("it is a sample",),
        "ask": made.ask(),
    }
    return comparison(sides[0], sides[1], Moderation.model_validate({"clauses": clauses, **told}))


FIELDS = [
    "sides.0.name", "sides.0.version", "sides.0.sources.0.title", "sides.0.models.0",
    "sides.0.approval.by", "sides.0.approval.at", "sides.0.history.0.what", "sides.0.history.0.at", "sides.0.rules",
    "sides.0.review", "sides.0.recorded.0", "sides.0.verdict.disclosures.0.text",
    "sides.0.verdict.disclosures.0.personas.0", "answer.why", "differences.0.text", "rules",
    "decision.0.label", "decision.0.facts.0.text", "decision.0.facts.0.note", "decision.4.facts.1.persona",
    "scorecard.0.name", "scorecard.0.cells.0.take.headline", "scorecard.0.cells.0.take.text",
    "scorecard.0.cells.0.take.would_change_my_vote", "scorecard.0.cells.0.take.evidence.0.quote",
    "scorecard.0.cells.0.take.evidence.0.source", "scorecard.0.cells.0.take.outside.0.text",
    "scorecard.3.name", "scorecard.3.cells.0.reason", "moderation.clauses.0.0.text",
    "moderation.clauses.1.0.takes.0", "moderation.ask.answered_by", "moderation.disclosures.0",
]  # fmt: skip
"""Every place of a record that the page shows, in which there is text that somebody outside can write."""


def with_text(record: Comparison, field: str, text: str) -> str:
    """Return the page of a comparison that has this text in one field."""
    data: Any = record.as_json()
    *path, last = [int(step) if step.isdigit() else step for step in field.split(".")]
    inner = data
    for step in path:
        inner = inner[step]
    assert inner[last]
    inner[last] = [text] if isinstance(inner[last], list) else text
    return comparison_page(Comparison.model_validate(data))


@pytest.mark.parametrize("field", FIELDS)
def test_no_text_in_a_record_becomes_markup(field: str) -> None:
    """Whatever stands in a field of a record, the page has the elements that it has with a plain word there."""
    record = whole()
    expected, shown = seen(with_text(record, field, "wording"))

    assert "wording" in shown.casefold()
    tried = WORST[FIELDS.index(field) % 3 :: 3]  # five kinds of markup a field: one that is put in raw fails with each
    pages = {text: with_text(record, field, text) for text in tried}
    assert [] == [text for text, page in pages.items() if seen(page)[0] != expected]
    assert [] == [text for text, page in pages.items() if columns(page) != [{3}]]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://x.example/> <script>", "data:text/html,x"])
def test_no_address_of_another_sort_is_a_record(url: str) -> None:
    """A record whose source leads anywhere but to a web page is refused, so that its page need not look."""
    with pytest.raises(ValueError, match=r"sides\.0\.sources\.0\.url"):
        with_text(Comparison.model_validate(_sourced()), "sides.0.sources.0.url", url)


def _sourced() -> Any:
    data: Any = whole().as_json()
    data["sides"][0]["sources"][0]["url"] = "https://plumb.example/docs"
    return data


def test_every_critic_is_named_beside_its_take() -> None:
    """Right above each take stand the name of the critic, the tool, its score and its vote, as text."""
    words = seen(comparison_page(whole()))[1]

    assert "A on Gauge: 80/100, ship as the take says gauge takes it A would change the vote for: as the take" in words
    assert "A on Plumb: 80/100, ship as the take says plumb takes it A would change the vote for: as the take" in words
    assert "D on Gauge: no panel take D: abstained, no price" in words
    assert "E on Plumb: no panel take E: not invited, not on the panel when this tool was reviewed" in words


def test_a_page_tells_what_a_record_holds() -> None:
    """The page has the answer first, when to pick which, the table, and what it all rests on."""
    record = whole()
    words = seen(comparison_page(record))[1]

    for text in (
        f"Gauge vs Plumb Too close to call. {record.answer.why[0].upper()}{record.answer.why[1:]}.",
        "These two are not substitutes: Gauge is an app, Plumb is an API.",
        "Pick Gauge if: you need a gauge. (gauge/a)",
        "Written by a moderator, fake:x, which saw the takes alone",
        "stand the takes that it rests on. It is a sample.",
        "Best for as the take says – A",
        "rests on “Rules are read once” (docs)",
        "not from the dossier: Level (rival)",
        "The two reviews were not made alike: E was on the panel for Gauge alone",
        "Approved by Ann on 2026-05-04",
        "A draft: nobody approved it",
        "Answered by fake:x on 2026-05-01",
        "2026-05-03: approved by Ann",
        f"Review {record.sides[0].review}, rules 1",
        "the order of the two names is the alphabet's.",
    ):
        assert text in words


def test_without_a_moderator_the_page_has_no_clauses() -> None:
    """Where no moderator was asked, or nothing of it can be published, the page does not speak of one."""
    record = whole()
    assert record.moderation
    empty = record.moderation.model_copy(update={"clauses": ((), ())})

    for said in (None, empty):
        words = seen(comparison_page(record.model_copy(update={"moderation": said})))[1]
        assert "Pick Gauge if" not in words
        assert "moderator" not in words
