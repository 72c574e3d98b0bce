"""Ticker: a clock for the retry policy whose time passes by sleeping alone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from panel.llm.clock import Clock


@dataclass
class Ticker:
    """Time and chance under a test's control: nothing waits, and every wait is written down."""

    part: float = 0.5
    """Where in its bounds each wait is drawn: 0 the lowest, 1 the highest."""

    at: float = 0
    """What time it is, in seconds."""

    waits: list[float] = field(default_factory=list)
    """Every sleep that was asked for."""

    bounds: list[tuple[float, float]] = field(default_factory=list)
    """The bounds that waits were drawn between."""

    due: list[float] = field(default_factory=list)
    """When each sleeper wakes."""

    @property
    def clock(self) -> Clock:
        """The clock to hand to a Retrying and to its Gate."""
        return Clock(now=lambda: self.at, sleep=self.sleep, uniform=self.uniform)

    async def sleep(self, seconds: float) -> None:
        """Return when it is so much later; of several sleepers the first to be due moves the time."""
        self.waits.append(seconds)
        wakes = self.at + seconds
        self.due.append(wakes)
        while self.at < wakes:
            await asyncio.sleep(0)
            if wakes == min(self.due):
                self.at = max(self.at, wakes)
        self.due.remove(wakes)

    def uniform(self, low: float, high: float) -> float:
        """Return a number between the two, the same part of the way each time."""
        self.bounds.append((low, high))
        return low + self.part * (high - low)
