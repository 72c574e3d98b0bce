"""What is asked of a model, and what comes back. The request's identity is the key of everything."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import Literal, NamedTuple, Self

from pydantic import Field, JsonValue

from panel.files import Json, digest_of
from panel.record import Lines, Record

DEFAULT_MAX_TOKENS = 16_000
"""Room for a model that thinks first; a take itself needs about 1,500."""

Effort = Literal["low", "medium", "high", "xhigh", "max"]


class ModelName(NamedTuple):
    """A model as people name it: `provider:name`."""

    provider: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the two parts of `provider:name`; the name is empty where there is no colon."""
        provider, _, name = text.partition(":")
        return cls(provider, name)


class Parameters(Record):
    """What a provider is told beside the text."""

    max_tokens: int = Field(ge=256, le=128_000)
    """The most tokens that the reply, thinking included, may have."""

    effort: Effort | None = None
    """How hard the model should think; None leaves it to the provider."""


class Block(Record):
    """One block of the user's text."""

    text: Lines
    """The text of the block."""

    cache: bool = False
    """True where the provider may keep everything up to here for the next seat."""


class Turn(Record):
    """One turn of the conversation so far: what the model said, or what it was told to mend."""

    role: Literal["assistant", "user"]
    """Who spoke."""

    text: Lines
    """What was said."""


class Label(Record):
    """Whom a request is for. It helps people find a recording and is no part of any identity."""

    tool: str
    """The slug of the tool."""

    persona: str
    """The id of the persona."""


class Request(Record):
    """One question to one model. Two requests with the same identity are the same question."""

    model: str
    """The model as asked, `provider:name`."""

    parameters: Parameters
    """Limits and effort."""

    system: Lines
    """The instructions that all seats share."""

    blocks: tuple[Block, ...]
    """The dossier, then the persona."""

    reply_schema: Mapping[str, JsonValue]
    """The JSON Schema that the reply must fit."""

    turns: tuple[Turn, ...] = ()
    """What came after: a reply and what to mend in it."""

    sample: int = Field(default=1, ge=1)
    """Which of several independent answers to the same question this asks for."""

    note: str | None = None
    """What the editor asked for in a retake; never published."""

    label: Label = Field(default=Label(tool="", persona=""), exclude=True)
    """Whom it is for; not in the identity."""

    @property
    def identified(self) -> Json:
        """What the identity is taken over: everything but the label, fields at their default left out.

        So a field that a later version adds does not change the identity of what was asked before it.
        """
        data: Json = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return data

    @cached_property
    def identity(self) -> str:
        """`sha256:` and the hash of what identifies the request."""
        return digest_of(self.identified)

    @cached_property
    def prefix(self) -> str:
        """Content hash of what a provider can keep for the next seat: the model, the instructions, the dossier."""
        shared = [block.text for block in self.blocks if block.cache]
        return digest_of([self.model, self.system, *shared])

    @property
    def length(self) -> int:
        """Characters of everything that is said in it; the form of the reply is not counted."""
        return sum(map(len, (self.system, *(block.text for block in self.blocks), *(turn.text for turn in self.turns))))

    @property
    def is_repair(self) -> bool:
        """True where an earlier reply is to be mended."""
        return bool(self.turns)


class Usage(Record):
    """Tokens, counted once each: a token of the prompt is in exactly one of the first three."""

    input: int = 0
    """Prompt tokens at the full rate."""

    cache_read: int = 0
    """Prompt tokens read from the provider's cache."""

    cache_write: int = 0
    """Prompt tokens written to the provider's cache."""

    output: int = 0
    """Tokens of the reply, thinking included."""


class Attempt(Record):
    """One try at one request."""

    number: int
    """From 1."""

    waited_s: float
    """Seconds waited before it."""

    error: str | None = None
    """What went wrong, or None."""

    model: str | None = Field(default=None, exclude_if=lambda model: model is None)
    """Which fallback was tried; left out where it was the model asked."""

    @property
    def is_fallback(self) -> bool:
        """True where a fallback answered."""
        return self.model is not None and self.error is None


class Stop(StrEnum):
    """Why a reply ended."""

    DONE = "done"
    REFUSED = "refused"
    TRUNCATED = "truncated"


class Reply(Record):
    """What a model answered, as it came."""

    text: Lines
    """The text of the reply, thinking left out."""

    stop: Stop = Stop.DONE
    """Why it ended."""

    detail: str | None = None
    """The provider's words on a refusal or on a reply cut short."""

    answered_by: str
    """Who really answered, as the provider names it, such as `anthropic:claude-sonnet-5-5`."""

    usage: Usage = Usage()
    """What it used."""

    cost_usd: str | None = None
    """What it cost, in US dollars as a decimal string; None where the price is not known."""

    batch: str | None = Field(default=None, exclude_if=lambda batch: batch is None)
    """The vendor's batch that it came in, at half the price; left out where it was asked for by itself."""

    attempts: tuple[Attempt, ...] = (Attempt(number=1, waited_s=0),)
    """Every try, the last one the good one."""

    carried_from: str | None = None
    """The identity under which it was first given, where it was carried over a change of form."""

    carried_because: str | None = Field(default=None, exclude_if=lambda reason: reason is None)
    """Why it was carried, in the words of who did; left out where it was not."""

    recorded_at: str
    """When it was answered: UTC, ISO 8601 to the second."""
