"""The editor's session in the README can't lie either: typed in a terminal, it shows what stands there."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from conftest import EXAMPLES, ROOT
from shell import typed

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
[SESSION] = [block for block in BLOCKS if block.count("\n$ ") > 1]
STEP = re.compile(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


def timeless(text: str) -> list[str]:
    """Return the lines of a text with every date and every count of days in the same place made the same."""
    dated = re.sub(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}Z)?", "DATE", text)
    return [line.rstrip() for line in re.sub(r"\d+ days ago", "N days ago", dated).splitlines()]


def test_the_session_in_the_readme_is_what_a_terminal_shows(tmp_path: Path) -> None:
    """Each command of the session prints what stands below it, from the review to the approval that is void."""
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    steps = STEP.findall(SESSION)
    printed = {}
    for command, shown in steps:
        answers = re.findall(r"try again \(t\): (\w)$", shown, re.MULTILINE)
        printed[command] = (timeless(shown), timeless(typed(command, tmp_path, answers)))

    assert 10 <= len(steps)
    assert [] == [(command, *pair) for command, pair in printed.items() if pair[0] != pair[1]]


def test_the_session_shows_the_whole_loop() -> None:
    """Review, a retake that is left and one that is accepted, lock, approval refused, given, and void."""
    told = ["panel review", ": k", ": a", "panel lock", "not approved", "approved by Ann; checked", "(void: "]

    assert told == sorted(told, key=SESSION.index)
