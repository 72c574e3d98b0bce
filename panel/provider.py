"""Providers: who answers behind the first part of a model's name, and what is known of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, StringConstraints

Speech = Literal["messages", "responses", "chat", "sheets", "nothing"]


@dataclass(frozen=True)
class Provider:
    """One provider."""

    name: str
    """What stands before the colon of a model."""

    speaks: Speech
    """How it is asked: Anthropic's messages, OpenAI's responses, OpenAI-compatible chat, sheets for a person."""

    key: str | None = None
    """The environment variable that holds its key."""

    needs_key: bool = False
    """True where it answers nobody without one."""

    url: str | None = None
    """Where it listens; None where its SDK knows."""

    example: str | None = None
    """A model of it, for hints."""

    maker: str | None = None
    """Who makes its models, where it serves its own only."""

    is_free: bool = False
    """True where nobody is paid for a reply."""

    has_model: bool = True
    """False where no model stands behind a reply."""

    @property
    def is_here(self) -> bool:
        """True for a server on this machine."""
        return self.url is not None and is_loopback(self.url)


def _server(name: str, url: str) -> Provider:
    """Return an OpenAI-compatible server; nobody is paid for one on this machine."""
    return Provider(name, "chat", key=key_name(name), url=url, is_free=is_loopback(url))


def key_name(server: str) -> str:
    """Return the variable that holds the key of a server.

    The name is fixed, so that no panel.toml can have another secret of the environment sent to an address of its own.
    """
    return f"PANEL_KEY_{server.upper().replace('-', '_')}"


def is_loopback(url: str) -> bool:
    """Return whether an address is on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


LOCAL: Mapping[str, str] = {
    "ollama": "http://127.0.0.1:11434/v1",
    "lmstudio": "http://127.0.0.1:1234/v1",
    "llamacpp": "http://127.0.0.1:8080/v1",
    "vllm": "http://127.0.0.1:8000/v1",
}
"""Servers that people run themselves, each with the address it listens on unless told otherwise."""

_FIXED = (
    Provider(
        "anthropic",
        "messages",
        key="ANTHROPIC_API_KEY",
        needs_key=True,
        example="anthropic:claude-sonnet-5-5",
        maker="Anthropic",
    ),
    Provider("openai", "responses", key="OPENAI_API_KEY", needs_key=True, example="openai:gpt-6.1-sol", maker="OpenAI"),
    Provider("openrouter", "chat", key="OPENROUTER_API_KEY", needs_key=True, url="https://openrouter.ai/api/v1"),
    Provider("manual", "sheets", is_free=True, has_model=False),
    Provider("fake", "nothing", is_free=True, has_model=False),
    Provider("sample", "nothing", is_free=True, has_model=False),
)
FIXED: Mapping[str, Provider] = {provider.name: provider for provider in _FIXED}
"""Providers whose address nobody sets."""


def providers(servers: Mapping[str, str]) -> Mapping[str, Provider]:
    """Return every provider by name; `servers` are further servers, or other addresses of the local ones."""
    return {**FIXED, **{name: _server(name, url) for name, url in {**LOCAL, **servers}.items()}}


def has_model(provider: str) -> bool:
    """Return whether a model stands behind what this provider answers."""
    return provider not in FIXED or FIXED[provider].has_model


def _own_name(server: str) -> str:
    if server in FIXED:
        raise ValueError(f"'{server}' has an address of its own; name the server otherwise")
    return server


ServerName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$"), AfterValidator(_own_name)]


def _address(url: str) -> str:
    try:
        has_host = bool(urlsplit(url).hostname) and urlsplit(url).port != 0
    except ValueError:
        has_host = False
    if not has_host:
        raise ValueError('is no address; write one such as "http://127.0.0.1:9000/v1"')
    return url.rstrip("/")


ServerUrl = Annotated[
    str, StringConstraints(pattern=r"^https?://[!-?A-~]+$", max_length=2_000), AfterValidator(_address)
]
"""An address without `@`: a password belongs into a variable."""
