"""kill -9 at any point in the life of a batch: nothing is lost, and nothing is paid for twice."""

from __future__ import annotations

import json
import os
import random
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Timer

import made
import pytest
from batching import BatchVendor, Visit
from forked import Forked
from struck import POINTS
from vendor import ANTHROPIC, OPENAI, Answer, Dialect, Said

from panel.llm.ledger import Ledger

SEATS = 2
REQUESTS = SEATS + 1
"""One of the replies is mended once."""

VISITS = {"anthropic": 8, "openai": 10}
"""How often a life that nobody ends visits its vendor."""

MOMENTS = ("before", "taken", "after")
"""Before the vendor heard of it, after it did and before it answered, and while the answer is worked on."""

LATEST_S = 0.03
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
"""When commands take it to be that are struck at their points."""

MOST_ROUNDS = 5


def say(body: Said) -> str:
    """Say something to mend to Mason 1, and mend it."""
    turns = body.get("messages") or body["input"]
    return made.reply(vote="skip") if len(turns) == 1 and "Mason 1" in json.dumps(turns) else made.reply()


@dataclass
class Life:
    """The commands that bring a batch from its submission into the ledger, and its repairs after it."""

    forked: Forked
    folder: Path
    vendor: BatchVendor
    dialect: Dialect
    pid: int = 0
    strike: tuple[int, int] = (0, 0)
    """Which command is struck, from 1, and at which of its points; 0: none."""

    commands: int = 0

    def run(self, *arguments: str) -> int:
        """Return how a command ends."""
        self.commands += 1
        # Root certificates take time to read, and nobody on this machine shows one.
        steering = {"PANEL_MODEL": self.dialect.model, "SSL_CERT_DIR": str(self.folder)}
        environment = {**self.vendor.environment, **steering}
        how = {}
        if self.strike[0]:
            how = {"strike": self.strike[1] if self.commands == self.strike[0] else 0}
            environment[POINTS] = str(self.folder / f"points-{self.commands}")
        child = self.forked.start(*arguments, folder=self.folder, environment=environment, **how)
        self.pid = child.pid
        return child.ended()

    def live(self) -> list[int]:
        """Return how the commands end that are typed until nothing is missing, a killed one being typed again."""
        codes: list[int] = []
        for _ in range(MOST_ROUNDS):
            codes += [self.run("batch", "submit", "plumb.yaml", "--yes"), self.run("batch", "collect")]
            phases = [json.loads(path.read_text())["phase"] for path in self.batches.glob("*.json")]
            if codes[-2:] == [0, 0] and phases == ["collected", "collected"]:
                break
        return [*codes, self.run("review", "plumb.yaml")]

    @property
    def batches(self) -> Path:
        """Where the manifests are."""
        return self.folder / "runs" / "batches"

    def kill(self) -> None:
        """Kill the command that runs."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def kill_at(self, visit: int, moment: str, later_s: float) -> None:
        """Have the command killed that makes a visit, from 1, before, while or after the vendor answers."""
        count = 0

        def fault(_: Visit) -> Answer | None:
            nonlocal count
            count += 1
            if (count, moment) == (visit, "before"):
                self.kill()
                return ANTHROPIC.fault(410, "nobody is there to hear it")
            return None

        def spoil(_: Visit, answer: Answer) -> Answer:
            if (count, moment) == (visit, "taken"):
                self.kill()
            elif (count, moment) == (visit, "after"):
                Timer(later_s, self.kill).start()
            return answer

        self.vendor.fault, self.vendor.spoil = fault, spoil


def assert_all_is_there_once(life: Life, codes: Sequence[int]) -> None:
    """Assert that every reply is recorded, that none was paid for twice, and that nothing is left over."""
    vendor, folder = life.vendor, life.folder
    held = list(Ledger(folder / "runs" / "ledger").all())
    assert codes.count(-9) <= 1
    assert {0} == set(codes) - {-9}
    assert REQUESTS == len(vendor.asked) == len(set(vendor.asked)), "a batch was paid for twice"
    assert set(vendor.asked) == {each.recording.identity.removeprefix("sha256:") for each in held if each.recording}
    assert [] == vendor.singles
    assert [2, 1] == [len(batch.requests) for batch in vendor.batches]
    assert [] == [path for path in life.batches.iterdir() if path.name[0] != "." and path.suffix != ".json"]


MOMENT_CASES = [
    pytest.param(dialect, visit, moment, marks=[] if chosen else [pytest.mark.campaign], id=f"{name}-{visit}-{moment}")
    for dialect, name in ((ANTHROPIC, "anthropic"), (OPENAI, "openai"))
    for visit in range(1, VISITS[name] + 1)
    for moment in MOMENTS
    for chosen in [(name, visit, moment) in {("anthropic", 1, "taken"), ("anthropic", 4, "after")}]
]


@pytest.mark.parametrize(("dialect", "visit", "moment"), MOMENT_CASES)
def test_a_kill_around_a_call_loses_nothing(
    dialect: Dialect, visit: int, moment: str, forked: Forked, tmp_path: Path
) -> None:
    """Before, while and after the vendor answers, at each call of a batch's life."""
    made.project(tmp_path, personas=SEATS)
    with BatchVendor(say) as vendor:
        life = Life(forked, tmp_path, vendor, dialect)
        life.kill_at(visit, moment, random.Random(visit).uniform(0, LATEST_S))
        codes = life.live()

    assert_all_is_there_once(life, codes)


COMMANDS = 4
"""Submission and collection, then those of the repairs."""

MOST_POINTS = 60
SEEDS = {1: 0.55, 2: 0.3, 4: 0.9}
"""Where in a command the suite strikes, as a part of its points."""


@pytest.mark.parametrize("command", [pytest.param(1), pytest.param(2), pytest.param(4)])
def test_a_kill_at_a_point_of_a_command_loses_nothing(command: int, forked: Forked, tmp_path: Path) -> None:
    """Within a file operation of submission, collection, and collection of the repairs."""
    point = 1 + int(SEEDS[command] * (27 if command == 1 else 20))
    _strike(forked, tmp_path, command, point)


@pytest.mark.campaign
@pytest.mark.parametrize("command", range(1, COMMANDS + 1))
def test_a_kill_at_every_point_of_a_command_loses_nothing(command: int, forked: Forked, tmp_path: Path) -> None:
    """Within each file operation of each command of a batch's life."""
    for point in range(1, MOST_POINTS):
        folder = tmp_path / str(point)
        folder.mkdir()
        if not _strike(forked, folder, command, point):
            assert point > 10
            return
    pytest.fail("the command has more points than were struck")


def _strike(forked: Forked, folder: Path, command: int, point: int) -> bool:
    """Return whether a command was struck at a point; assert that nothing was lost."""
    made.project(folder, personas=SEATS)
    with BatchVendor(say, clock=lambda: NOON) as vendor:
        life = Life(forked, folder, vendor, ANTHROPIC, strike=(command, point))
        codes = life.live()
    assert_all_is_there_once(life, codes)
    return -9 in codes


@pytest.mark.campaign
def test_a_life_visits_its_vendor_as_often_as_it_is_killed(forked: Forked, tmp_path: Path) -> None:
    """The kills are spread over a whole life."""
    made.project(tmp_path, personas=SEATS)
    with BatchVendor(say) as vendor:
        life = Life(forked, tmp_path, vendor, ANTHROPIC)
        codes = life.live()

    assert [0] * 5 == codes
    assert VISITS["anthropic"] == len(vendor.visits)
    assert_all_is_there_once(life, codes)
