"""Files in runs/ that a crash, a person or another program spoiled: told with their path, and never a traceback."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import made
import pytest
from typer.testing import CliRunner, Result

from panel.cli.app import app
from panel.store import read_review

SHIP = ("--model", "fake:ship")


def review(folder: Path, *options: str) -> Result:
    """Return how a review ends."""
    return CliRunner().invoke(app, ["review", str(folder / "plumb.yaml"), "--runs", str(folder / "runs"), *options])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a project with a review, a recording, a choice and a log."""
    made.project(tmp_path, personas=1)
    assert 0 == review(tmp_path, *SHIP).exit_code
    assert 0 == review(tmp_path, *SHIP, "--mode", "fresh").exit_code
    return tmp_path


def the(project: Path, pattern: str) -> Path:
    """Return the one file, or the last one, that is called so."""
    return max((project / "runs").glob(pattern))


FILES = {"recording": "ledger/??/*.json", "review": "plumb/review.json", "choices": "plumb/choices.json"}
SPOILT = {
    "a folder": ("can't be read: it is a folder; move it away and run again", lambda path: path.mkdir()),
    "a pipe": ("can't be read: it is no plain file; move it away and run again", os.mkfifo),
    "a link to nowhere": (
        "can't be read: it is a link to nowhere; move it away and run again",
        lambda path: path.symlink_to("nowhere"),
    ),
    "a link to itself": (
        "can't be read: it is a link to nowhere; move it away and run again",
        lambda path: path.symlink_to(path),
    ),
    "nothing in it": ("is not JSON (", lambda path: path.write_bytes(b"")),
}
each_file = pytest.mark.parametrize("pattern", [pytest.param(pattern, id=name) for name, pattern in FILES.items()])


def assert_told(done: Result, path: Path, message: str) -> None:
    """Assert that one line names the file and says what is wrong with it."""
    assert 2 == done.exit_code, done.output
    assert done.stderr.startswith(f"panel: {path}: {message}")
    assert 1 == len(done.stderr.splitlines())


def reread(project: Path) -> Result:
    """Run what reads the record, the choices and the recordings."""
    mode = ("--persona", "mason0", "--mode", "replay")
    return review(project, *SHIP, *mode)


@each_file
@pytest.mark.parametrize(("message", "spoil"), [pytest.param(*row, id=name) for name, row in SPOILT.items()])
def test_what_is_no_file_of_panel_s_is_told(
    message: str, spoil: Callable[[Path], object], pattern: str, project: Path
) -> None:
    """A folder, a pipe, a link to nowhere or nothing in the place of a file is told with its path and a way out."""
    paths = list((project / "runs").glob(pattern))
    for path in paths:
        path.unlink()
        spoil(path)

    done = reread(project)

    [line] = done.stderr.splitlines()
    assert 2 == done.exit_code, done.output
    assert any(line.startswith(f"panel: {path}: {message}") for path in paths), line


@each_file
@pytest.mark.parametrize("part", [0.0, 0.01, 0.5, 0.99])
def test_a_torn_file_is_told_and_can_be_deleted(part: float, pattern: str, project: Path) -> None:
    """A file that is cut anywhere is told with its path; once it is deleted, as the message says, a review is whole."""
    paths = list((project / "runs").glob(pattern))
    for path in paths:
        whole = path.read_bytes()
        path.write_bytes(whole[: int(len(whole) * part)])

    done = reread(project)

    [line] = done.stderr.splitlines()
    assert 2 == done.exit_code, done.output
    assert any(line.startswith(f"panel: {path}: is not JSON (") for path in paths), line
    assert line.endswith("; restore it, or delete it and run again")
    for path in paths:
        path.unlink()
    assert 0 == review(project, *SHIP).exit_code
    assert read_review(the(project, "plumb/review.json")).verdict


@pytest.mark.parametrize("cut", range(-6, 0))
def test_a_torn_log_loses_its_torn_line_alone(cut: int, project: Path) -> None:
    """A log that is cut in its last line is gone on with; every other line of it can be read."""
    log = the(project, "plumb/log.jsonl")
    lines = log.read_bytes().splitlines()
    log.write_bytes(log.read_bytes()[:cut])

    assert 0 == review(project, *SHIP, "--mode", "fresh").exit_code

    after = log.read_bytes().splitlines()
    assert lines[:-1] == after[: len(lines) - 1]
    assert "review" == json.loads(after[-1])["event"]


def test_a_log_that_is_a_pipe_or_a_folder_is_told(project: Path) -> None:
    """A log that can't be added to is told with its path and a way out; the record waits for it."""
    log = the(project, "plumb/log.jsonl")
    for spoil, what in ((Path.mkdir, "a folder"), (os.mkfifo, "no plain file")):
        log.rmdir() if log.is_dir() else log.unlink()
        spoil(log)
        before = the(project, "plumb/review.json").read_bytes()
        done = review(project, *SHIP, "--mode", "fresh")

        assert_told(done, log, "not written: ")
        assert f"(it is {what}; move it away)" in done.stderr
        assert before == the(project, "plumb/review.json").read_bytes()


def test_a_file_in_the_place_of_runs_is_told(tmp_path: Path) -> None:
    """Where `runs` is a file, it is named as what must go, and nobody is asked."""
    made.project(tmp_path, personas=1)
    (tmp_path / "runs").write_text("notes")

    done = review(tmp_path, *SHIP)

    assert 2 == done.exit_code
    assert f"({tmp_path / 'runs'} is no folder; move it away)" in done.stderr
    assert "nothing was asked" in done.stderr


@pytest.mark.parametrize("spoil", ["a folder", "a pipe", "a link to nowhere"])
def test_show_tells_what_is_in_the_place_of_a_record(spoil: str, project: Path) -> None:
    """`panel show` says what is wrong with a record that is there, and not that there is none."""
    path = the(project, "plumb/review.json")
    path.unlink()
    message, spoiled = SPOILT[spoil]
    spoiled(path)

    assert_told(CliRunner().invoke(app, ["show", "plumb", "--runs", str(project / "runs")]), path, message)
