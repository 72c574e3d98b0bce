"""Starting up: what a command imports before it does anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import made
import pytest
from conftest import ROOT
from typer.main import get_command

from panel.cli.app import COMMANDS, Commands, app

SDKS = {"anthropic", "openai"}
DATABASES = {"sqlalchemy", "psycopg", "dbos"}
SLOW = (
    SDKS | DATABASES | {"numpy", "pydantic", "jinja2", "rich", "httpx2", "tenacity", "yaml", "asyncio", "genai_prices"}
)


def modules_after(folder: Path, *arguments: str) -> set[str]:
    """Return the top-level modules that are loaded when a command has run in a process of its own."""
    program = (
        "import sys\nfrom panel.cli.app import app\n"
        "try:\n    app()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "print('MODULES', *sys.modules)"
    )
    call = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(call, cwd=folder, capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.splitlines()[-1].split()[1:]}


def test_help_imports_nothing_slow(tmp_path: Path) -> None:
    """`panel --help` loads neither an SDK nor pydantic nor anything else that takes time."""
    loaded = modules_after(tmp_path, "--help")

    assert set() == SLOW & loaded


def test_show_imports_no_sdk(tmp_path: Path) -> None:
    """`panel show` loads neither SDK, nor what only figures need."""
    record = ROOT / "examples" / "golden" / "smollm3" / "review.json"

    loaded = modules_after(tmp_path, "show", str(record))

    assert set() == (SDKS | {"numpy"}) & loaded


def test_a_replay_imports_no_sdk(tmp_path: Path) -> None:
    """A review from recordings loads neither SDK, nor what databases need."""
    made.project(tmp_path)

    loaded = modules_after(
        tmp_path, "review", str(ROOT / "examples" / "smollm3.yaml"), "--runs", str(tmp_path / "runs")
    )

    assert set() == (SDKS | DATABASES) & loaded


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_in_the_help_is_the_command_s_own(name: str) -> None:
    """What `panel --help` says of a command is the first line of that command's own help."""
    group = get_command(app)
    assert isinstance(group, Commands)

    command = group.get_command(None, name)  # type: ignore[arg-type]

    assert COMMANDS[name] == (command.help or "").splitlines()[0]
