"""Limit: what one model of one provider lets through, learned from what it says and refuses, for all who ask it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from math import inf

from panel.errors import GaveUp, Transient
from panel.llm.allowance import Dimension, allowances
from panel.llm.clock import REAL, Clock
from panel.llm.pace import SHORTEST_S, Bucket, Pace, Sent
from panel.request import Reply, Request
from panel.tables import UNLIMITED, LimitSettings

FIRST_WIDTH, WIDEST = 32.0, 512.0
"""Requests under way at once: at first, and at most where nothing is set."""

NARROWER, WIDER = 0.5, 4.0
"""An overload halves the width; where it is used up, a reply makes it wider by `WIDER / width`, and by one before the
first overload. Source: additive increase, multiplicative decrease, Chiu and Jain, 1989."""

CHARACTERS = 3.5
"""Characters that make a token, until replies have told better."""

FIRST_OUTPUT = 2_500.0
"""Tokens that a reply is taken to have, until replies have told better."""

SMOOTHING = 0.1
"""Weight of the latest reply in what the next ones are taken to use."""

MOST_PREFIXES = 4_096
"""So many dossiers keep their place in the line."""


@dataclass
class Size:
    """How many tokens requests are taken to use, learned from those before."""

    ratio: float = 1 / CHARACTERS
    output: float = FIRST_OUTPUT

    def of(self, request: Request) -> dict[Dimension, float]:
        """Return what a request is taken to use of each limit."""
        prompt = request.length * self.ratio
        return {"requests": 1, "input": prompt, "output": self.output, "tokens": prompt + self.output}

    def learn(self, request: Request, reply: Reply) -> None:
        """Take in what a reply used."""
        used = reply.usage
        if prompt := used.input + used.cache_read + used.cache_write:
            self.ratio += SMOOTHING * (prompt / max(1, request.length) - self.ratio)
            self.output += SMOOTHING * (used.output - self.output)


@dataclass(order=True)
class _Waiter:
    place: int
    number: int
    size: Mapping[Dimension, float] = field(compare=False)
    patience_s: float = field(compare=False)
    turn: asyncio.Future[Sent] = field(compare=False)


@dataclass
class Limit:
    """The line before one model: so many requests at once, so many a minute, and a refusal holds back all.

    Requests that share a dossier share a place in the line, so the reviews that were begun first are done first.
    """

    clock: Clock = REAL
    fixed: LimitSettings = UNLIMITED
    pace: Pace = field(default_factory=Pace)
    buckets: dict[Dimension, Bucket] = field(default_factory=dict)
    size: Size = field(default_factory=Size)
    under_way: int = 0
    width: float = 0
    is_learning: bool = True
    """True before the first overload."""

    narrowed_at: float = -inf
    line: list[_Waiter] = field(default_factory=list)
    places: OrderedDict[str, int] = field(default_factory=OrderedDict)
    numbers: count[int] = field(default_factory=count)
    alarm: asyncio.Task[None] | None = None
    wakes_at: float = inf

    def __post_init__(self) -> None:
        self.width = self.fixed.concurrency or FIRST_WIDTH
        fixed: dict[Dimension, int | None] = {"requests": self.fixed.rpm, "tokens": self.fixed.tpm}
        for dimension, most in fixed.items():
            if most:
                second = max(1.0, most / 60)
                self.buckets[dimension] = Bucket(most / 60, second, second, self.clock.now())

    @asynccontextmanager
    async def admitted(self, request: Request, patience_s: float) -> AsyncIterator[Mapping[Dimension, float]]:
        """Let a request through when it is its turn; what becomes of it teaches the limit.

        Gives what the request is taken to use, which `answered` corrects.
        Raises GaveUp where the provider holds everybody back for longer than `patience_s` seconds.
        """
        size = self.size.of(request)
        sent = await self._turn(request, size, patience_s)
        try:
            yield size
        except Transient as fault:
            self._learn(fault, sent)
            raise
        finally:
            self.under_way -= 1
            self._usher()

    def answered(self, request: Request, reply: Reply, size: Mapping[Dimension, float]) -> None:
        """Learn from a reply: what it used, where `size` is what it was admitted with, and that all had room."""
        used = reply.usage
        self.size.learn(request, reply)
        if bucket := self.fixed.tpm and self.buckets.get("tokens"):
            total = used.input + used.cache_read + used.cache_write + used.output
            bucket.take(total - size["tokens"] if total else 0, self.clock.now())
        if not self.fixed.concurrency and self.under_way + 1 >= self.width:
            self.width = min(WIDEST, self.width + (1 if self.is_learning else WIDER / self.width))
        elif self.fixed.concurrency and self.width < self.fixed.concurrency:
            self.width = min(self.fixed.concurrency, self.width + WIDER / self.width)

    def heard(self, headers: Mapping[str, str]) -> None:
        """Learn from the headers of a reply or of a refusal; what panel.toml fixes stands."""
        now, others = self.clock.now(), max(0, self.under_way - 1)
        usual = {"requests": 1.0, "output": self.size.output}
        for dimension, told in allowances(headers).items():
            if (dimension == "requests" and self.fixed.rpm) or (dimension != "requests" and self.fixed.tpm):
                continue
            bucket = self.buckets.setdefault(dimension, Bucket(told.limit / 60, 1, 0, now))
            bucket.told(told.limit, told.left - others * usual.get(dimension, self.size.output), now)
        if self.line:
            self._usher()

    def hold(self, seconds: float) -> None:
        """Let nobody through for so many seconds from now."""
        self.pace.hold(self.clock.now(), seconds)

    def _learn(self, fault: Transient, sent: Sent) -> None:
        now = self.clock.now()
        if fault.pauses_all:
            self.pace.refused(now, sent, fault.wait_s or 0)
            self.hold(SHORTEST_S)  # nobody slips through before whoever was refused says how long to hold back
        says_when = fault.pauses_all and fault.wait_s is not None
        if not says_when and sent.at > self.narrowed_at:
            self.is_learning, self.narrowed_at = False, now
            self.width = max(1.0, min(self.width, self.under_way) * NARROWER)

    async def _turn(self, request: Request, size: Mapping[Dimension, float], patience_s: float) -> Sent:
        place = self._place(request)
        if not self.line and self._due(size) <= 0:
            return self._admit(size)
        turn: asyncio.Future[Sent] = asyncio.get_running_loop().create_future()
        heappush(self.line, _Waiter(place, next(self.numbers), size, patience_s, turn))
        self._usher()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and not turn.exception():  # let through, and called away at once
                self.under_way -= 1
            self._usher()
            raise

    def _place(self, request: Request) -> int:
        prefix = request.prefix
        place = self.places.setdefault(prefix, next(self.numbers))
        self.places.move_to_end(prefix)
        if len(self.places) > MOST_PREFIXES:
            self.places.popitem(last=False)
        return place

    def _due(self, size: Mapping[Dimension, float]) -> float:
        """Return the seconds until the next one may go through; inf where that hangs on a reply."""
        now = self.clock.now()
        if held := self.pace.held(now):
            return held
        if self.under_way >= max(1, int(self.width)):
            return inf
        paced = 0.0 if "requests" in self.buckets else self.pace.due(now)
        return max([paced, *(bucket.due(size[dimension], now) for dimension, bucket in self.buckets.items())])

    def _admit(self, size: Mapping[Dimension, float]) -> Sent:
        now = self.clock.now()
        self.under_way += 1
        for dimension, bucket in self.buckets.items():
            bucket.take(size[dimension], now)
        return self.pace.go(now)

    def _usher(self) -> None:
        """Let through who may go now, and see to it that the next one is let through in time."""
        self._send_away()
        while self.line and (self.line[0].turn.done() or self._due(self.line[0].size) <= 0):
            waiter = heappop(self.line)
            if not waiter.turn.done():
                waiter.turn.set_result(self._admit(waiter.size))
        due = self._due(self.line[0].size) if self.line else inf
        wakes_at = self.clock.now() + due
        if self.alarm and (wakes_at < self.wakes_at or due == inf):
            self.alarm.cancel()
            self.alarm = None
        if not self.alarm and due < inf:
            self.wakes_at = wakes_at
            self.alarm = asyncio.get_running_loop().create_task(self._wake(wakes_at))

    async def _wake(self, at: float) -> None:
        await self.clock.sleep(max(0.0, at - self.clock.now()))
        self.alarm = None
        self._usher()

    def _send_away(self) -> None:
        """End the wait of those who would have to wait longer than they can, because everybody is held back."""
        held = self.pace.held(self.clock.now())
        for waiter in self.line if held else ():
            if held > waiter.patience_s and not waiter.turn.done():
                problem = f"the provider holds everybody back for {held:.0f} s more, past the deadline; try later"
                waiter.turn.set_exception(GaveUp(problem))
