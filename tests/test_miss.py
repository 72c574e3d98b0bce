"""A miss: a request that no ledger holds, explained by the nearest recording of its seat."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import made
import pytest
from goldens import Data, recording, rewritten, small, verified
from hypothesis import given
from hypothesis import strategies as st

from panel.llm.ledger import Ledger
from panel.llm.miss import changed_lines
from panel.request import Label, Request

MASON = Label(tool="plumb", persona="mason1")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Give a project of three masons and one tool."""
    return small(tmp_path)


def found(home: Path, label: Label = MASON) -> list[str]:
    """Return the files of the recordings that are made for a seat."""
    ledger = Ledger(home / "recordings")
    return [ledger.path(each.identity).name for each in ledger.labelled(label)]


def backwards(pairs: list[tuple[str, Any]]) -> Data:
    """Return a mapping with its keys the other way round."""
    return dict(pairs[::-1])


SPELLINGS: dict[str, Callable[[bytes], str]] = {
    "as it is": lambda raw: raw.decode(),
    "in one line": lambda raw: json.dumps(json.loads(raw), separators=(",", ":")),
    "sorted": lambda raw: json.dumps(json.loads(raw), sort_keys=True, indent="\t"),
    "backwards": lambda raw: json.dumps(json.loads(raw, object_pairs_hook=backwards)),
}


@pytest.mark.parametrize("spelt", SPELLINGS.values(), ids=SPELLINGS)
def test_a_recording_is_found_by_its_seat_however_it_is_spelt(spelt: Callable[[bytes], str], home: Path) -> None:
    """Spaces and the order of keys do not hide whom a recording is for."""
    path = recording(home, "plumb", "mason1")
    path.write_text(spelt(path.read_bytes()))

    assert [path.name] == found(home)


OTHER = '"label": {"tool": "plumb", "persona": "mason0"}, '
UNSOUND: dict[str, Callable[[Path], object]] = {
    "torn": lambda path: path.write_bytes(path.read_bytes()[:-40]),
    "no label": lambda path: rewritten(path, lambda data: data.pop("label")),
    "an odd label": lambda path: rewritten(path, lambda data: data.update(label={"tool": "plumb", "seat": "mason1"})),
    "another label": lambda path: rewritten(path, lambda data: data["label"].update(persona="mason0")),
    "two labels": lambda path: path.write_text(path.read_text().replace('"request": {', f'{OTHER}"request": {{', 1)),
    "changed": lambda path: rewritten(path, lambda data: data["reply"].update(answered_by="fake:other")),
    "a folder": lambda path: [path.unlink(), path.mkdir()],
    "empty": lambda path: path.write_bytes(b""),
    "no text": lambda path: path.write_bytes(b'"label": {"tool": "plumb", "persona": "mason1"} \xff'),
}


@pytest.mark.parametrize("spoil", UNSOUND.values(), ids=UNSOUND)
def test_what_is_no_sound_recording_of_a_seat_explains_nothing(spoil: Callable[[Path], object], home: Path) -> None:
    """A recording that can't be read, was changed, or is for somebody else is passed over without an error."""
    spoil(recording(home, "plumb", "mason1"))

    assert [] == found(home)


def test_a_label_in_a_text_is_none(home: Path) -> None:
    """What a dossier says about labels is not taken for the recording's own."""
    ledger = Ledger(home / "recordings")
    other = ledger.read(recording(home, "plumb", "mason0"))
    quoted = other.request.model_copy(
        update={"system": '"label": {"tool": "plumb", "persona": "mason1"}', "label": Label(tool="a", persona="b")}
    )
    ledger.keep(quoted, other.reply)

    assert [recording(home, "plumb", "mason1").name] == found(home)
    assert 1 == len(found(home, Label(tool="a", persona="b")))


def test_a_repair_that_is_missing_shows_what_it_complains_about(home: Path) -> None:
    """Where a changed word list asks for mended answers, each miss is called a repair and shows the complaint."""
    (home / "prompts").mkdir()
    (home / "prompts" / "first-hand.txt").write_text("stands in for a take\n")
    done = verified(home)

    assert [f"plumb: mason{number}: no recording of this request (a repair)" for number in range(3)] == done.meanings
    assert any('claims to have used the tool ("stands in for a take")' in line for line in done.changes)


def test_a_change_of_empty_lines_is_told(home: Path) -> None:
    """A request that differs in empty lines alone is told so: there is always a reason."""
    file = home / "personas" / "mason1.md"
    file.write_text(file.read_text().replace("\nYou say what holds", "\n\nYou say what holds"))
    done = verified(home)

    assert ["plumb: mason1: no recording of this request"] == done.meanings
    assert "    (in empty lines alone)" in done.text.splitlines()


def test_a_change_of_spaces_is_told(home: Path) -> None:
    """Two lines that look alike are told to differ in their spaces."""
    file = home / "personas" / "mason1.md"
    file.write_text(file.read_text().replace("You like few words", "You  like few words"))

    assert [True, True] == [line.endswith(" (other spaces)") for line in verified(home).changes]


@given(st.lists(st.text(max_size=60), max_size=4), st.lists(st.text(max_size=60), max_size=4))
def test_every_difference_has_a_line(before: list[str], after: list[str]) -> None:
    """Two texts that differ have at least one changed line, the same text has none, and no line is long."""
    requests = [_request("\n".join(lines)) for lines in (before, after)]
    lines = changed_lines(*requests)

    assert (requests[0] != requests[1]) == bool(lines)
    assert all(line.startswith("    ") and len(line) < 240 for line in lines)


def _request(text: str) -> Request:
    """Return a request that says this."""
    return Request(model="fake:ship", parameters=made.PARAMETERS, system=text, blocks=(), reply_schema={})
