"""`panel show`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from panel.cli import sheet
from panel.cli.chart import of_review
from panel.document import nearest, shown
from panel.errors import RecordError, printable
from panel.files import Json, is_there
from panel.history import History
from panel.names import SLUG
from panel.review import Review, Seat
from panel.settings import Settings
from panel.store import Store, read_review

app = typer.Typer(rich_markup_mode=None)


@app.command()
def show(
    tool: Annotated[
        str, typer.Argument(metavar="TOOL", help="The slug of a reviewed tool, or the path of a review.json.")
    ],
    persona: Annotated[list[str] | None, typer.Option(help="Show only this take. Repeatable.")] = None,
    take: Annotated[int | None, typer.Option(min=1, help="An earlier take of one critic, as panel log counts.")] = None,
    runs: Annotated[Path | None, typer.Option(help="Where records are.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the record as JSON.")] = False,
) -> None:
    """Print a record: the verdict, and what each critic says."""
    review = read_review(_path(tool, runs))
    _refuse_unknown(review, persona or [])
    shown = _taken(_path(tool, runs).parent, persona or [], take) if take else review
    if json:
        sheet.print_json(shown.as_json())
    elif isinstance(shown, Seat):
        sheet.show_seat(Seat.model_validate(_shown(shown.as_json())))
    else:
        whole = Review.model_validate(_shown(shown.as_json()))
        sheet.show(whole, persona or [], [] if persona else [*of_review(whole)])


def _refuse_unknown(review: Review, personas: list[str]) -> None:
    """Raise RecordError for a persona that has no seat in a review."""
    seats = [seat.persona for seat in review.seats]
    for id in personas:
        if id not in seats:
            hint = nearest(id, seats, "seats are")
            raise RecordError(f"--persona: no seat '{id}' in the review of {review.tool.name}{hint}")


def _taken(folder: Path, persona: list[str], number: int) -> Seat:
    """Return an earlier take of one critic."""
    if len(persona) != 1:
        raise RecordError("--take: takes are numbered by critic: say whose with one --persona")
    entries = History(folder).entries(persona[0])
    if number not in entries:
        known = f"there are {', '.join(map(str, entries))}" if entries else "there is none yet"
        raise RecordError(f"--take: no take {number} of {persona[0]}; {known}")
    return entries[number].seat


def _shown(data: Json) -> Json:
    """Return a record whose texts can't steer a terminal, whoever wrote them into it."""
    match data:
        case str():
            return printable(data)
        case list():
            return [_shown(item) for item in data]
        case dict():
            return {key: _shown(value) for key, value in data.items()}
    return data


def _path(tool: str, runs: Path | None) -> Path:
    """Return where the record of a tool is; a slug is looked up in `runs/`, a path is taken as it is."""
    if tool.endswith(".json"):
        return Path(tool)
    store = Store(Settings.load(Path.cwd(), {"runs": runs}).runs)
    slug = Path(tool).stem
    path = store.review_path(slug)
    if not SLUG.fullmatch(slug) or not is_there(path):
        reviewed = sorted(each.parent.name for each in store.folder.glob("*/review.json"))
        hint = nearest(slug, reviewed, "reviewed are") if reviewed else "; nothing is reviewed there yet"
        raise RecordError(f"no review of {shown(slug)} in {store.folder}{hint}")
    return path
