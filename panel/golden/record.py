"""Record: fill what the recordings lack, after saying what that can cost at most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from panel.ask import asked
from panel.errors import RecordingMissing
from panel.estimate import Estimate, estimate_of
from panel.golden.pairs import unmoderated
from panel.llm.ledger import Recorded
from panel.llm.open import Providers
from panel.mode import answering
from panel.persona import Persona
from panel.pipeline import Watch, side_by_side
from panel.project import Project
from panel.review import Ask, Seat
from panel.seating import Asked, Seating
from panel.shelf import Shelved


@dataclass(frozen=True)
class Filled:
    """What came of filling the recordings of one tool."""

    shelved: Shelved
    seats: Sequence[Seat]
    asked: Sequence[str]
    """Identities of what was asked."""


async def bound(project: Project, shelved: Sequence[Shelved], personas: Sequence[str], at: datetime) -> Estimate:
    """Return what filling the recordings would take, at the prices of the day `at`; `personas` are all where empty.

    Each seat is replayed: a first reply may be there, and its repair or a further sample not.
    """
    plans = [plan for one in shelved for plan in _plans(project, one, personas).values()]
    begun = [plan for plan in plans if _is_begun(project, plan) and not await _is_whole(project, plan)]
    mending = [plan.question.request(plan.first) for plan in begun]
    return estimate_of(project, plans, at, [*mending, *([] if personas else unmoderated(project))])


def _is_begun(project: Project, plan: Asked) -> bool:
    return estimate_of(project, [plan], datetime.now(UTC)).asked == 0


async def _is_whole(project: Project, plan: Asked) -> bool:
    try:
        await plan.answered(Recorded(project.ledgers, None, is_brief=True))
    except RecordingMissing:
        return False
    return True


async def record(
    project: Project, shelved: Shelved, personas: Sequence[str], providers: Providers, watch: Watch
) -> Filled:
    """Return the seats of a tool, asking for what the ledgers lack; no record changes.

    Raises InputError where something can't be asked; what was answered by then is recorded.
    """
    now: list[str] = []
    plans = _plans(project, shelved, personas)

    async def sit(persona: Persona) -> Seat:
        model = answering(plans[persona.id].question.model, project.settings, providers)
        watch(persona, None)
        done = await plans[persona.id].answered(Recorded(project.ledgers, model, now))
        watch(persona, done)
        return done

    seats = await side_by_side([plan.question.persona for plan in plans.values()], sit)
    return Filled(shelved, seats, now)


async def moderate(project: Project, providers: Providers) -> tuple[list[Ask], list[str]]:
    """Ask for what golden comparisons lack of a moderator; return the asks, and which requests were asked now."""
    now: list[str] = []
    asks = []
    for request in unmoderated(project):
        model = answering(request.model, project.settings, providers)
        reply = await Recorded(project.ledgers, model, now).ask(request)
        asks.append(asked(request, reply, "ask"))
    return asks, now


def _plans(project: Project, shelved: Shelved, personas: Sequence[str]) -> dict[str, Asked]:
    """Return the seats that are asked, by persona."""
    seating = Seating.of(project, shelved.tool, ())
    wanted = [persona for persona in project.panel if not personas or persona.id in personas]
    plans = {persona.id: seating.plan(persona) for persona in wanted}
    return {id: plan for id, plan in plans.items() if isinstance(plan, Asked)}


def price(estimate: Estimate) -> str:
    """Return what an estimate comes to, in words."""
    kept = f"{estimate.kept} {'reply is' if estimate.kept == 1 else 'replies are'} recorded"
    asked = f"{kept}, {estimate.asked} to ask"
    if not estimate.asked:
        return f"{asked}: nothing to pay"
    if estimate.likely is None or estimate.most is None:
        return f"{asked}, of unknown price"
    return f"{asked}: about ${_cents(estimate.likely)}, at most ${_cents(estimate.most)}"


def _cents(amount: Decimal) -> str:
    return f"{amount:.3f}"
