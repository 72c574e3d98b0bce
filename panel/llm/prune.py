"""Prune: which recordings nothing refers to any more."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from panel.errors import RecordError
from panel.files import is_folder, why
from panel.llm.recording import Held, Recording
from panel.record import is_moment

_IDENTITY = re.compile(rb"sha256:([0-9a-f]{64})")
_LONGEST = len("sha256:") + 64
_PART = 1_000_000
"""Bytes that are looked through at a time."""


@dataclass
class References:
    """The identities that files refer to, by their first 64 bits: of two that share them, both are kept."""

    numbers: set[int] = field(default_factory=set)
    files: int = 0
    """How many files were looked through."""

    def __contains__(self, identity: str) -> bool:
        return _number(identity.removeprefix("sha256:")) in self.numbers

    def look_through(self, folder: Path, aside: Collection[Path]) -> None:
        """Take in every identity that any file below a folder names, files and folders that are put `aside` left out.

        Records, takes, choices, comparisons, manifests: whatever names a recording keeps it, what it is need not be
        known. Raises RecordError where something can't be read, since it could name any.
        """
        for path in _files(folder, aside):
            self.files += 1
            try:
                self._take_in(path)
            except OSError as error:
                problem = f"can't be read: {why(path, error)}; what it refers to is not known, so nothing is pruned"
                raise RecordError.at(path, None, "", problem) from error

    def take_in(self, text: bytes) -> None:
        """Take in every identity that a text names."""
        self.numbers.update(_number(found.decode()) for found in _IDENTITY.findall(text))

    def _take_in(self, path: Path) -> None:
        with path.open("rb") as file:
            before = b""
            while part := file.read(_PART):
                self.take_in(before + part)
                before = part[1 - _LONGEST :]


def unused(held: Iterable[Held], referenced: References, before: str) -> Iterator[tuple[Recording, int]]:
    """Yield the sound recordings that nothing refers to and that were answered before a moment, with their bytes.

    A run that goes on, or was killed and is to go on, has younger ones: no record refers to them yet.
    """
    for each in held:
        one = each.recording
        if one and one.identity not in referenced and _is_older(one.reply.recorded_at, before):
            yield one, each.size


def _is_older(at: str, before: str) -> bool:
    return is_moment(at) and at < before


def _number(digits: str) -> int:
    return int(digits[:16], 16)


def _files(folder: Path, aside: Collection[Path]) -> Iterator[Path]:
    """Yield every plain file below a folder, each folder once, wherever links lead."""
    if not is_folder(folder):
        return
    seen = set(map(os.path.realpath, aside))
    for place, folders, names in os.walk(folder, onerror=_refuse, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        paths = (Path(place, name) for name in names)
        yield from (path for path in paths if path.is_file() and os.path.realpath(path) not in seen)


def _refuse(error: OSError) -> None:
    raise RecordError.at(str(error.filename), None, "", f"can't be read: {error.strerror}; nothing is pruned")
