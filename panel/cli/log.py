"""`panel log`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

import typer

from panel.cli.desk import AsJson, Named, Runs, found
from panel.cli.sheet import print_json
from panel.desk.past import Made, came_to, takes, told
from panel.errors import on_one_line
from panel.files import Json
from panel.history import Event

app = typer.Typer(rich_markup_mode=None)


@app.command()
def log(
    tool: Named,
    persona: Annotated[str | None, typer.Option(help="Show only the takes of this critic.")] = None,
    runs: Runs = None,
    json: AsJson = False,
) -> None:
    """Show every take that a tool ever had, and what was done with them."""
    project, subject = found(tool, runs=runs)
    history, record = project.store.history(subject.slug), project.store.review(subject.slug)
    ids = [project.persona(persona).id] if persona else [each.id for each in project.panel]
    made = {id: takes(history, record, id) for id in ids}
    events = [event for event in history.events() if not persona or event.details.get("persona") == persona]
    if json:
        listed: list[Json] = [
            {"persona": id, "take": one.number, "current": one.is_current} for id in ids for one in made[id]
        ]
        lines: list[Json] = [{"at": event.at, "event": event.name, **event.details} for event in events]
        print_json({"takes": listed, "events": lines})
        return
    head = f"{subject.name} ({subject.slug})"
    typer.echo("\n".join(map(on_one_line, [head, *_takes(made), *map(_event, events)])))


def _takes(made: Mapping[str, Sequence[Made]]) -> Iterator[str]:
    for id, takes_of in made.items():
        for one in takes_of:
            yield f"  {id:<10} take {one.number}{_mark(one)}  {came_to(one)}"


def _event(event: Event) -> str:
    return f"  {event.at}  {event.name:<8} {told(event)}".rstrip()


def _mark(one: Made) -> str:
    return " *" if one.is_current else "  "
