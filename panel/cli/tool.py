"""`panel tool new|check`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, get_args

import typer
from pydantic import ValidationError

from panel.document import explain
from panel.errors import ToolError, printable
from panel.files import is_there
from panel.lint import lint
from panel.project import Project
from panel.record import Record
from panel.scaffold import write_dossier
from panel.tool import Dossier, Entry, Kind, Links, Pricing, Source, read_tool

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Begin a dossier, or check dossiers.")

_DOSSIER = {"name": "x", "category": "x", "kind": "other", "tagline": "x", "description": "x"}
_SOURCE = {"id": "x", "title": "x", "kind": "maker", "text": "x"}
"""What is sound beside the one field that is asked for."""

_KINDS, _ENTRIES = ", ".join(get_args(Kind)), ", ".join(get_args(Entry))


@app.command("new")
def new(
    path: Annotated[
        Path, typer.Argument(metavar="TOOL.YAML", help="Where the dossier is written.", show_default=False)
    ],
) -> None:
    """Ask for the fields of a dossier, and write it with comments. An empty answer takes what stands in brackets."""
    if is_there(path):
        raise ToolError.at(path, None, "", "is there already; choose another name, or edit it")
    fields: dict[str, object] = {
        "name": _ask(Dossier, _DOSSIER, "name", "Name"),
        "version": _ask(Dossier, _DOSSIER, "version", "Version, if there is one", ""),
        "maker": _ask(Dossier, _DOSSIER, "maker", "Maker", "not stated"),
        "category": _ask(Dossier, _DOSSIER, "category", "Category, such as Developer Tools"),
        "kind": _ask(Dossier, _DOSSIER, "kind", f"Kind ({_KINDS})"),
        "tagline": _ask(Dossier, _DOSSIER, "tagline", "The maker's one line"),
        "description": _ask(Dossier, _DOSSIER, "description", "The maker's account in your words"),
        "license": _ask(Dossier, _DOSSIER, "license", "License", "not stated"),
        "entry": _ask(Pricing, {}, "entry", f"Price to begin ({_ENTRIES})", "unknown"),
        "price": _ask(Pricing, {}, "text", "Price in words", "not stated"),
        "home": _ask(Links, {}, "home", "Home page", ""),
        "released": _ask(Dossier, _DOSSIER, "released", "Released, such as 2026-11-20", ""),
        "sources": _ask_for_sources(),
    }
    write_dossier(path, fields, _today())
    read_tool(path)
    typer.echo(printable(f"\n{path} is written. Next: panel tool check {path}"))


def _ask_for_sources() -> list[Mapping[str, str]]:
    typer.echo("\nSources, each quotable by its id. An empty id ends the list.")
    sources: list[Mapping[str, str]] = []
    while id := _ask(Source, _SOURCE, "id", f"Source {len(sources) + 1}: id, such as docs or benchmark", ""):
        sources.append(
            {
                "id": id,
                "title": _ask(Source, _SOURCE, "title", "  Title"),
                "url": _ask(Source, _SOURCE, "url", "  Address", ""),
                "kind": _ask(Source, _SOURCE, "kind", "  Kind (maker, independent, own_test)"),
                "dated": _ask(Source, _SOURCE, "dated", "  Dated, such as 2026-11-20", ""),
                "text": _ask(Source, _SOURCE, "text", "  What it says, in your words"),
            }
        )
    return sources


def _ask(model: type[Record], sound: Mapping[str, object], key: str, question: str, default: str | None = None) -> str:
    """Return an answer that its field takes, or the default; asks again, saying why, until there is one."""
    while True:
        answer: str = typer.prompt(question, default=default, show_default=bool(default)).strip()
        if answer == default:
            return answer
        try:
            model.model_validate({**sound, key: answer})
        except ValidationError as error:
            typer.echo(printable(f"  {key}: {explain(error.errors()[0])}"), err=True)
        else:
            return answer


@app.command("check")
def check(
    files: Annotated[list[Path], typer.Argument(metavar="TOOL.YAML...", help="Dossiers.", show_default=False)],
    strict: Annotated[bool, typer.Option("--strict", help="A remark is a fault too: exit 2.")] = False,
) -> None:
    """Check dossiers: every fault with its place, then what critics will miss, old price checks, empty promises."""
    faults, remarks = [], 0
    for path in files:
        project = Project.open(path.parent, {})
        try:
            found = lint(path, list(project.persona_ids), project.prompts.marketing, _today())
        except ToolError as error:
            faults.append(str(error))
            continue
        remarks += len(found)
        typer.echo(printable("\n".join([*map(str, found)] or [f"{path}: sound, and nothing to remark"])))
    if faults:
        raise ToolError("\n".join(faults))
    raise typer.Exit(2 if strict and remarks else 0)


def _today() -> date:
    return datetime.now(UTC).date()
