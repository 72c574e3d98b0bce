"""Pace: how fast requests may go out. Pure: every method is told what time it is, in seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from math import inf

FIRST_SPEED = 200.0
"""Requests a second at which an unknown limit is tried; it doubles with every second's worth that is not refused."""

FASTEST = 2_000.0
"""Requests a second that are never gone beyond: more than one process can send."""

SHORTEST_S = 0.001
"""No wait is shorter: a clock need not show anything finer."""

IDLE_S = 3.0
"""Where nobody wanted to go for so long, the other side may have had its store full."""

FINEST_S = 0.02
"""Nothing is measured in less time."""

FEWEST = 10
"""So many requests are not paced at all."""

FEW = 5
"""Fewer requests than this tell no speed from a store."""

STEADY, BOLD = 40_000, 1_200
"""After n requests without a refusal the pace is higher by `n / STEADY + (n / BOLD)**2`: one in some 140 is refused."""

NEAR = 0.8
"""A rising pace is refused when it is so much above the limit: the limit is this part of it."""

MOST_CYCLES = 8
"""The speed is measured over so many refusals; a limit that changed is found after as many."""


@dataclass
class Bucket:
    """A limit that is known: it fills evenly, and holds so much at most."""

    rate: float
    """What it gains in a second."""

    most: float
    """What it holds at most."""

    level: float
    """What it held at `at`; below zero where more was taken than it held."""

    at: float

    def due(self, amount: float, now: float) -> float:
        """Return the seconds until so much can be taken; more than it holds can be taken when it is full."""
        lacking = min(amount, self.most) - self._filled(now)
        return max(SHORTEST_S, lacking / self.rate) if lacking > 0 else 0.0

    def take(self, amount: float, now: float) -> None:
        """Take so much; a negative amount is given back."""
        self.level, self.at = self._filled(now) - amount, now

    def told(self, limit: float, left: float, now: float) -> None:
        """Go by what a vendor says: its limit a minute, and what is left now beside that which is under way."""
        self.rate, self.most = limit / 60, max(self.most, left)
        self.level, self.at = left, now

    def _filled(self, now: float) -> float:
        return min(self.most, self.level + self.rate * max(0.0, now - self.at))


@dataclass
class Cycle:
    """What came through between the end of one wait and the next refusal."""

    began: float
    """When the wait ended."""

    wait_s: float = 0
    """How long the wait before it was; nothing came through in it."""

    seconds: float = 0
    came: int = 0
    was_idle: bool = False
    """True where less went out than could have: it tells nothing of the limit."""

    @property
    def whole_s(self) -> float:
        """Its length, the wait before it included."""
        return self.wait_s + self.seconds


@dataclass(frozen=True)
class Sent:
    """When a request went out, and as which one since the last wait, from 1."""

    at: float
    number: int


