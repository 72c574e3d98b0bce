"""The store: what Panel keeps in `runs/`, one folder a tool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, ValidationError

from panel.errors import RecordError
from panel.files import Json, append_line, digest_of, is_there, read_json, readable, write_whole
from panel.llm.model import now
from panel.persona import Persona
from panel.record import Record, digest
from panel.review import Review
from panel.tool import Tool

Kind = TypeVar("Kind", bound=Record)


class Choice(Record):
    """Which ask of one seat the editor accepted, and for which dossier and persona that holds."""

    sample: int = Field(ge=1)
    """The sample number; the first one where there are several."""

    samples: int = Field(default=1, ge=1, le=9)
    """How many samples, counted on from that number."""

    note: str | None = None
    """The editor's note that was part of the request."""

    seen: str
    """Content hash of what the dossier showed."""

    persona_digest: str
    """Content hash of the persona, its place at the table left out."""

    def holds(self, tool: Tool, persona: Persona) -> bool:
        """Return whether dossier and persona are still those that the choice was made for."""
        return self.seen == digest_of(tool.seen) and self.persona_digest == _standing(persona)


def _standing(persona: Persona) -> str:
    return digest(persona.model_copy(update={"order": 0}))


def choice(sample: int, samples: int, tool: Tool, persona: Persona) -> Choice:
    """Return the choice of `samples` samples from number `sample` on, for this dossier and persona."""
    return Choice(sample=sample, samples=samples, seen=digest_of(tool.seen), persona_digest=_standing(persona))


class Choices(Record):
    """The choices for one tool."""

    schema_: Literal["panel.choices/1"] = Field(default="panel.choices/1", alias="schema")
    """What this file is."""

    seats: Mapping[str, Choice] = {}
    """By persona."""


@dataclass(frozen=True)
class Store:
    """The folder `runs/`."""

    folder: Path

    def review_path(self, slug: str) -> Path:
        """Return where the record of a tool belongs."""
        return self.folder / slug / "review.json"

    def review(self, slug: str) -> Review | None:
        """Return the record of a tool, or None; raises RecordError where it can't be read."""
        path = self.review_path(slug)
        return _read(path, Review) if is_there(path) else None

    def save_review(self, review: Review, page: str) -> list[Path]:
        """Write `review.md` and `review.json`, the record last; return the two paths, the record first."""
        path = self.review_path(review.tool.slug)
        write_whole(path.with_suffix(".md"), page.encode())
        write_whole(path, readable(review.as_json()))
        return [path, path.with_suffix(".md")]

    def choices(self, slug: str) -> Mapping[str, Choice]:
        """Return the choices for a tool by persona; raises RecordError where they can't be read."""
        path = self.folder / slug / "choices.json"
        return _read(path, Choices).seats if is_there(path) else {}

    def save_choices(self, slug: str, seats: Mapping[str, Choice]) -> None:
        """Write the choices for a tool, where there are or were any."""
        path = self.folder / slug / "choices.json"
        if seats or is_there(path):
            write_whole(path, readable(Choices(seats=dict(sorted(seats.items()))).as_json()))

    def log(self, slug: str, event: str, **details: Json) -> None:
        """Add an event to the log of a tool, with its time."""
        append_line(self.folder / slug / "log.jsonl", {"at": now(), "event": event, **details})


def read_review(path: Path) -> Review:
    """Return the review in a file; raises RecordError, naming the file and the first fault, where it can't be read."""
    return _read(path, Review)


def _read(path: Path, kind: type[Kind]) -> Kind:
    try:
        return kind.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])[:120]
        problem = (
            f"is no {kind.__name__.lower()} as Panel writes it ({first['msg']}); restore it, or delete it and run again"
        )
        raise RecordError.at(path, None, place, problem) from error
