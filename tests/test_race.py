"""Races: two who change one tool at once lose nothing, and leave a record that is whole."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import made
import pytest
from forked import Child, Forked
from held import Held, when_waited_for
from mutated import within
from reviewed import (
    Step,
    arguments,
    assert_agrees,
    assert_verdict_follows,
    broken_lines,
    choices,
    history,
    log,
    number_of,
    project,
    record,
    run,
    runs,
    seat,
    state,
    takes,
)
from struck import GATE, POINTS, Gate
from vendor import ANTHROPIC, Answer, Call, Vendor

TOGETHER = 50
"""Retakes of one tool by two processes."""

ACCEPT: Step = ("retake", "--persona", "mason0", "--accept")
OTHER: Step = ("retake", "--persona", "mason1", "--accept")
EDIT: Step = ("edit", "--persona", "mason0", "--by", "Eve")


@pytest.fixture(autouse=True)
def _no_wait_without_end() -> Iterator[None]:
    """A lock that is never let go fails the test that waits for it."""
    with within(120):
        yield


def retakes(retake: Callable[[Step], int], folder: Path, name: str, personas: list[str]) -> list[int]:
    """Retake these seats one after another, with a note that tells whose; return how each ended.

    After each, the record is looked at as a reader finds it who takes no turn.
    """
    codes = []
    for number, persona in enumerate(personas):
        codes.append(retake(("retake", "--persona", persona, "--note", f"{name} {number}", "--accept")))
        assert_verdict_follows(record(folder))
    return codes


def test_fifty_retakes_by_two_lose_no_take(forked: Forked, tmp_path: Path) -> None:
    """Of fifty retakes that two processes accept, of one seat and of others, each is in the history and the log."""
    folder = project(tmp_path, 2)
    assert 0 == run(folder, "review").exit_code
    half = TOGETHER // 2
    personas = {
        "Ann": [f"mason{number % 2}" for number in range(half)],
        "Bob": [f"mason{(number + 2 * number // half) % 2}" for number in range(half)],
    }

    def elsewhere(step: Step) -> int:
        return forked.start(*arguments(step), folder=folder, environment={}).ended()

    with ThreadPoolExecutor() as threads:
        ann = threads.submit(retakes, elsewhere, folder, "Ann", personas["Ann"])
        bob = retakes(lambda step: run(folder, *step).exit_code, folder, "Bob", personas["Bob"])

    assert [[0] * half] * 2 == [ann.result(), bob]
    notes = {f"{name} {number}" for name in personas for number in range(half)}
    assert notes == {entry.choice.note for entry in history(folder).all()} - {None}
    assert [] == broken_lines(log(folder))
    events = history(folder).events()
    for name in ("retake", "accept"):
        assert TOGETHER == len([event for event in events if event.name == name])
    assert notes == {event.details["note"] for event in events if event.name == "retake"}
    assert_agrees(folder)
    accepted = {event.details["persona"]: event.details["take"] for event in events if event.name == "accept"}
    assert accepted == {seat.persona: number_of(history(folder), seat) for seat in record(folder).seats}


# In the middle of a command


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a tool with two takes of mason0, the first of them in the record."""
    folder = project(tmp_path_factory.mktemp("begun") / "project", 2)
    assert 0 == run(folder, "review").exit_code
    assert 0 == run(folder, "retake", "--persona", "mason0", "--keep").exit_code
    return folder


FIRST: dict[str, Step] = {
    "accept": ACCEPT,
    "edit": EDIT,
    "restore": ("restore", "--persona", "mason0", "--take", "2"),
    "lock": ("lock", "--persona", "mason0"),
}
STEPS_TO_PUT = 5
"""So many points before a file is put in its place, it is begun: what is in it was read from the other files before."""

MEETINGS = [
    *((name, "choices.json", STEPS_TO_PUT) for name in FIRST),
    ("accept", "review.json", 0),
]
"""Where the suite stops the first command; the campaign stops it at all of its points."""


