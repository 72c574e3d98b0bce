"""`panel review` for many tools."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from panel.catalogue.dossiers import Catalogue, catalogue
from panel.catalogue.rehearsal import rehearsed
from panel.catalogue.run import reviews
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
        survey = await self.survey()
        self.board.plan(survey, self.is_priced)
        self.spending.refuse(survey.most if self.is_priced else None, is_free=not self.is_priced)
        settings, prices = self.project.settings, Prices(self.project.settings.prices)
        around = self.spending.around
        async with Providers(settings, self.project.prompts, self.board.notice, around) as providers:
            with self.board.asking():
                async for outcome in reviews(self.project, self.catalogue, survey.stale, providers):
                    if outcome.done:
                        self.tally.count(outcome.done, prices)
                    elif outcome.fault:
                        kept = self.tally.absent if outcome.is_passing else self.tally.input_faults
                        self.tally.miss(kept, Trouble(str(outcome.path), str(outcome.fault)))
                    elif outcome.over:
                        self.tally.stopped = self.tally.stopped or f"stopped by the budget: {outcome.over}"
                    self.board.outcome(outcome)

    async def survey(self) -> Survey:
        """Return what there is to do."""
        now = datetime.now(UTC)
        with self.board.looking():
            return await surveyed(self.project, self.catalogue, self.tally, now, self.is_priced, self.board.seen)

    async def rehearse(self) -> None:
        """Print what would be asked, in its order, and what it could cost."""
        number, now = 0, datetime.now(UTC)
        async for one in rehearsed(self.project, self.catalogue, self.catalogue.paths, now):
            if one.fault:
                self.tally.miss(self.tally.input_faults, Trouble(str(one.path), str(one.fault)))
            for asking in one.asking:
                number += 1
                self.board.asking_line(number, asking)
        survey = await self.survey()
        self.board.plan(survey, is_priced=True)
        self.board.screen.say("Nothing was asked, nothing was written.")


def review_many(project: Project, places: Sequence[str], spending: Spending, *, is_dry: bool, as_json: bool) -> int:
    """Review every dossier in these places, say what came of it, and return the exit code."""
    found = catalogue(places)
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
