"""Outcomes: what replaying gives, and each way in which it is not what the golden records say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from panel.comparison import Comparison
from panel.golden.bench import is_page_other
from panel.review import Review, Seat
from panel.shelf import Shelved

Kind = Literal[
    "changed",
    "changed page",
    "changed comparison",
    "missing recording",
    "unsound recording",
    "unused recording",
    "no golden record",
    "unreadable record",
    "no dossier",
]


@dataclass(frozen=True)
class Difference:
    """One way in which the recordings do not give what the golden records say."""

    kind: Kind
    """What sort of thing."""

    tool: str
    """The slug; empty where a recording belongs to no tool that is known."""

    persona: str | None
    """The seat, or None where it concerns the whole review."""

    meaning: str
    """What it is, in one line."""

    details: Sequence[str]
    """The changed lines, and what to do."""

    file: Path | None
    """The file to look at."""


@dataclass(frozen=True)
class Outcome:
    """One tool, replayed."""

    shelved: Shelved
    before: Review | None
    """The golden record; None where there is none that can be read."""

    after: Review | None
    """What the recordings give now; None where one is missing or unsound."""

    differences: Sequence[Difference]
    """Where the two differ; none where they are the same."""

    seats: Sequence[Seat]
    """The seats that could be replayed."""


@dataclass(frozen=True)
class PairOutcome:
    """One comparison, made again from replayed reviews."""

    slug: str
    """Which one."""

    before: Comparison | None
    """The golden record; None where it can't be read."""

    after: Comparison | None
    """What the recordings give now; None where one is missing, or one of its tools."""

    differences: Sequence[Difference]
    """Where the two differ."""


def changed_page(slug: str, name: str, record: Path, text: str) -> Iterator[Difference]:
    """Yield the page beside a golden record where it is not the `text` that is rendered from it."""
    if is_page_other(record, text):
        page = record.with_suffix(".md")
        meaning = f"{name}: {page.name} says something else than the record"
        yield Difference("changed page", slug, None, meaning, [], page)
