"""The history: every take keeps its number, the log keeps its lines, and what strangers leave there does no harm."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import made
import pytest
from office import STEERING, Office, steering

from panel.choices import choice
from panel.errors import RecordError
from panel.files import readable
from panel.history import LARGEST_LOG, Entry, History
from panel.makeup import Makeup


@pytest.fixture
def history(tmp_path: Path) -> History:
    """A history in which there is nothing yet."""
    return History(tmp_path / "runs" / "plumb")


def entry(office: Office, persona: str, reason: str) -> Entry:
    """Return a take of a persona, of whatever name, that abstained for some reason."""
    project, tool = office.project(), made.plumb()
    critic = project.panel[0].model_copy(update={"id": persona})
    done = made.seat(persona, None, reason=reason, asks=(made.ask(reason),))
    return Entry(choice=choice(1, 1, tool, critic), makeup=Makeup.of(project.question(tool, critic)), seat=done)


def test_takes_are_numbered_by_seat(office: Office, history: History) -> None:
    """Each seat counts its takes from 1 in the order in which they came; ten comes after nine."""
    numbers = [history.keep(entry(office, "mason0", f"reason {n}")) for n in range(11)]
    other = history.keep(entry(office, "mason1", "none"))

    assert ([*range(1, 12)], 1) == (numbers, other)
    assert [*range(1, 12)] == list(history.entries("mason0"))
    assert "reason 9" == history.entries("mason0")[10].seat.reason


def test_a_take_is_kept_once(office: Office, history: History) -> None:
    """The same take keeps its number however often it is kept, and its file stays as it was."""
    first = history.keep(entry(office, "mason0", "no price"))
    before = history.path("mason0", 1).stat().st_mtime_ns
    history.keep(entry(office, "mason0", "no licence"))

    assert first == history.keep(entry(office, "mason0", "no price"))
    assert (before, 2) == (history.path("mason0", 1).stat().st_mtime_ns, len(history.entries("mason0")))


def test_two_that_keep_at_once_get_two_numbers(
    office: Office, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who finds the number taken that was free a moment ago takes the next one; neither take is lost."""
    history.keep(entry(office, "mason0", "first"))
    with monkeypatch.context() as patch:
        patch.setattr(History, "entries", lambda *_: {})
        second = history.keep(entry(office, "mason0", "second"))

    assert (2, ["first", "second"]) == (second, [each.seat.reason for each in history.entries("mason0").values()])


def test_names_that_look_alike_are_kept_apart(office: Office, history: History) -> None:
    """Personas whose names end in a number, or begin alike, have histories of their own."""
    for name in ("mason", "mason-1", "mason-1-2", "mason_1"):
        history.keep(entry(office, name, f"{name} said"))

    for name in ("mason", "mason-1", "mason-1-2", "mason_1"):
        assert {1: f"{name} said"} == {n: each.seat.reason for n, each in history.entries(name).items()}
    assert ["mason said", "mason-1 said", "mason-1-2 said", "mason_1 said"] == [e.seat.reason for e in history.all()]


ODD_NAMES = (
    "mason0.json", "mason0-.json", "mason0-0.json", "mason0-01.json", "mason0-1.json~", "mason0-1 (copy).json",
    "MASON0-2.json", "mason0-2.JSON", "-2.json", ".mason0-2.json", "mason0-2.json.part", "mason0-9999999.json",
    "mason0--2.json\n", "\x1b[2Jmason0-2.json", "mason0-\u0662.json", "mason0-2.txt",
)  # fmt: skip


def test_files_of_other_names_are_no_takes(office: Office) -> None:
    """Whatever else lies in the folder is neither read nor shown nor touched, and takes no number."""
    office.reviewed()
    names = [*ODD_NAMES, os.fsdecode(b"mason0-2\xff.json")]
    for name in names:
        office.leave(f"takes/{name}", "no take at all")

    office.done("retake", "plumb", "--persona", "mason0", "--accept")
    printed = office.done("log", "plumb") + office.done("status") + office.done("diff", "plumb")

    assert "" == steering(printed)
    assert [1, 2] == list(office.project().store.history("plumb").entries("mason0"))
    assert {"no take at all"} == {office.kept(f"takes/{name}").read_text() for name in names}


