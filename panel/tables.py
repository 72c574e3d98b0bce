"""Tables: the parts of panel.toml that are tables of their own."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field, StringConstraints

from panel.record import Record


class RetrySettings(Record):
    """How long a fault that passes by itself is waited for."""

    attempts: int = Field(default=5, ge=1, le=20)
    """Most tries of one request."""

    cap_s: float = Field(default=60, ge=0, le=3_600)
    """A provider that asks for a longer wait, in seconds, is given up on."""

    deadline_s: float = Field(default=600, gt=0, le=86_400)
    """Seconds after which one request is given up on, waits included."""


_ADDRESS = r"^https?://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?$"
"""A host in lower case, perhaps a port and folders; no password, no query, nothing that leads upwards."""


class SiteSettings(Record):
    """The site that `panel publish` makes."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True)] = "Panel"
    """What the site is called."""

    url: Annotated[str, StringConstraints(pattern=_ADDRESS, max_length=400)] | None = None
    """Where it will stand; without it there are no feeds, no sitemap and no cards, which need whole addresses."""

    @property
    def base(self) -> str:
        """The address of the root, with a slash at its end; empty where it is not set."""
        return f"{self.url.rstrip('/')}/" if self.url else ""


class LimitSettings(Record):
    """What may be asked of one model, or of every model of one provider; what is left out is learned."""

    rpm: int | None = Field(default=None, ge=1, le=10_000_000)
    """Requests a minute."""

    tpm: int | None = Field(default=None, ge=1, le=10_000_000_000)
    """Tokens a minute, of prompts and replies together."""

    concurrency: int | None = Field(default=None, ge=1, le=10_000)
    """Requests under way at once."""


class PriceSettings(Record):
    """What a model costs, in US dollars for a million tokens."""

    input: Decimal = Field(ge=0, le=1_000_000)
    """Prompt tokens at the full rate."""

    output: Decimal = Field(ge=0, le=1_000_000)
    """Tokens of replies, thinking included."""

    cache_read: Decimal | None = Field(default=None, ge=0, le=1_000_000)
    """Prompt tokens read from the provider's cache; as `input` where it is left out."""

    cache_write: Decimal | None = Field(default=None, ge=0, le=1_000_000)
    """Prompt tokens written to the provider's cache; as `input` where it is left out."""


UNLIMITED = LimitSettings()
DEFAULT_RETRY = RetrySettings()
DEFAULT_SITE = SiteSettings()
FIELDS = {
    "retry": list(RetrySettings.model_fields),
    "site": list(SiteSettings.model_fields),
    "limits": list(LimitSettings.model_fields),
    "prices": list(PriceSettings.model_fields),
}
"""The keys of each table whose keys are fixed, or of each of its own tables."""

_MODEL_HINT = "write provider:name, such as anthropic:claude-sonnet-5-5, openai:gpt-6.1-sol or manual:chat"
_HINTS = {
    "site": "write a name, and an address in ASCII and lower case, without a password, such as https://panel.example",
    "model": _MODEL_HINT,
    "models": _MODEL_HINT,
    "fallbacks": f"write a list of models; {_MODEL_HINT}",
    "limits": 'write a table a model: [limits."anthropic:claude-sonnet-5-5"], with rpm, tpm or concurrency',
    "prices": 'write a table a model: [prices."lab:llama"], with dollars for a million tokens: input, output',
    "samples": 'write a number from 1 to 9, or "auto"',
    "mode": "write live, replay, fresh or auto",
}


def hint(key: str, fault: str) -> str | None:
    """Return what to write for a setting that can't be used, where that is not plain from the fault."""
    if key == "servers" and fault == "string_pattern_mismatch":
        return 'write a name in lower case and an address without a password: lab = "http://127.0.0.1:9000/v1"'
    return _HINTS.get(key)