@dataclass
class Halfway:
    """A command that is stopped at one of its points, while another one is run."""

    forked: Forked
    begun: Path
    home: Path
    points: dict[str, list[str]] = field(default_factory=dict)

    def points_of(self, name: str) -> list[str]:
        """Return what a command does with files, in order."""
        if name not in self.points:
            folder = Path(shutil.copytree(self.begun, self.home / name))
            assert 0 == self._start(folder, name, 0).ended()
            self.points[name] = (folder / "points").read_text().splitlines()
        return self.points[name]

    def place(self, name: str, file: str, before: int) -> int:
        """Return the point so many points before a file is put in its place."""
        points = self.points_of(name)
        return 1 + next(place for place, point in enumerate(points) if point.endswith(f" {file}")) - before

    def run(self, folder: Path, name: str, place: int, other: Step) -> None:
        """Stop a command at a point, run another one until it waits or ends, and let the first one go on."""
        gate = Gate(folder / "gate")
        gate.put_up()
        opened: list[bool] = []

        def go_on() -> None:
            if not opened:
                opened.append(True)
                gate.open()

        first = self._start(folder, name, place, gate)
        gate.reached()
        with pytest.MonkeyPatch.context() as patch:
            when_waited_for(go_on, patch)
            done = run(folder, *other)
        go_on()
        assert [0, 0] == [first.ended(), done.exit_code], done.output

    def _start(self, folder: Path, name: str, place: int, gate: Gate | None = None) -> Child:
        environment = {POINTS: str(folder / "points"), "EDITOR": "sed -i s/stand-in/stopgap/"}
        environment |= {GATE: str(gate.path)} if gate else {}
        return self.forked.start(*arguments(FIRST[name]), folder=folder, environment=environment, strike=place)


@pytest.fixture(scope="module")
def halfway(forked: Forked, begun: Path, tmp_path_factory: pytest.TempPathFactory) -> Halfway:
    """Give such a command at a tool with two takes of mason0, the first of them in the record."""
    return Halfway(forked, begun, tmp_path_factory.mktemp("halfway"))


def assert_both_stand(folder: Path, name: str) -> None:
    """Assert that what both commands did is in the choices, in the record, in the history and in the log."""
    assert_agrees(folder)
    assert [] == broken_lines(log(folder))
    assert "mason1" in choices(folder).seats
    assert 2 == number_of(history(folder), seat(folder, "mason1"))
    assert ("mason0" in choices(folder).locked) if name == "lock" else ("mason0" in choices(folder).seats)
    assert {name, "accept"} <= {event.name for event in history(folder).events()}


@pytest.mark.parametrize(("name", "file", "before"), MEETINGS)
def test_what_two_do_at_once_both_stands(
    name: str, file: str, before: int, halfway: Halfway, begun: Path, tmp_path: Path
) -> None:
    """Where a command is run while another one is writing, it waits for it, and what both did stands."""
    folder = Path(shutil.copytree(begun, tmp_path / "project"))

    halfway.run(folder, name, halfway.place(name, file, before), OTHER)
    assert_both_stand(folder, name)


@pytest.mark.campaign
@pytest.mark.parametrize("name", FIRST)
def test_what_two_do_at_once_stands_wherever_they_meet(
    name: str, halfway: Halfway, begun: Path, tmp_path: Path
) -> None:
    """At whichever point of one command another one is run, what both did stands."""
    for place in range(1, len(halfway.points_of(name)) + 1):
        folder = Path(shutil.copytree(begun, tmp_path / str(place)))
        halfway.run(folder, name, place, OTHER)
        assert_both_stand(folder, name)


# While an editor is open


@dataclass
class Desk:
    """An editor's desk: `panel edit` runs there, and its editor stays open until it is closed."""

    forked: Forked
    folder: Path

    def open(self) -> Child:
        """Return the command once its editor is open, with a word changed."""
        opened, closed, script = (self.folder / name for name in ("opened", "closed", "editor"))
        os.mkfifo(opened)
        os.mkfifo(closed)
        script.write_text(f'sed -i s/stand-in/stopgap/ "$1"; echo > {opened}; read _ < {closed}')
        environment = {"EDITOR": f"sh {script}"}
        child = self.forked.start(
            *arguments(EDIT), folder=self.folder, environment=environment, output=str(self.folder / "said")
        )
        opened.read_text()
        return child

    def close(self, child: Child) -> int:
        """Close the editor; return how the command ends."""
        (self.folder / "closed").write_text("\n")
        return child.ended()

    @property
    def kept(self) -> str:
        """The text in the file that the command names."""
        [path] = re.findall(r"Your text is kept in (.*)", (self.folder / "said").read_text())
        return Path(path).read_text()


@pytest.fixture
def desk(forked: Forked, begun: Path, tmp_path: Path) -> Desk:
    """Give a desk at it."""
    return Desk(forked, Path(shutil.copytree(begun, tmp_path / "project")))


