"""Approval: a named person saw the checklist pass; any later change of the record or its dossier voids it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Literal

from pydantic import Field

from panel.change import standing
from panel.desk.status import ToolStatus
from panel.errors import Busy, InputError
from panel.files import is_there, readable, write_whole
from panel.llm.model import now
from panel.project import Project
from panel.record import Record, digest, read_record
from panel.review import Review
from panel.tool import Tool

PRICE_HOLDS_DAYS = 30
"""So long ago at most somebody must have looked at the price."""


class Approval(Record):
    """Who let a review be published, when, after which checks, and what just that was."""

    schema_: Literal["panel.approval/1"] = Field(default="panel.approval/1", alias="schema")
    """What this file is."""

    tool: str
    """The slug."""

    by: str
    """Who approved."""

    at: str
    """When: UTC, ISO 8601."""

    checked: tuple[str, ...]
    """The checks that passed."""

    review: str
    """Content hash of the record."""

    dossier: str
    """Content hash of the dossier."""

    void: str | None = None
    """Why it no longer holds; what was void once stays so, whatever comes back."""


class NotApproved(InputError):
    """A review can't be approved as it stands."""


@dataclass(frozen=True)
class Check:
    """One line of the checklist."""

    what: str
    """What must hold."""

    problems: Sequence[str]
    """Where it does not; empty where it does."""

    @property
    def complaint(self) -> list[str]:
        """What is wrong, a line each; nothing where it holds."""
        return [f"  - {self.what}", *(f"      {problem}" for problem in self.problems)] if self.problems else []


def checklist(review: Review, status: ToolStatus, tool: Tool, today: date) -> list[Check]:
    """Return the checks of a review before it is published; `status` and `tool` are those of the dossier as it is."""
    flags = [f"{seat.name}: {flag.text}" for seat in review.seats if seat.take for flag in seat.take.flags]
    absent = [f"{seat.name}: {standing(seat)}" for seat in review.seats if seat.is_let_down]
    unasked = [f"{seat.name}: {seat.why}" for seat in status.stale if not seat.locked]
    earlier = ["run panel review, which writes it anew"] if review.tool != tool else []
    provisional = ["a seat that failed could still change the label"] if review.verdict.provisional else []
    return [
        Check("the record shows the dossier as it is", earlier),
        Check("every seat is fresh", unasked),
        Check("no take has a flag", flags),
        Check("no seat is absent but by abstention", absent),
        Check("the verdict is not provisional", provisional),
        Check(f"the price was checked within {PRICE_HOLDS_DAYS} days", list(price_problems(tool, today))),
    ]


def price_problems(tool: Tool, today: date) -> Iterator[str]:
    """Yield what is wrong with the day on which somebody last looked at the price."""
    checked = tool.pricing.checked_on
    if checked is None:
        yield "pricing.checked_on is not in the dossier"
    elif checked > today:
        yield f"pricing.checked_on is {checked}, which is yet to come"
    elif (today - checked).days > PRICE_HOLDS_DAYS:
        yield f"last checked on {checked}, {(today - checked).days} days ago; look again, then set pricing.checked_on"


async def approve(project: Project, tool: Tool, by: str, checks: Sequence[Check], review: Review) -> Approval:
    """Return the approval of a review by somebody whose checklist passed, and write it.

    Raises NotApproved where a check fails, or where the record is not the one that was checked.
    """
    if failing := [line for check in checks for line in check.complaint]:
        raise NotApproved("\n".join([f"{tool.slug}: not approved; this does not hold:", *failing]))
    checked = tuple(check.what for check in checks)
    approval = Approval(tool=tool.slug, by=by, at=now(), checked=checked, review=digest(review), dossier=tool.digest)
    async with project.store.turn(tool.slug):
        if project.store.review(tool.slug) != review:
            raise NotApproved(f"{tool.slug}: not approved: another run changed the record meanwhile; look at it again")
        _save(project, approval)
        project.store.history(tool.slug).log("approve", by=by, review=approval.review)
    return approval


def approval_of(project: Project, slug: str) -> Approval | None:
    """Return the approval of a tool, void or not, or None; raises RecordError where it can't be read."""
    path = project.store.place(slug) / "approval.json"
    return read_record(path, Approval) if is_there(path) else None


async def voided(project: Project, tool: Tool) -> str | None:
    """Return what to say where the approval of a tool no longer holds, or None; the log hears of it once.

    Where the records are held by another run, the log hears of it later: what was done before is done.
    """
    approval = approval_of(project, tool.slug)
    why = approval and void(approval, project.store.review(tool.slug), tool)
    if not approval or not why:
        return None
    with suppress(Busy):
        async with project.store.turn(tool.slug):
            if approval.void is None and approval_of(project, tool.slug) == approval:
                _save(project, approval.model_copy(update={"void": why}))
                project.store.history(tool.slug).log("void", by=approval.by, why=why)
    return f"the approval by {approval.by} of {approval.at[:10]} is void: {why}"


def _save(project: Project, approval: Approval) -> None:
    write_whole(project.store.place(approval.tool) / "approval.json", readable(approval.as_json()))


def void(approval: Approval, review: Review | None, tool: Tool) -> str | None:
    """Return why an approval no longer holds, or None where it does."""
    if approval.void or review is None:
        return approval.void or "the record is gone"
    if approval.review != digest(review):
        return "the record changed since"
    return None if approval.dossier == tool.digest else "the dossier changed since"
