"""Coefficients of agreement. Each is a function of totals over tools, so drawing tools anew is adding up other rows.

Units are tools, observers are seats. NumPy is imported here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, combinations

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[np.float64]
"""Numbers, mostly a row for each tool."""

SEED = 2026
"""Of the draws: the same records give the same ranges."""

DRAWS = 1_000
LEVEL = (0.025, 0.975)

Scores = Sequence[Sequence[float | None]]
"""A row for each tool, in it a value for each seat, None where it was not heard; all rows are of one length."""


@dataclass(frozen=True)
class Coefficient:
    """A coefficient over tools."""

    rows: Table
    """For each tool what it adds to the totals."""

    formula: Callable[[Table], Table]
    """The coefficient of totals, which stand along the last axis; NaN where it is not defined."""

    def value(self) -> float | None:
        """Return the coefficient; None where it is not defined, as where all values are the same."""
        found = float(self.formula(self.rows.sum(axis=0)))
        return found if found == found else None  # noqa: PLR0124 - NaN alone is not itself

    def range(self) -> tuple[float, float] | None:
        """Return the 95 % percentile range of the coefficient when tools are drawn with replacement.

        None where it is not defined for half of the draws. Resampling units and taking percentiles is what Zapf et al.
        (2016, BMC Medical Research Methodology 16:93) found to hold its level for alpha.
        """
        draw, count = np.random.default_rng(SEED), len(self.rows)
        totals = [np.bincount(draw.integers(count, size=count), minlength=count) @ self.rows for _ in range(DRAWS)]
        found = self.formula(np.stack(totals))
        found = found[~np.isnan(found)]
        if 2 * len(found) < DRAWS:
            return None
        low, high = np.quantile(found, LEVEL)
        return float(low), float(high)


def table(scores: Scores, seats: int) -> Table:
    """Return the values of so many seats as a table, NaN where one was not heard."""
    return np.array(scores, dtype=np.float64).reshape(len(scores), seats)


def counts(values: Table, categories: Sequence[float]) -> Table:
    """Return how many seats gave each category, a row for each tool."""
    return np.stack([(values == category).sum(axis=1) for category in categories], axis=1).astype(np.float64)


def interval_alpha(values: Table) -> Coefficient:
    """Return Krippendorff's alpha of numbers: `1 - observed / expected` disagreement, squared differences.

    K. Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), with the squared differences of a tool added up
    as `2 * (m * sum(x^2) - sum(x)^2)`: no matrix of all values by all values is needed.
    """
    heard = ~np.isnan(values)
    known = np.where(heard, values, 0.0)
    m, s, q = heard.sum(axis=1).astype(np.float64), known.sum(axis=1), (known**2).sum(axis=1)
    within = 2 * (m * q - s**2) / np.maximum(m - 1, 1)
    rows = np.stack([m, s, q, within], axis=1)[m > 1]
    return Coefficient(rows, _interval)


def _interval(totals: Table) -> Table:
    n, s, q, within = (totals[..., place] for place in range(4))
    return 1 - _ratio((n - 1) * within, 2 * (n * q - s**2))


def nominal_alpha(given: Table) -> Coefficient:
    """Return Krippendorff's alpha of categories, of which `given` holds how many seats gave each; source as above."""
    m = given.sum(axis=1)
    within = (given * (m[:, None] - given)).sum(axis=1) / np.maximum(m - 1, 1)
    return Coefficient(np.column_stack([given, within])[m > 1], _nominal)


def _nominal(totals: Table) -> Table:
    by, within = totals[..., :-1], totals[..., -1]
    n = by.sum(axis=-1)
    return 1 - _ratio((n - 1) * within, (by * (n[..., None] - by)).sum(axis=-1))


def ac1(given: Table) -> Coefficient:
    """Return Gwet's AC1 of categories, of which `given` holds how many seats gave each; they are two at least.

    K. L. Gwet, Computing inter-rater reliability and its variance in the presence of high agreement (2008),
    British Journal of Mathematical and Statistical Psychology 61, 29-48. A tool with one seat counts for how frequent
    a category is, and not for how far seats agree.
    """
    m = given.sum(axis=1)
    some, several = m > 0, m > 1
    agreed = np.where(several, (given * (given - 1)).sum(axis=1) / np.maximum(m * (m - 1), 1), 0.0)
    shares = given / np.maximum(m, 1)[:, None]
    return Coefficient(np.column_stack([shares, agreed, several])[some], _ac1)


def _ac1(totals: Table) -> Table:
    by, agreed, several = totals[..., :-2], totals[..., -2], totals[..., -1]
    frequent = _ratio(by, by.sum(axis=-1)[..., None])
    chance = (frequent * (1 - frequent)).sum(axis=-1) / (by.shape[-1] - 1)
    return _ratio(_ratio(agreed, several) - chance, 1 - chance)


def difference(values: Table, seat: int) -> Coefficient:
    """Return the mean difference of one seat's values to the mean of the other seats on the same tool."""
    others = np.delete(values, seat, axis=1)
    heard = ~np.isnan(others)
    beside = heard.sum(axis=1)
    both = (beside > 0) & ~np.isnan(values[:, seat])
    mean = np.where(heard, others, 0.0).sum(axis=1)[both] / beside[both]
    apart = values[both, seat] - mean
    return Coefficient(np.stack([apart, np.ones_like(apart)], axis=1), lambda of: _ratio(of[..., 0], of[..., 1]))


def correlation(values: Table, fewest: int) -> tuple[int, Coefficient]:
    """Return the mean of Pearson's correlations of all pairs of seats with as many tools in common, and their seats."""
    heard = ~np.isnan(values)
    pairs = [
        (one, other)
        for one, other in combinations(range(values.shape[1]), 2)
        if (heard[:, one] & heard[:, other]).sum() >= fewest
    ]
    columns = []
    for one, other in pairs:
        both = (heard[:, one] & heard[:, other]).astype(np.float64)
        x, y = (np.where(both, values[:, place], 0.0) for place in (one, other))
        columns += [both, x, y, x * x, y * y, x * y]
    rows = np.stack(columns, axis=1) if columns else np.zeros((len(values), 0))
    return len({*chain(*pairs)}), Coefficient(rows[heard.sum(axis=1) > 1], _correlation)


def _correlation(totals: Table) -> Table:
    each = totals.reshape(*totals.shape[:-1], totals.shape[-1] // 6, 6)
    n, x, y, xx, yy, xy = (each[..., place] for place in range(6))
    spread = np.sqrt(np.maximum(n * xx - x**2, 0.0) * np.maximum(n * yy - y**2, 0.0))
    found = _ratio(n * xy - x * y, spread)
    known = ~np.isnan(found)
    return _ratio(np.where(known, found, 0.0).sum(axis=-1), known.sum(axis=-1).astype(np.float64))


def effective_votes(seats: int, correlation: float) -> float:
    """Return how many independent votes so many correlated ones are worth, 1 to `seats`.

    `k / (1 + (k - 1) * rho)`: the effective size of a cluster, L. Kish, Survey Sampling (1965); as a number of
    independent judges in arXiv:2605.29800. A negative correlation counts as none.
    """
    return seats / (1 + max(0, seats - 1) * max(0.0, correlation))


def _ratio(part: Table, whole: Table) -> Table:
    """Return part by whole, NaN where the whole is 0."""
    part, whole = np.broadcast_arrays(part, whole)
    found: Table = np.full(part.shape, np.nan)
    np.divide(part, whole, out=found, where=whole > 0)
    return found
