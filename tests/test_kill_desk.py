"""kill -9 in the middle of the desk's commands: each file is the old one or the new one, and no take is lost."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Timer

import made
import pytest
from forked import Forked
from reviewed import (
    FILES,
    State,
    Step,
    arguments,
    assert_agrees,
    assert_verdict_follows,
    broken_lines,
    history,
    log,
    project,
    record,
    run,
    runs,
    state,
    takes,
)
from struck import POINTS

from panel.choices import Choices
from panel.desk.approval import Approval
from panel.llm.ledger import Ledger
from panel.record import digest, read_record

SEEDS = range(5)
CAMPAIGN = range(5, 25)
"""The suite runs the first five; `pytest -m campaign` all of them, and every point there is."""

PLACES = sorted(range(25), key=lambda place: (place % 5 != 2, place))
"""In which 25th of a run each seed strikes: the first five are spread over it."""

SEATS = 2
LONGEST_RUN_S = 0.15
"""A forked command takes about this long from its start to its end."""

DOSSIER: Step = ("the dossier is changed",)
BEGIN: tuple[Step, ...] = (
    ("review",),
    ("retake", "--persona", "mason0", "--keep"),
    ("retake", "--persona", "mason1", "--accept"),
    ("approve", "--by", "Ann"),
)
"""What was done before: both seats have two takes each, and the approval holds."""


@dataclass(frozen=True)
class Case:
    """A command that is killed."""

    step: Step
    before: tuple[Step, ...] = ()
    """What was done after the beginning."""

    asks_anew: bool = False
    """True where each run asks for one more take."""

    locks: bool = False
    """True where it keeps a take as it was: the record is written first, since a lock keeps what is in it."""


CASES = {
    "accept": Case(("retake", "--persona", "mason0", "--note", "mind the rain", "--accept"), asks_anew=True),
    "restore": Case(("restore", "--persona", "mason1", "--take", "1")),
    "approve": Case(("approve", "--by", "Bob"), (("retake", "--persona", "mason0", "--accept"),)),
    "edit": Case(("edit", "--persona", "mason0", "--by", "Eve")),
    "lock": Case(("lock", "--persona", "mason1")),
    "restore --lock": Case(
        ("restore", "--persona", "mason1", "--take", "1", "--lock"), (DOSSIER, ("review",)), locks=True
    ),
}
MOST = ("accept", "restore", "approve", "edit")
"""The suite kills these five times each; the others are for the campaign."""


@dataclass(frozen=True)
class Prepared:
    """A command with what was there before it, and what is there after it."""

    case: Case
    folder: Path
    """The project before it."""

    old: State
    new: State
    points: list[str]
    """What the command does with files, in order."""

    def place(self, seed: int) -> int:
        """Return the point at which a seed strikes."""
        part = (PLACES[seed] + random.Random(seed).random()) / len(PLACES)
        return 1 + int(part * len(self.points))

    def copy(self, to: Path) -> Path:
        """Return a copy of the project as it was before the command."""
        return Path(shutil.copytree(self.folder, to / "project"))

    def phase(self, point: int) -> str:
        """Return which of its files a command has put in their places before a point."""
        put = {each.split()[-1] for each in self.points[: point - 1] if each.startswith("replace")}
        return "after" if put & {"review.json", "approval.json"} else "between" if put else "before"


@dataclass
class Bench:
    """Where commands are run: each in a process of its own, at a clock that stands still."""

    forked: Forked
    home: Path
    prepared: dict[str, Prepared] = field(default_factory=dict)

    def run(self, folder: Path, step: Step, killed_after_s: float | None = None, **how: int) -> int:
        """Return how a command ends that is struck at a point, or killed after so many seconds, or nothing of it."""
        (folder / "tmp").mkdir(exist_ok=True)
        environment = {
            POINTS: str(folder / "points"),
            "EDITOR": "sed -i s/stand-in/stopgap/",
            "TMPDIR": str(folder / "tmp"),
        }
        how = {"strike": 0, **how}
        said = str(folder / "said")
        child = self.forked.start(*arguments(step), folder=folder, environment=environment, output=said, **how)
        if killed_after_s is not None:
            Timer(killed_after_s, _kill, [child.pid]).start()
        return child.ended()

    def case(self, name: str) -> Prepared:
        """Return a command with what was there before it, and what is there after it."""
        if name not in self.prepared:
            self.prepared[name] = self._prepare(CASES[name], self.home / name.replace(" ", ""))
        return self.prepared[name]

    def _prepare(self, case: Case, folder: Path) -> Prepared:
        ready = self._begun(folder / "ready", case.before)
        done = Path(shutil.copytree(ready, folder / "done"))
        (done / "points").unlink()
        assert 0 == self.run(done, case.step)
        return Prepared(case, ready, state(ready), state(done), (done / "points").read_text().splitlines())

    def _begun(self, folder: Path, steps: tuple[Step, ...]) -> Path:
        """Return a project in which these steps were taken after the beginning."""
        first = self.home / "begun"
        if not first.exists():
            project(first, SEATS)
            looked_at = f"pricing: {{checked_on: {datetime.now(UTC).date()}, "
            (first / "plumb.yaml").write_text(made.DOSSIER.replace("pricing: {", looked_at))
            for step in BEGIN:
                assert 0 == self.run(first, step), step
        shutil.copytree(first, folder)
        for step in steps:
            if step == DOSSIER:
                dossier = folder / "plumb.yaml"
                dossier.write_text(dossier.read_text().replace("A plumb line", "One plumb line"))
            else:
                assert 0 == self.run(folder, step), step
        return folder


@pytest.fixture(scope="module")
def bench(forked: Forked, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Give a bench."""
    return Bench(forked, tmp_path_factory.mktemp("bench"))


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def assert_old_or_new(folder: Path, prepared: Prepared) -> None:
    """Assert that every file is the old one or the new one, and can be read."""
    now = state(folder)
    assert set(prepared.old) <= set(now)
    for name in FILES:
        assert now.get(name) in (prepared.old.get(name), prepared.new.get(name)), f"{name} is neither old nor new"
    assert_verdict_follows(record(folder))
    read_record(runs(folder) / "choices.json", Choices)
    read_record(runs(folder) / "approval.json", Approval)


