"""The GitHub action: it parses, and what it runs is what the README says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from conftest import EXAMPLES, ROOT

ACTION: Any = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"] if "name" in step}


@pytest.fixture
def runner(tmp_path: Path) -> Path:
    """Give the temporary folder of a runner on which Panel is installed."""
    (tmp_path / "panel" / "bin").mkdir(parents=True)
    script = tmp_path / "panel" / "bin" / "panel"
    script.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m panel "$@"\n')
    script.chmod(0o755)
    return tmp_path


def run(runner: Path, folder: str) -> subprocess.CompletedProcess[str]:
    """Return how the step that verifies ends in the folder of the runner."""
    environment = {"RUNNER_TEMP": str(runner), "FOLDER": folder, "JUNIT": "panel.xml", "GITHUB_ACTIONS": "true"}
    call = ["bash", "-c", STEPS["Verify"]["run"]]
    return subprocess.run(
        call, cwd=runner, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def test_the_action_verifies_a_project_and_writes_its_report(runner: Path) -> None:
    """The step that verifies passes on the examples, and leaves a JUnit report with a case a tool."""
    done = run(runner, str(EXAMPLES))

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "0" == ET.parse(runner / "panel.xml").getroot().get("failures")


def test_an_input_of_the_action_is_no_command(runner: Path) -> None:
    """What somebody writes as the folder is a folder's name and nothing else: inputs travel in the environment."""
    done = run(runner, "$(touch planted); touch planted")

    assert 2 == done.returncode
    assert not (runner / "planted").exists()
    assert "${{" not in STEPS["Verify"]["run"] + STEPS["Install Panel"]["run"]


def test_the_action_installs_what_was_tested() -> None:
    """It installs this package with the versions of the lock file, in a place of its own."""
    assert '-c "$GITHUB_ACTION_PATH/requirements.lock" "$GITHUB_ACTION_PATH"' in STEPS["Install Panel"]["run"]
    assert "RUNNER_TEMP" in STEPS["Install Panel"]["run"]
