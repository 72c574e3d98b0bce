"""Forked: runs `panel` commands as processes of their own that start at once, and can be killed.

One process imports everything and then forks a child for each line of JSON that it reads: {"arguments", "folder",
"environment"}. It answers with the child's process id, and with its exit code when it has ended.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Child:
    """A command that runs."""

    pid: int
    parent: Forked

    def ended(self) -> int:
        """Return its exit code when it has ended; -9 where it was killed."""
        return int(self.parent.line()["code"])


class Forked:
    """The process that forks."""

    def __init__(self) -> None:
        call = [sys.executable, __file__]
        self.process = subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.line() == {"ready": True}

    def line(self) -> dict[str, Any]:
        """Return the next line that it says."""
        assert self.process.stdout
        said: dict[str, Any] = json.loads(self.process.stdout.readline())
        return said

    def start(self, *arguments: str, folder: Path, environment: Mapping[str, str]) -> Child:
        """Start a command; one at a time."""
        assert self.process.stdin
        ask = {"arguments": arguments, "folder": str(folder), "environment": dict(environment)}
        self.process.stdin.write(json.dumps(ask) + "\n")
        self.process.stdin.flush()
        return Child(int(self.line()["pid"]), self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def _child(ask: dict[str, Any]) -> None:
    from panel.cli.app import app

    os.environ.update(ask["environment"])
    os.chdir(ask["folder"])
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    try:
        app(ask["arguments"])
    except SystemExit as end:
        os._exit(int(end.code or 0))
    finally:
        os._exit(70)


def _serve() -> None:
    import panel.cli.review
    import panel.llm.anthropic

    print(json.dumps({"ready": bool(panel.cli.review and panel.llm.anthropic)}), flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _child(json.loads(line))
        print(json.dumps({"pid": pid}), flush=True)
        _, status = os.waitpid(pid, 0)
        print(json.dumps({"code": os.waitstatus_to_exitcode(status)}), flush=True)


if __name__ == "__main__":
    _serve()
