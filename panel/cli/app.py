"""The command `panel`: which commands there are, and how errors leave it."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from io import TextIOWrapper
from traceback import format_exception
from typing import Annotated, Any

import typer
from typer._click import Context, HelpFormatter
from typer._click.exceptions import ClickException
from typer.core import TyperGroup

from panel.cli.exits import FAULT, INTERRUPTED
from panel.cli.pipe import silence
from panel.errors import PanelError, printable
from panel.version import DISTRIBUTION, installed

SECTIONS = {
    "Reviewing": {
        "review": "Ask the panel about a tool, or about all tools in a folder, and write the records.",
        "compare": "Put two reviews side by side, and say which tool to take.",
        "show": "Print a record: the verdict, and what each critic says.",
        "prompt": "Print the exact request that a critic would get.",
    },
    "At the desk": {
        "status": "Show which seats are stale and why, and what a refresh would cost.",
        "inbox": "Show what needs an eye, by reason.",
        "retake": "Ask one critic once more; accept what comes, or keep the old take.",
        "edit": "Open the words of a take in $EDITOR.",
        "log": "Show every take that a tool ever had, and what was done with them.",
        "diff": "Show what changed between two takes of a critic.",
        "restore": "Bring an earlier take back.",
        "lock": "Keep a review, or some of its seats, from being changed.",
        "approve": "Run the checklist over a review, and write down who approved it.",
    },
    "Publishing": {
        "publish": "Make a site of static pages from the records; only what changed is rendered.",
        "digest": "Tell what happened in a week: new reviews, changed verdicts, the widest split.",
    },
    "Golden tests": {
        "verify": "Replay every review, and fail in words where it says something else than its record.",
        "record": "Ask for what the recordings lack, the price first; or carry replies over a change of form.",
    },
    "A whole catalogue": {
        "batch": "Ask in vendors' batches, at half the price: submit, status, collect, cancel, list.",
        "queue": "Share a catalogue among workers, under one limit: add, status, cancel, retry, export.",
        "worker": "Make the reviews that are in the queue, beside as many other workers as you like.",
        "cost": "Tell what the replies of the ledger cost, and what caches and batches saved.",
        "stats": "Tell how each critic votes over many reviews, how far critics agree, how alike they write.",
        "ledger": "Count, check, prune, export or import recordings, in files or in a database.",
    },
    "Project": {
        "init": "Begin a project of your own: five personas, panel.toml, a first dossier, a workflow for CI.",
        "tool": "Begin a dossier, or check dossiers.",
        "persona": "List the personas, or check persona files.",
        "doctor": "Show keys, servers, settings, ledgers, what is wrong with them, and what a review would cost.",
        "schema": "Print the JSON Schema of a record or of a file that people write.",
    },
}
"""Each command with its line in the help; its module in `panel.cli` is imported when it runs."""

WIDEST = 8
"""Characters of a command's name in the help, so that the sections have one margin."""

COMMANDS = {name: line for section in SECTIONS.values() for name, line in section.items()}


class Commands(TyperGroup):
    """Commands that are imported when they are run, so that help costs nothing."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # Typer looks among these names for the one that was meant; the values are never used.
        self.commands.update(dict.fromkeys(COMMANDS, self))

    def list_commands(self, ctx: Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Context, cmd_name: str) -> Any:
        return _command(cmd_name) if cmd_name in COMMANDS else None

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(WIDEST), line) for name, line in commands.items()])

    def invoke(self, ctx: Context) -> Any:
        """Run the command; an error leaves as one message, or with --debug as a traceback, and with its exit code."""
        try:
            return super().invoke(ctx)
        except (typer.Abort, KeyboardInterrupt) as error:
            typer.echo("Interrupted.", err=True)
            raise typer.Exit(INTERRUPTED) from error
        except (typer.Exit, ClickException):
            raise
        except BrokenPipeError as error:  # whoever read it has read enough
            silence(sys.stdout)
            raise typer.Exit from error
        except Exception as error:
            typer.echo(_told(error, bool(ctx.params.get("debug"))), err=True)
            raise typer.Exit(error.exit_code if isinstance(error, PanelError) else FAULT) from error


@cache
def _command(name: str) -> Any:
    """Return a command; Typer reads its parameters once, however often a process runs it."""
    return typer.main.get_command(import_module(f"panel.cli.{name}").app)


def _told(error: Exception, debug: bool) -> str:
    """Return what is said of an error; what somebody else raised, and any traceback, may hold a key."""
    from panel.llm.keys import without_secrets

    if debug:
        return printable(without_secrets("".join(format_exception(error)).rstrip()))
    if isinstance(error, PanelError):
        return printable(without_secrets(f"panel: {error}"))
    said = printable(without_secrets(f"{type(error).__name__}: {error}"))[:300]
    return f"panel: a fault of Panel or of this machine ({said}); --debug shows where"


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"panel {installed(DISTRIBUTION)}")
        raise typer.Exit


app = typer.Typer(cls=Commands, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.callback()
def panel(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error.", envvar="PANEL_DEBUG")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """An accountable panel of critics for tools, played by language models.

    Exit codes: 0 done, 1 a provider let us down, 2 something you wrote or set,
    3 verify found a difference, 4 the budget refused, 130 interrupted.
    """
    # A terminal that can't show a character shows a question mark in its place.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
