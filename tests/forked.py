"""Forked: runs `panel` commands as processes of their own that start at once, and can be killed.

One process imports everything. For each line of JSON that it reads it forks a child, an Ask, and answers with the
child's process id; or it waits for a child, a process id, and answers with its exit code when it has ended.
"""

from __future__ import annotations

import gc
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import redirect_stdout, suppress
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from signal import SIGKILL
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Ask:
    """One command, and how it is to run."""

    arguments: tuple[str, ...]
    folder: str
    environment: Mapping[str, str]

    terminal: str | None = None
    """The terminal that it runs in; None: it has none."""

    output: str | None = None
    """The file that what it prints is added to, where it has no terminal; None: nobody hears it."""

    strike: int | None = None
    """At which of its points it is struck; 0: at none. See struck.py."""

    signal: int = SIGKILL
    """What it is struck with."""


STEERING = re.compile(r"^(?:ANTHROPIC|OPENAI|PANEL)_|(?:_proxy|_PROXY)$")
"""Variables of this machine that reach no test."""


@dataclass(frozen=True)
class Child:
    """A command that runs."""

    pid: int
    parent: Forked

    def ended(self) -> int:
        """Return its exit code when it has ended; -9 where it was killed."""
        return self.parent.ended(self.pid)


class Forked:
    """The process that forks."""

    def __init__(self, *modules: str) -> None:
        """Begin a process; `modules` are imported beside those of the commands."""
        clean = {name: value for name, value in os.environ.items() if not STEERING.search(name)}
        self.process = subprocess.Popen(
            [sys.executable, __file__, *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**clean, "COLUMNS": "100", "NO_COLOR": "1"},
        )
        self.running: list[int] = []
        """What nobody has waited for yet, by its process id."""

        assert self._line() == "ready"

    def _line(self) -> object:
        assert self.process.stdout
        said: object = json.loads(self.process.stdout.readline())
        return said

    def _told(self, ask: object) -> int:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(ask) + "\n")
        self.process.stdin.flush()
        said = self._line()
        assert isinstance(said, int)
        return said

    def start(
        self, *arguments: str, folder: Path, environment: Mapping[str, str], beside: Child | None = None, **how: Any
    ) -> Child:
        """Start a command; all but one `beside` it that a failed test left are killed. `how` are fields of Ask."""
        self.stop(but=beside)
        self.running.append(self._told(asdict(Ask(arguments, str(folder), dict(environment), **how))))
        return Child(self.running[-1], self)

    def ended(self, pid: int) -> int:
        """Return the exit code of a child when it has ended."""
        self.running.remove(pid)
        return self._told(pid)

    def stop(self, but: Child | None = None) -> None:
        """Kill what still runs."""
        for pid in [pid for pid in self.running if but is None or pid != but.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, SIGKILL)
            self.ended(pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.stop()
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def _child(ask: Ask) -> None:
    from panel.cli.app import app

    os.environ.update(ask.environment)
    os.chdir(ask.folder)
    _connect(ask)
    code = 70
    try:
        if ask.strike is not None:
            import struck

            struck.begin(ask.strike, ask.signal)
        app(ask.arguments)
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _connect(ask: Ask) -> None:
    """Turn what a command reads and prints to where it is to be."""
    if ask.terminal:
        os.setsid()  # who leads a session gets the first terminal that it opens as its own, and its Ctrl-C
        ends = [os.open(ask.terminal, os.O_RDWR)] * 3
    else:
        printed = os.open(ask.output or os.devnull, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        ends = [os.open(os.devnull, os.O_RDONLY), printed, printed]
    for number, end in enumerate(ends):
        os.dup2(end, number)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout, sys.stderr = (open(end, "w", buffering=1, closefd=False) for end in (1, 2))  # noqa: SIM115


def _warm() -> None:
    """Run a command, so that what is made when it is first needed is made once for all children."""
    import made

    from panel.cli.app import app

    with TemporaryDirectory() as folder, redirect_stdout(StringIO()):
        made.project(Path(folder), personas=1)
        for step in (["review"], ["retake", "--persona", "mason0", "--accept"]):
            app([step[0], f"{folder}/plumb.yaml", *step[1:], "--model", "fake:ship"], standalone_mode=False)
    tempfile.tempdir = None  # each child looks for its own


def _serve() -> None:
    from importlib import import_module

    from panel.cli.app import COMMANDS

    for name in (*(f"cli.{command}" for command in COMMANDS), "llm.anthropic_batches", *sys.argv[1:]):
        import_module(f"panel.{name}")
    _warm()
    gc.freeze()  # what a child never collects is never copied for it
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        print(json.dumps(_done(json.loads(line))), flush=True)


def _done(ask: Any) -> int:
    """Return the exit code of a child that is to be waited for, or the process id of a new one."""
    if isinstance(ask, int):
        _, status = os.waitpid(ask, 0)
        return os.waitstatus_to_exitcode(status)
    pid = os.fork()
    if pid == 0:
        _child(Ask(**ask))
    return pid


if __name__ == "__main__":
    _serve()
