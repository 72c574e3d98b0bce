"""Files: whole or not at all, one spelling for hashes, logs that a crash can't spoil."""

from __future__ import annotations

import errno
import json
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NoReturn, Self

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from panel.errors import RecordError
from panel.files import (
    Json,
    append_line,
    canonical,
    digest_of,
    is_file,
    is_folder,
    read_bytes,
    read_json,
    readable,
    write_whole,
)

OLD, NEW = b'{"old": true}\n', b'{"new": true}\n' * 1000
TEXT = st.text(st.characters(codec="utf-8"))
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
JSONS = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))
Breaks = Callable[[pytest.MonkeyPatch], None]


def full(*_: object, **__: object) -> NoReturn:
    """Fail as a full disk does."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Torn:
    """A file on a disk that is full after half of what is written."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()

    def write(self, content: bytes) -> NoReturn:
        """Write half of it and fail."""
        self.file.write(content[: len(content) // 2])
        self.file.flush()
        full()


def half_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the disk full in the middle of the next file."""
    real = os.fdopen
    monkeypatch.setattr(os, "fdopen", lambda descriptor, mode: Torn(real(descriptor, mode)))


def failing(module: Any, name: str) -> Breaks:
    """Return what makes a function of a module fail as on a full disk."""
    return lambda monkeypatch: monkeypatch.setattr(module, name, full)


BREAKS = [
    pytest.param(failing(tempfile, "mkstemp"), id="mkstemp"),
    pytest.param(failing(os, "fdopen"), id="fdopen"),
    pytest.param(half_written, id="write"),
    pytest.param(failing(os, "fsync"), id="fsync"),
    pytest.param(failing(os, "chmod"), id="chmod"),
    pytest.param(failing(os, "replace"), id="replace"),
    pytest.param(failing(Path, "mkdir"), id="mkdir"),
]


@pytest.mark.parametrize("breaks", BREAKS)
def test_a_failing_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, breaks: Breaks) -> None:
    """Wherever a write fails, the old file stands as it was and nothing else is left in the folder."""
    path = tmp_path / "record.json"
    path.write_bytes(OLD)
    breaks(monkeypatch)
    with pytest.raises(RecordError) as caught:
        write_whole(path, NEW)
    monkeypatch.undo()

    assert (OLD, [path]) == (path.read_bytes(), list(tmp_path.iterdir()))
    assert f"{path}: not written: No space left on device; what stood there is untouched" == str(caught.value)


@pytest.mark.parametrize("breaks", BREAKS)
def test_a_failing_first_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, breaks: Breaks) -> None:
    """Where there was no file before a write that failed, there is none after it."""
    breaks(monkeypatch)
    with pytest.raises(RecordError):
        write_whole(tmp_path / "record.json", NEW)
    monkeypatch.undo()

    assert [] == list(tmp_path.iterdir())


def test_a_failure_after_the_rename_is_told_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the folder can't be synced, the new file stands whole, and nobody is told that the old one does."""
    path, real, calls = tmp_path / "record.json", os.fsync, []
    path.write_bytes(OLD)

    def folder_fails(descriptor: int) -> None:
        calls.append(descriptor)
        real(descriptor) if len(calls) == 1 else full()

    monkeypatch.setattr(os, "fsync", folder_fails)
    message = ""
    try:
        write_whole(path, NEW)
    except RecordError as error:
        message = str(error)

    assert (NEW, [path]) == (path.read_bytes(), list(tmp_path.iterdir()))
    assert "untouched" not in message


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, MemoryError])
def test_an_interrupted_write_leaves_no_stray_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[BaseException]
) -> None:
    """Interrupted just before the rename, a write leaves the old file and no other, and stays interrupted."""
    path = tmp_path / "record.json"
    path.write_bytes(OLD)

    def interrupted(*_: object) -> NoReturn:
        raise kind

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(kind):
        write_whole(path, NEW)

    assert (OLD, [path]) == (path.read_bytes(), list(tmp_path.iterdir()))


def test_a_write_makes_its_folders(tmp_path: Path) -> None:
    """A file is written into folders that are made for it, and can be read by others."""
    path = tmp_path / "a" / "b" / "record.json"

    assert write_whole(path, NEW)
    assert (NEW, 0o644) == (path.read_bytes(), path.stat().st_mode & 0o777)