def other_words(folder: Path, *, headline: str) -> None:
    """Edit a headline, as another editor does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDITOR", f"sed -i 's/a stand-in, not an opinion/{headline}/'")
        assert 0 == run(folder, "edit", "--persona", "mason0", "--by", "Bob").exit_code


MEANWHILE: dict[str, Callable[[Path], object]] = {
    "another take is accepted": lambda folder: run(folder, *ACCEPT),
    "an earlier take is restored": lambda folder: run(folder, "restore", "--persona", "mason0", "--take", "2"),
    "another editor changes it": lambda folder: other_words(folder, headline="no opinion"),
    "it is locked": lambda folder: run(folder, "lock", "--persona", "mason0"),
    "the record is gone": lambda folder: (runs(folder) / "review.json").unlink(),
}


@pytest.mark.parametrize("act", MEANWHILE.values(), ids=MEANWHILE)
def test_words_for_a_take_that_changed_are_kept(act: Callable[[Path], object], desk: Desk) -> None:
    """Where another run changes a take while its editor is open, that stands, and the words are kept in a file."""
    child = desk.open()
    act(desk.folder)
    meanwhile = state(desk.folder), log(desk.folder)

    assert 2 == desk.close(child)
    assert meanwhile == (state(desk.folder), log(desk.folder))
    assert "a stopgap, not an opinion" in desk.kept


def test_words_and_another_seat_s_take_both_stand(desk: Desk) -> None:
    """Where another run changes another seat while an editor is open, both are in the record afterwards."""
    child = desk.open()
    assert 0 == run(desk.folder, *OTHER).exit_code

    assert 0 == desk.close(child)
    assert_agrees(desk.folder)
    assert {"mason0", "mason1"} == set(choices(desk.folder).seats)
    assert [("Eve", 0), (None, 1)] == [
        (one.take.edited_by, one.take.retakes) for one in record(desk.folder).seats if one.take
    ]


def test_words_that_wait_for_their_turn_replace_no_newer_take(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A take that is accepted in the moment in which an edit waits for its turn stands; the words are kept."""
    later = Path(shutil.copytree(desk.folder, tmp_path / "later"))
    assert 0 == run(later, *ACCEPT).exit_code
    monkeypatch.setenv("EDITOR", "sed -i s/stand-in/stopgap/")
    monkeypatch.chdir(tmp_path)
    with Held(runs(desk.folder)) as held:

        def accept() -> None:
            shutil.copytree(later, desk.folder, dirs_exist_ok=True)
            held.let_go()

        when_waited_for(accept, monkeypatch)
        done = run(desk.folder, *EDIT)

    assert 2 == done.exit_code, done.output
    assert state(later) == state(desk.folder)
    assert "a stopgap, not an opinion" in (tmp_path / "plumb-mason0.edited").read_text()


def test_words_for_a_choice_that_is_not_in_the_record_yet_are_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where an accepted take is not in the record yet, nobody edits the one before it; a review completes it first."""
    before = (runs(desk.folder) / "review.json").read_bytes()
    assert 0 == run(desk.folder, *ACCEPT).exit_code
    (runs(desk.folder) / "review.json").write_bytes(before)
    monkeypatch.setenv("EDITOR", "sed -i s/stand-in/stopgap/")
    early = run(desk.folder, *EDIT)
    assert 0 == run(desk.folder, "review").exit_code

    assert 2 == early.exit_code
    assert "is stale (panel status); review it before you edit it" in early.stderr
    assert 0 == run(desk.folder, *EDIT).exit_code
    assert_agrees(desk.folder)


def test_words_are_added_to_those_that_are_not_in_the_record_yet(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words that a killed run chose are on the next editor's sheet, so that no edit undoes them unseen."""
    before = (runs(desk.folder) / "review.json").read_bytes()
    other_words(desk.folder, headline="a stopgap, not an opinion")
    (runs(desk.folder) / "review.json").write_bytes(before)
    monkeypatch.setenv("EDITOR", "sed -i 's/not an opinion/no opinion/'")

    assert 0 == run(desk.folder, *EDIT).exit_code
    take = seat(desk.folder, "mason0").take
    assert take
    assert "a stopgap, no opinion" == take.headline


# While a vendor is waited for


