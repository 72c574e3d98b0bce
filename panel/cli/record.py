"""`panel record`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from panel.answer import NotAnAnswer, read_answer
from panel.cli.agreement import agreed
from panel.cli.exits import INTERRUPTED
from panel.cli.screen import Screen, paid
from panel.errors import InputError, RecordingMissing
from panel.golden.accept import accept
from panel.golden.bench import bench
from panel.golden.carry import Carry, carry, carry_of
from panel.golden.record import Filled, bound, moderate, price, record
from panel.golden.verify import outcome
from panel.llm.open import Providers
from panel.mode import announcement, ways_forward
from panel.project import Project
from panel.review import Ask
from panel.seating import Seating
from panel.shelf import ENDINGS, Shelved, named

app = typer.Typer(rich_markup_mode=None)

Moderated = tuple[list[Ask], list[str]]
"""What the moderator was asked, and which of these requests were asked now."""


@app.command(name="record")
def record_command(
    where: Annotated[
        list[str] | None, typer.Argument(metavar="[DIR|TOOLS]", help="A project, or dossiers; all tools if none.")
    ] = None,
    persona: Annotated[list[str] | None, typer.Option(help="Only this seat. Repeatable.")] = None,
    carries: Annotated[bool, typer.Option("--carry", help="Keep the old replies: only the form changed.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why they may be carried; it is written down.")] = None,
    ledger: Annotated[Path | None, typer.Option(help="The folder of recordings to write to.")] = None,
    model: Annotated[str | None, typer.Option(help="provider:name.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Go on without being asked.")] = False,
) -> None:
    """Ask for what the recordings lack, the price first; or carry replies over a change of form."""
    opened, tools = _opened(where or [], model)
    project = bench(opened, ledger)
    only = [project.persona(id).id for id in persona or []]
    screen = Screen()
    if carries:
        why = (reason or "").strip()
        if not only or not why:
            raise InputError(
                '--carry: say whose with --persona, and why the old replies still answer with --reason "..."'
            )
        raise typer.Exit(_carried(project, tools, only, why, yes))
    screen.say(announcement(project))
    raise typer.Exit(_recorded(project, tools, only, screen, yes))


def _opened(where: Sequence[str], model: str | None) -> tuple[Project, list[Shelved]]:
    """Return the project in a folder with all of its tools, or the project of tools that are named."""
    first = Path(where[0]) if where else Path()
    near = first if first.is_dir() else first.parent if first.suffix in ENDINGS else Path.cwd()
    project = Project.open(near, {"model": model})
    return project, named(project, [] if first.is_dir() else where)


def _recorded(project: Project, tools: Sequence[Shelved], only: Sequence[str], screen: Screen, yes: bool) -> int:
    """Say what it can cost, ask, and return the exit code."""
    estimate = asyncio.run(bound(project, tools, only, datetime.now(UTC)))
    for one in tools:
        if dropped := Seating.of(project, one.tool, ()).dropped:
            screen.say(f"note: {one.tool.slug}: {', '.join(dropped)}: the take that was accepted no longer holds")
    screen.say(price(estimate))
    if estimate.asked and not agreed(yes, "Ask"):
        return 0
    try:
        done, moderated = asyncio.run(_all(project, tools, only, screen))
    except RecordingMissing as error:
        raise RecordingMissing(f"{error}\n{ways_forward(project.settings)}") from error
    except KeyboardInterrupt:
        screen.say("Interrupted. What was answered is recorded.")
        return INTERRUPTED
    _sum_up(screen, done, moderated, asyncio.run(_begun(project, tools)))
    return 1 if any(seat.is_let_down for each in done for seat in each.seats) else 0


def _sum_up(screen: Screen, done: Sequence[Filled], moderated: Moderated, new: Sequence[str]) -> None:
    asks = [ask for each in done for seat in each.seats for ask in seat.asks]
    asked = [identity for each in done for identity in each.asked]
    screen.say(paid([*asks, *moderated[0]], [*asked, *moderated[1]]))
    screen.say(f"new golden records: {', '.join(new)}" if new else "Next: panel verify")


async def _begun(project: Project, tools: Sequence[Shelved]) -> list[str]:
    """Write a golden record for each tool that has none; those that there are never change here."""
    outcomes = [await outcome(project, one) for one in tools]
    return await accept(project, [each for each in outcomes if each.before is None], ())


async def _all(
    project: Project, tools: Sequence[Shelved], only: Sequence[str], screen: Screen
) -> tuple[list[Filled], Moderated]:
    done = []
    async with Providers(project.settings, project.prompts, screen.notice) as providers:
        for one in tools:
            with screen.seats(one.tool, project):
                done.append(await record(project, one, only, providers, screen.watch))
        return done, ([], []) if only else await moderate(project, providers)


def _carried(project: Project, tools: Sequence[Shelved], only: Sequence[str], reason: str, yes: bool) -> int:
    """Show what changed and what was said, and carry what is agreed to; return the exit code."""
    screen, count, refused = Screen(), 0, []
    for tool, id in [(tool, id) for tool in tools for id in only]:
        try:
            count += _carried_one(project, tool, id, reason, yes)
        except InputError as error:
            refused.append(str(error))
    screen.say(f"{count} carried. Next: panel verify" if count else "Nothing was carried.")
    if refused:
        raise InputError("\n".join(refused))
    return 0


def _carried_one(project: Project, tool: Shelved, id: str, reason: str, yes: bool) -> bool:
    one = carry_of(project, tool, project.persona(id))
    if one is None:
        return False
    _show(Screen(), one)
    if not agreed(yes, "Carry this reply"):
        return False
    asyncio.run(carry(project, one, reason))
    return True


def _show(screen: Screen, one: Carry) -> None:
    screen.say(f"{one.shelved.tool.name}: {one.persona.name}: the request differs in:")
    screen.say("\n".join(one.changes))
    for recording in one.old.values():
        screen.say("the reply was:")
        screen.say(_said(recording.reply.text))


def _said(reply: str) -> str:
    """Return what a critic said in a reply; the reply itself where it can't be read."""
    try:
        answer = read_answer(reply)
    except NotAnAnswer:
        return reply
    return f"    {answer.headline} ({answer.vote or 'abstains'})\n    {answer.take}"
