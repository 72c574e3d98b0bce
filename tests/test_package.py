"""The package as people install it: what is in the wheel, and what `import panel` gives."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import EXAMPLES, ROOT

import panel


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder that holds nothing but what the wheel brings."""
    folder = tmp_path_factory.mktemp("wheel")
    call = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(call, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


def run(installed: Path, folder: Path, *arguments: str) -> str:
    """Return what the wheel's `panel` prints, run in `folder`."""
    program = f"import sys; sys.path.insert(0, {str(installed)!r}); from panel.__main__ import app; app()"
    call = [sys.executable, "-I", "-c", program, *arguments]
    return subprocess.run(call, cwd=folder, check=True, capture_output=True, text=True).stdout


def test_the_wheel_brings_personas_and_prompts(installed: Path, tmp_path: Path) -> None:
    """Away from the checkout the five personas and all prompts come with the package."""
    assert "builder" in run(installed, tmp_path, "persona", "list")
    assert {path.name for path in (ROOT / "prompts").iterdir()} == {
        path.name for path in (installed / "panel" / "prompts").iterdir()
    }


def test_the_wheel_reviews(installed: Path, tmp_path: Path) -> None:
    """The installed package writes a whole record, away from the checkout."""
    (tmp_path / "smollm3.yaml").write_text((EXAMPLES / "smollm3.yaml").read_text())

    printed = run(installed, tmp_path, "review", "smollm3.yaml", "--model", "fake:ship")

    assert "Ship · 4 ship / 0 skip" in printed
    assert (tmp_path / "runs" / "smollm3" / "review.md").is_file()


def test_the_public_names_are_there_and_few() -> None:
    """Every name in `panel.__all__` can be had, and there are at most a dozen."""
    assert len(panel.__all__) <= 12
    assert [] == [name for name in panel.__all__ if getattr(panel, name) is None]


def test_a_name_that_is_not_public_is_refused() -> None:
    """Another name is an AttributeError, as for any module."""
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = panel.nonsense


def test_python_dash_m_is_the_command() -> None:
    """`python -m panel` is `panel`."""
    call = [sys.executable, "-m", "panel", "--help"]
    printed = subprocess.run(call, cwd=ROOT, check=True, capture_output=True, text=True).stdout

    assert printed.startswith("Usage: panel")
