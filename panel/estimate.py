"""An estimate: what a review would ask for and cost, before anybody is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from panel.ask import AUTO_STEPS
from panel.money import Prices
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
    return estimate_of(project, plans, at)


def estimate_of(project: Project, plans: Sequence[Asked], at: datetime, more: Sequence[Request] = ()) -> Estimate:
    """Return what these seats would take, and `more` requests beside theirs, at the prices of the day `at`."""
    first = [request for plan in plans for request in _requests(plan, AUTO_STEPS[0])]
    every = [request for plan in plans for request in _requests(plan, AUTO_STEPS[-1])]
    missing, missing_at_most = [*_missing(project, first), *more], [*_missing(project, every), *more]
    return Estimate(
        invited=len(plans),
        kept=len(first) + len(more) - len(missing),
        asked=len(missing),
        likely=_sum(_price(project, request, _likely(request), at) for request in missing),
        most=_sum(_dearest(project, request, _most(request), at) for request in missing_at_most if missing),
    )


def _requests(plan: Asked, auto: int) -> Iterator[Request]:
    """Yield the requests of a seat; `auto` is how many samples it draws where their number is left open."""
    for number in range(plan.first, plan.first + (auto if plan.samples == "auto" else plan.samples)):
        yield plan.question.request(number)


def _missing(project: Project, requests: Sequence[Request]) -> list[Request]:
    """Return those that are not recorded; asked anew, none is."""
    fresh = project.settings.mode == "fresh"
    return [request for request in requests if fresh or project.ledgers.find(request.identity) is None]


def _dearest(project: Project, request: Request, usage: Usage, at: datetime) -> str | None:
    """Return the price at the model asked or at the dearest fallback; None where one of them is not known."""
    asked = [request.model_copy(update={"model": model}) for model in (request.model, *project.settings.fallbacks)]
    prices = [_price(project, each, usage, at) for each in asked]
    known = [Decimal(price) for price in prices if price is not None]
    return str(max(known)) if len(known) == len(prices) else None


def _price(project: Project, request: Request, usage: Usage, at: datetime) -> str | None:
    return (
        "0"
        if project.settings.provider(request.model).is_free
        else Prices(project.settings.prices).cost(request.model, usage, at)
    )


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
