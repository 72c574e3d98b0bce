"""Live connections: models that are asked over the network and paid for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import httpx2

from panel.llm.faults import Hear
from panel.llm.keys import scrub_logs
from panel.llm.model import Model
from panel.llm.priced import Priced
from panel.llm.timed import Timed
from panel.money import LISTED, Prices
from panel.provider import Provider
from panel.request import Request

Form = Callable[[Request], str]
"""Renders the form of the reply, for servers that may not hold a model to it."""


MOST_KEPT = 512
"""Connections that are kept for the next request; how many there are at once is for the limits to say."""

HERE = ("127.0.0.1", "localhost", "[::1]")
"""Hosts that no proxy of the environment gets to see."""


def shared_client(timeout_s: float) -> httpx2.AsyncClient:
    """Return the HTTP client that all providers share; `timeout_s` bounds each read of a reply."""
    return httpx2.AsyncClient(
        timeout=httpx2.Timeout(timeout_s, connect=min(10, timeout_s)),
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=MOST_KEPT),
        follow_redirects=False,
        mounts={f"all://{host}": None for host in HERE},
    )


@dataclass(frozen=True)
class Line:
    """What all providers share: the HTTP client, and who is told of the headers that come over it."""

    http: httpx2.AsyncClient
    form: Form
    prices: Prices = LISTED
    hear: Hear = lambda model, headers: None


def connect(provider: Provider, key: str, line: Line) -> Model:
    """Return the model of a provider that is asked over the network; imports that provider's SDK and no other."""
    seconds = line.http.timeout.read or float("inf")
    model = Priced(Timed(_adapter(provider, key, line), seconds), line.prices, provider.is_free)
    scrub_logs()  # once the SDK is imported, since that is when it begins to log
    return model


def _adapter(provider: Provider, key: str, line: Line) -> Model:
    http, hear = line.http, line.hear
    if provider.speaks == "messages":
        from anthropic import AsyncAnthropic

        from panel.llm.anthropic import AnthropicModel

        return AnthropicModel(AsyncAnthropic(api_key=key, http_client=http, max_retries=0, timeout=http.timeout), hear)
    if provider.speaks == "responses":
        from openai import AsyncOpenAI

        from panel.llm.openai import OpenAIModel

        return OpenAIModel(AsyncOpenAI(api_key=key, http_client=http, max_retries=0, timeout=http.timeout), hear)
    from panel.llm.chat import ChatModel, Server

    return ChatModel(Server(provider.url, key, http), provider.name, line.form, hear)
