"""The desk of batches: a project, the vendors that have batches, and somebody who is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from panel.batch.manifest import Folder
from panel.errors import InputError, SettingsError
from panel.llm.batches import Batches
from panel.llm.clock import REAL, Clock
from panel.llm.open import key_of
from panel.llm.retry import patient
from panel.project import Project
from panel.provider import Provider

if TYPE_CHECKING:
    import httpx2

Done = TypeVar("Done")


@dataclass
class Desk:
    """Opens the batches of models; its HTTP client is made when first needed, inside the loop."""

    project: Project
    tell: Callable[[str], None]
    """Told, a line at a time, what happens."""

    clock: Clock = REAL
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    http: httpx2.AsyncClient | None = None
    opened: dict[str, Batches] = field(default_factory=dict)
    """The batches of each provider."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stack.aclose()

    @cached_property
    def folder(self) -> Folder:
        """Where the manifests are."""
        return Folder(self.project.settings.runs)

    def refuse_mode(self) -> None:
        """Raise SettingsError in modes that batches can't serve."""
        settings = self.project.settings
        if settings.mode == "fresh":
            problem = "a batch asks what is missing, and fresh asks anew; use panel review or panel retake"
            raise SettingsError(f"{settings.place('mode')}: fresh: {problem}")
        if settings.mode == "replay":
            raise SettingsError(f"{settings.place('mode')}: replay: nobody may be asked; leave it out")

    def batches(self, model: str) -> Batches:
        """Return the batches that a model is asked in.

        Raises InputError where its provider has none, SettingsError where there is no key for it.
        """
        provider = self.project.settings.provider(model)
        if provider.speaks not in ("messages", "responses"):
            problem = f"{provider.name} has no batches; name a model of Anthropic or OpenAI, or ask it without a batch"
            raise InputError(f"model '{model}': {problem}")
        key = key_of(provider)
        if key is None:
            raise SettingsError(f"a batch of {model} needs {provider.key}; set it and run this again")
        if provider.name not in self.opened:
            self.opened[provider.name] = self._open(provider, key)
        return self.opened[provider.name]

    async def patiently(self, act: Callable[[], Awaitable[Done]]) -> Done:
        """Return what `act` returns, after waiting for faults that pass; raises GaveUp where they don't."""
        return await patient(act, self.project.settings.retry, self.clock)

    def _open(self, provider: Provider, key: str) -> Batches:
        from panel.llm.live import shared_client

        if self.http is None:
            self.http = shared_client(self.project.settings.timeout_s)
            self.stack.push_async_callback(self.http.aclose)
        return connect_batches(provider, key, self.http)


def connect_batches(provider: Provider, key: str, http: httpx2.AsyncClient) -> Batches:
    """Return the batches of a provider; imports that provider's SDK and no other."""
    from panel.llm.keys import scrub_logs

    made: Batches
    if provider.speaks == "messages":
        from anthropic import AsyncAnthropic

        from panel.llm.anthropic_batches import AnthropicBatches

        made = AnthropicBatches(AsyncAnthropic(api_key=key, http_client=http, max_retries=0, timeout=http.timeout))
    else:
        from openai import AsyncOpenAI

        from panel.llm.openai_batches import OpenAIBatches

        made = OpenAIBatches(AsyncOpenAI(api_key=key, http_client=http, max_retries=0, timeout=http.timeout))
    scrub_logs()  # once the SDK is imported, since that is when it begins to log
    return made
