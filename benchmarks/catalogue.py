"""How a whole catalogue is reviewed: speed, refusals, CPU, cached input and memory, beside a plain loop over the SDK.

    python benchmarks/catalogue.py rate|throughput|cache|unchanged|memory|limit|storm|all [--plot]

README.md beside this file says what each one shows. Every run is a process of its own, against a server on this
machine (loopback.py) whose own counts are what is printed. Ends with 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from account import Terms
from children import HERE, Failed, Spent, environment, run, run_all
from dossiers import write_catalogue, write_prompts
from loopback import Loopback
from plain import MODELS
from plot import Came, busiest, drawn
from table import Row, printed

SEATS = 5
MODEL = f"anthropic:{MODELS['anthropic']}"
LATENCY = 0.2
PANEL = (sys.executable, "-m", "panel")


@dataclass(frozen=True)
class Plan:
    """How the benchmarks are to be run."""

    part: float
    """Of the full size: 1 for the numbers, less to see that all works."""

    plots: Path | None
    inspect: str
    """The interpreter that has inspect_ai."""

    database: str | None
    """Of the queue; None: what `panel queue` takes by itself."""

    def of(self, tools: int) -> int:
        """Return how many tools there are where the full size has so many."""
        return max(5, round(tools * self.part))

    def draw(self, name: str, title: str, runs: Beside | Mapping[str, Came], limit: float) -> None:
        """Write a picture where pictures are wanted."""
        if isinstance(runs, Beside):
            runs = {"ours": runs.mine.seen["came"], "plain loop": runs.floor.seen["came"]}
        if self.plots:
            (self.plots / f"{name}.svg").write_text(drawn(title, runs, limit))


@dataclass(frozen=True)
class Run:
    """What a run took, and what the server saw of it."""

    spent: Spent
    seen: dict[str, Any]

    @property
    def span_s(self) -> float:
        """From the first request to the last reply, as the server saw them."""
        return float(self.seen["span_s"])

    @property
    def billed_percent(self) -> float:
        """The tokens of prompts as billed, of what they would be without a cache."""
        used = next(iter(self.seen["models"].values()))
        return float(100 * used["billed"] / (used["fresh"] + used["read"] + used["written"]))


@dataclass(frozen=True)
class Beside:
    """The same takes three times: ours, the plain loop, and inspect_ai where it is installed."""

    mine: Run
    floor: Run
    other: Run | None

    def row(self, what: str, unit: str, of: Callable[[Run], float], **held: float) -> Row:
        """Return one number of each; `held` is what it is held against, by the names of a Row."""
        return Row(what, of(self.mine), unit, of(self.floor), of(self.other) if self.other else None, **held)


@contextmanager
def project(tools: int, tokens: int = 1_500, toml: str = "") -> Iterator[Path]:
    """Give a project with so many dossiers for a while."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "project"
        write_catalogue(folder, tools, tokens, toml)
        yield folder


def ours(folder: Path, terms: Terms, model: str = MODEL, codes: tuple[int, ...] = (0,)) -> Run:
    """Review the catalogue as a user would."""
    call = (*PANEL, "review", "tools", "--model", model)
    with Loopback(terms) as server:
        return Run(run(call, folder, environment(server.url), codes), server.counts())


def plain(prompts: Path, terms: Terms, vendor: str = "anthropic", at_once: int = 50) -> Run:
    """Send the same requests from a plain loop."""
    call = (sys.executable, HERE / "plain.py", prompts, vendor, f"--at-once={at_once}")
    with Loopback(terms) as server:
        return Run(run(call, prompts, environment(server.url)), server.counts())


def inspected(plan: Plan, prompts: Path, terms: Terms, at_once: int = 50) -> Run | None:
    """Send the same requests through inspect_ai; None where it is not installed."""
    has_it = [plan.inspect, "-c", "import inspect_ai, anthropic"]
    if subprocess.run(has_it, capture_output=True, check=False).returncode:
        print("inspect_ai is not installed, or no SDK beside it: left out")
        return None
    with Loopback(terms) as server:
        call = (plan.inspect, HERE / "inspect_loop.py", prompts, f"--at-once={at_once}")
        return Run(run(call, prompts, environment(server.url)), server.counts())


