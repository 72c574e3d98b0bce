"""Faults of the machine: whatever call fails, files are old or new, and the next run goes on from there."""

from __future__ import annotations

import errno
import gc
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, cycle
from pathlib import Path

import made
import pytest
from conftest import EXAMPLES
from machine import CALLS, Machine
from typer.testing import CliRunner, Result
from vendor import ANTHROPIC, Vendor

from panel.cli.app import app
from panel.history import History
from panel.llm.ledger import Ledger
from panel.store import Store, read_review

SUITE_SEATS, CAMPAIGN_SEATS = 1, 2
"""With two seats there are twice as many calls to fail, each followed by a whole review."""
NOON = "2026-11-20T12:00:00Z"
Files = dict[Path, bytes]
Record = tuple[object, list[object]]

ERRORS = [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EIO, errno.EINTR]
"""A full disk, one that may not be written, a read-only one, a broken one, and a signal."""

HARMLESS = {"unlink", "stat"}
"""What may fail and do no harm: a stray file is left, or nobody can tell beforehand what a path is."""

Faults = list[int | type[KeyboardInterrupt]]
INTERRUPTED = pytest.param([KeyboardInterrupt], id="interrupted", marks=pytest.mark.campaign)
LITTER = (".part", ".turn")
"""Endings of files that may be left over where taking them away fails; nobody reads them."""

ALL = pytest.param([*ERRORS, KeyboardInterrupt], id="in turn")
EACH = [pytest.param([number], id=errno.errorcode[number], marks=pytest.mark.campaign) for number in ERRORS]


@pytest.fixture(scope="module")
def answering() -> Iterator[Vendor]:
    """Give a vendor that answers everything."""
    with Vendor(lambda call: ANTHROPIC.said(made.reply())) as vendor:
        yield vendor


