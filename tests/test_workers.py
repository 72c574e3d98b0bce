"""Workers: the same results whatever their number, and none that outlives whoever began it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from panel.publish.workers import side_by_side

BUSY = """
import sys, time
from pathlib import Path
from panel.publish.workers import side_by_side

def work(task):
    held = open(sys.argv[1], "rb")
    print("at work", flush=True)
    time.sleep(600)

list(side_by_side(work, [1, 2], 2))
"""
"""A build that takes for ever, and whose workers hold a pipe open."""


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_results_come_in_the_order_of_the_tasks(workers: int) -> None:
    """However many workers there are, each task gives its own result, in its place."""
    assert [task * task for task in range(40)] == list(side_by_side(lambda task: task * task, range(40), workers))


def test_a_fault_of_a_worker_is_raised() -> None:
    """What ends a task in a worker is raised where the results are read."""
    with pytest.raises(ZeroDivisionError):
        list(side_by_side(lambda task: 1 // task, [1, 0], 2))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_whoever_began_them(tmp_path: Path, how: signal.Signals) -> None:
    """Where the one that began them is killed they end too, and let go of what they held."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    call = [sys.executable, "-c", BUSY, str(pipe)]
    with subprocess.Popen(call, stdout=subprocess.PIPE, text=True) as build, pipe.open("wb"):
        assert build.stdout
        assert "at work\n" == build.stdout.readline()
        build.send_signal(how)
        build.wait()
        left = build.stdout.read()  # comes to its end when no worker holds it any more

    assert set() == {*left.splitlines()} - {"at work"}