def assert_nothing_lost(folder: Path, prepared: Prepared) -> None:
    """Assert that the log has all it had, and at most the line that was torn; that each take and reply is whole."""
    before = log(prepared.folder)
    assert log(folder).startswith(before)
    assert 1 >= len(broken_lines(log(folder).removeprefix(before)))
    assert takes(prepared.folder) == {name: takes(folder).get(name) for name in takes(prepared.folder)}
    assert len(takes(folder)) == len(list(history(folder).all()))
    ledger = Ledger(folder / "runs" / "ledger")
    for path in ledger.folder.glob("??/*.json"):
        ledger.read(path)


def assert_done(folder: Path, prepared: Prepared) -> None:
    """Assert that record and choices agree, that no seat is stale, and that no approval outlives what it was for."""
    [told] = json.loads(run(folder, "status", "--json").stdout)
    stale = [seat["persona"] for seat in told["seats"] if seat["stale"]]
    if prepared.case.locks:
        assert ["mason1"] == stale
    else:
        assert_agrees(folder)
        assert [] == stale
    approval = read_record(runs(folder) / "approval.json", Approval)
    holds = prepared.case.step[0] in ("approve", "lock")
    assert holds == (digest(record(folder)) == approval.review)


def assert_survives(bench: Bench, prepared: Prepared, folder: Path, *, looks: bool) -> None:
    """Assert that what a killed command left is whole, and that the command can be run again.

    With `looks`, a plain review is run in between: it completes what was chosen, and changes nothing else.
    """
    assert_old_or_new(folder, prepared)
    assert_nothing_lost(folder, prepared)
    left, old, new, locks = state(folder), prepared.old, prepared.new, prepared.case.locks
    torn = broken_lines(log(folder))
    is_chosen = left["choices.json"] == new["choices.json"] != old["choices.json"]
    is_written = left["review.json"] == new["review.json"] != old["review.json"]
    is_kept = len(takes(folder)) > len(takes(prepared.folder))
    assert locks or is_chosen or not is_written, "the record was written before the choice that brings it back"
    if (looks and not locks) or (locks and is_chosen):
        assert 0 == bench.run(folder, ("review",))
        expected = new if is_chosen else old
        follows = {name: expected[name] for name in ("review.json", "review.md")}
        assert {**left, **follows} == state(folder)
    if not (locks and is_chosen):
        assert 0 == bench.run(folder, prepared.case.step)
    if prepared.case.asks_anew and is_kept:  # what is in the history is not asked for again
        assert len(takes(prepared.folder)) + 2 == len(takes(folder))
    else:
        assert new == state(folder)
    assert torn == broken_lines(log(folder)), "a torn line spoilt another one"
    assert_nothing_lost(folder, prepared)
    assert_done(folder, prepared)


def each(suite: range, campaign: range, most: Sequence[str]) -> list[object]:
    """Return the cases with the seeds of the suite, which runs `most` of them, and with those of the campaign."""
    rows = [(name, seed, name in most and seed in suite) for name in CASES for seed in (*suite, *campaign)]
    return [
        pytest.param(name, seed, id=f"{name}-{seed}", marks=() if is_in_suite else pytest.mark.campaign)
        for name, seed, is_in_suite in rows
    ]


@pytest.mark.parametrize(("name", "seed"), each(SEEDS, CAMPAIGN, MOST))
def test_a_command_that_is_killed_at_a_file_leaves_old_or_new(
    name: str, seed: int, bench: Bench, tmp_path: Path
) -> None:
    """Killed before a file operation or in the middle of a write, a command leaves old or new, and can be run again."""
    prepared = bench.case(name)
    folder = prepared.copy(tmp_path)

    assert -signal.SIGKILL == bench.run(folder, prepared.case.step, strike=prepared.place(seed))
    assert_survives(bench, prepared, folder, looks=bool(seed % 2))


