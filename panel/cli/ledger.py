"""`panel ledger stats|verify|prune|export|import`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from panel.cli.desk import AsJson, Runs
from panel.cli.exits import DIFFERENT
from panel.cli.sheet import print_json
from panel.errors import InputError, RecordError, on_one_line, printable
from panel.files import is_folder, write_parts
from panel.llm.address import ledger_at
from panel.llm.census import KINDS, Census
from panel.llm.ledger import Ledger, Recordings
from panel.llm.prune import References, unused
from panel.llm.recording import Recording
from panel.llm.transfer import Transferred, exported, imported, packed
from panel.settings import Settings

_HELP = "Count, check, prune, export or import recordings, in files or in a database."
app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help=_HELP)

OPTION = "--database-url"
MOST_FAULTS = 20
"""So many faults are told at the end of a transfer."""

REDRAWN_S = 0.2
ENDINGS = (".jsonl", ".jsonl.gz")
Item = TypeVar("Item")

Folder = Annotated[
    Path | None, typer.Option("--ledger", help="A folder of recordings; else the project's own.", show_default=False)
]
Url = Annotated[
    str | None,
    typer.Option(
        OPTION,
        envvar="PANEL_DATABASE_URL",
        show_default=False,
        help="A ledger in a database: sqlite:///FILE or postgresql://USER@HOST/DATABASE.",
    ),
]
File = Annotated[Path, typer.Argument(metavar="FILE", help="Lines of JSON: .jsonl or .jsonl.gz.", show_default=False)]


@app.command("stats")
def stats(folder: Folder = None, database_url: Url = None, runs: Runs = None, json: AsJson = False) -> None:
    """Count what is in the ledger: recordings, bytes, models, personas, carried replies, oldest and newest."""
    census = Census()
    with opened(folder, database_url, runs) as (ledger, place):
        for held in _told(ledger.all()):
            census.count(held)
    if json:
        print_json({"ledger": place, **census.as_json()})
        return
    typer.echo("\n".join(map(on_one_line, [place, *_lines(census)])))


@app.command("verify")
def verify(folder: Folder = None, database_url: Url = None, runs: Runs = None) -> None:
    """Read every recording, and name those that are not as they were written; exit code 3 where there is one."""
    count = unsound = 0
    with opened(folder, database_url, runs) as (ledger, _):
        for held in _told(ledger.all()):
            count += 1
            if held.fault:
                unsound += 1
                typer.echo(printable(str(held.fault)))
    typer.echo(f"{_of(count, 'recording')}: {f'{unsound:,} not sound' if unsound else 'all sound'}.")
    raise typer.Exit(DIFFERENT if unsound else 0)


@app.command("prune")
def prune(
    folder: Folder = None,
    database_url: Url = None,
    runs: Runs = None,
    days: Annotated[int, typer.Option("--older-than", min=0, help="Spare those of so many days.")] = 30,
    yes: Annotated[bool, typer.Option("--yes", help="Delete them; without it they are only named.")] = False,
) -> None:
    """Name recordings that no record, take, choice or comparison of the project refers to; --yes deletes them."""
    settings = Settings.load(Path.cwd(), {"runs": runs})
    referenced = References()
    with opened(folder, database_url, runs) as (ledger, place):
        for kept in filter(None, (settings.runs, settings.golden)):
            referenced.look_through(kept, [settings.own_ledger, *ledger.files])
        for text in ledger.beside():
            referenced.take_in(text.encode())
        if not referenced.numbers:
            problem = f"nothing in {settings.runs} refers to any recording, so none can be told from those in use"
            raise InputError(f"{place}: {problem}; run this where the records are")
        before = datetime.now(UTC) - timedelta(days=days)
        found = size = 0
        for one, weight in unused(_told(ledger.all()), referenced, before.strftime("%Y-%m-%dT%H:%M:%SZ")):
            if yes:
                ledger.remove(one.identity)
            typer.echo(on_one_line(_named(one)))
            found, size = found + 1, size + weight
    what = f"{_of(found, 'recording')} ({_bytes(size)}) older than {_of(days, 'day')} that nothing refers to"
    way = "deleted" if yes else "they stay; --yes deletes them" if found else "nothing to delete"
    typer.echo(f"{what}: {way}. {_of(referenced.files, 'file')} looked through.")


@app.command("export")
def export(file: File, folder: Folder = None, database_url: Url = None, runs: Runs = None) -> None:
    """Write every sound recording into one file, a line each: the same recordings give the same bytes."""
    if not file.name.endswith(ENDINGS):
        raise InputError(f"{on_one_line(str(file))}: name a file that ends in {' or '.join(ENDINGS)}")
    done = Transferred()
    with opened(folder, database_url, runs) as (ledger, _):
        lines = exported(_told(ledger.all()), done)
        write_parts(file, packed(lines) if file.suffix == ".gz" else lines)
    typer.echo(printable(f"{file}: {_of(done.new, 'recording')}"))
    _raise(done)


@app.command("import")
def bring_in(file: File, folder: Folder = None, database_url: Url = None, runs: Runs = None) -> None:
    """Write the recordings of an export into a ledger; what is there already stays, what is not sound is left out."""
    with opened(folder, database_url, runs, is_made=True) as (ledger, place):
        done = imported(file, ledger, _told)
    typer.echo(printable(f"{place}: {_of(done.new, 'recording')} new, {done.known:,} there already"))
    _raise(done)


@contextmanager
def opened(
    folder: Path | None, database_url: str | None, runs: Path | None, *, is_made: bool = False
) -> Iterator[tuple[Recordings, str]]:
    """Yield the ledger that is meant, and what people know it by."""
    if folder and database_url:
        raise InputError(f"--ledger and {OPTION} name two ledgers; leave one out")
    if database_url:
        with ledger_at(database_url, OPTION, is_made=is_made) as ledger:
            yield ledger, ledger.place
        return
    if folder and not is_made and not is_folder(folder):
        raise InputError(f"--ledger: there is no folder {on_one_line(str(folder))}")
    files = Ledger(folder or Settings.load(Path.cwd(), {"runs": runs}).own_ledger)
    yield files, files.place


def _told(items: Iterable[Item]) -> Iterator[Item]:
    """Yield items; in a terminal, tell on stderr how many there were so far."""
    due, is_seen = time.monotonic() + REDRAWN_S, sys.stderr.isatty()
    line = ""
    for count, item in enumerate(items, 1):
        if is_seen and time.monotonic() > due:
            line = f"\r{count:,} recordings"
            typer.echo(line, err=True, nl=False)
            due = time.monotonic() + REDRAWN_S
        yield item
    if line:
        typer.echo(f"\r{' ' * len(line)}\r", err=True, nl=False)


def _lines(census: Census) -> Iterator[str]:
    yield f"  recordings   {census.recordings:,} in {_bytes(census.size)}; {census.unsound:,} not sound"
    if census.newest:
        yield f"  answered     {census.oldest} to {census.newest}"
    for what, counts in (
        ("asked of", census.models),
        ("answered by", census.answerers),
        ("personas", census.personas),
    ):
        if counts:
            yield f"  {what:<12} {', '.join(f'{name} {count:,}' for name, count in counts.most_common())}"
    among = [f"{census.kinds[kind]:,} {kind.replace('_', ' ')}" for kind in KINDS if census.kinds[kind]]
    if among:
        yield f"  among them   {', '.join(among)}"


def _named(one: Recording) -> str:
    return f"{one.identity} {one.reply.recorded_at} {one.label.tool}: {one.label.persona}"


def _of(count: int, what: str) -> str:
    return f"{count:,} {what if count == 1 else f'{what}s'}"


def _bytes(size: int) -> str:
    for unit, step in (("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)):
        if size >= step:
            return f"{size / step:.1f} {unit}"
    return f"{size} bytes"


def _raise(done: Transferred) -> None:
    """Raise RecordError with the first faults, how many there are, and why it ended, where there are any."""
    rest = len(done.faults) - MOST_FAULTS
    more = [f"and {rest:,} more"] if rest > 0 else []
    told = [*done.faults[:MOST_FAULTS], *more, *filter(None, [done.ended])]
    if told:
        raise RecordError("\n".join(told))
