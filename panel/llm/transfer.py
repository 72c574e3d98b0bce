"""Transfer: recordings as lines of JSON, from one ledger into another, whatever each is kept in."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from panel.errors import RecordError
from panel.files import LARGEST_RECORD, compact, is_file
from panel.llm.ledger import Recordings
from panel.llm.recording import Held

BATCH, HEAVIEST = 100, 4_000_000
"""Recordings, and bytes, that are written at a time."""

MOST_FAULTY = 1_000
"""After so many faulty lines a file is no export, and nothing more of it is read."""

PACKED = b"\x1f\x8b"
"""How a file of gzip begins."""


@dataclass
class Transferred:
    """What came of a transfer."""

    lines: int = 0
    """How many recordings were gone through, sound or not."""

    new: int = 0
    """How many were written."""

    known: int = 0
    """How many were there already; they stay as they were."""

    faults: list[str] = field(default_factory=list)
    """What was left out, each with its place."""

    ended: str | None = None
    """Why the rest was not read; None where all of it was."""


def exported(held: Iterable[Held], done: Transferred) -> Iterator[bytes]:
    """Yield a line for each sound recording, as it stands in its ledger; the same recordings give the same lines."""
    for each in held:
        done.lines += 1
        if each.recording:
            done.new += 1
            yield compact(each.data) + b"\n"
        elif len(done.faults) < MOST_FAULTY:
            done.faults.append(str(each.fault))


def packed(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what gzip makes of these parts; it holds no time and no name, so the same parts give the same bytes."""
    packer = zlib.compressobj(wbits=31)
    for part in parts:
        yield packer.compress(part)
    yield packer.flush()


def imported(path: Path, into: Recordings, watch: Callable[[Iterable[Held]], Iterable[Held]]) -> Transferred:
    """Write the recordings in a file of lines into a ledger, batch by batch; what is there already stays as it is.

    Faulty lines are left out and told. Raises RecordError where the file can't be read, or the ledger not written.
    """
    done, batch, weight = Transferred(), list[Held](), 0
    for held in watch(_held(path, done)):
        batch.append(held)
        weight += held.size
        if len(batch) == BATCH or weight > HEAVIEST:
            _add(batch, into, done)
            batch, weight = [], 0
    _add(batch, into, done)
    return done


def _add(batch: list[Held], into: Recordings, done: Transferred) -> None:
    new = into.add(batch)
    done.new += new
    done.known += len(batch) - new


def _held(path: Path, done: Transferred) -> Iterator[Held]:
    """Yield the sound recordings of a file; of others the fault is noted, with the number of the line."""
    if not is_file(path):
        raise RecordError.at(path, None, "", "is no file; name one that panel ledger export wrote")
    for line in _lines(path, done):
        done.lines += 1
        held = Held.of(line, None, f"{path}:{done.lines}")
        if held.fault is None:
            yield held
            continue
        problem = str(held.fault).rpartition("; ")[0]
        done.faults.append(f"{problem}; left out")
        if len(done.faults) == MOST_FAULTY:
            done.ended = f"{path}: has {MOST_FAULTY:,} faulty lines, and is no export; the rest was not read"
            return


def _lines(path: Path, done: Transferred) -> Iterator[bytes]:
    """Yield the lines of a file, packed or not, that are not empty; why no more can be read is noted."""
    try:
        with path.open("rb") as raw, _unpacked(raw) as file:
            yield from _bounded(file, path, done)
    except (OSError, EOFError, zlib.error) as error:
        problem = f"can't be read any further: {error}; what came before it was imported"
        done.ended = str(RecordError.at(path, None, "", problem))


def _bounded(file: BinaryIO, path: Path, done: Transferred) -> Iterator[bytes]:
    while line := file.readline(LARGEST_RECORD + 1):
        if len(line) > LARGEST_RECORD:
            problem = f"is longer than {LARGEST_RECORD:,} bytes; the rest was not read"
            done.ended = str(RecordError.at(path, done.lines + 1, "", problem))
            return
        if line.strip():
            yield line


def _unpacked(raw: BinaryIO) -> AbstractContextManager[BinaryIO]:
    is_packed = raw.read(len(PACKED)) == PACKED
    raw.seek(0)
    return cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if is_packed else nullcontext(raw)
