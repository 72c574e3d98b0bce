"""Database: one in SQLite or Postgres that holds what is Panel's; imported only where somebody names one.

Calls wait for the database, so under asyncio they belong into a thread. No transaction stays open between them.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeAlias, TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, Engine, Select, String, column, create_engine, event, inspect, select, table
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from panel.errors import Busy, PanelError, RecordError, SettingsError, on_one_line
from panel.files import is_file, is_there, why

Found = TypeVar("Found")
Connect: TypeAlias = Callable[[], AbstractContextManager[Connection]]

HOW = "write sqlite:///FILE or postgresql://USER@HOST/DATABASE"
SQLITE, POSTGRES = "sqlite", "postgresql"
_DRIVERS = {SQLITE: "sqlite+pysqlite", POSTGRES: "postgresql+psycopg", "postgres": "postgresql+psycopg"}

BUSY_S = 30
"""Seconds that one process waits for another that is writing into the same SQLite file."""

PATIENCE_S = (0.1, 0.4, 1.5, 4, 8, 16)
"""Seconds between tries where the server of a database that answered before is away: half a minute, which a restart
takes. What is to be kept then is often paid for."""

ALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "connect_timeout": 10}
"""So a server that is cut off is noticed within half a minute, not within hours."""

LONGEST_REASON = 200
_OURS, _STREAMED = "panel", 50
_FAULTS: tuple[tuple[type[PanelError], tuple[str, ...], tuple[str, ...], str], ...] = (
    (RecordError, ("53100",), ("disk is full",), "not written: {}; what stood there is untouched"),
    (RecordError, ("25006", "42501"), ("readonly",), "can't be written: {}; nothing changed"),
    (RecordError, ("XX001", "XX002"), ("malformed", "i/o error"), "is damaged: {}; restore it from a copy"),
    (
        Busy,
        (),
        ("is locked",),
        f"another run has been writing here for {BUSY_S} s; let it end, then run this again",
    ),
)
"""What is wrong by the codes of SQL and the words of SQLite, and what is said of it."""

_AWAY = ("08", "57P", "533")
"""How the codes begin of a server that is not to be had: down, starting, or with too many connections."""


@dataclass(frozen=True)
class Database:
    """A database with the connections to it, which threads share."""

    engine: Engine
    place: str
    """What people know it by, without a password."""

    origin: str
    """Where it was named: an option, a variable, or file and key."""

    file: Path | None
    """The file of SQLite."""

    @classmethod
    def at(cls, address: str, origin: str) -> Self:
        """Return the database at an address, not looked at yet; raises SettingsError where there can be none."""
        url = _url(address, origin)
        if url.get_backend_name() == SQLITE:
            file = Path(url.database or "").absolute()
            engine = create_engine(
                url, connect_args={"timeout": BUSY_S}, isolation_level="AUTOCOMMIT", hide_parameters=True
            )
            event.listen(engine, "connect", _text_as_it_comes)
            return cls(engine, str(file), origin, file)
        # A thread has one connection at a time, and a pool of threads has a few threads.
        engine = create_engine(
            url, connect_args=ALIVE, pool_size=4, max_overflow=28, isolation_level="AUTOCOMMIT", hide_parameters=True
        )
        host = url.query.get("host", url.host or "")
        named = on_one_line(",".join(host if isinstance(host, tuple) else [host]))
        return cls(engine, f"{POSTGRES}://{named}/{on_one_line(url.database or '')}", origin, None)

    @property
    def is_sqlite(self) -> bool:
        """True where it is a file."""
        return self.file is not None

    def first(self, act: Callable[[Connection], Found]) -> Found:
        """Return what `act` returns for a connection; raises SettingsError where there is nobody to connect to."""
        if self.file and is_there(self.file) and not is_file(self.file):
            raise SettingsError(f"{self.origin}: {self.place}: is no file; {HOW}")
        try:
            with self.engine.connect() as connection:
                return act(connection)
        except DBAPIError as error:
            raise self.told(error) from error

    def call(self, act: Callable[[Connection], Found], connect: Connect | None = None) -> Found:
        """Return what `act` returns for a connection; one that can't be had is waited for, and `act` is tried again.

        `connect` gives the connection where it is not to be any.
        Raises RecordError where the disk is full or nothing may be written, SettingsError where the server stays away.
        """
        for wait_s in (*PATIENCE_S, None):
            try:
                with (connect or self.engine.connect)() as connection:
                    return act(connection)
            except DBAPIError as error:
                if wait_s is None or not _passes(error):
                    raise self.told(error) from error
            time.sleep(wait_s)
        raise AssertionError

    @contextmanager
    def whole(self, connection: Connection) -> Iterator[None]:
        """Let what is written through a connection stand as a whole, or not at all."""
        connection.exec_driver_sql("BEGIN IMMEDIATE" if self.is_sqlite else "BEGIN")
        yield
        connection.exec_driver_sql("COMMIT")  # else it is rolled back when the connection goes back into the pool

    def texts(self, but: str) -> Iterator[str]:
        """Yield every text in the tables that are Panel's, and in a file in all, but in the table named so.

        On a server those are Panel's whose name, or that of their schema, begins with `panel`.
        """
        try:
            # Rows are streamed within a transaction alone.
            with self.engine.connect().execution_options(isolation_level="SERIALIZABLE") as connection:
                for query in self._queries(connection, but):
                    rows = connection.execute(query.execution_options(yield_per=_STREAMED))
                    yield from (text for row in rows for text in row if isinstance(text, str))
        except DBAPIError as error:
            raise self.told(error) from error

    def _queries(self, connection: Connection, but: str) -> Iterator[Select[*tuple[object, ...]]]:
        found = inspect(connection)
        for schema in [None, *(name for name in found.get_schema_names() if name.startswith(_OURS))]:
            for name in found.get_table_names(schema):
                is_ours = bool(schema) or self.is_sqlite or name.startswith(_OURS)
                columns = [each for each in found.get_columns(name, schema) if isinstance(each["type"], String)]
                if name != but and is_ours and columns:
                    yield select(*(column(each["name"]) for each in columns)).select_from(table(name, schema=schema))

    def make_room(self) -> None:
        """Make the folder for the file; raises SettingsError where it can't be made."""
        if self.file is None:
            return
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"{self.origin}: {self.place}: can't be made: {why(self.file, error)}") from error

    def close(self) -> None:
        """Close all connections that nobody is using."""
        self.engine.dispose()

    def told(self, error: DBAPIError) -> PanelError:
        """Return what went wrong for whoever it happened to, without a password or what was to be written."""
        reason, code = self._reason(error), getattr(error.orig, "sqlstate", None) or ""
        for kind, codes, words, problem in _FAULTS:
            if code in codes or any(word in reason.lower() for word in words):
                return kind(f"{self.place}: {problem.format(reason)}")
        if isinstance(error, OperationalError) and not self.is_sqlite:
            problem = f"can't be reached: {reason}; start it, or mend the address, the user or the password"
        else:
            problem = f"can't be used: {reason}; name a database for Panel, or a new file"
        return SettingsError(f"{self.origin}: {self.place}: {problem}")

    def _reason(self, error: DBAPIError) -> str:
        """Return the first line of what a driver says, cut short; some repeat the password that they were given."""
        said = str(error.orig).strip().partition("\n")[0]
        url = self.engine.url
        inner = [value for key, value in url.query.items() if "password" in key.lower()]
        for secret in filter(None, [url.password, *inner]):
            for spelt in (str(secret), quote(str(secret), safe="")):
                said = said.replace(spelt, "***")
        return on_one_line(said)[:LONGEST_REASON].strip()


