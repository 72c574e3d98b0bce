"""`panel review`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from panel.cli.desk import tell_if_void
from panel.cli.exits import INTERRUPTED
from panel.cli.screen import Screen
from panel.errors import RecordingMissing
from panel.llm.open import Providers
from panel.mode import announcement, ways_forward
from panel.pipeline import Reviewed, review_tool
from panel.project import Project
from panel.tool import Tool, read_tool

app = typer.Typer(rich_markup_mode=None)


@app.command()
def review(
    tool: Annotated[Path, typer.Argument(metavar="TOOL.YAML", help="The dossier of the tool.", show_default=False)],
    persona: Annotated[
        list[str] | None, typer.Option(help="Ask only this one; others stay as recorded. Repeatable.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="provider:name, such as openai:gpt-6.1-sol or manual:chat.")] = None,
    samples: Annotated[str | None, typer.Option(help="How often each seat is asked: 1 to 9, or auto.")] = None,
    mode: Annotated[str | None, typer.Option(help="live, replay, fresh, or auto: live where there is a key.")] = None,
    runs: Annotated[Path | None, typer.Option(help="Where records and the ledger are.")] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the record as JSON, and everything else to stderr.")
    ] = False,
) -> None:
    """Ask the panel about a tool, and write its record."""
    flags = {"model": model, "samples": samples, "mode": mode, "runs": runs}
    project = Project.open(tool.parent, flags)
    subject = read_tool(tool, project.persona_ids)
    only = [project.persona(id).id for id in persona or []]
    screen = Screen(to_stderr=json)
    screen.say(announcement(project))
    try:
        done = asyncio.run(_review(project, subject, only, screen))
    except RecordingMissing as error:
        raise RecordingMissing(f"{error}\n{ways_forward(project.settings)}") from error
    except KeyboardInterrupt:
        screen.say("Interrupted. Every reply that came is in the ledger; run it again, without --mode fresh, to go on.")
        raise typer.Exit(INTERRUPTED) from None
    screen.summary(done)
    tell_if_void(screen, project, subject)
    if json:
        screen.record(done.paths[0])
    raise typer.Exit(0 if done.is_whole else 1)


async def _review(project: Project, tool: Tool, only: list[str], screen: Screen) -> Reviewed:
    async with Providers(project.settings, project.prompts, screen.notice) as providers:
        with screen.seats(tool, project):
            return await review_tool(project, tool, providers, only, screen.watch)
