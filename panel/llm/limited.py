"""Limited: a Model that is asked a few things at a time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from panel.llm.model import Model
from panel.request import Reply, Request


@dataclass(frozen=True)
class Limited:
    """A Model that answers so many requests at once; the others wait, and their time-out does not run."""

    inner: Model
    places: asyncio.Semaphore

    async def ask(self, request: Request) -> Reply:
        """Return the reply of the model inside."""
        async with self.places:
            return await self.inner.ask(request)
