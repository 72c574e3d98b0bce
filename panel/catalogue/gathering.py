"""Gathering: what would be asked of models for a tool now, found by filling its seats without asking anybody."""

from __future__ import annotations

from dataclasses import dataclass, field

from panel.errors import Waiting
from panel.llm.ledger import Ledgers
from panel.llm.model import Model
from panel.persona import Persona
from panel.pipeline import side_by_side
from panel.project import Project
from panel.request import Reply, Request
from panel.review import Seat
from panel.seating import Asked, Kept, Seating, Unseated
from panel.tool import Tool


@dataclass(frozen=True)
class Gathering:
    """A Model that notes what it is asked, and answers nothing."""

    requests: list[Request] = field(default_factory=list)

    async def ask(self, request: Request) -> Reply:
        """Note the request; raises Waiting."""
        self.requests.append(request)
        raise Waiting("gathered, and not asked yet")


@dataclass(frozen=True)
class Unrecorded:
    """A Model that answers from the ledgers, and asks another one for what they lack; nothing is written."""

    ledgers: Ledgers
    inner: Model

    async def ask(self, request: Request) -> Reply:
        """Return the recorded reply, or that of the model inside."""
        return self.ledgers.find(request.identity) or await self.inner.ask(request)


async def gathered(project: Project, tool: Tool) -> list[Request]:
    """Return every request that a review of a tool would ask now, as far as that does not hang on the answers.

    First asks and samples, and repairs of replies that are recorded. Nothing is written and nobody is asked.
    """
    gathering = Gathering()
    await filled(project, tool, gathering)
    return gathering.requests


async def filled(project: Project, tool: Tool, model: Model) -> list[Seat]:
    """Return the seats of a tool, with `model` behind the ledgers; no record is written."""
    seating = Seating.of(project, tool, ())

    async def sit(persona: Persona) -> Seat:
        match seating.plan(persona):
            case Unseated(reason):
                return seating.unseated(persona, reason)
            case Kept(kept):
                return kept
            case Asked() as asked:
                return await asked.answered(Unrecorded(project.ledgers, model))

    return await side_by_side(project.panel, sit)