SPOILT: dict[str, tuple[Callable[[Any], object] | str | None, str]] = {
    "no JSON": ("{", "is not JSON"),
    "another kind of value": ("[1]", "is no entry as Panel writes it"),
    "a folder": (None, "it is a folder"),
    "too much": ('"' + "x" * 16_000_000 + '"', "is larger than 16,000,000 bytes"),
    "another schema": (lambda data: data.update(schema="panel.take/9"), "schema: is no entry as Panel writes it"),
    "no seat": (lambda data: data.pop("seat"), "seat: is no entry as Panel writes it"),
    "a key that steers": (lambda data: data["seat"].update({STEERING: 1}), "is no entry as Panel writes it"),
    "a rating off the scale": (lambda data: data["seat"]["take"]["ratings"][0].update(rating=5), "a rating is 0 to 4"),
    "another persona's": (lambda data: data["seat"].update(persona="mason2"), "seat: is the seat of 'mason2'"),
    "a persona with slashes": (lambda data: data["seat"].update(persona=f"../../{STEERING}"), "is the seat of '../../"),
    "nothing asked": (lambda data: data["seat"].update(asks=[]), "seat: rests on no ask"),
    "a better score": (lambda data: data["seat"]["take"].update(score=99), "has a score that does not follow from its"),
    "another vote": (lambda data: data["seat"]["take"].update(vote="skip"), "has a vote that does not follow from its"),
    "a take that is silent": (lambda data: data["seat"].update(status="absent"), "a seat that is heard has a take"),
}


@pytest.mark.parametrize(("change", "message"), SPOILT.values(), ids=SPOILT)
def test_a_spoilt_take_is_told_in_one_line(
    office: Office, change: Callable[[Any], object] | str | None, message: str
) -> None:
    """A take that is not what Panel wrote there ends each command that reads it in exit 2, with its file, unchanged."""
    office.reviewed()
    path = office.kept("takes/mason1-1.json")
    if change is None:
        path.unlink()
        path.mkdir()
    elif isinstance(change, str):
        path.write_text(change)
    else:
        office.spoil("takes/mason1-1.json", change)
    before = office.tree()
    restore = ["restore", "plumb", "--persona", "mason1", "--take", "1", "--lock"]
    for command in (["log", "plumb"], restore, ["retake", "plumb", "--persona", "mason1", "--accept"]):
        told = office.refused(*command)

        assert told.startswith(f"panel: {path}: ")
        assert (1, "") == (len(told.splitlines()), steering(told))
        assert message in told
    assert before == office.tree()


def test_a_folder_that_is_none_is_told(office: Office) -> None:
    """Where a file stands in the place of the folder of takes, it is named."""
    office.reviewed()
    shutil.rmtree(office.kept("takes"))
    office.leave("takes", "")

    assert f"{office.kept('takes')}: can't be read" in office.refused("log", "plumb")


def test_a_torn_line_spoils_no_other(history: History) -> None:
    """A line that a crash tore is left out; those before it and those that came after it stand."""
    history.log("review", label="Ship", asked=["sha256:1"], dropped=[])
    log = history.folder / "log.jsonl"
    log.write_bytes(log.read_bytes() + b'{"at":"2026-05-01T12:00:00Z","event":"ret')
    history.log("keep", persona="mason0", rejected=2)

    assert ["review", "keep"] == [event.name for event in history.events()]
    assert {"persona": "mason0", "rejected": 2} == history.events()[1].details
    assert 3 == len(log.read_bytes().splitlines())


