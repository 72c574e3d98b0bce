"""Money: what a reply cost, from the vendors' price lists of its day."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from genai_prices import Usage as PricedUsage
from genai_prices import calc_price

from panel.request import ModelName, Usage


def cost(model: str, usage: Usage, at: datetime) -> str | None:
    """Return the cost of one reply in US dollars, as a decimal string.

    `model` is `provider:name`; `at` picks the price of that day. None where no price is known: never zero for it.
    Source of prices: the genai-prices data set in the installed version.
    """
    provider, name = ModelName.parse(model)
    tokens = PricedUsage(
        input_tokens=usage.input + usage.cache_read + usage.cache_write,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write,
        output_tokens=usage.output,
    )
    try:
        price = calc_price(tokens, model_ref=name, provider_id=provider, genai_request_timestamp=at)
    except (LookupError, ValueError):
        return None
    return plain(price.total_price)


def plain(amount: Decimal) -> str:
    """Return an amount without exponent and without trailing zeros: `0.0123`, `0`, `12`."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
