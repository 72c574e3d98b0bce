"""The bench: a project as its golden tests see it, with just the records and the recordings that are checked in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from panel.errors import RecordError
from panel.files import LARGEST_RECORD, is_file, is_folder, names_in, read_bytes
from panel.llm.ledger import Ledger, Ledgers
from panel.project import Project
from panel.review import Seat
from panel.shelf import Shelved
from panel.store import Store

_RECORDING = re.compile(r"[0-9a-f]{64}\.json")


def bench(project: Project, into: Path | None = None) -> Project:
    """Return the project with its golden records as its records; new recordings go into the folder `into`.

    Where golden records have a folder of their own, only the ledgers that panel.toml names count beside it:
    what lies about in `runs` on one machine must not make a test pass there alone.
    """
    golden, named = project.settings.golden, project.ledgers.others
    store = Store(golden) if golden else project.store
    own = Ledger(into) if into else named[0] if golden and named else project.ledgers.own
    others = [ledger for ledger in (named if golden else project.ledgers.all) if ledger != own]
    return replace(project, store=store, ledgers=Ledgers(own, tuple(others)))


def checked_in(project: Project) -> Sequence[Ledger]:
    """Return the ledgers of which every recording must be used: those that belong to the golden records alone.

    Only files are checked in; of what a database holds, `panel ledger prune` finds the unused.
    """
    belonging = project.ledgers.all if project.settings.golden else (project.ledgers.own,)
    return [ledger for ledger in belonging if isinstance(ledger, Ledger)]


def recordings(ledger: Ledger) -> Iterator[Path]:
    """Yield the files of a ledger; raises RecordError where a folder of it can't be read."""
    for folder in (ledger.folder / name for name in names_in(ledger.folder) if len(name) == 2):
        if is_folder(folder):
            paths = (folder / name for name in names_in(folder) if _RECORDING.fullmatch(name))
            yield from filter(is_file, paths)


def orphans(project: Project, shelved: Sequence[Shelved]) -> list[str]:
    """Return the slugs of golden records that none of these tools has."""
    slugs = {one.tool.slug for one in shelved}
    return [name for name in names_in(project.store.folder) if name not in slugs and _is_reviewed(project, name)]


def _is_reviewed(project: Project, slug: str) -> bool:
    return is_file(project.store.review_path(slug))


def tried(project: Project, shelved: Sequence[Shelved]) -> Iterator[Seat]:
    """Yield every take in the history of these tools: also what was tried and not accepted keeps its recording.

    Where the golden recordings lie in `runs`, so does the history that they belong to.
    """
    is_shared = project.ledgers.own == Ledger(project.settings.own_ledger)
    stores = dict.fromkeys([project.store, *([Store(project.settings.runs)] if is_shared else [])])
    for history in (store.history(one.tool.slug) for store in stores for one in shelved):
        for entry in history.all():
            yield entry.seat


def is_page_other(record: Path, text: str) -> bool | None:
    """Return whether the page beside a record says something else than `text`; None where there is no page."""
    page = record.with_suffix(".md")
    return read_bytes(page, LARGEST_RECORD, RecordError) != text.encode() if is_file(page) else None