def beside(plan: Plan, folder: Path, terms: Terms) -> Beside:
    """Send the takes of a project in each of the three ways, one after the other, each to a server of its own."""
    prompts = write_prompts(folder)
    return Beside(ours(folder, terms), plain(prompts, terms), inspected(plan, prompts, terms))


def rate(plan: Plan) -> list[Row]:
    """Takes against a bucket that nobody names."""
    tools, burst, per_minute = plan.of(200), 50, 3_000
    takes = tools * SEATS
    with project(tools) as folder:
        runs = beside(plan, folder, Terms(latency=LATENCY, rpm=per_minute, burst=burst, told="whole"))
    ideal = max(LATENCY, (takes - burst) * 60 / per_minute)
    plan.draw("rate", f"{takes:,} takes: requests a second, refused ones included", runs, per_minute / 60)
    print(f"{takes:,} takes, {per_minute:,} requests a minute with a burst of {burst}, 200 ms, Retry-After alone")
    return [
        runs.row("first request to last reply", "s", lambda run: run.span_s, ideal=ideal, against=ideal, bar=1.03),
        runs.row("refused, of takes", "%", lambda run: 100 * float(run.seen["refused"]) / takes, ideal=0, bar=2),
    ]


def throughput(plan: Plan) -> list[Row]:
    """Takes against a vendor that only takes its time."""
    tools, at_once = plan.of(1_000), 50
    takes = tools * SEATS
    with project(tools, toml=f'[limits."{MODEL}"]\nconcurrency = {at_once}\n') as folder:
        runs = beside(plan, folder, Terms(latency=LATENCY))
    ideal, floor = takes * LATENCY / at_once, runs.floor.spent
    plan.draw("throughput", f"{takes:,} takes, {at_once} at once: requests a second", runs, at_once / LATENCY)
    print(f"{takes:,} takes, 200 ms, {at_once} at once")
    return [
        runs.row("first request to last reply", "s", lambda run: run.span_s, ideal=ideal, against=ideal, bar=1.1),
        runs.row("the whole command", "s", lambda run: run.spent.wall_s, ideal=ideal, against=ideal),
        runs.row("CPU", "s", lambda run: run.spent.cpu_s, against=floor.cpu_s, bar=1.3),
        runs.row("peak of memory", "MB", lambda run: run.spent.peak_mb, against=floor.peak_mb),
    ]


def cache(_: Plan) -> list[Row]:
    """What five seats are billed over one long dossier, beside five calls at once on a cold cache."""
    rows = []
    for vendor, name in MODELS.items():
        with project(1, tokens=4_000) as folder:
            prompts = write_prompts(folder)
            mine = ours(folder, Terms(latency=LATENCY), f"{vendor}:{name}")
            floor = plain(prompts, Terms(latency=LATENCY), vendor, SEATS)
        rows.append(Row(f"{vendor}:{name}", mine.billed_percent, "%", floor.billed_percent, bar=40))
    print(f"Input of {SEATS} seats over one dossier of 4,000 tokens, as billed, of what it would be without a cache")
    return rows


def memory(plan: Plan) -> list[Row]:
    """The peak of a first review and of a second one, by the size of the catalogue; and what the second one takes."""
    few, many = plan.of(1_000), plan.of(10_000)
    with project(few) as small, project(many) as large:
        first, again = [[ours(folder, Terms()) for folder in (small, large)] for _ in range(2)]
        bare_ms = _bare(large)
    print(f"{few:,} and {many:,} tools, reviewed live without latency, and once more with nothing stale")
    return [
        Row(f"peak of the first review of {few:,}", first[0].spent.peak_mb, "MB"),
        Row(f"of {many:,}", first[1].spent.peak_mb, "MB", against=first[0].spent.peak_mb, bar=1.2),
        Row(f"peak of the second review of {few:,}", again[0].spent.peak_mb, "MB"),
        Row(f"of {many:,}", again[1].spent.peak_mb, "MB", against=again[0].spent.peak_mb, bar=1.2),
        *_unchanged_rows(again[1], many, bare_ms),
    ]


def unchanged(plan: Plan) -> list[Row]:
    """What a review takes of which nothing is stale."""
    tools = plan.of(10_000)
    with project(tools) as folder:
        ours(folder, Terms())
        again, bare_ms = ours(folder, Terms()), _bare(folder)
    print(f"{tools:,} tools of which nothing is stale; beside them, libyaml parsing their files and nothing else")
    return _unchanged_rows(again, tools, bare_ms)


