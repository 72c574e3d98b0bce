"""How long `panel verify` takes for 1,000 golden takes, beside reading and parsing their files in the same run.

python benchmarks/verify.py

Two baselines: the strict readers (dossiers with their lines, recordings with their hashes, records), and the bare
parsers of YAML and JSON. Each time is of a process of its own; medians of five.
"""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import count
from multiprocessing import get_context
from pathlib import Path

import yaml

from panel.golden.accept import accept
from panel.golden.bench import bench
from panel.golden.record import record
from panel.golden.verify import outcome, verify
from panel.llm.ledger import Ledger
from panel.llm.open import Providers
from panel.project import Project
from panel.request import Reply, Request
from panel.shelf import shelf
from panel.store import read_review
from panel.tool import read_dossier

EXAMPLES = Path(__file__).parent.parent / "examples"
TAKES, RUNS = 1_000, 5


class Sampled:
    """A Model that answers with the recorded reply to the example that a dossier was made from."""

    def __init__(self) -> None:
        ledger = Ledger(EXAMPLES / "recordings")
        recordings = [ledger.read(path) for path in ledger.folder.glob("??/*.json")]
        first = [one for one in recordings if one.request.note is None]
        self.replies = {(one.label.tool, one.label.persona): one.reply for one in first}

    async def ask(self, request: Request) -> Reply:
        """Return the reply to the example."""
        return self.replies[request.label.tool.rsplit("-no-", 1)[0], request.label.persona]


def build(folder: Path) -> int:
    """Write a project of so many golden takes, and return how many there are."""
    (folder / "tools").mkdir()
    (folder / "panel.toml").write_text('model = "fake:ship"\n')
    sources = [path for path in sorted(EXAMPLES.glob("*.yaml")) if path.stem != "smartdiff"]
    takes = 0
    for number in count(1):
        for source in sources:
            name = yaml.safe_load(source.read_text())["name"]
            text = source.read_text().replace(f"name: {name}", f"name: {name} No {number}", 1)
            text = re.sub(r"^aliases:.*\n", "", text, flags=re.MULTILINE)
            text = text.replace(f"slug: {source.stem}", f"slug: {source.stem}-no-{number}", 1)
            (folder / "tools" / f"{source.stem}-no-{number}.yaml").write_text(text)
            takes += 5 - text.count("\nseats:")
            if takes >= TAKES:
                return takes
    return takes


async def fill(project: Project) -> None:
    """Record every take and write the golden records."""
    async with Providers(project.settings, project.prompts) as providers:
        providers.models["fake"] = Sampled()
        outcomes = []
        for one in shelf(project):
            await record(project, one, (), providers, lambda *_: None)
            outcomes.append(await outcome(project, one))
        await accept(project, outcomes, ())


def seconds(work: Callable[[Path], object], folder: Path) -> float:
    """Return how long a piece of work takes in a process of its own, in which no cache is warm, in seconds."""
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as one:
        return one.submit(_timed, work, folder).result()


def _timed(work: Callable[[Path], object], folder: Path) -> float:
    start = time.perf_counter()
    work(folder)
    return time.perf_counter() - start


def verified(folder: Path) -> None:
    """Do what `panel verify` does, from opening the project on."""
    project = Project.open(folder, {"mode": "replay"})
    found = asyncio.run(verify(bench(project), shelf(project), is_whole=True))
    assert found.takes >= TAKES
    assert not found.differences


def strict(folder: Path) -> None:
    """Read every file as Panel reads it: dossiers with their lines, recordings with their hashes, records."""
    ledger = Ledger(folder / "runs" / "ledger")
    for path in folder.glob("tools/*.yaml"):
        read_dossier(path)
    for path in ledger.folder.glob("??/*.json"):
        ledger.read(path)
    for path in folder.glob("runs/*/review.json"):
        read_review(path)


def bare(folder: Path) -> None:
    """Parse every file and look at nothing in it."""
    for path in folder.glob("tools/*.yaml"):
        yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
    for path in [*folder.glob("runs/ledger/??/*.json"), *folder.glob("runs/*/review.json")]:
        json.loads(path.read_bytes())


def filled(folder: Path) -> None:
    """Record every take of a new project, and write its golden records."""
    build(folder)
    asyncio.run(fill(bench(Project.open(folder, {}))))


def main() -> None:
    """Print the times, and how many times as long the verification takes as each baseline beside it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds(filled, folder)
        runs = [[seconds(work, folder) for work in (verified, strict, bare)] for _ in range(RUNS)]
    whole = statistics.median(run[0] for run in runs)
    print(f"panel verify, {TAKES} takes   {whole:6.2f} s")
    for place, what in enumerate(["strict readers", "bare parsers"], start=1):
        ratio = statistics.median(run[0] / run[place] for run in runs)
        print(f"{what:<26} {statistics.median(run[place] for run in runs):6.2f} s   {ratio:5.1f} x")


if __name__ == "__main__":
    main()
