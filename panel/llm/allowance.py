"""Allowance: what the headers of a reply say about the limits of an account, whichever vendor wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Literal

Dimension = Literal["requests", "tokens", "input", "output"]
"""What a vendor counts: requests, tokens of either kind, or one kind alone."""

LEAST = 1.0
"""A limit below one a minute is none that a vendor has."""


@dataclass(frozen=True)
class Allowance:
    """How much of one limit is left."""

    limit: float
    """Most in a minute."""

    left: float
    """What may still be used now."""


def allowances(headers: Mapping[str, str]) -> dict[Dimension, Allowance]:
    """Return what is left of each limit that the headers tell; what can't be read was not said.

    Anthropic: `anthropic-ratelimit-requests-limit`, `-remaining`, and the same for `tokens`, `input-tokens`,
    `output-tokens`. OpenAI: `x-ratelimit-limit-requests`, `x-ratelimit-remaining-requests`, and the same for `tokens`.
    Both fill up evenly over a minute, so their times of reset add nothing.
    """
    told: dict[Dimension, Allowance] = {}
    for dimension, limit, left in _NAMES:
        most, rest = _number(headers.get(limit)), _number(headers.get(left))
        if most and most >= LEAST and rest is not None:
            told[dimension] = Allowance(most, min(rest, most))
    return told


def _names() -> tuple[tuple[Dimension, str, str], ...]:
    common: tuple[Dimension, ...] = ("requests", "tokens")
    single: tuple[Dimension, ...] = ("input", "output")
    begin = "anthropic-ratelimit"
    return (
        *((key, f"{begin}-{key}-limit", f"{begin}-{key}-remaining") for key in common),
        *((key, f"{begin}-{key}-tokens-limit", f"{begin}-{key}-tokens-remaining") for key in single),
        *((key, f"x-ratelimit-limit-{key}", f"x-ratelimit-remaining-{key}") for key in common),
    )


_NAMES = _names()


def _number(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) and value >= 0 else None
