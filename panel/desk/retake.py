"""A retake: one seat asked once more, looked at beside the take that stands, then accepted or left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from panel.choices import Choice
from panel.desk.status import comparisons, differences
from panel.errors import InputError, RecordError, RecordingMissing
from panel.history import Entry
from panel.llm.ledger import Recorded
from panel.llm.open import Providers
from panel.makeup import Makeup
from panel.mode import answering
from panel.persona import Persona
from panel.pipeline import Reviewed, rewritten
from panel.project import Project
from panel.review import Absence, Review, Seat, review
from panel.seating import Asked, Seating, Unseated
from panel.settings import Samples
from panel.text import clean
from panel.tool import Tool


@dataclass(frozen=True)
class Retake:
    """What a seat said when it was asked once more, and what would come of it."""

    persona: Persona
    number: int | None
    """Its number in the history; None where the provider failed it, which is no take."""

    entry: Entry
    """The take, or the absence, with the choice that brings it back."""

    before: Review
    """The record as it stands."""

    stood: Choice | None
    """What was accepted for the seat before, or None."""

    after: Review
    """The record as it would be."""

    asked: Sequence[str]
    """Identities of what was asked now."""

    pages: Sequence[str]
    """Pages that would change."""

    @property
    def seat(self) -> Seat:
        """What came of it."""
        return self.entry.seat

    @property
    def can_be_accepted(self) -> bool:
        """True where there is a take, or an honest abstention."""
        return not self.seat.is_let_down


def record_of(project: Project, tool: Tool) -> Review:
    """Return the record that a retake is held against; raises RecordError where there is none."""
    record = project.store.review(tool.slug)
    if record is None:
        raise RecordError(f"{tool.slug}: there is no review yet; begin with panel review")
    return record


def planned(project: Project, tool: Tool, persona: Persona, note: str | None, samples: Samples | None) -> Asked:
    """Return what a retake would ask: the next unused sample number, with the editor's note in the request.

    A number is used once its take is in the history or in the record, whatever its note was.
    Raises InputError where the seat is locked or not invited.
    """
    seating = Seating.of(project, tool, [persona.id])
    seating.refuse_locked()
    plan = seating.plan(persona)
    if isinstance(plan, Unseated):
        raise InputError(f"{tool.slug}: {persona.id}: is not invited: {plan.reason}")
    return seating.once_more(persona, clean(note or "").text or None, samples or project.settings.samples)


async def retake(project: Project, tool: Tool, asked: Asked, providers: Providers) -> Retake:
    """Return what a seat says when it is asked once more. The take is kept in the history; the record stays as it is.

    Raises InputError where it can't be asked.
    """
    before, persona = record_of(project, tool), asked.question.persona
    stood = project.store.choices(tool.slug).seats.get(persona.id)
    paid: list[str] = []
    model = Recorded(project.ledgers, answering(asked.question.model, project.settings, providers), paid)
    done = await asked.answered(model)
    entry = Entry(choice=asked.chosen(done), makeup=Makeup.of(asked.question), seat=done)
    number = None
    if done.absence != Absence.FAILED:
        async with project.store.turn(tool.slug):
            _keep_standing(project, tool, asked, before)
            number = project.store.history(tool.slug).keep(entry)
            _log(project, tool, entry, number)
    after = review(tool, with_seat(project, before, done))
    return Retake(persona, number, entry, before, stood, after, paid, pages(project, tool.slug))


def _keep_standing(project: Project, tool: Tool, asked: Asked, before: Review) -> None:
    """Keep the take that stands too, where it is from before there was a history."""
    persona = asked.question.persona
    seat, history = before.seat(persona.id), project.store.history(tool.slug)
    if seat and seat.take and not history.entries(persona.id) and not differences(seat, asked.question):
        chosen = Seating.of(project, tool, [persona.id]).made(persona)[0]
        history.keep(Entry(choice=chosen, makeup=Makeup.of(asked.question), seat=seat))


def with_seat(project: Project, record: Review, seat: Seat) -> list[Seat]:
    """Return the seats of a record with one in the place of that persona's, in the order of the panel."""
    seats = {each.persona: each for each in (*record.seats, seat)}
    return [seats[persona.id] for persona in project.panel if persona.id in seats]


