"""Timed: a Model that answers within a time or not at all."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from panel.errors import Transient
from panel.llm.model import Model
from panel.request import Reply, Request


@dataclass(frozen=True)
class Timed:
    """A Model whose calls end after so many seconds; an HTTP time-out alone bounds each read, not the whole."""

    inner: Model
    seconds: float

    async def ask(self, request: Request) -> Reply:
        """Return the reply; raises Transient where it does not come in time."""
        try:
            async with asyncio.timeout(self.seconds):
                return await self.inner.ask(request)
        except TimeoutError as error:
            raise Transient("the provider did not answer in time", may_be_charged=True) from error
