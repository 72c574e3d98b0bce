"""`panel publish`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from panel.cli.desk import Runs
from panel.errors import InputError, SettingsError, printable
from panel.project import Project
from panel.publish.build import Report, build
from panel.publish.manifest import NAME
from panel.publish.serve import Preview
from panel.store import PATIENCE_S
from panel.tables import SiteSettings
from panel.turn import turn

app = typer.Typer(rich_markup_mode=None)
MOST_NAMED = 5


@app.command()
def publish(
    where: Annotated[Path, typer.Argument(metavar="[DIR]", help="A project.", show_default=False)] = Path(),
    out: Annotated[Path, typer.Option(help="Where the site goes.")] = Path("site"),
    drafts: Annotated[bool, typer.Option("--drafts", help="Publish what nobody approved too, marked as such.")] = False,
    serve: Annotated[bool, typer.Option("--serve", help="Then show the site on this machine alone.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="With --serve: the port; 0 takes a free one.")] = 8000,
    url: Annotated[str | None, typer.Option(help="Where the site will stand; default: url of [site].")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Processes that render; default: one a core.")
    ] = None,
    runs: Runs = None,
) -> None:
    """Make a site of static pages from the records; only what changed is rendered."""
    if not where.is_dir():
        raise InputError(f"{where}: is no folder; name the folder of a project")
    project = Project.open(where, {"runs": runs})
    site, cores = _site(project, url), workers or _cores()
    with Preview(out, port) if serve else nullcontext() as preview:
        done = asyncio.run(_built(project, out, site, drafts=drafts, workers=cores))
        _tell(done, site, out)
        if preview:
            typer.echo(f"{preview.url} shows it, to this machine alone; Ctrl-C ends it")
            preview.run()


async def _built(project: Project, out: Path, site: SiteSettings, *, drafts: bool, workers: int) -> Report:
    """Build the site while no other run builds into the same folder."""
    async with turn(out / NAME, PATIENCE_S):
        return build(project, out, site, drafts=drafts, workers=workers)


def _cores() -> int:
    """Return how many cores this process may use, where the system tells, else how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _site(project: Project, url: str | None) -> SiteSettings:
    if url is None:
        return project.settings.site
    try:
        return SiteSettings(name=project.settings.site.name, url=url)
    except ValueError as error:
        problem = "write an address in ASCII and lower case, without a password, such as https://panel.example"
        raise SettingsError(f"--url: {problem}, not {url[:80]!r}") from error


def _tell(done: Report, site: SiteSettings, out: Path) -> None:
    for line in (f"{printable(str(out))}: {_counted(done)}", *_left(done), *_lacking(done, site)):
        typer.echo(line)


def _counted(done: Report) -> str:
    removed = f", {_many(done.removed, 'file')} removed" if done.removed else ""
    pages = f"{done.rendered} of {_many(done.pages, 'page')} rendered"
    return f"{_many(done.tools, 'tool')}, {_many(done.pairs, 'comparison')}; {pages}{removed}"


def _left(done: Report) -> Iterator[str]:
    """Yield what of the records is not published."""
    if done.left_out:
        drafts = f"{_many(len(done.left_out), 'draft')} left out ({_named(done.left_out)})"
        yield f"{drafts}: panel approve, or --drafts"
    if done.unread:
        commands = [f"panel compare {pair.replace('-vs-', ' ')}" for pair in done.unread[:MOST_NAMED]]
        yield f"takes changed since the moderator read them; to ask again: {'; '.join(commands)}"
    if done.withdrawn:
        yield f"withdrawn ({_named(done.withdrawn)}): nobody stands behind it any more; panel status says why"


def _lacking(done: Report, site: SiteSettings) -> Iterator[str]:
    """Yield what the site does without."""
    if not site.base:
        yield "no feeds, no sitemap, no cards: they need an address; set url under [site] in panel.toml, or --url"
    elif not done.has_cards:
        yield "no cards: this machine has no font to draw words with; install one, such as fonts-dejavu-core"


def _many(count: int, what: str) -> str:
    return f"{count} {what if count == 1 else f'{what}s'}"


def _named(slugs: Sequence[str]) -> str:
    return ", ".join([*slugs[:MOST_NAMED], *(["…"] if len(slugs) > MOST_NAMED else [])])
