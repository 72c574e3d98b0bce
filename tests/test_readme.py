"""The README can't lie: its transcripts are what the commands print, and every command is in it."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from conftest import EXAMPLES, ROOT
from test_cli import run

from panel.cli.app import COMMANDS
from panel.project import Project

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```console\n\$ panel (.*?)\n(.*?)```", README, re.DOTALL)
TRANSCRIPTS = [(command, printed) for command, printed in BLOCKS if "\n$ " not in printed]
"""Those of one command; the session of several is in test_session."""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder in which the README's commands can be typed."""
    (tmp_path / "examples").symlink_to(EXAMPLES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PANEL_RUNS", "runs")
    run("review", "examples/smollm3.yaml")
    return tmp_path


@pytest.mark.parametrize(("command", "printed"), TRANSCRIPTS, ids=[command for command, _ in TRANSCRIPTS])
@pytest.mark.usefixtures("checkout")
def test_a_transcript_is_what_the_command_prints(command: str, printed: str) -> None:
    """Each transcript in the README is the command's output, line for line."""
    done = run(*shlex.split(command))

    assert printed.splitlines() == [line.rstrip() for line in done.stdout.splitlines()]


def test_there_are_transcripts() -> None:
    """The README shows a review, a record, a comparison, a site and a verification."""
    assert {"review", "show", "compare", "publish", "verify"} == {command.split()[0] for command, _ in TRANSCRIPTS}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_readme(name: str) -> None:
    """No command is missing from the README."""
    assert f"panel {name}" in README


def test_ci_runs_the_command_of_the_readme() -> None:
    """What CI runs is the README's second command, letter by letter."""
    commands = re.findall(r"```sh\n(python3 -m venv .*?)\n```", README)

    assert 2 == len(commands)
    assert commands[1] in (ROOT / ".ci" / "run").read_text()


def test_the_changelog_begins_with_this_version() -> None:
    """The newest entry of the changelog is the version of the package."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert newest
    assert version == newest[1]


def test_links_in_the_readme_lead_somewhere() -> None:
    """Each relative link of the README names something that is there."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)

    assert [] == [link for link in links if not (ROOT / link).exists()]


def test_the_dossier_in_the_readme_is_sound(tmp_path: Path) -> None:
    """The dossier that the README shows can be reviewed as it stands."""
    block = re.search(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert block
    (tmp_path / "plumb.yaml").write_text(block[1])

    done = run("review", str(tmp_path / "plumb.yaml"), "--model", "fake:ship", "--runs", str(tmp_path))

    assert 0 == done.exit_code, done.output


def test_the_settings_in_the_readme_are_sound(tmp_path: Path) -> None:
    """The panel.toml that the README shows opens a project, and its seats are asked of the models it names."""
    block = re.search(r"```toml\n(.*?)```", README, re.DOTALL)
    assert block
    (tmp_path / "panel.toml").write_text(block[1])
    project = Project.open(tmp_path, {})

    assert "ollama:qwen3:8b" == project.own_model(project.persona("skeptic"))
    assert "https://models.example.org/v1" == project.settings.provider("lab:x").url
