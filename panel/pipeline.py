"""One tool: seats side by side become a Review. The whole story on one screen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from panel.ask import ask_seat
from panel.errors import InputError, RecordingMissing
from panel.files import Json
from panel.llm.ledger import Recorded
from panel.llm.open import Providers
from panel.markdown import page
from panel.mode import answering
from panel.persona import Persona
from panel.project import Project
from panel.review import Absence, Review, Seat, review, seat
from panel.seating import Asked, Kept, Seating, Unseated
from panel.store import Choice, choice
from panel.tool import Tool

Watch = Callable[[Persona, Seat | None], None]
"""Told of a persona when its seat is asked, and again with the seat when it is done."""


@dataclass(frozen=True)
class Note:
    """Something about one seat that whoever ran the review should know."""

    persona: str
    kind: Literal["dropped", "stale", "chosen", "failed"]
    text: str


@dataclass(frozen=True)
class Reviewed:
    """A review, where it was written, and what it took."""

    review: Review
    paths: Sequence[Path]
    """The record, then the page."""

    asked: Sequence[str]
    """Identities of the requests that were asked in this run; all other replies come from a ledger."""

    notes: Sequence[Note]
    """What whoever ran it should know."""

    is_whole: bool
    """False where a provider failed a seat, or was unable to answer it anew."""


async def review_tool(
    project: Project, tool: Tool, providers: Providers, only: Sequence[str] = (), watch: Watch = lambda *_: None
) -> Reviewed:
    """Return the review of a tool, and write it.

    `only` names the personas to ask, all where it is empty; the other seats stay as they are recorded.
    Raises InputError where something can't be asked; what was answered by then is in the ledger.
    """
    table = _Table(Seating.of(project, tool, only), providers, watch)
    seats = await side_by_side(project.panel, table.sit)
    result = review(tool, seats)
    table.save_choices()
    paths = project.store.save_review(result, page(result))
    if table.asked or table.seating.dropped:
        events: dict[str, Json] = {"asked": [*table.asked], "dropped": [*table.seating.dropped]}
        project.store.log(tool.slug, "review", label=result.verdict.label, **events)
    is_whole = not any(seat.is_let_down for seat in seats) and not any(note.kind == "failed" for note in table.notes)
    return Reviewed(result, paths, table.asked, table.notes, is_whole)


async def side_by_side(panel: Sequence[Persona], sit: Callable[[Persona], Awaitable[Seat]]) -> list[Seat]:
    """Return the seats of a panel; all of them finish before anything is raised, and several InputErrors become one."""
    done = await asyncio.gather(*map(sit, panel), return_exceptions=True)
    faults = [each for each in done if isinstance(each, BaseException)]
    for fault in faults:
        if not isinstance(fault, InputError):
            raise fault
    if faults:
        raise type(faults[0])("\n".join(map(str, faults)))
    return [each for each in done if isinstance(each, Seat)]


@dataclass
class _Table:
    """The seats of one review while they are filled."""

    seating: Seating
    providers: Providers
    watch: Watch
    asked: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    fresh: dict[str, Choice] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for id in self.seating.dropped:
            self._note(id, "dropped", "the take that was accepted no longer holds: dossier or persona changed since")

    async def sit(self, persona: Persona) -> Seat:
        """Return the seat of a persona: not invited, left as recorded, or answered."""
        match self.seating.plan(persona):
            case Unseated(reason):
                return self._unseated(persona, reason)
            case Kept(kept, is_current):
                if not is_current:
                    text = "stays as recorded, although dossier, persona, prompt or model changed since"
                    self._note(persona.id, "stale", text)
                return kept
            case Asked(is_live=False) as asked:
                return await self._replayed(persona, asked)
            case asked:
                self.watch(persona, None)
                done = await self._answered(persona, asked)
                self.watch(persona, done)
                return done

    async def _answered(self, persona: Persona, asked: Asked) -> Seat:
        settings = self.seating.project.settings
        model = Recorded(
            self.seating.project.ledgers, answering(asked.question.model, settings, self.providers), self.asked
        )
        if settings.mode == "fresh":
            return await self._anew(persona, asked, model)
        if asked.is_chosen:
            self._note(persona.id, "chosen", "the take that was accepted stands; the number of samples is its own")
        return self._or_earlier(persona, await ask_seat(asked.question, model, asked.samples, asked.first))

    def _or_earlier(self, persona: Persona, done: Seat) -> Seat:
        """Return the seat, or the recorded one where a provider failed it: an outage replaces no opinion."""
        earlier = self.seating.earlier(persona) if done.absence == Absence.FAILED else None
        if earlier is None:
            return done
        self._note(persona.id, "failed", f"can't be asked now ({done.reason}); the recorded take stands")
        return earlier

    async def _anew(self, persona: Persona, asked: Asked, model: Recorded) -> Seat:
        """Return the seat from the next unused samples, which become the choice; where they give none, the earlier one.

        The choice is written at once, so that a run that is stopped keeps what was answered.
        """
        project, tool = self.seating.project, self.seating.tool
        question = replace(asked.question, note=None)
        unused = project.ledgers.unused_sample(question.request)
        done = await ask_seat(question, model, project.settings.samples, unused)
        if not done.is_let_down:
            self.fresh[persona.id] = choice(unused, len({ask.sample for ask in done.asks}), tool, persona)
            self.save_choices()
            return done
        earlier = await self._replayed(persona, asked)
        if not earlier.take:
            return done
        self._note(persona.id, "failed", f"asked anew, it gave no take ({done.reason}); the earlier one stands")
        return earlier

    async def _replayed(self, persona: Persona, asked: Asked) -> Seat:
        """Return a seat from the ledgers alone; where they lack it, it was not asked yet."""
        try:
            return await ask_seat(
                asked.question, Recorded(self.seating.project.ledgers, None), asked.samples, asked.first
            )
        except RecordingMissing:
            return self._unseated(persona, "not asked yet")

    def _unseated(self, persona: Persona, reason: str) -> Seat:
        return seat(persona, self.seating.tool, self.seating.project.prompts.digest, "unseated", reason=reason)

    def _note(self, id: str, kind: Literal["dropped", "stale", "chosen", "failed"], text: str) -> None:
        self.notes.append(Note(id, kind, text))

    def save_choices(self) -> None:
        """Write the choices that hold, those made in this run among them."""
        self.seating.project.store.save_choices(self.seating.tool.slug, {**self.seating.choices, **self.fresh})
