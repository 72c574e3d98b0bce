"""Seating: what is to become of each seat, before anybody is asked. Pure but for reading `runs/`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from panel.errors import RecordError
from panel.persona import Persona
from panel.project import Project
from panel.prompt import Question
from panel.review import Seat
from panel.settings import Samples
from panel.store import Choice
from panel.take import score
from panel.tool import Tool


@dataclass(frozen=True)
class Unseated:
    """A persona that is not invited."""

    reason: str


@dataclass(frozen=True)
class Kept:
    """A seat that stays as it is recorded."""

    seat: Seat
    is_current: bool
    """True where it still answers what would be asked now."""


@dataclass(frozen=True)
class Asked:
    """A seat that is answered: by the ledgers, and where they are silent, perhaps by a model."""

    question: Question
    samples: Samples
    first: int
    """The sample number to count from."""

    is_chosen: bool
    """True where an editor accepted just these samples."""

    is_live: bool
    """True where a model may be asked."""


@dataclass(frozen=True)
class Seating:
    """Everything that decides over the seats of one tool."""

    project: Project
    tool: Tool
    only: Sequence[str]
    """The personas to ask, all where it is empty."""

    recorded: Mapping[str, Seat]
    """The seats of the record that is there, by persona."""

    choices: Mapping[str, Choice]
    """The choices that hold, by persona."""

    dropped: Sequence[str]
    """Personas whose choice no longer holds, since the dossier or the persona changed."""

    @classmethod
    def of(cls, project: Project, tool: Tool, only: Sequence[str]) -> Self:
        """Return the seating of a tool; raises RecordError where its record or its choices can't be read."""
        before = project.store.review(tool.slug) if only else None
        chosen = project.store.choices(tool.slug)
        panel = {persona.id: persona for persona in project.panel}
        holding = {id: one for id, one in chosen.items() if id in panel and one.holds(tool, panel[id])}
        return cls(
            project=project,
            tool=tool,
            only=only,
            recorded={seat.persona: seat for seat in before.seats} if before else {},
            choices=holding,
            dropped=[id for id in chosen if id in panel and id not in holding],
        )

    def plan(self, persona: Persona) -> Unseated | Kept | Asked:
        """Return what is to become of the seat of a persona."""
        if reason := self.tool.seats.get(persona.id) or persona.not_invited(self.tool.kind, self.tool.category):
            return Unseated(reason)
        asked = self._asked(persona)
        kept = self.recorded.get(persona.id)
        if asked.is_live or kept is None or not kept.asks:
            return asked
        if kept.take and kept.take.score != score(kept.take.ratings):
            problem = f"the score of {persona.id} does not follow from its ratings; run it again without --persona"
            raise RecordError.at(self.project.store.review_path(self.tool.slug), None, "", problem)
        first = kept.asks[0]
        return Kept(kept, first.request == asked.question.request(first.sample).identity)

    def earlier(self, persona: Persona) -> Seat | None:
        """Return the recorded seat of a persona if it was heard; None where there is none that can be read."""
        try:
            before = self.project.store.review(self.tool.slug)
        except RecordError:
            return None
        return (
            next((seat for seat in before.seats if seat.persona == persona.id and seat.take), None) if before else None
        )

    def _asked(self, persona: Persona) -> Asked:
        chosen = self.choices.get(persona.id)
        return Asked(
            question=self.project.question(self.tool, persona, chosen.note if chosen else None),
            samples=chosen.samples if chosen else self.project.settings.samples,
            first=chosen.sample if chosen else 1,
            is_chosen=chosen is not None,
            is_live=not self.only or persona.id in self.only,
        )
