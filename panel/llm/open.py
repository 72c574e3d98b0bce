"""Opening models: which providers there are, and who has a key. A provider's SDK is imported when it is first asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Self

from panel.errors import SettingsError
from panel.llm.fake import Fake, stand_in
from panel.llm.manual import Manual
from panel.llm.model import Model
from panel.llm.retry import Gate, Notice, Policy, Retrying
from panel.llm.warm import Warm
from panel.request import ModelName, Request
from panel.settings import Settings

if TYPE_CHECKING:
    import httpx2

KEYS: Mapping[str, tuple[str, ...]] = {
    "anthropic": ("ANTHROPIC_API_KEY",),
    "openai": ("OPENAI_API_KEY",),
    "manual": (),
    "fake": (),
}
"""Each provider with the environment variables that hold its key; none needed where there are none."""

EXAMPLES: Mapping[str, str] = {"anthropic": "anthropic:claude-sonnet-5-5", "openai": "openai:gpt-6.1-sol"}
"""A model of each provider that sells them, for hints."""


def provider_of(model: str) -> str:
    """Return the provider of a model; raises SettingsError where there is no such provider or no name after it."""
    provider, name = ModelName.parse(model)
    if provider not in KEYS or not name:
        known = ", ".join(f"{each}:..." for each in KEYS)
        raise SettingsError(f"model '{model}': write provider:name, where the provider is one of {known}")
    return provider


def key_of(provider: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the key of a provider from the environment; "" where it needs none, None where it is missing.

    Raises SettingsError where it can be no key.
    """
    for name in KEYS[provider]:
        key = environ.get(name, "").strip()
        if not key.isascii() or not key.isprintable():
            raise SettingsError(f"{name}: holds a character that no key has; copy the key again")
        if key:
            return key
    return None if KEYS[provider] else ""


@dataclass
class Providers:
    """Opens models. Its client and gates are made when first needed, inside the loop, and shared by all seats."""

    settings: Settings
    sheet: Callable[[Request, str], str]
    notice: Notice = lambda request, attempt: None
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    http: httpx2.AsyncClient | None = None
    models: dict[str, Model] = field(default_factory=dict)
    warm: dict[str, Warm] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stack.aclose()

    def open(self, model: str) -> Model | None:
        """Return the model, or None where its provider has no key; raises SettingsError for an unknown provider."""
        provider = provider_of(model)
        key = key_of(provider)
        if key is None:
            return None
        if provider not in self.models:
            self.models[provider] = self._make(provider, key)
        return self.warm.setdefault(provider, Warm(self.models[provider]))

    def _make(self, provider: str, key: str) -> Model:
        if provider == "fake":
            return Fake(stand_in)
        if provider == "manual":
            return Manual(self.settings.runs, self.sheet)
        from panel.llm.live import connect, shared_client

        if self.http is None:
            self.http = shared_client(self.settings.timeout_s)
            self.stack.push_async_callback(self.http.aclose)
        retry = self.settings.retry
        policy = Policy(attempts=retry.attempts, cap_s=retry.cap_s, deadline_s=retry.deadline_s)
        return Retrying(connect(provider, key, self.http), Gate(), policy, notice=self.notice)
