"""The split chart as a terminal shows it: one line from 0 to 100 for each critic, with the line that it ships from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from panel.cli.sheet import COLOURS, NAME_WIDTH
from panel.comparison import Comparison
from panel.errors import printable
from panel.review import Review

WIDTH = 41
"""Characters of the line: one for every two and a half points."""

LONGEST_NAME = 24
"""Columns of the longest name; what is longer is cut short."""

MARKS = ("●", "◆")
BOTH = "◈"
"""Where both tools have the same place."""

Scored = tuple[int, int, str]
"""Which side, its score, its vote."""


def of_review(review: Review) -> Iterator[Text]:
    """Yield the chart of one tool, a line a critic."""
    *names, blank = _names([seat.name for seat in review.seats])
    for name, seat in zip(names, review.seats, strict=True):
        scored = [(0, seat.take.score, seat.take.vote)] if seat.take else []
        yield _row(name, scored, seat.threshold, 1)
    yield Text(f"  {blank} {MARKS[0]} score   ┊ ships from here", style="dim")


def of_comparison(record: Comparison) -> Iterator[Text]:
    """Yield the chart of two tools, a line a critic, then what the marks mean."""
    *names, blank = _names([row.name for row in record.scorecard])
    for name, row in zip(names, record.scorecard, strict=True):
        scored = [(place, cell.take.score, cell.take.vote) for place, cell in enumerate(row.cells) if cell.take]
        lines = {cell.threshold for cell in row.cells if cell.threshold is not None}
        yield _row(name, scored, min(lines) if len(lines) == 1 else None, 2)
    named = "   ".join(f"{mark} {side.name}" for mark, side in zip(MARKS, record.sides, strict=True))
    yield Text(f"  {blank} {named}   ┊ ships from here", style="dim")


def _names(names: Sequence[str]) -> Iterator[str]:
    """Yield the names in the same width, so that all lines begin in one column, and a blank one for the last line."""
    told = [Text(printable(name)) for name in (*names, "")]
    width = min(LONGEST_NAME, max(NAME_WIDTH, *(name.cell_len for name in told)))
    for name in told:
        name.truncate(width, overflow="ellipsis", pad=True)
        yield name.plain


def _row(name: str, scored: Sequence[Scored], threshold: int | None, sides: int) -> Text:
    line = ["─"] * WIDTH
    if threshold is not None:
        line[_place(threshold)] = "┊"
    for side, score, _ in scored:
        taken = line[_place(score)] in MARKS
        line[_place(score)] = BOTH if taken else MARKS[side]
    text = Text(f"  {name} {''.join(line)} ")
    told = {side: (score, vote) for side, score, vote in scored}
    for side in range(sides):
        mark = f" {MARKS[side]}" if sides > 1 else ""
        if side in told:
            score, vote = told[side]
            text.append(f"{mark} {score:>3} ").append(f"{vote:<4}", style=COLOURS[vote])
        else:
            text.append(f"{mark}   – none" if sides > 1 else "   – no take", style="dim")
    return text


def _place(score: int) -> int:
    return round(score * (WIDTH - 1) / 100)
