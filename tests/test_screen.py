"""The screen: what a run and a record look like in a terminal and in a pipe."""

from __future__ import annotations

import re
from pathlib import Path

import made
import pytest
from test_cli import run
from test_pipeline import SHIPS
from test_pipeline import run as reviewed
from vendor import ANTHROPIC, OPENAI, Tokens, Vendor

from panel.llm.fake import Fake
from panel.project import Project

DOWN = OPENAI.fault(503, "down for repairs")
UNPRICED = "openai:gpt-unheard-of"


def last_frame(output: str) -> list[str]:
    """Return the lines that a terminal still shows of the seats: each line as it was written last."""
    lines = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line).strip() for line in re.split("[\r\n]+", output)]
    return [line for line in dict.fromkeys(lines) if line.startswith("Mason ")]


def test_a_terminal_shows_each_seat_with_what_came_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal the lines of the seats are drawn over each other, and the last ones tell score and vote."""
    made.project(tmp_path, personas=3)
    monkeypatch.setenv("FORCE_COLOR", "1")
    done = run("review", str(tmp_path / "plumb.yaml"), "--model", "fake:ship")

    told = [line for line in last_frame(done.stdout) if "asking" not in line]
    assert 0 == done.exit_code
    assert "\x1b[?25l" in done.stdout, "nothing was drawn as in a terminal"
    assert [f"Mason {n}" for n in range(3)] == sorted(line[:7] for line in told)
    assert all("ship" in line for line in told), told


@pytest.mark.parametrize("terminal", ["", "1"], ids=["pipe", "terminal"])
def test_a_fault_is_told_while_others_are_asked(terminal: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault that is not the end of a seat is told with its number and the provider's words before the seat is."""
    made.project(tmp_path, personas=1)
    (tmp_path / "panel.toml").write_text(
        f'model = "{OPENAI.model}"\nfallbacks = ["{ANTHROPIC.model}"]\n[retry]\nattempts = 1\n'
    )
    if terminal:
        monkeypatch.setenv("FORCE_COLOR", terminal)
    sound = ANTHROPIC.said(made.reply(), Tokens(300, 2_000, 0, 900))
    with Vendor(lambda call: DOWN if call.dialect is OPENAI else sound) as vendor:
        for name, value in {**vendor.environment, OPENAI.key: "not-a-key", ANTHROPIC.key: "not-a-key"}.items():
            monkeypatch.setenv(name, value)
        done = run("review", str(tmp_path / "plumb.yaml"))

    assert 0 == done.exit_code, done.output
    assert done.stdout.count("69 ship") >= 1
    if not terminal:
        *faults, heard = last_frame(done.stdout)
        assert {"Mason 0    attempt 1: 503: failed (down for repairs)"} == {line.split(";")[0] for line in faults}
        assert "69 ship" in heard


def test_what_has_no_price_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model whose price nobody knows is no free one: the last lines count its replies."""
    made.project(tmp_path, personas=2)
    sound = OPENAI.said(made.reply(), Tokens(300, 2_000, 0, 900))
    with Vendor(lambda _: sound) as vendor:
        for name, value in {**vendor.environment, OPENAI.key: "not-a-key"}.items():
            monkeypatch.setenv(name, value)
        done = run("review", str(tmp_path / "plumb.yaml"), "--model", UNPRICED)

    assert "2 asked now, $0 and 2 of unknown price paid" in done.stdout, done.output


def test_a_take_of_several_answers_says_so(tmp_path: Path) -> None:
    """`panel show` tells how many answers a take is the mean of, and how far they are apart."""
    made.project(tmp_path, personas=1)
    answers = [made.reply(**made.scoring(*[rating] * 5)) for rating in (4, 3)]
    reviewed(Project.open(tmp_path, {"model": "fake:panel", "samples": "2"}), Fake(answers))
    done = run("show", str(tmp_path / "runs" / "plumb" / "review.json"))

    assert "Mean of: 2 answers, 25 points apart" in done.stdout


def test_a_rating_that_was_left_out_is_shown_as_such(tmp_path: Path) -> None:
    """`panel show` draws no bar for a criterion that a critic could not rate: it is no zero."""
    made.project(tmp_path, personas=1)
    model = Fake([SHIPS.model_copy(update={"text": made.reply(**made.scoring(0, 4, 4, None, 4))})])
    reviewed(Project.open(tmp_path, {"model": "fake:panel"}), model)
    shown = run("show", str(tmp_path / "runs" / "plumb" / "review.json")).stdout
    bars = re.findall(r"^ +(\w+) +([■·]{4}  \S)", shown, re.MULTILINE)

    assert [("shape", "····  0"), ("place", "····  –")] == [bar for bar in bars if bar[0] in ("shape", "place")]
