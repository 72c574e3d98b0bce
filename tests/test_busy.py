"""Busy: commands wait for another process that writes the records of their tool, and give up in time."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import made
import pytest
from held import Held, when_waited_for
from mutated import within
from reviewed import Step, history, log, project, run, runs, state, takes

from panel.cli.desk import found, tell
from panel.desk.approval import voided
from panel.errors import RecordError
from panel.files import write_new

PATIENCE_S = 0.02
STEPS: dict[str, Step] = {
    "review": ("review",),
    "review anew": ("review", "--mode", "fresh"),
    "accept": ("retake", "--persona", "mason0", "--accept"),
    "keep": ("retake", "--persona", "mason0", "--keep"),
    "restore": ("restore", "--persona", "mason0", "--take", "1"),
    "edit": ("edit", "--persona", "mason0", "--by", "Eve"),
    "lock": ("lock", "--persona", "mason1"),
    "release": ("lock", "--release"),
    "approve": ("approve", "--by", "Ann"),
}
LOOKS: list[Step] = [
    ("show", "--runs", "project/runs"),
    ("status",),
    ("inbox",),
    ("log",),
    ("diff", "--persona", "mason0"),
]
each_step = pytest.mark.parametrize("step", [pytest.param(step, id=name) for name, step in STEPS.items()])


@pytest.fixture(autouse=True)
def _no_wait_without_end() -> Iterator[None]:
    """A lock that is never let go fails the test that waits for it."""
    with within(20):
        yield


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a project with a review, and two takes of its first seat."""
    folder = project(tmp_path_factory.mktemp("begun") / "project", 2)
    looked_at = f"pricing: {{checked_on: {datetime.now(UTC).date()}, "
    (folder / "plumb.yaml").write_text(made.DOSSIER.replace("pricing: {", looked_at))
    assert 0 == run(folder, "review").exit_code
    assert 0 == run(folder, *STEPS["accept"]).exit_code
    return folder


