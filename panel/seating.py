"""Seating: what is to become of each seat, before anybody is asked. Pure but for reading `runs/`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

from panel.ask import ask_seat
from panel.choices import Choice, Choices, choice
from panel.errors import InputError, RecordError
from panel.llm.ledger import Recorded
from panel.llm.model import Model
from panel.persona import Persona
from panel.project import Project
from panel.prompt import Question
from panel.record import digest
from panel.request import Request
from panel.review import Absence, Review, Seat, seat
from panel.settings import Samples
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

    is_locked: bool = False
    """True where no run may change it."""


@dataclass(frozen=True)
class Asked:
    """A seat that is answered: by the ledgers, and where they are silent, perhaps by a model."""

    question: Question
    samples: Samples
    first: int
    """The sample number to count from."""

    choice: Choice | None
    """What an editor accepted, or None."""

    is_live: bool
    """True where a model may be asked."""

    async def answered(self, model: Model) -> Seat:
        """Return the seat that `model` answers, as it is published; raises what `ask_seat` raises."""
        done = await ask_seat(self.question, model, self.samples, self.first)
        return self.choice.applied(done, self.question) if self.choice else done

    def chosen(self, done: Seat) -> Choice:
        """Return the choice that brings `done` back, which this came to."""
        drawn = len({ask.sample for ask in done.asks})
        chosen = self.choice or choice(self.first, drawn, self.question.tool, self.question.persona)
        return chosen.model_copy(update={"samples": drawn})

    def anew(
        self, unused: Callable[[Callable[[int], Request]], int], samples: Samples, earlier: Sequence[Choice]
    ) -> Self:
        """Return the same seat asked anew without a note.

        `unused` finds the sample number to count from; `earlier` is what was asked of it for this dossier before.
        """
        question = replace(self.question, note=None)
        first = unused(question.request)
        retakes = max((each.retakes + 1 for each in earlier), default=int(first > 1))
        again = choice(first, 1, question.tool, question.persona).model_copy(update={"retakes": retakes})
        return replace(self, question=question, samples=samples, first=first, choice=again)


@dataclass(frozen=True)
class Seating:
    """Everything that decides over the seats of one tool."""

    project: Project
    tool: Tool
    record: Review | None
    """The record that is there, where it has a say."""

    only: Sequence[str]
    """The personas to ask, all where it is empty."""

    choices: Choices
    """The choices that hold."""

    dropped: Sequence[str]
    """Personas whose choice no longer holds, since the dossier or the persona changed."""

    @classmethod
    def of(cls, project: Project, tool: Tool, only: Sequence[str]) -> Self:
        """Return the seating of a tool; raises RecordError where its record or its choices can't be read."""
        chosen = project.store.choices(tool.slug)
        before = project.store.review(tool.slug) if only or chosen.locked else None
        panel = {persona.id: persona for persona in project.panel}
        void = [id for id, one in chosen.seats.items() if id in panel and not one.holds(tool, panel[id])]
        dropped = [id for id in void if not chosen.locks(id)]
        if before and (locked := [id for id in only if chosen.locks(id)]):
            raise InputError(f"{tool.slug}: {', '.join(locked)}: locked; to let go: panel lock {tool.slug} --release")
        return cls(
            project=project,
            tool=tool,
            record=before,
            only=only,
            choices=chosen.without(dropped),
            dropped=dropped,
        )

    def plan(self, persona: Persona) -> Unseated | Kept | Asked:
        """Return what is to become of the seat of a persona."""
        kept = self.recorded(persona.id)
        if kept and self.choices.locks(persona.id):
            return Kept(self._sound(kept), is_current=True, is_locked=True)
        if self.standing:
            return Unseated("the review is locked")
        if reason := self.tool.seats.get(persona.id) or persona.not_invited(self.tool.kind, self.tool.category):
            return Unseated(reason)
        asked = self._asked(persona)
        if asked.is_live or kept is None or not kept.asks:
            return asked
        return Kept(self._sound(kept), is_current=_answers(kept, asked))

    def _sound(self, kept: Seat) -> Seat:
        if fault := kept.fault:
            problem = f"the {fault} of {kept.persona} does not follow from its ratings; run it again without --persona"
            raise RecordError.at(self.project.store.review_path(self.tool.slug), None, "", problem)
        return kept

    def recorded(self, persona: str) -> Seat | None:
        """Return the seat of a persona in the record, where that has a say; None where there is none."""
        return next((seat for seat in self.record.seats if seat.persona == persona), None) if self.record else None

    @property
    def standing(self) -> Review | None:
        """The record where all of it is locked, else None."""
        return self.record if self.choices.is_locked else None

    async def replayed(self, persona: Persona) -> Seat:
        """Return the seat of a persona without asking anybody; raises RecordingMissing where no ledger has a reply."""
        match self.plan(persona):
            case Unseated(reason):
                return self.unseated(persona, reason)
            case Kept(kept):
                return kept
            case asked:
                return await asked.answered(Recorded(self.project.ledgers, None, is_brief=True))

    def silent(self, persona: Persona) -> Seat:
        """Return the seat of a persona that no ledger has a reply for: it failed as recorded, or was not asked yet."""
        kept = self.recorded(persona.id)
        return kept if kept and kept.is_let_down else self.unseated(persona, "not asked yet")

    def unseated(self, persona: Persona, reason: str) -> Seat:
        """Return the seat of a persona that is not heard, and was not asked."""
        return seat(persona, self.tool, self.project.prompts.digest, "unseated", reason=reason)

    def made(self, persona: Persona) -> list[Choice]:
        """Return what was asked of a persona for this dossier before, as choices: by the history and by the record."""
        now = choice(1, 1, self.tool, persona)
        entries = self.project.store.history(self.tool.slug).entries(persona.id).values()
        chosen, kept = self.choices.seats.get(persona.id), self.recorded(persona.id)
        made = [each.choice for each in entries if each.choice.follows(now)] + ([chosen] if chosen else [])
        if made or not kept or not kept.asks or kept.absence == Absence.FAILED:
            return made
        is_same = (kept.seen, kept.persona_digest) == (now.seen, digest(persona))
        numbers = [ask.sample for ask in kept.asks]
        counted = {"retakes": kept.take.retakes if kept.take else 0}
        of_record = choice(min(numbers), len({*numbers}), self.tool, persona).model_copy(update=counted)
        return [of_record] if is_same else []

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
        chosen = self.choices.seats.get(persona.id)
        return Asked(
            question=self.project.question(self.tool, persona, chosen.note if chosen else None),
            samples=chosen.samples if chosen else self.project.settings.samples,
            first=chosen.sample if chosen else 1,
            choice=chosen,
            is_live=not self.only or persona.id in self.only,
        )


def _answers(seat: Seat, asked: Asked) -> bool:
    """Return whether a recorded seat rests on just what would be asked now."""
    return seat.asks[0].request == asked.question.request(seat.asks[0].sample).identity
