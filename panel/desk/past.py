"""The past of a tool: what was done, which takes there are, and how one of them is brought back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from panel.change import SeatChange, standing
from panel.desk.retake import choose, record_of
from panel.desk.status import differences
from panel.errors import InputError
from panel.history import Entry, Event, History
from panel.makeup import Makeup
from panel.persona import Persona
from panel.pipeline import Reviewed, rewritten
from panel.project import Project
from panel.review import Review
from panel.tool import Tool


@dataclass(frozen=True)
class Made:
    """One take of the history."""

    number: int
    """Counted from 1 for each persona."""

    entry: Entry
    """The take."""

    is_current: bool
    """True where it is the one in the record."""


def takes(history: History, record: Review | None, persona: str) -> list[Made]:
    """Return the takes of a persona, the oldest first; raises RecordError where one can't be read."""
    seats = record.seats if record else ()
    said = next((seat.said for seat in seats if seat.persona == persona), None)
    entries = history.entries(persona).items()
    return [Made(number, entry, is_current=entry.seat.said == said) for number, entry in entries]


def between(history: History, made: list[Made], persona: str, numbers: tuple[int | None, int | None]) -> SeatChange:
    """Return the change from one take of a persona to another.

    Without numbers it is from the last but one to the last; with one alone, from that to the one in the record.
    Raises InputError where there is no such take.
    """
    old, new = numbers
    there = {each.number: each.entry.seat for each in made}
    current = next((each.number for each in made if each.is_current), max(there, default=None))
    if old is None:
        last = sorted(there)[-2:]
        if len(last) < 2:
            raise InputError(f"{history.folder.name}: {persona}: {len(there)} take, so nothing to hold it against")
        old, new = last
    new = current if new is None else new
    for number in (old, new):
        if number not in there:
            raise InputError(f"{history.folder.name}: {persona}: no take {number}{_known(there)}")
    assert new is not None
    return SeatChange(there[old], there[new])


def _known(there: Mapping[int, object]) -> str:
    return f"; there are {', '.join(map(str, there))}" if there else "; there is none yet"


async def restore(project: Project, tool: Tool, persona: Persona, number: int, *, lock: bool) -> Reviewed:
    """Return the review with an earlier take brought back, and write it.

    A take that was made with another dossier, persona or prompt can only be brought back locked, as it was.
    Raises InputError where there is no such take, or where it would need the lock and `lock` is false.
    """
    history = project.store.history(tool.slug)
    entry = history.entries(persona.id).get(number)
    if entry is None:
        raise InputError(f"{tool.slug}: {persona.id}: no take {number}{_known(history.entries(persona.id))}")
    if entry.seat.is_let_down:
        raise InputError(f"{tool.slug}: {persona.id}: take {number} is none: {standing(entry.seat)}")
    question = project.question(tool, persona)
    changes = entry.makeup.changes(Makeup.of(question), persona.id)
    if not changes and not entry.choice.holds(tool, persona):
        changes = differences(entry.seat, question)
    if not changes and not lock:
        return await choose(project, tool, persona, entry.choice, "restore", number)
    if not lock:
        problem = f"take {number} was made before this: {'; '.join(changes)}"
        raise InputError(
            f"{tool.slug}: {persona.id}: {problem}\nTo bring it back as it was and keep it so, add --lock."
        )
    return await _as_it_was(project, tool, entry, number)


async def _as_it_was(project: Project, tool: Tool, entry: Entry, number: int) -> Reviewed:
    """Lock a take as it was made, and write the review with it: the lock is a choice, and the record follows."""
    persona = entry.seat.persona
    async with project.store.turn(tool.slug):
        record_of(project, tool)
        choices = project.store.choices(tool.slug)
        choices.refuse_locked(tool.slug, [persona])
        chosen = choices.with_seats({persona: entry.choice}).with_locks([entry.seat])
        project.store.save_choices(tool.slug, chosen)
        project.store.history(tool.slug).log("restore", persona=persona, take=number, locked=True)
        return await rewritten(project, tool, [persona])


def told(event: Event) -> str:
    """Return one line of the log in words."""
    details = dict(event.details)
    parts = [f"{details.pop('persona')}"] if details.get("persona") else []
    parts += [f"take {details.pop('take')}"] if details.get("take") else []
    parts += [f"{details.pop('score', '?')} {details.pop('vote')}"] if details.get("vote") else []
    parts += [f'"{details.pop("note")}"'] if details.get("note") else []
    parts += [f"asked {len(asked)}"] if isinstance(asked := details.pop("asked", None), list) and asked else []
    parts += [f"{key} {_plain(value)}" for key, value in details.items() if value and value is not True]
    parts += [key for key, value in details.items() if value is True]
    return ", ".join(parts)


def _plain(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def came_to(made: Made) -> str:
    """Return what a take came to, and what it was made from, in words."""
    chosen = made.entry.choice
    last = chosen.sample + chosen.samples - 1
    samples = f"sample {chosen.sample}" if chosen.samples == 1 else f"samples {chosen.sample} to {last}"
    edited = f", edited by {chosen.edit.by}" if chosen.edit else ""
    return f"{standing(made.entry.seat)}, {samples}{edited}"
