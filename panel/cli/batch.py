"""`panel batch submit|status|collect|cancel|list`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from panel.batch.collection import cancelled, looked
from panel.batch.desk import Desk
from panel.batch.drafts import Drafts, Wanted
from panel.batch.manifest import Folder, Manifest
from panel.batch.submission import settled
from panel.batch.trip import Limit, Order, Trip, collect, counted, submit
from panel.catalogue.dossiers import Catalogue, Tools, catalogue
from panel.cli.agreement import agreed
from panel.cli.exits import INTERRUPTED
from panel.cli.screen import Screen
from panel.errors import InputError, ModelError, ToolError
from panel.project import Project
from panel.shelf import dossiers

app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Ask in vendors' batches, at half the price: submit, status, collect, cancel, list.",
)
Done = TypeVar("Done")
Runs = Annotated[Path | None, typer.Option(help="Where records and the ledger are.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the manifests as JSON, and everything else to stderr.")]
Name = Annotated[str | None, typer.Argument(metavar="[NAME]", help="A batch; all that are under way if none.")]


@app.command("submit")
def submit_command(
    where: Annotated[
        list[str] | None, typer.Argument(metavar="[DIR|FILES]", help="Dossiers; all of the project if none.")
    ] = None,
    persona: Annotated[list[str] | None, typer.Option(help="Only this seat. Repeatable.")] = None,
    model: Annotated[str | None, typer.Option(help="provider:name.")] = None,
    samples: Annotated[str | None, typer.Option(help="How often each seat is asked: 1 to 9, or auto.")] = None,
    budget: Annotated[float | None, typer.Option(min=0, help="US dollars that it may cost at most.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Also what a vendor would not have before.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Go on without being asked.")] = False,
    runs: Runs = None,
) -> None:
    """Submit what the reviews of these dossiers lack, repairs of what was collected too; the price first."""
    project, found = _found(where or [], {"model": model, "samples": samples, "runs": runs})
    only = [project.persona(id).id for id in persona or []]
    tools, screen = Tools(found, project.persona_ids), Screen()

    limit = Limit(None if budget is None else Decimal(str(budget)))
    order = Order(Wanted(tools, only, again), lambda drafts: agreed_to(drafts, screen.say, yes), limit)
    drafts, begun = _run(project, screen, lambda desk: submit(desk, order))
    if not drafts.requests:
        _show(screen.say, drafts)
    for manifest in begun or []:
        screen.say(_line(manifest))
    if begun:
        screen.say("Next: panel batch collect --wait")
    if faults := [*found.faults.values(), *tools.faults.values(), *drafts.faults]:
        raise InputError("\n".join(faults))


@app.command("status")
def status_command(name: Name = None, runs: Runs = None, json: AsJson = False) -> None:
    """Ask the vendors how far batches are."""
    project, screen = Project.open(Path.cwd(), {"runs": runs}), Screen(to_stderr=json)

    async def look(desk: Desk) -> list[Manifest]:
        async with desk.folder.turn():
            await settled(desk)
        chosen = [desk.folder.named(name)] if name else desk.folder.open()
        return [await looked(desk, each) if each.is_open and each.id else each for each in chosen]

    _print(screen, _run(project, screen, look), json)


@app.command("collect")
def collect_command(
    name: Name = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until they have ended.")] = False,
    runs: Runs = None,
    json: AsJson = False,
) -> None:
    """Take the replies of batches that have ended into the ledger."""
    project, screen = Project.open(Path.cwd(), {"runs": runs}), Screen(to_stderr=json)
    names = [Folder(project.settings.runs).named(name).name] if name else []
    trip = _run(project, screen, lambda desk: collect(desk, names, waits=wait))
    _print(screen, trip.batches, json)
    if trip.batches:
        screen.say("Next: panel batch submit asks what is still missing, repairs too; panel review makes the records.")
    else:
        screen.say("Nothing was collected.")
    raise_faults(trip)


@app.command("cancel")
def cancel_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A batch.", show_default=False)], runs: Runs = None
) -> None:
    """End a batch; what was answered by then can be collected. One that its vendor lost is let go."""
    project, screen = Project.open(Path.cwd(), {"runs": runs}), Screen()

    async def end(desk: Desk) -> Manifest | None:
        async with desk.folder.turn():
            await settled(desk)
            manifest = next((each for each in desk.folder.all() if each.name == name), None)
            return await cancelled(desk, manifest) if manifest and manifest.is_open else manifest

    Folder(project.settings.runs).named(name)
    if manifest := _run(project, screen, end):
        screen.say(_line(manifest))


@app.command("list")
def list_command(runs: Runs = None, json: AsJson = False) -> None:
    """List all batches of the project as they were last seen; nobody is asked."""
    project, screen = Project.open(Path.cwd(), {"runs": runs}), Screen(to_stderr=json)
    _print(screen, Folder(project.settings.runs).all(), json)


def raise_faults(trip: Trip) -> None:
    """Raise ModelError where a vendor let us down."""
    faults = [*trip.faults, *trip.silent]
    if faults:
        raise ModelError("\n".join(faults))
    if any(each.tally and each.tally.faults for each in trip.batches):
        raise typer.Exit(1)


def _run(project: Project, screen: Screen, act: Callable[[Desk], Awaitable[Done]]) -> Done:
    async def run() -> Done:
        async with Desk(project, screen.say) as desk:
            return await act(desk)

    try:
        return asyncio.run(run())
    except KeyboardInterrupt:
        screen.say("Interrupted. What was submitted goes on at the vendor: panel batch collect.")
        raise typer.Exit(INTERRUPTED) from None


def _found(where: Sequence[str], flags: dict[str, object]) -> tuple[Project, Catalogue]:
    """Return the project of some dossiers, all of its own where none is named, and the dossiers."""
    places = where or [str(path) for path in dossiers(Project.open(Path.cwd(), flags))]
    if not places:
        raise ToolError("the project: there are no dossiers here")
    found = catalogue(places)
    return Project.open(found.home, flags), found


def agreed_to(drafts: Drafts, say: Callable[[str], None], yes: bool) -> bool:
    """Say what would be submitted, and return whether somebody agrees to it."""
    _show(say, drafts)
    return agreed(yes, "Submit")


def _show(say: Callable[[str], None], drafts: Drafts) -> None:
    """Print what would be submitted, and for how much."""
    if drafts.requests:
        parts = (
            counted(drafts.requests, "request"),
            counted(drafts.tools, "tool"),
            counted(len(drafts.ready), "batch"),
        )
        say("{} of {} in {}: {}, at half the price.".format(*parts, _price(drafts)))
    else:
        say("Nothing to submit: no reply is missing that is not under way.")
    if drafts.under_way:
        say(f"note: {counted(drafts.under_way, 'request')} under way in a batch: panel batch status")
    if drafts.rejected:
        say(f"note: {counted(drafts.rejected, 'request')} left out that the vendor would not have (--again)")


def _price(drafts: Drafts) -> str:
    cost = drafts.cost
    if cost.likely is None or cost.most is None:
        return "of unknown price"
    return f"about ${cost.likely:.2f}, at most ${cost.most:.2f}"


def _print(screen: Screen, manifests: Sequence[Manifest], as_json: bool) -> None:
    for manifest in manifests:
        screen.say(_line(manifest))
    if as_json:
        typer.echo(json.dumps([each.as_json() for each in manifests], indent=2))


def _line(manifest: Manifest) -> str:
    """Return one line about a batch: where it is, and what came of it."""
    head = f"{manifest.name}  {manifest.model}  {manifest.phase}"
    if not manifest.tally:
        counts = manifest.counts
        done = f"{counts.answered + counts.failed} of {manifest.requests} requests done"
        return f"{head}, {done}" + (f" ({manifest.reason})" if manifest.reason else "")
    tally = manifest.tally
    parts = [
        f"{tally.answered} answered",
        *(f"{number} {word}" for word, number in _some(tally.known, tally.refused, tally.truncated)),
        *(f"{number} {kind}" for kind, number in tally.faults.items()),
        f"${tally.cost_usd} paid" + (f" and {tally.unpriced} of unknown price" if tally.unpriced else ""),
        f"{100 * tally.cached // max(1, tally.prompt)}% of prompts from the cache",
    ]
    return f"{head}: {', '.join(parts)}"


def _some(known: int, refused: int, truncated: int) -> list[tuple[str, int]]:
    words = [("known before", known), ("refused", refused), ("cut short", truncated)]
    return [(word, number) for word, number in words if number]
