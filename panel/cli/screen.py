"""The screen: what a run and a record look like in a terminal, and in a pipe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from panel.markdown import decimal, verdict_lines
from panel.money import plain
from panel.persona import Persona
from panel.pipeline import Reviewed
from panel.project import Project
from panel.request import Attempt, Request
from panel.review import Review, Seat
from panel.take import Rated, Take
from panel.tool import Tool

_COLOURS = {"ship": "green", "skip": "red", "Ship": "bold green", "Skip": "bold red"}
_NAME = 10


class Screen:
    """Prints the story of one run: a live line a seat in a terminal, a line when each is done in a pipe."""

    def __init__(self, to_stderr: bool = False) -> None:
        self.console = Console(stderr=to_stderr, highlight=False, markup=False, soft_wrap=True)
        self.lines: dict[str, Text | Spinner] = {}
        self.names: dict[str, str] = {}
        self.live: Live | None = None

    def say(self, text: str) -> None:
        """Print one line of text as it is."""
        self.console.print(Text(text))

    @contextmanager
    def seats(self, tool: Tool, project: Project) -> Iterator[None]:
        """Show the seats of a tool while they are asked."""
        uninvited = [p for p in project.panel if p.id in tool.seats or p.not_invited(tool.kind, tool.category)]
        seats = f"{len(project.panel) - len(uninvited)} of {len(project.panel)} seats invited"
        self.say(f"{tool.name} ({tool.slug}) · {seats} · {project.settings.model}")
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
            self.lines[persona.id] = Spinner("dots", text=Text(f"{persona.name:<{_NAME}} asking"))
        else:
            self.lines[persona.id] = seat_line(seat)
        self._draw(persona.id, finished=seat is not None)

    def notice(self, request: Request, attempt: Attempt) -> None:
        """Show that a request met a fault and is tried again."""
        id = request.label.persona
        text = f"{self.names.get(id, id):<{_NAME}} attempt {attempt.number}: {attempt.error}"
        self.lines[id] = Spinner("dots", text=Text(text)) if self.live else Text(f"  {text}")
        self._draw(id, finished=True)

    def _draw(self, id: str, finished: bool) -> None:
        if self.live:
            self.live.update(Group(*self.lines.values()))
        elif finished:
            self.console.print(self.lines[id])

    def summary(self, done: Reviewed) -> None:
        """Print the verdict, what the run cost, and where the record is."""
        for id in done.dropped:
            self.say(f"  note: the accepted take of {id} no longer holds: dossier or persona changed since")
        self.say("")
        for place, line in enumerate(verdict_lines(done.review)):
            self.console.print(Text(line, style=_COLOURS.get(done.review.verdict.label, "bold") if place == 0 else ""))
        for disclosure in done.review.verdict.disclosures:
            self.say(f"{disclosure.kind}: {disclosure.text} ({', '.join(disclosure.personas)})")
        self.say(receipt(done))
        self.say("\n".join(str(path) for path in done.paths))


def receipt(done: Reviewed) -> str:
    """Return how many replies came from where, and what was paid in this run."""
    asks = [ask for seat in done.review.seats for ask in seat.asks]
    asked = [ask for ask in asks if ask.request in done.asked]
    costs = [ask.cost_usd for ask in asked]
    paid = f"${plain(sum((Decimal(cost) for cost in costs if cost), Decimal(0)))}"
    if None in costs:
        paid += f" and {costs.count(None)} of unknown price"
    return f"{len(asks) - len(asked)} replies from the ledger, {len(asked)} asked now, {paid} paid"


def seat_line(seat: Seat) -> Text:
    """Return a seat on one line: name, score, vote, headline; or why there is no take."""
    line = Text(f"  {seat.name:<{_NAME}} ")
    if seat.take:
        line.append(f"{seat.take.score:>3} ").append(f"{seat.take.vote:<5}", style=_COLOURS[seat.take.vote])
        return line.append(f" {seat.take.headline}")
    state = "not invited" if seat.status == "unseated" else str(seat.absence)
    return line.append(f"  – {state}: {seat.reason}", style="dim")


def show(review: Review, only: list[str]) -> None:
    """Print a record; `only` names the personas whose takes are printed, all where it is empty."""
    console = Console(highlight=False, markup=False)
    tool = review.tool
    console.print(Text(f"{tool.name} {tool.version or ''}".strip(), style="bold"))
    console.print(Text(f"{tool.tagline} · {tool.maker} · {tool.category}, {tool.kind}"))
    for place, line in enumerate(verdict_lines(review)):
        console.print(Text(line, style=_COLOURS.get(review.verdict.label, "bold") if place == 0 else ""))
    for seat in review.seats:
        if not only or seat.persona in only:
            console.print()
            console.print(seat_line(seat))
            if seat.take:
                console.print(Padding(_take(seat.take), (0, 0, 0, 4)))
    console.print()
    for disclosure in review.verdict.disclosures:
        console.print(Text(f"{disclosure.kind}: {disclosure.text} ({', '.join(disclosure.personas)})", style="dim"))


def _take(take: Take) -> Group:
    said = Text(f"{take.text}\n")
    labelled = (
        ("Best for", take.best_for),
        ("Not for", take.not_for),
        ("Would change the vote", take.would_change_my_vote),
    )
    for label, text in labelled:
        said.append(f"\n{label}: ", style="dim").append(text)
    if take.outside:
        said.append("\nNot from the dossier: ", style="dim").append("; ".join(item.text for item in take.outside))
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    quotes = {quote.id: quote for quote in take.evidence}
    for rated in take.ratings:
        cited = [quotes[id] for id in rated.evidence if id in quotes]
        rests = "\n".join(f"“{quote.quote}” ({quote.source})" for quote in cited)
        table.add_row(Text(rated.criterion), Text(_bar(rated)), Text(rated.why), Text(rests, style="dim"))
    flags = [Text(f"to check: {flag.text}", style="yellow") for flag in take.flags]
    return Group(said, Text(""), table, *flags)


def _bar(rated: Rated) -> str:
    if rated.rating is None:
        return "····  –"
    full = round(rated.rating)
    return f"{'■' * full}{'·' * (4 - full)}  {decimal(rated.rating)}{' (capped)' if rated.capped else ''}"
