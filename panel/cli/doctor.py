"""`panel doctor`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from panel.doctor import Checkup, Holdings, Key, Server, examine
from panel.errors import printable
from panel.estimate import Estimate, estimate
from panel.files import readable
from panel.project import Project
from panel.tool import read_tool

app = typer.Typer(rich_markup_mode=None)
MOST_MODELS = 6
"""So many models of a server are named."""


@app.command()
def doctor(
    tool: Annotated[
        Path | None, typer.Argument(metavar="[TOOL.YAML]", help="A dossier whose review is to be priced.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="provider:name, to price a review by another model.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON; it holds no key.")] = False,
) -> None:
    """Show keys, servers, settings, ledgers, what is wrong with them, and what a review would cost."""
    near = tool.parent if tool else Path.cwd()
    found = asyncio.run(examine(near))
    typer.echo(readable(found.as_json()).decode() if json else printable(_page(found)), nl=False)
    if tool and not found.faults:
        project = Project.open(near, {"model": model})
        priced = estimate(project, read_tool(tool, project.persona_ids), datetime.now(UTC))
        typer.echo(printable(_cost(tool, project, priced)), err=json)
    raise typer.Exit(2 if found.faults else 0)


def _page(found: Checkup) -> str:
    """Return what was found as people read it."""
    parts = {
        "versions": [f"{name} {number}" for name, number in found.versions.items()],
        "project": [found.project, f"on the panel: {', '.join(found.personas) or 'nobody'}"],
        "settings": [f"{each.key} = {each.value} ({each.origin})" for each in found.settings],
        "keys": [f"{key.variable} {key.state}" for key in found.keys if _is_telling(key)],
        "servers": list(map(_server, found.servers)),
        "ledgers": list(map(_ledger, found.ledgers)),
        "faults": list(found.faults) or ["none"],
    }
    return "".join(f"{title}\n" + "".join(f"  {line}\n" for line in lines) for title, lines in parts.items())


def _is_telling(key: Key) -> bool:
    """Return whether a key is worth a line: a server that needs none is not missing one."""
    return key.state != "not set" or not key.variable.startswith("PANEL_KEY_")


def _server(server: Server) -> str:
    return f"{server.name} {server.state} at {server.url}{_models(server.models)}"


def _ledger(ledger: Holdings) -> str:
    more = "" if ledger.is_whole else " and more (panel ledger verify looks at all)"
    return f"{ledger.folder}: {ledger.recordings} recordings{more}{'' if ledger.is_written else ', only read'}"


def _models(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - MOST_MODELS} more" if len(names) > MOST_MODELS else ""
    return f": {', '.join(names[:MOST_MODELS])}{more}" if names else ""


def _cost(tool: Path, project: Project, priced: Estimate) -> str:
    """Return what a review would take, in words."""
    head = f"a review of {tool}\n  {priced.invited} seats; {priced.kept} replies are in a ledger, {priced.asked} to ask"
    if not priced.asked:
        return f"{head}: nothing to pay"
    if priced.likely is None or priced.most is None:
        return f"{head}; no price is known for {project.settings.model}"
    return (
        f"{head}: about ${_cents(priced.likely)}, at most ${_cents(priced.most)} (every reply at its limit and mended)"
    )


def _cents(amount: Decimal) -> str:
    """Return an amount to the tenth of a cent."""
    return f"{amount:.3f}"
