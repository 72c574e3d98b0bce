"""Submission: an intent on disk, then the batch at the vendor, then its id on disk; and what to do in between.

A kill, or a line that drops, can leave an intent of which nobody knows whether the vendor has it. It is looked for
there before anything is submitted again. OpenAI keeps our name for a batch, so it is found or is not there.
Anthropic keeps none: a batch of the workspace that was made at about that time with as many requests is taken for
ours. Where it has ended, one of its results tells; while it works, nothing can, and of several the nearest in time is
taken. If its results turn out to be somebody else's, it is put aside, and the search begins again. What can't be
told at all: whether a batch that the list does not show yet is still to come.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Collection
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from panel.batch.desk import Desk
from panel.batch.drafts import Drafts
from panel.batch.manifest import Manifest, identities_in
from panel.batch.requests import Requests
from panel.errors import Lost, RecordError, Rejected, Transient
from panel.files import why
from panel.llm.batches import Batch, Batches

SKEW = timedelta(minutes=10)
"""How far the vendor's clock may be behind ours."""

LATEST = timedelta(hours=1)
"""How long after the intent a batch can have been made: retries end after minutes, and an upload takes some."""

SETTLING_S = 15.0
"""Seconds after which a vendor's list is taken to show a batch whose making we did not hear of."""

_IDENTITY = re.compile(r"[0-9a-f]{64}")


async def submitted(desk: Desk, drafts: Drafts) -> list[Manifest]:
    """Submit drafts, one at a time, and return their manifests; to be called in a turn of the folder.

    Raises ModelError where a vendor will not have one, or where that can't be told; those before it are submitted.
    """
    done = []
    for draft in drafts.ready:
        manifest = draft.manifest(desk.folder.mark())
        draft.file.place(desk.folder.requests(manifest))
        desk.folder.save(manifest)
        done.append(await _posted(desk, manifest))
    return done


async def settled(desk: Desk) -> None:
    """Find out what became of each intent; to be called in a turn of the folder.

    One that the vendor has goes on under its id; one that it has not is forgotten, and its requests are free.
    """
    for manifest in desk.folder.open():
        if manifest.phase != "intent":
            continue
        batches = desk.batches(manifest.model)
        found = await desk.patiently(_Search(desk, batches, manifest).found)
        if found:
            desk.tell(f"{manifest.name}: was submitted, as {found.id}")
            _under_way(desk, manifest, batches, found)
        else:
            desk.tell(f"{manifest.name}: never came to be at the vendor; its requests are free")
            desk.folder.forget(manifest)


async def _posted(desk: Desk, manifest: Manifest) -> Manifest:
    batches = desk.batches(manifest.model)
    posting = _Posting(desk, batches, manifest)
    try:
        batch = await desk.patiently(posting.once)
    except Rejected:
        if not posting.is_doubtful:
            desk.folder.forget(manifest)
        raise
    return _under_way(desk, manifest, batches, batch, is_found=posting.is_found)


def _under_way(desk: Desk, manifest: Manifest, batches: Batches, batch: Batch, *, is_found: bool = True) -> Manifest:
    is_presumed = is_found and not batches.names
    known = {"id": batch.id, "phase": batch.state, "counts": batch.counts, "is_presumed": is_presumed}
    return desk.folder.save(manifest.model_copy(update=known))


@dataclass
class _Posting:
    """One batch on its way to the vendor."""

    desk: Desk
    batches: Batches
    manifest: Manifest
    is_doubtful: bool = False
    """True once the vendor may have it although we did not hear so."""

    is_found: bool = False

    async def once(self) -> Batch:
        """Return the batch: the one that an earlier try made after all, or a new one."""
        if self.is_doubtful:
            await self.desk.clock.sleep(SETTLING_S)
            if found := await _Search(self.desk, self.batches, self.manifest).found():
                self.is_found = True
                return found
        try:
            with tempfile.TemporaryFile(dir=self.desk.folder.path) as body:
                with Requests.opened(self.desk.folder.requests(self.manifest), self.manifest.requests) as requests:
                    self.batches.write((self.batches.line(*each) for each in requests.all()), body)
                return await self.batches.submit(self.manifest.name, body)
        except OSError as error:
            path = self.desk.folder.path
            raise RecordError(f"{path}: a batch can't be written: {why(path, error)}; it was not submitted") from error
        except Transient as fault:
            self.is_doubtful = self.is_doubtful or not fault.pauses_all  # who is turned away at the door left nothing
            raise


@dataclass(frozen=True)
class _Search:
    """The search for a batch whose id we did not hear."""

    desk: Desk
    batches: Batches
    manifest: Manifest

    async def found(self) -> Batch | None:
        """Return the batch that is ours, or taken for it, or None."""
        intended = datetime.fromisoformat(self.manifest.created_at)
        taken = {*self.manifest.not_ours, *(each.id for each in self.desk.folder.all() if each.id)}
        likely: list[Batch] = []
        async with aclosing(self.batches.recent(intended - SKEW)) as recent:
            async for batch in recent:
                if self.batches.names and batch.name == self.manifest.name:
                    return batch
                if not self.batches.names and self._is_likely(batch, intended, taken):
                    likely.append(batch)
        likely.sort(key=lambda batch: abs(batch.created_at - intended))
        told = [(batch, await self._is_ours(batch)) for batch in likely]
        sure = [batch for batch, is_ours in told if is_ours]
        perhaps = [batch for batch, is_ours in told if is_ours is None]
        return next(iter([*sure, *perhaps]), None)

    def _is_likely(self, batch: Batch, intended: datetime, taken: Collection[str]) -> bool:
        fits = batch.counts.total == self.manifest.requests and batch.created_at <= intended + LATEST
        return fits and batch.id not in taken

    async def _is_ours(self, batch: Batch) -> bool | None:
        """Return whether a result of a batch answers one of our requests; None while none tells."""
        if batch.state != "ended":
            return None
        mine = {identity.hex() for identity in identities_in(self.desk.folder.requests(self.manifest))}
        with suppress(Lost):
            async with aclosing(self.batches.results(batch)) as results:
                ids = (result.custom_id async for result in results if _IDENTITY.fullmatch(result.custom_id))
                return await anext(ids, "") in mine
        return False
