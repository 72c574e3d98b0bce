"""Pace: how fast requests may go out. Pure: every method is told what time it is, in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

FIRST_SPEED = 200.0
"""Requests a second at which an unknown limit is tried; it doubles every second that nothing is refused."""

FASTEST = 10_000.0
"""Requests a second beyond which nothing is paced."""

STORE_S, FIRST_STORE_S = 2.0, 0.05
"""So many seconds' worth may go out at once after a wait; less where the speed is not known."""

SHORTEST_S = 0.001
"""No wait is shorter: a clock need not show anything finer."""

FEWEST = 10
"""So many requests are not paced at all, and have to come through before a refusal says anything about the speed."""

STEADY, BOLD = 40_000, 2_000
"""After n requests without a refusal the pace is higher by `n / STEADY + (n / BOLD)**2`: one in some 190 is refused."""


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


@dataclass(frozen=True)
class Mark:
    """A moment, and how many requests had come through by then."""

    at: float
    accepted: int

    def speed(self, now: float, accepted: int) -> float | None:
        """Return how many have come through in a second since; None where it is too early to tell."""
        seconds, came = now - self.at, accepted - self.accepted
        return came / seconds if seconds > 0 and came > 0 else None

    def less_one(self) -> Mark:
        """Return the mark with one request less: it was refused after all."""
        return Mark(self.at, self.accepted - 1)


@dataclass
class Pace:
    """A limit that nobody names, learned from what is refused.

    At a refusal the other side has nothing left. So what came through between two of them, over the time between them,
    is the speed that it allows; the further apart they are, the better that is known. The pace then rises slowly until
    the next refusal, so that a limit that was raised is found.
    """

    rate: float | None = None
    """Requests a second; None until refusals have told it."""

    level: float = FEWEST
    """Requests that may go out at once, at the time `at`."""

    at: float = -inf
    began: float | None = None
    """When the first request went out."""

    opens_at: float = -inf
    """When requests may go out again after a refusal."""

    longest_s: float = 0
    """The longest that they were ever held back."""

    sent: int = 0
    """Requests since the last refusal."""

    accepted: int = 0
    """Requests that came through, as far as is known."""

    empty: Mark | None = None
    """A refusal from which the speed is measured."""

    last: Mark | None = None
    """The last refusal."""

    def due(self, now: float) -> float:
        """Return the seconds until the next request may go out."""
        if held := self.held(now):
            return held
        self._fill(now)
        if self.level >= 1 or self._speed(now) >= FASTEST:
            return 0.0
        return max(SHORTEST_S, (1 - self.level) / self._speed(now))

    def held(self, now: float) -> float:
        """Return the seconds for which everybody is held back."""
        self.opens_at = min(self.opens_at, now + self.longest_s)  # later only where the clock was set back
        return max(0.0, self.opens_at - now)

    def hold(self, now: float, seconds: float) -> None:
        """Let nobody out for so many seconds."""
        self.longest_s = max(self.longest_s, seconds)
        self.opens_at = max(self.opens_at, now + seconds)

    def go(self, now: float) -> None:
        """Note that a request goes out."""
        self.began = now if self.began is None else self.began
        self._fill(now)
        self.level -= 1
        self.sent += 1
        self.accepted += 1

    def refused(self, now: float, sent_at: float, wait_s: float) -> None:
        """Note that a request which went out at `sent_at` was refused, and that a wait of so many seconds was asked."""
        self.accepted -= 1
        if self.last and sent_at <= self.last.at:  # it was under way at the last refusal, and says nothing new
            self.last, self.empty = self.last.less_one(), self.empty and self.empty.less_one()
        else:
            self._learn(now)
            self.last, self.sent = Mark(now, self.accepted), 0
        # One may go when the wait is over; of what the wait brings in beside it, one is left as a margin.
        self.level, self.at = max(-1.0, 1 - (self.rate or 0) * wait_s), now
        self.hold(now, wait_s)

    def _learn(self, now: float) -> None:
        if self.empty is None or self.last is None:
            self._guess(now)
            self.empty = Mark(now, self.accepted)
            return
        lately, overall = self.last.speed(now, self.accepted), self.empty.speed(now, self.accepted)
        if lately is None or overall is None:
            return
        came, expected = self.accepted - self.last.accepted, overall * (now - self.last.at)
        if abs(came - expected) > 2 + came / 5:  # the limit is another one than it was
            self.empty, overall = self.last, lately
        self.rate = overall

    def _guess(self, now: float) -> None:
        """Take what came through so far for the speed: too much, since the other side had something in store."""
        if self.began is not None and self.accepted >= FEWEST and now > self.began:
            self.rate = self.accepted / (now - self.began)

    def _speed(self, now: float) -> float:
        if self.rate is not None:
            return self.rate * (1 + self.sent / STEADY + (self.sent / BOLD) ** 2)
        began = now if self.began is None else max(self.began, self.opens_at)
        return float(FIRST_SPEED * 2 ** min(20.0, max(0.0, now - began)))

    def _fill(self, now: float) -> None:
        speed = self._speed(now)
        gained = speed * (now - self.at) if now > self.at > -inf else 0.0
        most = max(1.0, speed * STORE_S) if self.rate is not None else max(FEWEST, speed * FIRST_STORE_S)
        self.level = max(self.level, min(self.level + gained, most))
        self.at = now