def _unchanged_rows(again: Run, tools: int, bare_ms: float) -> list[Row]:
    spent_ms = 1000 * again.spent.cpu_s / tools
    return [
        Row("calls", again.seen["requests"], "", ideal=0, bar=0),
        Row("CPU a tool", spent_ms, "ms", bar=3),
        Row("reading one file with libyaml", bare_ms, "ms"),
    ]


def _bare(folder: Path) -> float:
    """Return the milliseconds of CPU in which libyaml parses one dossier."""
    paths = sorted(folder.glob("tools/*.yaml"))[:500]
    began = time.process_time()
    for path in paths:
        yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
    return 1000 * (time.process_time() - began) / len(paths)


def limit(plan: Plan) -> list[Row]:
    """Two workers that share a limit, against a server that has none."""
    tools, per_minute, workers = plan.of(800), 1_500, 2
    where = ("--database-url", plan.database) if plan.database else ()
    with (
        project(tools, toml=f'[limits."{MODEL}"]\nrpm = {per_minute}\n') as folder,
        Loopback(Terms(latency=LATENCY)) as it,
    ):
        environ = environment(it.url)
        run((*PANEL, "queue", "add", "tools", "--model", MODEL, *where), folder, environ)
        run_all([(*PANEL, "worker", "--until-empty", *where)] * workers, folder, environ)
        seen = it.counts()
    plan.draw("limit", f"{workers} workers, requests a second", {"both": seen["came"]}, per_minute / 60)
    print(f"{tools * SEATS:,} takes, {workers} workers, {per_minute:,} requests a minute for both together")
    most, mean = busiest(seen["came"]), 60 * (seen["requests"] - 1) / (seen["came"][-1][0] - seen["came"][0][0])
    return [
        Row("busiest minute, wherever it begins", most, "requests", ideal=per_minute, against=per_minute, bar=1.05),
        Row("a minute in the mean", mean, "requests", ideal=per_minute, against=per_minute),
    ]


def storm(plan: Plan) -> list[Row]:
    """Takes while three answers in ten are faults of every kind."""
    tools, attempts = plan.of(200), 5
    toml = f"timeout_s = 2\n\n[retry]\nattempts = {attempts}\n"
    terms = Terms(latency=0.05, faults=0.3)
    with project(tools, toml=toml) as folder:
        mine = ours(folder, terms, codes=(0, 1))
        seats = [seat for path in folder.glob("runs/*/review.json") for seat in json.loads(path.read_bytes())["seats"]]
    heard = sum(seat["status"] == "heard" for seat in seats)
    named = sum(seat["status"] == "absent" and bool(seat["reason"]) for seat in seats)
    print(f"{tools * SEATS:,} takes while 30 % of the answers are faults: {mine.seen['faults']}")
    return [
        Row("takes done", heard, ""),
        Row("takes named as failed", named, ""),
        Row("neither done nor named", tools * SEATS - heard - named, "", ideal=0, bar=0),
        Row("tries of one request at most", mine.seen["most_tries"], "", bar=attempts),
    ]


BENCHMARKS: dict[str, Callable[[Plan], list[Row]]] = {
    each.__name__: each for each in (rate, throughput, cache, unchanged, memory, limit, storm)
}


def main(which: str, plan: Plan) -> int:
    """Print the tables; return 1 where a bar is missed or a run failed."""
    missed = 0
    for name in [name for name in BENCHMARKS if name != "unchanged"] if which == "all" else [which]:
        try:
            rows = BENCHMARKS[name](plan)
        except Failed as error:
            print(f"{name}: {error}")
            missed += 1
            continue
        missed += sum(row.is_missed for row in rows)
        print(printed("", rows), end="\n\n", flush=True)
    return int(missed > 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("which", choices=[*BENCHMARKS, "all"])
    parser.add_argument("--part", type=float, default=1, help="of the full size; bars mean something at 1 alone")
    parser.add_argument("--plot", type=Path, nargs="?", const=HERE, help="write pictures, here or into a folder")
    parser.add_argument("--inspect-python", default=sys.executable, help="an interpreter that has inspect_ai")
    parser.add_argument("--database-url", help="of the queue, for `limit`")
    given = parser.parse_args()
    sys.exit(main(given.which, Plan(given.part, given.plot, given.inspect_python, given.database_url)))
