"""`panel compare`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from panel.cli import chart
from panel.cli.desk import AsJson, Runs
from panel.cli.screen import Screen, nearby, paid
from panel.cli.sheet import inert
from panel.comparison import Comparison
from panel.errors import InputError, RecordingMissing
from panel.llm.open import Providers
from panel.markdown import a_kind, answer_line, sentence
from panel.mode import announcement, answering, ways_forward
from panel.pipeline import Reviewed, review_tool
from panel.project import Project
from panel.publish.pairing import Moderator, Paired, kept, paired
from panel.publish.sides import sided
from panel.shelf import ENDINGS, named
from panel.tool import Tool

app = typer.Typer(rich_markup_mode=None)
_HELP = "The slug of a reviewed tool, or a dossier, which is reviewed on the way."


@app.command()
def compare(
    tool_a: Annotated[str, typer.Argument(help=_HELP, show_default=False)],
    tool_b: Annotated[str, typer.Argument(help="The other one.", show_default=False)],
    moderated: Annotated[
        bool, typer.Option("--moderator/--no-moderator", help="Ask one model when to pick which.")
    ] = True,
    model: Annotated[str | None, typer.Option(help="provider:name, such as openai:gpt-6.1-sol.")] = None,
    mode: Annotated[str | None, typer.Option(help="live, replay, fresh, or auto: live where there is a key.")] = None,
    runs: Runs = None,
    json: AsJson = False,
) -> None:
    """Put two reviews side by side, and say which tool to take."""
    project, slugs, dossiers = _opened((tool_a, tool_b), {"model": model, "mode": mode, "runs": runs})
    screen = Screen(to_stderr=json)
    if dossiers or moderated:
        screen.say(announcement(project))
    run = _Run(project, screen, moderated)
    try:
        done, paths = asyncio.run(run.compare(slugs, dossiers))
    except RecordingMissing as error:
        raise RecordingMissing(f"{error}\n{ways_forward(project.settings)}") from error
    _show(screen, done, paths)
    if json:
        screen.record(paths[0])
    raise typer.Exit(0 if all(reviewed.is_whole for reviewed in run.reviewed) else 1)


def _opened(tools: Sequence[str], flags: Mapping[str, object]) -> tuple[Project, list[str], list[Tool]]:
    """Return the project of two tools, their slugs, and those of them that were named by their dossiers."""
    files = [tool for tool in tools if Path(tool).suffix in ENDINGS]
    project = Project.open(Path(files[0]).parent if files else Path.cwd(), flags)
    dossiers = {file: named(project, [file])[0].tool for file in files}
    slugs = [dossiers[tool].slug if tool in dossiers else tool for tool in tools]
    if len(set(slugs)) < 2:
        raise InputError(f"name two different tools; {slugs[0]} can't stand beside itself")
    return project, slugs, [*dossiers.values()]


@dataclass(frozen=True)
class _Run:
    """One run of the command."""

    project: Project
    screen: Screen
    is_moderated: bool
    reviewed: list[Reviewed] = field(default_factory=list)
    """What was reviewed on the way."""

    async def compare(self, slugs: Sequence[str], dossiers: Sequence[Tool]) -> tuple[Paired, list[Path]]:
        """Return the comparison and what was written, after the tools that are dossiers were reviewed."""
        project = self.project
        async with Providers(project.settings, project.prompts, self.screen.notice) as providers:
            for tool in dossiers:
                with self.screen.seats(tool, project):
                    self.reviewed.append(await review_tool(project, tool, providers, (), self.screen.watch))
            sides = [sided(project, slug) for slug in slugs]
            name = project.moderator_model([side.review.tool for side in sides])
            asked = answering(name, project.settings, providers) if self.is_moderated else None
            moderator = Moderator(asked, name) if self.is_moderated else None
            done = await paired(project, sides[0], sides[1], moderator)
        return done, await kept(project, done.comparison)


def _show(screen: Screen, done: Paired, paths: Sequence[Path]) -> None:
    record, moderation = done.comparison, done.comparison.moderation
    if done.silent:
        screen.say(f"note: no moderator: {done.silent}")
    for complaint in moderation.dropped if moderation else ():
        screen.say(f"note: the moderator's words were left out: {complaint}")
    screen.say("")
    screen.show(inert(_answer(record)))
    screen.say("")
    for line in chart.of_comparison(record):
        screen.show(inert(line))
    screen.say("")
    clauses = _clauses(record)
    for clause in clauses:
        screen.indented(inert(Text(clause)), 2)
    if clauses:
        screen.say("")
    if moderation:
        screen.say(paid([moderation.ask], done.asked))
    screen.say("\n".join(str(nearby(path)) for path in paths))


def _answer(record: Comparison) -> Text:
    first, second = record.sides
    text = Text(answer_line(record), style="bold").append(f" {sentence(record.answer.why)}", style="not bold")
    for side in record.sides:
        verdict = side.verdict
        text.append(f"\n{side.name}: {verdict.label} · {verdict.ship} ship / {verdict.skip} skip", style="not bold")
    if not record.answer.substitutes:
        text.append(f"\nNot substitutes: {first.name} is {a_kind(first.kind)}, {second.name} is {a_kind(second.kind)}.")
    for difference in record.differences:
        text.append(f"\nNot made alike: {difference.text}.", style="not bold dim")
    return text


def _clauses(record: Comparison) -> list[str]:
    if record.moderation is None or not record.moderation.clauses[0]:
        return []
    lines = []
    for side, clauses in zip(record.sides, record.moderation.clauses, strict=True):
        lines.append(f"Pick {side.name} if")
        lines += [f"- {clause.text} ({', '.join(clause.takes)})" for clause in clauses]
    return lines
