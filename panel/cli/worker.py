"""`panel worker`."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from socket import gethostname
from typing import TYPE_CHECKING, Annotated

import typer

from panel.cli.exits import INTERRUPTED
from panel.cli.queue import Address, Runs, opened
from panel.cli.screen import Screen
from panel.errors import InputError, SettingsError
from panel.markdown import verdict_lines
from panel.mode import announcement
from panel.names import SLUG, slug_of
from panel.project import Project
from panel.request import Attempt, Request

if TYPE_CHECKING:
    from panel.queue.work import Ended

app = typer.Typer(rich_markup_mode=None)
LONGEST_NAME = 60


@app.command()
def worker(
    until_empty: Annotated[bool, typer.Option("--until-empty", help="End when all jobs are done.")] = False,
    name: Annotated[
        str | None, typer.Option(help="What this worker is called; no two have one name.", show_default=False)
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, max=1_000, help="Reviews of each worker at once, for all workers.")
    ] = None,
    mode: Annotated[str | None, typer.Option(help="live, or replay: recordings alone.")] = None,
    runs: Runs = None,
    database_url: Address = None,
) -> None:
    """Make the reviews that are in the queue, beside as many other workers as you like."""

    def project_for(flags: Mapping[str, str]) -> Project:
        opened = Project.open(Path(), {**flags, "runs": runs, **({"mode": mode} if mode else {})})
        return _live(opened)

    project, screen = project_for({}), Screen()
    screen.say(announcement(project))
    tally = _Tally(screen)
    with _ended_by_term(), opened(project, database_url, is_made=True) as place:
        from panel.queue.work import Worker

        mine = _named(name)
        screen.say(f"worker {mine}, queue at {place.database.place}")
        busy = Worker(place, project_for, mine, tally.count, tally.notice)
        try:
            asyncio.run(busy.run(until_empty=until_empty, concurrency=concurrency))
        except KeyboardInterrupt:
            tally.say()
            screen.say("Interrupted. Every reply that came is in the ledger; the rest is back in the queue.")
            raise typer.Exit(INTERRUPTED) from None
    tally.say()
    raise typer.Exit(max(tally.codes, default=0))


@contextmanager
def _ended_by_term() -> Iterator[None]:
    """Let SIGTERM, which ends services, end a worker as Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _live(project: Project) -> Project:
    """Return a project that asks: a worker without a key would fail every job, one after the other."""
    settings = project.settings
    if settings.mode == "fresh":
        raise SettingsError(f"{settings.place('mode')}: a queue can't ask anew; panel retake and panel review can")
    if settings.mode == "replay":
        return project
    from dataclasses import replace

    return replace(project, settings=settings.model_copy(update={"mode": "live"}))


def _named(name: str | None) -> str:
    """Return the name of this worker: as given, or after the machine and the process."""
    if name is None:
        from os import getpid

        return f"{slug_of(gethostname())[:40] or 'worker'}-{getpid()}"
    if not SLUG.fullmatch(name) or len(name) > LONGEST_NAME:
        raise InputError(f"--name: write lower-case letters, digits and single hyphens, at most {LONGEST_NAME}")
    return name


@dataclass
class _Tally:
    """What a worker did, counted and told."""

    screen: Screen
    done: int = 0
    faulty: int = 0
    replies: int = 0
    asked: int = 0
    cost: Decimal = Decimal(0)
    unknown: int = 0
    """Replies of unknown price."""

    codes: set[int] = field(default_factory=set)

    def count(self, ended: Ended) -> None:
        """Count and tell how a job ended."""
        self.codes.add(ended.exit_code)
        self.faulty += ended.fault is not None
        if ended.done:
            self.done += 1
            review = ended.done.review
            asks = [ask for seat in review.seats for ask in seat.asks]
            asked = [ask for ask in asks if ask.request in ended.done.asked]
            self.replies, self.asked = self.replies + len(asks), self.asked + len(asked)
            self.cost += sum((Decimal(ask.cost_usd) for ask in asked if ask.cost_usd), Decimal(0))
            self.unknown += sum(ask.cost_usd is None for ask in asked)
            self.screen.say(f"{review.tool.name} ({review.tool.slug}) · {verdict_lines(review)[0]}")
        if ended.fault:
            self.screen.say(f"  {ended.slug}: {ended.fault}")

    def notice(self, request: Request, attempt: Attempt) -> None:
        """Tell of a request that met a fault and is tried again."""
        label = request.label
        self.screen.say(f"  {label.tool}: {label.persona}: attempt {attempt.number}: {attempt.error}")

    def say(self) -> None:
        """Tell what was done."""
        faults = f", {self.faulty} with faults" if self.faulty else ""
        self.screen.say(f"{self.done} {'review' if self.done == 1 else 'reviews'} made{faults}")
        unknown = f" and {self.unknown} of unknown price" if self.unknown else ""
        kept = self.replies - self.asked
        self.screen.say(
            f"{kept} {'reply' if kept == 1 else 'replies'} from the ledger, {self.asked} asked now, "
            f"${self.cost.normalize():f}{unknown} paid"
        )
