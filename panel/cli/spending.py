"""Spending: what `--budget` allows, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import partial

from panel.errors import InputError, OverBudget
from panel.estimate import bound
from panel.llm.budget import Budget, Budgeted
from panel.llm.model import Model
from panel.project import Project

LARGEST = 1_000_000_000
"""US dollars beyond which an amount is a slip of the hand."""


@dataclass(frozen=True)
class Spending:
    """The budget of a run, where it has one."""

    budget: Budget | None

    @classmethod
    def of(cls, project: Project, amount: str | None) -> Spending:
        """Return what an option allows; raises InputError where it is no amount of dollars."""
        if amount is None:
            return cls(None)
        try:
            most = Decimal(amount.removeprefix("$"))
        except InvalidOperation:
            most = Decimal("NaN")
        if not most.is_finite() or not 0 <= most <= LARGEST:
            raise InputError(f"--budget {amount[:40]!r}: write US dollars, such as 5.00")
        return cls(Budget(most, partial(bound, project, at=datetime.now(UTC))))

    @property
    def around(self) -> Callable[[Model], Model]:
        """Puts the budget around a model."""
        budget = self.budget
        return (lambda model: Budgeted(model, budget)) if budget else (lambda model: model)

    def refuse(self, most: Decimal | None, *, is_free: bool) -> None:
        """Raise OverBudget where a run could cost more than the budget, or nobody knows how much."""
        if self.budget is None or is_free:
            return
        advice = "nothing was asked; allow more, lower max_tokens in panel.toml, or name fewer tools"
        if most is None:
            raise OverBudget(
                f"the price of a model is not known, so the budget of ${self.budget.most:f} can't be kept; "
                "nothing was asked; set its price under [prices] in panel.toml"
            )
        if most > self.budget.most:
            raise OverBudget(f"this could cost ${most:.2f}, above the budget of ${self.budget.most:f}; {advice}")

    def told(self) -> str:
        """Return what became of the budget, in words."""
        assert self.budget
        spent = f"${self.budget.spent:.4f} of the budget of ${self.budget.most:f} is spent at most"
        over = self.budget.spent - self.budget.most
        return f"{spent}, ${over:.4f} above it by calls that were under way" if over > 0 else spent
