"""`panel init`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from panel.errors import printable
from panel.scaffold import FIRST, scaffold

app = typer.Typer(rich_markup_mode=None)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="Where; made if it is not there.")] = Path(),
) -> None:
    """Begin a project of your own: five personas, panel.toml, a first dossier, a workflow for CI."""
    for placed in scaffold(folder):
        typer.echo(printable(f"{placed.path}{'' if placed.is_new else ' was there and stays as it is'}"))
    go = [] if folder == Path() else [f"cd {shlex.quote(str(folder))}"]
    steps = [*go, "panel doctor", f"panel review tools/{FIRST}", "panel tool new tools/mytool.yaml"]
    typer.echo(printable("\nNext:\n" + "\n".join(f"  {step}" for step in steps)))
