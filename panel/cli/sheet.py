"""A record as a terminal shows it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal

import typer
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from panel.cli.pipe import silence
from panel.errors import printable
from panel.files import Json, readable
from panel.markdown import decimal, verdict_lines
from panel.review import Review, Seat
from panel.take import Rated, Take

COLOURS = {"ship": "green", "skip": "red", "Ship": "bold green", "Skip": "bold red"}
NAME_WIDTH = 10
WAITING = "waiting for a person"


class Unheard(Console):
    """A console that goes on in silence where its reader has left: what is being asked by then is paid for."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        silence(self.file)


def verdict_text(review: Review) -> Text:
    """Return the verdict and its disclosures, a line each, the label in its colour."""
    first, *others = verdict_lines(review)
    text = Text(first, style=COLOURS.get(review.verdict.label, "bold"))
    for line in others:
        text.append(f"\n{line}", style="default not bold")
    for disclosure in review.verdict.disclosures:
        about = f"{disclosure.kind}: {disclosure.text} ({', '.join(disclosure.personas)})"
        text.append(f"\n{about}", style="default not bold dim")
    return text


def inert(text: Text) -> Text:
    """Return a styled text with nothing in it that could steer a terminal: a seat may come from a stranger's record."""
    text.plain = printable(text.plain)
    return text


def print_json(data: Json) -> None:
    """Print data as JSON; what could steer a terminal is spelt out, which JSON reads as the same."""
    typer.echo(spelt(readable(data).decode()), nl=False)


def dollars(amount: Decimal | None) -> str:
    """Return an amount of US dollars to the cent, a small one to the hundredth of a cent; None is an unknown price."""
    if amount is None:
        return "an unknown price"
    form = ",.2f" if abs(amount) >= 1 or amount == 0 else ".4f"
    return f"{'-' if amount < 0 else ''}${abs(amount):{form}}"


def spelt(text: str) -> str:
    """Return the text of JSON with everything spelt out that could steer a terminal."""
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)


def seat_line(seat: Seat) -> Text:
    """Return a seat on one line: name, score, vote, headline; or why there is no take."""
    line = Text(f"  {seat.name:<{NAME_WIDTH}} ")
    if seat.take:
        line.append(f"{seat.take.score:>3} ").append(f"{seat.take.vote:<5}", style=COLOURS[seat.take.vote])
        return line.append(f" {seat.take.headline}")
    return line.append(f"  – {why_silent(seat)}", style="dim")


def why_silent(seat: Seat) -> str:
    """Return why a seat has no take: the kind of absence and the reason, or whom it waits for."""
    if seat.reason and seat.reason.startswith(WAITING):
        return seat.reason
    return f"{'not invited' if seat.status == 'unseated' else seat.absence}: {seat.reason}"


def show(review: Review, only: list[str], chart: Sequence[Text] = ()) -> None:
    """Print a record, with its `chart`; `only` names the personas whose takes are printed, all where it is empty."""
    console = Unheard(highlight=False, markup=False)
    tool = review.tool
    console.print(Text(f"{tool.name} {tool.version or ''}".strip(), style="bold"))
    console.print(Text(f"{tool.tagline} · {tool.maker} · {tool.category}, {tool.kind}"))
    console.print(verdict_text(review))
    if chart:
        console.print()
    for line in chart:
        console.print(line)
    for seat in review.seats:
        if only and seat.persona not in only:
            continue
        console.print()
        show_seat(seat, console)


def show_seat(seat: Seat, console: Console | None = None) -> None:
    """Print one seat: what it says with its ratings and quotes, or why there is no take."""
    console = console or Unheard(highlight=False, markup=False)
    console.print(seat_line(seat) if seat.take is None else seat_score(seat, seat.take))
    if seat.take:
        console.print(Padding(_take(seat.take), (0, 0, 0, 2)))


def seat_score(seat: Seat, take: Take) -> Text:
    """Return the name, score and vote of a seat that was heard."""
    return Text(f"  {seat.name} ", style="bold").append(f"{take.score} {take.vote}", style=COLOURS[take.vote])


def _take(take: Take) -> Group:
    said = Text(f"{take.headline}\n", style="italic").append(f"\n{take.text}\n", style="not italic")
    for label, text in _labels(take).items():
        said.append(f"\n{label}: ", style="dim not italic").append(text, style="not italic")
    flags = [Text(f"to check: {flag.text}", style="yellow") for flag in take.flags]
    return Group(said, Text(""), _ratings(take), *flags)


def _labels(take: Take) -> dict[str, str]:
    labels = {"Best for": take.best_for, "Not for": take.not_for, "Would change the vote": take.would_change_my_vote}
    if take.outside:
        labels["Not from the dossier"] = "; ".join(item.text for item in take.outside)
    if take.samples > 1:
        labels["Mean of"] = f"{take.samples} answers, {take.spread} points apart"
    if take.retakes:
        labels["Asked anew"] = f"{take.retakes} {'time' if take.retakes == 1 else 'times'} before it was accepted"
    if take.edited_by:
        labels["Words edited by"] = take.edited_by
    return labels


def _ratings(take: Take) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    quotes = {quote.id: quote for quote in take.evidence}
    for rated in take.ratings:
        why = Text(rated.why)
        for quote in (quotes[id] for id in rated.evidence if id in quotes):
            why.append(f"\n“{quote.quote}” ({quote.source})", style="dim")
        table.add_row(Text(rated.criterion, no_wrap=True), Text(_bar(rated), no_wrap=True), why)
    return table


def _bar(rated: Rated) -> str:
    if rated.rating is None:
        return "····  –"
    full = round(rated.rating)
    return f"{'■' * full}{'·' * (4 - full)}  {decimal(rated.rating)}{' (capped)' if rated.capped else ''}"
