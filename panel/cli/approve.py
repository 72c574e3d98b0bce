"""`panel approve`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import typer

from panel.cli.desk import By, Named, Runs, found, signed
from panel.desk.approval import approve, checklist
from panel.desk.retake import record_of
from panel.desk.status import status
from panel.errors import printable
from panel.shelf import named

app = typer.Typer(rich_markup_mode=None)


@app.command(name="approve")
def approve_command(tool: Named, by: By, runs: Runs = None) -> None:
    """Run the checklist over a review, and write down who approved it."""
    project, subject = found(tool, runs=runs)
    review, at = record_of(project, subject), datetime.now(UTC)
    [shelved] = named(project, [tool])
    checks = checklist(review, asyncio.run(status(project, shelved, at)), subject, at.date())
    approval = asyncio.run(approve(project, subject, signed(by), checks, review))
    lines = [f"  {check.what}" for check in checks]
    typer.echo(printable("\n".join([f"{subject.slug}: approved by {approval.by}; checked:", *lines])))
