"""The extra: what the queue needs beside Panel itself, and whether it is there and new enough."""

from __future__ import annotations

import sqlite3
import sys
from importlib import import_module

from panel.errors import InputError

FILE = "queue.sqlite"
"""In `runs/`, where no database is named."""

NEEDED = ("dbos", "sqlalchemy", "psycopg")
INSTALL = 'pip install "panel-of-critics[queue]"'
NEW_ENOUGH, STRICT_FROM = (3, 42), (3, 12)
"""DBOS takes SQLite for 3.42 or newer from Python 3.12 on, and fails with a riddle where it is older."""


def require() -> None:
    """Return where everything that the queue needs is installed; raises InputError, saying what to do, where not."""
    for name in NEEDED:
        try:
            import_module(name)
        except ModuleNotFoundError as error:
            raise InputError(f"{error.name} is not installed, which the queue needs; {INSTALL}") from error


def require_sqlite(
    python: tuple[int, ...] = sys.version_info[:2], version: tuple[int, ...] = sqlite3.sqlite_version_info
) -> None:
    """Return where this Python can keep a queue in SQLite; raises InputError where its SQLite is too old for that."""
    if python >= STRICT_FROM and version < NEW_ENOUGH:
        has = ".".join(map(str, version))
        problem = f"SQLite {has} is too old for a queue under Python {python[0]}.{python[1]}: it needs 3.42"
        ways = "use Python 3.11, or one that was built with a newer SQLite, or --database-url postgresql://..."
        raise InputError(f"{problem}; {ways}")
