"""`panel digest`."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from panel.cli.desk import Runs
from panel.errors import InputError, printable
from panel.files import write_whole
from panel.project import Project
from panel.publish.edition import Week
from panel.publish.mail import digest_html, digest_text
from panel.publish.sources import edition_of

app = typer.Typer(rich_markup_mode=None)


@app.command()
def digest(
    where: Annotated[Path, typer.Argument(metavar="[DIR]", help="A project.", show_default=False)] = Path(),
    week: Annotated[str | None, typer.Option(help="Which one, such as 2026-W47; default: this one.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write WEEK.html and WEEK.txt into this folder.")] = None,
    drafts: Annotated[bool, typer.Option("--drafts", help="Tell of what nobody approved too.")] = False,
    runs: Runs = None,
) -> None:
    """Tell what happened in a week: new reviews, changed verdicts, the widest split."""
    if not where.is_dir():
        raise InputError(f"{where}: is no folder; name the folder of a project")
    project = Project.open(where, {"runs": runs})
    told = _week(week) if week else Week.of(datetime.now(UTC).date().isoformat())
    edition = edition_of(project, drafts=drafts)
    text = digest_text(edition, told)
    typer.echo(printable(text), nl=False)
    if out:
        write_whole(out / f"{told.name}.txt", text.encode())
        write_whole(out / f"{told.name}.html", digest_html(edition, told).encode())
        typer.echo(printable(f"{out / told.name}.html\n{out / told.name}.txt"))


def _week(name: str) -> Week:
    found = re.fullmatch(r"(\d{4})-W(\d{2})", name, re.ASCII)
    week = Week(int(found[1]), int(found[2])) if found else None
    try:
        if week and week.days:
            return week
    except (ValueError, OverflowError):  # a year of no calendar, or a week that it does not have
        week = None
    raise InputError(f"--week: write it as 2026-W47, not {name[:40]!r}")
