"""`panel inbox`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import typer

from panel.cli.desk import AsJson, Runs, Tools, all_found
from panel.cli.sheet import print_json
from panel.desk.approval import approval_of
from panel.desk.inbox import Matter, matters
from panel.desk.status import status
from panel.errors import on_one_line
from panel.project import Project
from panel.shelf import Shelved

app = typer.Typer(rich_markup_mode=None)


@app.command()
def inbox(
    tools: Tools = None,
    runs: Runs = None,
    json: AsJson = False,
) -> None:
    """Show what needs an eye, by reason."""
    project, shelved = all_found(tools, runs)
    found = asyncio.run(_all(project, shelved))
    if json:
        print_json([matter.as_json() for matter in found])
        return
    for reason in dict.fromkeys(matter.reason for matter in found):
        typer.echo(reason)
        for matter in found:
            if matter.reason == reason:
                who = f"{matter.tool}, {matter.persona}" if matter.persona else matter.tool
                typer.echo(on_one_line(f"  {who}: {matter.text}"))
    typer.echo("" if found else "Nothing needs an eye.", nl=not found)


async def _all(project: Project, shelved: Sequence[Shelved]) -> list[Matter]:
    now, found = datetime.now(UTC), []
    for one in shelved:
        state = await status(project, one, now)
        record, approval = project.store.review(one.tool.slug), approval_of(project, one.tool.slug)
        found += matters(state, record, one.tool, approval, now.date())
    return found