@pytest.mark.parametrize(("name", "seed"), each(range(1), range(1, 25), ("accept", "edit")))
def test_a_command_that_is_killed_at_any_time_leaves_old_or_new(
    name: str, seed: int, bench: Bench, tmp_path: Path
) -> None:
    """Killed at whatever moment, a command leaves old or new, and can be run again."""
    prepared = bench.case(name)
    folder = prepared.copy(tmp_path)
    moment = random.Random(seed).uniform(0, LONGEST_RUN_S)

    assert bench.run(folder, prepared.case.step, killed_after_s=moment) in (-signal.SIGKILL, 0)
    assert_survives(bench, prepared, folder, looks=bool(seed % 2))


@pytest.mark.parametrize("name", ["accept", "approve"])
def test_a_torn_line_spoils_no_other(name: str, bench: Bench, tmp_path: Path) -> None:
    """Killed in the middle of its line in the log, a command leaves that line torn, and every other one whole."""
    prepared = bench.case(name)
    folder = prepared.copy(tmp_path)
    torn = [place for place, point in enumerate(prepared.points, 1) if point == "half log.jsonl"]

    assert -signal.SIGKILL == bench.run(folder, prepared.case.step, strike=torn[name == "accept"])
    assert 1 == len(broken_lines(log(folder)))
    assert_survives(bench, prepared, folder, looks=False)


@pytest.mark.campaign
@pytest.mark.parametrize("name", CASES)
def test_no_point_of_a_command_is_weak(name: str, bench: Bench, tmp_path: Path) -> None:
    """A command can be killed at any of its points."""
    prepared = bench.case(name)
    for point in range(1, len(prepared.points) + 1):
        folder = prepared.copy(tmp_path / f"{point}")
        assert -signal.SIGKILL == bench.run(folder, prepared.case.step, strike=point)
        assert_survives(bench, prepared, folder, looks=bool(point % 2))


@pytest.mark.parametrize("seed", [*SEEDS, *(pytest.param(seed, marks=pytest.mark.campaign) for seed in CAMPAIGN)])
def test_an_interrupt_tells_the_truth(seed: int, bench: Bench, tmp_path: Path) -> None:
    """Where Ctrl-C comes while a take is accepted, it is said that the old one stands only if it does."""
    prepared = bench.case("accept")
    folder = prepared.copy(tmp_path)
    (folder / "said").unlink()

    assert 130 == bench.run(folder, prepared.case.step, strike=prepared.place(seed), signal=signal.SIGINT)
    said = (folder / "said").read_text()
    assert ("The old take stands" in said) == ("while the take was being accepted" not in said)
    if "The old take stands" in said:
        assert prepared.old == state(folder)
    assert_survives(bench, prepared, folder, looks=bool(seed % 2))


def test_what_a_killed_write_leaves_is_read_as_nothing(bench: Bench, tmp_path: Path) -> None:
    """Whatever is in a temporary file that was never put in its place, no command sees a take or a reply in it."""
    prepared = bench.case("accept")
    clean, littered = prepared.copy(tmp_path / "clean"), prepared.copy(tmp_path / "littered")
    for path in list((littered / "runs").rglob("*.json*")):
        (path.parent / f".{path.name[:8]}.part").write_bytes(path.read_bytes())
        (path.parent / f".{path.name[8:]}.part").write_bytes(path.read_bytes()[:99])

    for step in (("log",), ("status", "--json"), ("inbox",), ("diff", "--persona", "mason0"), prepared.case.step):
        said = [run(folder, *step) for folder in (clean, littered)]
        assert [0, 0] == [each.exit_code for each in said], said[1].output
        assert said[0].stdout.replace(str(clean), "") == said[1].stdout.replace(str(littered), "")


@pytest.mark.parametrize("name", MOST)
def test_the_kill_points_are_spread(name: str, bench: Bench) -> None:
    """Kills come before the first file is in its place, between two of them and after the last, and in torn writes."""
    prepared = bench.case(name)
    five, all_of_them = ({prepared.place(seed) for seed in seeds} for seeds in (SEEDS, (*SEEDS, *CAMPAIGN)))
    phases = {"before", "after"} if name == "approve" else {"before", "between", "after"}

    assert 5 == len(five)
    assert min(20, len(prepared.points) - 2) <= len(all_of_them)
    assert phases == {prepared.phase(point) for point in all_of_them}
    assert phases - {"after"} <= {prepared.phase(point) for point in five}
    assert any(prepared.points[point - 1].startswith("half") for point in all_of_them)


@pytest.mark.parametrize("name", MOST)
def test_a_command_writes_its_files_in_one_order(name: str, bench: Bench) -> None:
    """What was chosen is written first, then its line in the log, then the page, and the record last."""
    put = [each.split()[-1] for each in bench.case(name).points if each.startswith(("replace", "write log"))]
    asked = ["log.jsonl"] if name == "accept" else []
    told_of_the_approval = ["approval.json", "log.jsonl"]

    if name == "approve":
        assert ["approval.json", "log.jsonl"] == put
    else:
        assert [*asked, "choices.json", "log.jsonl", "review.md", "review.json", *told_of_the_approval] == put