@dataclass
class Slow:
    """A script for a vendor that holds back its answer to one critic until it is let."""

    who: str = "Mason 0"
    asked: Event = field(default_factory=Event)
    let: Event = field(default_factory=Event)

    def __call__(self, call: Call) -> Answer:
        """Answer, at once or when it is let."""
        if f"{self.who}\n" in json.dumps(call.body).replace("\\n", "\n"):
            self.asked.set()
            self.let.wait(20)
        return ANTHROPIC.said(made.reply())


@dataclass
class Live:
    """A tool that a vendor answers for."""

    forked: Forked
    folder: Path

    def while_it_waits(self, step: Step, act: Callable[[], object]) -> int:
        """Return how a command ends while whose answer another thing is done."""
        slow = Slow()
        with Vendor(slow) as vendor, pytest.MonkeyPatch.context() as patch:
            environment = {**vendor.environment, "ANTHROPIC_API_KEY": "not-a-key"}
            for name, value in environment.items():
                patch.setenv(name, value)
            child = self.forked.start(*arguments(step), folder=self.folder, environment=environment)
            assert slow.asked.wait(20)
            act()
            slow.let.set()
            return child.ended()


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a tool that is reviewed by a vendor, with a persona that changed since."""
    folder = project(tmp_path_factory.mktemp("reviewed") / "project", 2, model=ANTHROPIC.model)
    with Vendor(lambda _: ANTHROPIC.said(made.reply())) as vendor, pytest.MonkeyPatch.context() as patch:
        for name, value in {**vendor.environment, "ANTHROPIC_API_KEY": "not-a-key"}.items():
            patch.setenv(name, value)
        assert 0 == run(folder, "review").exit_code
    mason = folder / "personas" / "mason0.md"
    mason.write_text(mason.read_text().replace("few words", "fewer words"))
    return folder


@pytest.fixture
def live(forked: Forked, reviewed: Path, tmp_path: Path) -> Live:
    """Give such a tool."""
    return Live(forked, Path(shutil.copytree(reviewed, tmp_path / "project")))


REVIEWS: list[Step] = [("review",), ("review", "--mode", "fresh", "--persona", "mason0")]


@pytest.mark.parametrize("step", REVIEWS, ids=" ".join)
def test_a_review_that_waits_takes_in_what_is_accepted(step: Step, live: Live) -> None:
    """A retake that is accepted while a review waits for its vendor stands beside what the vendor answers."""
    before = record(live.folder)

    assert 0 == live.while_it_waits(step, lambda: run(live.folder, *OTHER))
    assert_agrees(live.folder)
    assert all(old != new for old, new in zip(before.seats, record(live.folder).seats, strict=True))
    assert 1 == choices(live.folder).seats["mason1"].retakes
    events = [event.name for event in history(live.folder).events()]
    assert ["review", "retake", "accept", "review"] == events


@pytest.mark.parametrize(("mode", "seats"), [("live", ()), ("fresh", ()), ("fresh", ("--persona", "mason0"))])
def test_a_review_that_waits_changes_nothing_that_is_locked(mode: str, seats: Step, live: Live) -> None:
    """What is locked while a review waits for its vendor stays in the record and in the choices as it was."""
    before = seat(live.folder, "mason0")

    assert 0 == live.while_it_waits(("review", "--mode", mode), lambda: run(live.folder, "lock", *seats))
    assert before == seat(live.folder, "mason0")
    assert {} == {id: one for id, one in choices(live.folder).seats.items() if choices(live.folder).locks(id)}


def test_a_seat_that_is_locked_while_it_is_asked_is_not_changed(live: Live) -> None:
    """Where the very seat that a review asks is locked meanwhile, it stays as it was; its reply is kept."""
    before = state(live.folder), takes(live.folder)
    step = ("review", "--persona", "mason0")

    assert 0 == live.while_it_waits(step, lambda: run(live.folder, "lock", "--persona", "mason0"))
    assert before[0]["review.json"] == state(live.folder)["review.json"]
    assert {} == choices(live.folder).seats
    assert 3 == len(list((live.folder / "runs" / "ledger").glob("??/*.json")))


def test_a_fresh_review_and_a_retake_of_one_seat_lose_no_take(live: Live) -> None:
    """Where a seat is retaken while a fresh review asks it, both takes are in the history, and the record is one's."""
    retake = (*OTHER, "--note", "mind the rain")  # without a note they would ask the same, and the retake would wait

    assert 0 == live.while_it_waits(("review", "--mode", "fresh"), lambda: run(live.folder, *retake))
    assert_agrees(live.folder)
    assert 3 == len(history(live.folder).entries("mason1"))
