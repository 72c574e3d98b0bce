"""One tool: seats side by side become a Review. The whole story on one screen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

from panel.change import split
from panel.choices import Choice
from panel.errors import InputError, RecordError, RecordingMissing
from panel.files import LARGEST_RECORD, is_there, read_bytes
from panel.history import Entry
from panel.llm.ledger import Recorded
from panel.llm.open import Providers
from panel.makeup import Makeup
from panel.markdown import page
from panel.mode import answering
from panel.persona import Persona
from panel.project import Project
from panel.review import Absence, Review, Seat
from panel.seating import Asked, Kept, Seating, Unseated
from panel.store import Store
from panel.tool import Tool

Done = TypeVar("Done")

Watch = Callable[[Persona, Seat | None], None]
"""Told of a persona when its seat is asked, and again with the seat when it is done."""

Step = Callable[[str, Callable[[], Awaitable[Seat]]], Awaitable[Seat]]
"""Fills the seat of a persona, named by its id."""

NoteKind = Literal["dropped", "stale", "chosen", "failed", "locked"]


@dataclass(frozen=True)
class Note:
    """Something about one seat that whoever ran the review should know."""

    persona: str
    kind: NoteKind
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


async def plain(_: str, sit: Callable[[], Awaitable[Seat]]) -> Seat:
    """Return the seat of a persona, filled in this process."""
    return await sit()


async def review_tool(
    project: Project,
    tool: Tool,
    providers: Providers | None,
    only: Sequence[str] = (),
    watch: Watch = lambda *_: None,
    step: Step = plain,
) -> Reviewed:
    """Return the review of a tool, and write it.

    `only` names the personas to ask, all where it is empty; the other seats stay as they are recorded.
    `step` fills each seat: here and now, or so that it is not filled again when the process is killed.
    Without `providers` nobody is asked, and what the ledgers lack is not asked yet.
    Raises InputError where something can't be asked; what was answered by then is in the ledger.
    """
    table = _Table(Seating.of(project, tool, only), providers, watch)
    table.seating.refuse_locked()
    seats = await side_by_side(project.panel, lambda persona: step(persona.id, partial(table.sit, persona)))
    async with project.store.turn(tool.slug):
        return await table.written(seats)


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


async def rewritten(project: Project, tool: Tool, personas: Sequence[str]) -> Reviewed:
    """Return the review after the choices of these personas changed, and write it, while it is this run's turn.

    The other seats stay byte for byte as they are recorded; nobody is asked.
    """
    table = _Table(Seating.of(project, tool, personas), None, lambda *_: None)
    return await table.written(await side_by_side(project.panel, table.sit))


_LOCKED: tuple[NoteKind, str] = ("locked", "is locked and stays as recorded")
_STALE: tuple[NoteKind, str] = ("stale", "stays as recorded, although dossier, persona, prompt or model changed since")


def _is_let_down(seat: Seat) -> bool:
    return seat.is_let_down


def _entry(asked: Asked, done: Seat) -> Entry:
    return Entry(choice=asked.chosen(done), makeup=Makeup.of(asked.question), seat=done)


_CHOSEN: tuple[NoteKind, str] = ("chosen", "the take that was accepted stands; the number of samples is its own")


@dataclass
class _Table:
    """The seats of one review while they are filled."""

    seating: Seating
    providers: Providers | None
    watch: Watch
    asked: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    fresh: dict[str, Choice] = field(default_factory=dict)
    stood: set[str] = field(default_factory=set)
    """Personas whose seat is not what was asked in this run: an earlier one stands, or was kept at once."""

    def __post_init__(self) -> None:
        for id in self.seating.dropped:
            self._note(id, "dropped", "the take that was accepted no longer holds: dossier or persona changed since")

    async def sit(self, persona: Persona) -> Seat:
        """Return the seat of a persona: not invited, left as recorded, or answered."""
        match self.seating.plan(persona):
            case Unseated(reason):
                return self.seating.unseated(persona, reason)
            case Kept(kept, is_current, is_locked):
                if is_locked or not is_current:
                    self._note(persona.id, *(_LOCKED if is_locked else _STALE))
                return kept
            case Asked(is_live=True) as asked if self.providers:
                self.watch(persona, None)
                done = await self._answered(persona, asked, self.providers)
                self.watch(persona, done)
                return done
            case _:
                return await self._replayed(persona)

    async def _answered(self, persona: Persona, asked: Asked, providers: Providers) -> Seat:
        settings = self.seating.project.settings
        model = Recorded(self.seating.project.ledgers, answering(asked.question.model, settings, providers), self.asked)
        if settings.mode == "fresh":
            return await self._anew(persona, model)
        self._note_choice(persona, asked)
        return self._or_earlier(persona, await asked.answered(model))

    def _note_choice(self, persona: Persona, asked: Asked) -> None:
        """Note what becomes of an accepted take: it stands, or what it answered is asked in another form now."""
        if not asked.choice:
            return
        request = asked.question.request(asked.first).identity
        if self.seating.project.ledgers.find(request):
            self._note(persona.id, *_CHOSEN)
        edit = asked.choice.edit
        if edit and edit.of != request:
            self._note(persona.id, "dropped", f"the edit by {edit.by} is left out: prompt or model changed since")

    def _or_earlier(self, persona: Persona, done: Seat) -> Seat:
        """Return the seat, or the recorded one where a provider failed it: an outage replaces no opinion."""
        earlier = self.seating.earlier(persona) if done.absence == Absence.FAILED else None
        if earlier is None:
            return done
        self.stood.add(persona.id)
        self._note(persona.id, "failed", f"can't be asked now ({done.reason}); the recorded take stands")
        return earlier

    async def _anew(self, persona: Persona, model: Recorded) -> Seat:
        """Return the seat from the next unused samples, which become the choice; where they give none, the earlier one.

        The choice is written at once, so that a run that is stopped keeps what was answered.
        """
        project, tool = self.seating.project, self.seating.tool
        anew = self.seating.anew(persona)
        self.stood.add(persona.id)
        done = await anew.answered(model)
        if not done.is_let_down:
            self.fresh[persona.id] = anew.chosen(done)
            async with project.store.turn(tool.slug):
                project.store.history(tool.slug).keep(_entry(anew, done))
                choices = project.store.choices(tool.slug)
                mine = choices.unlocked({persona.id: self.fresh[persona.id]})
                project.store.save_choices(tool.slug, choices.with_seats(mine))
            return done
        earlier = await self._replayed(persona)
        if not earlier.take:
            return done
        self._note(persona.id, "failed", f"asked anew, it gave no take ({done.reason}); the earlier one stands")
        return earlier

    async def _replayed(self, persona: Persona) -> Seat:
        """Return a seat from the ledgers alone; where they lack it, it failed as recorded, or was not asked yet."""
        try:
            return await self.seating.replayed(persona)
        except RecordingMissing:
            self.stood.add(persona.id)
            return self.seating.silent(persona)

    def keep(self, seats: Sequence[Seat]) -> None:
        """Keep in the history every seat that was answered, outages left out, and choose what a flag asked for.

        Both follow from the seats and their plans, so a seat that comes from a checkpoint is kept like any other.
        """
        project, tool = self.seating.project, self.seating.tool
        for_samples = project.settings.origins.get("samples") == "flag" and self.providers is not None
        for persona, done in zip(project.panel, seats, strict=True):
            plan = self.seating.plan(persona)
            if persona.id in self.stood or not isinstance(plan, Asked) or not done.asks:
                continue
            if done.absence != Absence.FAILED:
                project.store.history(tool.slug).keep(_entry(plan, done))
            if for_samples and plan.is_live and not plan.choice and done.take:
                self.fresh[persona.id] = plan.chosen(done)

    async def written(self, seats: Sequence[Seat]) -> Reviewed:
        """Return the review that the seats make, and write it with all that belongs to it.

        What another run chose or locked while these were asked is taken in.
        """
        seating, project, tool = self.seating, self.seating.project, self.seating.tool
        history = project.store.history(tool.slug)
        await self._on_disk(partial(self.keep, seats))
        latest = Seating.of(project, tool, seating.only)
        table, fresh = _Table(latest, None, self.watch), latest.stored.unlocked(self.fresh)
        for place, persona in enumerate(project.panel):
            if persona.id not in fresh and seating.plan(persona) != latest.plan(persona):
                seats = [*seats[:place], await table.sit(persona), *seats[place + 1 :]]
            else:
                table.stood.add(persona.id)
        table.keep(seats)
        result = latest.review(seats)
        project.store.save_choices(
            tool.slug, latest.stored.without(seating.dropped_of(latest.stored)).with_seats(fresh)
        )
        if self.asked or seating.dropped:
            history.log("review", label=result.verdict.label, asked=[*self.asked], dropped=[*seating.dropped])
        log_verdict(project.store, result)
        paths = await self._on_disk(partial(project.store.save_review, result, page(result)))
        failed = [*filter(_is_let_down, seats), *(note for note in self.notes if note.kind == "failed")]
        return Reviewed(result, paths, self.asked, self.notes, is_whole=not failed)

    async def _on_disk(self, act: Callable[[], Done]) -> Done:
        """Return what `act` returns; while others are asked, a thread waits for the disk, so that replies are heard."""
        return await asyncio.to_thread(act) if self.asked else act()

    def _note(self, id: str, kind: NoteKind, text: str) -> None:
        self.notes.append(Note(id, kind, text))


def log_verdict(store: Store, now: Review) -> None:
    """Log that the verdict is another one than that of the record which stands, where there is one."""
    before, path = None, store.review_path(now.tool.slug)
    if is_there(path):
        raw = read_bytes(path, LARGEST_RECORD, RecordError)
        with suppress(ValueError):  # what is no record is written anew
            before = Review.model_validate_json(raw)
    if before and split(before.verdict) != split(now.verdict):
        store.history(now.tool.slug).log("verdict", before=split(before.verdict), after=split(now.verdict))
