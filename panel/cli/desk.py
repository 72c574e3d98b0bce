"""What the commands of the desk share: how a tool is found, how words that changed are shown."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from panel.change import Span
from panel.cli.screen import Screen
from panel.cli.sheet import inert
from panel.desk.approval import voided
from panel.errors import InputError, on_one_line
from panel.files import is_file
from panel.pipeline import Reviewed
from panel.project import Project
from panel.settings import FILE
from panel.shelf import ENDINGS, Shelved, named
from panel.text import clean
from panel.tool import Tool

Named = Annotated[
    str, typer.Argument(metavar="TOOL", help="A dossier, or the slug of one in the project.", show_default=False)
]
Tools = Annotated[
    list[str] | None, typer.Argument(metavar="[TOOLS]", help="Dossiers or slugs, or a project; all if none.")
]
Runs = Annotated[Path | None, typer.Option(help="Where records and the ledger are.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")]
By = Annotated[str, typer.Option(help="Your name; it is written down.")]

STYLES = {"same": "", "gone": "red strike", "new": "green"}
MARKS = {"same": ("", ""), "gone": ("[-", "-]"), "new": ("{+", "+}")}


def found(tool: str, **flags: object) -> tuple[Project, Tool]:
    """Return the project that a tool belongs to, and the tool."""
    near = Path(tool).parent if Path(tool).suffix in ENDINGS else Path.cwd()
    project = Project.open(near, flags)
    return project, named(project, [tool])[0].tool


def all_found(tools: list[str] | None, runs: Path | None) -> tuple[Project, list[Shelved]]:
    """Return the project and the tools that are named, all of its own where none is."""
    if tools and tools[0] and len(tools) == 1 and is_file(Path(tools[0]) / FILE):
        project = Project.open(Path(tools[0]), {"runs": runs})
        return project, named(project, [])
    paths = [Path(tool) for tool in tools or [] if Path(tool).suffix in ENDINGS]
    project = Project.open(paths[0].parent if paths else Path.cwd(), {"runs": runs})
    return project, named(project, tools or [])


def signed(by: str) -> str:
    """Return the name of whoever does something; raises InputError where there is none."""
    if name := on_one_line(clean(by).text):
        return name
    raise InputError("--by: write your name")


def show_words(screen: Screen, name: str, spans: Sequence[Span]) -> None:
    """Print a text that changed: its name, then its words; one that is wholly new stands below the old one."""
    screen.show(Text(f"  {name.replace('_', ' ')}", style="dim"))
    whole = len(spans) == 2 and "same" not in (spans[0].kind, spans[1].kind)
    for part in [spans[:1], spans[1:]] if whole else [spans]:
        screen.indented(inert(words(part, coloured=screen.is_coloured)), 4)


def words(spans: Sequence[Span], *, coloured: bool) -> Text:
    """Return runs of words, those that went and came in colour, or between marks where there is none."""
    text = Text()
    for span in spans:
        lead = span.text[: len(span.text) - len(span.text.lstrip())] or (" " if text.plain else "")
        before, after = ("", "") if coloured else MARKS[span.kind]
        text.append(lead).append(f"{before}{span.text.strip()}{after}", style=STYLES[span.kind])
    return text


def tell(screen: Screen, project: Project, tool: Tool, done: Reviewed) -> None:
    """Print the verdict that was written, and what became of the approval."""
    screen.written(done)
    tell_if_void(screen, project, tool)


def tell_if_void(screen: Screen, project: Project, tool: Tool) -> None:
    """Print why the approval of a tool no longer holds, where it does not."""
    if sentence := asyncio.run(voided(project, tool)):
        screen.say(f"note: {sentence}")
