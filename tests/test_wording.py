"""Wording: runs of words that two takes share, phrases and openings that return, the dossier's own words aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import made
import pytest
from hypothesis import given
from hypothesis import strategies as st

from panel.review import Review, review
from panel.statistics.figures import Wording
from panel.statistics.observed import TOO_ALIKE, observed
from panel.statistics.wording import FEWEST_TOOLS, MOST_SEATS, MOST_WORDS, Drawn, take_words, words_of

DOSSIER = made.plumb().description
QUOTE = "Plumb checks each row of a table against rules written in plain YAML"


def reviewed(slug: str, takes: Mapping[str, str]) -> Review:
    """Return a review of a tool like Plumb; each critic says one text."""
    subject = made.changed(made.plumb(), slug=slug, name=slug.title())
    return review(subject, [made.seat(id, made.scored_take(70, text=text)) for id, text in takes.items()])


def found(takes: Sequence[Mapping[str, str]], most: int = 500) -> Wording:
    """Return what returns in the takes on as many tools."""
    drawn = Drawn(most)
    for number, said in enumerate(takes):
        drawn.add(reviewed(f"tool-{number}", said))
    return drawn.wording()


def numbered(text: str, count: int, persona: str = "mason") -> list[dict[str, str]]:
    """Return takes on so many tools that hold one text among words of their own."""
    return [{persona: f"w{n}a w{n}b w{n}c w{n}d w{n}e {text} w{n}f w{n}g"} for n in range(count)]


def test_words_are_read_without_punctuation() -> None:
    """Case, quotes and full stops are aside; what is written in one stays one."""
    assert ["don't", "ship", "13.5", "tool-calling", "x"] == words_of("“Don’t” ship, 13.5… tool-calling (X).")


def test_runs_in_common_are_counted_by_the_shorter_take() -> None:
    """A take of seven words has three runs of five; of those that are the other's too comes the share."""
    long = "one two three four five six and then it goes on for a while"
    alike = observed(reviewed("plumb", {"a": "one two three four five six seven", "b": long})).alike

    assert alike
    assert (1, 2 / 3, 2 / 3, ("a", "b"), 1) == (
        alike.pairs, alike.total, alike.highest, alike.between, alike.above,
    )  # fmt: skip


def test_words_of_the_dossier_are_nobody_s_own() -> None:
    """Two takes that share a quote from the dossier are not alike for that."""
    assert QUOTE in DOSSIER
    takes = {"a": f"I say with the maker: {QUOTE}.", "b": f"My own view in other words is this. {QUOTE}!"}
    alike = observed(reviewed("plumb", takes)).alike

    assert alike
    assert (0, 0) == (alike.highest, alike.above)


def test_one_take_is_like_no_other() -> None:
    """With fewer than two takes of five words there is nothing to compare."""
    assert observed(reviewed("plumb", {"a": "one two three four five six"})).alike is None
    assert observed(reviewed("plumb", {"a": "one two three four five six", "b": "too few words"})).alike is None


@given(st.lists(st.text("ab ", max_size=40), min_size=2, max_size=4))
def test_shares_have_bounds(texts: list[str]) -> None:
    """Whatever is said, a share is between 0 and 1, the highest is one of them, and no order matters."""
    takes = {f"p{number}": text for number, text in enumerate(texts)}
    alike = observed(reviewed("plumb", takes)).alike

    assert alike == observed(reviewed("plumb", dict(reversed(takes.items())))).alike
    assert not alike or 0 <= alike.total / alike.pairs <= alike.highest <= 1
    assert not alike or (alike.above > 0) == (alike.highest > TOO_ALIKE)


def test_openings_are_shared_by_one_critic_or_by_two() -> None:
    """The first four words of a take are told where another take begins so, whoever wrote it."""
    takes = [
        {"a": "What is left here is little.", "b": "Who signs for this one?"},
        {"a": "what is LEFT, here: nothing", "b": "Nobody pays for a second seat."},
        {"a": "Nothing like it at all.", "b": "What is left here? A bill."},
        {"a": "A bill, and then another.", "b": "Nobody pays for a third one."},
    ]
    wording = found(takes)

    assert (2, 8) == (wording.shared_openings, wording.takes)
    assert [("what is left here", {"a": 2, "b": 1}, 3), ("nobody pays for a", {"b": 2}, 2)] == [
        (one.words, dict(one.personas), one.takes) for one in wording.openings
    ]


@pytest.mark.parametrize("count", [FEWEST_TOOLS - 1, FEWEST_TOOLS])
def test_a_stock_phrase_returns_on_three_tools(count: int) -> None:
    """Six words that return on three tools are one phrase, and no part of it is told again; on two they are none."""
    wording = found(numbered("this would survive a dull Tuesday", count))
    expected = [("mason", "this would survive a dull tuesday", count)] if count == FEWEST_TOOLS else []

    assert expected == [(one.persona, one.words, one.tools) for one in wording.phrases]
    assert len(expected) == wording.stock_phrases


def test_a_part_that_returns_more_often_is_a_phrase_too() -> None:
    """Four words of a longer phrase that return on one tool more are told beside it."""
    takes = [*numbered("survive a dull Tuesday in May", 3), {"mason": "it must survive a dull Tuesday"}]

    assert [("survive a dull tuesday", 4), ("survive a dull tuesday in may", 3)] == [
        (one.words, one.tools) for one in found(takes).phrases
    ]


def test_a_phrase_of_the_dossier_is_no_stock_phrase() -> None:
    """Nor is one of three critics: it must return in the takes of one."""
    others = [{persona: "this would survive a dull Tuesday"} for persona in ("a", "b", "c")]

    assert () == found(numbered(QUOTE, 4)).phrases
    assert () == found(others).phrases


def test_of_a_large_catalogue_some_tools_are_drawn() -> None:
    """As many as fit are compared, the same ones in any order, and the figures say of how many."""
    takes = [dict.fromkeys("ab", f"w{number} is how both begin") for number in range(9)]
    reviews = [reviewed(f"tool-{number}", said) for number, said in enumerate(takes)]
    wordings = []
    for order in (reviews, reviews[::-1], reviews[4:] + reviews[:4]):
        drawn = Drawn(4)
        for one in order:
            drawn.add(one)
        wordings.append(drawn.wording())

    assert (4, 9, 8, 4) == (wordings[0].tools, wordings[0].of, wordings[0].takes, wordings[0].shared_openings)
    assert [wordings[0]] * 3 == wordings


def test_a_stranger_s_record_costs_no_more_than_it_may() -> None:
    """Of a take without an end the first words are read, and of seats without end the first ones."""
    endless = made.scored_take(70, text="x " * 5 * MOST_WORDS)
    crowd = {f"p{number}": f"say {number} words in a row" for number in range(3 * MOST_SEATS)}

    assert MOST_WORDS == len(take_words(endless))
    assert MOST_SEATS == len(observed(reviewed("plumb", crowd)).sats)
    assert MOST_SEATS == found([crowd]).takes
