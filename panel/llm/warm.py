"""Warm: a Model that lets one request go ahead, so that it writes the provider's prompt cache for the others."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from panel.llm.clock import REAL, Clock
from panel.llm.model import Model
from panel.request import Reply, Request

LIFE_S = 240.0
"""Seconds that a prefix is taken to be in the cache after it was last used: vendors keep it for five minutes."""


@dataclass(frozen=True)
class Warm:
    """A Model in which requests that share a prefix wait until one of them was answered; then they go at once.

    Where the one ahead fails, the next one goes ahead. What the cache has forgotten by then is warmed again.
    """

    inner: Model
    clock: Clock = REAL
    warm: OrderedDict[str, float] = field(default_factory=OrderedDict)
    """When each prefix was last used, the longest ago first."""

    ahead: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)
    """The lock of each prefix that somebody goes ahead with; it goes when nobody has or waits for it."""

    async def ask(self, request: Request) -> Reply:
        """Return the reply of the model inside."""
        prefix = request.prefix
        if not self._is_warm(prefix):
            async with self.ahead.setdefault(prefix, asyncio.Lock()):
                if not self._is_warm(prefix):
                    reply = await self.inner.ask(request)
                    self._use(prefix)
                    return reply
        self._use(prefix)
        return await self.inner.ask(request)

    def _is_warm(self, prefix: str) -> bool:
        return self.clock.now() - self.warm.get(prefix, float("-inf")) < LIFE_S

    def _use(self, prefix: str) -> None:
        now = self.clock.now()
        self.warm[prefix] = now
        self.warm.move_to_end(prefix)
        while now - next(iter(self.warm.values())) >= LIFE_S:
            self.warm.popitem(last=False)