@dataclass
class Pace:
    """A limit that nobody names, learned from what is refused.

    At a refusal the other side has nothing left. So what came through until the next one, over that time, waits
    included, is the speed that it allows, unless its store was full during the wait and something was lost. Then what
    came through is that store, and the speed times the time since the wait; two cycles of different length tell both.
    The pace then rises slowly until the next refusal, so that a limit that was raised is found.
    """

    rate: float | None = None
    """Requests a second; None until refusals have told it."""

    unsure: float = 0
    """By so much the rate may be higher."""

    store: float = FEWEST
    """What may go out at once after a wait, or when nothing went out for a while."""

    is_measured: bool = False
    """True where store and speed are told apart."""

    level: float = FEWEST
    """Requests that may go out at once, at the time `at`."""

    at: float = -inf
    opens_at: float = -inf
    """When requests may go out again after a refusal."""

    longest_s: float = 0
    """The longest that they were ever held back."""

    cycle: Cycle | None = None
    past: tuple[Cycle, ...] = ()
    """The latest cycles, the last one last."""

    all: Cycle = field(default_factory=lambda: Cycle(0))
    """All cycles since the limit was last another one, as if they were one."""

    def due(self, now: float) -> float:
        """Return the seconds until the next request may go out."""
        if held := self.held(now):
            return held
        self._fill(now)
        if self.level >= 1:
            return 0.0
        return max(SHORTEST_S, (1 - self.level) / self._speed())

    def held(self, now: float) -> float:
        """Return the seconds for which everybody is held back."""
        self.opens_at = min(self.opens_at, now + self.longest_s)  # later only where the clock was set back
        return max(0.0, self.opens_at - now)

    def hold(self, now: float, seconds: float) -> None:
        """Let nobody out for so many seconds."""
        self.longest_s = max(self.longest_s, seconds)
        self.opens_at = max(self.opens_at, now + seconds)

    def go(self, now: float) -> Sent:
        """Note that a request goes out; return what a refusal of it has to be told with."""
        self._fill(now)
        self.cycle = self.cycle or Cycle(now)
        self.level -= 1
        self.cycle.came += 1
        return Sent(now, self.cycle.came)

    def refused(self, now: float, sent: Sent, wait_s: float) -> None:
        """Note that a request was refused, and that a wait of so many seconds was asked."""
        self.hold(now, wait_s)
        if self.cycle is None or sent.at < self.cycle.began:  # it was under way at the last refusal: nothing new
            return
        ended, self.cycle = self.cycle, Cycle(now + wait_s, now + wait_s - sent.at)
        # Those that went out after it are under way, and most of them will be refused too.
        ended.came, ended.seconds = sent.number - 1, sent.at - ended.began
        self._learn(ended, wait_s, self._speed(ended))
        self.level, self.at = min(1.0, self.store), now + wait_s
        if self.is_measured:
            self.level = max(1.0, self.store - 1)  # one is left as a margin

    def _learn(self, ended: Cycle, wait_s: float, speed: float) -> None:
        if ended.was_idle:
            return
        if not ended.wait_s and not self.past:
            self._guess(ended, wait_s)
            return
        self.past = (*self.past, ended)[-MOST_CYCLES:]
        self._pool(ended)
        pooled = max(1, self.all.came) / self.all.seconds
        if pooled * wait_s >= FEW:
            self._tell_apart(pooled, wait_s, speed)
        elif ended.came > 3 * FEW and speed * NEAR > 2 * pooled:  # no store explains it: what was lost, was in waits
            self.all = Cycle(0, seconds=ended.seconds, came=round(speed * NEAR * ended.seconds))
            self._settle(speed * NEAR, 1 / ended.seconds, 1, is_measured=True)
        else:
            self._settle(pooled, self._unsure, pooled * wait_s, is_measured=True)

    def _pool(self, ended: Cycle) -> None:
        """Add a cycle to all of them; where the latest tell another speed, they alone count from now on."""
        self.all.came, self.all.seconds = self.all.came + ended.came, self.all.seconds + ended.whole_s
        came, seconds = sum(each.came for each in self.past), sum(each.whole_s for each in self.past)
        self.all.seconds = max(self.all.seconds, FINEST_S)
        if abs(came - self.all.came / self.all.seconds * seconds) > FEW + came / 5:
            self.all = Cycle(0, seconds=max(seconds, FINEST_S), came=came)

    def _guess(self, first: Cycle, wait_s: float) -> None:
        """Take what came through until the first refusal for the speed; what was in store then adds to it."""
        if first.came >= FEWEST:
            self.rate = first.came / (first.seconds + wait_s) if first.seconds + wait_s > 0 else None

    @property
    def _unsure(self) -> float:
        """By how much the speed may be higher than what came through: by one request, and more where few came."""
        return (1 + FEW / (max(0, self.all.came) + 1)) / self.all.seconds

    def _tell_apart(self, pooled: float, wait_s: float, speed: float) -> None:
        """Tell the speed from the store by the shortest and the longest cycle, where they differ enough."""
        short = min(self.past, key=lambda cycle: cycle.seconds)
        long = max(self.past, key=lambda cycle: cycle.seconds)
        came, seconds = long.came - short.came, long.seconds - short.seconds
        if came < FEW or seconds <= short.seconds / 2:
            self._settle(pooled, self._unsure, pooled * wait_s, is_measured=self.is_measured)
        elif abs(came / seconds - pooled) * seconds <= FEW:
            self._settle(pooled, self._unsure, pooled * wait_s, is_measured=True)
        else:  # something was lost: the store is smaller than what a wait brings in
            slope = came / seconds
            # While the pace was rising to the limit, more was lost; the limit was met not far below that pace.
            rate = slope if self.is_measured else max(slope, speed * NEAR)
            self.past = self.past if self.is_measured else (short,)
            self._settle(rate, 1 / seconds, short.came - slope * short.seconds, is_measured=True)

    def _settle(self, rate: float, unsure: float, store: float, *, is_measured: bool) -> None:
        self.rate, self.unsure, self.store, self.is_measured = rate, unsure, max(1.0, store), is_measured

    def _speed(self, cycle: Cycle | None = None) -> float:
        return min(FASTEST, self._wanted(cycle))

    def _wanted(self, cycle: Cycle | None) -> float:
        cycle = cycle or self.cycle
        sent = cycle.came if cycle else 0
        if self.rate is not None and self.is_measured:
            return (self.rate + self.unsure) * (1 + sent / STEADY + (sent / BOLD) ** 2)
        base = FIRST_SPEED if self.rate is None else self.rate
        doubled = float(2 ** min(20.0, sent / base))
        if self.rate is None:
            return base * doubled
        # So that two cycles differ in length, the later ones are begun more slowly.
        return base * (2 * doubled if not self.past else math.sqrt(doubled))

    def _fill(self, now: float) -> None:
        gained = self._speed() * (now - self.at) if now > self.at > -inf else 0.0
        most = max(1.0, self.store, self._speed() / 20)
        if self.cycle and now - self.at > IDLE_S:
            self.cycle.was_idle = True
        self.level = max(self.level, min(self.level + gained, most))
        self.at = max(self.at, now) if now > self.at - self.longest_s else now
