"""Figures: the record `panel.statistics/1`. Where there is too little to go by it says so; it never holds NaN."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field, FiniteFloat

from panel.record import Record
from panel.take import halves_up
from panel.verdict import Label

FEWEST = 10
"""Tools from which a coefficient is told, and an alarm raised."""

Share = Annotated[FiniteFloat, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]


class Figure(Record):
    """A coefficient with its range, or why one of them is missing."""

    value: FiniteFloat | None = None
    """The coefficient, four decimals; None where there is too little to go by."""

    range: tuple[FiniteFloat, FiniteFloat] | None = None
    """Where 95 % of the values lie when the tools are drawn anew, with replacement, a thousand times."""

    tools: Count = 0
    """Tools that it goes by."""

    lacking: str | None = None
    """Why there is no value, or no range; None where there are both."""

    def told(self, form: str) -> tuple[str, str]:
        """Return the value as people read it, and its range or why that is missing; `form` is that of a number."""
        value = "" if self.value is None else format(self.value, form)
        if self.range is None:
            return value, self.lacking or ""
        return value, " to ".join(format(end, form) for end in self.range)


class CriticFigures(Record):
    """What one persona gave."""

    persona: str
    """Its id."""

    name: str
    """Its name on the page."""

    heard: Count
    """Takes."""

    ships: Count
    """Takes that vote ship."""

    mean: FiniteFloat
    """Mean of the scores, two decimals."""

    median: FiniteFloat
    """Median of the scores."""

    histogram: tuple[Count, ...] = Field(min_length=10, max_length=10)
    """Scores from 0 to 9, 10 to 19, and so on; the last bin is 90 to 100."""

    harshness: Figure
    """Points that it scores above the mean of the other seats on the same tool, on average; below 0 it is harsher."""

    alarms: tuple[str, ...]
    """Why its votes or scores tell little, from ten tools on."""

    @property
    def percent(self) -> int:
        """The ship votes in percent, halves up."""
        return halves_up(Fraction(100 * self.ships, self.heard)) if self.heard else 0


class Agreement(Record):
    """How far the seats agree, over the tools on which two or more were heard."""

    scores_alpha: Figure
    """Krippendorff's alpha of the scores, interval: 1 is perfect agreement, 0 what chance would give."""

    votes_alpha: Figure
    """Krippendorff's alpha of the votes, nominal."""

    votes_ac1: Figure
    """Gwet's AC1 of the votes, which does not sink where nearly all votes are the same."""

    correlation: Figure
    """Mean of the correlations (Pearson) between the scores of two personas, over all pairs."""

    seats: Count
    """Personas whose correlations are known."""

    effective_votes: Figure
    """How many independent votes they are worth: `seats / (1 + (seats - 1) * correlation)` (Kish 1965), 1 to `seats`.

    A lower bound: that all like a good tool is correlation too.
    """


class Likeness(Record):
    """How alike the takes of different personas on one tool are."""

    pairs: Count
    """Pairs of takes."""

    mean: Share
    """Mean share of five-word runs in common, by those of the shorter take; runs of the dossier are left out."""

    above: Count
    """Pairs whose share is above 0.02."""

    highest: Share
    """The highest share."""

    tool: str
    """The slug of the tool with the highest share."""

    between: tuple[str, str]
    """The personas of the two takes."""


class Opening(Record):
    """Four words that two takes or more begin with."""

    words: str
    """The words, in lower case."""

    personas: Mapping[str, Count]
    """How many takes of each persona."""

    @property
    def takes(self) -> int:
        """How many takes begin with it."""
        return sum(self.personas.values())


class Phrase(Record):
    """Four to six words that return in the takes of one persona, and stand in none of the dossiers."""

    persona: str
    """The id of the persona."""

    words: str
    """The words, in lower case."""

    tools: Count
    """On how many tools, three at least."""


class Wording(Record):
    """What returns from take to take."""

    tools: Count
    """Tools whose takes were compared."""

    of: Count
    """Tools that there are; of more than 500 so many are drawn by the hashes of their slugs."""

    takes: Count
    """Takes that were compared."""

    openings: tuple[Opening, ...]
    """Openings that two takes or more share, the most frequent ones first, twenty at most."""

    shared_openings: Count
    """How many there are."""

    phrases: tuple[Phrase, ...]
    """Stock phrases, the most frequent ones first, twenty at most."""

    stock_phrases: Count
    """How many there are."""


class Sampling(Record):
    """How far the answers to one question are apart, over the takes that were made from several."""

    takes: Count
    """Takes that were made from more than one answer."""

    median: FiniteFloat
    """Median of highest less lowest score."""

    highest: Count
    """The largest of them."""


class Statistics(Record):
    """Figures over the reviews of a catalogue; neither the order of tools nor that of personas changes them."""

    schema_: Literal["panel.statistics/1"] = Field(default="panel.statistics/1", alias="schema")
    """What this file is; the number is raised when the meaning of a field changes."""

    tools: Count
    """Reviews."""

    takes: Count
    """Takes in them."""

    labels: Mapping[Label, Count]
    """How many reviews came to each verdict."""

    critics: tuple[CriticFigures, ...]
    """Each persona that was heard, by its id; of more than sixty those that were heard most."""

    others: Count
    """Personas beyond those sixty."""

    agreement: Agreement
    """How far they agree."""

    likeness: Likeness | None
    """How alike takes on one tool are; None where no two were heard on one."""

    wording: Wording | None
    """What returns from take to take; None where the takes themselves were not read."""

    sampling: Sampling | None
    """How far answers to one question are apart; None where no take was made from several."""


def too_few(tools: int) -> str:
    """Return why there is no coefficient over so many tools."""
    return f"needs {FEWEST} tools, and has {tools}"
