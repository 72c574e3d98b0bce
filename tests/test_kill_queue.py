"""kill -9 of one of two workers: the other takes over, nothing is lost, and nothing that was kept is asked again."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL
from threading import Event, Lock, Timer

import made
import pytest
from forked import Forked
from office import Office
from queued import Queued, url_of
from test_kill import Texts, texts
from vendor import ANTHROPIC, Answer, Call, Vendor

from panel.llm.ledger import Ledger, Recordings

SEEDS = range(5)
CAMPAIGN = range(5, 105)
TOOLS, SEATS = ("alpha", "beta", "gamma"), 2
CALLS = len(TOOLS) * SEATS
LATEST_S = 0.05
"""A kill comes up to this long after the moment that it is tied to, so that checkpoints are hit too."""


@pytest.fixture(scope="module")
def workers() -> Iterator[tuple[Forked, Forked]]:
    """Two processes that start workers at once."""
    with Forked("queue.work") as one, Forked("queue.work") as other:
        yield one, other


@dataclass
class Killer:
    """A script for the vendor that kills the first worker at a seeded moment, and remembers what was kept by then."""

    seed: int
    ledger: Recordings
    calls: list[tuple[str, Texts]] = field(default_factory=list)
    """Who asked what."""

    before: int = 0
    """How many calls had come when the worker died."""

    kept: set[Texts] = field(default_factory=set)
    """What had been kept then."""

    pid: int = 0
    lock: Lock = field(default_factory=Lock)
    started: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        chance = random.Random(self.seed)
        self.at = chance.randint(1, CALLS - 1)
        self.is_before = chance.random() < 0.5
        self.later_s = chance.uniform(0, LATEST_S)

    def __call__(self, call: Call) -> Answer:
        """Answer; and kill when the moment has come."""
        self.started.wait()
        with self.lock:
            self.calls.append((call.headers["x-worker"], texts(call)))
            is_moment = len(self.calls) == self.at
            if is_moment and self.is_before:
                self.kill()
        if is_moment and not self.is_before:
            Timer(self.later_s, self.later).start()
        return ANTHROPIC.said(made.reply())

    def later(self) -> None:
        """Kill while nobody asks."""
        with self.lock:
            self.kill()

    def kill(self) -> None:
        """Kill the worker, if it still runs."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, SIGKILL)
        self.before = len(self.calls)
        self.kept = recorded(self.ledger)


def recorded(ledger: Recordings) -> set[Texts]:
    """Return what the recordings of a ledger were asked; each must be whole."""
    recordings = [held.recording for held in ledger.all()]
    assert all(recordings)
    return {tuple(block.text for block in one.request.blocks) for one in recordings if one}


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
@pytest.mark.parametrize("seed", [*SEEDS, *(pytest.param(seed, marks=pytest.mark.campaign) for seed in CAMPAIGN)])
def test_a_peer_takes_over_from_a_killed_worker(
    seed: int, kind: str, workers: tuple[Forked, Forked], office: Office, request: pytest.FixtureRequest
) -> None:
    """Every job is done, no reply in the ledger is asked again, and twice only what was in flight."""
    made.project(office.folder, personas=SEATS)
    office.path("panel.toml").unlink()
    office.path("personas/mason2.md").unlink()
    queued = Queued(office, url_of(request, kind, office.folder))
    queued.shelve(*TOOLS)
    queued.add("--model", ANTHROPIC.model)
    with queued.place() as place:
        shared = place.ledger(is_made=True)
        killer = Killer(seed, shared or Ledger(office.folder / "runs" / "ledger"))
        with Vendor(killer) as vendor:
            environment = {**vendor.environment, "ANTHROPIC_API_KEY": "not-a-key", "PANEL_DATABASE_URL": queued.url}
            told = office.path("told")
            children = [
                worker.start(
                    *("worker", "--until-empty", "--name", name, "--concurrency", "2"),
                    folder=office.folder,
                    environment={**environment, "ANTHROPIC_CUSTOM_HEADERS": f"X-Worker: {name}"},
                    output=str(told),
                )
                for worker, name in zip(workers, ("one", "two"), strict=True)
            ]
            queued.hurry(poll_s=0.1)
            killer.pid = children[0].pid
            killer.started.set()
            codes = [child.ended() for child in children]
        kept = recorded(killer.ledger)
        if shared:
            shared.close()

    again = Counter(asked for _, asked in killer.calls)
    lost = {asked for name, asked in killer.calls if name == "one"} - killer.kept
    later = {asked for name, asked in killer.calls[killer.before :] if name == "two"}
    assert codes[0] in (-9, 0)
    assert 0 == codes[1], told.read_text()
    assert {"done": len(TOOLS)} == queued.counts()
    assert CALLS == len(kept)
    assert set() == killer.kept & later, "a reply in the ledger was asked for again"
    assert {one for one, number in again.items() if number > 1} <= lost, "more than what was in flight was asked twice"
    assert 2 >= max(again.values())
    assert all(office.path(f"runs/{slug}/review.json").is_file() for slug in TOOLS)


def test_the_kill_points_are_spread() -> None:
    """The hundred hit a catalogue before and after all of its calls but the last one, which is the second worker's."""
    hundred = {(Killer(seed, Ledger(Path())).at, Killer(seed, Ledger(Path())).is_before) for seed in CAMPAIGN}

    assert 2 * (CALLS - 1) == len(hundred)
