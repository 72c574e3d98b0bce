"""Struck: a command that sends itself a signal at one of its points: before a file operation, or within a write.

The points are counted from 1, and told in the file that STRUCK_POINTS names, each before it is passed.
Where STRUCK_GATE names a Gate the command is not struck but waits there.
Time stands still, so that two runs of one command write the same bytes.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from types import TracebackType
from typing import Any, Self

POINTS = "STRUCK_POINTS"
"""The variable that names the file which hears of the points."""

GATE = "STRUCK_GATE"
"""The variable that names a gate."""

OPERATIONS = ((tempfile, "mkstemp"), (os, "mkdir"), (os, "fsync"), (os, "chmod"), (os, "link"), (os, "replace"))
OPERATIONS += ((os, "unlink"), (os, "rmdir"))


class Standing(datetime):
    """A clock at noon."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        """Return noon."""
        return cls(2026, 11, 21, 12, tzinfo=tz or UTC)


@dataclass(frozen=True)
class Gate:
    """Where a command waits until it is let through."""

    path: Path

    def put_up(self) -> None:
        """Put it up."""
        for end in self._ends:
            os.mkfifo(end)

    def wait(self) -> None:
        """Arrive, and wait."""
        for end, mode in zip(self._ends, (os.O_WRONLY, os.O_RDONLY), strict=True):
            os.close(os.open(end, mode))  # who opens one end of a pipe waits for who opens the other

    def reached(self) -> None:
        """Return when somebody has arrived."""
        os.close(os.open(self._ends[0], os.O_RDONLY))

    def open(self) -> None:
        """Let who waits through."""
        os.close(os.open(self._ends[1], os.O_WRONLY))

    @property
    def _ends(self) -> tuple[Path, Path]:
        return self.path.with_suffix(".in"), self.path.with_suffix(".out")


@dataclass
class Strike:
    """Counts the points of this process, and strikes at one of them."""

    at: int
    signal: int
    told: int
    """Where points are told."""

    count: int = 0

    def point(self, what: str, *about: object) -> None:
        """Tell of a point, and strike if it is the one."""
        names = [Path(each).name for each in about if isinstance(each, str | Path)]
        os.write(self.told, f"{' '.join([what, *names])}\n".encode())
        self.count += 1
        if self.count == self.at:
            self._strike()

    def _strike(self) -> None:
        if gate := os.environ.get(GATE):
            Gate(Path(gate)).wait()
        else:
            os.kill(os.getpid(), self.signal)


@dataclass
class Written:
    """A file that can be torn."""

    file: Any
    strike: Strike

    def write(self, content: Any) -> int:
        """Write it in two halves."""
        half = len(content) // 2
        self.strike.point("write", self.file.name)
        written = int(self.file.write(content[:half]))
        self.file.flush()
        self.strike.point("half", self.file.name)
        return written + int(self.file.write(content[half:]))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()


def begin(at: int, signal: int) -> None:
    """Count from here on, and strike at point number `at`; at none where it is 0."""
    import panel.llm.model

    vars(panel.llm.model)["datetime"] = Standing
    told = os.open(os.environ.get(POINTS, os.devnull), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    strike = Strike(at, signal, told)
    for module, name in OPERATIONS:
        setattr(module, name, _watched(name, getattr(module, name), strike))
    opened = io.open

    def watched(file: Any, mode: str = "r", *arguments: Any, **settings: Any) -> Any:
        there = opened(file, mode, *arguments, **settings)
        return there if mode in ("r", "rb") else Written(there, strike)

    io.open = watched


def _watched(name: str, operation: Callable[..., Any], strike: Strike) -> Callable[..., Any]:
    def watched(*arguments: Any, **settings: Any) -> Any:
        strike.point(name, *arguments)
        return operation(*arguments, **settings)

    return watched
