"""`panel verify`."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from panel.cli.exits import DIFFERENT
from panel.errors import InputError, on_one_line, printable
from panel.files import is_file, read_json, write_whole
from panel.golden.accept import accept, accept_pairs
from panel.golden.audit import Finding, audit
from panel.golden.bench import bench
from panel.golden.outcome import Difference
from panel.golden.pair_audit import audit_pair
from panel.golden.reports import broken_commands, broken_junit, commands, junit, summary
from panel.golden.verify import Verification, verify
from panel.project import Project
from panel.shelf import ENDINGS, Shelved, shelf

app = typer.Typer(rich_markup_mode=None)
_DOSSIER = "is a dossier; name the folder of its project, or a review.json"
MOST_NAMED = 5
"""So many takes that share their changed lines are named."""


@app.command(name="verify")
def verify_command(
    where: Annotated[
        Path, typer.Argument(metavar="[DIR|RECORD]", help="A project, or one review.json.", show_default=False)
    ] = Path(),
    accepts: Annotated[bool, typer.Option("--accept", help="Take the new outcome in.")] = False,
    persona: Annotated[list[str] | None, typer.Option(help="With --accept: of this seat alone. Repeatable.")] = None,
    junit_xml: Annotated[Path | None, typer.Option("--junit", help="Write a report for test runners here.")] = None,
    markdown: Annotated[Path | None, typer.Option("--summary", help="Write a summary in Markdown here.")] = None,
) -> None:
    """Replay every review, and fail in words where it says something else than its record."""
    if where.suffix == ".json" or is_file(where):
        _refuse(where, any([accepts, persona, junit_xml, markdown]))
        raise typer.Exit(_audited(where))
    if persona and not accepts:
        raise InputError("--persona goes with --accept: it says whose new takes are taken in")
    project, tools = _opened(where, junit_xml)
    only = [project.persona(id).id for id in persona or []]
    found = asyncio.run(verify(project, tools, is_whole=True))
    _report(found, where, junit_xml, markdown)
    if found.differences and accepts:
        found = asyncio.run(_accepted(project, tools, found, only))
        typer.echo(printable(_last_line(found, where)))
    raise typer.Exit(DIFFERENT if found.differences else 0)


def _refuse(record: Path, has_options: bool) -> None:
    """Refuse a file that is no record, and options that say nothing of one."""
    if record.suffix in ENDINGS:
        raise InputError(f"{record}: {_DOSSIER}")
    if has_options:
        raise InputError("a record is recomputed, not accepted or reported on: leave the options out")


def _opened(where: Path, junit_xml: Path | None) -> tuple[Project, list[Shelved]]:
    """Return the project on the bench with its tools; where it is broken, CI is told before it ends."""
    if not where.is_dir():
        problem = _DOSSIER if where.suffix in ENDINGS else "there is no such folder, and no such record"
        raise InputError(f"{where}: {problem}")
    try:
        opened = Project.open(where, {"mode": "replay"})
        return bench(opened), shelf(opened)
    except InputError as error:
        _report_broken(str(error), junit_xml)
        raise


async def _accepted(
    project: Project, tools: Sequence[Shelved], found: Verification, only: Sequence[str]
) -> Verification:
    """Take the new outcome in, and return what is left."""
    written = await accept(project, found.outcomes, only)
    if not only:
        written += accept_pairs(project, (await verify(project, tools, is_whole=True)).pairs)
    typer.echo(printable(f"accepted: {', '.join(written) or 'nothing'}"))
    return await verify(project, tools, is_whole=True)


def _report(found: Verification, where: Path, junit_xml: Path | None, markdown: Path | None) -> None:
    """Print the differences, meanings first, and write the reports that were asked for."""
    with _unread_by_github():
        for difference in found.differences:
            typer.echo(printable(difference.meaning))
        for line in _details(found.differences):
            typer.echo(printable(line))
        typer.echo(printable(_last_line(found, where)))
    if _in_github():
        for line in commands(found, Path.cwd()):
            typer.echo(line)
        _add_to_step_summary(summary(found))
    if junit_xml:
        write_whole(junit_xml, junit(found))
    if markdown:
        write_whole(markdown, summary(found).encode())


def _report_broken(problem: str, junit_xml: Path | None) -> None:
    """Write the reports of a project that can't be verified at all."""
    if _in_github():
        for line in broken_commands(problem, Path.cwd()):
            typer.echo(line)
        _add_to_step_summary(f"### Panel: the project can't be read\n\n    {on_one_line(problem)}\n")
    if junit_xml:
        write_whole(junit_xml, broken_junit(problem))


