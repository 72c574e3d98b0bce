"""`panel prompt`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from panel.errors import printable
from panel.files import Json, readable
from panel.project import Project
from panel.request import Request
from panel.tool import read_tool

app = typer.Typer(rich_markup_mode=None)


@app.command()
def prompt(
    tool: Annotated[Path, typer.Argument(metavar="TOOL.YAML", help="The dossier of the tool.", show_default=False)],
    persona: Annotated[str, typer.Option(help="Which critic.")],
    model: Annotated[str | None, typer.Option(help="provider:name.")] = None,
    sample: Annotated[int, typer.Option(min=1, help="Which of several independent answers.")] = 1,
    json: Annotated[
        bool, typer.Option("--json", help="Print the request as JSON, as its identity is taken over.")
    ] = False,
) -> None:
    """Print the exact request that a critic would get."""
    project = Project.open(tool.parent, {"model": model})
    subject = read_tool(tool, project.persona_ids)
    request = project.question(subject, project.persona(persona)).request(sample)
    typer.echo(readable(request.identified).decode() if json else printable(_page(request)), nl=False)


def _page(request: Request) -> str:
    """Return a request as people read it, one part under another."""
    schema: Json = dict(request.reply_schema)
    limits = ", ".join(f"{key} {value}" for key, value in request.parameters.model_dump().items() if value is not None)
    blocks = [
        ("user block, cached up to here" if block.cache else "user block", block.text) for block in request.blocks
    ]
    parts = [("system", request.system), *blocks, ("reply schema", readable(schema).decode().strip())]
    head = f"{request.identity}\n{request.model}, {limits}, sample {request.sample}\n"
    return head + "".join(f"\n──── {name} ────\n\n{text}\n" for name, text in parts)
