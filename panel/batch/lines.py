"""Files of lines of JSON, longer than memory should hold: written whole, read a line at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from panel.errors import RecordError
from panel.files import LARGEST_RECORD, Json, canonical, why


class LineFile:
    """A file that is begun under another name and put in its place when it is whole; else nothing is left of it."""

    def __init__(self, path: Path) -> None:
        """Begin a file beside `path`; raises RecordError where it can't be written."""
        self.part = path.with_name(f".{path.name}.part")
        with _writing(self.part):
            self.part.parent.mkdir(parents=True, exist_ok=True)
            self.file = self.part.open("wb")

    def add(self, data: Json) -> None:
        """Add a line; raises RecordError where it can't be written."""
        with _writing(self.part):
            self.file.write(canonical(data) + b"\n")

    def place(self, path: Path) -> None:
        """Put the file in its place, whole."""
        with _writing(path):
            self.file.flush()
            os.fsync(self.file.fileno())
            self.file.close()
            os.replace(self.part, path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # a stray file is less harm than an error that hides another one
            self.file.close()
        with suppress(OSError):
            self.part.unlink()


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RecordError(f"{path}: not written: {why(path, error)}; nothing was submitted from it") from error


def lines_in(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield each line of a file with its number; raises RecordError where it can't be read or a line has no end."""
    try:
        with path.open("rb") as file:
            yield from enumerate(iter(lambda: _whole(file.readline(LARGEST_RECORD), path), b""), 1)
    except OSError as error:
        raise RecordError.at(path, None, "", f"can't be read: {error.strerror or error}; restore it") from error


def _whole(line: bytes, path: Path) -> bytes:
    if line and not line.endswith(b"\n"):
        raise RecordError.at(path, None, "", "ends in the middle of a line; restore the file")
    return line
