"""Accepting a new outcome: what the recordings give becomes the golden record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from panel.files import is_file, readable, write_whole
from panel.golden.outcome import Outcome, PairOutcome
from panel.markdown import comparison_page, page
from panel.pipeline import review_tool
from panel.project import Project
from panel.record import Record
from panel.review import Review, review


async def accept(project: Project, outcomes: Sequence[Outcome], personas: Sequence[str]) -> list[str]:
    """Write the new records of these tools; with `personas`, of their seats alone. Return the slugs that changed.

    A page beside a record is written with it. A tool of which a recording that this takes is missing or unsound
    stays as it was. `project` is one on the bench.
    """
    changed = []
    for one in outcomes:
        after = _wanted(project, one, personas)
        is_page_other = any(difference.kind == "changed page" for difference in one.differences)
        if after is None or (after == one.before and not is_page_other):
            continue
        if project.settings.golden is None:
            await review_tool(project, one.shelved.tool, None, personas)
        else:
            _write(project.store.review_path(after.tool.slug), after, page(after))
        changed.append(after.tool.slug)
    return changed


def accept_pairs(project: Project, pairs: Sequence[PairOutcome]) -> list[str]:
    """Write the comparisons that differ as they are now, with the page beside each; return the slugs that changed."""
    changed = []
    for one in pairs:
        if one.after is None or not one.differences:
            continue
        _write(project.store.comparison_path(one.slug), one.after, comparison_page(one.after))
        changed.append(one.slug)
    return changed


def _write(path: Path, after: Record, text: str) -> None:
    """Write a record, and its page where one lies beside it."""
    write_whole(path, readable(after.as_json()))
    if is_file(path.with_suffix(".md")):
        write_whole(path.with_suffix(".md"), text.encode())


def _wanted(project: Project, one: Outcome, personas: Sequence[str]) -> Review | None:
    """Return the record to write: all of the new one, or the golden one with the seats of these personas from it."""
    if not personas:
        return one.after
    fresh = {seat.persona: seat for seat in one.seats if seat.persona in personas}
    if one.before is None or len(fresh) < len({*personas}):
        return None
    seats = {seat.persona: seat for seat in one.before.seats} | fresh
    order = [id for id in project.persona_ids if id in seats]
    return review(one.shelved.tool, [seats.pop(id) for id in order] + [*seats.values()])
