"""`panel schema`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from pydantic.json_schema import JsonSchemaMode

from panel.choices import Choices
from panel.community import Votes
from panel.comparison import Comparison
from panel.desk.approval import Approval
from panel.files import Json, readable
from panel.history import Entry
from panel.llm.recording import Recording
from panel.persona import Persona
from panel.record import Record
from panel.review import Review
from panel.statistics.figures import Statistics
from panel.tool import Dossier

app = typer.Typer(rich_markup_mode=None)


class Kind(StrEnum):
    """What there is a schema of."""

    REVIEW = "review"
    COMPARISON = "comparison"
    VOTES = "votes"
    RECORDING = "recording"
    CHOICES = "choices"
    TAKE = "take"
    APPROVAL = "approval"
    STATISTICS = "statistics"
    TOOL = "tool"
    PERSONA = "persona"


_MODELS: dict[Kind, tuple[type[Record], JsonSchemaMode]] = {
    Kind.REVIEW: (Review, "serialization"),
    Kind.COMPARISON: (Comparison, "serialization"),
    Kind.VOTES: (Votes, "validation"),
    Kind.RECORDING: (Recording, "serialization"),
    Kind.CHOICES: (Choices, "serialization"),
    Kind.TAKE: (Entry, "serialization"),
    Kind.APPROVAL: (Approval, "serialization"),
    Kind.STATISTICS: (Statistics, "serialization"),
    Kind.TOOL: (Dossier, "validation"),
    Kind.PERSONA: (Persona, "validation"),
}


@app.command()
def schema(kind: Annotated[Kind, typer.Argument(help="Of what.")]) -> None:
    """Print the JSON Schema of a record or of a file that people write."""
    model, mode = _MODELS[kind]
    whole: dict[str, Json] = model.model_json_schema(by_alias=True, mode=mode)
    typer.echo(readable({"$schema": "https://json-schema.org/draft/2020-12/schema", **whole}).decode(), nl=False)
