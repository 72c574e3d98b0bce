"""Server: one that lets so many requests through, in virtual time, before the pace of one model."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from math import ceil

from panel.llm.pace import Pace, Sent


@dataclass
class Server:
    """A bucket of requests that refuses with Retry-After what it has no room for."""

    rate: float
    """Requests a second."""

    burst: float
    latency_s: float = 0.2
    in_whole_seconds: bool = True
    """True where Retry-After is written as vendors write it."""

    level: float = 0
    at: float = 0

    def __post_init__(self) -> None:
        self.level = self.burst

    def refuses(self, now: float) -> float | None:
        """Return None and let a request through, or the wait that it asks for."""
        self.level, self.at = min(self.burst, self.level + self.rate * (now - self.at)), now
        if self.level >= 1:
            self.level -= 1
            return None
        wait = (1 - self.level) / self.rate
        return ceil(wait) if self.in_whole_seconds else wait


@dataclass(frozen=True)
class Run:
    """How a run went."""

    seconds: float
    """When the last reply came."""

    refused: int


def run(
    server: Server, requests: int, delay_s: float = 0.002, width: int = 512, pace: Pace | None = None, begin: float = 0
) -> Run:
    """Ask so many requests as fast as the pace allows; each refusal is heard after the delay and asked again."""
    pace, now, waiting, done, refused, under_way = pace or Pace(), begin, requests, 0.0, 0, 0
    events: list[tuple[float, int, Sent, float | None]] = []  # when it is heard, its number, what was sent, the wait
    number = 0
    while waiting or events:
        if waiting and under_way < width and pace.due(now) <= 0:
            sent = pace.go(now)
            waiting, under_way, number = waiting - 1, under_way + 1, number + 1
            wait = server.refuses(now + delay_s / 2)
            heard = now + delay_s + (server.latency_s if wait is None else 0)
            heapq.heappush(events, (heard, number, sent, wait))
            continue
        due = now + pace.due(now) if waiting and under_way < width else float("inf")
        if events and events[0][0] <= due:
            now, _, sent, wait = heapq.heappop(events)
            under_way -= 1
            if wait is None:
                done = now
            else:
                pace.refused(now, sent, wait)
                waiting, refused = waiting + 1, refused + 1
        else:
            now = due
    return Run(done, refused)
