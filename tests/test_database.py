"""Databases: what is wrong with one is told with what to do, and never with a password."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import made
import pytest
from mutated import within

from panel.errors import Busy, PanelError, RecordError, SettingsError
from panel.llm.address import ledger_at
from panel.llm.fake import Fake
from panel.llm.ledger import Ledger, Ledgers, Recorded, Recordings
from panel.llm.model import said
from panel.request import Request

if TYPE_CHECKING:
    from postgres import Server

    from panel.llm.sql import SqlLedger

OPTION = "--database-url"
HOW = "write sqlite:///FILE or postgresql://USER@HOST/DATABASE"
REPLY = said("one", "fake:panel")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody waits for a server that is away, or for a file that is locked."""
    monkeypatch.setattr("panel.llm.database.PATIENCE_S", (0, 0))
    monkeypatch.setattr("panel.llm.database.BUSY_S", 0)
    with within(20):
        yield


@pytest.fixture
def request_(tmp_path: Path) -> Request:
    """Give a request."""
    return made.question(tmp_path).request(1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give where a database is to be."""
    return tmp_path / "of" / "mine.db"


@pytest.fixture
def ledger(file: Path) -> Iterator[SqlLedger]:
    """Give an empty ledger in SQLite."""
    with ledger_at(f"sqlite:///{file}", OPTION, is_made=True) as begun:
        yield begun


def refused(address: str, *, is_made: bool = True) -> str:
    """Return what is said of a database that can't be opened."""
    with pytest.raises(SettingsError) as caught, ledger_at(address, OPTION, is_made=is_made):
        pass
    assert 2 == caught.value.exit_code
    return str(caught.value).replace(OPTION, "", 1)


ADDRESSES = {
    "nonsense": f": is no address of a database; {HOW}",
    "postgresql://ann:hidden@host:port/x": f": is no address of a database; {HOW}",
    "mysql://ann:hidden@host/x": f": mysql is no database that Panel knows; {HOW}",
    "postgresql+asyncpg://ann:hidden@host/x": f": postgresql+asyncpg is no database that Panel knows; {HOW}",
    "postgresql://ann:hid@den@host/x": ": write the @ in a password as %40",
    "sqlite://": f": names no file; {HOW}",
    "sqlite:///:memory:": f": names no file; {HOW}",
    "sqlite:///file:x?mode=memory&uri=true": f": names no file; {HOW}",
    "sqlite:///a\0b": f": names no file; {HOW}",
    "postgresql://ann:hidden@127.0.0.1:1/x": (
        ': postgresql://127.0.0.1/x: can\'t be reached: connection failed: connection to server at "127.0.0.1", port 1 '
        "failed: Connection refused; start it, or mend the address, the user or the password"
    ),
    "postgresql:///x?host=/nowhere&password=hidden": "postgresql:///nowhere/x: can't be reached: ",
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_leads_nowhere_is_told_without_its_password(address: str) -> None:
    """Each address that can't be used says why and what to write; exit code 2, and no password."""
    told = refused(address)

    assert ADDRESSES[address] in told
    assert "hidden" not in told
    assert "hid@" not in told


def test_a_password_that_a_driver_repeats_is_taken_out() -> None:
    """However a driver spells the password that it was given, the message does not."""
    from sqlalchemy.exc import OperationalError

    from panel.llm.database import Database

    database = Database.at("postgresql://ann:hid%2Fden@host/x?sslpassword=secret", OPTION)
    error = OperationalError("SELECT 1", {}, Exception("no hid/den or hid%2Fden or secret\nDETAIL: more"))

    assert "no *** or *** or ***; start it" in str(database.told(error))
    assert "DETAIL" not in str(database.told(error))
    assert "hid" not in database.place


def test_only_who_writes_begins_a_ledger(tmp_path: Path) -> None:
    """A misspelt file is no empty ledger: who reads is told, and nothing is made."""
    told = refused(f"sqlite:///{tmp_path / 'mime.db'}", is_made=False)

    assert f": there is no file {tmp_path / 'mime.db'}; panel ledger import makes one" == told
    assert not (tmp_path / "mime.db").exists()


def test_what_is_no_database_is_left_alone(tmp_path: Path) -> None:
    """A file that is none, an empty one, a folder and another program's database are refused and not changed."""
    (tmp_path / "text").write_text("what somebody wrote, " * 100)
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").touch()
    with closing(sqlite3.connect(tmp_path / "theirs")) as theirs:
        theirs.execute("CREATE TABLE bookmarks (url TEXT)")
    before = [path.read_bytes() for path in sorted(tmp_path.iterdir()) if path.is_file()]
    told = {name: refused(f"sqlite:///{tmp_path / name}") for name in ("text", "folder", "theirs")}
    told["empty"] = refused(f"sqlite:///{tmp_path / 'empty'}", is_made=False)
    told["below"] = refused(f"sqlite:///{tmp_path / 'text' / 'below' / 'x.db'}")

    assert before == [path.read_bytes() for path in sorted(tmp_path.iterdir()) if path.is_file()]
    problems = {name: text.partition(f"{tmp_path}/")[2].partition(": ")[2] for name, text in told.items()}
    assert {
        "text": "can't be used: file is not a database; name a database for Panel, or a new file",
        "folder": f"is no file; {HOW}",
        "theirs": "is a database of another program; name a new file",
        "empty": "holds no ledger of Panel; name another database; panel ledger import begins one",
        "below": f"can't be made: Not a directory ({tmp_path / 'text'} is no folder; move it away)",
    } == problems


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("UPDATE panel_schema SET version = 2", "was made by a newer Panel (schema 2; this one knows 1); install the "),
        ("UPDATE panel_schema SET version = 0", "is no ledger as Panel makes it; name another database"),
        ("UPDATE panel_schema SET version = 'x'", "is no ledger as Panel makes it; name another database"),
        ("INSERT INTO panel_schema VALUES (1)", "is no ledger as Panel makes it; name another database"),
        ("DROP TABLE panel_schema; CREATE TABLE panel_schema (name TEXT)", "can't be used: no such column: "),
    ],
)
def test_the_shape_of_the_tables_is_looked_at(change: str, problem: str, ledger: SqlLedger, file: Path) -> None:
    """Tables of a newer version, and tables that Panel never made, are refused with what to do."""
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(change)

    assert refused(f"sqlite:///{file}").startswith(f": {file}: {problem}")


