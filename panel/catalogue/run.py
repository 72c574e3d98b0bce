"""Run: the reviews of a catalogue, so many tools at a time, each as if it were alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from panel.catalogue.dossiers import Catalogue
from panel.catalogue.stamp import stamp
from panel.errors import Busy, InputError, OverBudget
from panel.llm.open import Providers
from panel.pipeline import Reviewed, review_tool
from panel.project import Project

AT_ONCE = 256
"""Most tools under way at a time: while the first seat of one warms the cache, the seats of others are asked."""

STEP, LOOK_S = 8, 0.05
"""So many tools are begun at a time, and none while requests wait for their turn; that is looked at so often, in
seconds. So no more is read, rendered and connected than the models can take."""


@dataclass(frozen=True)
class Outcome:
    """What became of one dossier: a review, or why there is none."""

    path: Path
    done: Reviewed | None = None
    fault: InputError | Busy | None = None
    over: OverBudget | None = None

    @property
    def is_passing(self) -> bool:
        """True where running it again may help."""
        return isinstance(self.fault, Busy)


async def reviews(
    project: Project, catalogue: Catalogue, paths: Iterable[Path], providers: Providers | None
) -> AsyncIterator[Outcome]:
    """Yield what becomes of each dossier, as it is done. Once the budget refuses, no further tool is begun."""
    running: set[asyncio.Task[Outcome]] = set()
    waiting, is_over = iter(enumerate(paths)), False
    try:
        while True:
            is_full = is_over or (running and providers is not None and providers.has_line)
            begun = islice(waiting, 0 if is_full else min(STEP, AT_ONCE - len(running)))
            for number, path in begun:
                running.add(asyncio.create_task(_reviewed(project, catalogue, path, providers), name=f"{number:09}"))
                await asyncio.sleep(0)  # to begin a tool takes a while, in which replies would go unheard
            if not running:
                return
            done, running = await asyncio.wait(running, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
            for task in sorted(done, key=asyncio.Task.get_name):
                is_over = is_over or task.result().over is not None
                yield task.result()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _reviewed(project: Project, catalogue: Catalogue, path: Path, providers: Providers | None) -> Outcome:
    try:
        tool = catalogue.read(path, project.persona_ids)
        done = await review_tool(project, tool, providers)
        if done.asked:
            await asyncio.to_thread(stamp, project, tool, done)
        else:
            stamp(project, tool, done)
    except (InputError, Busy) as error:
        return Outcome(path, fault=error)
    except OverBudget as error:
        return Outcome(path, over=error)
    return Outcome(path, done)
