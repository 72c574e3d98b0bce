"""Work: one worker, which claims jobs and makes each into a review. One review is a workflow, one seat a step of it.

Whoever calls `DBOS.launch()` claims work, so nothing but this does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TypeVar

from dbos import DBOS, PortableWorkflowError, StepOptions
from dbos._error import DBOSException
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from panel.errors import Busy, InputError, PanelError, RecordError
from panel.files import Json
from panel.llm.keys import scrubbed
from panel.llm.ledger import Ledgers
from panel.llm.limit import Limit
from panel.llm.model import Model
from panel.llm.open import Providers
from panel.llm.recording import Held
from panel.llm.retry import Notice
from panel.llm.sql import SqlLedger
from panel.pipeline import Reviewed, review_tool
from panel.project import Project
from panel.queue.engine import configuration, hand_back, set_up
from panel.queue.job import Done, Job, queue_of
from panel.queue.place import Place
from panel.queue.presence import Names, names_at, register, registered, unregister
from panel.queue.shared import Metered, SharedLimit
from panel.queue.state import is_open
from panel.review import Absence, Seat
from panel.settings import Settings

WATCH_S, TICK_S = 1.0, 0.1
"""Seconds between two looks for dead peers and refusals that others met; and for the end."""

PATIENCE_S = 2.0
"""A peer that hands back the work of a name holds it for a moment."""

LONGEST_CALLS = 20
"""So many calls, each as long as the retry policy lets it be, a seat may take: nine samples, each mended once."""

Found = TypeVar("Found")
Open = Callable[[Mapping[str, str]], Project]
"""Returns the project as the flags of a job make it."""


class Failed(PanelError):
    """A job could not be done; its message is kept in the database, and holds no key."""


@dataclass(frozen=True)
class Ended:
    """How one job ended."""

    slug: str
    done: Reviewed | None
    """The review; None where there is none."""

    fault: str | None
    """What is wrong; None where every seat was answered."""

    exit_code: int = 0


@dataclass
class Worker:
    """A worker, under a name that no other one has."""

    place: Place
    open: Open
    name: str
    tell: Callable[[Ended], None]
    """Told of each job that ended."""

    notice: Notice = lambda request, attempt: None
    opened: dict[tuple[tuple[str, str], ...], tuple[Project, Providers]] = field(default_factory=dict)
    limits: dict[str, Limit] = field(default_factory=dict)
    metered: list[Metered] = field(default_factory=list)
    running: set[asyncio.Task[object]] = field(default_factory=set)
    trouble: PanelError | None = None
    """What is wrong with this machine or the database, so that no job could be done."""

    ledger: SqlLedger | None = None
    patience_s: float = 0
    """Seconds that one seat may take: a worker that hangs keeps its name, and nobody takes over."""

    async def run(self, *, until_empty: bool, concurrency: int | None) -> None:
        """Return when the queue is empty, where it is to end then; else it works until it is cancelled.

        Raises InputError where another process has the name, and what is wrong with this machine or the database.
        What was being asked when it ends goes back into the queue; what was answered is in the ledger.
        """
        project = self.open({})
        settings = project.settings
        self.patience_s = LONGEST_CALLS * (settings.retry.deadline_s + settings.timeout_s)
        names = names_at(self.place.database)
        try:
            await self._be_alone(names)
            await asyncio.to_thread(self._begin, queue_of(project), concurrency)
            try:
                self._launch(queue_of(project))
                await self._watch(names, queue_of(project), until_empty=until_empty)
            finally:
                await self._end()
        finally:
            names.close()
            if self.ledger:
                self.ledger.close()
        if self.trouble:
            raise self.trouble

    async def _be_alone(self, names: Names) -> None:
        for waited in count():
            if names.take(self.name):
                return
            if waited * TICK_S > PATIENCE_S:
                raise InputError(f"--name {self.name}: a worker of this name is at work; choose another one")
            await asyncio.sleep(TICK_S)

    def _begin(self, queue: str, concurrency: int | None) -> None:
        """Take up what a worker of this name left, before anything is claimed."""
        self.ledger = self.place.ledger(is_made=True)
        register(self.place.database, self.name)
        with self.place.client() as client:
            set_up(client, queue, concurrency)
            hand_back(client, [self.name])

    def _launch(self, queue: str) -> None:
        with self.place.telling():
            DBOS(config=configuration(self.place, self.name))

            @DBOS.workflow(name="review")
            async def review(data: dict[str, Json]) -> Json:
                task = asyncio.current_task()
                assert task
                self.running.add(task)
                try:
                    return await self._reviewed(data)
                finally:
                    self.running.discard(task)

            DBOS.listen_queues([queue])
            DBOS.launch()

    async def _watch(self, names: Names, queue: str, *, until_empty: bool) -> None:
        """Return when there is nothing left to do, or nothing can be done."""
        for tick in count():
            if self.trouble:
                return
            if tick % round(WATCH_S / TICK_S) == 0:
                await asyncio.to_thread(self._look_round, names)
                self._hear(await asyncio.to_thread(SharedLimit(self.place.database).holds))
            if until_empty and not self.running and not await asyncio.to_thread(is_open, self.place, queue):
                return
            await asyncio.sleep(TICK_S)

    def _look_round(self, names: Names) -> None:
        """Hand back what peers were at that are dead. Where the server is away, DBOS waits for it, and so does this."""
        names.renew()
        with suppress(PanelError), self.place.telling():
            peers = registered(self.place.database)
            if self.name not in peers:  # a peer took it for dead while the server was away
                register(self.place.database, self.name)
            for peer in peers:
                if peer != self.name and names.take(peer):
                    self._take_over(peer, names)

    def _take_over(self, peer: str, names: Names) -> None:
        try:
            self._hand_back(peer)
        finally:
            names.drop(peer)

    def _hear(self, holds: Mapping[str, float]) -> None:
        for metered in self.metered:
            for model, seconds in holds.items():
                metered.hear(model, seconds)

    async def _end(self) -> None:
        """Stop what is under way and hand it back."""
        for task in [*self.running]:
            task.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.gather(*self.running, return_exceptions=True)
        with ThreadPoolExecutor(1, "ending") as ending:
            # DBOS has made its own threads those of the loop, and ends them.
            asyncio.get_running_loop().set_default_executor(ending)
            await asyncio.to_thread(self._let_go)
        for _, providers in self.opened.values():
            await providers.stack.aclose()

    def _let_go(self) -> None:
        DBOS.destroy(destroy_registry=True)
        with suppress(PanelError):  # else a peer hands it back
            self._hand_back(self.name)

    def _hand_back(self, name: str) -> None:
        with self.place.client() as client:
            hand_back(client, [name])
        unregister(self.place.database, name)

    async def _reviewed(self, data: Mapping[str, Json]) -> Json:
        slug = str(data.get("slug"))[:80]
        try:
            output, reviewed = await self._or_stop(self._review(data))
        except (PanelError, DBOSException, PortableWorkflowError) as error:
            fault = scrubbed(str(error))
            self.tell(Ended(slug, None, fault, error.exit_code if isinstance(error, PanelError) else 1))
            raise Failed(fault) from error
        except Exception as error:
            self.tell(Ended(slug, None, f"a fault of Panel or of this machine ({type(error).__name__})", 1))
            raise
        failed = [seat for seat in reviewed.review.seats if seat.absence == Absence.FAILED]
        silent = [seat for seat in reviewed.review.seats if seat.is_let_down]
        said = "; ".join(f"{seat.persona}: {seat.absence}: {seat.reason}" for seat in silent) or None
        if not silent and not reviewed.is_whole:
            said = "a provider failed; earlier takes stand"
        self.tell(Ended(slug, reviewed, said, 0 if reviewed.is_whole else 1))
        if failed:  # a failure, so that it can be tried again
            raise Failed(scrubbed(said or ""))
        return output.as_json()

    async def _review(self, data: Mapping[str, Json]) -> tuple[Done, Reviewed]:
        try:
            job = Job.model_validate(data)
        except ValidationError as error:
            raise RecordError("the queue holds a job that no Panel of this version wrote; cancel it") from error
        project, providers = self._opened(job.flags)
        job.refuse_other(project)
        tool = job.tool(project)
        job.prepare(project, tool)
        reviewed = await review_tool(project, tool, providers, step=self._step)
        output = Done.of(project, reviewed)
        await asyncio.to_thread(self._share, project, output)
        return output, reviewed

    def _opened(self, flags: Mapping[str, str]) -> tuple[Project, Providers]:
        key = tuple(sorted(flags.items()))
        if key not in self.opened:
            project = self.open(flags)
            if self.ledger:
                project = replace(project, ledgers=Ledgers(self.ledger, project.ledgers.all))
            around = self._around(project.settings)
            providers = Providers(project.settings, project.prompts, self.notice, around, limits=self.limits)
            self.opened[key] = project, providers
        return self.opened[key]

    def _around(self, settings: Settings) -> Callable[[Model], Model]:
        def around(model: Model) -> Model:
            self.metered.append(Metered(model, SharedLimit(self.place.database), settings, self.limits))
            return self.metered[-1]

        return around

    async def _step(self, id: str, sit: Callable[[], Awaitable[Seat]]) -> Seat:
        """Return the seat of a persona from its checkpoint, or fill it and write one."""
        options: StepOptions = {"name": f"seat:{id}", "preemptible": True, "timeout_seconds": self.patience_s}
        return Seat.model_validate(await DBOS.run_step_async(options, self._sat, sit))

    async def _sat(self, sit: Callable[[], Awaitable[Seat]]) -> Json:
        return (await self._or_stop(sit())).as_json()

    async def _or_stop(self, work: Awaitable[Found]) -> Found:
        """Return what comes of some work; where this machine or the database fails, the job waits for another."""
        try:
            return await work
        except (PanelError, DBAPIError) as error:
            told = self.place.database.told(error) if isinstance(error, DBAPIError) else error
            if told is error and not _is_of_machine(told):
                raise
            self.trouble = self.trouble or told
            await asyncio.Event().wait()  # until the worker ends and hands the job back
            raise

    def _share(self, project: Project, output: Done) -> None:
        """Put into the shared ledger what was found in this machine's own, so that an export is whole."""
        if self.ledger is None:
            return
        for identity in output.requests:
            if self.ledger.find(identity) is None and (found := project.ledgers.recording(identity)):
                self.ledger.add([Held(0, found.as_json(), found, None)])


def _is_of_machine(error: PanelError) -> bool:
    """Return whether an error is about this machine or the database, so that every other job would meet it too."""
    cause = error.__cause__
    return isinstance(cause, DBAPIError) or (isinstance(cause, OSError) and not isinstance(error, Busy))