def _add_to_step_summary(text: str) -> None:
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if not page:
        return
    try:
        with Path(page).open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise InputError(f"GITHUB_STEP_SUMMARY: {page}: can't be written: {error.strerror or error}") from error


def _details(differences: Sequence[Difference]) -> Iterator[str]:
    """Yield the changed lines, those that several takes share once."""
    places: dict[tuple[str, ...], list[str]] = {}
    for one in differences:
        if one.details:
            places.setdefault(tuple(one.details), []).append(f"{one.tool}: {one.persona}" if one.persona else one.tool)
    for details, all_named in places.items():
        named = [*dict.fromkeys(all_named)]
        more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
        yield f"\n{', '.join(named[:MOST_NAMED])}{more}:"
        yield from details
    yield from [""] if differences else []


def _last_line(found: Verification, where: Path) -> str:
    counted = found.counted
    if not found.differences:
        return f"{counted}: as recorded."
    folder = "" if where == Path() else f" {where}"
    ways = {
        "changed": f"to take the new outcome in: panel verify{folder} --accept",
        "no golden record": f"to take the new outcome in: panel verify{folder} --accept",
        "missing recording": (
            f"to ask for what is missing: panel record{folder}\n"
            f"  where only the form of a prompt changed: panel record{folder} --carry --persona ... --reason ..."
        ),
        "changed comparison": f"to take the new outcome in: panel verify{folder} --accept",
        "changed page": f"to write the page again, from its record: panel verify{folder} --accept",
    }
    kinds = dict.fromkeys(difference.kind for difference in found.differences)
    how = dict.fromkeys(ways[kind] for kind in kinds if kind in ways)
    return "\n".join([f"{counted}: {_counted(found.differences)}.", *(f"  {way}" for way in how)])


def _counted(differences: list[Difference]) -> str:
    kinds = [difference.kind for difference in differences]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))


def _in_github() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"


@contextmanager
def _unread_by_github() -> Iterator[None]:
    """Keep words of dossiers and takes from being read as commands of the workflow."""
    word = secrets.token_hex(16)
    if _in_github():
        typer.echo(f"::stop-commands::{word}")
    try:
        yield
    finally:
        if _in_github():
            typer.echo(f"::{word}::")


def _audited(path: Path) -> int:
    """Print what recomputing one record gives; return the exit code."""
    project = Project.open(path.parent, {"mode": "replay"})
    data = read_json(path)
    is_pair = isinstance(data, dict) and str(data.get("schema")).startswith("panel.comparison/")
    findings = asyncio.run((audit_pair if is_pair else audit)(project, path))
    with _unread_by_github():
        for finding in findings:
            typer.echo(on_one_line(_line(finding)))
    wrong = sum(finding.problem is not None for finding in findings)
    unchecked = sum(finding.unchecked is not None for finding in findings)
    left = f"; {unchecked} could not be recomputed with what is here" if unchecked else ""
    typer.echo(printable(f"{path}: {wrong or 'nothing'} differs in {len(findings) - unchecked} recomputations{left}."))
    return DIFFERENT if wrong else 0


def _line(finding: Finding) -> str:
    if finding.problem:
        return f"  differs: {finding.what}: {finding.problem}"
    return f"  not here: {finding.what}: {finding.unchecked}" if finding.unchecked else f"  same: {finding.what}"
