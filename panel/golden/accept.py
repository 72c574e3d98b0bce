"""Accepting a new outcome: what the recordings give becomes the golden record."""

from __future__ import annotations

from collections.abc import Sequence

from panel.files import readable, write_whole
from panel.golden.verify import Outcome
from panel.pipeline import review_tool
from panel.project import Project
from panel.review import Review, review


async def accept(project: Project, outcomes: Sequence[Outcome], personas: Sequence[str]) -> list[str]:
    """Write the new records of these tools; with `personas`, of their seats alone. Return the slugs that changed.

    A tool of which a recording is missing or unsound stays as it was. `project` is one on the bench.
    """
    changed = []
    for one in outcomes:
        after = _wanted(one, personas)
        if after is None or after == one.before:
            continue
        if project.settings.golden is None:
            await review_tool(project, one.shelved.tool, None, personas)
        else:
            write_whole(project.store.review_path(after.tool.slug), readable(after.as_json()))
        changed.append(after.tool.slug)
    return changed


def _wanted(one: Outcome, personas: Sequence[str]) -> Review | None:
    """Return the record to write: all of the new one, or the golden one with the seats of these personas from it."""
    if not personas:
        return one.after
    if one.before is None:
        return None
    fresh = {seat.persona: seat for seat in one.seats if seat.persona in personas}
    return review(one.shelved.tool, [fresh.get(seat.persona, seat) for seat in one.before.seats])
