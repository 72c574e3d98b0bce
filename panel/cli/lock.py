"""`panel lock`."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from panel.cli.desk import Named, Runs, found
from panel.desk.lock import lock, release
from panel.errors import on_one_line

app = typer.Typer(rich_markup_mode=None)


@app.command(name="lock")
def lock_command(
    tool: Named,
    persona: Annotated[
        list[str] | None, typer.Option(help="Only this seat; the whole review if none. Repeatable.")
    ] = None,
    lets_go: Annotated[bool, typer.Option("--release", help="Let go instead.")] = False,
    runs: Runs = None,
) -> None:
    """Keep a review, or some of its seats, from being changed."""
    project, subject = found(tool, runs=runs)
    known = [] if not lets_go else [*project.store.choices(subject.slug).locked]
    ids = [id if id in known else project.persona(id).id for id in persona or []]
    choices = asyncio.run((release if lets_go else lock)(project, subject, ids))
    locked = "all of it" if choices.is_locked else ", ".join(choices.locked) or "nothing"
    typer.echo(on_one_line(f"{subject.slug}: locked: {locked}"))
