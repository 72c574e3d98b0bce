"""The rules of the house: imports point down, sizes stay small, names say something, types hold."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from conftest import ROOT

PACKAGE = ROOT / "panel"
SOURCES = sorted(PACKAGE.rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION, DEEPEST, WIDEST, WIDEST_COMMAND = 300, 50, 3, 6, 14
VAGUE = ("util", "helper", "manager", "handle_", "process_", "misc")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def nodes() -> list[tuple[Path, ast.AST]]:
    """Return every node of the package with its file."""
    return [(path, node) for path in SOURCES for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]


def functions() -> Iterator[tuple[Path, Function]]:
    """Yield every function of the package with its file."""
    yield from ((path, node) for path, node in nodes() if isinstance(node, Function))


def depth(node: ast.AST, level: int = 0) -> int:
    """Return how deep blocks are nested in a function."""
    blocks = (ast.For, ast.AsyncFor, ast.While, ast.If, ast.With, ast.AsyncWith, ast.Try, ast.Match)
    chained = node.orelse if isinstance(node, ast.If) and len(node.orelse) == 1 else []
    inner = [
        depth(child, level + (isinstance(child, blocks) and not (isinstance(child, ast.If) and child in chained)))
        for child in ast.iter_child_nodes(node)
    ]
    return max(inner, default=level)


def length(node: Function) -> int:
    """Return the lines of a function, its docstring left out."""
    first = node.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    doc = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (node.end_lineno or 0) - node.lineno + 1 - doc


@pytest.mark.parametrize("command", ["ruff check .", "ruff format --check .", "mypy", "importlinter.cli lint"])
def test_the_linters_and_the_type_checker_find_nothing(command: str) -> None:
    """Ruff, mypy --strict and import-linter accept the tree as it stands."""
    module, *arguments = command.split()
    call = (
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
        if module.startswith("importlinter")
        else [sys.executable, "-m", module, *arguments]
    )

    result = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False)

    assert 0 == result.returncode, result.stdout + result.stderr


def test_files_are_short() -> None:
    """No file of the package is longer than 300 lines."""
    long = [(path.name, lines) for path in SOURCES if (lines := len(path.read_text().splitlines())) > LONGEST_FILE]

    assert long == []


def test_functions_are_small() -> None:
    """No function is longer than 50 lines, nested deeper than 3, or wider than 6 parameters (a command: 14)."""
    large = []
    for path, node in functions():
        most = WIDEST_COMMAND if "cli" in path.parts else WIDEST
        arguments = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        width = len([name for name in arguments if name not in ("self", "cls")])
        if length(node) > LONGEST_FUNCTION or depth(node) > DEEPEST or width > most:
            large.append((path.name, node.name, length(node), depth(node), width))

    assert large == []


def test_names_say_something() -> None:
    """No module and no function is called utils, helpers, manager, handle_this or process_that."""
    names = [path.stem for path in SOURCES] + [node.name for _, node in functions()]

    assert [name for name in names if any(vague in name.lower() for vague in VAGUE)] == []


def test_at_most_one_broad_except_and_only_at_the_edge() -> None:
    """`except Exception` and `except:` stand nowhere but, at most once, in panel/cli."""
    broad = []
    for path, node in nodes():
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else ""
            cleans_up = any(isinstance(child, ast.Raise) and child.exc is None for child in node.body)
            if caught in ("", "Exception", "BaseException") and not cleans_up:
                broad.append(f"{path.name}:{node.lineno}")

    assert len(broad) <= 1, broad
    assert all(place.startswith("app.py") for place in broad)


def test_tenacity_is_imported_in_one_file() -> None:
    """The retry policy is the only file that imports tenacity."""
    importing = [path.name for path in SOURCES if "import tenacity" in (t := path.read_text()) or "from tenacity" in t]

    assert importing == ["retry.py"]


def test_nothing_in_code_knows_the_five_names() -> None:
    """No string in the package names a shipped persona."""
    names = {"builder", "skeptic", "futurist", "founder", "creator"}
    found = [
        (path.name, node.value)
        for path, node in nodes()
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.casefold() in names
    ]

    assert found == []


def test_every_test_states_its_claim() -> None:
    """Each test function has a docstring."""
    silent = []
    for path in sorted((ROOT / "tests").glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, Function) and node.name.startswith("test_") and not ast.get_docstring(node):
                silent.append(f"{path.name}:{node.name}")

    assert silent == []


def test_the_tree_holds_no_key_and_no_machine_path() -> None:
    """No file under version control holds something shaped like a key, or a path of one machine."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    marks = ("sk-" + "ant-", "/ro" + "ot/", "/ho" + "me/", "/wo" + "rk/")
    files = [ROOT / name for name in listed.stdout.split() if (ROOT / name).is_file()]
    found = [(str(path), mark) for path in files for mark in marks if mark in path.read_text(errors="replace")]

    assert found == []
