"""The split chart in a terminal: one line a critic, marks at their columns, nothing told by colour alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import made
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import scored_review, scored_seat
from rich.cells import cell_len
from rich.text import Text

from panel.cli import chart
from panel.compare import Sided, comparison
from panel.comparison import Comparison
from panel.review import Review

FIRST = 2 + 10 + 1
"""The column of the line's first character, where no name is longer than ten."""


def pair(one: dict[str, int | None], other: dict[str, int | None]) -> Comparison:
    """Return the comparison of two tools of which each critic has said so much."""
    return comparison(Sided(scored_review("gauge", one)), Sided(scored_review("plumb", other)))


def rows(text: Sequence[Text]) -> list[str]:
    """Return the lines of a chart without the last one."""
    return [line.plain for line in text][:-1]


def line(row: str) -> str:
    """Return the line from 0 to 100 of a row."""
    return row[FIRST : FIRST + chart.WIDTH]


def test_one_line_a_critic() -> None:
    """A chart has one line for each critic of either panel, and a last one that says what the marks mean."""
    drawn = list(chart.of_comparison(pair({"a": 80, "b": 30}, {"b": 40, "c": 70})))

    assert ["A", "B", "C"] == [row.split()[0] for row in rows(drawn)]
    assert ["●", "Gauge", "◆", "Plumb", "┊", "ships", "from", "here"] == drawn[-1].plain.split()


@given(st.lists(st.tuples(*[st.none() | st.integers(0, 100)] * 2), min_size=1, max_size=7))
def test_all_lines_have_the_same_width(scores: list[tuple[int | None, int | None]]) -> None:
    """Whatever was scored, all lines are of one width, and the line from 0 to 100 begins in the same column."""
    sides: list[dict[str, int | None]] = [{f"c{n}": pair[side] for n, pair in enumerate(scores)} for side in (0, 1)]
    drawn = rows(list(chart.of_comparison(pair(*sides))))

    assert 1 == len({len(row) for row in drawn})
    assert all(set(line(row)) <= set("─┊●◆◈") and line(row)[0] in "─●◆◈" for row in drawn)


@given(st.integers(0, 100), st.integers(0, 100))
def test_marks_stand_at_their_columns(one: int, other: int) -> None:
    """A mark stands at the column nearest to its score; where both have the same column there is one mark for both."""
    [row] = rows(list(chart.of_comparison(pair({"a": one}, {"a": other}))))
    places = [round(score * 40 / 100) for score in (one, other)]

    if places[0] == places[1]:
        assert {places[0]: "◈"} == {place: char for place, char in enumerate(line(row)) if char in "●◆◈"}
    else:
        assert {places[0]: "●", places[1]: "◆"} == {p: char for p, char in enumerate(line(row)) if char in "●◆◈"}


@pytest.mark.parametrize(("score", "column"), [(0, 0), (100, 40), (50, 20), (60, 24), (69, 28)])
def test_the_ends_of_the_line(score: int, column: int) -> None:
    """0 is the first column, 100 the last, and there are two and a half points to a column."""
    [row] = rows(list(chart.of_review(scored_review("plumb", {"a": score}))))

    assert column == line(row).index("●")


def test_the_ship_line() -> None:
    """The line that a critic ships from is drawn, and a mark that stands on it hides it."""
    [row] = rows(list(chart.of_comparison(pair({"a": 10}, {"a": 90}))))
    [hidden] = rows(list(chart.of_comparison(pair({"a": 60}, {"a": 90}))))

    assert 24 == line(row).index("┊")
    assert ("●", False) == (line(hidden)[24], "┊" in line(hidden))


def test_two_ship_lines_are_none() -> None:
    """Where a critic shipped from another score on each side, no line is drawn: it would be wrong for one of them."""
    sides = [Sided(scored_review(slug, {"a": 50})) for slug in ("gauge", "plumb")]
    other = scored_seat("a", 50, threshold=70)
    sides[1] = replace(sides[1], review=sides[1].review.model_copy(update={"seats": (other,)}))

    assert "┊" not in rows(list(chart.of_comparison(comparison(*sides))))[0]


def test_no_take_is_said() -> None:
    """Where a critic has no take there is no mark for it, and the line says so in words."""
    absent, heard = rows(list(chart.of_comparison(pair({"a": None, "b": 20}, {"a": 90, "b": 30}))))

    assert ("◆", True) == ("".join(char for char in line(absent) if char in "●◆◈"), "●   – none" in absent)
    assert "none" not in heard
    assert "– no take" in rows(list(chart.of_review(scored_review("plumb", {"a": None}))))[0]


@given(st.integers(0, 100), st.integers(0, 100))
def test_nothing_is_told_by_colour_alone(one: int, other: int) -> None:
    """Beside the line stand both scores and votes in words, behind the sign of their tool."""
    [row] = rows(list(chart.of_comparison(pair({"a": one}, {"a": other}))))
    told = row[FIRST + chart.WIDTH :].split()

    assert ["●", str(one), made.vote_of(one), "◆", str(other), made.vote_of(other)] == told


@pytest.mark.parametrize("name", ["The Chief Security Officer of Us All", "安全責任者の長い名前の人", "n\u202e\x9bx"])
def test_lines_stay_in_their_columns_whatever_a_name_is(name: str) -> None:
    """With a name that is long or wide, or that holds what would steer a terminal, all lines begin in one column."""
    drawn = [scored_review(slug, {"a": 20, "b": 70}) for slug in ("gauge", "plumb")]
    for place, review in enumerate(drawn):
        seats = (review.seats[0].model_copy(update={"name": name}), review.seats[1])
        drawn[place] = review.model_copy(update={"seats": seats})

    for chart_ in (chart.of_comparison(comparison(*map(Sided, drawn))), chart.of_review(drawn[0])):
        lines = rows(list(chart_))
        assert 1 == len({cell_len(row.partition("─")[0]) for row in lines})
        assert all(row.isprintable() for row in lines)
        assert max(map(cell_len, lines)) <= 2 + chart.LONGEST_NAME + 1 + chart.WIDTH + 1 + 2 * 11


def test_a_chart_of_nobody() -> None:
    """A review without seats has a chart that is only the last line."""
    nobody = Review.model_validate(scored_review("plumb", {}))

    assert 1 == len(list(chart.of_review(nobody)))
