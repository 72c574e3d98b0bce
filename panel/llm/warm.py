"""Warm: a Model that lets the first request go ahead, so that it writes the provider's prompt cache for the others."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from panel.llm.model import Model
from panel.request import Reply, Request


@dataclass
class Warm:
    """A Model for the seats of one review: all but the first request wait until that one is answered or has failed."""

    inner: Model
    ahead: bool = False
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, request: Request) -> Reply:
        """Return the reply of the model inside."""
        if self.ahead:
            await self.answered.wait()
            return await self.inner.ask(request)
        self.ahead = True
        try:
            return await self.inner.ask(request)
        finally:
            self.answered.set()