def test_the_same_content_is_not_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that already holds exactly that is left alone, which is told."""
    path = tmp_path / "record.json"
    first = write_whole(path, NEW)
    monkeypatch.setattr(tempfile, "mkstemp", full)

    assert (True, False) == (first, write_whole(path, NEW))


@given(old=st.binary(max_size=50), new=st.binary(max_size=50))
def test_what_is_written_is_what_is_read(tmp_path_factory: pytest.TempPathFactory, old: bytes, new: bytes) -> None:
    """Any bytes come back as they were written, and a write changes something exactly where they differ."""
    path = tmp_path_factory.mktemp("whole") / "file"
    write_whole(path, old)

    assert (old != new) == write_whole(path, new)
    assert new == path.read_bytes()


@pytest.mark.parametrize("where", ["file/record.json", "folder"], ids=["a file for a folder", "a folder for a file"])
def test_a_place_that_can_not_be_written_is_named(tmp_path: Path, where: str) -> None:
    """A path that runs through a file, or is a folder, is refused with its name."""
    (tmp_path / "file").write_bytes(OLD)
    (tmp_path / "folder").mkdir()
    with pytest.raises(RecordError) as caught:
        write_whole(tmp_path / where, NEW)

    assert str(caught.value).startswith(f"{tmp_path / where}: not written: ")
    assert {tmp_path / "file", tmp_path / "folder"} == set(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param({"b": 1, "a": 2}, b'{"a":2,"b":1}', id="sorted keys"),
        pytest.param({"a": [1, {"c": None, "b": True}]}, b'{"a":[1,{"b":true,"c":null}]}', id="inside too"),
        pytest.param("Zoë 🎉", '"Zoë 🎉"'.encode(), id="UTF-8"),
        pytest.param('"\\\n\u2028', '"\\"\\\\\\n\u2028"'.encode(), id="escapes"),
        pytest.param({"10": 1, "9": 2}, b'{"10":1,"9":2}', id="keys sorted as text"),
        pytest.param([], b"[]", id="empty"),
    ],
)
def test_canonical(data: Json, expected: bytes) -> None:
    """Canonical JSON has sorted keys, no spaces, UTF-8 and no line break."""
    assert expected == canonical(data)


@given(JSONS)
def test_canonical_and_readable_say_the_same(data: Json) -> None:
    """Both spellings read back as what was written, and have the same canonical spelling."""
    assert data == json.loads(canonical(data)) == json.loads(readable(data))
    assert canonical(data) == canonical(json.loads(readable(data)))


@given(JSONS)
def test_readable_is_spelt_as_json_is(data: Json) -> None:
    """Records keep their bytes: what is written is what `json.dumps` writes, small fractions apart."""
    text = json.dumps(data, indent=2, ensure_ascii=False)
    assume(not re.search(r"\de-\d", text))

    assert f"{text}\n".encode() == readable(data)


@given(st.dictionaries(TEXT, LEAVES, max_size=6))
def test_the_order_of_keys_is_no_part_of_a_hash(data: dict[str, Json]) -> None:
    """The same keys in another order have the same hash."""
    assert digest_of(data) == digest_of(dict(reversed(data.items())))


def test_a_hash_is_tagged_and_known() -> None:
    """A hash is SHA-256 over the canonical spelling, tagged as such; this one was computed elsewhere."""
    assert "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" == digest_of({})


@pytest.mark.parametrize("write", [canonical, readable])
@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_no_number_that_is_none_is_written(write: Callable[[Json], bytes], number: float) -> None:
    """Neither spelling holds a NaN or an infinity: no reader of JSON would know them."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        write({"score": number})


@pytest.mark.parametrize(
    "torn",
    [b"", b'{"n":1}\n', b'{"n":1}\n{"n"', b"\n", b"\x00\x00", b'{"n":"\xc3'],
    ids=["new", "whole", "torn", "blank", "zeros", "torn character"],
)
def test_a_line_is_appended_after_whatever_a_crash_left(tmp_path: Path, torn: bytes) -> None:
    """A line stands on a line of its own, also after one that was torn, and what was there stays."""
    path = tmp_path / "runs" / "log.jsonl"
    path.parent.mkdir()
    path.write_bytes(torn)
    append_line(path, {"n": 2})
    append_line(path, {"n": 3})

    assert [{"n": 2}, {"n": 3}] == [json.loads(line) for line in path.read_bytes().splitlines()[-2:]]
    assert path.read_bytes().startswith(torn)
    assert path.read_bytes().endswith(b'{"n":2}\n{"n":3}\n')


