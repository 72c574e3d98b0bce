"""An estimate: what a review would ask for and cost, before anybody is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from panel.ask import AUTO_STEPS
from panel.money import cost
from panel.project import Project
from panel.request import Request, Usage
from panel.seating import Asked, Seating
from panel.tool import Tool

LIKELY_CHARACTERS, FEWEST_CHARACTERS = 3.5, 2
"""Characters of a prompt that make a token: as a rule in English, and where every word is a strange one."""

LIKELY_OUTPUT = 2_500
"""Tokens that a reply of about 1,500 with some thinking before it takes."""


@dataclass(frozen=True)
class Estimate:
    """What a review would take."""

    invited: int
    """Seats that are invited."""

    kept: int
    """Replies that a ledger holds; repairs of them are not counted."""

    asked: int
    """Requests that would be asked; repairs are not counted."""

    likely: Decimal | None
    """US dollars where all goes well; None where a price is not known."""

    most: Decimal | None
    """US dollars where every reply has the longest length and is mended once; None where a price is not known."""


def estimate(project: Project, tool: Tool, at: datetime) -> Estimate:
    """Return what a review of a tool would take, at the prices of the day `at`.

    Raises RecordError where the tool's choices can't be read.
    """
    seating = Seating.of(project, tool, ())
    plans = [plan for plan in map(seating.plan, project.panel) if isinstance(plan, Asked)]
    requests = [request for plan in plans for request in _requests(plan)]
    missing = [request for request in requests if project.ledgers.find(request.identity) is None]
    return Estimate(
        invited=len(plans),
        kept=len(requests) - len(missing),
        asked=len(missing),
        likely=_sum(_price(project, request, _likely(request), at) for request in missing),
        most=_sum(_price(project, request, _most(request), at) for request in missing),
    )


def _requests(plan: Asked) -> Iterator[Request]:
    most = AUTO_STEPS[-1] if plan.samples == "auto" else plan.samples
    for number in range(plan.first, plan.first + most):
        yield plan.question.request(number)


def _price(project: Project, request: Request, usage: Usage, at: datetime) -> str | None:
    return "0" if project.settings.provider(request.model).is_free else cost(request.model, usage, at)


def _likely(request: Request) -> Usage:
    return Usage(input=round(_characters(request) / LIKELY_CHARACTERS), output=LIKELY_OUTPUT)


def _most(request: Request) -> Usage:
    """Return the usage of the longest reply and the longest repair, whose prompt holds both prompt and reply."""
    prompt, reply = _characters(request) // FEWEST_CHARACTERS, request.parameters.max_tokens
    return Usage(input=2 * prompt + reply, output=2 * reply)


def _characters(request: Request) -> int:
    texts = [request.system, *(block.text for block in request.blocks), str(request.reply_schema)]
    return sum(map(len, texts))


def _sum(prices: Iterator[str | None]) -> Decimal | None:
    total = Decimal(0)
    for price in prices:
        if price is None:
            return None
        total += Decimal(price)
    return total
