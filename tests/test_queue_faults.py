"""What is wrong with a queue's database is told in one line, without a password; the plain path needs none of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from office import Office
from queued import Queued, queued, url_of
from sqlalchemy import create_engine

from panel.llm.keys import without_secrets

__all__ = ["queued"]

ACTIONS = [("queue", "add", "plumb.yaml"), ("queue", "status"), ("queue", "export"), ("worker", "--until-empty")]
SECRET = "s3cret/pa ss"
SPELT = "s3cret%2Fpa%20ss"


def refused(office: Office, url: str, *arguments: str) -> str:
    """Return the one line that a command ends with, which must be exit 2 and show no password."""
    ended = office.type(*arguments, "--database-url", url)
    assert 2 == ended.exit_code, ended.output
    assert 1 == ended.stderr.count("\n"), ended.stderr
    assert "Traceback" not in ended.output
    assert SECRET not in ended.output
    assert SPELT not in ended.output
    return ended.stderr


@pytest.mark.parametrize("arguments", ACTIONS)
def test_a_server_that_is_not_there(office: Office, arguments: tuple[str, ...]) -> None:
    """Each command names the option, the place and what to do."""
    said = refused(office, f"postgresql://me:{SPELT}@/panel?host=/nowhere", *arguments)

    assert said.startswith("panel: --database-url: postgresql:///nowhere/panel: can't be reached:")


def test_a_password_that_is_wrong(office: Office, request: pytest.FixtureRequest) -> None:
    """What the server says is told, the password is not."""
    server = request.getfixturevalue("postgres")
    said = refused(office, server.url(user="stranger").replace("stranger@", f"stranger:{SPELT}@"), "queue", "status")

    assert "password authentication failed" in said


def test_a_database_of_somebody_else(office: Office, tmp_path: Path) -> None:
    """A file that another program made is left alone; so is one that is no database, and a folder."""
    other, text, folder = tmp_path / "other.sqlite", tmp_path / "text.sqlite", tmp_path / "folder"
    engine = create_engine(f"sqlite:///{other}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE theirs (one INTEGER)")
    engine.dispose()
    text.write_text("hello\n" * 400)
    folder.mkdir()
    before = other.read_bytes()

    assert "is a database of another program" in refused(office, f"sqlite:///{other}", "queue", "add", "plumb.yaml")
    assert "text.sqlite" in refused(office, f"sqlite:///{text}", "queue", "add", "plumb.yaml")
    assert "is no file" in refused(office, f"sqlite:///{folder}", "queue", "add", "plumb.yaml")
    assert before == other.read_bytes()


def test_no_queue_is_begun_by_looking(office: Office, tmp_path: Path) -> None:
    """Where there is no queue yet, the way to begin one is told, and no file is left behind."""
    said = refused(office, f"sqlite:///{tmp_path}/none.sqlite", "queue", "status")

    assert "there is no queue" in said
    assert "panel queue add begins one" in said
    assert not (tmp_path / "none.sqlite").exists()


def test_a_schema_of_a_newer_engine(queued: Queued) -> None:
    """A database that a newer DBOS has changed is not touched."""
    with queued.place() as place:
        queued.run(place, f"UPDATE {queued.table('dbos_migrations')} SET version = 9999")
    said = refused(queued.office, queued.url, "worker", "--until-empty")

    assert "was made by a newer DBOS (schema 9999; this one knows " in said
    assert "pip install -U dbos" in said


@pytest.mark.parametrize("place", ["/proc/none/queue.sqlite", "plumb.yaml/queue.sqlite"])
def test_a_folder_that_nothing_can_be_written_into(office: Office, place: str) -> None:
    """A queue that can't be made is named with its place."""
    said = refused(office, f"sqlite:///{place}", "queue", "add", "plumb.yaml")

    assert f"{place}: can't be made: " in said


@pytest.mark.parametrize("name", ["dbos", "sqlalchemy", "psycopg"])
def test_an_extra_that_is_missing(office: Office, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Without the extra the command says what to install."""
    monkeypatch.setitem(sys.modules, name, None)
    said = office.refused("queue", "add", "plumb.yaml")

    assert f'panel: {name} is not installed, which the queue needs; pip install "panel-of-critics[queue]"' in said


def test_a_misspelt_variable_is_named(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """PANEL_DATABASE_URL is read, and what is almost it is refused."""
    monkeypatch.setenv("PANEL_DATABSE_URL", "sqlite:///x")
    said = office.refused("queue", "status")
    monkeypatch.delenv("PANEL_DATABSE_URL")
    monkeypatch.setenv("PANEL_DATABASE_URL", "sqlite:///nothing-here.sqlite")

    assert "did you mean PANEL_DATABASE_URL?" in said
    assert "PANEL_DATABASE_URL: there is no queue at" in office.refused("queue", "status")


def test_a_password_in_an_address_is_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """However the password of PANEL_DATABASE_URL is spelt, it is taken out of what is written."""
    monkeypatch.setenv("PANEL_DATABASE_URL", f"postgresql://me:{SPELT}@host/panel?sslpassword=0ther-secret")
    text = f"{SECRET} {SPELT} 0ther-secret of postgresql://me@host/panel"

    assert "[key] [key] [key] of postgresql://me@host/panel" == without_secrets(text)


def test_a_review_imports_no_engine(office: Office) -> None:
    """`panel review` loads neither DBOS nor SQLAlchemy nor psycopg."""
    code = (
        "import sys; from panel.cli.app import app\n"
        "app(['review', 'plumb.yaml', '--model', 'fake:ship'], standalone_mode=False)\n"
        "print([name for name in ('dbos', 'sqlalchemy', 'psycopg') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=office.folder, capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.splitlines()[-1]


def test_where_the_queue_is_where_none_is_named(office: Office, request: pytest.FixtureRequest) -> None:
    """Without an address the queue is runs/queue.sqlite."""
    url_of(request, "sqlite", office.folder)
    office.done("queue", "add", "plumb.yaml")

    assert "1 waiting" in office.done("queue", "status")
    assert ["queue.sqlite"] == [path.name for path in office.path("runs").glob("*.sqlite")]
