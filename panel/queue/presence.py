"""Presence: which workers are alive. A worker holds a lock on its name; a name that can be locked has nobody behind it.

On Postgres the lock is an advisory one of a connection that stays, on SQLite one of a file beside the database: both
end with their process, however it ends. So there is no clock to agree on and nothing to renew. A worker that hangs
keeps its name; what it may hang in, a call, has a time-out of its own.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, delete, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from panel.errors import RecordError
from panel.files import digest_of, why
from panel.llm.database import ALIVE, Database
from panel.queue.place import WORKERS

if sys.platform != "win32":
    import fcntl

_TAKE = text("SELECT pg_try_advisory_lock(:number)")
_LET_GO = text("SELECT pg_advisory_unlock(:number)")
_HELD = text(
    "SELECT classid::bigint << 32 | objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class Names(Protocol):
    """The names of workers, of which each can be held by one process at a time."""

    def take(self, name: str) -> bool:
        """Hold a name; return False where another process does."""
        ...

    def drop(self, name: str) -> None:
        """Let go of a name."""
        ...

    def held(self, names: Collection[str]) -> set[str]:
        """Return those of some names that a process holds."""
        ...

    def renew(self) -> None:
        """Hold again what was lost with the server."""
        ...

    def close(self) -> None:
        """Let go of all names."""
        ...


@dataclass
class FileNames:
    """Names on one machine: a locked file each, beside the database."""

    folder: Path
    open: dict[str, int] = field(default_factory=dict)
    """The descriptor of each file that this process has locked."""

    def take(self, name: str) -> bool:
        """Hold a name; return False where another process does. Raises RecordError where the file can't be made."""
        path = self._path(name)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise RecordError(f"{path}: can't be written: {why(path, error)}; nothing was begun") from error
        try:
            if sys.platform != "win32":
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_had = os.path.samestat(os.fstat(descriptor), path.stat())
        except OSError:  # another process has it, or has just let go of it and unlinked it
            is_had = False
        if not is_had:
            os.close(descriptor)
            return False
        self.open[name] = descriptor
        return True

    def drop(self, name: str) -> None:
        """Let go of a name."""
        if descriptor := self.open.pop(name, None):
            with suppress(OSError):
                self._path(name).unlink()
            os.close(descriptor)

    def held(self, names: Collection[str]) -> set[str]:
        """Return those of some names that a process holds."""
        free = {name for name in names if name not in self.open and self.take(name)}
        for name in free:
            self.drop(name)
        return {*names} - free

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.lock"

    def renew(self) -> None:
        """Hold again what was lost: a file's lock is not lost before its process."""

    def close(self) -> None:
        """Let go of all names."""
        for name in [*self.open]:
            self.drop(name)


@dataclass
class LockedNames:
    """Names on many machines: an advisory lock of Postgres each, all of one connection."""

    database: Database
    mine: set[str] = field(default_factory=set)
    connection: Connection | None = None

    def take(self, name: str) -> bool:
        """Hold a name; return False where another process, or this one, does."""
        if name in self.mine or not self._lasting().scalar(_TAKE, {"number": _number(name)}):
            return False
        self.mine.add(name)
        return True

    def drop(self, name: str) -> None:
        """Let go of a name."""
        self.mine.discard(name)
        with suppress(DBAPIError):  # a server that is away has let go of it already
            self._lasting().execute(_LET_GO, {"number": _number(name)})

    def held(self, names: Collection[str]) -> set[str]:
        """Return those of some names that a process holds."""
        numbers = {number % 2**64 for number in self._lasting().scalars(_HELD)}
        return {name for name in names if _number(name) % 2**64 in numbers}

    def renew(self) -> None:
        """Hold again what was lost with the server; a peer that has it by now only hands back and lets go."""
        try:
            self._lasting().scalar(text("SELECT 1"))
        except DBAPIError:
            self.close()

    def close(self) -> None:
        """Let go of all names."""
        if self.connection is not None:
            with suppress(DBAPIError):
                self.connection.invalidate()  # back in the pool it would still have the locks
                self.connection.close()
        self.connection = None

    def _lasting(self) -> Connection:
        if self.connection is None:
            self.connection = self.database.engine.connect()
            for key in ("idle", "interval", "count"):  # the server looks whether we are still there, too
                self.connection.exec_driver_sql(f"SET tcp_keepalives_{key} = {ALIVE[f'keepalives_{key}']}")
            for name in self.mine:
                self.connection.scalar(_TAKE, {"number": _number(name)})
        return self.connection


def names_at(database: Database) -> Names:
    """Return the names of the workers of a queue."""
    if database.file is None:
        return LockedNames(database)
    return FileNames(database.file.with_name(f"{database.file.name}.workers"))


def _number(name: str) -> int:
    return int.from_bytes(bytes.fromhex(digest_of(["panel.worker", name])[-16:]), signed=True)


def register(database: Database, name: str) -> None:
    """Write down that there is a worker of this name, or was one."""
    insert = sqlite.insert if database.is_sqlite else postgresql.insert
    row = insert(WORKERS).values(name=name, since=time.time()).on_conflict_do_nothing()
    database.call(lambda connection: connection.execute(row))


def unregister(database: Database, name: str) -> None:
    """Forget a worker."""
    database.call(lambda connection: connection.execute(delete(WORKERS).where(WORKERS.c.name == name)))


def registered(database: Database) -> list[str]:
    """Return the names of all workers there are or were, sorted."""
    rows = database.call(lambda connection: connection.scalars(select(WORKERS.c.name)).all())
    return sorted(rows)