def test_a_full_disk_loses_nothing_that_stood_there(ledger: SqlLedger, file: Path, request_: Request) -> None:
    """Where no page is left, the reply is told not to be written, and what was kept is there."""
    ledger.keep(request_, REPLY)
    engine = ledger.database.engine
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")  # of this connection, the one that is used again
    with pytest.raises(RecordError) as caught:
        ledger.keep(request_.model_copy(update={"sample": 2}), said("x" * 100_000, "fake:panel"))

    assert f"{file}: not written: database or disk is full; what stood there is untouched" == str(caught.value)
    assert ledger.find(request_.identity)


def test_a_file_that_somebody_locks_is_waited_for_and_then_told(
    ledger: SqlLedger, file: Path, request_: Request
) -> None:
    """Who holds the file for longer than writers are waited for is told of; readers are not held up."""
    with closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert ledger.find(request_.identity) is None
        with pytest.raises(Busy) as caught:
            ledger.keep(request_, REPLY)

    assert f"{file}: another run has been writing here for 30 s; let it end, then run this again" == str(caught.value)
    assert REPLY == ledger.keep(request_, REPLY)


ODD = {
    "CAST(X'7B22FF' AS TEXT)": "is not JSON",
    "X'00FF'": "is not JSON",
    "7": "is no recording as Panel writes it",
    "printf('%.*c', 16000001, 'x')": "is larger than 16,000,000 bytes",
}


@pytest.mark.parametrize("put", ODD)
def test_whatever_is_in_a_row_the_others_are_read(put: str, ledger: SqlLedger, file: Path, request_: Request) -> None:
    """SQLite takes anything into any column: bytes, numbers, broken and endless text are a fault with a name each."""
    other = request_.model_copy(update={"sample": 2})
    for each in (request_, other):
        ledger.keep(each, REPLY)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"UPDATE panel_recordings SET recording = {put} WHERE identity = ?", [other.identity])
        connection.commit()

    (fault,) = (str(each.fault) for each in ledger.all() if each.fault)
    assert fault.startswith(f"{file}: panel_recordings: {other.identity}: {ODD[put]}")
    assert ledger.find(request_.identity)


def test_recordings_that_are_added_together_stand_together(
    ledger: SqlLedger, file: Path, request_: Request, tmp_path: Path
) -> None:
    """Where one of a batch can't be written, none of it is: whoever brings them again knows where to begin."""
    files = Ledger(tmp_path / "files")
    for number in (1, 2):
        files.keep(request_.model_copy(update={"sample": number}), REPLY)
    held = [*files.all()]
    with closing(sqlite3.connect(file)) as connection:
        second = f"NEW.identity = '{held[1].recording and held[1].recording.identity}'"
        full = "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
        connection.execute(f"CREATE TRIGGER full BEFORE INSERT ON panel_recordings WHEN {second} {full}")
    with pytest.raises(RecordError):
        ledger.add(held)

    assert [] == [*ledger.all()]


