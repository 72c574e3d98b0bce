"""A shell: runs a command as somebody would who sits at one, and answers when it asks."""

from __future__ import annotations

import os
import pty
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

WIDTH = 100
ASKS = b"try again (t): "
"""The space comes last, on its own; an answer before it would stand before it."""


def typed(command: str, folder: Path, answers: Sequence[str] = (), environment: Mapping[str, str] = {}) -> str:
    """Return what a command shows in a terminal of a hundred columns without colours, the answers included."""
    pid, screen = pty.fork()
    if pid == 0:
        here = {"TERM": "dumb", "COLUMNS": str(WIDTH), "LINES": "50", "PYTHONPATH": str(Path(__file__).parent.parent)}
        path = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        os.chdir(folder)
        os.execvpe("bash", ["bash", "-c", command], {**os.environ, **here, **path, **environment})
    shown, left = b"", [*answers]
    while part := _read(screen):
        shown += part
        if left and shown.endswith(ASKS):
            os.write(screen, f"{left.pop(0)}\n".encode())
    os.waitpid(pid, 0)
    os.close(screen)
    return shown.decode().replace("\r\n", "\n")


def _read(screen: int) -> bytes:
    try:
        return os.read(screen, 65_536)
    except OSError:  # whoever wrote to it has ended
        return b""
