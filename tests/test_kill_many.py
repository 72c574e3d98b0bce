"""kill -9 and Ctrl-C in the middle of a run over twelve tools: no answer is lost, and none is asked for twice."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from threading import Event, Lock

import made
import pytest
from forked import Forked
from test_kill import CAMPAIGN, SEEDS, Killer, recorded, run, texts
from vendor import ANTHROPIC, Answer, Call, Vendor

TOOLS, SEATS = 12, 2
ALL = TOOLS * SEATS


def catalogue(folder: Path) -> None:
    """Make a project with so many tools."""
    made.project(folder, personas=SEATS)
    (folder / "plumb.yaml").unlink()
    (folder / "tools").mkdir()
    for number in range(TOOLS):
        text = made.DOSSIER.replace("plumb", f"tool{number}").replace("Plumb", f"Tool {number}")
        (folder / "tools" / f"tool{number}.yaml").write_text(text)


def sound(_: Call) -> Answer:
    """Answer with a take about whatever was asked."""
    return ANTHROPIC.said(made.reply())


@pytest.mark.parametrize("seed", [*SEEDS, *(pytest.param(seed, marks=pytest.mark.campaign) for seed in CAMPAIGN)])
def test_a_killed_run_goes_on_where_it_was(seed: int, forked: Forked, tmp_path: Path) -> None:
    """After kill -9 a restart completes and asks for nothing that the ledger has: twice only what was in flight."""
    catalogue(tmp_path)
    killer = Killer(seed, answers=ALL)
    with Vendor(killer) as vendor:
        first = run(forked, tmp_path, vendor, killer, "tools")
        asked = [texts(call) for call in vendor.calls]
    kept = recorded(tmp_path)

    with Vendor(sound) as vendor:
        second = run(forked, tmp_path, vendor, place="tools")
        again = [texts(call) for call in vendor.calls]

    assert first in (-9, 0)
    assert 0 == second
    assert set() == set(kept) & set(again), "a reply in the ledger was asked for again"
    assert set(asked) & set(again) <= set(asked) - set(kept)
    assert len(set(again)) == len(again) == ALL - len(set(kept))
    assert ALL == len(set(recorded(tmp_path)))
    assert TOOLS == len(list(tmp_path.glob("runs/*/stamp.json"))) == len(list(tmp_path.glob("runs/*/review.json")))


def test_an_interrupted_run_keeps_what_was_answered(forked: Forked, tmp_path: Path) -> None:
    """Ctrl-C in the middle ends with exit 130 and says what to do; what was answered by then is not asked again."""
    catalogue(tmp_path)
    pids: list[int] = []
    begun, hold, turn = Event(), Event(), Lock()
    printed = tmp_path / "printed"
    with (tmp_path / "panel.toml").open("w") as toml:
        toml.write("[limits.anthropic]\nconcurrency = 3\n")

    def answer(call: Call) -> Answer:
        with turn:
            number = len(vendor.calls)
        if number > 6:
            begun.wait(5)
            os.kill(pids[0], signal.SIGINT)
            hold.wait(5)
        return sound(call)

    with Vendor(answer) as vendor:
        environment = {**vendor.environment, "ANTHROPIC_API_KEY": "not-a-key", "PANEL_MODE": "live"}
        child = forked.start("review", "tools", folder=tmp_path, environment=environment, output=str(printed))
        pids.append(child.pid)
        begun.set()
        code = child.ended()
        hold.set()
    kept = recorded(tmp_path)
    with Vendor(sound) as vendor:
        second = run(forked, tmp_path, vendor, place="tools")
        again = [texts(call) for call in vendor.calls]

    assert 130 == code
    assert "Interrupted. Every reply that came is in the ledger; run it again to go on." in printed.read_text()
    assert 4 <= len(kept) <= 6
    assert (0, ALL - len(kept)) == (second, len(again))
    assert set() == set(kept) & set(again)
