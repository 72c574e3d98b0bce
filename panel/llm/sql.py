r"""Recordings in a database: the ledger for many machines, in SQLite or Postgres; one row a recording.

A row holds the recording as JSON in a column of text: types that know JSON would spell it their own way, and refuse
the zero bytes that a reply can hold (as text, JSON spells one `\u0000`).
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sqlalchemy import Column, ColumnElement, Connection, Index, MetaData, Table, Text, case, func, select, text

from panel.errors import RecordError
from panel.files import LARGEST_RECORD, Json, compact
from panel.llm.database import Database
from panel.llm.recording import MOST_SIMILAR, Held, Recording
from panel.llm.schema import prepare
from panel.llm.turns import Turns
from panel.request import Label, Reply, Request
from panel.turn import turn_at

PAGE = 32
"""Rows that are read at a time; each can be as long as a file."""

LONGEST_NAME = 200
"""Characters of a tool or a persona that are looked for; the recording itself has all of them."""

TABLE = "panel_recordings"
TABLES = MetaData()
_ROWS = Table(
    TABLE,
    TABLES,
    # The order of an export must not follow the locale of a server.
    Column("identity", Text().with_variant(Text(collation="C"), "postgresql"), primary_key=True),
    Column("tool", Text, nullable=False),
    Column("persona", Text, nullable=False),
    Column("recorded_at", Text, nullable=False),
    Column("recording", Text, nullable=False),
    Index("panel_recordings_seat", "tool", "persona"),
)
_NEW = text(
    f"INSERT INTO {TABLE} (identity, tool, persona, recorded_at, recording) "  # noqa: S608 - the name is ours
    "VALUES (:identity, :tool, :persona, :recorded_at, :recording) ON CONFLICT DO NOTHING"
)
_FITTING = case((func.length(_ROWS.c.recording) <= LARGEST_RECORD, _ROWS.c.recording), else_=None)
_READ = select(_ROWS.c.identity, _FITTING)


@dataclass(frozen=True)
class SqlLedger:
    """The recordings in one database."""

    database: Database
    turns: Turns
    is_waited_for = True
    is_too_large = False

    @classmethod
    def open(cls, address: str, origin: str, *, is_made: bool) -> Self:
        """Return the ledger in the database at an address; where it `is_made`, one is begun if there is none.

        Raises SettingsError where the database can't be reached, is not Panel's, or was made by a newer version of it.
        """
        with ExitStack() as opened:
            database = Database.at(address, origin)
            opened.callback(database.close)
            prepare(database, TABLES, is_made=is_made)
            opened.pop_all()
        return cls(database, Turns(database))

    @property
    def place(self) -> str:
        """The database, without its password."""
        return self.database.place

    def close(self) -> None:
        """Close all connections."""
        self.turns.close()
        self.database.close()

    def find(self, identity: str) -> Recording | None:
        """Return the recording, or None; raises RecordError where the row is not what was written there."""
        rows = self._rows(_ROWS.c.identity == identity, 1)
        if not rows:
            return None
        held = self._held(*rows[0])
        if held.fault:
            raise held.fault
        return held.recording

    def keep(self, request: Request, reply: Reply) -> Reply:
        """Write a recording; one that is there already is never overwritten. Return the reply that stands."""
        recording = Recording.of(request, reply)
        if self._inserted([_row(recording, recording.as_json())]):
            return recording.reply
        standing = self.find(recording.identity)
        return standing.reply if standing else self.keep(request, reply)

    def labelled(self, label: Label) -> list[Recording]:
        """Return the latest sound recordings made for one seat of one tool, at most a hundred."""
        is_of = (_ROWS.c.tool == _name(label.tool)) & (_ROWS.c.persona == _name(label.persona))
        latest = _ROWS.c.recorded_at.desc(), _ROWS.c.identity
        found = (self._held(*row).recording for row in self._rows(is_of, MOST_SIMILAR, *latest))
        return [recording for recording in found if recording and recording.label == label]

    def all(self) -> Iterator[Held]:
        """Yield what is in each row, in the order of the identities; no transaction stays open meanwhile."""
        rows = self._rows(None, PAGE)
        while rows:
            yield from (self._held(*row) for row in rows)
            rows = self._rows(_ROWS.c.identity > rows[-1][0], PAGE)

    def add(self, held: Sequence[Held]) -> int:
        """Write sound recordings as another ledger holds them, all or none; return how many were not there yet."""
        return self._inserted([_row(each.recording, each.data) for each in held if each.recording])

    def remove(self, identity: str) -> None:
        """Delete a recording, if it is there."""
        self.database.call(lambda connection: connection.execute(_ROWS.delete().where(_ROWS.c.identity == identity)))

    @property
    def files(self) -> Collection[Path]:
        """The file of SQLite, with those that it writes beside it; none on a server."""
        file = self.database.file
        return [file.with_name(f"{file.name}{ending}") for ending in ("", "-wal", "-shm")] if file else []

    def beside(self) -> Iterator[str]:
        """Yield every text in Panel's other tables here: the records of a queue, which may be written nowhere else."""
        return self.database.texts(TABLE)

    def turn(self, identity: str) -> AbstractAsyncContextManager[None]:
        """Let those who lack the same reply through one at a time; raises RecordError where it can't be written."""
        file = self.database.file
        if file is None:
            return self.turns.turn(identity)
        if not os.access(file, os.W_OK):
            raise RecordError(f"{file}: can't be written: it is read-only; nothing was begun, and nothing was asked")
        return turn_at(file.with_name(f".{file.name[:100]}.{identity[-32:]}.turn"), file)

    def _rows(
        self, which: ColumnElement[bool] | None, most: int, *order: ColumnElement[str]
    ) -> Sequence[tuple[str, object]]:
        found = (_READ if which is None else _READ.where(which)).order_by(*(order or (_ROWS.c.identity,))).limit(most)
        return self.database.call(lambda connection: [(row[0], row[1]) for row in connection.execute(found)])

    def _held(self, identity: str, raw: object) -> Held:
        """Return what is in a row; a database holds what others put there, so it may be anything."""
        place = f"{self.database.place}: {TABLE}: {identity}"
        if raw is None:
            return Held(0, None, None, RecordError.at(place, None, "", f"is larger than {LARGEST_RECORD:,} bytes"))
        return Held.of(str(raw).encode(), identity, place)

    def _inserted(self, rows: Sequence[dict[str, str]]) -> int:
        def insert(connection: Connection) -> int:
            with self.database.whole(connection) if len(rows) > 1 else nullcontext():
                return connection.execute(_NEW, rows).rowcount

        return self.database.call(insert) if rows else 0


def _row(recording: Recording, data: Json) -> dict[str, str]:
    return {
        "identity": recording.identity,
        "tool": _name(recording.label.tool),
        "persona": _name(recording.label.persona),
        "recorded_at": _name(recording.reply.recorded_at),
        "recording": compact(data).decode(),
    }


def _name(text: str) -> str:
    """Return a name as it is looked for: Postgres takes no zero byte, and no long text into an index."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")[:LONGEST_NAME]
