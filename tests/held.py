"""Held: another process that holds the records of a tool, as a run does while it writes them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self

import pytest

HOLDER = """
import fcntl, os, sys
fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.readline()
"""


class Held:
    """The process: it holds a folder until it is told to let go, or dies."""

    def __init__(self, folder: Path) -> None:
        call = [sys.executable, "-S", "-E", "-c", HOLDER, str(folder)]
        self.process = subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    @property
    def is_let_go(self) -> bool:
        """True where it was told to let go."""
        assert self.process.stdin
        return self.process.stdin.closed

    def let_go(self) -> None:
        """Let go of the folder."""
        assert self.process.stdin
        self.process.stdin.close()

    def die(self) -> None:
        """Die with the folder held."""
        self.process.kill()

    def __enter__(self) -> Self:
        assert self.process.stdout
        assert self.process.stdout.readline() == "held\n"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.process.stdout
        self.let_go()  # closing a pipe twice does no harm
        self.process.wait()
        self.process.stdout.close()


def when_waited_for(act: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Act as soon as a command of this process waits for its turn."""

    class Waiting(Thread):
        def start(self) -> None:
            super().start()
            act()

    monkeypatch.setattr("panel.turn.Thread", Waiting)
