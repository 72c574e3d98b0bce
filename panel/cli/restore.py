"""`panel restore`."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from panel.cli.desk import Named, Runs, found, tell
from panel.cli.screen import Screen
from panel.desk.past import restore

app = typer.Typer(rich_markup_mode=None)


@app.command(name="restore")
def restore_command(
    tool: Named,
    persona: Annotated[str, typer.Option(help="Whose take.")],
    take: Annotated[int, typer.Option(min=1, help="Its number, as panel log shows it.")],
    lock: Annotated[bool, typer.Option("--lock", help="Bring it back as it was and keep it from later runs.")] = False,
    runs: Runs = None,
) -> None:
    """Bring an earlier take back."""
    project, subject = found(tool, runs=runs)
    done = asyncio.run(restore(project, subject, project.persona(persona), take, lock=lock))
    tell(Screen(), project, subject, done)
