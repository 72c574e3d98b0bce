"""Collection: what came of a batch goes into the ledger, a line at a time."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property

from panel.batch.desk import Desk
from panel.batch.lines import LineFile
from panel.batch.manifest import Fault, Manifest, Tally
from panel.batch.requests import Requests
from panel.errors import Busy, Lost, Rejected, Transient
from panel.llm.batches import Batch, Result
from panel.llm.priced import priced
from panel.money import Prices, plain
from panel.request import Reply, Stop

KEPT_DAYS = 29
"""Days that Anthropic keeps results; OpenAI keeps the files for about as long."""

OLDEST = timedelta(days=KEPT_DAYS + 2)
"""No batch that can still be collected ended longer ago."""

MOST_NAMED = 10
"""So many faults are told one by one; all of them are in the file."""


async def looked(desk: Desk, manifest: Manifest) -> Manifest:
    """Return the manifest of a submitted batch after asking its vendor how far it is; what is told is written down.

    Raises Lost where the vendor has no such batch: with another key that is no wonder, so nothing is let go for it.
    """
    batch = await _asked(desk, manifest)
    try:
        async with desk.folder.turn():
            latest = desk.folder.named(manifest.name)
            is_same = latest.is_open and latest.id == manifest.id
            return desk.folder.save(_told(latest, batch)) if is_same else latest
    except Busy:  # who writes there asks the vendor, too
        return _told(manifest, batch)


async def cancelled(desk: Desk, manifest: Manifest) -> Manifest:
    """Return the manifest of a batch after asking its vendor to end it; what was answered can be collected.

    One that the vendor no longer has is let go, and its requests are free. To be called in a turn of the folder.
    """
    id, batches = manifest.id or "", desk.batches(manifest.model)
    try:
        batch = await desk.patiently(lambda: batches.cancel(id))
    except Lost:
        desk.tell(f"{manifest.name}: the vendor has no batch {id}; it is let go, and its requests are free")
        return desk.folder.save(manifest.model_copy(update={"phase": "dropped"}))
    return desk.folder.save(_told(manifest, batch))


async def collected(desk: Desk, manifest: Manifest) -> Manifest:
    """Return the manifest of a batch after its results went into the ledger; one that works on is returned as it is.

    Killed at any point it can be done again: what is recorded stands. To be called in a turn of the folder.
    Raises Lost where the results are no longer kept, and lets the requests go; Rejected where the batch failed as a
    whole; GaveUp where the results keep breaking off.
    """
    batch = await _asked(desk, manifest)
    manifest = desk.folder.save(_told(manifest, batch))
    if manifest.phase == "failed":
        raise Rejected(f"{manifest.name}: the vendor failed the whole batch ({manifest.reason}); its requests are free")
    if manifest.phase != "ended":
        return manifest
    try:
        with Requests.opened(desk.folder.requests(manifest), manifest.requests) as requests:
            tally = await desk.patiently(lambda: _taken_in(desk, manifest, batch, requests))
    except Lost as error:
        desk.folder.save(manifest.model_copy(update={"phase": "lost", "reason": str(error)}))
        problem = f"the vendor no longer keeps its results (they are kept for about {KEPT_DAYS} days)"
        raise Lost(f"{manifest.name}: {problem}; its requests are free") from error
    if tally is None:
        aside = {"id": None, "phase": "intent", "is_presumed": False, "not_ours": (*manifest.not_ours, batch.id)}
        desk.tell(f"{manifest.name}: {batch.id} is somebody else's; what became of ours is looked for again")
        return desk.folder.save(manifest.model_copy(update=aside))
    return desk.folder.save(manifest.model_copy(update={"phase": "collected", "tally": tally, "is_presumed": False}))


async def _asked(desk: Desk, manifest: Manifest) -> Batch:
    id, batches = manifest.id or "", desk.batches(manifest.model)
    try:
        return await desk.patiently(lambda: batches.status(id))
    except Lost as error:
        way = f"is the key the one that it was submitted with? If so, let go of it: panel batch cancel {manifest.name}"
        raise Lost(f"{manifest.name}: the vendor has no batch {id}; {way}") from error


def _told(manifest: Manifest, batch: Batch) -> Manifest:
    told: dict[str, object] = {"phase": batch.state, "counts": batch.counts, "reason": batch.reason}
    ended = {"ended_at": _moment(batch.ended_at)} if batch.ended_at else {}
    return manifest.model_copy(update=told | ended)


async def _taken_in(desk: Desk, manifest: Manifest, batch: Batch, requests: Requests) -> Tally | None:
    """Return what was taken in from a batch; None where it was taken for ours and is not."""
    taking = _Taking(desk, manifest, batch, requests, bytearray(len(requests.places)))
    with LineFile(desk.folder.faults(manifest)) as file:
        async with aclosing(desk.batches(manifest.model).results(batch)) as results:
            async for result in results:
                await taking.take(result, file)
        if manifest.is_presumed and taking.faults["unknown"] and not any(taking.seen):
            return None
        taking.refuse_short()
        taking.note_silent(file)
        if taking.faults:
            file.place(desk.folder.faults(manifest))
    taking.tell()
    return taking.tally


@dataclass
class _Taking:
    """The results of one batch while they come in."""

    desk: Desk
    manifest: Manifest
    batch: Batch
    requests: Requests
    seen: bytearray
    """For each request 1 where a result was seen."""

    replies: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    cost: Decimal = Decimal(0)
    lines: int = 0
    named: list[str] = field(default_factory=list)
    """The first faults, in words; told when all is taken in, since results that break off are read again."""

    async def take(self, result: Result, file: LineFile) -> None:
        """Take in one result: a reply goes into the ledger, anything else is noted."""
        self.lines += 1
        number = self.requests.number(result.custom_id)
        if number is None or self.seen[number]:
            kind = "broken" if not result.custom_id else "unknown" if number is None else "doubled"
            reason = result.reason or result.custom_id[:80]
            self._name(kind, f"{kind} result ({reason})")
            return
        self.seen[number] = 1
        if result.reply:
            await self._keep(result.custom_id, result.reply)
        else:
            self._note(result.custom_id, result.kind, result.reason, file)

    def note_silent(self, file: LineFile) -> None:
        """Note the requests of which the results say nothing."""
        for identity, (number, _) in self.requests.places.items():
            if not self.seen[number]:
                self._note(identity.hex(), "silent", "the results say nothing of it", file)

    def refuse_short(self) -> None:
        """Raise Transient where there are fewer results than the vendor counts replies: they broke off unseen."""
        if self.lines < self.batch.counts.answered:
            problem = f"the results hold {self.lines} of {self.batch.counts.answered} replies"
            raise Transient(f"{self.manifest.name}: {problem}")

    def tell(self) -> None:
        """Tell of the first faults, and how many more there are."""
        for text in self.named:
            self.desk.tell(f"  {text}")
        if (more := self.faults.total() - len(self.named)) > 0:
            self.desk.tell(f"  and {more} more")

    @cached_property
    def answered_at(self) -> str:
        """When the batch ended, which a second collection finds too; now where the vendor tells no sensible time."""
        now, ended = datetime.now(UTC), self.batch.ended_at
        return _moment(ended if ended and abs(now - ended) < OLDEST else now)

    @property
    def tally(self) -> Tally:
        """What was taken in."""
        return Tally(**self.replies, faults=dict(sorted(self.faults.items())), cost_usd=plain(self.cost))

    async def _keep(self, custom_id: str, reply: Reply) -> None:
        request, own = self.requests.at(custom_id), self.desk.project.ledgers.own
        reply = reply.model_copy(update={"batch": self.batch.id, "recorded_at": self.answered_at})
        prices = Prices(self.desk.project.settings.prices)
        whole = reply.model_copy(update={"cost_usd": priced(prices, request, reply)})
        stands = await asyncio.to_thread(own.keep, request, whole) if own.is_waited_for else own.keep(request, whole)
        is_new = stands.batch == self.batch.id
        used = reply.usage
        self.replies["answered" if is_new else "known"] += 1
        self.replies["refused"] += reply.stop == Stop.REFUSED
        self.replies["truncated"] += reply.stop == Stop.TRUNCATED
        self.replies["cached"] += used.cache_read
        self.replies["prompt"] += used.input + used.cache_read + used.cache_write
        self.replies["unpriced"] += whole.cost_usd is None
        self.cost += Decimal(whole.cost_usd or 0)

    def _note(self, custom_id: str, kind: str, reason: str | None, file: LineFile) -> None:
        label = self.requests.at(custom_id).label
        fault = Fault(custom_id=custom_id, tool=label.tool, persona=label.persona, kind=kind, reason=reason)
        file.add(fault.as_json())
        self._name(kind, f"{label.tool}: {label.persona}: {kind}{f' ({reason})' if reason else ''}")

    def _name(self, kind: str, text: str) -> None:
        self.faults[kind] += 1
        if len(self.named) < MOST_NAMED:
            self.named.append(text)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
