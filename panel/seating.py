"""Seating: what is to become of each seat, before anybody is asked. Pure but for reading `runs/`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from panel.ask import ask_seat
from panel.choices import Choice, Choices, choice
from panel.errors import RecordError
from panel.llm.ledger import Recorded
from panel.llm.model import Model
from panel.persona import Persona
from panel.project import Project
from panel.prompt import Question
from panel.record import digest
from panel.review import Absence, Review, Seat, review, seat
from panel.settings import Samples
from panel.tool import Tool

NOT_ASKED = "not asked yet"
"""The reason of a seat that is invited, and that nobody has asked."""


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


@dataclass(frozen=True)
class Seating:
    """Everything that decides over the seats of one tool."""

    project: Project
    tool: Tool
    record: Review | None
    """The record that is there, where it has a say."""

    only: Sequence[str]
    """The personas to ask, all where it is empty."""

    stored: Choices
    """The choices as they are written."""

    dropped: Sequence[str]
    """Personas to be asked whose choice no longer holds, since the dossier or the persona changed."""

    @classmethod
    def of(cls, project: Project, tool: Tool, only: Sequence[str]) -> Self:
        """Return the seating of a tool; raises RecordError where its record or its choices can't be read."""
        stored = project.store.choices(tool.slug)
        record = project.store.review(tool.slug) if only or stored.locked else None
        if stored.is_locked and (record is None or digest(record) != stored.locked):
            problem = "is not the record that was locked; restore it, or let go: panel lock --release"
            raise RecordError.at(project.store.review_path(tool.slug), None, "", problem)
        asked = [persona for persona in project.panel if not only or persona.id in only]
        dropped = [persona.id for persona in asked if _is_void(stored, tool, persona)]
        return cls(project=project, tool=tool, record=record, only=only, stored=stored, dropped=dropped)

    @property
    def choices(self) -> Choices:
        """The choices with those left out that no longer hold."""
        return self.stored.without(self.dropped)

    def refuse_locked(self) -> None:
        """Raise Locked where a seat that is to be asked is locked."""
        if self.only:
            self.stored.refuse_locked(self.tool.slug, self.only)

    def dropped_of(self, others: Choices) -> list[str]:
        """Return the personas whose choice does not hold and is still the same in `others`."""
        return [id for id in self.dropped if others.seats.get(id) == self.stored.seats[id]]

    def plan(self, persona: Persona) -> Unseated | Kept | Asked:
        """Return what is to become of the seat of a persona."""
        if self.stored.locks(persona.id):
            locked = self.locked(persona.id)
            return Kept(locked, is_current=True, is_locked=True) if locked else Unseated("the review is locked")
        kept, is_live = self.recorded(persona.id), not self.only or persona.id in self.only
        asked = self._asked(persona, is_live=is_live)
        if kept and kept.asks and not is_live:
            return Kept(self._sound(kept), is_current=_answers(kept, asked))
        if reason := self.tool.seats.get(persona.id) or persona.not_invited(self.tool.kind, self.tool.category):
            return Unseated(reason)
        return asked

    def locked(self, persona: str) -> Seat | None:
        """Return the seat that is locked: from the record, or where that was changed, from the history.

        It is None for a persona that came after the whole review was locked. Raises RecordError where it is gone.
        """
        if isinstance(self.stored.locked, str):
            return self.recorded(persona)
        history, wanted = self.project.store.history(self.tool.slug), self.stored.locked[persona]
        kept = self.recorded(persona)
        if kept and digest(kept) == wanted:
            return self._sound(kept)
        for entry in history.entries(persona).values():
            if digest(entry.seat) == wanted:
                return entry.seat
        problem = "the locked seat is neither in the record nor among the takes; restore it, or release the lock"
        raise RecordError.at(self.project.store.place(self.tool.slug) / "choices.json", None, persona, problem)

    def _sound(self, kept: Seat) -> Seat:
        if fault := kept.fault:
            problem = f"the {fault} of {kept.persona} does not follow from its ratings; run it again without --persona"
            raise RecordError.at(self.project.store.review_path(self.tool.slug), None, "", problem)
        return kept

    def recorded(self, persona: str) -> Seat | None:
        """Return the seat of a persona in the record, where that has a say; None where there is none."""
        return self.record.seat(persona) if self.record else None

    def review(self, seats: Sequence[Seat]) -> Review:
        """Return the record that the seats of the panel make; what is locked stays, whoever left the panel."""
        if self.stored.is_locked and self.record:
            return self.record
        locks = {} if isinstance(self.stored.locked, str) else self.stored.locked
        gone = [seat for id in locks if id not in self.project.persona_ids and (seat := self.recorded(id))]
        return review(self.tool, [*seats, *(seat for seat in gone if digest(seat) == locks[seat.persona])])

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
        return kept if kept and kept.is_let_down else self.unseated(persona, NOT_ASKED)

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
        kept = before.seat(persona.id) if before else None
        return kept if kept and kept.take else None

    def once_more(self, persona: Persona, note: str | None, samples: Samples) -> Asked:
        """Return what asking a seat once more asks: the next number that no take of the history has."""
        made = self.made(persona)
        first = max((each.sample + each.samples for each in made), default=1)
        retakes = max((each.retakes + 1 for each in made), default=0)
        chosen = choice(first, 1, self.tool, persona, note).model_copy(update={"retakes": retakes})
        return Asked(self.project.question(self.tool, persona, note), samples, first, chosen, is_live=True)

    def anew(self, persona: Persona) -> Asked:
        """Return what asking a seat anew asks, without a note; a first reply that is recorded is none."""
        asked = self.once_more(persona, None, self.project.settings.samples)
        if asked.first > 1 or self.project.ledgers.find(asked.question.request(1).identity) is None:
            return asked
        chosen = choice(2, 1, self.tool, persona).model_copy(update={"retakes": 1})
        return replace(asked, first=2, choice=chosen)

    def _asked(self, persona: Persona, *, is_live: bool) -> Asked:
        settings, chosen = self.project.settings, self.choices.seats.get(persona.id)
        if chosen and not chosen.holds(self.tool, persona):
            chosen = None
        if chosen and chosen.is_plain and settings.origins.get("samples") == "flag":
            chosen = None
        return Asked(
            question=self.project.question(self.tool, persona, chosen.note if chosen else None),
            samples=chosen.samples if chosen else settings.samples,
            first=chosen.sample if chosen else 1,
            choice=chosen,
            is_live=is_live,
        )


def _is_void(stored: Choices, tool: Tool, persona: Persona) -> bool:
    """Return whether the choice for a seat no longer holds, and nothing else keeps the seat."""
    chosen = stored.seats.get(persona.id)
    return chosen is not None and not chosen.holds(tool, persona) and not stored.locks(persona.id)


def _answers(seat: Seat, asked: Asked) -> bool:
    """Return whether a recorded seat rests on just what would be asked now."""
    return seat.asks[0].request == asked.question.request(seat.asks[0].sample).identity