def pages(project: Project, slug: str) -> list[str]:
    """Return the pages that show a tool, as paths from the folder of the records."""
    return [f"{slug}/review.md", *(f"compare/{name}" for name in comparisons(project, slug))]


async def accept(project: Project, tool: Tool, taken: Retake, *, unseen: bool = False) -> Reviewed:
    """Return the review with the retake in the place of the earlier take, and write it; the choice survives reviews.

    Raises InputError where the provider let the retake down, or where the seat was locked, the dossier reviewed in
    another form, or another take accepted meanwhile; the last one not where it was to be accepted `unseen`.
    """
    place = f"{tool.slug}: {taken.persona.id}"
    if not taken.can_be_accepted:
        raise InputError(f"{place}: nothing to accept: {taken.seat.absence}")
    async with project.store.turn(tool.slug):
        if record_of(project, tool).tool != taken.before.tool:
            raise InputError(f"{place}: the dossier was changed and reviewed; retake it again")
        if not unseen and project.store.choices(tool.slug).seats.get(taken.persona.id) != taken.stood:
            way = f"panel restore --take {taken.number} brings this one in"
            raise InputError(f"{place}: another take was accepted meanwhile; look at it first (panel diff); {way}")
        return await choose_now(project, tool, taken.persona, taken.entry.choice, "accept", taken.number)


async def leave(project: Project, tool: Tool, taken: Retake) -> None:
    """Note in the log that the earlier take was kept, where there was another one."""
    if taken.number is None:
        return
    async with project.store.turn(tool.slug):
        project.store.history(tool.slug).log("keep", persona=taken.persona.id, rejected=taken.number)


async def choose(
    project: Project, tool: Tool, persona: Persona, chosen: Choice, event: str, number: int | None
) -> Reviewed:
    """Return the review after a choice for one seat, and write it; the other seats stay byte for byte."""
    async with project.store.turn(tool.slug):
        return await choose_now(project, tool, persona, chosen, event, number)


async def choose_now(
    project: Project, tool: Tool, persona: Persona, chosen: Choice, event: str, number: int | None
) -> Reviewed:
    """Do what `choose` does, while it is this run's turn.

    The choice is written first: a run that is killed after it is completed by the next review.
    Raises RecordingMissing where no ledger holds what was chosen, RecordError where an edit in it can't be published.
    """
    choices = project.store.choices(tool.slug)
    choices.refuse_locked(tool.slug, [persona.id])
    if event != "edit":
        chosen = _counted(Seating.of(project, tool, [persona.id]).made(persona), chosen)
    await _replayed(project, tool, persona, chosen)
    project.store.save_choices(tool.slug, choices.with_seats({persona.id: chosen}))
    details = {"by": chosen.edit.by} if chosen.edit else {}
    project.store.history(tool.slug).log(event, persona=persona.id, take=number, **details)
    return await rewritten(project, tool, [persona.id])


def _counted(made: Sequence[Choice], chosen: Choice) -> Choice:
    """Return the choice with every retake there was until now: who picks one of five has looked at five."""
    return chosen.model_copy(update={"retakes": max((each.retakes for each in made), default=chosen.retakes)})


async def _replayed(project: Project, tool: Tool, persona: Persona, chosen: Choice) -> None:
    question = project.question(tool, persona, chosen.note)
    asked = Asked(question, chosen.samples, chosen.sample, chosen, is_live=False)
    try:
        await asked.answered(Recorded(project.ledgers, None, is_brief=True))
    except RecordingMissing as error:
        problem = "bring the recording back to the ledger; without it the take can't be made again"
        raise RecordingMissing(f"{error}; {problem}") from error


def _log(project: Project, tool: Tool, entry: Entry, number: int) -> None:
    seat = entry.seat
    details = {"score": seat.take.score, "vote": seat.take.vote} if seat.take else {"absence": str(seat.absence)}
    history = project.store.history(tool.slug)
    history.log("retake", persona=seat.persona, take=number, note=entry.choice.note, **details)
