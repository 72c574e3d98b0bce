"""`panel diff`."""

from __future__ import annotations

from typing import Annotated

import typer

from panel.change import SeatChange, prose_changed
from panel.cli.desk import Named, Runs, found, show_words
from panel.cli.screen import Screen
from panel.desk.past import between, takes
from panel.errors import InputError

app = typer.Typer(rich_markup_mode=None)


@app.command()
def diff(
    tool: Named,
    old: Annotated[int | None, typer.Argument(metavar="[OLD]", min=1, help="A take; the last but one if none.")] = None,
    new: Annotated[int | None, typer.Argument(metavar="[NEW]", min=1, help="A take; the one in the record.")] = None,
    persona: Annotated[str | None, typer.Option(help="Whose takes; every critic who has two.")] = None,
    runs: Runs = None,
) -> None:
    """Show what changed between two takes of a critic."""
    if old and not persona:
        raise InputError("takes are numbered by critic: say whose with --persona")
    project, subject = found(tool, runs=runs)
    history, record = project.store.history(subject.slug), project.store.review(subject.slug)
    screen, shown = Screen(), 0
    for id in [project.persona(persona).id] if persona else [each.id for each in project.panel]:
        made = takes(history, record, id)
        if persona or len(made) > 1:
            _show(screen, between(history, made, id, (old, new)))
            shown += 1
    if not shown:
        screen.say(f"{subject.slug}: no critic has two takes.")


def _show(screen: Screen, change: SeatChange) -> None:
    before, after = (seat.take if seat else None for seat in (change.before, change.after))
    screen.say(change.meaning if change.before != change.after else f"{change.seat.name}: the same")
    for name, spans in prose_changed(before, after).items():
        show_words(screen, name, spans)
    screen.say("")
