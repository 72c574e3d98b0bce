"""What strangers write into the files of the desk: commands answer, or tell the file in one line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutated import NASTY, changed, spoilt, within
from office import Office, steering

READING = (["status"], ["status", "--json"], ["inbox"], ["log", "plumb"], ["log", "plumb", "--json"], ["diff", "plumb"])
WRITING = (["review", "plumb.yaml"], ["retake", "plumb", "--persona", "mason1", "--keep"], ["lock", "plumb"])
COMMANDS = (*READING, *WRITING)
FEW = settings(max_examples=settings().max_examples // 6)
"""A command takes its time; the profile `fuzz` tries many more."""

NAMES = ("choices.json", "takes/mason1-1.json", "takes/mason1-2.json", "approval.json")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """An approved review with an edited retake in it, which is the working folder."""
    office, before = Office(tmp_path_factory.mktemp("desk")), Path.cwd()
    os.chdir(office.folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("panel.llm.open.stand_in", office.answer)
        patch.setattr("os.fsync", lambda _: None)
        patch.setenv("VISUAL", "sed -i 's/second look/new look/'")
        office.change("plumb.yaml", "at all}", "at all, checked_on: 2026-11-20}")
        office.reviewed()
        office.done("retake", "plumb", "--persona", "mason1", "--accept", "--note", "shorter")
        office.done("edit", "plumb", "--persona", "mason1", "--by", "Ada")
        office.leave("approval.json", json.dumps(approval(office)))
        yield office
    os.chdir(before)


def approval(office: Office) -> dict[str, object]:
    """Return an approval of something else."""
    whole = {"schema": "panel.approval/1", "tool": "plumb", "by": "Ann", "at": "2026-11-20T12:00:00Z"}
    return whole | {"checked": ["every seat is fresh"], "review": "sha256:0", "dossier": "sha256:0"}


def ends_well(desk: Office, command: list[str], name: str) -> None:
    """Run a command, which must end soon, in 0 or 1, or in 2 with one line that names the file; nothing may steer."""
    with within(10):
        done = desk.type(*command)
    told = done.stderr.splitlines()

    assert "" == steering(done.output), command
    assert done.exit_code in (0, 1, 2), (command, done.output)
    assert "a fault of Panel" not in done.output, (command, done.output)
    if done.exit_code == 2:
        assert (1, True) == (len(told), name in told[0] or "edit can't stand" in told[0] or "locked" in told[0]), told


def with_file(desk: Office, name: str, content: bytes, commands: tuple[list[str], ...]) -> None:
    """Run commands while a file has another content; afterwards all is as it was."""
    before = desk.tree()
    desk.kept(name).write_bytes(content)
    try:
        for command in commands:
            ends_well(desk, command, name)
    finally:
        for path in desk.tree().keys() - before.keys():
            desk.path(path).unlink()
        for path, was in before.items():
            desk.path(path).parent.mkdir(parents=True, exist_ok=True)
            desk.path(path).write_bytes(was)


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@FEW
def test_files_that_a_stranger_changed(desk: Office, name: str, data: st.DataObject) -> None:
    """Values swapped, removed, nested or renamed in what Panel keeps are read, or told with the file."""
    content: Any = data.draw(changed(json.loads(desk.kept(name).read_bytes())))
    with_file(desk, name, json.dumps(content).encode(), (data.draw(st.sampled_from(COMMANDS)),))


@pytest.mark.parametrize("name", [*NAMES, "log.jsonl"])
@given(data=st.data())
@FEW
def test_files_with_bytes_astray(desk: Office, name: str, data: st.DataObject) -> None:
    """Bytes replaced, removed or repeated in what Panel keeps are read, or told with the file."""
    content = data.draw(spoilt(desk.kept(name).read_bytes()))
    with_file(desk, name, content, (data.draw(st.sampled_from(COMMANDS)),))


EVENTS = st.fixed_dictionaries(
    {"at": st.sampled_from(["2026-11-20T12:00:00Z", *NASTY]), "event": st.sampled_from(["retake", "keep", *NASTY])},
    optional={
        key: st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(NASTY),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=2),
        )
        for key in ("persona", "take", "score", "vote", "note", "asked", "by", "locked", "x\x1b")
    },
)


@given(st.lists(EVENTS, max_size=4))
@FEW
def test_events_that_a_stranger_wrote(desk: Office, events: list[dict[str, Any]]) -> None:
    """Whatever stands in a line of the log, the log is shown, a line for each event that is one."""
    lines = "".join(json.dumps(event) + "\n" for event in events).encode()
    with_file(desk, "log.jsonl", lines, (["log", "plumb"], ["log", "plumb", "--json"]))
