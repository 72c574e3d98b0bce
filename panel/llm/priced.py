"""Priced: a Model that writes into each reply what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from panel.llm.model import Model
from panel.money import Prices
from panel.request import Reply, Request, Usage


@dataclass(frozen=True)
class Priced:
    """A Model whose replies carry their cost, by the prices of the day they were given."""

    inner: Model
    prices: Prices
    is_free: bool = False

    async def ask(self, request: Request) -> Reply:
        """Return the reply with its cost in US dollars, or None there where the price is not known."""
        reply = await self.inner.ask(request)
        return reply.model_copy(update={"cost_usd": "0" if self.is_free else priced(self.prices, request, reply)})


def priced(prices: Prices, request: Request, reply: Reply) -> str | None:
    """Return what a reply cost in US dollars, by the prices of the day it was given; None where that is not known."""
    if reply.usage == Usage():
        return None  # a provider that does not tell what was used leaves the price unknown
    at = datetime.fromisoformat(reply.recorded_at)
    return prices.cost(request.model, reply.usage, at, is_batched=reply.batch is not None)