@pytest.fixture
def folder(begun: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a copy of it, an editor that changes a word, and a place for what is saved."""
    monkeypatch.setenv("EDITOR", "sed -i s/stand-in/stopgap/")
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(begun, tmp_path / "project"))


@each_step
def test_a_command_gives_up_in_time(step: Step, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits too long ends with exit 1 and one message that says where and what to do; the records are untouched."""
    monkeypatch.setattr("panel.store.PATIENCE_S", PATIENCE_S)
    before = state(folder), log(folder), takes(folder)
    with Held(runs(folder)):
        done = run(folder, *step)

    problem = f"another run has been writing here for more than {PATIENCE_S} s; nothing was changed"
    assert 1 == done.exit_code, done.output
    assert done.stderr.startswith(f"panel: {runs(folder)}: {problem}; let it end, then run this again\n")
    assert before == (state(folder), log(folder), takes(folder))


@each_step
def test_a_command_that_waits_goes_on(step: Step, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As soon as the records are let go, who waits for them goes on, and ends well."""
    with Held(runs(folder)) as held:
        when_waited_for(held.let_go, monkeypatch)
        done = run(folder, *step)

    assert 0 == done.exit_code, done.output
    assert held.is_let_go, "the command did not wait"


@pytest.mark.parametrize("waits", [True, False])
def test_who_died_holds_nobody_back(waits: bool, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is killed while it holds the records holds up neither who waits for them nor who comes later."""
    with Held(runs(folder)) as held:
        if waits:
            when_waited_for(held.die, monkeypatch)
        else:
            monkeypatch.setattr("panel.store.PATIENCE_S", 0)
            held.die()
            held.process.wait()
        done = run(folder, *STEPS["accept"])

    assert 0 == done.exit_code, done.output


@pytest.mark.parametrize("step", LOOKS, ids=lambda step: step[0])
def test_who_looks_waits_for_nobody(step: Step, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that change nothing read while another process writes."""
    when_waited_for(lambda: pytest.fail("it waited"), monkeypatch)
    with Held(runs(folder)):
        done = run(folder, *step)

    assert 0 == done.exit_code, done.output


def test_who_wrote_the_record_is_not_told_otherwise(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command whose record is written ends well, though another one holds the records when it looks at the approval.

    The log hears that the approval is void from the next command.
    """
    assert 0 == run(folder, *STEPS["approve"]).exit_code
    monkeypatch.setattr("panel.store.PATIENCE_S", PATIENCE_S)

    def held(*arguments: Any) -> None:
        with Held(runs(folder)):
            tell(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr("panel.cli.retake.tell", held)
        done = run(folder, *STEPS["accept"])

    assert 0 == done.exit_code, done.output
    assert "the approval by Ann of" in done.stdout
    assert "accept" == history(folder).events()[-1].name
    assert 0 == run(folder, *STEPS["accept"]).exit_code
    assert "void" == history(folder).events()[-1].name


def test_an_approval_that_comes_meanwhile_is_not_told_to_be_void(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the records are approved anew while a command waits to log that an approval is void, it logs nothing."""
    assert 0 == run(folder, *STEPS["approve"]).exit_code
    assert 0 == run(folder, *STEPS["accept"]).exit_code
    assert 0 == run(folder, *STEPS["approve"]).exit_code
    later = runs(folder) / "approval.json"
    newer, older = later.read_text(), later.read_text().replace('"review": "sha256:', '"review": "sha256:0')
    later.write_text(older)
    with Held(runs(folder)) as held:

        def approve() -> None:
            later.write_text(newer)
            held.let_go()

        when_waited_for(approve, monkeypatch)
        told = asyncio.run(voided(*found(str(folder / "plumb.yaml"))))

    assert told
    assert "approve" == history(folder).events()[-1].name


def test_words_outlive_the_wait(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where `panel edit` gives up waiting, the words are kept in a file that the message names."""
    monkeypatch.setattr("panel.store.PATIENCE_S", PATIENCE_S)
    with Held(runs(folder)):
        done = run(folder, *STEPS["edit"])

    assert 1 == done.exit_code
    [kept] = re.findall(r"Your text is kept in (.*)", done.stderr)
    assert tmp_path == Path(kept).parent
    assert "a stopgap, not an opinion" in Path(kept).read_text()


def test_words_outlive_a_ctrl_c_while_waiting(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where somebody has enough of waiting, the words are kept as well; the exit code is that of an interrupt."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    when_waited_for(interrupt, monkeypatch)
    with Held(runs(folder)):
        done = run(folder, *STEPS["edit"])

    [kept] = re.findall(r"Your text is kept in (.*)", done.output)
    assert 130 == done.exit_code
    assert "a stopgap, not an opinion" in Path(kept).read_text()


def test_words_outlive_a_folder_that_takes_no_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the words can't be kept in the working folder, they are kept among the temporary files."""

    def refusing(path: Path, content: bytes) -> bool:
        if path.parent == tmp_path:
            raise RecordError(f"{path}: not written")
        return write_new(path, content)

    monkeypatch.setattr("panel.cli.edit.write_new", refusing)
    monkeypatch.setenv("EDITOR", "sed -i s/headline/heading/")
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    done = run(folder, *STEPS["edit"])

    assert 2 == done.exit_code
    assert done.stderr.endswith(f"Your text is kept in {folder / 'plumb-mason0.edited'}\n")
    assert "heading: >-" in (folder / "plumb-mason0.edited").read_text()


def test_words_outlive_an_editor_that_fails(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an editor saves and then ends badly, the words are kept; where it saved nothing, no file is made."""
    monkeypatch.setenv("EDITOR", "sh -c 'sed -i s/stand-in/stopgap/ $0; exit 3'")
    saved = run(folder, *STEPS["edit"])
    monkeypatch.setenv("EDITOR", "false")
    unsaved = run(folder, *STEPS["edit"])

    assert [2, 2] == [saved.exit_code, unsaved.exit_code]
    assert "ended with exit code 3; nothing was changed\nYour text is kept in " in saved.stderr
    assert "kept" not in unsaved.stderr
    assert ["plumb-mason0.edited"] == [path.name for path in tmp_path.glob("*.edited")]
