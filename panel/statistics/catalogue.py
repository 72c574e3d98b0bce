"""Catalogue: figures over many reviews, read one after another."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from statistics import fmean, median

from panel.errors import InputError
from panel.review import Review
from panel.statistics.figures import (
    FEWEST,
    Agreement,
    CriticFigures,
    Figure,
    Likeness,
    Sampling,
    Statistics,
    Wording,
    too_few,
)
from panel.statistics.observed import Alike, Observed, Sat, observed
from panel.statistics.wording import Drawn
from panel.verdict import Label
from panel.version import DISTRIBUTION

LABELS: Sequence[Label] = ("Ship", "Mixed", "Skip", "No verdict")
BIN = 10
"""Points in a bin of a histogram."""

LEAST_SHIPS, MOST_SHIPS = 30, 75
"""The percentages of ship votes between which a persona tells tools apart."""

MOST_CRITICS = 60
"""So many personas are told of; no panel has more."""

MISSING = "NumPy is not installed"


def statistics(reviews: Iterable[Review]) -> Statistics:
    """Return figures over reviews, each of another tool; of each a few numbers are kept, and of 500 the words.

    Raises InputError where NumPy is not installed.
    """
    require_numpy()
    kept: list[Observed] = []
    names: dict[str, Counter[str]] = {}
    drawn = Drawn()
    for review in reviews:
        kept.append(observed(review))
        drawn.add(review)
        for seat in review.seats:
            names.setdefault(seat.persona, Counter())[seat.name] += 1
    told = {persona: min(counted, key=lambda name: (-counted[name], name)) for persona, counted in names.items()}
    return figures(kept, told, drawn.wording() if kept else None)


def figures(kept: Iterable[Observed], names: Mapping[str, str], wording: Wording | None) -> Statistics:
    """Return figures over what was kept of reviews; `names` are those of personas by id.

    Without NumPy there are no coefficients, and the figures say so.
    """
    every = sorted(kept, key=lambda one: (one.tool, one.sats))
    heard = Counter(sat.persona for one in every for sat in one.sats)
    most = sorted(heard, key=lambda persona: (-heard[persona], persona))[:MOST_CRITICS]
    personas = sorted(most)
    harshness, agreement = _coefficients(every, personas)
    labels = Counter(one.label for one in every)
    return Statistics(
        tools=len(every),
        takes=heard.total(),
        labels={label: labels[label] for label in LABELS},
        critics=tuple(_critic(persona, names.get(persona, persona), every, harshness[persona]) for persona in personas),
        others=len(heard) - len(personas),
        agreement=agreement,
        likeness=_likeness(every),
        wording=wording,
        sampling=_sampling(sat for one in every for sat in one.sats),
    )


def _coefficients(every: Sequence[Observed], personas: Sequence[str]) -> tuple[Mapping[str, Figure], Agreement]:
    """Return the harshness of each persona, and the agreement; NumPy is loaded where there are tools enough."""
    if len(every) < FEWEST or not has_numpy():
        lacking = too_few(len(every)) if len(every) < FEWEST else f"{MISSING} here"
        none = Figure(tools=len(every), lacking=lacking)
        figures = dict.fromkeys(set(Agreement.model_fields) - {"seats"}, none)
        return dict.fromkeys(personas, none), Agreement(seats=0, **figures)
    # One thread adds in one order on every machine, and is not in the way of workers that are forked.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from panel.statistics.agreement import agreement_over, harshness_over

    return harshness_over(every, personas), agreement_over(every, personas)


def has_numpy() -> bool:
    """Return whether the library is there that coefficients are computed with."""
    return find_spec("numpy") is not None


def require_numpy() -> None:
    """Raise InputError, with the line that installs it, where the library is not there."""
    if not has_numpy():
        raise InputError(f"statistics: {MISSING}, which they need: pip install '{DISTRIBUTION}[stats]'")


def histogram(scores: Iterable[int]) -> list[int]:
    """Return how many scores fall into each bin of ten points; 100 is in the last one."""
    counted = Counter(min(score // BIN, 9) for score in scores)
    return [counted[bin] for bin in range(10)]


def bin_named(bin: int) -> str:
    """Return the scores of a bin: `50 to 59`."""
    return f"{BIN * bin} to {BIN * bin + 9 if bin < 9 else 100}"


def _critic(persona: str, name: str, every: Sequence[Observed], harshness: Figure) -> CriticFigures:
    sats = [sat for one in every for sat in one.sats if sat.persona == persona]
    scores = [sat.score for sat in sats]
    ships, bars = sum(sat.ships for sat in sats), histogram(scores)
    return CriticFigures(
        persona=persona,
        name=name,
        heard=len(sats),
        ships=ships,
        mean=round(fmean(scores), 2),
        median=median(scores),
        histogram=tuple(bars),
        harshness=harshness,
        alarms=tuple(_alarms(ships, bars)),
    )


def _alarms(ships: int, bars: Sequence[int]) -> Iterator[str]:
    """Yield why what a persona gave tells little: it nearly always votes the same, or scores the same."""
    heard = sum(bars)
    if heard < FEWEST:
        return
    if not LEAST_SHIPS * heard <= 100 * ships <= MOST_SHIPS * heard:
        yield f"ships {ships} of {heard} tools, outside {LEAST_SHIPS} to {MOST_SHIPS} %"
    most = max(bars)
    if 2 * most > heard:
        yield f"{most} of {heard} scores are {bin_named(bars.index(most))}, more than half"


def _likeness(every: Sequence[Observed]) -> Likeness | None:
    found: list[tuple[Alike, str]] = [(one.alike, one.tool) for one in every if one.alike]
    if not found:
        return None
    pairs = sum(alike.pairs for alike, _ in found)
    highest, tool = min(found, key=lambda one: (-one[0].highest, one[1]))
    return Likeness(
        pairs=pairs,
        mean=round(sum(alike.total for alike, _ in found) / pairs, 6),
        above=sum(alike.above for alike, _ in found),
        highest=round(highest.highest, 6),
        tool=tool,
        between=highest.between,
    )


def _sampling(sats: Iterable[Sat]) -> Sampling | None:
    spreads = [sat.spread for sat in sats if sat.samples > 1]
    return Sampling(takes=len(spreads), median=median(spreads), highest=max(spreads)) if spreads else None
