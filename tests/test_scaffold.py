"""The scaffold: a project of one's own that works at once, and dossiers that are asked for field by field."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

import pytest
import yaml
from conftest import EXAMPLES, ROOT
from hypothesis import given
from hypothesis import strategies as st
from test_cli import run
from typer.testing import CliRunner, Result

from panel.cli.app import app
from panel.errors import ToolError
from panel.project import Project
from panel.scaffold import folded, quoted, scaffold, write_dossier
from panel.settings import Settings
from panel.tool import read_tool

TODAY = date(2026, 11, 20)


def test_a_new_project_reviews_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After `panel init` the next command that it names writes a review, and its checks pass."""
    monkeypatch.chdir(tmp_path)
    begun = run("init", "mine")
    monkeypatch.chdir(tmp_path / "mine")

    assert 0 == begun.exit_code
    assert "panel review tools/smollm3.yaml" in begun.stdout
    for command in (
        ["doctor"],
        ["persona", "check"],
        ["tool", "check", "tools/smollm3.yaml"],
        ["review", "tools/smollm3.yaml", "--model", "fake:ship"],
    ):
        done = run(*command)
        assert 0 == done.exit_code, done.output
    assert (tmp_path / "mine" / "runs" / "smollm3" / "review.json").is_file()


def test_the_panel_of_a_new_project_is_the_packaged_one(tmp_path: Path) -> None:
    """The five personas of a new project are those that ship, byte for byte, and the whole panel."""
    scaffold(tmp_path)
    copied = {path.name: path.read_bytes() for path in (tmp_path / "personas").iterdir()}

    assert {path.name: path.read_bytes() for path in (ROOT / "personas").glob("*.md")} == copied
    assert 5 == len(Project.open(tmp_path, {}).panel)


def test_what_is_there_already_stays(tmp_path: Path) -> None:
    """A second `panel init` leaves every file as it is, and says so."""
    scaffold(tmp_path)
    (tmp_path / "panel.toml").write_text("samples = 3\n")
    again = scaffold(tmp_path)

    assert not any(placed.is_new for placed in again)
    assert "samples = 3\n" == (tmp_path / "panel.toml").read_text()


def test_every_setting_stands_in_the_new_panel_toml(tmp_path: Path) -> None:
    """The file names every setting, its comments show the defaults, and it is read without a fault."""
    scaffold(tmp_path)
    text = (tmp_path / "panel.toml").read_text()
    uncommented = "\n".join(line.removeprefix("# ") for line in text.splitlines() if "=" in line or line[:3] == "# [")
    settings = set(Settings.model_fields) - {"origins", "project"}

    assert settings == set(tomllib.loads(uncommented))
    for line in ("# samples = 1", "# max_tokens = 16000", "# timeout_s = 300", "# attempts = 5"):
        assert line in text


def test_the_workflow_is_yaml_and_runs_without_a_key(tmp_path: Path) -> None:
    """The workflow of a new project parses, verifies, and knows no secret."""
    scaffold(tmp_path)
    text = (tmp_path / ".github" / "workflows" / "panel.yml").read_text()
    steps = yaml.safe_load(text)["jobs"]["verify"]["steps"]

    assert any("panel verify" in step.get("run", "") for step in steps)
    assert "secrets" not in text


ANSWERS = {
    "name": "Plumb",
    "version": "2.1",
    "maker": "Lead Works",
    "category": "Developer Tools",
    "kind": "library",
    "tagline": "A plumb line: for data # pipelines",
    "description": 'It says "no" to bad rows.\tAnd: it stops.',
    "license": "MIT",
    "entry": "free",
    "price": "Free",
    "home": "https://plumb.example",
    "released": "2026-03-02",
}
SOURCE = {
    "id": "bench",
    "title": "- A benchmark",
    "url": "https://bench.example",
    "kind": "independent",
    "dated": "2026-05-11",
    "text": "Four million rows took 31 seconds: quick.",
}


def typed(path: Path, *answers: str) -> Result:
    """Return what `panel tool new` makes of these lines."""
    return CliRunner().invoke(app, ["tool", "new", str(path)], input="\n".join(answers) + "\n", catch_exceptions=False)


def test_a_dossier_is_asked_for_and_written(tmp_path: Path) -> None:
    """What was typed is what is read back, and the file explains itself."""
    path = tmp_path / "plumb.yaml"
    done = typed(path, *ANSWERS.values(), *SOURCE.values(), "")
    tool = read_tool(path)

    assert 0 == done.exit_code, done.output
    assert (ANSWERS["tagline"], "free", ANSWERS["home"]) == (tool.tagline, tool.pricing.entry, tool.links.home)
    assert 'It says "no" to bad rows. And: it stops.' == tool.description
    assert [(SOURCE["id"], SOURCE["title"], SOURCE["text"])] == [(s.id, s.title, s.text) for s in tool.sources]
    assert 8 <= path.read_text().count("# ")


def test_an_answer_that_cannot_be_is_asked_for_again(tmp_path: Path) -> None:
    """A wrong kind, date or address is told, and asked for again; nothing is lost of what came before."""
    path = tmp_path / "plumb.yaml"
    answers = ANSWERS | {"kind": "libary\nlibrary", "home": "plumb\nhttps://plumb.example", "released": "soon\n"}
    done = typed(path, *answers.values(), "")

    assert 0 == done.exit_code, done.output
    for told in ("kind: should be", "home: write an address such as", "released: write a date as"):
        assert told in done.stderr
    assert "library" == read_tool(path).kind


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A dossier that is there is refused before the first question, and stays."""
    path = tmp_path / "plumb.yaml"
    path.write_text("mine")
    done = typed(path, *ANSWERS.values(), "")

    assert (2, "mine") == (done.exit_code, path.read_text())
    with pytest.raises(ToolError, match="is there already"):
        write_dossier(path, ANSWERS | {"sources": []}, TODAY)


def test_an_answer_that_never_comes_writes_nothing(tmp_path: Path) -> None:
    """Where the input ends in the middle, no half dossier is left behind."""
    path = tmp_path / "plumb.yaml"
    done = typed(path, "Plumb", "2.1")

    assert 0 != done.exit_code
    assert not path.exists()


LINES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp", "Co", "Cn"]), min_size=1).filter(
    lambda text: bool(text.split())
)


@given(LINES, LINES)
def test_whatever_is_typed_is_what_yaml_reads(line: str, prose: str) -> None:
    """A quoted line and a folded block give back their words, whatever marks of YAML's are among them."""
    read = yaml.safe_load(f"a: {quoted(line)}\nb: >-\n{folded(prose)}\n")

    assert " ".join(line.split()) == read["a"]
    assert " ".join(prose.split()).split() == read["b"].split()


def test_the_first_dossier_ships() -> None:
    """The dossier that a new project begins with is the first example."""
    assert (EXAMPLES / "smollm3.yaml").is_file()


def test_a_long_address_and_a_text_without_spaces_stay_whole() -> None:
    """Folding breaks no word: what is quoted later is found letter by letter."""
    for word in ("https://example.org/" + "a" * 200, "\u4e91\u96c0" * 100):
        assert word == yaml.safe_load(f"b: >-\n{folded(word)}\n")["b"]
