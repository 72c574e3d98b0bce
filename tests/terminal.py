"""Terminal: a real one, as far as a command can tell, with somebody at it who reads and types."""

from __future__ import annotations

import os
import pty
import select
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from forked import Forked

CTRL_C, CTRL_D = "\x03", "\x04"
PATIENCE_S = 20
AGAIN_S = 0.3


class Terminal:
    """A pseudo-terminal in which one command runs."""

    def __init__(self, forked: Forked) -> None:
        self.forked = forked
        self.end, self.other_end = pty.openpty()
        self.shown = ""
        """All that was ever shown."""

        self.read = 0
        """How much of it was read."""

    def start(self, *arguments: str, folder: Path, environment: Mapping[str, str]) -> None:
        """Start a command in it."""
        self.child = self.forked.start(
            *arguments,
            folder=folder,
            environment={"TERM": "xterm-256color", "NO_COLOR": "", "COLUMNS": "100", **environment},
            terminal=os.ttyname(self.other_end),
        )

    def ended(self) -> int:
        """Return how the command ends."""
        return self.child.ended()

    def until(self, text: str) -> str:
        """Return what is shown up to a text, from where reading stopped before."""
        latest = time.monotonic() + PATIENCE_S
        while not self._comes(text, latest - time.monotonic()):
            if time.monotonic() > latest:
                message = f"{text!r} was not shown: {self.shown[self.read :]!r}"
                raise AssertionError(message)
        found = self.shown.index(text, self.read) + len(text)
        page, self.read = self.shown[self.read : found], found
        return page

    def insist(self, key: str, text: str) -> str:
        """Type a key until a text is shown: a signal that comes just before a command reads is heard after it read."""
        latest = time.monotonic() + PATIENCE_S
        while time.monotonic() < latest:
            self.type(key)
            if self._comes(text, AGAIN_S):
                break
        return self.until(text)

    def _comes(self, text: str, patience_s: float) -> bool:
        """Return whether a text is shown before nothing is for so long."""
        while text not in self.shown[self.read :]:
            if not select.select([self.end], [], [], max(0, patience_s))[0]:
                return False
            self.shown += os.read(self.end, 65_536).decode()
        return True

    def type(self, text: str) -> None:
        """Type."""
        os.write(self.end, text.encode())

    def rest(self) -> str:
        """Return what is shown that was not read yet."""
        while select.select([self.end], [], [], 0)[0]:
            self.shown += os.read(self.end, 65_536).decode()
        page, self.read = self.shown[self.read :], len(self.shown)
        return page

    def hang_up(self) -> None:
        """Close it, as one closes a window."""
        os.close(self.end)
        self.end = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.forked.stop()
        for end in (self.end, self.other_end):
            if end >= 0:
                os.close(end)
