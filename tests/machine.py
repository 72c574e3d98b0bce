"""Machine: the system calls that files below one folder rest on, counted, and broken at a chosen one.

with Machine(folder, OSError(errno.EIO, "Input/output error"), place=3) as machine:
    ...  # the third call fails
    machine.struck  # which call that was; None where it did not come that far
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import pytest

CALLS = (
    *(
        "stat",
        "lstat",
        "read",
        "mkdir",
        "mkstemp",
        "fdopen",
        "write",
        "flush",
        "fsync",
        "chmod",
        "replace",
        "link",
        "unlink",
    ),
    *("open folder", "fsync folder", "open log", "write log", "fsync log"),
)
"""The names of the calls."""


class Machine:
    """A machine on which one call fails."""

    def __init__(self, folder: Path, fault: BaseException, place: int) -> None:
        self.folder, self.fault, self.place = folder, fault, place
        self.seen: list[str] = []
        """Every call that was made."""
        self.logs: set[int] = set()
        """Descriptors of logs."""
        self._patch = pytest.MonkeyPatch()

    @property
    def struck(self) -> str | None:
        """The call that failed."""
        return self.seen[self.place - 1] if len(self.seen) >= self.place else None

    def meet(self, call: str) -> None:
        """Count a call, and break where it is the one."""
        self.seen.append(call)
        if len(self.seen) == self.place:
            raise self.fault

    def __enter__(self) -> Self:
        there = _unbroken(os.lstat)
        self._wrap(os, "stat", self._looked_at)
        for module, name, call in (
            *((os, "chmod", "chmod"), (os, "replace", "replace"), (os, "link", "link")),
            (Path, "read_bytes", "read"),
        ):
            self._wrap(module, name, lambda *_, call=call, **__: call)
        self._wrap(os, "unlink", lambda path, **_: "unlink" if there(path) else None)
        self._wrap(os, "mkdir", lambda path, *_: None if there(path) else "mkdir")
        self._wrap(os, "open", lambda path, flags, *_: None if flags & os.O_CREAT else "open folder")
        self._wrap(tempfile, "mkstemp", lambda *_, **__: "mkstemp")
        self._wrap(os, "fsync", self._synced)
        self._wrap(os, "fdopen", lambda *_: "fdopen", lambda file: Fragile(file, self, "write", "flush"))
        self._wrap(Path, "open", lambda path, mode, **_: "open log" if "a" in mode else None, self._log)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._patch.undo()

    def _wrap(
        self, module: Any, name: str, call_of: Callable[..., str | None], given: Callable[[Any], Any] = lambda one: one
    ) -> None:
        """Count a function where `call_of` names the call that its arguments make, and the path is one of ours."""
        real = getattr(module, name)

        def counted(*arguments: Any, **named: Any) -> Any:
            path = named.get("dir") or arguments[0]
            if isinstance(path, str | Path) and not Path(path).is_relative_to(self.folder):
                return real(*arguments, **named)
            if (call := call_of(*arguments, **named)) is None:
                return real(*arguments, **named)
            self.meet(call)
            return given(real(*arguments, **named))

        self._patch.setattr(module, name, counted)

    def _looked_at(self, path: Any, *, follow_symlinks: bool = True, **_: Any) -> str | None:
        if Path(path) == self.folder:  # while paths are made absolute, where a fault does no harm
            return None
        return "stat" if follow_symlinks else "lstat"

    def _log(self, file: IO[bytes]) -> Fragile:
        self.logs.add(file.fileno())
        return Fragile(file, self, "write log", None)

    def _synced(self, descriptor: int) -> str:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            return "fsync folder"
        return "fsync log" if descriptor in self.logs else "fsync"


def _unbroken(lstat: Callable[[Any], object]) -> Callable[[Any], bool]:
    """Return what tells whether something is at a path, by a call that is not counted."""

    def there(path: Any) -> bool:
        with suppress(OSError):
            return bool(lstat(path))
        return False

    return there


class Fragile:
    """An open file whose writes are counted; one that fails has written half."""

    def __init__(self, file: IO[bytes], machine: Machine, write: str, flush: str | None) -> None:
        self._file, self._machine, self._write, self._flush = file, machine, write, flush

    def write(self, content: bytes) -> int:
        """Write it all, or half of it."""
        try:
            self._machine.meet(self._write)
        except BaseException:
            self._file.write(content[: len(content) // 2])
            self._file.flush()
            raise
        return self._file.write(content)

    def flush(self) -> None:
        """Flush."""
        if self._flush:
            self._machine.meet(self._flush)
        self._file.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._machine.logs.discard(self._file.fileno())
        self._file.close()
