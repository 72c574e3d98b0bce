"""The store: what Panel keeps in `runs/`, one folder a tool."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from panel.choices import Choices
from panel.comparison import Comparison
from panel.files import is_there, names_in, readable, write_whole
from panel.history import History
from panel.names import SLUG
from panel.record import read_record
from panel.review import Review
from panel.turn import turn

PATIENCE_S = 10
"""Seconds that a run waits for another one which is writing the records of the same tool."""


@dataclass(frozen=True)
class Store:
    """The folder `runs/`."""

    folder: Path

    @property
    def slugs(self) -> list[str]:
        """The tools that have a record, in alphabetical order; raises RecordError where the folder can't be read."""
        return [name for name in names_in(self.folder) if SLUG.fullmatch(name) and is_there(self.review_path(name))]

    def place(self, slug: str) -> Path:
        """Return the folder of a tool."""
        return self.folder / slug

    def history(self, slug: str) -> History:
        """Return what was ever made and done for a tool."""
        return History(self.place(slug))

    @asynccontextmanager
    async def turn(self, slug: str) -> AsyncIterator[None]:
        """Let runs that change the records of one tool through one at a time.

        Raises Busy where another one holds them for ten seconds, RecordError where they can't be written.
        """
        async with turn(self.review_path(slug), PATIENCE_S):
            yield

    def review_path(self, slug: str) -> Path:
        """Return where the record of a tool belongs."""
        return self.place(slug) / "review.json"

    def review(self, slug: str) -> Review | None:
        """Return the record of a tool, or None; raises RecordError where it can't be read."""
        path = self.review_path(slug)
        return read_record(path, Review) if is_there(path) else None

    @asynccontextmanager
    async def comparing(self, slug: str) -> AsyncIterator[None]:
        """Let runs that write one comparison through one at a time; raises as `turn` does."""
        async with turn(self.comparison_path(slug), PATIENCE_S):
            yield

    def comparison_path(self, slug: str) -> Path:
        """Return where the record of a comparison belongs."""
        return self.folder / "compare" / slug / "comparison.json"

    def comparison(self, slug: str) -> Comparison | None:
        """Return the record of a comparison, or None; raises RecordError where it can't be read."""
        path = self.comparison_path(slug)
        return read_record(path, Comparison) if is_there(path) else None

    def save_comparison(self, comparison: Comparison, text: str, page: str) -> list[Path]:
        """Write `comparison.md`, `index.html` and `comparison.json`, the record last; return them, the record first."""
        path = self.comparison_path(comparison.slug)
        write_whole(path.with_suffix(".md"), text.encode())
        write_whole(path.with_name("index.html"), page.encode())
        write_whole(path, readable(comparison.as_json()))
        return [path, path.with_suffix(".md"), path.with_name("index.html")]

    def save_review(self, review: Review, page: str) -> list[Path]:
        """Write `review.md` and `review.json`, the record last; return the two paths, the record first."""
        path = self.review_path(review.tool.slug)
        write_whole(path.with_suffix(".md"), page.encode())
        write_whole(path, readable(review.as_json()))
        return [path, path.with_suffix(".md")]

    def choices(self, slug: str) -> Choices:
        """Return the choices for a tool; raises RecordError where they can't be read."""
        path = self.place(slug) / "choices.json"
        return read_record(path, Choices) if is_there(path) else Choices()

    def save_choices(self, slug: str, choices: Choices) -> None:
        """Write the choices for a tool, where there are or were any."""
        path = self.place(slug) / "choices.json"
        if choices != Choices() or is_there(path):
            write_whole(path, readable(choices.as_json()))


def read_review(path: Path) -> Review:
    """Return the review in a file; raises RecordError, naming the file and the first fault, where it can't be read."""
    return read_record(path, Review)
