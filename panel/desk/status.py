"""Status: which seats are stale and why, what a refresh would cost, and which comparisons it would touch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from panel.errors import RecordingMissing
from panel.estimate import estimate_of
from panel.files import names_in
from panel.makeup import Makeup
from panel.names import SLUG
from panel.persona import Persona
from panel.project import Project
from panel.prompt import Question
from panel.record import Record, digest
from panel.review import Absence, Review, Seat
from panel.seating import NOT_ASKED, Asked, Kept, Seating, Unseated
from panel.shelf import Shelved


class SeatStatus(Record):
    """One seat."""

    persona: str
    """The id of the persona."""

    name: str
    """Its name."""

    stale: bool
    """True where a review would change the seat."""

    why: str | None
    """Why it is stale, or None."""

    locked: bool
    """True where no run changes it, stale or not."""

    asks: int
    """Requests that a refresh would ask."""

    cost_usd: str | None
    """What they would cost where all goes well, in US dollars; None where a price is not known."""


class ToolStatus(Record):
    """One tool."""

    tool: str
    """The slug."""

    name: str
    """What it is called."""

    path: str
    """Its dossier."""

    label: str | None
    """The label of the record, or None where there is none."""

    seats: tuple[SeatStatus, ...]
    """Every persona of the panel, then those of the record that left it."""

    comparisons: tuple[str, ...]
    """Comparisons that a changed record would touch."""

    @property
    def stale(self) -> list[SeatStatus]:
        """The seats that a review would change."""
        return [seat for seat in self.seats if seat.stale]


async def status(project: Project, shelved: Shelved, at: datetime) -> ToolStatus:
    """Return the status of one tool, at the prices of the day `at`; nobody is asked and nothing is written.

    Raises RecordError where its record or its choices can't be read.
    """
    tool = shelved.tool
    record = project.store.review(tool.slug)
    look = _Look(project, Seating.of(project, tool, ()), record, at)
    return ToolStatus(
        tool=tool.slug,
        name=tool.name,
        path=str(shelved.path),
        label=record.verdict.label if record else None,
        seats=(*[await look.at_seat(persona) for persona in project.panel], *look.departed()),
        comparisons=tuple(comparisons(project, tool.slug)),
    )


def comparisons(project: Project, slug: str) -> list[str]:
    """Return the comparisons that a tool has a side in."""
    sides = {name: name.split("-vs-") for name in names_in(project.store.folder / "compare")}
    return [name for name, both in sides.items() if slug in both and len(both) == 2 and all(map(SLUG.fullmatch, both))]


@dataclass(frozen=True)
class _Look:
    """What a look at one tool needs."""

    project: Project
    seating: Seating
    record: Review | None
    at: datetime
    warm: set[str] = field(default_factory=set)
    """Dossiers that a vendor's cache holds when the seats so far were asked."""

    async def at_seat(self, persona: Persona) -> SeatStatus:
        """Return the status of one seat."""
        seats = self.record.seats if self.record else ()
        recorded = next((seat for seat in seats if seat.persona == persona.id), None)
        plan = self.seating.plan(persona)
        why = await self._why(persona, recorded, plan)
        cost = estimate_of(self.project, [plan], self.at, warm=self.warm) if why and isinstance(plan, Asked) else None
        return SeatStatus(
            persona=persona.id,
            name=persona.name,
            stale=why is not None,
            why=why,
            locked=isinstance(plan, Kept),
            asks=cost.asked if cost else 0,
            cost_usd=f"{cost.likely:f}" if cost and cost.likely is not None else (None if cost else "0"),
        )

    def departed(self) -> Iterator[SeatStatus]:
        """Yield the recorded seats whose personas are no longer on the panel."""
        for seat in self.record.seats if self.record else ():
            if seat.persona not in self.project.persona_ids:
                yield SeatStatus(
                    persona=seat.persona,
                    name=seat.name,
                    stale=True,
                    why="not on the panel any more",
                    locked=self.seating.choices.is_locked,
                    asks=0,
                    cost_usd="0",
                )

    async def _why(self, persona: Persona, recorded: Seat | None, plan: Unseated | Kept | Asked) -> str | None:
        """Return why a review would change a seat, or None where it would not."""
        if isinstance(plan, Kept):
            changes = self._changes(persona, plan.seat, self.project.question(self.seating.tool, persona))
            return "; ".join(changes) or None
        try:
            now = await self.seating.replayed(persona)
        except RecordingMissing:
            now = None
        if now is not None and now == recorded:
            return None
        if isinstance(plan, Unseated):
            return "not in the record yet" if recorded is None else f"not invited: {plan.reason}"
        return self._cause(persona, recorded, plan, now)

    def _cause(self, persona: Persona, recorded: Seat | None, plan: Asked, now: Seat | None) -> str:
        if recorded and recorded.absence == Absence.FAILED:
            return f"the provider failed it: {recorded.reason}"
        if recorded is None or not recorded.asks:
            return NOT_ASKED if now is None else "answered, and not in the record yet"
        if changes := self._changes(persona, recorded, plan.question):
            return "; ".join(changes)
        return self._lost(recorded, plan) if now is None else self._otherwise(recorded, plan, now)

    def _lost(self, recorded: Seat, plan: Asked) -> str:
        """Return why the ledgers do not have what is asked now, though nothing that was asked with changed."""
        if plan.samples != _drawn(recorded) and self._has(recorded):
            return f"samples changed: {_drawn(recorded)} to {plan.samples}"
        return "its recording is gone from the ledger"

    def _otherwise(self, recorded: Seat, plan: Asked, now: Seat) -> str:
        """Return why the seat would be another one, though nothing that was asked with changed."""
        if _drawn(now) != _drawn(recorded):
            return f"samples changed: {_drawn(recorded)} to {plan.samples}"
        # No reply saw the other names of the tool, but a take that says one is no longer flagged, or is from now on.
        is_renamed = self.record is not None and self.record.tool.aliases != self.seating.tool.aliases
        return "aliases changed" if is_renamed else "another take was accepted"

    def _has(self, seat: Seat) -> bool:
        """Return whether the ledgers hold all that a seat rests on."""
        return all(self.project.ledgers.find(ask.request) for ask in seat.asks)

    def _changes(self, persona: Persona, recorded: Seat, question: Question) -> list[str]:
        """Return what changed since a seat was asked, part by part where the history has it, else in the rough."""
        history = self.project.store.history(self.seating.tool.slug)
        entry = next((each for each in history.entries(persona.id).values() if each.seat.said == recorded.said), None)
        named = entry.makeup.changes(Makeup.of(question), persona.id) if entry else []
        return named or differences(recorded, question)


def differences(seat: Seat, question: Question) -> list[str]:
    """Return in the rough what is different now from when a seat was asked; nothing where it never was."""
    if not seat.asks:
        return []
    asked = seat.asks[0].asked
    same = {
        "dossier changed": seat.seen == question.tool.seen_digest,
        f"{seat.persona}.md changed": seat.persona_digest == digest(question.persona),
        "prompts changed": seat.prompt_digest == question.prompts.digest,
        f"model changed: {asked} to {question.model}": asked == question.model,
    }
    return [what for what, is_same in same.items() if not is_same]


def _drawn(seat: Seat) -> int:
    return len({ask.sample for ask in seat.asks})
