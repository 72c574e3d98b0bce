"""Observed: the few numbers that statistics keep of a review, so that ten thousand of them fit into memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Annotated

from pydantic import Field

from panel.review import Review
from panel.statistics.wording import found_in, said_by, take_words, takes_of
from panel.take import Take
from panel.verdict import Label

RUN = 5
"""Words of a run that two takes may share."""

TOO_ALIKE = 0.02
"""The share of runs in common above which two takes of one panel are too much alike."""


@dataclass(frozen=True, slots=True, order=True)
class Sat:
    """What one critic gave."""

    persona: str
    """The id of the persona."""

    score: Annotated[int, Field(ge=0, le=100)]
    """0 to 100."""

    ships: bool
    """True where it votes ship."""

    samples: Annotated[int, Field(ge=1)] = 1
    """How many independent answers the take is made from."""

    spread: Annotated[int, Field(ge=0, le=100)] = 0
    """Highest less lowest score of those answers."""


@dataclass(frozen=True, slots=True)
class Alike:
    """How much the takes on one tool share with each other, pair by pair."""

    pairs: int
    """Pairs of takes."""

    total: float
    """The shares of all pairs, added up."""

    above: int
    """Pairs whose share is above 0.02."""

    highest: float
    """The highest share of a pair, 0 to 1."""

    between: tuple[str, str]
    """The two personas that have it, in alphabetical order."""


@dataclass(frozen=True, slots=True)
class Observed:
    """A review as statistics keep it."""

    tool: str
    """The slug."""

    label: Label
    """The verdict."""

    sats: tuple[Sat, ...]
    """Who was heard, by the id of the persona; each once."""

    alike: Alike | None
    """How alike the takes are; None where fewer than two were heard."""


def observed(review: Review) -> Observed:
    """Return what statistics keep of a review."""
    takes = takes_of(review)
    sats = (
        Sat(sys.intern(persona), take.score, take.vote == "ship", take.samples, take.spread)
        for persona, take in takes.items()
    )
    return Observed(review.tool.slug, review.verdict.label, tuple(sats), _alike(review, takes))


def _alike(review: Review, takes: dict[str, Take]) -> Alike | None:
    """Return how alike takes are: runs of five words in common, by those of the shorter take (the overlap coefficient).

    Runs that stand in the dossier are left out: quoting it is a duty.
    """
    runs = {persona: said_by(take_words(take), RUN) for persona, take in takes.items()}
    quoted = found_in(review.tool, set().union(*runs.values()), RUN)
    own = {persona: said - quoted for persona, said in runs.items()}
    shares = [*_shares({persona: said for persona, said in own.items() if said})]
    if not shares:
        return None
    highest, between = min(shares, key=lambda one: (-one[0], one[1]))
    above = sum(share > TOO_ALIKE for share, _ in shares)
    return Alike(len(shares), sum(share for share, _ in shares), above, highest, between)


def _shares(own: dict[str, set[str]]) -> Iterator[tuple[float, tuple[str, str]]]:
    for one, other in combinations(own, 2):
        yield len(own[one] & own[other]) / min(len(own[one]), len(own[other])), (one, other)
