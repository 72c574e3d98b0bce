"""`panel review` for many tools."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from panel.batch.desk import Desk
from panel.batch.drafts import Wanted
from panel.batch.trip import Limit, Order, counted, round_trip, submit
from panel.catalogue.dossiers import Catalogue, Tools
from panel.catalogue.rehearsal import rehearsed
from panel.catalogue.run import Outcome, reviews
from panel.catalogue.survey import Survey, surveyed
from panel.catalogue.tally import Tally, Trouble
from panel.cli.batch import agreed_to
from panel.cli.board import Board
from panel.cli.exits import INTERRUPTED
from panel.cli.sheet import dollars, print_json
from panel.cli.spending import Spending
from panel.errors import ModelError, OverBudget
from panel.llm.open import Providers, key_of
from panel.mode import announcement
from panel.money import Prices
from panel.project import Project


@dataclass(frozen=True)
class Many:
    """A run over many tools."""

    project: Project
    catalogue: Catalogue
    board: Board
    spending: Spending

    @property
    def tally(self) -> Tally:
        """What it has come to so far."""
        return self.board.tally

    @property
    def is_priced(self) -> bool:
        """True where somebody may be paid."""
        settings = self.project.settings
        asked = [settings.provider(self.project.own_model(persona)) for persona in self.project.panel]
        return settings.mode != "replay" and any(not one.is_free and key_of(one) is not None for one in asked)

    async def go(self, way: Way) -> None:
        """Do it the way it was asked for; raises what the parts of it raise."""
        if way.is_dry:
            await self.rehearse()
        elif not way.is_batched:
            await self.review()
        elif await self.batch(way) and way.waits:
            await self.record()

    async def batch(self, way: Way) -> bool:
        """Ask in batches for what the ledgers lack; return False where somebody did not agree to the price."""
        say, most = self.board.screen.say, self.spending.budget.most if self.spending.budget else None
        order = Order(
            Wanted(Tools(self.catalogue, self.project.persona_ids)),
            lambda drafts: agreed_to(drafts, say, way.is_agreed),
            Limit(most),
        )
        async with Desk(self.project, say) as desk:
            if not way.waits:
                _, begun = await submit(desk, order)
                say(f"{counted(len(begun or []), 'batch')} submitted. Next: panel batch collect --wait")
                return begun is not None
            trip = await round_trip(desk, order)
        for fault in (*trip.faults, *trip.silent, *trip.drafts.faults):
            self.tally.miss(self.tally.absent, Trouble("batch", fault))
        say(f"{counted(len(trip.batches), 'batch')} collected, {dollars(trip.spent)} paid")
        return trip.is_agreed

    async def review(self) -> None:
        """Survey the catalogue, and review what is stale in it; raises OverBudget before anybody is asked."""
        survey = await self.survey(self.is_priced)
        self.board.plan(survey, self.is_priced)
        self.spending.refuse(survey.most if self.is_priced else None, is_free=not self.is_priced)
        settings, prompts = self.project.settings, self.project.prompts
        async with Providers(settings, prompts, self.board.notice, self.spending.around) as providers:
            await self._record(survey.stale, providers)

    async def record(self) -> None:
        """Write the records of what is stale from what the ledgers hold; nobody is asked."""
        survey = await self.survey(is_priced=False)
        self.board.plan(survey, is_priced=False)
        await self._record(survey.stale, None)

    async def _record(self, stale: Sequence[Path], providers: Providers | None) -> None:
        prices = Prices(self.project.settings.prices)
        with self.board.asking():
            async for outcome in reviews(self.project, self.catalogue, stale, providers):
                self._count(outcome, prices)

    def _count(self, outcome: Outcome, prices: Prices) -> None:
        tally, trouble = self.tally, Trouble(str(outcome.path), str(outcome.fault))
        if outcome.done:
            tally.count(outcome.done, prices)
        elif outcome.over:
            tally.stopped = tally.stopped or f"stopped by the budget: {outcome.over}"
        else:
            tally.miss(tally.absent if outcome.is_passing else tally.input_faults, trouble)
        self.board.outcome(outcome)

    async def survey(self, is_priced: bool) -> Survey:
        """Return what there is to do, and where it `is_priced` what it can cost."""
        now = datetime.now(UTC)
        with self.board.looking():
            return await surveyed(self.project, self.catalogue, self.tally, now, is_priced, self.board.seen)

    async def rehearse(self) -> None:
        """Print what would be asked, in its order, and what it could cost."""
        number, now = 0, datetime.now(UTC)
        survey = await self.survey(is_priced=True)
        async for one in rehearsed(self.project, self.catalogue, survey.stale, now):
            if one.fault:
                self.tally.miss(self.tally.input_faults, Trouble(str(one.path), str(one.fault)))
            for asking in one.asking:
                number += 1
                self.board.asking_line(number, asking)
        self.board.plan(survey, is_priced=True)
        self.board.screen.say("Nothing was asked, nothing was written.")


@dataclass(frozen=True)
class Way:
    """How many tools are reviewed."""

    is_dry: bool = False
    """True where nobody is asked and nothing is written."""

    is_batched: bool = False
    """True where a vendor's batch is asked first."""

    waits: bool = False
    """True where the batch is waited for, and the records are written then."""

    is_agreed: bool = False
    """True where nobody has to agree to the price."""


def review_many(project: Project, found: Catalogue, spending: Spending, way: Way, *, as_json: bool) -> int:
    """Review every dossier of a catalogue, say what came of it, and return the exit code."""
    tally = Tally(total=len(found.paths) + len(found.faults))
    for path, fault in found.faults.items():
        tally.miss(tally.input_faults, Trouble(str(path), fault))
    board = Board(tally, to_stderr=as_json)
    board.screen.say(announcement(project))
    run = Many(project, found, board, spending)
    code = 0
    try:
        asyncio.run(run.go(way))
    except KeyboardInterrupt:
        tally.stopped, code = "Interrupted. Every reply that came is in the ledger; run it again to go on.", INTERRUPTED
    except OverBudget as error:
        tally.stopped, code = str(error), error.exit_code
    if not way.is_dry:
        board.summary()
        if spending.budget:
            board.screen.say(spending.told())
    if as_json:
        print_json(board.as_json())
    return code or _exit_code(tally)


def _exit_code(tally: Tally) -> int:
    """Return the exit code of a run that came to its end: of several causes the one that weighs most."""
    if tally.stopped:
        return OverBudget.exit_code
    if tally.input_faults:
        return 2
    return ModelError.exit_code if tally.absent else 0
