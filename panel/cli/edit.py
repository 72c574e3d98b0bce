"""`panel edit`."""

from __future__ import annotations

import asyncio
import getpass
import os
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Annotated

import typer

from panel.cli.desk import Named, Runs, found, signed, tell
from panel.cli.screen import Screen
from panel.desk.edit import draft, edit, read_sheet, sheet
from panel.errors import InputError, PanelError, RecordError
from panel.files import write_new

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
        with _kept(path):
            _opened(path)
            change = read_sheet(path, begun.seat, begun.take, name)
            if change is None and begun.is_written:
                typer.echo("Nothing was changed.")
                return
            done = asyncio.run(edit(project, subject, critic, begun, change))
    screen, seat = Screen(), done.review.seat(critic.id)
    tell(screen, project, subject, done)
    for flag in seat.take.flags if seat and seat.take else ():
        screen.say(f"to check: {flag.text}")


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, LookupError, ImportError) as error:
        raise InputError("--by: your account has no name here; write yours") from error


def _opened(path: Path) -> None:
    """Return when the editor is left; raises InputError where there is none, or where it failed."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    # Ctrl-C reaches the editor too, and many give it a meaning; it must not end Panel and the editor with it.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        code = subprocess.run([*shlex.split(editor), str(path)], check=False).returncode  # noqa: S603 - the user's own
    except (OSError, ValueError) as error:
        raise InputError(f"$EDITOR ({editor}): can't be started: {error}; set EDITOR to your editor") from error
    finally:
        signal.signal(signal.SIGINT, before)
    if code:
        raise InputError(f"$EDITOR ({editor}): ended with exit code {code}; nothing was changed")


@contextmanager
def _kept(path: Path) -> Iterator[None]:
    """Save a text that was changed where what is inside fails: it would be gone with its folder."""
    before = path.read_bytes()
    try:
        yield
    except (PanelError, KeyboardInterrupt) as error:
        if not path.is_file() or path.read_bytes() == before:
            raise
        told = f"Your text is kept in {_saved(path)}"
        if isinstance(error, PanelError):
            raise type(error)(f"{error}\n{told}") from error
        typer.echo(told, err=True)
        raise


def _saved(path: Path) -> Path:
    """Return where a text is now: here, or where nothing can be written here, among the temporary files."""
    try:
        return _copied(path, Path.cwd())
    except RecordError:
        return _copied(path, path.parent.parent)


def _copied(path: Path, folder: Path) -> Path:
    names = (folder / f"{path.stem}{number or ''}.edited" for number in count())
    return next(kept for kept in names if write_new(kept, path.read_bytes()))