def asked(ledger: Recordings, request: Request) -> tuple[str, int]:
    """Return what is said where a reply could not be kept, and how often was asked."""
    model = Fake([REPLY])
    with pytest.raises(PanelError) as caught:
        asyncio.run(Recorded(Ledgers(ledger), model).ask(request))
    return str(caught.value), len(model.asked)


def test_nobody_is_asked_where_a_file_is_read_only(
    ledger: SqlLedger, file: Path, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reply that could not be kept is not paid for."""
    monkeypatch.setattr(os, "access", lambda path, _: path != file)

    problem = "can't be written: it is read-only; nothing was begun, and nothing was asked"
    assert (f"{file}: {problem}", 0) == asked(ledger, request_)


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where what databases need is not installed, the message names the extra that brings it."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "sqlalchemy" or name == "panel.llm.sql"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)

    assert "pip install 'panel-of-critics[queue]'" in refused(f"sqlite:///{tmp_path / 'x.db'}")


# Postgres


@pytest.fixture
def name(database: str) -> str:
    """Give the name of an empty database in Postgres."""
    return database.partition("?")[0].rpartition("/")[2]


@pytest.fixture
def theirs(database: str) -> Iterator[SqlLedger]:
    """Give a ledger in it."""
    with ledger_at(database, OPTION, is_made=True) as ledger:
        yield ledger


def test_what_postgres_refuses_is_told(postgres: Server) -> None:
    """A wrong password, a database that is not there, one that can't hold every text: each with what to do."""
    postgres.run("CREATE DATABASE narrow ENCODING 'LATIN1' TEMPLATE template0")
    stranger = postgres.url(user="stranger:hidden")
    told = [refused(each) for each in (stranger, postgres.url("nowhere"), postgres.url("narrow"))]

    assert 'password authentication failed for user "stranger"' in told[0]
    assert "hidden" not in told[0]
    assert 'database "nowhere" does not exist; start it, or mend the address' in told[1]
    assert "can't hold every text; make one for Panel with createdb -E UTF8 -T template0" in told[2]
    assert [0, 0, 0] == [each.count("\n") for each in told]


def test_connections_that_are_cut_are_made_again(
    theirs: SqlLedger, name: str, postgres: Server, request_: Request
) -> None:
    """After a restart of the server a reply is kept, and the turn that a request had is held against others again."""
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
    here = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"  # others hold theirs beside
    locks = f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND {here}"

    async def story() -> int:
        async with theirs.turn(request_.identity):
            theirs.find(request_.identity)
            await asyncio.to_thread(postgres.run, f"{cut} pg_backend_pid()", name)
            theirs.keep(request_, REPLY)
            async with theirs.turn("another"):
                return theirs.database.call(lambda connection: connection.exec_driver_sql(locks).scalar_one())

    assert 2 == asyncio.run(story())
    assert theirs.find(request_.identity)


def test_turns_need_one_connection(theirs: SqlLedger, request_: Request) -> None:
    """However many requests are asked at once, their turns hold one connection."""
    connections = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"

    async def story() -> int:
        async with AsyncExitStack() as turns:
            for number in range(100):
                await turns.enter_async_context(theirs.turn(str(number)))
            return theirs.database.call(lambda connection: connection.exec_driver_sql(connections).scalar_one())

    assert 2 == asyncio.run(story())


def test_a_full_server_loses_nothing_that_stood_there(
    theirs: SqlLedger, name: str, postgres: Server, request_: Request
) -> None:
    """A server without room is told as a full disk is, and what was kept is there."""
    import psycopg

    function = "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE disk_full; END'"
    with psycopg.connect(postgres.url(name), autocommit=True) as connection:
        connection.execute(function)
        connection.execute("CREATE TRIGGER no_room BEFORE INSERT ON panel_recordings EXECUTE FUNCTION no_room()")
        with pytest.raises(RecordError) as caught:
            theirs.keep(request_, REPLY)
        connection.execute("DROP TRIGGER no_room ON panel_recordings")

    assert f"{theirs.database.place}: not written: disk_full; what stood there is untouched" == str(caught.value)


def test_nobody_is_asked_where_a_user_may_only_read(
    theirs: SqlLedger, name: str, postgres: Server, request_: Request
) -> None:
    """Who may read a ledger is given what is in it; a reply that could not be kept is not paid for."""
    theirs.keep(request_, REPLY)
    postgres.run("GRANT SELECT ON panel_recordings, panel_schema TO stranger", name)
    with ledger_at(postgres.url(name, "stranger:strange"), OPTION, is_made=True) as ledger:
        found = ledger.find(request_.identity)
        told = asked(ledger, request_.model_copy(update={"sample": 2}))

    assert found
    assert REPLY == found.reply
    problem = "can't be written: it is read-only for this user; nothing was begun, and nothing was asked"
    assert (f"{theirs.database.place}: {problem}", 0) == told
