"""An edition: everything that is published at once, and the pages that lead to the pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import TypeVar

from panel.files import Json
from panel.persona import Persona
from panel.publish.entries import Entry, PairEntry, ToolEntry, category_slug
from panel.tables import SiteSettings

Kind = TypeVar("Kind", ToolEntry, PairEntry)

PER_PAGE = 50
"""Entries on one page of a list."""


@dataclass(frozen=True)
class Week:
    """What happened in one week, Monday to Sunday, by ISO 8601."""

    year: int
    number: int

    @classmethod
    def of(cls, at: str) -> Week:
        """Return the week of a time."""
        return cls(*date.fromisoformat(at[:10]).isocalendar()[:2])

    @property
    def name(self) -> str:
        """Its name: `2026-W47`."""
        return f"{self.year}-W{self.number:02}"

    @property
    def days(self) -> tuple[date, date]:
        """Its Monday and its Sunday."""
        monday = date.fromisocalendar(self.year, self.number, 1)
        return monday, monday + timedelta(days=6)

    def holds(self, at: str) -> bool:
        """Return whether a time is in it."""
        return bool(at) and self == Week.of(at)


@dataclass(frozen=True)
class Edition:
    """What is published, by slug."""

    site: SiteSettings
    panel: Sequence[Persona]
    tools: Sequence[ToolEntry]
    pairs: Sequence[PairEntry]

    @cached_property
    def categories(self) -> Mapping[str, str]:
        """What each category is called, by its name in links; those that share one stand on one shelf."""
        found: dict[str, list[str]] = {}
        for name in sorted({one.category for one in self.tools}):
            found.setdefault(category_slug(name), []).append(name)
        return {slug: ", ".join(names) for slug, names in sorted(found.items())}

    @cached_property
    def pairs_of(self) -> Mapping[str, Sequence[PairEntry]]:
        """The comparisons that each tool has a side in."""
        found: dict[str, list[PairEntry]] = {}
        for pair in self.pairs:
            for slug in pair.tools:
                found.setdefault(slug, []).append(pair)
        return found

    @cached_property
    def weeks(self) -> Sequence[Week]:
        """The weeks in which something happened, the latest first."""
        times = [*(one.published for one in self.tools), *(one.published for one in self.pairs)]
        times += [turned.at for one in self.tools for turned in one.turned]
        found = {Week.of(at) for at in times if at}
        return sorted(found, key=lambda week: (week.year, week.number), reverse=True)

    def in_category(self, slug: str) -> tuple[list[ToolEntry], list[PairEntry]]:
        """Return the tools of a category, and the comparisons that one of them has a side in."""
        tools = [one for one in self.tools if category_slug(one.category) == slug]
        pairs = [one for one in self.pairs if slug in map(category_slug, one.categories)]
        return tools, pairs

    def digest(self, week: Week) -> Mapping[str, Sequence[Entry | Turn]]:
        """Return what is told of a week: new reviews, changed verdicts, the widest split, new comparisons."""
        new = latest([one for one in self.tools if week.holds(one.published)])
        turns = [Turn(one, turned.what) for one in self.tools for turned in one.turned if week.holds(turned.at)]
        widest = max((one for one in new if one.width), key=lambda one: (one.width, one.slug), default=None)
        told = f"{widest.width} points between the critics" if widest else ""
        return {
            "New reviews": new,
            "Changed verdicts": turns,
            "Widest split": [Turn(widest, told)] if widest else [],
            "New comparisons": latest([one for one in self.pairs if week.holds(one.published)]),
        }


@dataclass(frozen=True)
class Turn:
    """A tool, and something else that is said of it than in other lists."""

    entry: ToolEntry
    what: str

    @property
    def path(self) -> str:
        """Where its page is."""
        return self.entry.path

    @property
    def title(self) -> str:
        """What it is called."""
        return self.entry.name

    @property
    def is_draft(self) -> bool:
        """True where nobody stands behind the tool's review."""
        return self.entry.is_draft

    @property
    def line(self) -> str:
        """What a list says of it."""
        return f"Draft: {self.what}" if self.is_draft else self.what


def latest(entries: Sequence[Kind]) -> list[Kind]:
    """Return entries with the latest published first, those of one moment by slug."""
    return sorted(sorted(entries, key=lambda one: one.slug), key=lambda one: one.published, reverse=True)


def pages(count: int) -> Iterator[slice]:
    """Yield which entries stand on each page of a list; there is one page at least."""
    for start in range(0, max(count, 1), PER_PAGE):
        yield slice(start, start + PER_PAGE)


def listed(entry: Entry) -> Json:
    """Return what a list says of an entry, as data."""
    return {"title": entry.title, "path": entry.path, "line": entry.line, "updated": entry.updated}
