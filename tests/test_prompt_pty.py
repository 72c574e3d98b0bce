"""The prompt of `panel retake` in a real terminal: its answers, its interruptions, its colours."""

from __future__ import annotations

import re
import shutil
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from forked import Forked
from mutated import within
from reviewed import (
    Step,
    arguments,
    assert_agrees,
    choices,
    history,
    log,
    number_of,
    project,
    record,
    run,
    seat,
    state,
    takes,
)
from terminal import CTRL_C, CTRL_D, Terminal

from panel.llm.ledger import Ledger

RETAKE: Step = ("retake", "--persona", "mason0")
PROMPT = "accept (a), keep the old take (k), try again (t): "
NOTE = "note to the critic (empty: none): "


@pytest.fixture(autouse=True)
def _no_wait_without_end() -> Iterator[None]:
    """A command that waits without end fails its test."""
    with within(40):
        yield


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a project that is reviewed by two masons."""
    folder = project(tmp_path_factory.mktemp("begun") / "project", 2)
    assert 0 == run(folder, "review").exit_code
    return folder


@dataclass
class Room:
    """A terminal in front of a tool that is reviewed."""

    terminal: Terminal
    folder: Path

    def start(self, *step: str, **environment: str) -> None:
        """Start a command in the terminal."""
        self.terminal.start(*arguments(step), folder=self.folder, environment=environment)

    def plain(self, shown: str) -> str:
        """Return what was shown without its colours."""
        return re.sub(r"\x1b\[[0-9;]*m| *\r(?=\n)", "", shown)


@pytest.fixture
def room(forked: Forked, begun: Path, tmp_path: Path) -> Iterator[Room]:
    """Give a room."""
    folder = Path(shutil.copytree(begun, tmp_path / "project"))
    with Terminal(forked) as terminal:
        yield Room(terminal, folder)


def events(folder: Path) -> list[str]:
    """Return what was done, in a word each."""
    return [event.name for event in history(folder).events()]


def test_try_again_then_keep_then_accept(room: Room) -> None:
    """An editor tries again with a note, keeps the old take, and accepts one at a second sitting."""
    before = state(room.folder)
    room.start(*RETAKE)
    assert "score    68 to 71: criterion shape 2 to 3" in room.plain(room.terminal.until(PROMPT))
    room.terminal.type("t\n")
    room.terminal.until(NOTE)
    room.terminal.type("mind the rain\n")
    assert 'once more: sample 3, note "mind the rain"' in room.plain(room.terminal.until(PROMPT))
    room.terminal.type("k\n")
    assert 0 == room.terminal.ended()
    assert "The old take stands; the new one is in the history" in room.terminal.rest()
    assert before == state(room.folder)
    ledger = Ledger(room.folder / "runs" / "ledger")
    assert ["mind the rain"] == [
        note for path in ledger.folder.glob("??/*") if (note := ledger.read(path).request.note)
    ]

    room.start(*RETAKE)
    assert "once more: sample 4" in room.terminal.until(PROMPT)
    room.terminal.type("a\n")
    assert 0 == room.terminal.ended()
    assert "runs/plumb/review.json" in room.terminal.rest()
    assert events(room.folder) == ["review", "retake", "keep", "retake", "keep", "retake", "accept"]
    assert [1, 2, 3, 4] == list(history(room.folder).entries("mason0"))
    assert 4 == number_of(history(room.folder), seat(room.folder, "mason0"))
    assert 4 == choices(room.folder).seats["mason0"].sample
    assert_agrees(room.folder)


def test_an_answer_that_is_none_is_asked_for_again(room: Room) -> None:
    """What is no answer changes nothing; a whole word is one, in capitals too."""
    room.start(*RETAKE)
    room.terminal.until(PROMPT)
    for nothing in ("x\n", "\n", "  \n", "\x1b[A\n"):
        room.terminal.type(nothing)
        room.terminal.until(PROMPT.partition(":")[0])
    room.terminal.type(" Keep it\n")

    assert 0 == room.terminal.ended()
    assert ["review", "retake", "keep"] == events(room.folder)


@pytest.mark.parametrize("keys", [CTRL_C, CTRL_D], ids=["Ctrl-C", "end of input"])
@pytest.mark.parametrize("where", ["answer", "note"])
def test_who_leaves_the_prompt_changes_nothing(keys: str, where: str, room: Room) -> None:
    """Ctrl-C and the end of input leave the old record, end with exit 130, and show no traceback."""
    before = state(room.folder)
    room.start(*RETAKE)
    room.terminal.until(PROMPT)
    if where == "note":
        room.terminal.type("t\n")
        room.terminal.until(NOTE)
    room.terminal.insist(keys, "Interrupted.")

    assert 130 == room.terminal.ended()
    assert "Traceback" not in room.terminal.shown
    assert before == state(room.folder)
    assert 3 == len(takes(room.folder))


def test_a_terminal_that_is_closed_changes_nothing(room: Room) -> None:
    """Where the window is closed at the prompt, the old record stands and the take is in the history."""
    before = state(room.folder), log(room.folder)
    room.start(*RETAKE)
    room.terminal.until(PROMPT)
    asked = log(room.folder)
    room.terminal.hang_up()

    assert -signal.SIGHUP == room.terminal.ended()
    assert before[0] == state(room.folder)
    assert asked == log(room.folder)
    assert 3 == len(takes(room.folder))


def test_two_sittings_at_once_are_both_in_the_record(room: Room) -> None:
    """While one editor sits at the prompt another one accepts a retake of another seat; both stand afterwards."""
    room.start(*RETAKE)
    room.terminal.until(PROMPT)
    assert 0 == run(room.folder, "retake", "--persona", "mason1", "--accept").exit_code
    room.terminal.type("a\n")
    assert 0 == room.terminal.ended()

    assert_agrees(room.folder)
    assert {"mason0", "mason1"} == set(choices(room.folder).seats)
    assert [1, 1] == [one.take.retakes for one in record(room.folder).seats if one.take]


def test_a_seat_that_was_locked_meanwhile_is_not_accepted(room: Room) -> None:
    """A seat that somebody locks while an editor sits at its prompt stays; the message says how to let go."""
    room.start(*RETAKE)
    room.terminal.until(PROMPT)
    assert 0 == run(room.folder, "lock").exit_code
    before = state(room.folder)
    room.terminal.type("a\n")

    assert 2 == room.terminal.ended()
    assert "panel: plumb: is locked; to let go of it: panel lock plumb --release" in room.terminal.rest()
    assert before == state(room.folder)


def test_a_take_of_another_dossier_is_not_accepted(room: Room) -> None:
    """Where the dossier is changed and reviewed while an editor sits at the prompt, that record stands."""
    room.start(*RETAKE)
    room.terminal.until(PROMPT)
    dossier = room.folder / "plumb.yaml"
    dossier.write_text(dossier.read_text().replace("A plumb line", "One plumb line"))
    assert 0 == run(room.folder, "review").exit_code
    before = state(room.folder)
    room.terminal.type("a\n")

    assert 2 == room.terminal.ended()
    assert "mason0: the dossier was changed and reviewed; retake it again" in room.terminal.rest()
    assert before == state(room.folder)
    assert 5 == len(takes(room.folder))


@pytest.fixture
def edited(room: Room, monkeypatch: pytest.MonkeyPatch) -> Room:
    """Give a room in front of a take in which a stopgap was put for the stand-in of which critics speak."""
    monkeypatch.setenv("EDITOR", "sed -i s/stand-in/stopgap/")
    assert 0 == run(room.folder, "edit", "--persona", "mason0", "--by", "Eve").exit_code
    return room


MARKED = "    a [-stopgap,-] {+stand-in,+} not an opinion\n"


def test_changed_words_are_coloured(edited: Room) -> None:
    """In a terminal words that went are red and struck, words that came are green, and no marks stand around them."""
    edited.start(*RETAKE)
    shown = edited.terminal.until(PROMPT)
    edited.terminal.type("k\n")

    assert 0 == edited.terminal.ended()
    assert re.search(r"\x1b\[(9;31|31;9)mstopgap,\x1b\[0m", shown), shown
    assert "\x1b[32mstand-in,\x1b[0m" in shown
    assert "    a stopgap, stand-in, not an opinion\n" in edited.plain(shown)


def test_without_colours_changed_words_are_marked(edited: Room) -> None:
    """Where colours are not wanted, words that went and came stand between marks, in a terminal too."""
    edited.start(*RETAKE, NO_COLOR="1")
    shown = edited.terminal.until(PROMPT)
    edited.terminal.type("k\n")

    assert 0 == edited.terminal.ended()
    assert MARKED in edited.plain(shown)
    assert "\x1b[3" not in shown


def test_in_a_pipe_changed_words_are_marked(edited: Room, tmp_path: Path) -> None:
    """In a pipe words that went stand in [-…-] and words that came in {+…+}, and nothing steers a terminal."""
    said = tmp_path / "said"
    step = arguments((*RETAKE, "--keep"))
    child = edited.terminal.forked.start(*step, folder=edited.folder, environment={}, output=str(said))

    assert 0 == child.ended()
    assert MARKED in said.read_text()
    assert "\x1b" not in said.read_text()


EDITOR = """
import pathlib, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
if sys.argv[1] == "uses":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
path = pathlib.Path(sys.argv[2])
path.write_text(path.read_text().replace("stand-in", "stopgap"))
print("open", flush=True)
signal.sigwait({signal.SIGINT} if sys.argv[1] == "uses" else {signal.SIGUSR1})
"""
"""It either has a use for Ctrl-C, which is to be left by it, or is ended by it."""


def opened(room: Room, habit: str) -> None:
    """Open that editor, with a word changed and saved."""
    script = room.folder / "editor.py"
    script.write_text(EDITOR)
    room.start("edit", "--persona", "mason0", "--by", "Eve", EDITOR=f"{sys.executable} -S -E {script} {habit}")
    room.terminal.until("open")


def test_ctrl_c_in_an_editor_belongs_to_the_editor(room: Room) -> None:
    """An editor that has a use for Ctrl-C keeps it: the edit goes on and is written."""
    opened(room, "uses")
    room.terminal.type(CTRL_C)

    assert 0 == room.terminal.ended(), room.terminal.rest()
    take = seat(room.folder, "mason0").take
    assert take
    assert ("Eve", "a stopgap, not an opinion") == (take.edited_by, take.headline)


def test_ctrl_c_that_ends_an_editor_changes_nothing(room: Room) -> None:
    """An editor that Ctrl-C ends leaves the record as it was; what it had saved is kept."""
    before = state(room.folder)
    opened(room, "ends")
    room.terminal.type(CTRL_C)

    assert 2 == room.terminal.ended()
    assert before == state(room.folder)
    assert "a stopgap, not an opinion" in (room.folder / "plumb-mason0.edited").read_text()
