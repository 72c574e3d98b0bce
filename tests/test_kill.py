"""kill -9 in the middle of a review: no answer is lost, and nothing is asked twice but what was in flight."""

from __future__ import annotations

import os
import random
import signal
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock, Timer

import made
import pytest
from forked import Forked
from vendor import ANTHROPIC, Answer, Call, Vendor

from panel.llm.ledger import Ledger

SEEDS = range(5)
CAMPAIGN = range(5, 105)
"""The suite runs the first five; `pytest -m campaign` a hundred more."""

SEATS = 5
LONGEST_RUN_S = 0.4
"""A forked review takes about this long from its start to its end."""

LATEST_S = 0.03
"""A kill comes up to this long after the moment that it is tied to, so that writes are hit in the middle."""

Texts = tuple[str, ...]


def texts(call: Call) -> Texts:
    """Return what a request says, which tells requests apart on the wire."""
    return tuple(part["text"] for part in call.body["messages"][0]["content"])


def recorded(folder: Path) -> list[Texts]:
    """Return what the recordings of a ledger were asked; each must be whole."""
    ledger = Ledger(folder / "runs" / "ledger")
    paths = sorted(ledger.folder.glob("??/*.json"))
    return [tuple(block.text for block in ledger.read(path).request.blocks) for path in paths]


class Killer:
    """A script for the vendor that kills its caller at one seeded moment: before or after an answer, or at any time."""

    def __init__(self, seed: int, answers: int = SEATS) -> None:
        chance = random.Random(seed)
        self.at = chance.randint(1, answers)
        self.moment = chance.choice(["before", "after", "any time"])
        self.later_s = chance.uniform(0, LONGEST_RUN_S if self.moment == "any time" else LATEST_S)
        self.pid = 0
        self.started = Event()
        self.count = 0
        self.lock = Lock()

    def __call__(self, call: Call) -> Answer:
        """Answer; and kill when the moment has come."""
        self.started.wait()
        with self.lock:
            self.count += 1
            mine = self.count
        if mine == self.at and self.moment == "before":
            self.kill()
        elif mine == self.at and self.moment == "after":
            Timer(self.later_s, self.kill).start()
        return ANTHROPIC.said(made.reply())

    def begin(self, pid: int) -> None:
        """Say who is to be killed."""
        self.pid = pid
        self.started.set()
        if self.moment == "any time":
            Timer(self.later_s, self.kill).start()

    def kill(self) -> None:
        """Kill the caller, if it still runs."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


def run(forked: Forked, folder: Path, vendor: Vendor, killer: Killer | None = None, place: str = "plumb.yaml") -> int:
    """Return how a review ends."""
    environment = {**vendor.environment, "ANTHROPIC_API_KEY": "not-a-key", "PANEL_MODE": "live"}
    child = forked.start("review", place, folder=folder, environment=environment)
    if killer:
        killer.begin(child.pid)
    return child.ended()


@pytest.mark.parametrize("seed", [*SEEDS, *(pytest.param(seed, marks=pytest.mark.campaign) for seed in CAMPAIGN)])
def test_a_killed_review_goes_on_where_it_was(seed: int, forked: Forked, tmp_path: Path) -> None:
    """After kill -9 a restart completes and asks for nothing that the ledger has: twice only what was in flight."""
    made.project(tmp_path, personas=SEATS)
    killer = Killer(seed)
    with Vendor(killer) as vendor:
        first = run(forked, tmp_path, vendor, killer)
        asked = [texts(call) for call in vendor.calls]
    kept = recorded(tmp_path)

    with Vendor(lambda _: ANTHROPIC.said(made.reply())) as vendor:
        second = run(forked, tmp_path, vendor)
        again = [texts(call) for call in vendor.calls]

    in_flight = set(asked) - set(kept)
    assert first in (-9, 0)
    assert 0 == second
    assert set() == set(kept) & set(again), "a reply in the ledger was asked for again"
    assert set(asked) & set(again) <= in_flight
    assert SEATS == len(set(recorded(tmp_path)))
    assert (tmp_path / "runs" / "plumb" / "review.json").is_file()


def test_the_kill_points_are_spread() -> None:
    """The hundred hit a review before, after and between all of its answers; the five are of different kinds."""
    hundred = {(Killer(seed).moment, Killer(seed).at) for seed in CAMPAIGN if Killer(seed).moment != "any time"}

    assert 2 * SEATS == len(hundred)
    assert 20 <= len({Killer(seed).later_s for seed in CAMPAIGN if Killer(seed).moment == "any time"})
    assert 2 <= len({Killer(seed).moment for seed in SEEDS})


def test_an_interrupted_review_keeps_what_was_answered(forked: Forked, tmp_path: Path) -> None:
    """Ctrl-C in the middle ends with exit 130; the answers that came are in the ledger, and no record was begun."""
    made.project(tmp_path, personas=SEATS)
    pids: list[int] = []
    begun, hold = Event(), Event()

    def answer(call: Call) -> Answer:
        if len(vendor.calls) > 1:
            begun.wait(5)
            os.kill(pids[0], signal.SIGINT)
            hold.wait(5)
        return ANTHROPIC.said(made.reply())

    with Vendor(answer) as vendor:
        environment = {**vendor.environment, "ANTHROPIC_API_KEY": "not-a-key", "PANEL_MODE": "live"}
        child = forked.start("review", "plumb.yaml", folder=tmp_path, environment=environment)
        pids.append(child.pid)
        begun.set()
        code = child.ended()
        hold.set()

    assert 130 == code
    assert 1 == len(recorded(tmp_path))
    assert not (tmp_path / "runs" / "plumb").exists()
