"""The round trip: submit, wait, collect, and once more for the repairs, until nothing is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from panel.batch.collection import collected, looked
from panel.batch.desk import Desk
from panel.batch.drafts import Drafts, Wanted, drafting
from panel.batch.manifest import Manifest
from panel.batch.submission import settled, submitted
from panel.errors import GaveUp, Lost, OverBudget, Rejected

FIRST_WAIT_S, LONGEST_WAIT_S, LONGER = 15.0, 300.0, 1.5
"""Seconds between two looks at what a vendor is doing: at first, at last, and how fast they grow."""

MOST_SILENT = 12
"""Looks in a row that a vendor may leave without an answer, before the wait is given up."""

Agree = Callable[[Drafts], bool]
"""Whether somebody agrees to what would be submitted."""


@dataclass(frozen=True)
class Limit:
    """The most that may be paid."""

    usd: Decimal | None = None
    """US dollars; None: whatever it costs."""

    def refuse(self, drafts: Drafts, spent: Decimal = Decimal(0)) -> None:
        """Raise OverBudget where drafts could cost more than is left after `spent`, or nobody knows what."""
        most = drafts.cost.most
        if self.usd is None or not drafts.requests:
            return
        if most is None:
            raise OverBudget(f"what it could cost is not known, so the budget of ${self.usd:f} can't hold")
        if spent + most > self.usd:
            left = max(Decimal(0), self.usd - spent)
            raise OverBudget(f"it could cost ${most:.2f}, and ${left:.2f} of the budget of ${self.usd:f} is left")


@dataclass(frozen=True)
class Order:
    """What is to be submitted, and under which conditions."""

    wanted: Wanted
    agree: Agree = lambda drafts: True
    limit: Limit = Limit()


@dataclass
class Trip:
    """What a round trip came to."""

    batches: list[Manifest] = field(default_factory=list)
    """Those that were collected."""

    drafts: Drafts = field(default_factory=Drafts)
    """What was drafted last: nothing is ready in it where nothing is missing any more."""

    faults: list[str] = field(default_factory=list)
    """Batches that came to nothing, and why."""

    silent: list[str] = field(default_factory=list)
    """Batches whose vendor did not answer, and why."""

    is_agreed: bool = True
    """False where somebody did not agree."""

    @property
    def is_whole(self) -> bool:
        """True where no request is without a reply for which a vendor is to blame."""
        return not self.faults and not self.drafts.requests and not self.drafts.rejected

    @property
    def spent(self) -> Decimal:
        """US dollars that were paid; where that is not known, the most that it could be."""
        return sum(map(_spent, self.batches), Decimal(0))


async def submit(desk: Desk, order: Order, spent: Decimal = Decimal(0)) -> tuple[Drafts, list[Manifest] | None]:
    """Return what was drafted and what was submitted of it; None for the second where somebody did not agree.

    What an earlier run left half submitted is settled first. Raises OverBudget before anything is sent,
    SettingsError in modes that batches can't serve, InputError and ModelError as what it calls.
    """
    desk.refuse_mode()
    async with desk.folder.turn():
        await settled(desk)
        with drafting(desk) as drafting_:
            drafts = await drafting_.of(order.wanted)
            order.limit.refuse(drafts, spent)
            if drafts.requests and not order.agree(drafts):
                return drafts, None
            return drafts, await submitted(desk, drafts)


async def collect(desk: Desk, names: Sequence[str] = (), *, waits: bool = False) -> Trip:
    """Return what was taken in of the batches that are under way, or of those that are named.

    With `waits` only when all of them have ended. What one of them is lost for does not stop the others.
    Raises Busy where another run submits or collects; what was taken in by then is in the ledger.
    """
    trip, given_up, silent, wait = Trip(), set[str](), 0, FIRST_WAIT_S
    while True:
        await _settle(desk)
        working = [each for each in desk.folder.open() if each.name in names or not names]
        due = [each for each in working if each.id and each.name not in given_up]
        answers = [await _one(desk, each, trip, given_up) for each in due]
        silent = 0 if any(answers) else silent + 1
        open_now = {each.name: each for each in desk.folder.open()}
        left = [open_now[each.name] for each in due if each.name in open_now and each.name not in given_up]
        if not left or not waits:
            return trip
        if silent >= MOST_SILENT:
            raise GaveUp(f"no vendor answered {silent} times in a row; the batches go on without us: collect later")
        desk.tell(_progress(left, wait))
        await desk.clock.sleep(wait)
        wait = min(LONGEST_WAIT_S, wait * LONGER)


async def round_trip(desk: Desk, order: Order) -> Trip:
    """Return what came of asking in batches for all that the reviews of some tools lack, repairs included.

    Batches that an earlier run left are waited for first, so nothing is asked twice. It ends when nothing is missing,
    or when a round brought nothing new: what is missing then is told in `drafts`. The budget holds for all rounds
    together; the first one asks for agreement, and what follows from it is submitted without asking again.
    """
    trip, agree = Trip(), order.agree
    while True:
        came = await collect(desk, waits=True)
        trip.batches += came.batches
        trip.faults += came.faults
        trip.drafts, begun = await submit(desk, Order(order.wanted, agree, order.limit), trip.spent)
        if begun is None:
            trip.is_agreed = False
            return trip
        if not begun:
            return trip
        agree = _once_agreed(desk)
        again = await collect(desk, [each.name for each in begun], waits=True)
        trip.batches += again.batches
        trip.faults += again.faults
        if not any(each.tally and each.tally.answered + each.tally.known for each in again.batches):
            return trip


def _once_agreed(desk: Desk) -> Agree:
    def told(drafts: Drafts) -> bool:
        more = counted(drafts.requests, "request")
        desk.tell(f"{more} more: repairs, further samples, and what was not answered")
        return True

    return told


async def _settle(desk: Desk) -> None:
    if any(each.phase == "intent" for each in desk.folder.open()):
        async with desk.folder.turn():
            await settled(desk)


async def _one(desk: Desk, manifest: Manifest, trip: Trip, given_up: set[str]) -> bool:
    """Look at a batch once, and take it in where it has ended; return whether its vendor answered."""
    try:
        done = await _taken(desk, manifest)
    except (Lost, Rejected) as error:
        trip.faults.append(str(error))
        given_up.add(manifest.name)
    except GaveUp as error:
        trip.silent = [f"{manifest.name}: {error}"]
        desk.tell(trip.silent[0])
        return False
    else:
        trip.batches += [done] if done.phase == "collected" else []
    return True


async def _taken(desk: Desk, manifest: Manifest) -> Manifest:
    """Return a manifest after one look at its batch, and after its results were taken in where it has ended."""
    latest = await looked(desk, manifest)
    if latest.phase not in ("ended", "failed"):
        return latest
    async with desk.folder.turn():
        latest = desk.folder.named(manifest.name)
        return await collected(desk, latest) if latest.is_open or latest.phase == "failed" else latest


def _spent(manifest: Manifest) -> Decimal:
    tally = manifest.tally
    most = Decimal(manifest.most_usd or 0) if tally and tally.unpriced else Decimal(0)
    return max(most, Decimal(tally.cost_usd if tally else 0))


def _progress(working: Sequence[Manifest], wait_s: float) -> str:
    done = sum(each.counts.answered + each.counts.failed for each in working)
    requests = sum(each.requests for each in working)
    head = f"{counted(len(working), 'batch')} under way, {done} of {counted(requests, 'request')} done"
    return f"{head}; looked at again in {wait_s:.0f} s"


def counted(number: int, what: str) -> str:
    """Return a number of things: `1 batch`, `2 batches`."""
    ending = "" if number == 1 else "es" if what.endswith("ch") else "s"
    return f"{number} {what}{ending}"
