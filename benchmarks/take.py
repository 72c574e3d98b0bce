"""What a live take costs: the CPU of each stage that it goes through, beside the plain SDK call over loopback.

    python benchmarks/take.py [TOOLS]

Every stage is done for all takes before the next one begins, so that each can be timed; five critics take each dossier.
Prints milliseconds of CPU a take, medians of five runs, and how many plain calls that is.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from account import Terms
from catalogue import MODEL, SEATS
from children import STEERING, environment
from dossiers import write_catalogue, write_prompts
from loopback import Loopback
from plain import Prompts, anthropic

from panel.ask import ask_seat
from panel.history import Entry
from panel.llm.open import Providers
from panel.makeup import Makeup
from panel.markdown import page
from panel.project import Project
from panel.request import Reply, Request
from panel.review import review
from panel.seating import Asked, Seating
from panel.tool import read_dossier, tool_of

Given = TypeVar("Given")
Came = TypeVar("Came")

TOOLS, RUNS, AT_ONCE = 40, 5, 50


@dataclass
class Clock:
    """The CPU time of this process, by stage, in seconds."""

    stages: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Time one stage."""
        began = time.process_time()
        yield
        self.stages[stage] = time.process_time() - began


@dataclass(frozen=True)
class Answered:
    """A Model that gives the reply that came before."""

    replies: dict[str, Reply]

    async def ask(self, request: Request) -> Reply:
        """Return the reply."""
        return self.replies[request.identity]


async def run(folder: Path, clock: Clock) -> None:
    """Take every dossier of a project once, stage by stage."""
    prompts = Prompts(folder / "prompts-as-text")
    ask = anthropic(prompts, 0)
    with clock.timed("plain call of the SDK"):
        await _all(lambda pair: ask(*pair), prompts.pairs())
    project = Project.open(folder, {"model": MODEL})
    with clock.timed("read the dossier"):
        paths = sorted((folder / "tools").glob("*.yaml"))
        tools = [tool_of(read_dossier(path), project.persona_ids, {}) for path in paths]
    with clock.timed("plan, render, identify"):
        plans = [Seating.of(project, tool, ()).plan(persona) for tool in tools for persona in project.panel]
        asked = [plan for plan in plans if isinstance(plan, Asked)]
        requests = [plan.question.request() for plan in asked]
        identities = [request.identity for request in requests]
    with clock.timed("look it up in the ledger"):
        assert not any(map(project.ledgers.find, identities))
    async with Providers(project.settings, project.prompts) as providers:
        model = providers.open(MODEL)
        assert model
        with clock.timed("ask, as Panel does"):
            replies = await _all(model.ask, requests)
    with clock.timed("keep the recording"):
        pairs = zip(requests, replies, strict=True)
        kept = {request.identity: project.ledgers.own.keep(request, reply) for request, reply in pairs}
    with clock.timed("judge the reply"):
        seats = [await ask_seat(plan.question, Answered(kept), 1) for plan in asked]
    with clock.timed("keep the take in the history"):
        for plan, seat in zip(asked, seats, strict=True):
            entry = Entry(choice=plan.chosen(seat), makeup=Makeup.of(plan.question), seat=seat)
            project.store.history(plan.question.tool.slug).keep(entry)
    with clock.timed("write review and page"):
        for place, tool in enumerate(tools):
            record = review(tool, seats[SEATS * place : SEATS * (place + 1)])
            project.store.save_review(record, page(record))


async def _all(ask: Callable[[Given], Awaitable[Came]], given: list[Given]) -> list[Came]:
    places = asyncio.Semaphore(AT_ONCE)

    async def one(each: Given) -> Came:
        async with places:
            return await ask(each)

    return await asyncio.gather(*map(one, given))


async def measured(tools: int) -> list[dict[str, float]]:
    """Return what each stage took in each run, in milliseconds a take."""
    runs = []
    for _ in range(RUNS + 1):
        with tempfile.TemporaryDirectory() as name:
            folder, clock = Path(name) / "project", Clock()
            write_catalogue(folder, tools, 1_500)
            write_prompts(folder)
            await run(folder, clock)
        runs.append({name: spent * 1_000 / tools / SEATS for name, spent in clock.stages.items()})
    return runs[1:]  # the first one imports what it needs


def main(tools: int) -> None:
    """Print the table."""
    with Loopback(Terms()) as server:
        for name in [name for name in os.environ if name.upper().startswith(STEERING)]:
            del os.environ[name]
        os.environ.update(environment(server.url))
        runs = asyncio.run(measured(tools))
    plain, *stages = runs[0]
    rows = {name: [one[name] for one in runs] for name in stages}
    rows["all of it"] = [sum(one[name] for name in stages) for one in runs]
    floor = [one[plain] for one in runs]
    print(f"{tools * SEATS} takes, milliseconds of CPU a take\n{plain:<32} {statistics.median(floor):6.2f}")
    for name, spent in rows.items():
        ratio = statistics.median(own / base for own, base in zip(spent, floor, strict=True))
        print(f"{name:<32} {statistics.median(spent):6.2f}  {ratio:5.2f} x")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else TOOLS)
