"""Dissent: for each kind of answer the page names who among the critics sees it otherwise."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import scored_review

from panel.compare import Sided, comparison
from panel.comparison import Comparison
from panel.publish.dissent import dissent

Scores = Mapping[str, int | None]


def compared(one: Scores, other: Scores) -> Comparison:
    """Return the comparison of Gauge with these scores and Plumb with those."""
    return comparison(Sided(scored_review("gauge", one)), Sided(scored_review("plumb", other)))


def of(*scores: int | None) -> Scores:
    """Return scores by critic."""
    return dict(zip("abcdefg", scores, strict=False))


@pytest.mark.parametrize(
    ("one", "other", "kind", "told"),
    [
        pytest.param(of(90, 90, 90), of(60, 60, 60), "pick", "No critic sees it the other way round.", id="all agree"),
        pytest.param(of(90, 90, 60), of(60, 60, 61), "pick", "C scores Plumb higher.", id="one"),
        pytest.param(of(61, 60, 60), of(60, 90, 90), "pick", "A scores Gauge higher.", id="the other way"),
        pytest.param(of(90, 90, 90, 90, 60, 60), of(60, 60, 60, 60, 61, 61), "pick", "E and F score Plumb higher.",
                     id="two"),
        pytest.param(of(90, 90, 60), of(60, 60, 60), "pick", "No critic sees it the other way round.", id="a tie"),
        pytest.param(of(50, 50, 50), of(30, 30, 30), "neither", "No critic ships either.", id="neither, by all"),
        pytest.param(of(50, 50, 50, 70, 20), of(30, 30, 30, 60, 60), "too close", "A, B, C and D score Gauge higher. "
                     "E scores Plumb higher.", id="too close, for one is mixed"),
        pytest.param(of(50, 50, 50, 70), of(30, 30, 30, 60), "neither", "The D ships Gauge, the D ships Plumb.",
                     id="neither, but for one"),
        pytest.param(of(61, 60, 60), of(60, 60, 61), "too close", "A scores Gauge higher. C scores Plumb higher.",
                     id="too close"),
        pytest.param(of(60, 60, 60), of(60, 60, 60), "too close", "", id="all the same"),
        pytest.param(of(90, 10), of(10, 90), "not comparable", "A scores Gauge higher. B scores Plumb higher.",
                     id="not comparable"),
        pytest.param(of(90, None), of(None, 90), "not comparable", "", id="nobody heard on both"),
    ],
)  # fmt: skip
def test_each_kind_of_answer_names_who_disagrees(one: Scores, other: Scores, kind: str, told: str) -> None:
    """A pick names who scores the other one higher, a neither who ships one; else both camps are named."""
    record = compared(one, other)

    assert (kind, told) == (record.answer.kind, dissent(record))


SIDE = st.lists(st.none() | st.integers(0, 100), min_size=7, max_size=7).map(lambda scores: of(*scores))


@given(SIDE, SIDE)
def test_who_is_named_and_who_agrees_are_all_that_differ(one: Scores, other: Scores) -> None:
    """Whatever was scored, a critic is named for a tool where it was heard on both and scores that tool higher."""
    record = compared(one, other)
    heard = {id: (one[id], other[id]) for id in one if one[id] is not None and other[id] is not None}
    higher = {id.upper(): "Gauge" if a > b else "Plumb" for id, (a, b) in heard.items() if a != b}  # type: ignore[operator]
    expected = {name: tool for name, tool in higher.items() if tool.lower() != record.answer.winner}
    if record.answer.kind == "neither":
        ships = {id.upper() for id in one if max(one[id] or 0, other[id] or 0) >= 60}
        assert ships == {word for word in dissent(record).split() if len(word) == 1}
        return
    found = {}
    for sentence in filter(None, dissent(record).removeprefix("No critic sees it the other way round").split(".")):
        names, _, tool = sentence.replace(",", "").replace(" and", "").replace("scores", "score").partition(" score ")
        found |= dict.fromkeys(names.split(), tool.split()[0])

    assert expected == found
    assert record.answer.kind != "pick" or dissent(record)
