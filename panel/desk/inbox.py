"""The inbox: what needs an eye, and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Literal

from panel.ask import NEAR
from panel.change import standing
from panel.desk.approval import Approval, price_problems, void
from panel.desk.status import ToolStatus
from panel.markdown import rating
from panel.record import Record
from panel.review import Review, Seat
from panel.tool import Tool

Reason = Literal[
    "stale", "absent seat", "provisional", "near the threshold", "capped rating", "flag", "price", "approval"
]


class Matter(Record):
    """One thing that needs an eye."""

    tool: str
    """The slug."""

    persona: str | None
    """The seat, or None where it concerns the whole review."""

    reason: Reason
    """What sort of thing."""

    text: str
    """What it is, in words."""


def matters(
    status: ToolStatus, review: Review | None, tool: Tool, approval: Approval | None, today: date
) -> list[Matter]:
    """Return what needs an eye in one tool, the most pressing first."""
    stale = _stale(status) if review else [("stale", None, "not reviewed yet")]
    found = [*stale, *_of_seats(review), *_of_review(review, tool, approval, today)]
    return [Matter(tool=tool.slug, persona=persona, reason=reason, text=text) for reason, persona, text in found]


def _stale(status: ToolStatus) -> Iterator[tuple[Reason, str, str]]:
    for seat in status.stale:
        yield "stale", seat.persona, f"{seat.why}{' (locked)' if seat.locked else ''}"


def _of_seats(review: Review | None) -> Iterator[tuple[Reason, str, str]]:
    for seat in review.seats if review else ():
        if seat.is_let_down:
            yield "absent seat", seat.persona, standing(seat)
        yield from _of_take(seat)


def _of_take(seat: Seat) -> Iterator[tuple[Reason, str, str]]:
    take = seat.take
    if take is None:
        return
    if abs(take.score - seat.threshold) <= NEAR:
        yield "near the threshold", seat.persona, f"{take.score} {take.vote}, ships from {seat.threshold}"
    for rated in take.ratings:
        if rated.capped:
            yield "capped rating", seat.persona, f"{rated.criterion}: {rating(rated)}"
    for flag in take.flags:
        yield "flag", seat.persona, flag.text


def _of_review(
    review: Review | None, tool: Tool, approval: Approval | None, today: date
) -> Iterator[tuple[Reason, None, str]]:
    if review and review.verdict.provisional:
        yield "provisional", None, "a seat that failed could still change the label"
    for problem in price_problems(tool, today):
        yield "price", None, problem
    if approval and (why := void(approval, review, tool)):
        yield "approval", None, f"the approval by {approval.by} of {approval.at[:10]} is void: {why}"
