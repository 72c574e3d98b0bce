"""Opening models: who has a key, and what stands around each. A provider's SDK is imported when it is first asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self

from panel.errors import SettingsError
from panel.llm.fake import Fake, stand_in
from panel.llm.fallback import Fallback
from panel.llm.limit import Limit
from panel.llm.manual import Manual
from panel.llm.model import Model
from panel.llm.retry import Notice, Retrying
from panel.llm.warm import Warm
from panel.money import Prices
from panel.prompt import Prompts, chat_sheet
from panel.provider import Provider
from panel.settings import Settings

if TYPE_CHECKING:
    import httpx2


def key_of(provider: Provider, environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the key of a provider, empty where it needs none, or None where it needs one and there is none.

    Raises SettingsError for a key that no header can carry, or that would travel in the open.
    """
    key = environ.get(provider.key or "", "").strip()
    if not key.isascii() or not key.isprintable():
        raise SettingsError(f"{provider.key}: holds a character that no key has; copy the key again")
    if key and provider.url and provider.url.startswith("http:") and not provider.is_here:
        raise SettingsError(f"{provider.key}: would go to {provider.url} in the open; use https, or unset it")
    return key or (None if provider.needs_key else "")


@dataclass
class Providers:
    """Opens models. Its client and limits are made when first needed, inside the loop, and shared by all seats."""

    settings: Settings
    prompts: Prompts
    notice: Notice = lambda request, attempt: None
    around: Callable[[Model], Model] = lambda model: model
    """Puts something around each model that is paid for, such as a budget; it meets every single call."""

    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    http: httpx2.AsyncClient | None = None
    models: dict[str, Model] = field(default_factory=dict)
    """What speaks to each provider, by its name."""

    limits: dict[str, Limit] = field(default_factory=dict)
    """What each model lets through."""

    opened: dict[str, Model] = field(default_factory=dict)
    """Each model with all that stands around it."""

    @property
    def has_line(self) -> bool:
        """True where requests wait for their turn at some model."""
        return any(limit.line for limit in self.limits.values())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stack.aclose()

    def open(self, model: str) -> Model | None:
        """Return the model, its fallbacks behind it, or None where its provider has no key.

        Raises SettingsError for an unknown provider.
        """
        first, provider = self._opened(model), self.settings.provider(model)
        if first is None or not provider.has_model:
            return first
        others = {name: opened for name in self.settings.fallbacks if (opened := self._opened(name))}
        others.pop(model, None)
        return Fallback(first, others, self.notice) if others else first

    def _opened(self, model: str) -> Model | None:
        provider = self.settings.provider(model)
        key = key_of(provider)
        if key is None:
            return None
        if model not in self.opened:
            self.opened[model] = Warm(self._make(model, provider, key))
        return self.opened[model]

    def _make(self, name: str, provider: Provider, key: str) -> Model:
        if provider.name not in self.models:
            self.models[provider.name] = self._speaking(provider, key)
        model = self.models[provider.name]
        if not provider.has_model:
            return model
        limit = self.limits.setdefault(name, Limit(fixed=self.settings.limit(name)))
        return Retrying(self.around(model), limit, self.settings.retry, notice=self.notice)

    def _speaking(self, provider: Provider, key: str) -> Model:
        if provider.speaks == "nothing":
            return Fake(stand_in)
        if provider.speaks == "sheets":
            return Manual(self.settings.runs, partial(chat_sheet, self.prompts))
        from panel.llm.live import Line, connect, shared_client

        if self.http is None:
            self.http = shared_client(self.settings.timeout_s)
            self.stack.push_async_callback(self.http.aclose)
        return connect(provider, key, Line(self.http, self.prompts.form, Prices(self.settings.prices), self._heard))

    def _heard(self, model: str, headers: Mapping[str, str]) -> None:
        if limit := self.limits.get(model):
            limit.heard(headers)
