"""A comparison: the record of two reviews side by side. Everything that its page says is in it."""

from __future__ import annotations

from datetime import date
from typing import Literal, Self

from pydantic import Field, model_validator

from panel.community import Community
from panel.moderation import Moderation
from panel.names import pair_slug
from panel.record import Record
from panel.review import Absence
from panel.take import Take
from panel.tool import Kind, Links, Pricing, Source, SourceId, Url
from panel.verdict import RULES, Verdict

AnswerKind = Literal["pick", "neither", "too close", "not comparable"]
DifferenceKind = Literal["panel", "persona", "prompts", "rules", "model"]


class Happening(Record):
    """Something that was done with a review."""

    at: str
    """When: UTC, ISO 8601."""

    what: str
    """What, in words."""


class Approved(Record):
    """Who stands behind a review."""

    by: str
    """Who approved it."""

    at: str
    """When: UTC, ISO 8601."""


class Citation(Record):
    """A source of the dossier, without its text."""

    id: SourceId
    """The name that quotes use."""

    title: str
    """What it is called."""

    url: Url | None
    """Where it stands."""

    kind: Literal["maker", "independent", "own_test"]
    """Who speaks."""

    dated: date | None
    """When it was published or last changed."""

    @classmethod
    def of(cls, source: Source) -> Self:
        """Return a source without its text."""
        return cls(id=source.id, title=source.title, url=source.url, kind=source.kind, dated=source.dated)


class Side(Record):
    """One of the two tools: what it is, and what the panel says of it."""

    slug: str
    """Its name in files and links."""

    name: str
    """What it is called."""

    version: str | None
    """Which version was reviewed."""

    maker: str
    """Who makes it."""

    category: str
    """The shelf it stands on."""

    kind: Kind
    """What sort of thing it is."""

    tagline: str
    """The maker's one line."""

    description: str
    """The maker's account of it."""

    license: str
    """SPDX expression, or "not stated"."""

    pricing: Pricing
    """What it costs."""

    links: Links
    """Where it lives."""

    released: date | None
    """When this version came out."""

    sources: tuple[Citation, ...]
    """What can be quoted beside the maker's account."""

    addressed: int
    """How many passages of the dossier address a reviewer; they were kept out of the evidence."""

    review: str
    """Content hash of the review."""

    rules: str
    """The version of the rules that it was made by."""

    verdict: Verdict
    """What the panel says."""

    models: tuple[str, ...]
    """Who really answered, in alphabetical order."""

    recorded: tuple[str, str] | None
    """When the first and the last reply was given: UTC, ISO 8601; None where there is none."""

    community: Community | None
    """What readers voted, or None where nobody counts."""

    approval: Approved | None
    """Who stands behind it; None for a draft."""

    history: tuple[Happening, ...]
    """What was done with the review, oldest first."""

    @property
    def independent(self) -> int:
        """How many sources are not the maker's."""
        return sum(source.kind != "maker" for source in self.sources)


class Difference(Record):
    """One way in which the two reviews were not made alike."""

    kind: DifferenceKind
    """What sort of difference."""

    persona: str | None
    """The seat, or None where it concerns both reviews as a whole."""

    text: str
    """The sentence for the page."""


class Answer(Record):
    """Which one to take, as far as the takes tell."""

    kind: AnswerKind
    """Whether there is a pick."""

    winner: str | None
    """The slug of the pick."""

    why: str
    """The sentence for the page."""

    common: tuple[str, ...]
    """The personas heard on both sides; the answer goes by them alone."""

    scores: tuple[float, float] | None
    """The trimmed means over these seats, one decimal; None where fewer than three are common."""

    higher: tuple[int, int]
    """How many of these seats score each tool higher."""

    substitutes: bool
    """False where the two are not the same kind of thing: they may be needed both."""


class Fact(Record):
    """One cell of the decision table."""

    text: str
    """What is so."""

    note: str | None = None
    """What goes with it."""

    persona: str | None = None
    """Whose words these are; None where they are no critic's."""


class Decision(Record):
    """One row of the decision table."""

    key: str
    """What it is about, as code names it."""

    label: str
    """What it is about, as people read it."""

    facts: tuple[Fact, Fact]
    """What is so of each tool."""


class Cell(Record):
    """What a persona says of one tool, or why it says nothing."""

    status: Literal["heard", "absent", "unseated"]
    """Whether there is a take, none although invited, or no invitation."""

    absence: Absence | None = None
    """Why an invited seat has no take."""

    reason: str | None = None
    """The reason in words, where there is no take."""

    threshold: int | None = None
    """The score from which this persona ships; None where it was not on the panel."""

    take: Take | None = None
    """What it says."""

    @model_validator(mode="after")
    def _is_filled(self) -> Self:
        if (self.take is None) == (self.reason is None):
            message = "a cell holds a take, or the reason why there is none"
            raise ValueError(message)
        return self


class Row(Record):
    """One row of the scorecard."""

    persona: str
    """The id of the persona."""

    name: str
    """Its name on the page."""

    cells: tuple[Cell, Cell]
    """What it says of each tool."""


class Comparison(Record):
    """The side-by-side record of two tools. It holds no time of its own run: a replay gives the same bytes."""

    schema_: Literal["panel.comparison/1"] = Field(default="panel.comparison/1", alias="schema")
    """What this file is; the number is raised when the meaning of a field changes."""

    rules: str = RULES
    """The version of the rules."""

    sides: tuple[Side, Side]
    """The two tools by slug; the order is no ranking."""

    answer: Answer
    """Which one to take."""

    differences: tuple[Difference, ...]
    """Where the two reviews were not made alike; none where they are like for like."""

    decision: tuple[Decision, ...]
    """The decision table."""

    scorecard: tuple[Row, ...]
    """What each persona says of both."""

    moderation: Moderation | None
    """When to pick which, in prose; None where no moderator was asked."""

    @property
    def slug(self) -> str:
        """Its name in files and links."""
        return pair_slug(*(side.slug for side in self.sides))
