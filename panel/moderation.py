"""A moderation: what the moderator, a model that saw the takes alone, made of them. Code has checked each clause."""

from __future__ import annotations

from pydantic import Field

from panel.record import Record
from panel.review import Ask


class Clause(Record):
    """One reason to pick a tool, in the moderator's words."""

    text: str
    """Goes on from "Pick it if"."""

    takes: tuple[str, ...] = Field(min_length=1)
    """The takes that it rests on, such as `smollm3/builder`."""


class Moderation(Record):
    """What the moderator, a model that saw the takes alone, made of them."""

    prompt_digest: str
    """Content hash of what it was asked with."""

    clauses: tuple[tuple[Clause, ...], tuple[Clause, ...]]
    """When to pick each tool; both empty where what it wrote can't be published."""

    dropped: tuple[str, ...]
    """What was wrong with the clauses that were left out."""

    disclosures: tuple[str, ...]
    """What a reader should know of who wrote them."""

    ask: Ask
    """The request with its reply."""
