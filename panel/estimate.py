"""An estimate: what a review would ask for and cost, before anybody is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from panel.ask import AUTO_STEPS
from panel.files import canonical
from panel.money import Prices
from panel.project import Project
from panel.request import Request, Usage
from panel.seating import Asked, Seating
from panel.tool import Tool

LIKELY_CHARACTERS = 3.5
"""Characters of an English prompt that make a token, as a rule."""

LIKELY_OUTPUT = 2_500
"""Tokens that a reply of about 1,500 with some thinking before it takes."""

LIKELY_REPAIRS = Decimal("0.2")
"""Of so many replies one is mended."""

FRAME = 100
"""Tokens by which a vendor's own framing of one text is covered."""

LONGEST_TOKEN = 2
"""A token of a reply read again makes no more tokens than this."""

LONGEST_COMPLAINTS = 20_000
"""Tokens of what is to be mended, at most."""

SHORTEST_CACHED = 1_024
"""Tokens of a shared beginning from which vendors keep it for the next seat."""


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


def estimate_of(
    project: Project,
    plans: Sequence[Asked],
    at: datetime,
    more: Sequence[Request] = (),
    warm: set[str] | None = None,
) -> Estimate:
    """Return what these seats would take, and `more` requests beside theirs, at the prices of the day `at`.

    `warm` are the dossiers that a vendor's cache holds by then; those of these seats are added.
    """
    first = [request for plan in plans for request in _requests(plan, AUTO_STEPS[0])]
    every = [request for plan in plans for request in _requests(plan, AUTO_STEPS[-1])]
    missing, missing_at_most = [*_missing(project, first), *more], [*_missing(project, every), *more]
    kept = len(first) + len(more) - len(missing)
    return Estimate(
        invited=len(plans),
        kept=kept,
        asked=len(missing),
        likely=likely(project, missing, at, warm),
        most=at_most(project, missing_at_most if missing else (), at),
    )


def likely(
    project: Project,
    requests: Sequence[Request],
    at: datetime,
    warm: set[str] | None = None,
    *,
    is_batched: bool = False,
) -> Decimal | None:
    """Return what these requests come to where all goes well, in US dollars; None where a price is not known.

    Of those that share a dossier the first one writes the vendor's cache and the others read it; some are mended.
    In a batch nothing is taken to be read from a cache.
    """
    warm = set() if warm is None else warm
    total = Decimal(0)
    for request in requests:
        usage = _likely(request, is_warm=request.prefix in warm, caches=not is_batched)
        warm.add(request.prefix)
        price = _price(project, request, usage, at, is_batched=is_batched)
        if price is None:
            return None
        total += Decimal(price) * (1 if request.is_repair or price == "0" else 1 + LIKELY_REPAIRS)
    return total


def at_most(project: Project, requests: Sequence[Request], at: datetime, *, is_batched: bool = False) -> Decimal | None:
    """Return what these requests come to at most, each mended once, in US dollars; None where a price is not known."""
    total = Decimal(0)
    for request in requests:
        models = (request.model,) if is_batched else (request.model, *project.settings.fallbacks)
        first = _most(project, request)
        calls = [first] if request.is_repair else [first, _most_mended(first)]
        for usage in calls:
            price = _dearest(project, request, models, usage, at, is_batched=is_batched)
            if price is None:
                return None
            total += price
    return total


def bound(project: Project, request: Request, at: datetime) -> Decimal | None:
    """Return what one call can cost at most, in US dollars; None where the price of its model is not known."""
    return _dearest(project, request, (request.model,), _most(project, request), at)


def _requests(plan: Asked, auto: int) -> Iterator[Request]:
    """Yield the requests of a seat; `auto` is how many samples it draws where their number is left open."""
    for number in range(plan.first, plan.first + (auto if plan.samples == "auto" else plan.samples)):
        yield plan.question.request(number)


def _missing(project: Project, requests: Sequence[Request]) -> list[Request]:
    """Return those that are not recorded; asked anew, none is."""
    fresh = project.settings.mode == "fresh"
    return [request for request in requests if fresh or project.ledgers.find(request.identity) is None]


def _dearest(
    project: Project, request: Request, models: Sequence[str], usage: Usage, at: datetime, *, is_batched: bool = False
) -> Decimal | None:
    """Return the price at the dearest of these models, its cache used or not; None where one is not known."""
    asked = [request.model_copy(update={"model": model}) for model in models]
    uncached = Usage(input=usage.cache_write, output=usage.output)
    cached = Usage(cache_read=usage.cache_write, output=usage.output)
    ways = [(each, used) for each in asked for used in (usage, uncached, cached)]
    prices = [_price(project, each, used, at, is_batched=is_batched) for each, used in ways]
    known = [Decimal(price) for price in prices if price is not None]
    return max(known) if len(known) == len(prices) else None


def _price(project: Project, request: Request, usage: Usage, at: datetime, *, is_batched: bool = False) -> str | None:
    if project.settings.provider(request.model).is_free:
        return "0"
    return Prices(project.settings.prices).cost(request.model, usage, at, is_batched=is_batched)


def _likely(request: Request, *, is_warm: bool, caches: bool) -> Usage:
    # Vendors put the form of the reply before everything else, so it is kept with what seats share.
    shared = round((_form(request) + sum(map(len, (request.system, *_cached(request))))) / LIKELY_CHARACTERS)
    rest = round((request.length + _form(request)) / LIKELY_CHARACTERS) - shared
    if not caches or shared < SHORTEST_CACHED:
        return Usage(input=shared + rest, output=LIKELY_OUTPUT)
    if is_warm:
        return Usage(input=rest, cache_read=shared, output=LIKELY_OUTPUT)
    return Usage(input=rest, cache_write=shared, output=LIKELY_OUTPUT)


def _cached(request: Request) -> list[str]:
    return [block.text for block in request.blocks if block.cache]


def _form(request: Request) -> int:
    return len(canonical(dict(request.reply_schema)))


def _most(project: Project, request: Request) -> Usage:
    """Return the most that one call can use: no tokenizer makes more tokens of a text than it has bytes."""
    said = [request.system, *(block.text for block in request.blocks), *(turn.text for turn in request.turns)]
    models = (request.model, *project.settings.fallbacks)
    if any(project.settings.provider(model).speaks == "chat" for model in models):
        said.append(project.prompts.form(request))
    prompt = sum(len(text.encode()) + FRAME for text in said) + _form(request)
    return Usage(cache_write=prompt, output=request.parameters.max_tokens)


def _most_mended(first: Usage) -> Usage:
    """Return the most that the repair of a reply can use: its prompt holds the reply, and what to mend in it."""
    return Usage(cache_write=first.cache_write + first.output * LONGEST_TOKEN + LONGEST_COMPLAINTS, output=first.output)
