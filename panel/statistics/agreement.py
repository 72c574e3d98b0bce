"""Agreement: what coefficients come to over the reviews of a catalogue, and from how many tools on they say something.

It is imported where a figure is computed, since it brings NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
from panel.statistics.figures import FEWEST, Agreement, Figure, too_few
from panel.statistics.observed import Observed

FEWEST_FOR_RANGE = 30
"""Tools from which the range of a coefficient of agreement is told."""

DIGITS = 4
UNVARIED = "the values do not vary enough"


def agreement_over(observed: Sequence[Observed], personas: Sequence[str]) -> Agreement:
    """Return how far these personas agree; tools are taken in the order of `observed`."""
    scores = scores_of(observed, personas)
    votes = counts(_votes(observed, personas), (0.0, 1.0))
    seats, correlated = correlation(scores, FEWEST)
    found = figure(correlated, FEWEST_FOR_RANGE)
    return Agreement(
        scores_alpha=figure(interval_alpha(scores), FEWEST_FOR_RANGE),
        votes_alpha=figure(nominal_alpha(votes), FEWEST_FOR_RANGE),
        votes_ac1=figure(ac1(votes), FEWEST_FOR_RANGE),
        correlation=found,
        seats=seats,
        effective_votes=_effective(seats, found),
    )


def harshness_over(observed: Sequence[Observed], personas: Sequence[str]) -> Mapping[str, Figure]:
    """Return how much higher than the other seats each persona scores."""
    scores = scores_of(observed, personas)
    return {persona: figure(difference(scores, place), FEWEST) for place, persona in enumerate(personas)}


def figure(coefficient: Coefficient, fewest_for_range: int) -> Figure:
    """Return a coefficient with its range, or why they are missing."""
    tools = len(coefficient.rows)
    if tools < FEWEST:
        return Figure(tools=tools, lacking=too_few(tools))
    value = coefficient.value()
    if value is None:
        return Figure(tools=tools, lacking=UNVARIED)
    if tools < fewest_for_range:
        return Figure(value=_rounded(value), tools=tools, lacking=f"a range needs {fewest_for_range} tools")
    range = coefficient.range()
    if range is None:
        return Figure(value=_rounded(value), tools=tools, lacking=UNVARIED)
    return Figure(value=_rounded(value), range=(_rounded(range[0]), _rounded(range[1])), tools=tools)


def scores_of(observed: Sequence[Observed], personas: Sequence[str]) -> Table:
    """Return the scores, a row for each tool and a column for each persona."""
    return table([_row({sat.persona: sat.score for sat in one.sats}, personas) for one in observed], len(personas))


def _votes(observed: Sequence[Observed], personas: Sequence[str]) -> Table:
    return table([_row({sat.persona: sat.ships for sat in one.sats}, personas) for one in observed], len(personas))


def _row(given: Mapping[str, int], personas: Sequence[str]) -> list[float | None]:
    return [given.get(persona) for persona in personas]


def _effective(seats: int, correlated: Figure) -> Figure:
    """Return the effective votes; the higher the correlation, the fewer they are."""
    if correlated.value is None:
        return correlated
    votes = _rounded(effective_votes(seats, correlated.value))
    low, high = correlated.range or (None, None)
    if low is None or high is None:
        return correlated.model_copy(update={"value": votes})
    range = (_rounded(effective_votes(seats, high)), _rounded(effective_votes(seats, low)))
    return correlated.model_copy(update={"value": votes, "range": range})


def _rounded(value: float) -> float:
    return round(value, DIGITS) + 0.0  # no minus before a zero
