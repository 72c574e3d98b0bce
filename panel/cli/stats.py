"""`panel stats`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from panel.cli import figures
from panel.cli.desk import AsJson, Runs
from panel.cli.sheet import print_json
from panel.document import MOST_FAULTS, nearest, shown
from panel.errors import RecordError
from panel.files import is_file, is_folder
from panel.names import SLUG
from panel.review import Review
from panel.settings import FILE, Settings
from panel.statistics.catalogue import require_numpy, statistics
from panel.store import Store, read_review

app = typer.Typer(rich_markup_mode=None)


@app.command()
def stats(
    tools: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TOOLS]", help="Slugs, records, or folders of records; all of the project if none."),
    ] = None,
    runs: Runs = None,
    json: AsJson = False,
) -> None:
    """Tell how each critic votes over many reviews, how far critics agree, how alike they write."""
    require_numpy()
    faults: list[str] = []
    found = statistics(_read(_records(tools or [], runs), faults))
    if found.tools and json:
        print_json(found.as_json())
    elif found.tools:
        figures.show(found)
    if faults:
        more = [f"and {len(faults) - MOST_FAULTS} more records"] if len(faults) > MOST_FAULTS else []
        raise RecordError("\n".join([*faults[:MOST_FAULTS], *more]))


def _read(records: Sequence[Path], faults: list[str]) -> Iterator[Review]:
    """Yield the review in each record, one of each tool; what can't be read is added to the faults."""
    seen: dict[str, Path] = {}
    for path in records:
        try:
            review = read_review(path)
        except RecordError as error:
            faults.append(str(error))
            continue
        first = seen.setdefault(review.tool.slug, path)
        if first is path:
            yield review
        else:
            problem = f"is {review.tool.slug}, as in {first}; one record of a tool counts"
            faults.append(str(RecordError.at(path, None, "tool.slug", problem)))


def _records(tools: Sequence[str], runs: Path | None) -> list[Path]:
    """Return the records that people name, each once; those of the project where none is named."""
    store = Store(Settings.load(Path.cwd(), {"runs": runs}).runs)
    found = [path for tool in tools for path in _named(tool, store)] if tools else _all(store)
    unique: dict[str, Path] = {}
    for path in found:
        unique.setdefault(os.path.realpath(path), path)
    return [*unique.values()]


def _named(tool: str, store: Store) -> list[Path]:
    if tool.endswith(".json"):
        return [Path(tool)]
    if SLUG.fullmatch(tool) and is_file(store.review_path(tool)):
        return [store.review_path(tool)]
    folder = Path(tool)
    if not is_folder(folder):
        hint = nearest(tool, store.slugs, "reviewed are") if store.slugs else "; nothing is reviewed there yet"
        raise RecordError(f"no review of {shown(tool)} in {store.folder}, and no folder of this name{hint}")
    return _all(Store(Settings.load(folder, {}).runs if is_file(folder / FILE) else folder))


def _all(store: Store) -> list[Path]:
    slugs = store.slugs
    if not slugs:
        raise RecordError.at(store.folder, None, "", "there are no records; review a tool first, or name their folder")
    return [store.review_path(slug) for slug in slugs]
