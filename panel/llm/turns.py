"""Turns on Postgres: of those who lack the same reply, on whatever machine, one asks and the others wait for it.

The lock is Postgres's own, an advisory one: it ends with the connection of who has it, so a process that dies holds
nobody back, and there is no clock to agree on and no row to renew or to clean up. All locks of a process are held by
one connection, however many requests it asks at once; who has to wait asks again, a little later each time.
It needs a connection that stays: a pooler in front must work by session.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from panel.errors import RecordError
from panel.files import digest_of
from panel.llm.database import ALIVE, Database

FIRST_WAIT_S, LONGEST_WAIT_S, GROWTH = 0.05, 1.0, 1.5

_TAKE = text("SELECT pg_try_advisory_lock(:number)")
_LET_GO = text("SELECT pg_advisory_unlock(:number)")
_MAY_WRITE = text(
    "SELECT current_setting('transaction_read_only') = 'off' AND has_table_privilege('panel_recordings', 'INSERT')"
)


@dataclass
class Turns:
    """The locks that this process has in one database."""

    database: Database
    held: dict[int, object] = field(default_factory=dict)
    """Who of this process has which lock: Postgres would give it to the same connection twice."""

    _connection: Connection | None = None
    # One thread does one thing after the other, so a lock that was given up is let go after it was had.
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "turns"))

    @asynccontextmanager
    async def turn(self, identity: str) -> AsyncIterator[None]:
        """Let those who lack the reply to one request through one at a time.

        Raises RecordError where nothing may be written, SettingsError where the server stays away.
        """
        number, mine, wait_s = _number(identity), object(), FIRST_WAIT_S
        loop = asyncio.get_running_loop()
        try:
            while not await loop.run_in_executor(self._thread, self._taken, number, mine):
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * GROWTH, LONGEST_WAIT_S)
            yield
        finally:
            self._thread.submit(self._let_go, number, mine)

    def close(self) -> None:
        """Let go of all locks."""
        self._thread.shutdown()
        self._drop()

    def _taken(self, number: int, mine: object) -> bool:
        if number in self.held:
            return False
        if self.database.call(lambda connection: connection.scalar(_TAKE, {"number": number}), self._lasting):
            self.held[number] = mine
        return number in self.held

    def _let_go(self, number: int, mine: object) -> None:
        if self.held.get(number) is not mine:
            return
        del self.held[number]
        # A server that is away has let go of it already.
        with suppress(DBAPIError), self._lasting() as connection:
            connection.execute(_LET_GO, {"number": number})

    @contextmanager
    def _lasting(self) -> Iterator[Connection]:
        """Yield the connection that has the locks; a new one takes them over, as far as nobody has them by now."""
        try:
            if self._connection is None:
                self._connection = self._opened()
            yield self._connection
        except DBAPIError:
            self._drop()
            raise

    def _opened(self) -> Connection:
        connection = self.database.engine.connect()
        if not connection.scalar(_MAY_WRITE):
            connection.close()
            problem = "can't be written: it is read-only for this user; nothing was begun, and nothing was asked"
            raise RecordError(f"{self.database.place}: {problem}")
        for key in ("idle", "interval", "count"):  # the server looks whether we are still there, too
            connection.exec_driver_sql(f"SET tcp_keepalives_{key} = {ALIVE[f'keepalives_{key}']}")
        for number in self.held:
            connection.execute(_TAKE, {"number": number})
        return connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()  # back in the pool it would still have the locks
            connection.close()


def _number(identity: str) -> int:
    """Return the number that Postgres knows the turn of a request by: 64 bits, which no other program should use."""
    return int.from_bytes(bytes.fromhex(digest_of(["panel.turn", identity])[-16:]), signed=True)
