"""Schema: the tables of Panel in a database, made where there are none, and known by their number."""

from __future__ import annotations

from sqlalchemy import Column, Connection, Integer, MetaData, Table, inspect, select

from panel.errors import SettingsError
from panel.llm.database import Database

SCHEMA = 1
"""The number of this shape of the tables; a change of shape raises it."""

_OF_SCHEMA = MetaData()
_SCHEMA = Table("panel_schema", _OF_SCHEMA, Column("version", Integer, nullable=False))
_MAKING = 7_268_412_905_118_432_001
"""The number of the lock in Postgres under which tables are made: of two workers that begin, one makes them."""


def prepare(database: Database, tables: MetaData, *, is_made: bool) -> None:
    """Return when the database has these tables; where it has none they are made, if it `is_made`.

    Raises SettingsError where it has none and none may be made, where it is another program's, or of another version.
    """
    if database.file and not database.file.exists():
        if not is_made:
            raise SettingsError(f"{database.origin}: there is no file {database.place}; panel ledger import makes one")
        database.make_room()

    def look(connection: Connection) -> None:
        names = inspect(connection).get_table_names()
        if _SCHEMA.name not in names:
            _refuse(database, names, is_made=is_made)
            _make(connection, database, tables)
        versions = connection.scalars(select(_SCHEMA.c.version)).all()
        if versions != [SCHEMA]:
            raise SettingsError(f"{database.origin}: {database.place}: {_other(versions)}")

    database.first(look)


def _refuse(database: Database, names: list[str], *, is_made: bool) -> None:
    """Refuse a database in which no ledger is, or none should be begun."""
    where = f"{database.origin}: {database.place}"
    if not is_made:
        raise SettingsError(f"{where}: holds no ledger of Panel; name another database; panel ledger import begins one")
    # Programs share a server, and a database of it, as a rule; a file is of one program.
    if database.is_sqlite and names:
        raise SettingsError(f"{where}: is a database of another program; name a new file")


def _make(connection: Connection, database: Database, tables: MetaData) -> None:
    if database.is_sqlite:
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")  # stays in the file: readers never wait for a writer
    elif connection.exec_driver_sql("SHOW server_encoding").scalar() != "UTF8":
        problem = "can't hold every text; make one for Panel with createdb -E UTF8 -T template0"
        raise SettingsError(f"{database.origin}: {database.place}: {problem}")
    with database.whole(connection):
        if not database.is_sqlite:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MAKING})")
        tables.create_all(connection)
        _OF_SCHEMA.create_all(connection)
        if not connection.scalars(select(_SCHEMA.c.version)).all():
            connection.execute(_SCHEMA.insert().values(version=SCHEMA))


def _other(versions: object) -> str:
    match versions:
        case [int(version)] if version > SCHEMA:
            problem = f"was made by a newer Panel (schema {version}; this one knows {SCHEMA})"
            return f"{problem}; install the newest Panel, or name another database"
    return "is no ledger as Panel makes it; name another database"
