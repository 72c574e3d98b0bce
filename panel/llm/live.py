"""Live connections: models that are asked over the network and paid for."""

from __future__ import annotations

import httpx2

from panel.llm.model import Model
from panel.llm.priced import Priced
from panel.llm.timed import Timed


def shared_client(timeout_s: float) -> httpx2.AsyncClient:
    """Return the HTTP client that all providers share; `timeout_s` bounds each read of a reply."""
    return httpx2.AsyncClient(timeout=httpx2.Timeout(timeout_s, connect=min(10, timeout_s)), follow_redirects=False)


def connect(provider: str, key: str, http: httpx2.AsyncClient) -> Model:
    """Return the model of a provider that sells them; imports that provider's SDK and no other."""
    seconds = http.timeout.read or float("inf")
    return Priced(Timed(_adapter(provider, key, http), seconds))


def _adapter(provider: str, key: str, http: httpx2.AsyncClient) -> Model:
    if provider == "anthropic":
        from anthropic import AsyncAnthropic

        from panel.llm.anthropic import AnthropicModel

        return AnthropicModel(AsyncAnthropic(api_key=key, http_client=http, max_retries=0, timeout=http.timeout))
    from openai import AsyncOpenAI

    from panel.llm.openai import OpenAIModel

    return OpenAIModel(AsyncOpenAI(api_key=key, http_client=http, max_retries=0, timeout=http.timeout))
