"""Meanings: what changed between two records of a tool, in words, and nothing where nothing did."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import EXAMPLES
from goldens import Data, altered, golden, small
from hypothesis import given, reject
from hypothesis import strategies as st
from pydantic import ValidationError

from panel.change import meanings
from panel.files import readable
from panel.golden.bench import bench
from panel.golden.verify import outcome
from panel.project import Project
from panel.review import Review, verdict_over
from panel.shelf import shelf

SMOLLM3: Data = json.loads(golden(EXAMPLES, "smollm3").read_bytes())


SOUND = Review.model_validate(SMOLLM3)


def changed(change: Callable[[Data], object]) -> Review:
    """Return the record after a change, with the verdict over its seats unless that is what changed."""
    data = json.loads(json.dumps(SMOLLM3))
    change(data)
    after = Review.model_validate(data)
    follows = after.model_copy(update={"verdict": verdict_over(after.tool, after.seats)})
    return follows if after.verdict == SOUND.verdict else after


def take(number: int, **fields: Any) -> Callable[[Data], object]:
    """Return the change of these fields of a take."""
    return lambda data: data["seats"][number]["take"].update(fields)


def seat(number: int, **fields: Any) -> Callable[[Data], object]:
    """Return the change of these fields of a seat."""
    return lambda data: data["seats"][number].update(fields)


def rated(number: int, criterion: str, vote: str, score: int, **fields: Any) -> Callable[[Data], object]:
    """Return the change of one rating, with the score and the vote that it gives."""

    def change(data: Data) -> None:
        said = data["seats"][number]["take"]
        said |= {"score": score, "vote": vote}
        next(each for each in said["ratings"] if each["criterion"] == criterion).update(fields)

    return change


def absent(number: int, reason: str = "?") -> Callable[[Data], object]:
    """Return the change of a take into an abstention."""
    return seat(number, take=None, status="absent", absence="abstained", reason=reason)


FLIPPED = rated(0, "fit", "skip", 59, given=1, rating=1)
CHANGES: dict[str, tuple[Callable[[Data], object], list[str]]] = {
    "a flipped vote": (FLIPPED, ["SmolLM3: Mixed to Skip because Builder flipped 62 to 59: criterion fit 2 to 1"]),
    "a score": (
        rated(1, "rival", "skip", 53, rating="5/2"),
        ["SmolLM3: Skeptic moved 48 to 53: criterion rival 1 to 2.5"],
    ),
    "a cap": (
        rated(0, "evidence", "ship", 60, given=3, rating=2, capped=True),
        ["SmolLM3: Builder moved 62 to 60: criterion evidence 3 to 2 (capped)"],
    ),
    "no rating": (
        rated(0, "fit", "ship", 62, given=None, rating=None),
        ["SmolLM3: Builder still 62 ship: criterion fit 2 to not told"],
    ),
    "an abstention": (
        absent(1),
        ["SmolLM3: stays Mixed 2-1; Skeptic 48 skip to abstained (?)"],
    ),
    "a label without a flip": (
        lambda data: [absent(number)(data) for number in (0, 1)],
        ["SmolLM3: Mixed to No verdict because Builder 62 ship to abstained (?); Skeptic 48 skip to abstained (?)"],
    ),
    "a threshold": (
        lambda data: [seat(2, threshold=65)(data), take(2, vote="skip")(data)],
        ["SmolLM3: Mixed to Skip because Futurist flipped 64 to 64: threshold 60 to 65"],
    ),
    "a text": (
        take(0, headline="Another", text="Other words"),
        ["SmolLM3: Builder still 62 ship: other take, headline"],
    ),
    "an edit": (
        take(0, best_for="x", edited_by="Ida"),
        ["SmolLM3: Builder still 62 ship: other best_for, edited by Ida"],
    ),
    "retakes": (take(0, retakes=2), ["SmolLM3: Builder still 62 ship: other retakes"]),
    "a persona": (seat(3, persona_digest="sha256:0"), ["SmolLM3: Founder still 48 skip: other persona"]),
    "a seat less": (
        lambda data: data["seats"].pop(3),
        ["SmolLM3: stays Mixed 2-1; Founder 48 skip to not at the table"],
    ),
    "the dossier": (
        lambda data: data["tool"].update(tagline="Another", maker="Elsewhere"),
        ["SmolLM3: the dossier changed: maker, tagline"],
    ),
    "the rules": (lambda data: data.update(rules="2"), ["SmolLM3: the rules changed: 1 to 2"]),
    "the order": (
        lambda data: data["seats"].reverse(),
        ["SmolLM3: the seats are in another order, or one of them is there twice"],
    ),
    "the verdict": (
        lambda data: data["verdict"].update(percent=51, margin=2),
        ["SmolLM3: percent, margin of the verdict changed"],
    ),
}


@pytest.mark.parametrize(("change", "expected"), CHANGES.values(), ids=CHANGES)
def test_a_change_is_told_in_words(change: Callable[[Data], object], expected: list[str]) -> None:
    """A change of a record is told by what it means: label, vote, score, criterion, or the part that is other."""
    assert expected == meanings(SOUND, changed(change))


def test_the_same_record_has_no_meanings() -> None:
    """Two readings of one record differ in nothing."""
    assert [] == meanings(SOUND, Review.model_validate(SMOLLM3))


@given(altered(SMOLLM3))
def test_there_are_meanings_exactly_where_records_differ(data: Data) -> None:
    """Whatever one value becomes, there is a meaning if and only if the records differ, and each one is whole."""
    try:
        after = Review.model_validate(data)
    except ValidationError:
        reject()
    there, back = meanings(SOUND, after), meanings(after, SOUND)

    assert (SOUND != after) == bool(there) == bool(back)
    assert [] == [line for line in there + back if re.search(r": ,|: $|other $|: of |, $", line)]


@pytest.fixture(scope="module")
def shelf_of_one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a project with one tool."""
    return small(tmp_path_factory.mktemp("shelf"))


@given(data=st.data())
def test_verify_sees_every_single_change_of_a_golden_record(shelf_of_one: Path, data: st.DataObject) -> None:
    """Whatever one value of a golden record becomes, verify finds a difference, unless the record is the same."""
    path = golden(shelf_of_one, "plumb")
    sound = path.read_bytes()
    after = data.draw(altered(json.loads(sound)))
    opened = Project.open(shelf_of_one, {"mode": "replay"})
    project, (tool,) = bench(opened), shelf(opened)
    try:
        path.write_bytes(readable(after))
        found = asyncio.run(outcome(project, tool))
    finally:
        path.write_bytes(sound)

    assert (json.loads(sound) == after) == (not found.differences)
