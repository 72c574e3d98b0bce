"""`panel queue add|status|cancel|retry|export`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from panel.catalogue.dossiers import catalogue, dossiers_at
from panel.cli.sheet import print_json
from panel.errors import InputError, on_one_line, printable
from panel.project import Project

if TYPE_CHECKING:
    from panel.queue.place import Place
    from panel.queue.state import State

app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Share a catalogue among workers, under one limit: add, status, cancel, retry, export.",
)

VARIABLE = "PANEL_DATABASE_URL"
Address = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        help="sqlite:///FILE or postgresql://USER@HOST/DATABASE; else runs/queue.sqlite.",
        envvar=VARIABLE,
        show_envvar=True,
        show_default=False,
    ),
]
Runs = Annotated[Path | None, typer.Option(help="Where records and the ledger are.")]
Jobs = Annotated[list[str] | None, typer.Argument(metavar="[TOOL]...", help="Slugs, or ids.", show_default=False)]


@contextmanager
def opened(project: Project, address: str | None, *, is_made: bool = False) -> Iterator[Place]:
    """Yield the queue of a project; raises InputError where the extra is missing, or the database can't be used."""
    from panel.queue.extra import FILE, require

    require()
    from panel.queue.logs import keep_logs
    from panel.queue.place import Place

    origin = VARIABLE if address and address == os.environ.get(VARIABLE) else "--database-url"
    if address:
        os.environ[VARIABLE] = address  # a password in an option is as secret as one in the environment
    keep_logs(project.settings.runs / "queue.log")
    place = Place.at(address or f"sqlite:///{project.settings.runs / FILE}", origin, is_made=is_made)
    try:
        yield place
    finally:
        place.close()


@app.command("add")
def add(
    places: Annotated[list[str], typer.Argument(metavar="DIR|TOOL.YAML...", help="Dossiers.", show_default=False)],
    model: Annotated[str | None, typer.Option(help="provider:name, for all seats.")] = None,
    samples: Annotated[str | None, typer.Option(help="How often each seat is asked: 1 to 9, or auto.")] = None,
    mode: Annotated[str | None, typer.Option(help="live, or replay: recordings alone.")] = None,
    batch: Annotated[str | None, typer.Option(help="What the batch is called; else as the project's folder.")] = None,
    runs: Runs = None,
    database_url: Address = None,
) -> None:
    """Put a job into the queue for each dossier; what is there already is not added again."""
    found = catalogue(places)
    near = dossiers_at(places[0])[0].parent
    project = Project.open(near, {"model": model, "samples": samples, "mode": mode, "runs": runs})
    with opened(project, database_url, is_made=True) as place:
        from panel.queue.submit import submit

        done = submit(place, project, found, batch)
    typer.echo(f"{_jobs(done.added)} added, {done.known} there already")
    if done.replaced:
        typer.echo(f"{_jobs(done.replaced)} cancelled, since the dossiers have changed")
    _fail(done.faults)


@app.command("status")
def status(
    json: Annotated[bool, typer.Option("--json", help="Print the state as JSON.")] = False,
    runs: Runs = None,
    database_url: Address = None,
) -> None:
    """Show how many jobs are waiting, under way, done, failed or cancelled, and which workers are alive."""
    project = Project.open(Path(), {"runs": runs})
    with opened(project, database_url) as place:
        from panel.queue.job import queue_of
        from panel.queue.state import State

        state = State.of(place)
        others = sum(number for queue, number in state.queues.items() if queue != queue_of(project))
    if json:
        print_json(
            {
                "schema": "panel.queue/1",
                "jobs": {**state.counts},
                "of_other_checkouts": others,
                "workers": [*state.workers],
                "oldest_s": None if state.oldest_s is None else round(state.oldest_s, 1),
                "failures": [{"id": each.id, "tool": each.slug, "reason": each.reason} for each in state.failures],
            }
        )
        return
    typer.echo(printable("\n".join(_lines(state, others))))


def _lines(state: State, others: int) -> Iterator[str]:
    yield ", ".join(f"{number} {name}" for name, number in state.counts.items())
    if others:
        yield f"{_jobs(others)} of those waiting: added from another checkout, for its workers"
    yield f"workers: {', '.join(map(on_one_line, state.workers)) or 'none'}"
    if state.oldest_s is not None:
        yield f"the oldest waits for {state.oldest_s:.0f} s"
    for failure in state.failures:
        yield f"failed: {on_one_line(failure.slug)}: {on_one_line(failure.reason)[:300]}"


@app.command("cancel")
def cancel(
    tools: Jobs = None,
    all: Annotated[bool, typer.Option("--all", help="All that wait or are under way.")] = False,
    runs: Runs = None,
    database_url: Address = None,
) -> None:
    """Cancel jobs; what was answered stays in the ledger."""
    if bool(tools) == all:
        raise InputError("name the jobs to cancel, or say --all")
    with opened(Project.open(Path(), {"runs": runs}), database_url) as place:
        from panel.queue import state

        found, unknown = state.chosen(state.listed(place, (state.WAITING, state.RUNNING)), tools or ())
        number = state.cancel(place, [named for named, _ in found]) if found else 0
    typer.echo(f"{_jobs(number)} cancelled")
    _fail([f"{on_one_line(each)}: no job of this name waits or is under way" for each in unknown])


@app.command("retry")
def retry(
    tools: Jobs = None,
    runs: Runs = None,
    database_url: Address = None,
) -> None:
    """Put failed and cancelled jobs back into the queue: all, or those that are named."""
    with opened(Project.open(Path(), {"runs": runs}), database_url) as place:
        from panel.queue import state

        newest = state.latest(state.listed(place, [*dict.fromkeys(state.STATES.values())]))
        ended = [(named, how) for named, how in newest if how in (state.FAILED, state.CANCELLED)]
        found, unknown = state.chosen(ended, tools or ())
        number = state.retry(place, found)
    typer.echo(f"{_jobs(number)} back in the queue")
    _fail([f"{on_one_line(each)}: no job of this name failed or was cancelled" for each in unknown])


@app.command("export")
def export(
    runs: Runs = None,
    database_url: Address = None,
) -> None:
    """Write the records, histories and recordings of finished jobs into runs/, as the workers wrote them."""
    project, flags = Project.open(Path(), {"runs": runs}), dict[str, object]()
    with opened(Project.open(Path(), flags), database_url) as place:
        from panel.llm.ledger import Ledger
        from panel.queue.export import export as written

        shared = place.ledger(is_made=False)
        try:
            own = Ledger(Project.open(Path(), flags).settings.own_ledger)
            done = asyncio.run(written(place, project, shared or own))
        finally:
            if shared:
                shared.close()
    typer.echo(
        f"{done.written} {'record' if done.written == 1 else 'records'} written, {done.same} there already, "
        f"{done.recordings} new recordings"
    )
    _fail(done.faults)


def _jobs(number: int) -> str:
    return f"{number} {'job' if number == 1 else 'jobs'}"


def _fail(faults: Sequence[str]) -> None:
    if faults:
        raise InputError("\n".join(faults))