@pytest.fixture
def vendor(answering: Vendor, monkeypatch: pytest.MonkeyPatch) -> Vendor:
    """Give the vendor with the environment turned to it, and a time that stands still."""
    for name, value in {**answering.environment, "ANTHROPIC_API_KEY": "not-a-key"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("panel.llm.anthropic.now", lambda: NOON)
    monkeypatch.setattr("panel.history.now", lambda: NOON)
    answering.calls.clear()
    return answering


@dataclass(frozen=True)
class Desk:
    """A dossier, and the folder of its records."""

    dossier: Path
    runs: Path

    def review(self, *options: str) -> Result:
        """Return how a review ends."""
        return CliRunner().invoke(app, ["review", str(self.dossier), "--runs", str(self.runs), *options])

    def files(self) -> Files:
        """Return every file there is."""
        return {
            path: path.read_bytes() for path in self.runs.rglob("*") if path.is_file() and path.suffix not in LITTER
        }

    def record(self) -> Record:
        """Return what the record says, its times left out."""
        [path] = self.runs.glob("*/review.json")
        seats = read_review(path).seats
        return read_review(path).verdict, [(each.take, [ask.request for ask in each.asks]) for each in seats]

    def kept(self) -> set[str]:
        """Return what the ledger holds of the vendor's, by the text of each seat; all of its recordings are sound."""
        ledger = Ledger(self.runs / "ledger")
        requests = [ledger.read(path).request for path in ledger.folder.glob("??/*.json")]
        return {each.blocks[-1].text for each in requests if each.model == ANTHROPIC.model}


def asked(vendor: Vendor) -> list[str]:
    """Return what the vendor was asked since the last time, by the text of each seat."""
    calls, vendor.calls[:] = [*vendor.calls], []
    return [call.body["messages"][0]["content"][-1]["text"] for call in calls]


def assert_whole(desk: Desk, before: Files, page: bytes) -> None:
    """Assert that each file is as it was before, or new and whole."""
    after = desk.files()
    assert set() == set(before) - set(after), "a file is lost"
    for path in (path for path in after if before.get(path) != after[path]):
        match path.name:
            case "review.json":
                assert read_review(path)
            case "review.md":
                assert page == after[path]
            case "choices.json":
                assert Store(desk.runs).choices(path.parent.name)
            case "log.jsonl":
                assert after[path].startswith(before.get(path, b""))
                assert all(json.loads(line)["event"] for line in after[path].splitlines())
            case _ if path.parent.name == "takes":
                assert list(History(path.parent.parent).all())
            case _:
                assert Ledger(desk.runs / "ledger").read(path)


TWICE = ("choices.json", "log.jsonl")
"""What one run may write twice: a fresh one its choices, one that changes the verdict its log."""


def assert_told(done: Result, fault: BaseException, before: Files, call: str) -> None:
    """Assert that one line names the file, says what happened, and is right about what stands."""
    if isinstance(fault, KeyboardInterrupt):
        assert 130 == done.exit_code
        return
    assert isinstance(fault, OSError)
    assert 2 == done.exit_code, f"{call}: {done.output}"
    [line] = done.stderr.splitlines()
    told = re.fullmatch(r"panel: (\S+): (not written|written, but|can't be \w+)\b.*", line)
    assert told, line
    assert os.strerror(fault.errno) in line
    path = Path(told[1])
    if told[2] == "not written" and path.name not in TWICE:
        assert before.get(path) == (path.read_bytes() if path.is_file() else None)
    elif told[2] == "written, but":
        assert path.is_file()


def survey(
    old: Desk, folder: Path, faults: Faults, page: bytes, *options: str, every: int = 1
) -> Iterator[tuple[Machine, Desk]]:
    """Yield a review that was broken at its first call, then `every` so many calls later, until none is left."""
    for place, kind in zip(count(1, every), cycle(faults), strict=False):
        desk = Desk(old.dossier, folder / "runs")
        shutil.rmtree(desk.runs, ignore_errors=True)
        if old.runs.exists():
            shutil.copytree(old.runs, desk.runs)
        before = desk.files()
        fault = OSError(kind, os.strerror(kind)) if isinstance(kind, int) else KeyboardInterrupt()
        with Machine(desk.runs, fault, place) as machine:
            done = desk.review(*options)
        if machine.struck is None:
            assert 0 == done.exit_code, done.output
            return
        assert "Traceback" not in done.output
        assert_whole(desk, before, page)
        if done.exit_code or machine.struck not in HARMLESS:
            assert_told(done, fault, before, machine.struck)
        assert [] == list(desk.runs.rglob("*.part")) or machine.struck == "unlink"
        yield machine, desk


def whole(old: Desk, folder: Path, *options: str) -> tuple[Record, bytes]:
    """Return what an undisturbed review comes to: the record and its page."""
    desk = Desk(old.dossier, folder / "whole")
    if old.runs.exists():
        shutil.copytree(old.runs, desk.runs)
    assert 0 == desk.review(*options).exit_code
    [page] = desk.runs.glob("*/review.md")
    return desk.record(), page.read_bytes()


@pytest.mark.parametrize("faults", [ALL, INTERRUPTED, *EACH])
def test_a_live_review_survives_every_call(
    faults: Faults, vendor: Vendor, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whichever call fails: files are old or new, one line says so, and a second run asks for what is missing alone."""
    seats = CAMPAIGN_SEATS if isinstance(faults[0], int) and len(faults) == 1 else SUITE_SEATS
    made.project(tmp_path, personas=seats)
    old = Desk(tmp_path / "plumb.yaml", tmp_path / "old")
    old.review("--model", "fake:skip")
    record, page = whole(old, tmp_path)
    seen = set()
    for machine, desk in survey(old, tmp_path, faults, page):
        seen.add(machine.struck)
        kept, _ = desk.kept(), asked(vendor)
        assert 0 == desk.review().exit_code
        assert record == desk.record()
        again = asked(vendor)
        assert (seats - len(kept), set()) == (len(again), kept & set(again))
    gc.collect()

    assert set(CALLS) == seen
    assert "" == caplog.text


@pytest.mark.parametrize("faults", [ALL, *EACH])
def test_a_fresh_review_survives_every_call(faults: Faults, vendor: Vendor, tmp_path: Path) -> None:
    """Whichever call fails: the choice and the record are old or new, and a plain run after it asks nobody."""
    made.project(tmp_path, personas=1)
    old = Desk(tmp_path / "plumb.yaml", tmp_path / "old")
    old.review()
    record, page = whole(old, tmp_path, "--mode", "fresh")
    every = 1 if len(faults) == 1 else 3  # each call in the campaign
    for _, desk in survey(old, tmp_path, faults, page, "--mode", "fresh", every=every):
        asked(vendor)
        chosen = (desk.runs / "plumb" / "choices.json").exists()
        assert 0 == desk.review().exit_code
        assert desk.record() == (record if chosen else old.record())
        assert [] == asked(vendor)


def assert_replayed(old: Desk, folder: Path, faults: Faults, *options: str) -> None:
    """Assert that whichever call of a replay fails, the next replay is right."""
    record, page = whole(old, folder, *options)
    for _, desk in survey(old, folder, faults, page, *options):
        assert 0 == desk.review(*options).exit_code
        assert record == desk.record()
        assert page == next(desk.runs.glob("*/review.md")).read_bytes()


@pytest.mark.parametrize("faults", [ALL, *EACH])
def test_a_replay_survives_every_call(faults: Faults, tmp_path: Path) -> None:
    """Whichever call of a replay fails: files are old or new, one line says so, and the next replay is right."""
    made.project(tmp_path, personas=1)
    old = Desk(tmp_path / "plumb.yaml", tmp_path / "old")
    old.review("--model", "fake:ship")
    old.review("--model", "fake:skip")
    assert_replayed(old, tmp_path, faults, "--model", "fake:ship", "--mode", "replay")


@pytest.mark.campaign
@pytest.mark.parametrize("name", ["smollm3", "smartdiff", "skillclaw"])
def test_an_example_survives_every_call(name: str, tmp_path: Path) -> None:
    """Whichever call of the first review of an example fails: one line says so, and the next review is right."""
    assert_replayed(Desk(EXAMPLES / f"{name}.yaml", tmp_path / "old"), tmp_path, [*ERRORS, KeyboardInterrupt])
