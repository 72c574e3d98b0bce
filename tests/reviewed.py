"""Reviewed: a project with a panel of masons that `fake:ship` or a vendor answers for, and what must hold of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import made
from typer.testing import CliRunner, Result

from panel.choices import Choices
from panel.cli.app import app
from panel.history import History
from panel.project import Project
from panel.record import read_record
from panel.review import Review, Seat, review
from panel.tool import read_tool

FILES = ("choices.json", "review.md", "review.json", "approval.json")
"""What commands write for a tool, in the order in which they do."""

State = Mapping[str, bytes]
Step = tuple[str, ...]
"""A command without its tool."""


def project(folder: Path, seats: int, model: str = "fake:ship") -> Path:
    """Make a project that nobody reviewed yet; return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    made.project(folder, personas=seats)
    (folder / "panel.toml").write_text(f'model = "{model}"\n')
    return folder


def arguments(step: Step) -> Step:
    """Return a command as it is typed in the folder of the project."""
    return (step[0], "plumb.yaml", *step[1:])


def run(folder: Path, *step: str) -> Result:
    """Return how a command ends that is run in this process."""
    return CliRunner().invoke(app, [step[0], str(folder / "plumb.yaml"), *step[1:]])


def runs(folder: Path) -> Path:
    """Return the folder of the tool."""
    return folder / "runs" / "plumb"


def state(folder: Path) -> State:
    """Return what is in each file; those that are not there are left out, and so is whether an approval is void.

    That is written by whoever first finds it void.
    """
    paths = [runs(folder) / name for name in FILES]
    return {path.name: re.sub(rb'"void": .*', b"", path.read_bytes()) for path in paths if path.exists()}


def number_of(history: History, seat: Seat) -> int:
    """Return the number of the take that a seat is."""
    entries = history.entries(seat.persona).items()
    [number] = [number for number, entry in entries if entry.seat.said == seat.said]
    return number


def log(folder: Path) -> bytes:
    """Return the log."""
    return (runs(folder) / "log.jsonl").read_bytes()


def takes(folder: Path) -> State:
    """Return what is in each take."""
    return {path.name: path.read_bytes() for path in (runs(folder) / "takes").glob("[!.]*")}


def history(folder: Path) -> History:
    """Return the history."""
    return History(runs(folder))


def record(folder: Path) -> Review:
    """Return the record."""
    return read_record(runs(folder) / "review.json", Review)


def seat(folder: Path, persona: str) -> Seat:
    """Return a seat of the record."""
    return next(seat for seat in record(folder).seats if seat.persona == persona)


def choices(folder: Path) -> Choices:
    """Return the choices."""
    return read_record(runs(folder) / "choices.json", Choices)


def broken_lines(text: bytes) -> list[bytes]:
    """Return the lines that are no JSON."""
    broken = []
    for line in text.splitlines():
        try:
            json.loads(line)
        except ValueError:
            broken.append(line)
    return broken


def assert_verdict_follows(found: Review) -> None:
    """Assert that the verdict of a record is what its seats come to."""
    assert review(found.tool, found.seats).verdict == found.verdict


def assert_agrees(folder: Path) -> None:
    """Assert that the record follows from its seats, and each seat that was chosen from its choice."""
    assert_verdict_follows(record(folder))
    opened = Project.open(folder, {})
    tool = read_tool(folder / "plumb.yaml")
    for persona, choice in choices(folder).seats.items():
        shown = seat(folder, persona)
        assert shown.take, f"{persona} was chosen and has no take"
        asked = opened.question(tool, opened.persona(persona), choice.note).request(choice.sample).identity
        assert (asked, choice.retakes) == (shown.asks[0].request, shown.take.retakes)
        assert (choice.edit and choice.edit.by) == shown.take.edited_by
