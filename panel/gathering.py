"""Gathering: what would be asked for a tool now, found by filling its seats without asking anybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from panel.errors import Waiting
from panel.llm.ledger import Ledgers
from panel.llm.model import Model
from panel.project import Project
from panel.request import Reply, Request
from panel.seating import Asked, Seating
from panel.tool import Tool


@dataclass(frozen=True)
class Unrecorded:
    """A Model that answers from the ledgers, and asks another one for what they lack; nothing is written."""

    ledgers: Ledgers
    inner: Model

    async def ask(self, request: Request) -> Reply:
        """Return the recorded reply, or that of the model inside."""
        return self.ledgers.find(request.identity) or await self.inner.ask(request)


@dataclass(frozen=True)
class Gathering:
    """A Model that notes what it is asked, and answers nothing."""

    requests: list[Request] = field(default_factory=list)

    async def ask(self, request: Request) -> Reply:
        """Note the request; raises Waiting."""
        self.requests.append(request)
        raise Waiting("not asked yet")


async def gathered(project: Project, tool: Tool, only: Sequence[str] = ()) -> list[Request]:
    """Return the requests that a review of a tool would ask now: first asks, further samples, and repairs of replies.

    What follows from their replies is found by gathering once more when these are recorded.
    `only` names the personas to ask, all where it is empty. Raises InputError where something can't be asked.
    """
    gathering = Gathering()
    await filled(project, tool, gathering, only)
    return gathering.requests


async def filled(project: Project, tool: Tool, model: Model, only: Sequence[str] = ()) -> None:
    """Fill the seats of a tool that would be asked, in their order, with `model` behind the ledgers.

    Nothing is written. Raises InputError where something can't be asked.
    """
    seating = Seating.of(project, tool, only)
    seating.refuse_locked()
    for plan in map(seating.plan, project.panel):
        if isinstance(plan, Asked) and plan.is_live:
            await plan.answered(Unrecorded(project.ledgers, model))
