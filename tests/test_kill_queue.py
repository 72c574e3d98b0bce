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
from time import monotonic

import made
import pytest
from forked import Forked
from office import Office
from queued import Queued, url_of
from test_kill import Texts, texts
from test_shared import within
from vendor import ANTHROPIC, Answer, Call, Vendor

from panel.llm.ledger import Ledger, Recordings

SEEDS = range(5)
CAMPAIGN = range(5, 105)
TOOLS, SEATS = ("alpha", "beta", "gamma"), 2
CALLS = len(TOOLS) * SEATS
KINDS = ("sqlite", "postgres")
HEADERS = "ANTHROPIC_CUSTOM_HEADERS"
LATEST_S = 0.05
"""A kill comes up to this long after the moment that it is tied to, so that checkpoints are hit too."""


@pytest.fixture(scope="module")
def other() -> Iterator[Forked]:
    """A process that starts workers at once."""
    with Forked("queue.work") as process:
        yield process


def catalogue(office: Office, url: str) -> Queued:
    """Return a queue with jobs for a panel of two, of whom each worker takes two at a time."""
    made.project(office.folder, personas=SEATS)
    office.path("panel.toml").unlink()
    office.path("personas/mason2.md").unlink()
    queued = Queued(office, url)
    queued.shelve(*TOOLS)
    queued.add("--model", ANTHROPIC.model)
    with queued.place() as place:
        queued.run(place, f"UPDATE {queued.table('queues')} SET worker_concurrency = 2, polling_interval_sec = 0.1")
    return queued


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
    first: Event = field(default_factory=Event)
    """The first worker has asked."""

    second: Event = field(default_factory=Event)
    """The second worker has asked, or the first one is dead: until then the first one waits for its answers."""

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
        if call.headers["x-worker"] == "one":
            self.first.set()
            self.second.wait(10)
        self.second.set()
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
        self.first.set()
        self.second.set()
        self.kept = recorded(self.ledger)


def recorded(ledger: Recordings) -> set[Texts]:
    """Return what the recordings of a ledger were asked; each must be whole."""
    recordings = [held.recording for held in ledger.all()]
    assert all(recordings)
    return {tuple(block.text for block in one.request.blocks) for one in recordings if one}


def case(seed: int, kind: str) -> object:
    """Return a case; those beyond the suite's are of the campaign."""
    return pytest.param(seed, kind, marks=() if seed in SEEDS else pytest.mark.campaign)


@pytest.mark.parametrize(
    ("seed", "kind"),
    [
        *(case(seed, KINDS[seed % 2]) for seed in SEEDS),
        *(case(seed, kind) for seed in CAMPAIGN for kind in KINDS),
    ],
)
def test_a_peer_takes_over_from_a_killed_worker(
    seed: int,
    kind: str,
    other: Forked,
    office: Office,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every job is done, no reply in the ledger is asked again, and twice only what was in flight."""
    queued = catalogue(office, url_of(request, kind, office.folder))
    with queued.place() as place:
        shared = place.ledger(is_made=True)
        killer = Killer(seed, shared or Ledger(office.folder / "runs" / "ledger"))
        with Vendor(killer) as vendor:
            environment = {**vendor.environment, "ANTHROPIC_API_KEY": "not-a-key", "PANEL_DATABASE_URL": queued.url}
            for key, value in {**environment, HEADERS: "X-Worker: two"}.items():
                monkeypatch.setenv(key, value)
            child = other.start(
                *("worker", "--until-empty", "--name", "one"),
                folder=office.folder,
                environment={**environment, HEADERS: "X-Worker: one"},
            )
            killer.pid = child.pid
            killer.started.set()
            killer.first.wait(10)
            queued.work("--name", "two")
            code = child.ended()
        kept = recorded(killer.ledger)
        if shared:
            shared.close()

    again = Counter(asked for _, asked in killer.calls)
    lost = {asked for name, asked in killer.calls if name == "one"} - killer.kept
    later = {asked for name, asked in killer.calls[killer.before :] if name == "two"}
    assert code in (-9, 0)
    assert {"done": len(TOOLS)} == queued.counts()
    assert CALLS == len(kept)
    assert set() == killer.kept & later, "a reply in the ledger was asked for again"
    assert {one for one, number in again.items() if number > 1} <= lost, "more than what was in flight was asked twice"
    assert 2 >= max(again.values())
    assert all(office.path(f"runs/{slug}/review.json").is_file() for slug in TOOLS)
    assert all(office.path(f"runs/{slug}/takes/mason{n}-1.json").is_file() for slug in TOOLS for n in range(SEATS))


def test_the_kill_points_are_spread() -> None:
    """The hundred hit a catalogue before and after all of its calls but the last one, which is the second worker's."""
    hundred = {(Killer(seed, Ledger(Path())).at, Killer(seed, Ledger(Path())).is_before) for seed in CAMPAIGN}

    assert 2 * (CALLS - 1) == len(hundred)


@pytest.mark.campaign
@pytest.mark.parametrize("kind", KINDS)
def test_two_workers_keep_one_limit(
    kind: str,
    other: Forked,
    office: Office,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Two processes under one limit of 600 requests a minute: within 5 % of it in any minute, and it is used."""
    rpm, tools, calls = 600, 380, list[float]()
    queued = catalogue(office, url_of(request, kind, office.folder))
    office.path("panel.toml").write_text(f'[limits."{ANTHROPIC.model}"]\nrpm = {rpm}\n')
    queued.shelve(*(f"tool{number}" for number in range(tools)))
    queued.add("--model", ANTHROPIC.model)
    with queued.place() as place:
        queued.run(place, f"UPDATE {queued.table('queues')} SET worker_concurrency = 16")

    def answer(_: Call) -> Answer:
        calls.append(monotonic())
        return ANTHROPIC.said(made.reply())

    with Vendor(answer) as vendor:
        environment = {**vendor.environment, "ANTHROPIC_API_KEY": "not-a-key", "PANEL_DATABASE_URL": queued.url}
        for key, value in environment.items():
            monkeypatch.setenv(key, value)
        child = other.start("worker", "--until-empty", folder=office.folder, environment=environment)
        queued.work("--name", "two")
        assert 0 == child.ended()

    minute = int(within([(at, 1.0) for at in calls]))
    speed = (len(calls) - 1) / (calls[-1] - calls[0]) * 60
    with capsys.disabled():
        print(f"\n{kind}: {len(calls)} calls, {minute} in the fullest minute, {speed:.0f} a minute of {rpm}")
    assert (tools + len(TOOLS)) * SEATS == len(calls)
    assert minute <= 1.05 * rpm
    assert speed >= 0.9 * rpm
