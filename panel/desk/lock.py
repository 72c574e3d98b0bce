"""Locks: seats, or a whole review, that no run changes until they are let go."""

from __future__ import annotations

from collections.abc import Sequence

from panel.choices import Choices
from panel.desk.retake import record_of
from panel.errors import InputError
from panel.project import Project
from panel.record import digest
from panel.tool import Tool


async def lock(project: Project, tool: Tool, personas: Sequence[str]) -> Choices:
    """Return the choices with these seats locked, the whole review where none is named, and write them.

    Raises InputError where there is no review, or a named seat has nothing to keep.
    """
    async with project.store.turn(tool.slug):
        record, before = record_of(project, tool), project.store.choices(tool.slug)
        seats = [seat for seat in map(record.seat, personas) if seat and seat.asks]
        for id in personas:
            if id not in [seat.persona for seat in seats]:
                raise InputError(f"{tool.slug}: {id}: has nothing to keep in the record; run panel review first")
        after = before.with_locks(seats) if personas else before.model_copy(update={"locked": digest(record)})
        _save(project, tool, before, after, "lock", personas)
    return after


async def release(project: Project, tool: Tool, personas: Sequence[str]) -> Choices:
    """Return the choices with these seats let go, all of them where none is named, and write them.

    Raises InputError where one seat of a review that is locked as a whole is named.
    """
    async with project.store.turn(tool.slug):
        before = project.store.choices(tool.slug)
        if before.is_locked and personas:
            raise InputError(f"{tool.slug}: locked as a whole; let go of all of it: panel lock {tool.slug} --release")
        after = before.released(personas) if personas else before.model_copy(update={"locked": {}})
        _save(project, tool, before, after, "release", personas)
    return after


def _save(project: Project, tool: Tool, before: Choices, after: Choices, event: str, personas: Sequence[str]) -> None:
    if after != before:
        project.store.save_choices(tool.slug, after)
        project.store.history(tool.slug).log(event, seats=[*personas] or "all")
