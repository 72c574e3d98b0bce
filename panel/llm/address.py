"""Address: the ledger in a database, opened without importing what databases need before one is named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from panel.errors import SettingsError
from panel.llm.ledger import Recordings


@contextmanager
def ledger_at(address: str, origin: str, *, is_made: bool) -> Iterator[Recordings]:
    """Yield the ledger in a database, and close its connections; where it `is_made`, one is begun if there is none.

    `origin` is where the address was named: an option, a variable, or file and key.
    Raises SettingsError where it can't be opened, or where what is needed for databases is not installed.
    """
    try:
        from panel.llm.sql import SqlLedger
    except ModuleNotFoundError as error:
        problem = f"{error.name} is not installed, which databases need; pip install 'panel-of-critics[queue]'"
        raise SettingsError(f"{origin}: {problem}") from error
    ledger = SqlLedger.open(address, origin, is_made=is_made)
    try:
        yield ledger
    finally:
        ledger.close()
