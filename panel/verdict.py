"""The verdict: pure code over votes and scores. No model has a say in it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

from pydantic import Field

from panel.record import Record
from panel.take import Vote, halves_up

RULES = "1"
"""The version of the rules: quotes, prose, gates, scores, verdict; records name it."""

Label = Literal["Ship", "Mixed", "Skip", "No verdict"]
Agreement = Literal["Polarised", "Unanimous", "Agree", "Split"]

QUORUM = 3
"""Fewer seats heard than this give no verdict."""

MAJORITY = Fraction(2, 3)
"""The share of one side from which a label is Ship or Skip."""

LEAD = 2
"""And by how many votes that side must be ahead: so no single vote turns Skip into Ship."""

POLARISED = 40
"""The range of scores from which a panel is polarised, whatever its votes."""


class Disclosure(Record):
    """Something that a reader should know about how the verdict came to be."""

    kind: Literal[
        "conflict of interest",
        "one model",
        "stale",
        "prompts",
        "sample",
        "rehearsal",
        "by hand",
        "fallback",
        "carried",
        "retaken",
        "edited",
    ]
    """What sort of thing."""

    personas: tuple[str, ...]
    """The seats that it concerns, in alphabetical order."""

    text: str
    """The sentence for the page."""


class Opinion(Record):
    """What counts of one seat that was heard."""

    persona: str
    """The id of the persona."""

    score: int
    """0 to 100."""

    vote: Vote
    """Ship or skip."""

    threshold: int
    """The score from which this persona ships."""


class Verdict(Record):
    """What the panel says, with everything needed to check it."""

    label: Label
    """Ship, Mixed, Skip or No verdict."""

    ship: int
    """Ship votes."""

    skip: int
    """Skip votes."""

    heard: int
    """Seats with a take."""

    invited: int
    """Seats that were asked: heard and absent."""

    share: str | None = Field(json_schema_extra={"pattern": "^[0-9]+(/[0-9]+)?$"})
    """Ship votes by seats heard, an exact fraction such as "3/4"; None where none was heard."""

    percent: int | None
    """The share in percent, halves up."""

    score: float | None
    """Panel score, 0 to 100, one decimal: the mean without the highest and the lowest from four heard on."""

    range: tuple[int, int] | None
    """Lowest and highest score."""

    margin: int | None
    """The fewest flipped votes that change the label; None where flipping can't change it."""

    swing: str | None
    """Of the seats whose flip alone changes the label, the one nearest to its threshold; None where there is none."""

    agreement: Agreement | None
    """How far the seats agree; None without a verdict."""

    provisional: bool
    """True while the vote of a seat that failed could change the label."""

    disclosures: tuple[Disclosure, ...]
    """What a reader should know."""


def label(ship: int, skip: int) -> Label:
    """Return the label of a split."""
    heard = ship + skip
    if heard < QUORUM:
        return "No verdict"
    if Fraction(ship, heard) >= MAJORITY and ship - skip >= LEAD:
        return "Ship"
    if Fraction(skip, heard) >= MAJORITY and skip - ship >= LEAD:
        return "Skip"
    return "Mixed"


def verdict(opinions: Sequence[Opinion], undecided: int, abstained: int, disclosures: Sequence[Disclosure]) -> Verdict:
    """Return the verdict over the seats heard; their order has no influence.

    `undecided` counts the seats that were invited and are absent for another reason than abstention,
    `abstained` those that abstained.
    """
    ship = sum(opinion.vote == "ship" for opinion in opinions)
    heard = len(opinions)
    scores = sorted(opinion.score for opinion in opinions)
    share = Fraction(ship, heard) if heard else None
    outcome = label(ship, heard - ship)
    return Verdict(
        label=outcome,
        ship=ship,
        skip=heard - ship,
        heard=heard,
        invited=heard + undecided + abstained,
        share=None if share is None else str(share),
        percent=None if share is None else halves_up(100 * share),
        score=panel_score(scores),
        range=(scores[0], scores[-1]) if scores else None,
        margin=margin(ship, heard),
        swing=swing(opinions),
        agreement=None if outcome == "No verdict" else agreement(scores, ship),
        provisional=provisional(ship, heard - ship, undecided),
        disclosures=tuple(sorted(disclosures, key=lambda one: (one.kind, one.personas, one.text))),
    )


def panel_score(scores: Sequence[int]) -> float | None:
    """Return the mean of the scores to one decimal, without the highest and the lowest from four on."""
    if not scores:
        return None
    return halves_up(10 * trimmed(scores)) / 10


def trimmed(scores: Sequence[int]) -> Fraction:
    """Return the mean of the scores, without the highest and the lowest from four on; there must be one at least."""
    counted = sorted(scores)[1:-1] if len(scores) > QUORUM else list(scores)
    return Fraction(sum(counted), len(counted))


def margin(ship: int, heard: int) -> int | None:
    """Return the fewest votes that must flip to change the label, or None."""
    now = label(ship, heard - ship)
    flips = [abs(other - ship) for other in range(heard + 1) if label(other, heard - other) != now]
    return min(flips, default=None)


def swing(opinions: Sequence[Opinion]) -> str | None:
    """Return the persona nearest to its threshold among those whose flip alone changes the label, or None."""
    ship = sum(opinion.vote == "ship" for opinion in opinions)
    now = label(ship, len(opinions) - ship)
    deciding = []
    for opinion in opinions:
        flipped = ship + (-1 if opinion.vote == "ship" else 1)
        if label(flipped, len(opinions) - flipped) != now:
            deciding.append((abs(opinion.score - opinion.threshold), opinion.persona))
    return min(deciding)[1] if deciding else None


def agreement(scores: Sequence[int], ship: int) -> Agreement:
    """Return how far the seats agree; `scores` must not be empty."""
    heard = len(scores)
    if max(scores) - min(scores) >= POLARISED:
        return "Polarised"
    if ship in (0, heard):
        return "Unanimous"
    if heard >= 4 and ship in (1, heard - 1):
        return "Agree"
    return "Split"


def provisional(ship: int, skip: int, undecided: int) -> bool:
    """Return whether the votes of the undecided seats could still change the label."""
    now = label(ship, skip)
    return any(label(ship + more, skip + undecided - more) != now for more in range(undecided + 1))
