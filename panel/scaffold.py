"""The scaffold of what people begin with: a project of one's own, a dossier."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from panel.errors import ToolError
from panel.files import write_new
from panel.project import packaged

FIRST = "smollm3.yaml"
"""The dossier that a new project begins with."""

_TEMPLATES = Path(__file__).parent / "templates" / "project"


@dataclass(frozen=True)
class Placed:
    """One file of a scaffold."""

    path: Path
    is_new: bool
    """False where there was one already, which stays as it is."""


def scaffold(folder: Path) -> list[Placed]:
    """Write a project into `folder`, and return its files; what is there already is left alone.

    Raises RecordError where a file can't be written.
    """
    return [Placed(folder / name, write_new(folder / name, content)) for name, content in _contents()]


def _contents() -> Iterator[tuple[str, bytes]]:
    yield "panel.toml", (_TEMPLATES / "panel.toml").read_bytes()
    for persona in sorted(packaged("personas").glob("*.md")):
        yield f"personas/{persona.name}", persona.read_bytes()
    yield f"tools/{FIRST}", (packaged("examples") / FIRST).read_bytes()
    yield ".github/workflows/panel.yml", (_TEMPLATES / "workflow.yml").read_bytes()
    yield ".gitignore", (_TEMPLATES / "gitignore").read_bytes()


LINE_WIDTH = 118


def write_dossier(path: Path, fields: Mapping[str, object], today: date) -> None:
    """Write a dossier with comments, from the answers to its questions.

    Raises ToolError where there is a file already, RecordError where it can't be written.
    """
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        autoescape=False,  # noqa: S701 - YAML, not HTML; every value goes through a filter that quotes it
        keep_trailing_newline=True,
    )
    environment.filters |= {"quoted": quoted, "folded": folded}
    text = environment.get_template("tool.yaml.j2").render(**fields, today=today)
    if not write_new(path, text.encode()):
        raise ToolError.at(path, None, "", "is there already; choose another name, or edit it")


def quoted(text: str) -> str:
    """Return a text as YAML spells it on one line, whatever is in it."""
    return json.dumps(" ".join(text.split()), ensure_ascii=False)


def folded(text: str, indent: int = 2) -> str:
    """Return a text as the lines of a folded YAML block."""
    lines = textwrap.wrap(" ".join(text.split()), LINE_WIDTH - indent, break_on_hyphens=False, break_long_words=False)
    return textwrap.indent("\n".join(lines), " " * indent)
