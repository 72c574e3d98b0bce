"""Coefficients of agreement: what others published of them, what somebody else's code says, and their bounds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import krippendorff
import numpy as np
import pytest
from conftest import ROOT
from hypothesis import assume, given
from hypothesis import strategies as st

from panel.statistics import coefficients
from panel.statistics.coefficients import (
    Coefficient,
    Table,
    ac1,
    correlation,
    counts,
    difference,
    effective_votes,
    interval_alpha,
    nominal_alpha,
    table,
)

Row = Sequence[float | None]


def read(*observers: str) -> Table:
    """Return what observers gave, a line each: one character a unit, `.` for none."""
    rows = zip(*(line.replace(" ", "") for line in observers), strict=True)
    return table([[None if char == "." else float(int(char, 36)) for char in row] for row in rows], len(observers))


def given_of(values: Table) -> Table:
    """Return how many observers gave each of the values that were given."""
    return counts(values, np.unique(values[~np.isnan(values)]).tolist())


MEG_AND_OWEN = read("0100000010", "1110010000")
BEN_AND_GERRY = read("aabbdcccedda", "babbbccceddd")
FOUR_OBSERVERS = read("123321412...", "1233224125.3", ".33323422 51.", "123324412 51.")
ABSTRACTORS = read(
    "0" * 13 + "1" * 27 + "2" * 60,
    "0" * 13 + "1" * 20 + "2" * 7 + "1" * 4 + "2" * 56,
)

PUBLISHED = {
    "binary, two observers": (nominal_alpha(given_of(MEG_AND_OWEN)), 0.095),
    "nominal, two observers": (nominal_alpha(given_of(BEN_AND_GERRY)), 0.692),
    "nominal, four observers": (nominal_alpha(given_of(FOUR_OBSERVERS)), 0.743),
    "interval, four observers": (interval_alpha(FOUR_OBSERVERS), 0.849),
}


@pytest.mark.parametrize(("alpha", "published"), PUBLISHED.values(), ids=PUBLISHED)
def test_alpha_is_as_krippendorff_published_it(alpha: Coefficient, published: float) -> None:
    """The examples A, B and C of Computing Krippendorff's Alpha-Reliability (2011) come to what stands there."""
    assert published == round(alpha.value() or 0, 3)


@pytest.mark.parametrize(("values", "published"), [(ABSTRACTORS, 0.8493305), (FOUR_OBSERVERS, 0.77544)])
def test_ac1_is_as_gwet_published_it(values: Table, published: float) -> None:
    """Two of Gwet's own data sets, `cont3x3abstractors` and `cac.raw4raters`, come to what his package irrCAC says."""
    assert published == pytest.approx(ac1(given_of(values)).value(), abs=1e-5)


def rows(most: int) -> st.SearchStrategy[list[Row]]:
    """Return what four seats gave on a few tools, some of them not heard."""
    return st.lists(st.tuples(*[st.none() | st.integers(0, most)] * 4), min_size=1, max_size=6)


SCORES, VOTES = rows(100), rows(1)


def of(rows: Sequence[Row]) -> Table:
    """Return rows as a table."""
    return table(rows, len(rows[0]))


def comparable(rows: Sequence[Row]) -> list[list[float]]:
    """Return what stands in rows with two values or more."""
    several = ([value for value in row if value is not None] for row in rows)
    return [row for row in several if len(row) > 1]


@given(SCORES)
def test_alpha_is_what_another_program_says(rows: list[Row]) -> None:
    """The library `krippendorff`, which adds up matrices of all values, comes to the same; or there is no value."""
    values = of(rows)
    found = {"interval": interval_alpha(values).value(), "nominal": nominal_alpha(counts(values, range(101))).value()}
    assume(any(value is not None for row in rows for value in row))
    varies = len({value for row in comparable(rows) for value in row}) > 1

    for level, value in found.items():
        assert varies == (value is not None)
        assert not varies or krippendorff.alpha(values.T, level_of_measurement=level) == pytest.approx(value)


@given(VOTES, st.permutations(range(4)))
def test_no_order_changes_a_coefficient(rows: list[Row], seats: list[int]) -> None:
    """Tools and seats in another order come to the same alphas and the same AC1."""
    values, other = of(rows), of(rows[::-1])[:, seats]

    for found in (
        interval_alpha,
        lambda each: nominal_alpha(counts(each, (0, 1))),
        lambda each: ac1(counts(each, (0, 1))),
    ):
        assert found(values).value() == pytest.approx(found(other).value())


@given(st.lists(st.integers(0, 100), min_size=2, max_size=12), st.integers(2, 5))
def test_perfect_agreement_is_one(scores: list[int], seats: int) -> None:
    """Where all seats give the same, alpha is 1 exactly if tools differ and undefined if not; AC1 is 1 in any case."""
    values = of([[score] * seats for score in scores])
    votes = counts((values >= 60).astype(float), (0, 1))

    assert (1 if len({*scores}) > 1 else None) == interval_alpha(values).value()
    assert (1 if len({score >= 60 for score in scores}) > 1 else None) == nominal_alpha(votes).value()
    assert 1 == ac1(votes).value()


