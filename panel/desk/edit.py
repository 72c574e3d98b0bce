"""A hand edit: the words of a take on a sheet that a person changes; ratings, quotes and vote stay the critic's."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import StringConstraints

from panel.choices import Choice, Edit, choice
from panel.desk.retake import choose_now, record_of
from panel.document import fit, read_document, read_text
from panel.errors import InputError, RecordError
from panel.markdown import decimal
from panel.persona import Persona
from panel.pipeline import Reviewed
from panel.project import Project
from panel.record import Record
from panel.review import Seat
from panel.take import Outside, Take
from panel.tool import Tool

WIDTH = 100
Words = Annotated[str, StringConstraints(max_length=4_000, strip_whitespace=True)]


class Marked(Record):
    """Something that the text says and the dossier does not."""

    text: Words
    """The thing, as the text uses it."""

    kind: Literal["rival", "forecast", "background"]
    """What sort of thing it is."""


class Sheet(Record):
    """What stands on the sheet."""

    headline: Words
    """The take in at most ten words."""

    take: Words
    """The take."""

    best_for: Words
    """Whom it suits."""

    not_for: Words
    """Whom it does not suit."""

    would_change_my_vote: Words
    """What would turn the vote."""

    why: Mapping[str, Words]
    """The reason for each rating, by criterion."""

    outside: tuple[Marked, ...] = ()
    """What the text says that the dossier does not."""


def sheet(seat: Seat, take: Take) -> str:
    """Return a take as the YAML that an editor changes."""
    named = {name: text for name, text in take.prose.items() if not name.startswith("why of ")}
    order = ("headline", "take", "best_for", "not_for", "would_change_my_vote")
    rated = [f"# {one.criterion}: {'not told' if one.rating is None else decimal(one.rating)}" for one in take.ratings]
    head = [
        f"# {seat.name}: {take.score} {take.vote}. Words can be changed here; ratings, quotes and the vote can't.",
        "# The gates run on the result. Save and leave the editor; unchanged, nothing happens.",
        *rated,
        "",
    ]
    body = [f"{name}: >-\n{_folded(named[name])}" for name in order]
    whys = [f"  {one.criterion}: {json.dumps(one.why, ensure_ascii=False)}" for one in take.ratings]
    outside = [f"  - {{text: {json.dumps(each.text, ensure_ascii=False)}, kind: {each.kind}}}" for each in take.outside]
    marked = ["outside:", *outside] if outside else ["outside: []"]
    about = "# Names and numbers in the text that the dossier does not have; kind: rival, forecast or background."
    return "\n".join([*head, *body, "why:", *whys, about, *marked, ""])


def _folded(text: str) -> str:
    lines = textwrap.wrap(" ".join(text.split()), WIDTH, break_on_hyphens=False, break_long_words=False)
    return textwrap.indent("\n".join(lines), "  ") or "  "


def read_sheet(path: Path, seat: Seat, take: Take, by: str) -> Edit | None:
    """Return the edit that a sheet makes of a take, or None where nothing was changed.

    Raises RecordError, with file, line and key, where the sheet is not as it must be.
    """
    document = read_document(read_text(path, RecordError), path, RecordError)
    read = fit(document, Sheet, RecordError)
    for criterion in read.why:
        if f"why of {criterion}" not in take.prose:
            problem = f"is no criterion of this seat; they are {', '.join(rated.criterion for rated in take.ratings)}"
            raise RecordError.at(path, document.line(("why", criterion)), f"why.{criterion}", problem)
    changed = {name: text for name, text in _words(read).items() if text.split() != take.prose[name].split()}
    outside = tuple(Outside(text=each.text, kind=each.kind) for each in read.outside)
    if not changed and outside == take.outside:
        return None
    return Edit(by=by, of=seat.asks[0].request, words=changed, outside=None if outside == take.outside else outside)


def _words(read: Sheet) -> dict[str, str]:
    """Return the texts on a sheet, by what a take calls them."""
    whole = read.model_dump(exclude={"why", "outside"})
    return {**whole, **{f"why of {criterion}": why for criterion, why in read.why.items()}}


@dataclass(frozen=True)
class Draft:
    """A take that may be edited."""

    seat: Seat
    take: Take
    chosen: Choice
    """What the take rests on."""

    is_written: bool
    """False where words that were chosen for it are not in the record yet, since a run was killed."""


def draft(project: Project, tool: Tool, persona: Persona) -> Draft:
    """Return the take of a persona in the record, to be edited, in the words that were chosen for it.

    Raises InputError where there is none, where it is locked, or where it is stale.
    """
    seat = record_of(project, tool).seat(persona.id)
    if seat is None or seat.take is None or not seat.asks:
        raise InputError(f"{tool.slug}: {persona.id}: has no take to edit")
    choices = project.store.choices(tool.slug)
    choices.refuse_locked(tool.slug, [persona.id])
    first, drawn = seat.asks[0].sample, len({ask.sample for ask in seat.asks})
    chosen = choices.seats.get(persona.id) or choice(first, drawn, tool, persona)
    question = project.question(tool, persona, chosen.note)
    if seat.asks[0].request != question.request(chosen.sample).identity or not chosen.holds(tool, persona):
        raise InputError(f"{tool.slug}: {persona.id}: is stale (panel status); review it before you edit it")
    applied = chosen.applied(seat, question)
    assert applied.take
    return Draft(applied, applied.take, chosen, is_written=applied == seat)


async def edit(project: Project, tool: Tool, persona: Persona, begun: Draft, change: Edit | None) -> Reviewed:
    """Return the review with a take in other words, and write it; the critic's own words stay in the history.

    Without a change it is written in the words that were chosen earlier.

    Raises InputError where the take is no longer the one that was edited, or where the gates refuse the words.
    """
    chosen = _merged(begun, change) if change else begun.chosen
    async with project.store.turn(tool.slug):
        if draft(project, tool, persona) != begun:
            raise InputError(f"{tool.slug}: {persona.id}: another run changed the take meanwhile; edit it again")
        return await choose_now(project, tool, persona, chosen, "edit", None)


def _merged(begun: Draft, change: Edit) -> Choice:
    """Return the choice with a change on top of an earlier one of the same take."""
    earlier = begun.chosen.edit
    if earlier and earlier.of == change.of:
        outside = earlier.outside if change.outside is None else change.outside
        by = earlier.by if change.by in earlier.by.split(", ") else f"{earlier.by}, {change.by}"
        words = {**earlier.words, **change.words}
        change = change.model_copy(update={"by": by, "words": words, "outside": outside})
    return begun.chosen.model_copy(update={"edit": change})
