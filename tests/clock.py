"""Clocks for tests: time passes by sleeping alone, and nothing waits."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from panel.llm.clock import Clock

Done = TypeVar("Done")


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


class _Skipping(selectors.DefaultSelector):
    """Waits for nothing: where all wait, it is at once as late as the first of them waits for."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if not found:
            assert timeout is not None, "everybody waits, and nobody will ever be woken"
            self.now += max(0.0, timeout)
        return found


def passing(main: Coroutine[Any, Any, Done]) -> Done:
    """Return what a coroutine returns, in a loop whose time passes only while all wait, and then at once.

    Raises AssertionError where everybody waits without end.
    """
    selector = _Skipping()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now  # type: ignore[method-assign]
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main)


def loop_clock() -> Clock:
    """Return the clock of the loop that runs; what is drawn is the middle."""
    loop = asyncio.get_running_loop()
    return Clock(now=loop.time, uniform=lambda low, high: (low + high) / 2)
