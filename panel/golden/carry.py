"""Carry: a reply is kept over a change of the prompt's form that did not change its meaning, and says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from panel.errors import InputError, RecordingMissing
from panel.files import digest_of
from panel.llm.ledger import Recorded, Recording, changed_lines
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
    plan = Seating.of(project, shelved.tool, ()).plan(persona)
    record = project.store.review(shelved.tool.slug)
    seat = next((each for each in record.seats if each.persona == persona.id), None) if record else None
    if not isinstance(plan, Asked) or seat is None or not seat.asks:
        return None
    request = plan.question.request(plan.first)
    if project.ledgers.find(request.identity):
        return None
    old = _recordings(project, seat)
    first = old[plan.first, False] if (plan.first, False) in old else next(iter(old.values()))
    _refuse(shelved, persona, seat, first, request)
    return Carry(shelved, persona, plan, old, changed_lines(first.request, request))


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
    if seat.seen != digest_of(shelved.tool.seen):
        raise InputError(f"{place}: the dossier changed, which is no change of form; ask anew")
    if old.request.model != request.model:
        raise InputError(f"{place}: the model changed, which is no change of form; ask anew")


async def carry(project: Project, one: Carry, reason: str) -> Seat:
    """Return the seat that the carried replies make, and record them under what is asked now, with the reason.

    Raises InputError where the new form asks for something that no old reply answers; nothing is recorded then.
    """
    carrier = _Carrier(one, reason)
    await one.plan.answered(carrier)
    return await one.plan.answered(Recorded(project.ledgers, carrier))


@dataclass(frozen=True)
class _Carrier:
    """A Model that answers with what was said before."""

    one: Carry
    reason: str

    async def ask(self, request: Request) -> Reply:
        old = self.one.old.get((request.sample, request.is_repair))
        if old is None:
            what = "a repair" if request.is_repair else f"sample {request.sample}"
            place = f"{request.label.tool}: {request.label.persona}"
            raise InputError(f"{place}: the new form asks for {what}, which was never answered; ask anew")
        return old.reply.model_copy(update={"carried_from": old.identity, "carried_because": self.reason})