NO_EVENTS = {
    "half a line": b'{"at": "2026", "event": "ke',
    "no bytes of UTF-8": b'{"at": "2026", "event": "\xff"}',
    "a list": b"[1, 2]",
    "a text": b'"keep"',
    "a number of five thousand digits": b'{"at": "2026", "event": "keep", "take": ' + b"9" * 5_000 + b"}",
    "no time": b'{"event": "keep"}',
    "no name": b'{"at": "2026"}',
    "a time that is none": b'{"at": 5, "event": "keep"}',
    "a name that is none": b'{"at": "2026", "event": ["keep"]}',
    "no number": b'{"at": "2026", "event": "keep", "take": NaN}',
    "half a surrogate pair": b'{"at": "2026", "event": "keep", "note": "\\ud800"}',
    "a detail of many parts": b'{"at": "2026", "event": "keep", "persona": {"a": 1}}',
    "deep nests": b'{"at": "2026", "event": "keep", "note": ' + b"[" * 600 + b"]" * 600 + b"}",
    "deeper nests": b"[" * 100_000,
    "nothing": b"",
}


@pytest.mark.parametrize("line", NO_EVENTS.values(), ids=NO_EVENTS)
def test_a_line_that_is_no_event_is_left_out(office: Office, line: bytes) -> None:
    """Whatever else stands on a line of the log, the command shows the events around it, as text and as JSON."""
    office.leave("log.jsonl", "")
    good = b'{"at":"2026-05-01T12:00:00Z","event":"keep","persona":"mason0","rejected":2}\n'
    office.kept("log.jsonl").write_bytes(good + line + b"\n" + good)

    shown = "  2026-05-01T12:00:00Z  keep     mason0, rejected 2"
    assert ["Plumb (plumb)", shown, shown] == office.done("log", "plumb").splitlines()
    assert [json.loads(good)] * 2 == json.loads(office.done("log", "plumb", "--json"))["events"]


def test_an_event_with_parts_missing_is_shown(office: Office) -> None:
    """An event that lacks what Panel writes with it is shown as far as it goes."""
    lines: list[dict[str, object]] = [
        {"event": "retake", "vote": "ship"},
        {"event": "retake", "persona": 7, "asked": "all", "score": None},
        {"event": "", "locked": True, "by": ["Ada", 1, None]},
    ]
    office.leave("log.jsonl", "".join(json.dumps({"at": "2026-05-01"} | line) + "\n" for line in lines))

    assert ["retake   ? ship", "retake   7", "         by Ada 1 None, locked"] == [
        line.removeprefix("  2026-05-01  ") for line in office.done("log", "plumb").splitlines()[1:]
    ]


def test_a_log_that_is_too_large_is_told(office: Office) -> None:
    """A log of more than 64 MB is refused with its name instead of read."""
    office.leave("log.jsonl", "")
    os.truncate(office.kept("log.jsonl"), LARGEST_LOG + 1)

    assert f"{office.kept('log.jsonl')}: is larger than 64,000,000 bytes" in office.refused("log", "plumb")


def test_no_text_of_the_history_steers_the_terminal(office: Office) -> None:
    """Notes, names and reasons with escape sequences come out as plain characters, and forge no line of the log."""
    office.reviewed()
    forged = f"{STEERING}\n  2026-05-01T12:00:00Z  approve  by Eve"
    line = {"at": STEERING, "event": f"keep{STEERING}", "persona": "mason0", "note": forged, STEERING: "x"}
    office.leave("log.jsonl", json.dumps(line) + "\n")
    office.spoil("takes/mason1-1.json", lambda data: data["choice"].update(edit={"by": forged, "of": "", "words": {}}))

    printed, data = office.done("log", "plumb"), office.done("log", "plumb", "--json")
    assert ("", "") == (steering(printed), steering(data))
    assert 1 + 3 + 1 == len(printed.splitlines())
    assert [line] == json.loads(data)["events"]


def test_a_history_that_can_t_be_written_is_told(office: Office, history: History) -> None:
    """Where a take can't be written the file is named, and the ones that are there stand."""
    one = entry(office, "mason0", "first")
    history.folder.mkdir(parents=True)
    (history.folder / "takes").write_text("in the way")
    with pytest.raises(RecordError, match="takes"):
        history.keep(one)

    assert readable(one.as_json()) == readable(Entry.model_validate(one.as_json()).as_json())
