"""Rehearsal: a dry run: what would be asked, in which order, for how much; no network, and no record."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from panel.catalogue.dossiers import Catalogue
from panel.errors import InputError
from panel.estimate import LIKELY_CHARACTERS, bound, likely
from panel.gathering import filled
from panel.llm.fake import stand_in
from panel.llm.model import said
from panel.llm.warm import Warm
from panel.project import Project
from panel.request import Reply, Request

STAND_IN = "fake:ship"


@dataclass(frozen=True)
class Asking:
    """One request that would be asked."""

    request: Request
    tokens: int
    """Tokens of its prompt, about."""

    likely: Decimal | None
    """US dollars where all goes well, the vendor's cache used; None where the price is not known."""

    most: Decimal | None
    """US dollars for the longest reply; None where the price is not known."""


@dataclass(frozen=True)
class Rehearsed:
    """What a review of one tool would ask, in its order; or why it can't be reviewed."""

    path: Path
    asking: tuple[Asking, ...] = ()
    fault: InputError | None = None


@dataclass(frozen=True)
class Rehearsing:
    """A Model that the shipped fake stands in for."""

    asked: list[Request] = field(default_factory=list)

    async def ask(self, request: Request) -> Reply:
        """Note the request, and return what the fake says to it."""
        self.asked.append(request)
        return said(stand_in(request.model_copy(update={"model": STAND_IN})), request.model)


async def rehearsed(
    project: Project, catalogue: Catalogue, paths: Iterable[Path], at: datetime
) -> AsyncIterator[Rehearsed]:
    """Yield what would be asked for each dossier, at the prices of the day `at`. Nothing is written."""
    for path in paths:
        model = Rehearsing()
        try:
            await filled(project, catalogue.read(path, project.persona_ids), Warm(model))
        except InputError as error:
            yield Rehearsed(path, fault=error)
            continue
        yield Rehearsed(path, tuple(_priced(project, model.asked, at)))


def _priced(project: Project, requests: list[Request], at: datetime) -> Iterable[Asking]:
    warm: set[str] = set()
    for request in requests:
        usual, most = likely(project, [request], at, warm), bound(project, request, at)
        yield Asking(request, round(request.length / LIKELY_CHARACTERS), usual, most)
