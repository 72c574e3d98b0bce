"""Races: two who change one tool at once lose nothing, and leave a record that is whole."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from forked import Forked
from mutated import within
from reviewed import arguments, assert_agrees, assert_verdict_follows, broken_lines, history, log, project, record, run

TOGETHER = 50
"""Retakes of one tool by two processes."""


@pytest.fixture(autouse=True)
def _no_wait_without_end() -> Iterator[None]:
    """A lock that is never let go fails the test that waits for it."""
    with within(120):
        yield


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Forked, Forked]]:
    """Give two processes that start commands."""
    with Forked() as one, Forked() as other:
        yield one, other


def retakes(forked: Forked, folder: Path, name: str, personas: list[str]) -> list[int]:
    """Retake these seats one after another, with a note that tells whose; return how each ended.

    After each, the record is looked at as a reader finds it who takes no turn.
    """
    codes = []
    for number, persona in enumerate(personas):
        step = ("retake", "--persona", persona, "--note", f"{name} {number}", "--accept")
        codes.append(forked.start(*arguments(step), folder=folder, environment={}).ended())
        assert_verdict_follows(record(folder))
    return codes


def test_fifty_retakes_by_two_lose_no_take(pair: tuple[Forked, Forked], tmp_path: Path) -> None:
    """Of fifty retakes that two processes accept, of one seat and of two, each is in the history and the log."""
    folder = project(tmp_path, 2)
    assert 0 == run(folder, "review").exit_code
    half = TOGETHER // 2
    personas = {"Ann": ["mason0"] * half, "Bob": [f"mason{number % 2}" for number in range(half)]}
    with ThreadPoolExecutor() as threads:
        ends = threads.map(lambda each: retakes(each[0], folder, *each[1]), zip(pair, personas.items(), strict=True))

    assert [[0] * half] * 2 == list(ends)
    notes = {f"{name} {number}" for name in personas for number in range(half)}
    assert notes == {entry.choice.note for entry in history(folder).all()} - {None}
    assert [] == broken_lines(log(folder))
    events = history(folder).events()
    for name in ("retake", "accept"):
        assert TOGETHER == len([event for event in events if event.name == name])
    assert notes == {event.details["note"] for event in events if event.name == "retake"}
    assert_agrees(folder)
    accepted = {event.details["persona"]: event.details["take"] for event in events if event.name == "accept"}
    assert accepted == {seat.persona: history(folder).number_of(seat) for seat in record(folder).seats}
