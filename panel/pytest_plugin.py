"""The pytest plugin: reviews replayed from recordings, for people who test their own personas.

    def test_the_mason_skips_what_nobody_measured(panel_replay):
        seat = panel_replay.seat("tools/plumb.yaml", "mason")
        assert seat.take.vote == "skip"

A missing recording fails the test with the changed lines of the prompt. `pytest --panel-record` asks for it instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from panel.golden.outcome import Outcome
    from panel.project import Project
    from panel.review import Review, Seat
    from panel.shelf import Shelved


@dataclass(frozen=True)
class Replay:
    """Gives reviews from recordings; paths are taken from the folder of the test session."""

    root: Path
    may_record: bool
    """True where what is missing is asked for and recorded."""

    def __call__(self, dossier: str | Path) -> Review:
        """Return the review of a dossier; fails the test where a recording is missing or unsound."""
        found = self._outcome(dossier, ())
        if found.after is None:
            pytest.fail(_told(found), pytrace=False)
        return found.after

    def seat(self, dossier: str | Path, persona: str) -> Seat:
        """Return one seat of the review of a dossier; the other seats need no recordings."""
        found = self._outcome(dossier, [persona])
        seat = next((seat for seat in found.seats if seat.persona == persona), None)
        if seat is None:
            pytest.fail(_told(found), pytrace=False)
        return seat

    def check(self, dossier: str | Path) -> Review:
        """Return the review of a dossier; fails the test, in words, where it is not the golden record."""
        found = self._outcome(dossier, ())
        if found.differences or found.after is None:
            pytest.fail(_told(found), pytrace=False)
        return found.after

    def _outcome(self, dossier: str | Path, personas: Sequence[str]) -> Outcome:
        from panel.errors import PanelError

        try:
            # In a thread of its own, so that tests which run in a loop can ask too.
            with ThreadPoolExecutor(1) as one:
                return one.submit(asyncio.run, self._replayed(self.root / dossier, personas)).result()
        except PanelError as error:
            problem = str(error)
        pytest.fail(problem, pytrace=False)

    async def _replayed(self, path: Path, personas: Sequence[str]) -> Outcome:
        from panel.golden.accept import accept
        from panel.golden.bench import bench
        from panel.golden.verify import outcome
        from panel.project import Project
        from panel.shelf import Shelved
        from panel.tool import read_tool

        project = bench(Project.open(path.parent, {"mode": None if self.may_record else "replay"}))
        shelved = Shelved(path, read_tool(path, project.persona_ids))
        for persona in personas:
            project.persona(persona)
        if self.may_record:
            await _record(project, shelved, personas)
        found = await outcome(project, shelved, personas)
        if self.may_record and found.before is None and not personas:
            await accept(project, [found], ())
            found = await outcome(project, shelved, personas)
        return found


async def _record(project: Project, shelved: Shelved, personas: Sequence[str]) -> None:
    from panel.golden.record import record
    from panel.llm.open import Providers

    async with Providers(project.settings, project.prompts) as providers:
        await record(project, shelved, personas, providers, lambda *_: None)


def _told(found: Outcome) -> str:
    """Return what differs, in words, then the changed lines."""
    meanings = [difference.meaning for difference in found.differences]
    details = [line for difference in found.differences for line in difference.details]
    return "\n".join([*meanings, *details])


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that lets tests ask."""
    group = parser.getgroup("panel", "an accountable panel of critics")
    group.addoption("--panel-record", action="store_true", help="Ask for what the recordings lack, and record it.")


@pytest.fixture
def panel_replay(request: pytest.FixtureRequest) -> Replay:
    """Give reviews from recordings: `panel_replay("tools/plumb.yaml")`."""
    return Replay(request.config.rootpath, bool(request.config.getoption("--panel-record")))
