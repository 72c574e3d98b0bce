"""An audit of a comparison: recomputed from what it holds, from its reviews, and from the moderator's recording."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from panel.comparison import Comparison
from panel.errors import RecordError, RecordingMissing
from panel.files import LARGEST_RECORD, is_file, read_bytes, readable
from panel.golden.audit import Finding, page_beside
from panel.golden.pairs import again
from panel.markdown import comparison_page
from panel.project import Project
from panel.record import digest, read_record
from panel.review import Review
from panel.take import score, vote
from panel.verdict import RULES


async def audit_pair(project: Project, path: Path) -> list[Finding]:
    """Return what recomputing a comparison gives, offline: its bytes, scores, votes, answer, prose, page.

    The reviews are looked for beside it, where Panel writes them. Raises RecordError where the file is no comparison.
    """
    record = read_record(path, Comparison)
    same = read_bytes(path, LARGEST_RECORD, RecordError) == readable(record.as_json())
    other = None if record.rules == RULES else f"it was made by rules {record.rules}, and these are rules {RULES}"
    return [
        Finding("the file is written as Panel writes it", None if same else "its bytes are others"),
        Finding("it was made by the rules of this version", None, other),
        *_takes(record),
        await _whole(project, record, path),
        *page_beside(path, comparison_page(record)),
    ]


def _takes(record: Comparison) -> Iterator[Finding]:
    for row in record.scorecard:
        for side, cell in zip(record.sides, row.cells, strict=True):
            if cell.take:
                total = score(cell.take.ratings)
                right = (total, vote(total, cell.threshold or 0))
                wrong = None if right == (cell.take.score, cell.take.vote) else f"they give {right[0]} {right[1]}"
                yield Finding(f"{row.name} on {side.name}: score and vote follow from the ratings", wrong)


async def _whole(project: Project, record: Comparison, path: Path) -> Finding:
    """Return whether the two reviews, and the moderator's recorded reply, give this comparison."""
    what = "the reviews and the moderator's reply give this comparison"
    reviews = [_review(path, side.slug, side.review) for side in record.sides]
    if reviews[0] is None or reviews[1] is None:
        return Finding(what, None, "the reviews that it was made from are not beside it")
    try:
        made = await again(project, record, (reviews[0], reviews[1]))
    except RecordingMissing:
        return Finding(what, None, "the recording of the moderator's reply is not here")
    parts = [key.rstrip("_") for key in type(made).model_fields if getattr(made, key) != getattr(record, key)]
    return Finding(what, f"{', '.join(parts)} would be other" if parts else None)


def _review(path: Path, slug: str, wanted: str) -> Review | None:
    beside = path.parent.parent.parent / slug / "review.json"
    found = read_record(beside, Review) if is_file(beside) else None
    return found if found and digest(found) == wanted else None
