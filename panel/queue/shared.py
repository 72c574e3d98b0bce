"""Shared: one limit on requests and tokens for all workers, in one row a model and one statement a call.

A call takes the next free slot once and sleeps until it has come; nobody asks again whether it may go. The row holds
when the next slot would be, for requests and for tokens: the "generic cell rate algorithm" of ITU-T I.371, 1996.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import TextClause, text

from panel.errors import Transient
from panel.llm.clock import REAL, Clock
from panel.llm.database import Database
from panel.llm.limit import Limit
from panel.llm.model import Model
from panel.request import Reply, Request
from panel.settings import Settings
from panel.tables import LimitSettings

BURST_S = 1.0
"""So many seconds' worth may go out at once after a rest; a single request that is worth more may, too."""

SHORTEST_HOLD_S = 1.0
"""A refusal that names no time holds everybody back for so long."""

LONGEST_HOLD_S = 3_600.0
"""What another machine asks for is believed up to here."""

AHEAD_S = 1.0
"""A slot that is further away holds the line of this process back, so that calls wait there and not in their slots."""

EARLY_S = 0.05
"""A hold that is over in so many seconds is over."""

_NEW = "INSERT INTO panel_limits VALUES (:model, 0, 0, 0) ON CONFLICT DO NOTHING"
_HOLD = "UPDATE panel_limits SET held_until = {most}(held_until, {now} + :seconds) WHERE model = :model"
_HOLDS = "SELECT model, held_until - {now} FROM panel_limits WHERE held_until > {now}"
_CORRECT = "UPDATE panel_limits SET tokens_at = tokens_at + :more WHERE model = :model"
_RESERVE = """
UPDATE panel_limits SET
    requests_at = {most}(requests_at, {now}, held_until) + :request_s,
    tokens_at = {most}(tokens_at, {now}, held_until) + :tokens_s
WHERE model = :model
RETURNING {most}(held_until, requests_at - :request_s - :request_burst_s, tokens_at - :tokens_s - :tokens_burst_s)
    - {now}, held_until - {now}
"""
_SERVER_NOW = "extract(epoch FROM statement_timestamp())::double precision"
"""All machines go by the clock of the server; on one machine all processes go by its own."""


@dataclass(frozen=True)
class Slot:
    """When a call may go out, in seconds from now; and how long everybody is held back."""

    wait_s: float
    held_s: float


@dataclass(frozen=True)
class SharedLimit:
    """The rows that hold the limits."""

    database: Database
    now: Callable[[], float] | None = None
    """What time it is; None: what the server says, or on SQLite this machine."""

    def ensure(self, model: str) -> None:
        """Return when a model has its row."""
        self.database.call(lambda connection: connection.execute(text(_NEW), {"model": model}))

    def reserve(self, model: str, fixed: LimitSettings, tokens: float) -> Slot:
        """Take the next slot for a call of so many tokens, within so many requests and tokens a minute."""
        request_s = 60 / fixed.rpm if fixed.rpm else 0.0
        tokens_s = tokens * 60 / fixed.tpm if fixed.tpm else 0.0
        given = {
            "model": model,
            "request_s": request_s,
            "request_burst_s": max(0.0, BURST_S - request_s),
            "tokens_s": tokens_s,
            "tokens_burst_s": max(0.0, BURST_S - tokens_s),
        }
        found = self.database.call(lambda connection: connection.execute(*self._statement(_RESERVE, given)).all())
        if not found:  # somebody has emptied the table
            self.ensure(model)
            return self.reserve(model, fixed, tokens)
        [(wait_s, held_s)] = found
        return Slot(max(0.0, wait_s), max(0.0, held_s))

    def correct(self, model: str, fixed: LimitSettings, more: float) -> None:
        """Count so many more tokens, or fewer, than were taken with the slot."""
        given = {"model": model, "more": more * 60 / fixed.tpm if fixed.tpm else 0.0}
        self.database.call(lambda connection: connection.execute(text(_CORRECT), given))

    def hold(self, model: str, seconds: float) -> None:
        """Hold back everybody who asks a model."""
        self.ensure(model)
        given = {"model": model, "seconds": min(seconds, LONGEST_HOLD_S)}
        self.database.call(lambda connection: connection.execute(*self._statement(_HOLD, given)))

    def holds(self) -> Mapping[str, float]:
        """Return for how many seconds each model is held back, those left out that are not."""
        rows = self.database.call(lambda connection: connection.execute(*self._statement(_HOLDS, {})).all())
        return {model: min(seconds, LONGEST_HOLD_S) for model, seconds in rows}

    def _statement(self, statement: str, given: Mapping[str, object]) -> tuple[TextClause, Mapping[str, object]]:
        most = "max" if self.database.is_sqlite else "greatest"
        if self.now is None and not self.database.is_sqlite:
            return text(statement.format(most=most, now=_SERVER_NOW)), given
        now = "CAST(:now AS double precision)"
        return text(statement.format(most=most, now=now)), {**given, "now": (self.now or time.time)()}


@dataclass(frozen=True)
class Metered:
    """A Model whose calls wait for their slot; it stands inside the retry policy, so every single call has one."""

    inner: Model
    shared: SharedLimit
    settings: Settings
    limits: Mapping[str, Limit]
    """What this process has learned of each model."""

    clock: Clock = REAL
    held: dict[str, float] = field(default_factory=dict)
    """Until when each model is held back, by the clock of this process."""

    async def ask(self, request: Request) -> Reply:
        """Return the reply; what a refusal asks of one worker is told to all."""
        name, fixed = request.model, self.settings.limit(request.model)
        is_fixed = bool(fixed.rpm or fixed.tpm)
        guess = self._limit(name).size.of(request)["tokens"]
        if is_fixed:
            await self._slot(name, fixed, guess)
        try:
            reply = await self.inner.ask(request)
        except Transient as fault:
            if fault.pauses_all:
                await asyncio.to_thread(self.shared.hold, name, fault.wait_s or SHORTEST_HOLD_S)
            raise
        used = reply.usage
        total = used.input + used.cache_read + used.cache_write + used.output
        if fixed.tpm and total:
            await asyncio.to_thread(self.shared.correct, name, fixed, total - guess)
        return reply

    async def _slot(self, name: str, fixed: LimitSettings, tokens: float) -> None:
        """Return when the slot of a call has come; one that a hold has passed over is given up for a new one."""
        while True:
            slot = await asyncio.to_thread(self.shared.reserve, name, fixed, tokens)
            self.hear(name, slot.held_s)
            if slot.wait_s > AHEAD_S:
                self._limit(name).hold(slot.wait_s - AHEAD_S)
            await self.clock.sleep(slot.wait_s)
            if self.held.get(name, 0.0) <= self.clock.now() + EARLY_S:
                return

    def hear(self, name: str, seconds: float) -> None:
        """Note that everybody who asks a model is held back for so many seconds."""
        if seconds > 0:
            self.held[name] = max(self.held.get(name, 0.0), self.clock.now() + seconds)
            self._limit(name).hold(seconds)

    def _limit(self, name: str) -> Limit:
        return self.limits.get(name) or _UNKNOWN


_UNKNOWN = Limit()
"""Of a model that nobody has asked yet."""