def _text_as_it_comes(connection: sqlite3.Connection, _: object) -> None:
    """Let bytes that are no UTF-8 be read: what was spoilt is to be told with its name, not to end the reading."""
    connection.text_factory = lambda raw: raw.decode(errors="replace")


def _passes(error: DBAPIError) -> bool:
    """Return whether a fault is one that a server which is started anew ends by itself."""
    if isinstance(error.orig, sqlite3.Error):
        return False
    code = getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or (
        isinstance(error, OperationalError) and (not code or code.startswith(_AWAY))
    )


def _url(address: str, origin: str) -> URL:
    """Return an address as SQLAlchemy has it; what can't be read is not repeated, since it may hold a password."""
    try:
        url = make_url(address)
    except (ArgumentError, ValueError) as error:
        raise SettingsError(f"{origin}: is no address of a database; {HOW}") from error
    driver = _DRIVERS.get(url.drivername)
    if driver is None:
        raise SettingsError(f"{origin}: {on_one_line(url.drivername)[:40]} is no database that Panel knows; {HOW}")
    if "@" in (url.host or ""):
        raise SettingsError(f"{origin}: write the @ in a password as %40")
    if "\0" in address or (url.drivername == SQLITE and (url.database in (None, "", ":memory:") or url.query)):
        raise SettingsError(f"{origin}: names no file; {HOW}")
    return url.set(drivername=driver)
