"""A persona: a critic's standing instructions, one file in `personas/`, front matter and voice."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from panel.document import fit, read_document, read_text
from panel.errors import PersonaError
from panel.record import Record
from panel.text import clean
from panel.tool import Kind

Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*$", max_length=40)]
Short = Annotated[str, StringConstraints(min_length=1, max_length=400, strip_whitespace=True)]

FEWEST, MOST = 5, 7
"""How many criteria a persona has."""

_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(?P<front>.*?)\r?\n---[ \t]*(?:\r?\n(?P<voice>.*)|\Z)", re.DOTALL)


class Anchors(Record):
    """What three of the five ratings mean for one criterion."""

    zero: Short = Field(alias="0")
    """A reason to stay away."""

    two: Short = Field(alias="2")
    """What one expects of a sound tool of this kind."""

    four: Short = Field(alias="4")
    """The reason to choose it."""


class Criterion(Record):
    """One thing that a persona judges."""

    id: Id
    """Its name in ratings."""

    question: Short
    """What is asked."""

    weight: int = Field(ge=1, le=99)
    """Its share of the score, in percent."""

    anchors: Anchors
    """What 0, 2 and 4 mean."""


class Seating(Record):
    """For which tools this persona is not invited."""

    skip_kinds: tuple[Kind, ...] = ()
    """Kinds of tool it is not asked about."""

    skip_categories: tuple[str, ...] = ()
    """Categories it is not asked about."""

    reason: Short
    """Why; it is printed in place of the take."""


class Persona(Record):
    """A critic's standing instructions."""

    id: Id
    """Its name in files and records; the file's name too."""

    name: Short
    """Its name on the page."""

    motto: Short
    """What it stands for, in one line."""

    order: int = Field(ge=0, le=999)
    """Where it sits; ties are settled by id."""

    version: int = Field(default=1, ge=1)
    """Raised by its author when its meaning changes."""

    model: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*:\S+$")] | None = None
    """The model that this seat is asked of, `provider:name`; None for the panel's."""

    threshold: int = Field(default=60, ge=50, le=75)
    """The score from which it ships."""

    words: tuple[int, int] = (80, 130)
    """How long the take should be: fewest and most words."""

    never: tuple[Short, ...] = ()
    """Phrases that its takes must not use."""

    criteria: tuple[Criterion, ...] = Field(json_schema_extra={"minItems": FEWEST, "maxItems": MOST})
    """What it judges."""

    seating: Seating | None = None
    """For which tools it is not invited."""

    voice: Annotated[str, StringConstraints(min_length=200, max_length=8_000, strip_whitespace=True)]
    """Who it is and how it thinks: the body of the file."""

    @field_validator("criteria")
    @classmethod
    def _weights_spread_scores(cls, criteria: tuple[Criterion, ...]) -> tuple[Criterion, ...]:
        weights = [criterion.weight for criterion in criteria]
        if not FEWEST <= len(criteria) <= MOST:
            raise ValueError(f"write {FEWEST} to {MOST} criteria, not {len(criteria)}")
        if len({criterion.id for criterion in criteria}) < len(criteria):
            raise ValueError("two criteria have the same id; rename one")
        if sum(weights) != 100:
            raise ValueError(f"the weights add up to {sum(weights)}; make it 100")
        if len(set(weights)) < len(weights):
            raise ValueError("two weights are equal, which makes scores clump; make them differ")
        if all(weight % 5 == 0 for weight in weights):
            raise ValueError("all weights are multiples of five, which makes scores clump; change some")
        return criteria

    @field_validator("words")
    @classmethod
    def _words_are_a_range(cls, words: tuple[int, int]) -> tuple[int, int]:
        if not 20 <= words[0] < words[1] <= 400:
            raise ValueError("write the fewest and the most words, such as [80, 130]")
        return words

    def not_invited(self, kind: str, category: str) -> str | None:
        """Return why this persona is not asked about such a tool, or None where it is."""
        rule = self.seating
        if rule and (kind in rule.skip_kinds or category.casefold() in [c.casefold() for c in rule.skip_categories]):
            return rule.reason
        return None


def read_persona(path: Path) -> Persona:
    """Return the persona in one file; raises PersonaError with file, line and key for every fault in it."""
    text = read_text(path, PersonaError)
    parts = _FRONT_MATTER.match(text)
    if not parts:
        raise PersonaError.at(path, 1, "", "must begin with front matter between two lines of ---, the voice after it")
    document = read_document(parts["front"], path, PersonaError, first_line=2)
    persona = fit(document, Persona, PersonaError, voice=clean(parts["voice"] or "").text)
    if persona.id != path.stem:
        problem = f"is '{persona.id}' in a file named {path.name}; make them the same"
        raise PersonaError.at(path, document.line(("id",)), "id", problem)
    return persona


def read_panel(folder: Path) -> tuple[Persona, ...]:
    """Return the personas of a folder in their order; raises PersonaError with all faults of all files."""
    personas, faults = [], []
    for path in sorted(path for path in folder.glob("[!._]*.md") if path.name != "README.md"):
        try:
            personas.append(read_persona(path))
        except PersonaError as error:
            faults.append(str(error))
    if faults:
        raise PersonaError("\n".join(faults))
    if not personas:
        raise PersonaError.at(folder, None, "", "holds no persona files (*.md); add one, or remove the folder")
    return tuple(sorted(personas, key=lambda persona: (persona.order, persona.id)))
