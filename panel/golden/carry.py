"""Carry: a reply is kept over a change of the prompt's form that did not change its meaning, and says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from panel.choices import choice
from panel.errors import InputError, RecordingMissing
from panel.llm.ledger import Recorded
from panel.llm.miss import changed_lines
from panel.llm.recording import Recording
from panel.persona import Persona
from panel.project import Project
from panel.request import Reply, Request
from panel.review import Seat
from panel.seating import Asked, Seating
from panel.shelf import Shelved


@dataclass(frozen=True)
class Carry:
    """The replies of one seat, to be carried over."""

    shelved: Shelved
    persona: Persona
    plan: Asked
    """What is asked now."""

    old: Mapping[tuple[int, bool], Recording]
    """The recordings of the seat by sample number and whether they are repairs."""

    changes: Sequence[str]
    """The changed lines of the first request."""


def carry_of(project: Project, shelved: Shelved, persona: Persona) -> Carry | None:
    """Return what there is to carry of one seat; None where it is not asked, or what is asked now is recorded.

    Raises InputError where more than the form of the prompt changed, or where the reply was carried before.
    """
    seating, record = Seating.of(project, shelved.tool, ()), project.store.review(shelved.tool.slug)
    seat = record.seat(persona.id) if record else None
    if not isinstance(seating.plan(persona), Asked) or seat is None or not seat.asks:
        return None
    old = _recordings(project, seat)
    first = next(iter(old.values()))
    plan = _plan(seating, persona, seat, first.request)
    request = plan.question.request(plan.first)
    if project.ledgers.find(request.identity):
        return None
    _refuse(shelved, persona, seat, first, request)
    return Carry(shelved, persona, plan, old, changed_lines(first.request, request))


def _plan(seating: Seating, persona: Persona, seat: Seat, old: Request) -> Asked:
    """Return what is asked now in the place of an old request: as often, with its number and its note.

    An accepted take keeps its choice, and an edit its words: that the meaning stayed is what a carry says.
    """
    project, tool, drawn = seating.project, seating.tool, len({ask.sample for ask in seat.asks})
    question, known = project.question(tool, persona, old.note), seating.stored.seats.get(persona.id)
    if known is None and (old.sample, old.note) == (1, None):
        return Asked(question, drawn, 1, None, is_live=True)
    edit = known.edit if known else None
    carried = {
        "retakes": seat.take.retakes if seat.take else 0,
        "edit": edit and edit.model_copy(update={"of": question.request(old.sample).identity}),
    }
    kept = choice(old.sample, drawn, tool, persona, old.note).model_copy(update=carried)
    return Asked(question, drawn, old.sample, kept, is_live=True)


def _recordings(project: Project, seat: Seat) -> dict[tuple[int, bool], Recording]:
    found = {}
    for ask in seat.asks:
        recording = project.ledgers.recording(ask.request)
        if recording is None:
            raise RecordingMissing(f"{seat.persona}: the recording {ask.request} is gone; there is nothing to carry")
        found[recording.request.sample, recording.request.is_repair] = recording
    return found


def _refuse(shelved: Shelved, persona: Persona, seat: Seat, old: Recording, request: Request) -> None:
    place = f"{shelved.tool.slug}: {persona.id}"
    if old.reply.carried_from:
        raise InputError(f"{place}: the reply was carried before, from {old.reply.carried_from}; ask anew")
    if seat.seen != shelved.tool.seen_digest:
        raise InputError(f"{place}: the dossier changed, which is no change of form; ask anew")
    if old.request.model != request.model:
        raise InputError(f"{place}: the model changed, which is no change of form; ask anew")


async def carry(project: Project, one: Carry, reason: str) -> Seat:
    """Return the seat that the carried replies make, and record them under what is asked now, with the reason.

    Raises InputError where the new form asks for something that no old reply answers; nothing is recorded then.
    """
    carrier, slug = _Carrier(one, reason), one.shelved.tool.slug
    await one.plan.answered(carrier)
    done = await one.plan.answered(Recorded(project.ledgers, carrier))
    if one.plan.choice:
        async with project.store.turn(slug):
            chosen = project.store.choices(slug).with_seats({one.persona.id: one.plan.choice})
            project.store.save_choices(slug, chosen)
    return done


@dataclass(frozen=True)
class _Carrier:
    """A Model that answers with what was said before."""

    one: Carry
    reason: str

    async def ask(self, request: Request) -> Reply:
        old = self.one.old.get((request.sample, request.is_repair))
        if old is None:
            what = "a repair" if request.is_repair else f"sample {request.sample}"
            raise InputError(f"{_place(request)}: the new form asks for {what}, which was never answered; ask anew")
        if request.turns[1:] != old.request.turns[1:]:
            raise InputError(f"{_place(request)}: the new form asks to mend something else; ask anew")
        return old.reply.model_copy(update={"carried_from": old.identity, "carried_because": self.reason})


def _place(request: Request) -> str:
    return f"{request.label.tool}: {request.label.persona}"
