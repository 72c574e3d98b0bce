"""Children: programs that are run and measured, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

from loopback import with_panel

HERE = Path(__file__).parent
LONGEST_S = 3_600
STEERING = ("ANTHROPIC_", "OPENAI_", "PANEL_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


class Failed(Exception):
    """A program that is measured did not end as it should."""


@dataclass(frozen=True)
class Spent:
    """What a process took, its own children included."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def environment(url: str) -> dict[str, str]:
    """Return an environment that turns both SDKs to a server, and in which nothing else of theirs or of ours is set."""
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith(STEERING)}
    keys = {"ANTHROPIC_API_KEY": "loopback", "OPENAI_API_KEY": "loopback"}
    return with_panel({**clean, **keys, "ANTHROPIC_BASE_URL": url, "OPENAI_BASE_URL": f"{url}/v1"})


def run(call: Sequence[str | Path], folder: Path, environ: Mapping[str, str], codes: Sequence[int] = (0,)) -> Spent:
    """Return what a program took; raises Failed with its last lines where it ends with a code not in `codes`."""
    return run_all([call], folder, environ, codes)[0]


def run_all(
    calls: Sequence[Sequence[str | Path]], folder: Path, environ: Mapping[str, str], codes: Sequence[int] = (0,)
) -> list[Spent]:
    """Return what programs took that run at once; raises Failed as `run` does."""
    began = time.perf_counter()
    logs = [folder / f"said-{number}.txt" for number, _ in enumerate(calls)]
    running = []
    for call, log in zip(calls, logs, strict=True):
        with log.open("wb") as out:
            command = [*map(str, call)]
            running.append(subprocess.Popen(command, cwd=folder, env=dict(environ), stdout=out, stderr=out))
    spent = [_ended(process, began) for process in running]
    for process, call, log in zip(running, calls, logs, strict=True):
        if process.returncode not in codes:
            last = "\n".join(log.read_text(errors="replace").splitlines()[-12:])
            raise Failed(f"{' '.join(map(str, call))}: ended with {process.returncode}\n{last}")
    return spent


def _ended(process: subprocess.Popen[bytes], began: float) -> Spent:
    watch = Timer(LONGEST_S, process.kill)
    watch.start()
    _, status, usage = os.wait4(process.pid, 0)
    watch.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - began
    return Spent(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
