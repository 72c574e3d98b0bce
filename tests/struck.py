"""Struck: a command that kills itself at one of its points: before a file operation, or in the middle of a write.

The points are counted from 1, and told in the file that PANEL_TEST_POINTS names, each before it is passed.
Time stands still, so that two runs of one command write the same bytes.
"""

from __future__ import annotations

import io
import os
import signal
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from types import TracebackType
from typing import Any, Self

POINTS = "STRUCK_POINTS"
"""The variable that names the file which hears of the points."""

OPERATIONS = ((tempfile, "mkstemp"), (os, "mkdir"), (os, "fsync"), (os, "chmod"), (os, "link"), (os, "replace"))
OPERATIONS += ((os, "unlink"), (os, "rmdir"))


class Standing(datetime):
    """A clock at noon."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        """Return noon."""
        return cls(2026, 11, 21, 12, tzinfo=tz or UTC)


@dataclass
class Strike:
    """Counts the points of this process, and kills it at one of them."""

    at: int
    told: int
    """Where points are told."""

    count: int = 0

    def comes(self, what: str, *about: object) -> bool:
        """Tell of a point; return whether it is the one."""
        names = [Path(each).name for each in about if isinstance(each, str | Path)]
        os.write(self.told, f"{' '.join([what, *names])}\n".encode())
        self.count += 1
        return self.count == self.at

    def point(self, what: str, *about: object) -> None:
        """Pass a point, or end there."""
        if self.comes(what, *about):
            kill()


def kill() -> None:
    """End this process as nothing can be caught that ends it."""
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class Written:
    """A file that can be torn."""

    file: Any
    strike: Strike

    def write(self, content: Any) -> int:
        """Write all, or half of it and end."""
        self.strike.point("write", self.file.name)
        if self.strike.comes("half", self.file.name):
            self.file.write(content[: len(content) // 2])
            self.file.flush()
            kill()
        return int(self.file.write(content))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()


def begin(at: int) -> None:
    """Count from here on, and end this process at point number `at`; at none where it is 0."""
    import panel.llm.model

    panel.llm.model.datetime = Standing  # type: ignore[misc]
    strike = Strike(at, os.open(os.environ.get(POINTS, os.devnull), os.O_WRONLY | os.O_APPEND | os.O_CREAT))
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
