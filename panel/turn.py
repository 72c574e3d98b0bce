"""Turn: one asks and the others wait, in this process and in every other on this machine."""

from __future__ import annotations

import asyncio
import errno
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from threading import Thread

from panel.errors import Busy, RecordError
from panel.files import why

if sys.platform != "win32":
    import fcntl


@asynccontextmanager
async def turn(path: Path, patience_s: float | None = None) -> AsyncIterator[None]:
    """Let those who are to write a file in one folder through one at a time; the folder is made where there is none.

    Who waits longer than `patience_s` seconds gives up with Busy; where it is None, nobody does.

    The lock is the system's own, on the folder itself: no file is left over, and a process that ends, however it does,
    holds nobody back. Where the system locks no folders, nobody waits.
    Raises RecordError where the file can't be written, so that nothing is paid for which can't be kept.
    """
    descriptor = _opened(path)
    try:
        if descriptor is not None:
            await _in_time(descriptor, path.parent, patience_s)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


@asynccontextmanager
async def turn_at(lock: Path, path: Path) -> AsyncIterator[None]:
    """Let those who are to make one thing in `path` through one at a time; others beside it wait for nobody.

    The lock is the system's own, on a file `lock` that is there only while somebody has it or waits for it. One that
    a killed process left is taken over by the next one. Where the system has no such locks, nobody waits.
    Raises RecordError as `turn` does.
    """
    _refuse_unwritable(path)
    descriptor = await _had(lock, path)
    try:
        yield
    finally:
        if descriptor is not None:
            _let_go(descriptor, lock)


def _let_go(descriptor: int, lock: Path) -> None:
    with suppress(OSError):
        lock.unlink()
    os.close(descriptor)


async def _had(lock: Path, path: Path) -> int | None:
    """Return the lock file, locked; who waited for one that was unlinked meanwhile begins again."""
    while sys.platform != "win32":
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise _unwritable(path, error) from error
        is_had = False
        try:
            await _locked(descriptor)
            is_had = _is_same(descriptor, lock)
        finally:
            if not is_had:
                os.close(descriptor)
        if is_had:
            return descriptor
    return None


def _is_same(descriptor: int, path: Path) -> bool:
    with suppress(OSError):
        return os.path.samestat(os.fstat(descriptor), path.stat())
    return False


def _opened(path: Path) -> int | None:
    _refuse_unwritable(path)
    try:
        return None if sys.platform == "win32" else os.open(path.parent, os.O_RDONLY)
    except OSError as error:
        raise _unwritable(path, error) from error


def _refuse_unwritable(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(path.parent, os.W_OK):
            raise PermissionError(errno.EACCES, "its folder is read-only")
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> RecordError:
    return RecordError(f"{path}: can't be written: {why(path, error)}; nothing was begun, and nothing was asked")


async def _in_time(descriptor: int, folder: Path, patience_s: float | None) -> None:
    try:
        async with asyncio.timeout(patience_s):
            await _locked(descriptor)
    except TimeoutError as error:
        problem = f"another run has been writing here for more than {patience_s:g} s"
        raise Busy(f"{folder}: {problem}; nothing was changed; let it end, then run this again") from error


async def _locked(descriptor: int) -> None:
    """Return when the lock is had; who gives up waiting leaves a thread behind that ends with the process."""
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        had, loop = asyncio.Event(), asyncio.get_running_loop()
        # The lock belongs to both descriptors, so it is free as soon as both are closed, whichever is last.
        own = os.dup(descriptor)

        def wait() -> None:
            with suppress(OSError):
                fcntl.flock(own, fcntl.LOCK_EX)
            os.close(own)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(had.set)

        # A thread of the loop's own pool would be waited for on Ctrl-C, and the pool could run out.
        Thread(target=wait, daemon=True).start()
        await had.wait()
    except OSError:  # no locks on this file system; of two replies the first one stands all the same
        return
