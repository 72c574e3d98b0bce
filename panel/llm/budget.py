"""Budget: what a run may cost. A call is made only where the dearest that it could become still fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from panel.errors import ModelError, OverBudget
from panel.llm.model import Model
from panel.request import Reply, Request

Bound = Callable[[Request], Decimal | None]
"""The most that one call can cost in US dollars; None where the price is not known."""


@dataclass
class Budget:
    """So many US dollars, for all calls of a run."""

    most: Decimal
    bound: Bound
    spent: Decimal = Decimal(0)
    """What replies cost, and the bound of every call of which nobody knows whether it was charged for."""

    reserved: Decimal = field(default=Decimal(0))
    """The bounds of the calls under way."""

    is_over: bool = False
    """True where a call was not made because of it."""

    def reserve(self, request: Request) -> Decimal:
        """Return the bound of a call, set aside; raises OverBudget where it does not fit any more."""
        bound = self.bound(request)
        left = self.most - self.spent - self.reserved
        if bound is None or bound > left or self.is_over:
            self.is_over = True
            needs = "has no known price" if bound is None else f"could cost ${bound:f}"
            raise OverBudget(
                f"the next call {needs}, and ${max(left, Decimal(0)):f} of the budget of ${self.most:f} is left"
            )
        self.reserved += bound
        return bound


@dataclass(frozen=True)
class Budgeted:
    """A Model whose calls a budget pays for."""

    inner: Model
    budget: Budget

    async def ask(self, request: Request) -> Reply:
        """Return the reply; raises OverBudget before a call that could cost more than is left."""
        bound = self.budget.reserve(request)
        spent = Decimal(0)
        try:
            reply = await self.inner.ask(request)
            spent = bound if reply.cost_usd is None else Decimal(reply.cost_usd)
        except ModelError as fault:
            spent = bound if fault.may_be_charged else spent
            raise
        except BaseException as error:
            spent = bound if not isinstance(error, Exception) else spent  # called away while it was under way
            raise
        finally:
            self.budget.reserved -= bound
            self.budget.spent += spent
        return reply
