"""Money: what a reply cost, from the vendors' price lists of its day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from genai_prices import Usage as PricedUsage
from genai_prices import calc_price

from panel.request import ModelName, Usage
from panel.tables import PriceSettings

BATCHED = Decimal("0.5")
"""What vendors ask for a reply that comes in a batch, as a part of its price: both say half, of all tokens."""

MILLION = 1_000_000


@dataclass(frozen=True)
class Prices:
    """What models cost: what panel.toml says of them, else the price list of their vendor."""

    own: Mapping[str, PriceSettings] = field(default_factory=dict)

    def cost(self, model: str, usage: Usage, at: datetime, *, is_batched: bool = False) -> str | None:
        """Return the cost of one reply in US dollars, as a decimal string.

        `model` is `provider:name`; `at` picks the price of that day. None where no price is known: never zero for it.
        Source of prices: the genai-prices data set in the installed version.
        """
        provider = ModelName.parse(model).provider
        own = self.own.get(model) or self.own.get(provider)
        total = _by_settings(own, usage) if own else _listed(model, usage, at)
        return None if total is None else plain(total * BATCHED if is_batched else total)


LISTED = Prices()
"""What models cost where nobody says otherwise."""


def _by_settings(price: PriceSettings, usage: Usage) -> Decimal:
    read = price.input if price.cache_read is None else price.cache_read
    write = price.input if price.cache_write is None else price.cache_write
    parts = (usage.input * price.input, usage.cache_read * read, usage.cache_write * write, usage.output * price.output)
    return sum(parts, Decimal(0)) / MILLION


def _listed(model: str, usage: Usage, at: datetime) -> Decimal | None:
    provider, name = ModelName.parse(model)
    tokens = PricedUsage(
        input_tokens=usage.input + usage.cache_read + usage.cache_write,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write,
        output_tokens=usage.output,
    )
    try:
        return calc_price(tokens, model_ref=name, provider_id=provider, genai_request_timestamp=at).total_price
    except (LookupError, ValueError):
        return None


def plain(amount: Decimal) -> str:
    """Return an amount without exponent and without trailing zeros: `0.0123`, `0`, `12`."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
