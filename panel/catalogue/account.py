"""Account: what the replies of a ledger cost, by tool, seat, model and take, and what was saved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from panel.catalogue.tally import saved_by_cache
from panel.files import Json
from panel.llm.recording import Recording
from panel.money import BATCHED, Prices, plain

By = Literal["model", "seat", "tool", "take", "day"]
PLACES: tuple[By, ...] = ("model", "seat", "tool", "take", "day")


@dataclass
class Sum:
    """What some replies came to."""

    replies: int = 0
    repairs: int = 0
    """How many of them mend an earlier one."""

    unpriced: int = 0
    """How many have no known price."""

    input: int = 0
    """Tokens of prompts at the full rate."""

    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    cost: Decimal = Decimal(0)
    """US dollars, without those of unknown price."""

    by_cache: Decimal = Decimal(0)
    """US dollars that the vendors' caches saved."""

    by_batch: Decimal = Decimal(0)
    """US dollars that batches saved."""

    def add(self, one: Recording, prices: Prices) -> None:
        """Add a reply."""
        reply, usage = one.reply, one.reply.usage
        self.replies += 1
        self.repairs += one.request.is_repair
        self.input += usage.input
        self.cache_read += usage.cache_read
        self.cache_write += usage.cache_write
        self.output += usage.output
        if reply.cost_usd is None:
            self.unpriced += 1
            return
        cost = Decimal(reply.cost_usd)
        self.cost += cost
        if reply.batch:
            self.by_batch += cost / BATCHED - cost
        else:
            self.by_cache += saved_by_cache(one.request.model, usage, reply.recorded_at, prices)

    def as_json(self) -> Json:
        """Return the sum as data, dollars as decimal strings."""
        return {
            "replies": self.replies,
            "repairs": self.repairs,
            "of_unknown_price": self.unpriced,
            "tokens": {
                "input": self.input,
                "cache_read": self.cache_read,
                "cache_write": self.cache_write,
                "output": self.output,
            },
            "cost_usd": plain(self.cost),
            "saved_by_cache_usd": plain(self.by_cache),
            "saved_by_batch_usd": plain(self.by_batch),
        }


@dataclass
class Account:
    """The sums of a ledger: over all of it, and by one property of the replies."""

    by: By
    whole: Sum = field(default_factory=Sum)
    parts: dict[str, Sum] = field(default_factory=dict)

    def add(self, recordings: Iterable[Recording], prices: Prices) -> None:
        """Add recordings, one at a time."""
        for one in recordings:
            self.whole.add(one, prices)
            self.parts.setdefault(_part(one, self.by), Sum()).add(one, prices)

    def ordered(self) -> Iterator[tuple[str, Sum]]:
        """Yield the parts, the dearest first; days in their order."""
        order = sorted(self.parts) if self.by == "day" else sorted(self.parts, key=lambda name: -self.parts[name].cost)
        return ((name, self.parts[name]) for name in order)

    def as_json(self) -> Json:
        """Return all sums as data."""
        return {"whole": self.whole.as_json(), self.by: {name: part.as_json() for name, part in self.ordered()}}


def _part(one: Recording, by: By) -> str:
    """Return the part that a recording belongs to."""
    match by:
        case "model":
            return one.request.model
        case "seat":
            return one.label.persona
        case "tool":
            return one.label.tool
        case "take":
            sample = f" {one.request.sample}" if one.request.sample > 1 else ""
            return f"{one.label.tool}: {one.label.persona}{sample}"
        case "day":
            return one.reply.recorded_at[:10]
