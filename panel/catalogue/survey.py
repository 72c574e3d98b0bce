"""Survey: what a run over a catalogue would ask, before anybody is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from panel.ask import AUTO_STEPS
from panel.catalogue.dossiers import Catalogue
from panel.catalogue.stamp import standing
from panel.catalogue.tally import Tally, Trouble
from panel.errors import InputError
from panel.estimate import at_most, likely
from panel.gathering import gathered
from panel.project import Project
from panel.tool import Tool

Seen = Callable[[int], None]
"""Told how many dossiers were looked at."""


@dataclass
class Survey:
    """What there is to do."""

    stale: list[Path] = field(default_factory=list)
    """Dossiers whose record is not what a review would write now."""

    requests: int = 0
    """Requests to ask, repairs of replies to come not counted."""

    likely: Decimal | None = Decimal(0)
    """US dollars where all goes well; None where a price is not known."""

    most: Decimal | None = Decimal(0)
    """US dollars where every reply has the longest length and is mended once; None where a price is not known."""

    def add(self, project: Project, requests: int, usual: Decimal | None, highest: Decimal | None) -> None:
        """Add what one tool would ask for."""
        # A seat that draws samples until it is sure is asked once at first, and at most so often.
        most = AUTO_STEPS[-1] if project.settings.samples == "auto" else 1
        self.requests += requests
        self.likely = None if self.likely is None or usual is None else self.likely + usual
        self.most = None if self.most is None or highest is None else self.most + highest * most


async def surveyed(
    project: Project, catalogue: Catalogue, tally: Tally, at: datetime, is_priced: bool, seen: Seen
) -> Survey:
    """Return what a review of a catalogue would ask at the prices of the day `at`; `tally` counts what needs nothing.

    Where it is not to be priced, only what is stale is found, which is quicker.
    """
    survey = Survey()
    for number, path in enumerate(catalogue.paths, 1):
        try:
            await _look(project, catalogue, path, survey, tally, at if is_priced else None)
        except InputError as error:
            tally.miss(tally.input_faults, Trouble(str(path), str(error)))
        seen(number)
    return survey


async def _look(
    project: Project, catalogue: Catalogue, path: Path, survey: Survey, tally: Tally, at: datetime | None
) -> None:
    tool: Tool = catalogue.read(path, project.persona_ids)
    if stamp := standing(project, tool):
        tally.unchanged += 1
        tally.labels[stamp.label] += 1
        return
    if at:
        requests = await gathered(project, tool)
        survey.add(project, len(requests), likely(project, requests, at), at_most(project, requests, at))
    survey.stale.append(path)
