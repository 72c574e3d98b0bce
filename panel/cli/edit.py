"""`panel edit`."""

from __future__ import annotations

import asyncio
import getpass
import os
import shlex
import subprocess
import tempfile
from itertools import count
from pathlib import Path
from typing import Annotated

import typer

from panel.cli.desk import Named, Runs, found, signed, tell
from panel.cli.screen import Screen
from panel.desk.edit import draft, edit, read_sheet, sheet
from panel.errors import InputError, PanelError
from panel.files import is_file, write_new

app = typer.Typer(rich_markup_mode=None)


@app.command(name="edit")
def edit_command(
    tool: Named,
    persona: Annotated[str, typer.Option(help="Whose take.")],
    by: Annotated[str | None, typer.Option(help="Your name, if not that of your account; it is written down.")] = None,
    runs: Runs = None,
) -> None:
    """Open the words of a take in $EDITOR."""
    project, subject = found(tool, runs=runs)
    critic, name = project.persona(persona), signed(_account() if by is None else by)
    begun = draft(project, subject, critic)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{subject.slug}-{critic.id}.yaml"
        path.write_text(sheet(begun.seat, begun.take), encoding="utf-8")
        _opened(path)
        try:
            change = read_sheet(path, begun.seat, begun.take, name)
            if change is None:
                typer.echo("Nothing was changed.")
                return
            done = asyncio.run(edit(project, subject, critic, begun, change))
        except PanelError as error:
            raise type(error)(f"{error}{_saved(path)}") from error
    tell(Screen(), project, subject, done)


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, LookupError, ImportError) as error:
        raise InputError("--by: your account has no name here; write yours") from error


def _opened(path: Path) -> None:
    """Return when the editor is left; raises InputError where there is none, or where it failed."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        code = subprocess.run([*shlex.split(editor), str(path)], check=False).returncode  # noqa: S603 - the user's own
    except (OSError, ValueError) as error:
        raise InputError(f"$EDITOR ({editor}): can't be started: {error}; set EDITOR to your editor") from error
    if code:
        raise InputError(f"$EDITOR ({editor}): ended with exit code {code}; nothing was changed")


def _saved(path: Path) -> str:
    """Return where the text is kept that would be gone with its folder, in words; nothing where there is none."""
    if not is_file(path):
        return ""
    names = (Path.cwd() / f"{path.stem}{number or ''}.edited" for number in count())
    kept = next(name for name in names if write_new(name, path.read_bytes()))
    return f"\nYour text is kept in {kept}"
