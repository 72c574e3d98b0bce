"""`panel review` for many tools."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from panel.catalogue.dossiers import Catalogue
from panel.catalogue.rehearsal import rehearsed
from panel.catalogue.run import Outcome, reviews
from panel.catalogue.survey import Survey, surveyed
from panel.catalogue.tally import Tally, Trouble
from panel.cli.board import Board
from panel.cli.exits import INTERRUPTED
from panel.cli.sheet import print_json
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

    async def review(self) -> None:
        """Survey the catalogue, and review what is stale in it; raises OverBudget before anybody is asked."""
        survey = await self.survey(self.is_priced)
        self.board.plan(survey, self.is_priced)
        self.spending.refuse(survey.most if self.is_priced else None, is_free=not self.is_priced)
        settings, prices = self.project.settings, Prices(self.project.settings.prices)
        async with Providers(settings, self.project.prompts, self.board.notice, self.spending.around) as providers:
            with self.board.asking():
                async for outcome in reviews(self.project, self.catalogue, survey.stale, providers):
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


def review_many(project: Project, found: Catalogue, spending: Spending, *, is_dry: bool, as_json: bool) -> int:
    """Review every dossier of a catalogue, say what came of it, and return the exit code."""
    tally = Tally(total=len(found.paths) + len(found.faults))
    for path, fault in found.faults.items():
        tally.miss(tally.input_faults, Trouble(str(path), fault))
    board = Board(tally, to_stderr=as_json)
    board.screen.say(announcement(project))
    run = Many(project, found, board, spending)
    code = 0
    try:
        asyncio.run(run.rehearse() if is_dry else run.review())
    except KeyboardInterrupt:
        tally.stopped, code = "Interrupted. Every reply that came is in the ledger; run it again to go on.", INTERRUPTED
    except OverBudget as error:
        tally.stopped, code = str(error), error.exit_code
    if not is_dry:
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
