"""`panel persona list|check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from panel.errors import PersonaError
from panel.files import is_folder
from panel.persona import Persona, read_panel, read_persona
from panel.project import personas_folder
from panel.settings import Settings

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="List the personas, or check persona files.")


@app.command("list")
def list_personas() -> None:
    """List the panel: who sits where, what each judges and with which weight."""
    folder = personas_folder(Settings.load(Path.cwd(), {}).project)
    for persona in read_panel(folder):
        typer.echo(f"{persona.id:<12} {persona.motto}")
        typer.echo(f"{'':<12} ships from {persona.threshold}; {_criteria(persona)}")


@app.command("check")
def check(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Persona files or folders; the project's where none is named.")
    ] = None,
) -> None:
    """Check persona files: every fault with its file, line and key."""
    faults = []
    for path in files or [personas_folder(Settings.load(Path.cwd(), {}).project)]:
        try:
            for persona in read_panel(path) if is_folder(path) else [read_persona(path)]:
                typer.echo(f"{persona.id}: sound; {_criteria(persona)}")
        except PersonaError as error:
            faults.append(str(error))
    if faults:
        raise PersonaError("\n".join(faults))


def _criteria(persona: Persona) -> str:
    return ", ".join(f"{criterion.id} {criterion.weight}" for criterion in persona.criteria)
