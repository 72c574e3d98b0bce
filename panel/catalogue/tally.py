"""Tally: what a run over many tools has come to so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from panel.money import Prices
from panel.pipeline import Reviewed
from panel.request import Usage
from panel.review import Ask

MOST_TROUBLES = 10_000
"""So many reasons are kept; of further ones only their number."""


@dataclass(frozen=True)
class Trouble:
    """Something that did not come out."""

    where: str
    """The dossier, or the slug and the persona."""

    what: str


@dataclass
class Tally:
    """Counts of one run; it does not grow with the number of tools, but for what went wrong."""

    total: int = 0
    """Tools that are to be looked at."""

    labels: Counter[str] = field(default_factory=Counter)
    """How many tools have each verdict, those of which nothing changed included."""

    unchanged: int = 0
    reviewed: int = 0
    takes: int = 0
    """Seats that were heard, among the tools that were reviewed."""

    asked: int = 0
    """Requests that were answered now."""

    kept: int = 0
    """Replies that came from the ledger."""

    retries: int = 0
    paid: Decimal = Decimal(0)
    unpriced: int = 0
    """Replies of this run whose price is not known."""

    saved_by_ledger: Decimal = Decimal(0)
    """What the replies from the ledger cost when they were asked for."""

    saved_by_cache: Decimal = Decimal(0)
    """What the replies of this run would have cost more without the vendors' caches."""

    input_faults: list[Trouble] = field(default_factory=list)
    """Dossiers that can't be read or reviewed."""

    absent: list[Trouble] = field(default_factory=list)
    """Seats that a provider let down."""

    unnamed: int = 0
    """Troubles beyond those that are kept."""

    stopped: str | None = None
    """Why the run stopped before its end."""

    @property
    def done(self) -> int:
        """Tools that are finished, one way or another."""
        return self.unchanged + self.reviewed + len(self.input_faults)

    def count(self, done: Reviewed, prices: Prices) -> None:
        """Count the review of one tool."""
        self.reviewed += 1
        self.labels[done.review.verdict.label] += 1
        self.takes += sum(seat.take is not None for seat in done.review.seats)
        asks = [ask for seat in done.review.seats for ask in seat.asks]
        now = frozenset(done.asked)
        self._count_asks([ask for ask in asks if ask.request in now], prices)
        self.saved_by_ledger += sum((Decimal(ask.cost_usd or 0) for ask in asks if ask.request not in now), Decimal(0))
        self.kept += sum(ask.request not in now for ask in asks)
        slug = done.review.tool.slug
        for seat in done.review.seats:
            if seat.is_let_down:
                self.miss(self.absent, Trouble(f"{slug}: {seat.persona}", f"{seat.absence}: {seat.reason}"))
        for note in done.notes:
            if note.kind == "failed":
                self.miss(self.absent, Trouble(f"{slug}: {note.persona}", note.text))

    def miss(self, troubles: list[Trouble], trouble: Trouble) -> None:
        """Note something that did not come out."""
        if len(troubles) < MOST_TROUBLES:
            troubles.append(trouble)
        else:
            self.unnamed += 1

    def _count_asks(self, asks: Sequence[Ask], prices: Prices) -> None:
        self.asked += len(asks)
        for ask in asks:
            if ask.cost_usd is None:
                self.unpriced += 1
                continue
            self.paid += Decimal(ask.cost_usd)
            self.saved_by_cache += saved_by_cache(ask.asked, ask.usage, ask.recorded_at, prices)


def saved_by_cache(model: str, usage: Usage, recorded_at: str, prices: Prices) -> Decimal:
    """Return what a reply would have cost more without the vendor's cache, in US dollars; below zero where less."""
    if not (usage.cache_read or usage.cache_write):
        return Decimal(0)
    at = datetime.fromisoformat(recorded_at)
    whole = Usage(input=usage.input + usage.cache_read + usage.cache_write, output=usage.output)
    without, with_cache = prices.cost(model, whole, at), prices.cost(model, usage, at)
    return Decimal(without) - Decimal(with_cache) if without is not None and with_cache is not None else Decimal(0)
