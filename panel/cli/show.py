"""`panel show`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from panel.cli import sheet
from panel.document import nearest, shown
from panel.errors import RecordError, printable
from panel.files import Json, is_there
from panel.names import SLUG
from panel.review import Review
from panel.settings import Settings
from panel.store import Store, read_review

app = typer.Typer(rich_markup_mode=None)


@app.command()
def show(
    tool: Annotated[
        str, typer.Argument(metavar="TOOL", help="The slug of a reviewed tool, or the path of a review.json.")
    ],
    persona: Annotated[list[str] | None, typer.Option(help="Show only this take. Repeatable.")] = None,
    runs: Annotated[Path | None, typer.Option(help="Where records are.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the record as JSON.")] = False,
) -> None:
    """Print a record: the verdict, and what each critic says."""
    review = read_review(_path(tool, runs))
    seats = [seat.persona for seat in review.seats]
    for id in persona or []:
        if id not in seats:
            raise RecordError(
                f"--persona: no seat '{id}' in the review of {review.tool.name}{nearest(id, seats, 'seats are')}"
            )
    if json:
        sheet.print_json(review.as_json())
        return
    sheet.show(Review.model_validate(_shown(review.as_json())), persona or [])


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
