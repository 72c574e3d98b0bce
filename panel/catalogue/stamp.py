"""Stamp: what a record was made from, so that a tool of which nothing changed costs a look at two files."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from panel.errors import RecordError
from panel.files import digest_of, hash_of, is_there, readable, write_whole
from panel.pipeline import Reviewed
from panel.project import Project
from panel.record import Record, read_record
from panel.seating import NOT_ASKED
from panel.tool import Tool


class Stamp(Record):
    """Which inputs a record answers."""

    schema_: Literal["panel.stamp/1"] = Field(default="panel.stamp/1", alias="schema")
    """What this file is."""

    inputs: str
    """Hash of everything that decides what is asked, and how it is judged."""

    record: str
    """Hash of the record that came of it; one that was changed since is made anew."""

    label: str
    """The verdict in it."""


def standing(project: Project, tool: Tool) -> Stamp | None:
    """Return the stamp of a tool whose record is just what a review would write now, or None."""
    place = project.store.place(tool.slug)
    if project.settings.mode == "fresh" or not is_there(place / "stamp.json"):
        return None
    try:
        stamp = read_record(place / "stamp.json", Stamp)
        is_current = stamp.inputs == _inputs(project, tool) and stamp.record == hash_of(place / "review.json")
    except RecordError:
        return None  # what can't be read is made anew
    return stamp if is_current else None


def stamp(project: Project, tool: Tool, done: Reviewed) -> None:
    """Write the stamp of a review, where everybody who was invited has answered."""
    if not done.is_whole or any(seat.reason == NOT_ASKED for seat in done.review.seats):
        return
    place = project.store.place(tool.slug)
    made = Stamp(inputs=_inputs(project, tool), record=hash_of(place / "review.json"), label=done.review.verdict.label)
    write_whole(place / "stamp.json", readable(made.as_json()))


def _inputs(project: Project, tool: Tool) -> str:
    choices: Path = project.store.place(tool.slug) / "choices.json"
    return digest_of([project.digest, tool.digest, dict(tool.removed), tool.as_json(), hash_of(choices)])
