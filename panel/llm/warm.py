"""Warm: a Model that lets one request go ahead, so that it writes the provider's prompt cache for the others."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

from panel.llm.model import Model
from panel.request import Reply, Request


@dataclass(frozen=True)
class Warm:
    """A Model in which requests that share a prefix wait until one of them was answered; then they go at once.

    Where the one ahead fails, the next one goes ahead.
    """

    inner: Model
    written: set[str] = field(default_factory=set)
    ahead: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def ask(self, request: Request) -> Reply:
        """Return the reply of the model inside."""
        prefix = request.prefix
        if prefix not in self.written:
            async with self.ahead[prefix]:
                if prefix not in self.written:
                    reply = await self.inner.ask(request)
                    self.written.add(prefix)
                    return reply
        return await self.inner.ask(request)
