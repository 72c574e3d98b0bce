"""The screen: what a run looks like in a terminal, and in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.spinner import Spinner
from rich.text import Text

from panel.cli.pipe import silence
from panel.cli.sheet import NAME_WIDTH, WAITING, Unheard, inert, seat_line, spelt, verdict_text
from panel.errors import printable
from panel.persona import Persona
from panel.pipeline import Reviewed
from panel.project import Project
from panel.request import Attempt, Request
from panel.review import Ask, Seat
from panel.tool import Tool


class Screen:
    """Prints the story of one run: a live line a seat in a terminal, a line when each is done in a pipe."""

    def __init__(self, to_stderr: bool = False) -> None:
        self.console = Unheard(stderr=to_stderr, highlight=False, markup=False)
        self.console.soft_wrap = not self.console.is_terminal
        self.lines: dict[str, Text | Spinner] = {}
        self.names: dict[str, str] = {}
        self.live: Live | None = None

    def say(self, text: str) -> None:
        """Print one line of text as it is."""
        self.console.print(Text(printable(text)))

    @contextmanager
    def seats(self, tool: Tool, project: Project) -> Iterator[None]:
        """Show the seats of a tool while they are asked."""
        uninvited = [p for p in project.panel if p.id in tool.seats or p.not_invited(tool.kind, tool.category)]
        seats = f"{len(project.panel) - len(uninvited)} of {len(project.panel)} seats invited"
        self.say(f"{tool.name} ({tool.slug}) · {seats}")
        for passage in tool.addressed:
            self.say(f"  note: a passage in {passage.field} addresses a reviewer; it is kept out of the evidence")
        for kind, count in tool.removed.items():
            self.say(f"  note: hidden text removed from the dossier: {kind}, {count}")
        if not self.console.is_terminal:
            yield
            return
        with Live(Group(), console=self.console, transient=False, refresh_per_second=8) as self.live:
            yield

    def watch(self, persona: Persona, seat: Seat | None) -> None:
        """Show that a seat is asked, or what came of it."""
        self.names[persona.id] = persona.name
        if seat is None:
            self.lines[persona.id] = Spinner("dots", text=Text(f"{persona.name:<{NAME_WIDTH}} asking"))
        else:
            self.lines[persona.id] = inert(seat_line(seat))
        self._draw(persona.id, finished=seat is not None)

    def notice(self, request: Request, attempt: Attempt) -> None:
        """Show that a request met a fault and is tried again."""
        id = request.label.persona
        text = f"{self.names.get(id, id):<{NAME_WIDTH}} attempt {attempt.number}: {attempt.error}"
        self.lines[id] = Spinner("dots", text=Text(text)) if self.live else Text(f"  {text}")
        self._draw(id, finished=True)

    def record(self, path: Path) -> None:
        """Print a record on stdout as it stands in its file; what could steer a terminal is spelt out."""
        try:
            typer.echo(spelt(path.read_text(encoding="utf-8")), nl=False)
        except BrokenPipeError:
            silence(sys.stdout)

    def _draw(self, id: str, finished: bool) -> None:
        if self.live:
            self.live.update(Group(*self.lines.values()))
        elif finished:
            self.console.print(self.lines[id])

    def summary(self, done: Reviewed) -> None:
        """Print the verdict, what the run cost, and where the record is."""
        for text in dict.fromkeys(note.text for note in done.notes):
            personas = ", ".join(note.persona for note in done.notes if note.text == text)
            self.say(f"  note: {personas}: {text}")
        self._verdict(done)
        self.say(receipt(done))
        reasons = [*(seat.reason or "" for seat in done.review.seats), *(note.text for note in done.notes)]
        if any(WAITING in reason for reason in reasons):
            folder = nearby(done.paths[0].parent.parent)
            self.say(
                f"Paste the sheets in {folder}/outbox into a chat, save the replies in {folder}/inbox, run this again."
            )
        self._paths(done)

    def written(self, done: Reviewed) -> None:
        """Print the verdict of a record that was written without asking anybody, and where it is."""
        self._verdict(done)
        self._paths(done)

    def show(self, what: RenderableType) -> None:
        """Print something that has a form of its own; texts in it must be inert."""
        self.console.print(what)

    def indented(self, text: Text, by: int) -> None:
        """Print a text so far from the margin: wrapped in a terminal, on one line in a pipe."""
        if self.console.is_terminal:
            self.console.print(Padding(text, (0, 0, 0, by)))
        else:
            self.console.print(Text(" " * by).append_text(text))

    @property
    def is_coloured(self) -> bool:
        """True where colours can be seen."""
        return self.console.color_system is not None and not self.console.no_color

    def _verdict(self, done: Reviewed) -> None:
        self.say("")
        self.console.print(inert(verdict_text(done.review)))

    def _paths(self, done: Reviewed) -> None:
        self.say("\n".join(str(nearby(path)) for path in done.paths))


def nearby(path: Path) -> Path:
    """Return a path as somebody in the working folder would write it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def receipt(done: Reviewed) -> str:
    """Return how many replies came from where, and what was paid in this run."""
    asks = [ask for seat in done.review.seats for ask in seat.asks]
    return paid(asks, done.asked)


def paid(asks: Sequence[Ask], now: Sequence[str]) -> str:
    """Return where the replies to `asks` came from, and what those to the requests asked `now` cost."""
    asked = [ask for ask in asks if ask.request in now]
    costs = [ask.cost_usd for ask in asked]
    total = f"${sum((Decimal(cost) for cost in costs if cost), Decimal(0)).normalize():f}"
    if None in costs:
        total += f" and {costs.count(None)} of unknown price"
    kept = len(asks) - len(asked)
    return f"{kept} {'reply' if kept == 1 else 'replies'} from the ledger, {len(asked)} asked now, {total} paid"
