"""The ledger: every reply that was ever given, found by the identity of its request; here as readable files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Protocol, TypeVar

from panel.errors import RecordError, RecordingMissing
from panel.files import LARGEST_RECORD, is_folder, is_there, json_in, names_in, read_bytes, readable, why, write_new
from panel.llm.miss import changed_lines, nearest, seat_missing
from panel.llm.model import Model
from panel.llm.recording import MOST_SIMILAR, Held, Recording, label_in, recording_in
from panel.request import Label, Reply, Request
from panel.turn import turn_at

Found = TypeVar("Found")

MOST_LOOKED_THROUGH = 20_000
"""So many files are looked through for those of one seat, which takes some seconds."""

_DIGITS = 2
"""Digits of an identity that name the folder of its recording: a million recordings make folders of four thousand."""


class Recordings(Protocol):
    """A ledger, whatever it is kept in."""

    @property
    def place(self) -> str:
        """What people know it by: a folder, or a database without its password."""
        ...

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

    @property
    def is_too_large(self) -> bool:
        """True where `labelled` did not look through all recordings."""
        ...

    def all(self) -> Iterator[Held]:
        """Yield everything that is held, one at a time, in the order of the identities; what is not sound too."""
        ...

    def add(self, held: Sequence[Held]) -> int:
        """Write sound recordings as another ledger holds them; return how many were not there yet."""
        ...

    def remove(self, identity: str) -> None:
        """Delete a recording, if it is there."""
        ...

    @property
    def files(self) -> Collection[Path]:
        """The files and folders that it is kept in, as far as they are on this machine."""
        ...

    def beside(self) -> Iterator[str]:
        """Yield the texts that are kept in the same place and may name recordings, such as the records of a queue."""
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

    @property
    def place(self) -> str:
        """The folder."""
        return str(self.folder)

    def path(self, identity: str) -> Path:
        """Return where the recording of an identity belongs."""
        name = identity.removeprefix("sha256:")
        return self.folder / name[:_DIGITS] / f"{name}.json"

    def find(self, identity: str) -> Recording | None:
        """Return the recording, or None; raises RecordError where the file is not what was written there."""
        path = self.path(identity)
        return self.read(path) if is_there(path) else None

    def read(self, path: Path) -> Recording:
        """Return the recording in one file; raises RecordError where it is torn, or not what was written there."""
        data = json_in(read_bytes(path, LARGEST_RECORD, RecordError), path)
        return recording_in(data, self._identity(path), str(path))

    def keep(self, request: Request, reply: Reply) -> Reply:
        """Write a recording; one that is there already is never overwritten. Return the reply that stands."""
        recording, path = Recording.of(request, reply), self.path(request.identity)
        if write_new(path, readable(recording.as_json())):
            return recording.reply
        return self.read(path).reply

    def labelled(self, label: Label) -> list[Recording]:
        """Return the sound recordings made for one seat of one tool, in the order of their files; at most a hundred.

        What is recorded after the first call is not among them: it explains a miss, and is read once for all misses.
        """
        paths = self._seats.paths.get((label.tool, label.persona), ())[:MOST_SIMILAR]
        found = (self._held(path).recording for path in paths)
        return [recording for recording in found if recording and recording.label == label]

    @property
    def is_too_large(self) -> bool:
        """True where it has more files than are looked through for a miss."""
        return self._seats.is_cut

    def all(self) -> Iterator[Held]:
        """Yield what is in each file, in the order of their names."""
        return map(self._held, self._paths())

    def add(self, held: Sequence[Held]) -> int:
        """Write sound recordings as another ledger holds them; return how many were not there yet."""
        sound = [(each.recording, each.data) for each in held if each.recording]
        return sum(write_new(self.path(recording.identity), readable(data)) for recording, data in sound)

    def remove(self, identity: str) -> None:
        """Delete a recording, if it is there; raises RecordError where it can't be deleted."""
        path = self.path(identity)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise RecordError(f"{path}: not deleted: {why(path, error)}") from error

    @property
    def files(self) -> Collection[Path]:
        """The folder."""
        return [self.folder]

    def beside(self) -> Iterator[str]:
        """Yield nothing: the folder has nothing but recordings in it."""
        return iter(())

    def turn(self, identity: str) -> AbstractAsyncContextManager[None]:
        """Let those who lack the same reply through one at a time; raises RecordError where it can't be written."""
        path = self.path(identity)
        return turn_at(path.with_name(f".{path.stem}.turn"), path)

    @cached_property
    def _seats(self) -> _Seats:
        """The files by tool and persona, as they say themselves."""
        files: dict[tuple[str, str], list[Path]] = {}
        paths = self._paths()
        for path in islice(paths, MOST_LOOKED_THROUGH):
            if label := label_in(_raw(path)):
                files.setdefault((label.tool, label.persona), []).append(path)
        return _Seats(files, next(paths, None) is not None)

    def _paths(self) -> Iterator[Path]:
        """Yield what lies where recordings do, folder by folder, so that no more names are held than one has."""
        for folder in names_in(self.folder):
            if len(folder) == _DIGITS and is_folder(self.folder / folder):
                names = names_in(self.folder / folder)
                yield from (self.folder / folder / name for name in names if name.endswith(".json"))

    def _identity(self, path: Path) -> str:
        """Return whose recording belongs into a file; nobody's where it lies elsewhere than it should."""
        identity = f"sha256:{path.stem}"
        return identity if self.path(identity) == path else ""

    def _held(self, path: Path) -> Held:
        try:
            raw = read_bytes(path, LARGEST_RECORD, RecordError)
        except RecordError as error:
            return Held(0, None, None, error)
        return Held.of(raw, self._identity(path), str(path))


@dataclass(frozen=True)
class _Seats:
    paths: Mapping[tuple[str, str], Sequence[Path]]
    is_cut: bool


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
        if any(ledger.is_too_large for ledger in self.all):
            seat += f" (of a ledger that has more, {MOST_LOOKED_THROUGH:,} were looked through for the nearest one)"
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
            raise RecordingMissing(seat_missing(request)) if self.is_brief else await self._missing(request)
        async with own.turn(identity):
            if meanwhile := await _done(own, lambda: own.find(identity)):
                return meanwhile.reply
            said = await self.inner.ask(request)
            reply = await asyncio.to_thread(own.keep, request, said)  # the disk is waited for, whatever the ledger
            self.asked.append(identity)
            return reply

    async def _missing(self, request: Request) -> RecordingMissing:
        return await _done(self.ledgers, lambda: self.ledgers.missing(request))


async def _done(ledger: Recordings | Ledgers, act: Callable[[], Found]) -> Found:
    """Return what `act` returns; a thread does it where it may be waited for, so that other requests go on."""
    return await asyncio.to_thread(act) if ledger.is_waited_for else act()
