"""Clock: time and chance, so that tests need neither."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """What time it is, how to wait, and how to draw a number."""

    now: Callable[[], float] = time.monotonic
    """Seconds since some moment."""

    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    uniform: Callable[[float, float], float] = random.uniform


REAL = Clock()
"""The time of this machine."""
