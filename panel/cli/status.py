"""`panel status`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import typer

from panel.cli.desk import AsJson, Runs, Tools, all_found
from panel.cli.sheet import print_json
from panel.desk.approval import approval_of, void
from panel.desk.status import SeatStatus, ToolStatus, status
from panel.errors import on_one_line
from panel.project import Project
from panel.shelf import Shelved

app = typer.Typer(rich_markup_mode=None)


@app.command(name="status")
def status_command(
    tools: Tools = None,
    runs: Runs = None,
    json: AsJson = False,
) -> None:
    """Show which seats are stale and why, and what a refresh would cost."""
    project, shelved = all_found(tools, runs)
    found = asyncio.run(_all(project, shelved))
    if json:
        print_json([one.as_json() for one in found])
        return
    for one, where in zip(found, shelved, strict=True):
        typer.echo("\n".join(map(on_one_line, [_head(one, project, where), *_seats(one)])))
    typer.echo(_total(found))


async def _all(project: Project, shelved: Sequence[Shelved]) -> list[ToolStatus]:
    at = datetime.now(UTC)
    return [await status(project, one, at) for one in shelved]


def _head(one: ToolStatus, project: Project, where: Shelved) -> str:
    approval = approval_of(project, one.tool)
    why = approval and void(approval, project.store.review(one.tool), where.tool)
    signed = f" · approved by {approval.by}{f' (void: {why})' if why else ''}" if approval else ""
    return f"{one.tool} · {one.label or 'not reviewed'}{signed}{'' if one.stale else ' · fresh'}"


def _seats(one: ToolStatus) -> list[str]:
    """Return a line for each reason, with the seats that are stale for it."""
    reasons = dict.fromkeys((seat.why, seat.locked) for seat in one.stale)
    lines = []
    for why, locked in reasons:
        names = [seat.persona for seat in one.stale if (seat.why, seat.locked) == (why, locked)]
        lines.append(f"  {', '.join(names)}{' (locked)' if locked else ''}: {why}")
    touched = [f"  touches {', '.join(one.comparisons)}"] if one.stale and one.comparisons else []
    return lines + touched


def _total(found: Sequence[ToolStatus]) -> str:
    stale = [seat for one in found for seat in one.stale]
    if not stale:
        return "Nothing is stale."
    seats = f"{len(stale)} stale {'seat' if len(stale) == 1 else 'seats'}"
    return f"{seats}: a refresh takes {_refresh(stale)}."


def _refresh(stale: Sequence[SeatStatus]) -> str:
    """Return how many requests a refresh would ask, and what they would cost."""
    costs, asks = [seat.cost_usd for seat in stale], sum(seat.asks for seat in stale)
    if not asks:
        return "nothing that is paid for"
    about = sum((Decimal(cost) for cost in costs if cost), Decimal(0))
    unknown = " and an unknown price" if None in costs else ""
    return f"{asks} {'request' if asks == 1 else 'requests'}, about ${about:.3f}{unknown}"
