"""Gathering: what would have to be asked now, without asking anybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from panel.errors import Waiting
from panel.llm.ledger import Ledgers
from panel.project import Project
from panel.request import Reply, Request
from panel.seating import Asked, Seating
from panel.tool import Tool


@dataclass(frozen=True)
class Gathering:
    """A Model that answers from the ledgers, and notes what they lack."""

    ledgers: Ledgers
    lacking: list[Request] = field(default_factory=list)
    """What no ledger holds, in the order in which it was asked."""

    async def ask(self, request: Request) -> Reply:
        """Return the recorded reply; raises Waiting, after a note, where there is none."""
        if found := self.ledgers.find(request.identity):
            return found
        self.lacking.append(request)
        raise Waiting("not asked yet")


async def gathered(project: Project, tool: Tool, only: Sequence[str] = ()) -> list[Request]:
    """Return the requests that a review of a tool would ask now: first asks, further samples, and repairs of replies.

    What follows from their replies is found by gathering once more when these are recorded.
    `only` names the personas to ask, all where it is empty. Raises InputError where something can't be asked.
    """
    seating, model = Seating.of(project, tool, only), Gathering(project.ledgers)
    seating.refuse_locked()
    for plan in map(seating.plan, project.panel):
        if isinstance(plan, Asked) and plan.is_live:
            await plan.answered(model)
    return model.lacking
