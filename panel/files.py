"""Files: whole writes, canonical JSON, content hashes."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, TypeAlias

from pydantic_core import to_json

from panel.errors import InputError, RecordError

LARGEST_RECORD = 16_000_000
"""Bytes; the largest dossier with the longest replies of a panel stays far below it."""

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"


def canonical(data: Json) -> bytes:
    """Return the one spelling of `data` that hashes are taken over: sorted keys, no spaces, UTF-8."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def readable(data: Json) -> bytes:
    """Return `data` as people read it: two spaces deep, keys in the order given, a newline at the end.

    Pydantic's writer spells it as `json.dumps(indent=2)` does, which is seven times slower, but for fractions below
    0.0001: these get no exponent before they need one.
    """
    text = to_json(data, indent=2) + b"\n"
    if b"NaN" in text or b"Infinity" in text:
        canonical(data)  # refuses the numbers; as words they may stand
    return text


def compact(data: Json) -> bytes:
    """Return `data` in one line: no spaces, keys in the order given, no newline at the end."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest_of(data: Json) -> str:
    """Return `sha256:` and the hash of the canonical spelling of `data`."""
    return "sha256:" + hashlib.sha256(canonical(data)).hexdigest()


def short_hash(data: Json) -> str:
    """Return the first 16 digits of the content hash of `data`: enough to see that it changed."""
    return digest_of(data).removeprefix("sha256:")[:16]


def write_whole(path: Path, content: bytes) -> bool:
    """Write a file so that a reader, and a crash, find the old one or the new one and never a part.

    Returns False where the file already holds exactly that, and then leaves it alone.
    Raises RecordError where the folder can't be written or the disk is full; the old file stands then.
    """
    try:
        if path.is_file() and path.read_bytes() == content:
            return False
    except OSError as error:
        raise _not_written(path, error) from error
    _put(path, [content], os.replace)
    return True


def write_parts(path: Path, parts: Iterable[bytes]) -> None:
    """Write a file, whole, of parts that need not fit into memory together; raises RecordError as `write_whole` does.

    Where the parts end in an error, the old file stands.
    """
    _put(path, parts, os.replace)


def write_new(path: Path, content: bytes) -> bool:
    """Write a file, whole, that nobody has written yet; of two that write at once the first one stands.

    Returns False where there is one already. Raises RecordError as `write_whole` does.
    """
    try:
        _put(path, [content], os.link)
    except FileExistsError:
        return False
    return True


def is_file(path: Path) -> bool:
    """Return whether there is a plain file; there is none where its name is longer than names can be."""
    with suppress(OSError):
        return path.is_file()
    return False


def is_folder(path: Path) -> bool:
    """Return whether there is a folder; there is none where its name is longer than names can be."""
    with suppress(OSError):
        return path.is_dir()
    return False


def _put(path: Path, parts: Iterable[bytes], place: Callable[[str, Path], None]) -> None:
    """Write a temporary file beside `path`, and `place` it there; raises FileExistsError where `place` does."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _place(path, parts, place)
    except OSError as error:
        if isinstance(error, FileExistsError) and os.path.isfile(path):
            raise
        raise _not_written(path, error) from error
    try:
        _sync_folder(path.parent)
    except OSError as error:
        raise RecordError(f"{path}: written, but a loss of power could undo it: {error.strerror or error}") from error


def _not_written(path: Path, error: OSError) -> RecordError:
    return RecordError(f"{path}: not written: {why(path, error)}; what stood there is untouched")


def why(path: Path, error: OSError) -> str:
    """Return why a path can't be read or written, and what to do where something else is in its place."""
    reason = error.strerror or str(error)
    if odd := _other_than_file(path):
        return f"{reason} (it is {odd}; move it away)"
    above = next((folder for folder in path.parents if os.path.lexists(folder)), path)
    return reason if os.path.isdir(above) else f"{reason} ({above} is no folder; move it away)"