def test_a_whole_log_gets_no_blank_lines(tmp_path: Path) -> None:
    """Lines that were written whole stand one under another, in a folder that is made for them."""
    path = tmp_path / "plumb" / "log.jsonl"
    for number in range(3):
        append_line(path, {"n": number})

    assert b'{"n":0}\n{"n":1}\n{"n":2}\n' == path.read_bytes()


@given(st.lists(st.dictionaries(TEXT, LEAVES, max_size=3), max_size=5))
def test_each_entry_of_a_log_is_one_line(tmp_path_factory: pytest.TempPathFactory, entries: list[Json]) -> None:
    """Whatever texts are in it, an entry of a log is one line of bytes."""
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    path.touch()
    for entry in entries:
        append_line(path, entry)

    assert entries == [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


@pytest.mark.parametrize("breaks", [failing(os, "fsync"), failing(Path, "open"), failing(Path, "mkdir")])
def test_a_log_that_can_not_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, breaks: Breaks
) -> None:
    """A line that can't be added is told with the path of the log, and that its other lines stand."""
    breaks(monkeypatch)
    with pytest.raises(RecordError) as caught:
        append_line(tmp_path / "log.jsonl", {"n": 1})

    reason = "No space left on device; what stood there is untouched"
    assert f"{tmp_path / 'log.jsonl'}: not written: {reason}" == str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b'{"a": 1', id="torn"),
        pytest.param(b'{"a": 1} x', id="more after it"),
        pytest.param(b"\xff\xfe{", id="not UTF-8"),
        pytest.param(b"[" * 200_000, id="deep nest"),
        pytest.param(b"9" * 10_000, id="endless number"),
        pytest.param(b'{"a": NaN}', id="NaN"),
        pytest.param(b'{"a": -Infinity}', id="infinity"),
    ],
)
def test_what_is_not_json_is_told_with_its_file(tmp_path: Path, content: bytes) -> None:
    """A file that is not JSON is refused with its path and a way out."""
    path = tmp_path / "record.json"
    path.write_bytes(content)
    with pytest.raises(RecordError) as caught:
        read_json(path)

    assert str(caught.value).startswith(f"{path}: is not JSON (")
    assert str(caught.value).endswith("; restore it, or delete it and run again")


@pytest.mark.parametrize("name", ["nowhere.json", "."], ids=["none", "folder"])
def test_a_file_that_can_not_be_read_is_named(tmp_path: Path, name: str) -> None:
    """A file that is not there, or is a folder, is told with its path."""
    with pytest.raises(RecordError, match="can't be read: ") as caught:
        read_json(tmp_path / name)

    assert str(caught.value).startswith(f"{tmp_path / name}: ")


@pytest.mark.parametrize("there", [is_file, is_folder])
def test_a_name_longer_than_names_can_be_names_nothing(there: Callable[[Path], bool], tmp_path: Path) -> None:
    """Nothing is where a name is longer than names can be; that is an answer and no fault."""
    assert not there(tmp_path / ("x" * 300))


@pytest.mark.parametrize("said", [0, 5, 1_000_000])
def test_a_file_that_is_not_as_large_as_the_system_says_is_read_to_its_end(
    said: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What grows while it is read, or tells no size, is read whole; what is too large is refused all the same."""
    path = tmp_path / "log"
    path.write_bytes(NEW)
    real = os.fstat

    def told(descriptor: int) -> os.stat_result:
        return os.stat_result([*real(descriptor)[:6], said, *real(descriptor)[7:]])

    monkeypatch.setattr(os, "fstat", told)

    assert NEW == read_bytes(path, len(NEW), RecordError)
    with pytest.raises(RecordError, match="is larger than"):
        read_bytes(path, len(NEW) - 1, RecordError)