@given(VOTES)
def test_coefficients_have_bounds(rows: list[Row]) -> None:
    """None is above 1, and AC1 is not below -1; where no tool has two seats there is none."""
    votes = counts(of(rows), (0, 1))
    found = [interval_alpha(of(rows)).value(), nominal_alpha(votes).value(), ac1(votes).value()]

    assert all(value is None or (math.isfinite(value) and value <= 1) for value in found)
    assert found[2] is None or -1 <= found[2]
    assert bool(comparable(rows)) == (found[2] is not None)


def test_numpy_is_imported_in_one_file() -> None:
    """Whoever computes a coefficient loads NumPy; whoever imports anything else of Panel does not."""
    files = [path.name for path in (ROOT / "panel").rglob("*.py") if "import numpy" in path.read_text(encoding="utf-8")]

    assert ["coefficients.py"] == files


def test_correlation_is_the_mean_over_pairs() -> None:
    """It is the mean of what Python's own function gives for each pair, over the tools on which both were heard."""
    rows: list[Row] = [[50, 55, None], [60, 52, 70], [70, 75, 71], [20, 35, 40], [90, 85, None], [10, None, 30]]
    pairs = [(0, 1), (0, 2), (1, 2)]
    known = [[(row[one], row[other]) for row in rows if None not in (row[one], row[other])] for one, other in pairs]
    expected = statistics.fmean(statistics.correlation(*zip(*pair, strict=True)) for pair in known)
    seats, found = correlation(of(rows), 3)

    assert (3, pytest.approx(expected)) == (seats, found.value())
    assert 2 == correlation(of(rows), 5)[0]
    assert (0, None) == (correlation(of(rows), 6)[0], correlation(of(rows), 6)[1].value())


def test_a_seat_that_never_varies_has_no_correlation() -> None:
    """It is left out of the mean, and where no pair is left there is none."""
    _, found = correlation(of([[1, 1, 7], [2, 2, 7], [3, 3, 7]]), 2)
    _, none = correlation(of([[1, 7], [2, 7], [3, 7]]), 2)

    assert (pytest.approx(1), None) == (found.value(), none.value())


@given(st.integers(1, 60), st.floats(-1, 1))
def test_effective_votes_are_between_one_and_all(seats: int, rho: float) -> None:
    """So many seats are worth one vote at least, and not more than they are."""
    assert 1 <= effective_votes(seats, rho) <= seats


@pytest.mark.parametrize(
    ("seats", "rho", "votes"), [(5, 0, 5), (5, 1, 1), (5, 0.5, 5 / 3), (9, 0.4375, 2), (0, 0, 0), (5, -0.2, 5)]
)
def test_effective_votes_are_as_computed_by_hand(seats: int, rho: float, votes: float) -> None:
    """`k / (1 + (k - 1) * rho)`, a negative correlation counted as none."""
    assert votes == pytest.approx(effective_votes(seats, rho))


def test_a_difference_is_to_the_mean_of_the_others() -> None:
    """Tools on which a seat, or all others, were not heard do not count."""
    values = of([[60, 50, 40], [70, None, 40], [None, 10, 20], [90, None, None]])
    lean = difference(values, 0)

    assert (15 + 30) / 2 == lean.value()
    assert 2 == len(lean.rows)


def test_a_range_is_that_of_the_mean() -> None:
    """The range of a mean is as wide as theory has it, four standard errors, and the same each time."""
    values = of([[float(n * 37 % 101), 50.0] for n in range(400)])
    lean = difference(values, 0)
    expected = 2 * 1.96 * statistics.stdev(values[:, 0].tolist()) / math.sqrt(400)
    low, high = lean.range() or (0, 0)

    assert low < (lean.value() or 0) < high
    assert high - low == pytest.approx(expected, rel=0.1)
    assert (low, high) == lean.range()


def test_a_range_narrows_with_the_number_of_tools() -> None:
    """Four times as many tools like these make the range of alpha half as wide, about."""
    few = FOUR_OBSERVERS[:11]
    ranges = [interval_alpha(np.tile(few, (times, 1))).range() or (0, 0) for times in (3, 12)]
    widths = [high - low for low, high in ranges]

    assert 1.5 < widths[0] / widths[1] < 2.7


def test_there_is_no_range_where_most_draws_have_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """One tool of forty that differs is missing from a third of the draws, which are left out; not from all."""
    monkeypatch.setattr(coefficients, "DRAWS", 200)
    nearly = nominal_alpha(counts(of([[0, 1]] + [[0, 0]] * 39), (0, 1)))
    same = nominal_alpha(counts(of([[0, 0]] * 40), (0, 1)))

    assert all(map(math.isfinite, nearly.range() or (math.nan,)))
    assert (None, None) == (same.value(), same.range())
