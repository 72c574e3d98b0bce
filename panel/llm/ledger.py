"""The ledger: every reply that was ever given, found by the identity of its request; here as readable files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol, TypeVar

from panel.errors import RecordError, RecordingMissing
from panel.files import LARGEST_RECORD, is_file, is_there, json_in, read_bytes, readable, write_new
from panel.llm.miss import changed_lines, nearest, seat_missing
from panel.llm.model import Model
from panel.llm.recording import Held, Recording, label_in, recording_in
from panel.request import Label, Reply, Request
from panel.turn import turn_at

Found = TypeVar("Found")


class Recordings(Protocol):
    """A ledger, whatever it is kept in."""

    @property
    def is_waited_for(self) -> bool:
        """True where `find` and `keep` may wait for another process, so that a thread does them."""
        ...

    def find(self, identity: str) -> Recording | None:
        """Return the recording, or None; raises RecordError where it is not what was written there."""
        ...

    def keep(self, request: Request, reply: Reply) -> Reply:
        """Write a recording; one that is there already is never overwritten. Return the reply that stands.

        Raises RecordError where it can't be written.
        """
        ...

    def labelled(self, label: Label) -> list[Recording]:
        """Return sound recordings made for one seat of one tool: they explain a miss."""
        ...

    def all(self) -> Iterator[Held]:
        """Yield everything that is held, one at a time, in the order of the identities; what is not sound too."""
        ...

    def turn(self, identity: str) -> AbstractAsyncContextManager[None]:
        """Let those who lack the same reply through one at a time, in this process and in every other.

        Raises RecordError where the reply could not be kept, so that nothing is paid for and lost.
        """
        ...


@dataclass(frozen=True)
class Ledger:
    """One folder of recordings, spread over 256 folders by the first two digits of the identity."""

    folder: Path
    is_waited_for = False

    def path(self, identity: str) -> Path:
        """Return where the recording of an identity belongs."""
        name = identity.removeprefix("sha256:")
        return self.folder / name[:2] / f"{name}.json"

    def find(self, identity: str) -> Recording | None:
        """Return the recording, or None; raises RecordError where the file is not what was written there."""
        path = self.path(identity)
        return self.read(path) if is_there(path) else None

    def read(self, path: Path) -> Recording:
        """Return the recording in one file; raises RecordError where it is torn, or not what was written there."""
        return self._recording(read_bytes(path, LARGEST_RECORD, RecordError), path)

    def keep(self, request: Request, reply: Reply) -> Reply:
        """Write a recording; one that is there already is never overwritten. Return the reply that stands."""
        recording, path = Recording.of(request, reply), self.path(request.identity)
        if write_new(path, readable(recording.as_json())):
            return recording.reply
        return self.read(path).reply

    def labelled(self, label: Label) -> list[Recording]:
        """Return the sound recordings made for one seat of one tool, in the order of their files.

        What is recorded after the first call is not among them: it explains a miss, and is read once for all misses.
        """
        found = (self._held(path).recording for path in self._by_seat.get((label.tool, label.persona), ()))
        return [recording for recording in found if recording and recording.label == label]

    def all(self) -> Iterator[Held]:
        """Yield what is in each file, in the order of their names."""
        return map(self._held, self._paths())

    def turn(self, identity: str) -> AbstractAsyncContextManager[None]:
        """Let those who lack the same reply through one at a time; raises RecordError where it can't be written."""
        path = self.path(identity)
        return turn_at(path.with_name(f".{path.stem}.turn"), path)

    @cached_property
    def _by_seat(self) -> Mapping[tuple[str, str], Sequence[Path]]:
        """The files by tool and persona, as they say themselves."""
        files: dict[tuple[str, str], list[Path]] = {}
        for path in self._paths():
            if label := label_in(_raw(path)):
                files.setdefault((label.tool, label.persona), []).append(path)
        return files

    def _paths(self) -> Iterator[Path]:
        return (path for path in sorted(self.folder.glob("??/*.json")) if is_file(path))

    def _recording(self, raw: bytes, path: Path) -> Recording:
        data = json_in(raw, path)
        identity = f"sha256:{path.stem}"
        return recording_in(data, identity if self.path(identity) == path else "", str(path))

    def _held(self, path: Path) -> Held:
        raw = b""
        try:
            raw = read_bytes(path, LARGEST_RECORD, RecordError)
            return Held(raw, self._recording(raw, path))
        except RecordError as error:
            return Held(raw, None, error)


def _raw(path: Path) -> bytes:
    with suppress(RecordError):
        return read_bytes(path, LARGEST_RECORD, RecordError)
    return b""


@dataclass(frozen=True)
class Ledgers:
    """The project's own ledger, which is written, and others beside it, which are only read."""

    own: Recordings
    others: Sequence[Recordings] = ()

    @cached_property
    def all(self) -> tuple[Recordings, ...]:
        """All of them, the project's own first."""
        return (self.own, *self.others)

    @property
    def is_waited_for(self) -> bool:
        """True where a look-up may wait for another process."""
        return any(ledger.is_waited_for for ledger in self.all)

    def find(self, identity: str) -> Reply | None:
        """Return the reply to a request, from the first ledger that has it, or None."""
        recording = self.recording(identity)
        return recording.reply if recording else None

    def recording(self, identity: str) -> Recording | None:
        """Return the recording of a request, from the first ledger that has it, or None."""
        return next(filter(None, (ledger.find(identity) for ledger in self.all)), None)

    def missing(self, request: Request) -> RecordingMissing:
        """Return the error for a request that no ledger holds: its seat, and what changed since the nearest one."""
        seat = seat_missing(request)
        similar = [recording for ledger in self.all for recording in ledger.labelled(request.label)]
        if not similar:
            return RecordingMissing(seat)
        changes = changed_lines(nearest(similar, request).request, request)
        return RecordingMissing(f"{seat}; the nearest one differs in:\n" + "\n".join(changes))


@dataclass(frozen=True)
class Recorded:
    """A Model that answers from the ledgers, and asks and records only what they lack.

    Two that lack the same reply at once, in two processes too, ask for it once: the second one waits for the first.
    """

    ledgers: Ledgers
    inner: Model | None
    """Who is asked where the ledgers are silent; None: nobody, the request is missing then."""

    asked: list[str] = field(default_factory=list)
    """Identities of what was asked in this run."""

    is_brief: bool = False
    """True where a miss need not be explained, which takes reading the whole ledger."""

    async def ask(self, request: Request) -> Reply:
        """Return the recorded reply, or ask and record; raises RecordingMissing where nobody may be asked."""
        identity, own = request.identity, self.ledgers.own
        if found := await _done(self.ledgers, lambda: self.ledgers.find(identity)):
            return found
        if self.inner is None:
            raise RecordingMissing(seat_missing(request)) if self.is_brief else self.ledgers.missing(request)
        async with own.turn(identity):
            if meanwhile := await _done(own, lambda: own.find(identity)):
                return meanwhile.reply
            said = await self.inner.ask(request)
            reply = await _done(own, lambda: own.keep(request, said))
            self.asked.append(identity)
            return reply


async def _done(ledger: Recordings | Ledgers, act: Callable[[], Found]) -> Found:
    """Return what `act` returns; a thread does it where it may be waited for, so that other requests go on."""
    return await asyncio.to_thread(act) if ledger.is_waited_for else act()
