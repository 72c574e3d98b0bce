"""Equipment: what tests of pages and of databases need that pip does not bring, and what becomes of a test without."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

WEB = Path(__file__).parent / "web"
REQUIRED = os.environ.get("PANEL_TEST_WEB") == "required"
"""Whether a test fails that can't be run, instead of being skipped."""

NOT_TESTED = "NOT TESTED"
NO_POSTGRES = f"{NOT_TESTED}: ledgers and queues on Postgres: no initdb; apt-get install postgresql"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MODULES = {
    "axe-core/axe.min.js": "whether everybody can use the pages",
    "html-validate/bin/html-validate.mjs": "whether the pages are valid HTML",
}
"""Files that npm brings, and what is not tested without them."""


def chromium() -> Path:
    """Return the browser; a test that needs it ends here where there is none."""
    found = _chromium()
    return found or _lacking(_no_chromium())


def module(name: str) -> Path:
    """Return a file that npm brings; a test that needs it ends here where it is missing."""
    path = _module(name)
    return path if path.is_file() else _lacking(_no_module(name))


def postgres() -> Path:
    """Return the folder of Postgres's programs; a test that needs them ends here where there are none."""
    found = _postgres()
    return found or _lacking(NO_POSTGRES)


def lacking() -> Iterator[str]:
    """Yield a line for everything that is missing: what is not tested, why, and what brings it."""
    if _chromium() is None:
        yield _no_chromium()
    if _postgres() is None:
        yield NO_POSTGRES
    yield from (_no_module(name) for name in MODULES if not _module(name).is_file())


def pytest_report_header() -> list[str]:
    """Return what can't be tested here; a run that is quiet prints no header."""
    return [*lacking()]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    """Say last what was not tested for want of equipment: nobody should take a green line for more than it is."""
    yield
    reasons = [report.longrepr[2] for report in terminalreporter.stats.get("skipped", [])]
    said = [reason[reason.index(NOT_TESTED) :] for reason in reasons if NOT_TESTED in reason]
    for line in dict.fromkeys(said):
        terminalreporter.write_line(f"{line} ({said.count(line)} skipped)", red=True, bold=True)


def _chromium() -> Path | None:
    return next((Path(path) for path in map(shutil.which, BROWSERS) if path), None)


def _postgres() -> Path | None:
    """Return the newest of Debian's folders, which are on no PATH, or the one on the PATH; server and client both."""
    newest = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    named = shutil.which("initdb")
    found = [*newest, *([Path(named).resolve()] if named else [])]
    return found[-1].parent if found else None


def _module(name: str) -> Path:
    return WEB / "node_modules" / name


def _no_chromium() -> str:
    return f"{NOT_TESTED}: pages in a browser: no chromium; apt-get install chromium"


def _no_module(name: str) -> str:
    return f"{NOT_TESTED}: {MODULES[name]}: no {name.partition('/')[0]}; npm ci --prefix tests/web"


def _lacking(line: str) -> Path:
    if REQUIRED:
        pytest.fail(line, pytrace=False)
    pytest.skip(line)
