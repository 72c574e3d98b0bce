"""Place: the database that a queue is in, with the tables of Panel, of its ledger and of DBOS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer
from dbos._error import DBOSException
from dbos._migration import sqlite_migrations
from dbos._serialization import DefaultSerializer
from sqlalchemy import Column, Connection, Double, MetaData, Table, Text, inspect, text
from sqlalchemy.exc import DBAPIError

from panel.errors import SettingsError
from panel.llm.database import POSTGRES, Database
from panel.llm.schema import prepare
from panel.llm.sql import TABLES, SqlLedger
from panel.queue.extra import require_sqlite

APPLICATION, SCHEMA = "panel", "panel_queue"
"""The second one is of Postgres, for the tables of DBOS: another program's in the same database stay apart."""

VERSION = "review.v1"
"""The version that workflows are claimed under; raised when the names or the order of their steps change, and by no
edit or upgrade beside: DBOS leaves the work of another version alone, in silence."""

OWN = MetaData()
LIMITS = Table(
    "panel_limits",
    OWN,
    Column("model", Text, primary_key=True),
    Column("requests_at", Double, nullable=False),
    Column("tokens_at", Double, nullable=False),
    Column("held_until", Double, nullable=False),
)
WORKERS = Table("panel_workers", OWN, Column("name", Text, primary_key=True), Column("since", Double, nullable=False))
_MAKING = 7_268_412_905_118_432_002
"""The number of the lock in Postgres under which these tables are made."""


@dataclass(frozen=True)
class Place:
    """A database with a queue in it."""

    database: Database

    @classmethod
    def at(cls, address: str, origin: str, *, is_made: bool) -> Self:
        """Return the queue in the database at an address; where it `is_made`, one is begun if there is none.

        Raises SettingsError where the database can't be reached, is not Panel's, or was made by a newer version.
        """
        place, is_open = cls(Database.at(address, origin)), False
        try:
            if place.database.is_sqlite:
                require_sqlite()
            refuse_pickle()
            place._prepare(is_made=is_made)
            is_open = True
        finally:
            if not is_open:
                place.close()
        return place

    @property
    def url(self) -> str:
        """Where it is, as DBOS reads it: with its password."""
        if self.database.file:
            return f"sqlite:///{self.database.file}"
        return self.database.engine.url.set(drivername=POSTGRES).render_as_string(hide_password=False)

    @property
    def schema(self) -> str | None:
        """Where the tables of DBOS are."""
        return None if self.database.is_sqlite else SCHEMA

    @contextmanager
    def client(self) -> Iterator[DBOSClient]:
        """Yield what puts jobs in and manages them, and runs none; raises as `at` does where the server went away."""
        with self.telling():
            client = DBOSClient(
                system_database_url=self.url,
                dbos_system_schema=SCHEMA,
                serializer=DBOSPortableJSONSerializer(),
                application_name=APPLICATION,
                retry_connection_errors=False,
            )
            try:
                yield client
            finally:
                client.destroy()

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Turn what the database or DBOS raises within into what is said of it, without a password."""
        try:
            yield
        except DBAPIError as error:
            raise self.database.told(error) from error
        except DBOSException as error:
            raise SettingsError(f"{self.database.origin}: {self.database.place}: {error}") from error

    def ledger(self, *, is_made: bool) -> SqlLedger | None:
        """Return the ledger that workers on many machines share; None on SQLite, where `runs/ledger` stays it."""
        if self.database.is_sqlite:
            return None
        url = self.database.engine.url.render_as_string(hide_password=False)
        return SqlLedger.open(url.replace("+psycopg", "", 1), self.database.origin, is_made=is_made)

    def close(self) -> None:
        """Close all connections."""
        self.database.close()

    def _prepare(self, *, is_made: bool) -> None:
        database = self.database
        if not is_made and database.file and not database.file.exists():
            raise SettingsError(f"{database.origin}: there is no queue at {database.place}; panel queue add begins one")
        prepare(database, TABLES, is_made=is_made)
        database.first(self._make)
        if database.first(self._is_behind):
            with self.telling():
                DBOS.migrate(self.url, schema=SCHEMA)

    def _make(self, connection: Connection) -> None:
        if OWN.tables.keys() <= set(inspect(connection).get_table_names()):
            return
        with self.database.whole(connection):
            if not self.database.is_sqlite:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MAKING})")
            OWN.create_all(connection)

    def _is_behind(self, connection: Connection) -> bool:
        """Return whether DBOS has tables to make; raises SettingsError where a newer one has made some."""
        if "dbos_migrations" not in inspect(connection).get_table_names(self.schema):
            return True
        table = f"{self.schema}.dbos_migrations" if self.schema else "dbos_migrations"
        version = connection.scalar(text(f"SELECT max(version) FROM {table}")) or 0  # noqa: S608 - the name is ours
        known = len(sqlite_migrations)
        if version > known:
            made = f"was made by a newer DBOS (schema {version}; this one knows {known})"
            way = "pip install -U dbos, or name another database"
            raise SettingsError(f"{self.database.origin}: {self.database.place}: {made}; {way}")
        return bool(version < known)


def refuse_pickle() -> None:
    """Let DBOS read nothing but JSON: a row says itself how it was written, and a pickle in it would be run."""

    def refuse(_: DefaultSerializer, __: str) -> object:
        message = "a pickle in the database is not read"
        raise ValueError(message)

    setattr(DefaultSerializer, "deserialize", refuse)  # noqa: B010 - it is no method of ours to mypy
