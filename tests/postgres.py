"""A real Postgres for the tests: one server for a whole run, started from the machine's binaries, gone when it ends.

A test asks for the fixture `database`: the URL of an empty database that its module has for itself in its worker.
Who needs more of them asks for `postgres`, the server, and calls `postgres.database("name")`; with
`template="another"` the new one begins as a copy of that one, which nobody may be connected to then.
`postgres.run("SQL; SQL", "name")` runs statements as the superuser.
A test that stops or kills a server starts one for itself: `with serving(tmp_path) as server`.

- The server listens on a socket in a folder of its own, so there is no port to collide on, and trusts whoever comes.
  The role `stranger` is asked for a password, which is "strange", and may create nothing.
- It is started by the worker that asks first; the others find it by a file in the folder that the run's workers share.
- Every worker that uses it holds a shared lock on that file. A watcher waits for the lock to be free, which the system
  sees to however a worker ends; then it stops the server and deletes its folder. So no run leaves one behind.
- Postgres does not run as root: the server belongs to the user that Debian's package brings, or to nobody.
- Nothing is synced to the disk: it outlives its own kill, and no loss of power.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import equipment
import psycopg
import pytest

SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "jit": "off",
    "max_connections": "80",
    "shared_buffers": "16MB",
    "max_wal_senders": "0",
    "wal_level": "minimal",
}
ACCESS = "local all stranger scram-sha-256\nlocal all all trust\n"
STRANGER = "CREATE ROLE stranger LOGIN PASSWORD 'strange'; REVOKE CREATE ON SCHEMA public FROM public"
WATCH = """
import fcntl, shutil, subprocess, sys
place, folder, user, *stop = sys.argv[1:]
with open(place) as users:
    fcntl.flock(users, fcntl.LOCK_EX)
    subprocess.run(stop, user=user or None, cwd=folder)
    shutil.rmtree(folder, ignore_errors=True)
    open(place, "w").close()
"""
"""Waits for the last user of a server; who comes meanwhile waits for it, and finds that there is no server."""


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    folder: Path
    """Where its socket is, and its data."""

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        """Return where a database is, as libpq and SQLAlchemy read it."""
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def run(self, statements: str, database: str = "postgres") -> None:
        """Run statements in a database, each by itself."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements.split(";"):
                connection.execute(statement.encode())

    def database(self, name: str, template: str = "template1") -> str:
        """Return the URL of a new database that begins as a copy of another."""
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)


@contextmanager
def serving(shared: Path) -> Iterator[Server]:
    """Yield the one server of all who share a folder; a test that needs it ends here where there is no Postgres."""
    binaries = equipment.postgres()
    with (shared / "postgres").open("a+") as users, (shared / "postgres.lock").open("w") as starting:
        fcntl.flock(users, fcntl.LOCK_SH)
        fcntl.flock(starting, fcntl.LOCK_EX)
        users.seek(0)
        folder = users.read() or str(_started(binaries, shared / "postgres"))
        fcntl.flock(starting, fcntl.LOCK_UN)
        yield Server(Path(folder))


def _started(binaries: Path, place: Path) -> Path:
    """Start a server, write down where, and return its folder."""
    user, folder = _user(), Path(tempfile.mkdtemp(prefix="panel-postgres-"))
    data, log = folder / "data", folder / "log"
    if user:
        shutil.chown(folder, user)
    given = " ".join(f"-c {key}='{value}'" for key, value in SETTINGS.items())
    options = f"{given} -c unix_socket_directories='{folder}'"
    try:
        _run(user, folder, binaries / "initdb", "-D", data, "-U", "postgres", "-N", "-E", "UTF8", "--locale=C")
        (data / "pg_hba.conf").write_text(ACCESS)
        _run(user, folder, binaries / "pg_ctl", "start", "-w", "-D", data, "-l", log, "-o", options)
    except subprocess.CalledProcessError as error:
        said = f"{error.stderr.decode()}{log.read_text() if log.exists() else ''}"
        shutil.rmtree(folder)
        pytest.fail(f"Postgres does not start:\n{said}", pytrace=False)
    stop = [binaries / "pg_ctl", "stop", "-w", "-s", "-m", "immediate", "-D", data]
    # In a session of its own, so that what kills a whole run leaves who cleans up after it.
    aside = ["sh", "-c", '"$@" <&- >&- 2>&- &', "sh", sys.executable, "-ISc", WATCH, place, folder, user or ""]
    subprocess.run([*aside, *stop], start_new_session=True, check=True)
    Server(folder).run(STRANGER)
    place.write_text(str(folder))
    return folder


def _run(user: str | None, folder: Path, *command: str | Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    # What is started goes on, so it must not hold the ends of a pipe that somebody reads to the end.
    with (folder / "said").open("w+b") as said:
        streams = {"stdin": subprocess.DEVNULL, "stdout": said, "stderr": said}
        done = subprocess.run(command, check=False, user=user, cwd=folder, env=environment, **streams)
        said.seek(0)
        if done.returncode:
            raise subprocess.CalledProcessError(done.returncode, command, stderr=said.read())


def _user() -> str | None:
    """Return whom the server is to belong to; None where it can belong to whoever runs the tests."""
    if os.geteuid():
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"