def _other_than_file(path: Path) -> str | None:
    """Return what stands where a file belongs, or None where it is a file, or nothing, or can't be told."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        leads_nowhere = error.errno in (errno.ENOENT, errno.ELOOP) and os.path.lexists(path)
        return "a link to nowhere" if leads_nowhere else None
    if stat.S_ISDIR(mode):
        return "a folder"
    return None if stat.S_ISREG(mode) else "no plain file"


def _place(path: Path, parts: Iterable[bytes], place: Callable[[str, Path], None]) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        place(temporary, path)
    finally:
        # A stray file is less harm than an error that hides what became of the other one.
        with suppress(OSError):
            Path(temporary).unlink()


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a loss of power, where the system lets a folder be opened."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def append_line(path: Path, data: Json) -> None:
    """Add one line of JSON to a log.

    A line that a crash tore earlier is closed first, so it can spoil no line but itself.
    Raises RecordError where the log can't be written; the lines that stood there are untouched.
    """
    line = canonical(data) + b"\n"
    try:
        if path.is_symlink():
            raise RecordError.at(path, None, "", "is a link, and a log is never written through one; move it away")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b", buffering=0) as log:
            _add(log, line if _ends_whole(log) else b"\n" + line)
    except OSError as error:
        raise _not_written(path, error) from error


def _add(log: BinaryIO, text: bytes) -> None:
    """Add all of `text` or nothing; the log has no buffer, which could still be written on closing."""
    end, left, is_added = log.seek(0, os.SEEK_END), text, False
    try:
        while left:
            left = left[log.write(left) :]
        os.fsync(log.fileno())
        is_added = True
    finally:
        if not is_added:
            _take_back(log, end, text)


def _take_back(log: BinaryIO, end: int, text: bytes) -> None:
    """Cut a log off at `end`, unless another process has added a line since."""
    with suppress(OSError):
        log.seek(end)
        if text.startswith(log.read()):
            log.truncate(end)


def _ends_whole(log: BinaryIO) -> bool:
    """Return whether a log is empty or ends with a line break; reading does not move where it is added to."""
    if log.seek(0, os.SEEK_END) == 0:
        return True
    log.seek(-1, os.SEEK_END)
    return log.read(1) == b"\n"


def is_there(path: Path) -> bool:
    """Return whether anything stands at a path, a link to nowhere too; raises RecordError where that can't be told."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:  # a zero byte in its name is a ValueError
        raise RecordError.at(path, None, "", f"can't be read: {getattr(error, 'strerror', None) or error}") from error
    return True


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder, sorted; none where there is none. Raises RecordError where it can't be read."""
    try:
        return sorted(path.name for path in folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RecordError.at(folder, None, "", f"can't be read: {why(folder, error)}") from error


def _refuse(constant: str) -> None:
    message = f"{constant} is no value of JSON"
    raise ValueError(message)


def read_bytes(path: Path, largest: int, error: type[InputError]) -> bytes:
    """Return what is in a plain file; raises `error`, naming it, where it can't be read or is larger than `largest`."""
    try:
        if odd := _other_than_file(path):
            raise error.at(path, None, "", f"can't be read: it is {odd}; move it away and run again")
        with path.open("rb") as file:
            # Asked for all that there may be, Python first makes room for it, which takes longer than reading.
            size = min(os.fstat(file.fileno()).st_size, largest)
            raw = file.read(size + 1)
            if len(raw) > size:  # it grows, or is larger than it says
                raw += file.read(largest + 1 - len(raw))
    except OSError as reason:
        raise error.at(path, None, "", f"can't be read: {reason.strerror or reason}") from reason
    except ValueError as reason:  # a zero byte in its name
        raise error.at(path, None, "", f"can't be read: {reason}") from reason
    if len(raw) > largest:
        raise error.at(path, None, "", f"is larger than {largest:,} bytes; shorten it")
    return raw


def read_json(path: Path) -> Json:
    """Return the JSON in a file; raises RecordError, naming the file, where there is none or it is not JSON."""
    return json_in(read_bytes(path, LARGEST_RECORD, RecordError), path)


def json_in(raw: bytes, path: Path | str) -> Json:
    """Return the JSON that was read from a file or a row; raises RecordError, naming it, where it is none."""
    try:
        data: Json = json.loads(raw, parse_constant=_refuse)
        if rb"\ud" in raw.lower():
            canonical(data)  # half of a surrogate pair can be spelt in JSON and written nowhere
    except (ValueError, RecursionError) as error:
        problem = f"is not JSON ({error}); restore it, or delete it and run again"
        raise RecordError.at(path, None, "", problem) from error
    return data


def hash_of(path: Path) -> str:
    """Return the hash of what is in a file, empty where there is none; raises RecordError where it can't be read."""
    return hashlib.sha256(read_bytes(path, LARGEST_RECORD, RecordError)).hexdigest() if is_there(path) else ""
