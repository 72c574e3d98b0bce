"""Workers: processes that do one kind of work side by side, and end with whoever began them."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from threading import Thread
from time import sleep
from typing import Any, TypeVar

WATCH_S = 0.5
"""How often a worker looks whether its parent is still there, in seconds."""

Task = TypeVar("Task")
Done = TypeVar("Done")


def side_by_side(work: Callable[[Task], Done], tasks: Sequence[Task], workers: int) -> Iterator[Done]:
    """Yield what becomes of each task, in their order, whatever the number of workers.

    They are forked, so that what `work` needs is inherited and not sent; where the system can't fork, there are none.
    """
    if workers < 2 or len(tasks) < 2 or "fork" not in multiprocessing.get_all_start_methods():
        yield from map(work, tasks)
        return
    _Inherited.work = work
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(workers, mp_context=fork, initializer=_end_with, initargs=(os.getpid(),)) as pool:
        yield from pool.map(_worked, tasks, chunksize=8)


class _Inherited:
    """What workers inherit when they are forked."""

    work: Callable[[Any], Any]


def _worked(task: Any) -> Any:
    return _Inherited.work(task)


def _end_with(parent: int) -> None:
    """End this worker when its parent has ended: a killed build must hold nobody back."""

    def watch() -> None:
        while os.getppid() == parent:
            sleep(WATCH_S)
        os._exit(1)

    Thread(target=watch, daemon=True).start()
