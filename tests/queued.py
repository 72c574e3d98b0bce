"""Queued: an office whose tools are reviewed by workers, with a queue in SQLite or in Postgres."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from office import Office
from postgres import Server
from sqlalchemy import text

from panel.queue.place import Place

POLL_S = 0.02
_NUMBERS = count()


@dataclass(frozen=True)
class Queued:
    """An office with the address of a queue that nobody uses yet."""

    office: Office
    url: str

    @property
    def is_sqlite(self) -> bool:
        """True where the queue is a file."""
        return self.url.startswith("sqlite")

    def shelve(self, *slugs: str) -> None:
        """Put dossiers into the folder `tools`."""
        self.office.path("tools").mkdir(exist_ok=True)
        for slug in slugs:
            self.office.shelve(f"tools/{slug}")
            path = self.office.path(f"tools/{slug}.yaml")
            path.write_text(path.read_text().replace(f"tools/{slug}", slug).replace("Tools/", ""))

    def add(self, *arguments: str) -> str:
        """Return what `panel queue add` says of the folder of tools."""
        said = self.office.done("queue", "add", "tools", *arguments, "--database-url", self.url)
        self.hurry()
        return said

    def work(self, *arguments: str, code: int = 0) -> str:
        """Return what a worker says that runs until the queue is empty."""
        ended = self.office.type("worker", "--until-empty", *arguments, "--database-url", self.url)
        assert code == ended.exit_code, ended.output
        return str(ended.output)

    def status(self) -> dict[str, Any]:
        """Return the state of the queue, as JSON has it."""
        said: dict[str, Any] = json.loads(self.office.done("queue", "status", "--json", "--database-url", self.url))
        return said

    def counts(self) -> dict[str, int]:
        """Return how many jobs are in which state, those left out that none is in."""
        return {state: number for state, number in self.status()["jobs"].items() if number}

    def hurry(self, poll_s: float = POLL_S) -> None:
        """Let workers look for work without rest."""
        with self.place() as place:
            self.run(place, f"UPDATE {self.table('queues')} SET polling_interval_sec = {poll_s}")

    @contextmanager
    def place(self) -> Iterator[Place]:
        """Yield the queue as the code has it."""
        place = Place.at(self.url, "--database-url", is_made=True)
        try:
            yield place
        finally:
            place.close()

    def table(self, name: str) -> str:
        """Return what a table of DBOS is called in statements."""
        return name if self.is_sqlite else f"panel_queue.{name}"

    def run(self, place: Place, statement: str) -> list[Any]:
        """Run a statement, and return its rows."""

        def act(connection: Any) -> list[Any]:
            done = connection.execute(text(statement))
            return [tuple(row) for row in done] if done.returns_rows else []

        return place.database.call(act)


@cache
def _empty_file(folder: Path) -> Path:
    """Return a file with an empty queue: it takes a while to make, so all tests of a worker copy one."""
    path = folder / "empty.sqlite"
    Place.at(f"sqlite:///{path}", "a test", is_made=True).close()
    return path


@cache
def _empty_database(server: Server, name: str) -> str:
    """Return the name of a database with an empty queue."""
    place = Place.at(server.database(name), "a test", is_made=True)
    ledger = place.ledger(is_made=True)
    assert ledger
    ledger.close()
    place.close()
    return name


@pytest.fixture(params=["sqlite", "postgres"])
def queued(request: pytest.FixtureRequest, office: Office) -> Queued:
    """An office with an empty queue."""
    return Queued(office, url_of(request, request.param, office.folder))


def url_of(request: pytest.FixtureRequest, kind: str, folder: Path) -> str:
    """Return the address of an empty queue."""
    if kind == "sqlite":
        path = folder / "runs" / "queue.sqlite"
        path.parent.mkdir(exist_ok=True)
        shutil.copy(_empty_file(request.getfixturevalue("tmp_path_factory").getbasetemp()), path)
        return f"sqlite:///{path}"
    server: Server = request.getfixturevalue("postgres")
    template = _empty_database(server, f"empty_queue_{request.getfixturevalue('worker_id')}")
    return server.database(f"{template}_{next(_NUMBERS)}", template)
