"""`panel review`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from panel.catalogue.dossiers import catalogue, is_several
from panel.cli.desk import tell_if_void
from panel.cli.exits import INTERRUPTED
from panel.cli.many import Way, review_many
from panel.cli.screen import Screen
from panel.cli.spending import Spending
from panel.errors import InputError, RecordingMissing
from panel.estimate import estimate
from panel.llm.open import Providers
from panel.mode import announcement, ways_forward
from panel.pipeline import Reviewed, review_tool
from panel.project import Project
from panel.tool import Tool, read_tool

app = typer.Typer(rich_markup_mode=None)


@app.command()
def review(
    tools: Annotated[
        list[str],
        typer.Argument(metavar="TOOL.YAML|DIR|PATTERN...", help="Dossiers, or where they are.", show_default=False),
    ],
    persona: Annotated[
        list[str] | None, typer.Option(help="Ask only this one; others stay as recorded. Repeatable.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="provider:name, such as openai:gpt-6.1-sol or manual:chat.")] = None,
    samples: Annotated[str | None, typer.Option(help="How often each seat is asked: 1 to 9, or auto.")] = None,
    mode: Annotated[str | None, typer.Option(help="live, replay, fresh, or auto: live where there is a key.")] = None,
    budget: Annotated[str | None, typer.Option(help="US dollars that the run may cost at most; else it stops.")] = None,
    batch: Annotated[bool, typer.Option("--batch", help="Ask in a vendor's batch, at half the price.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="With --batch: wait for it, and write the records.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --batch: go on without being asked.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be asked, and for how much.")] = False,
    runs: Annotated[Path | None, typer.Option(help="Where records and the ledger are.")] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the record as JSON, of many a summary; everything else to stderr.")
    ] = False,
) -> None:
    """Ask the panel about a tool, or about all tools in a folder, and write the records."""
    if (wait or yes) and not batch:
        raise InputError("--wait and --yes go with --batch; leave them out")
    only, place = persona or [], Path(tools[0])
    is_one = len(tools) == 1 and not (dry_run or batch or is_several(tools[0]))
    found = None if is_one else catalogue(tools)
    flags = {"model": model, "samples": samples, "mode": mode, "runs": runs}
    project = Project.open(found.home if found else place.parent, flags)
    only = [project.persona(id).id for id in only]
    spending = Spending.of(project, budget)
    if found is None:
        code = _review_one(project, read_tool(place, project.persona_ids), only, spending, as_json=json)
    elif only:
        raise InputError("--persona: name one dossier; of many, only what changed is asked in any case")
    else:
        way = Way(is_dry=dry_run, is_batched=batch, waits=wait, is_agreed=yes)
        code = review_many(project, found, spending, way, as_json=json)
    raise typer.Exit(code)


def _review_one(project: Project, tool: Tool, only: list[str], spending: Spending, *, as_json: bool) -> int:
    screen = Screen(to_stderr=as_json)
    screen.say(announcement(project))
    if spending.budget:
        most = estimate(project, tool, datetime.now(UTC))
        spending.refuse(most.most, is_free=not most.asked)
    try:
        done = asyncio.run(_review(project, tool, only, screen, spending))
    except RecordingMissing as error:
        raise RecordingMissing(f"{error}\n{ways_forward(project.settings)}") from error
    except KeyboardInterrupt:
        screen.say("Interrupted. Every reply that came is in the ledger; run it again, without --mode fresh, to go on.")
        return INTERRUPTED
    screen.summary(done)
    if spending.budget:
        screen.say(spending.told())
    tell_if_void(screen, project, tool)
    if as_json:
        screen.record(done.paths[0])
    return 0 if done.is_whole else 1


async def _review(project: Project, tool: Tool, only: list[str], screen: Screen, spending: Spending) -> Reviewed:
    async with Providers(project.settings, project.prompts, screen.notice, spending.around) as providers:
        with screen.seats(tool, project):
            return await review_tool(project, tool, providers, only, screen.watch)
