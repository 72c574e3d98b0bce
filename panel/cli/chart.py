"""The split chart as a terminal shows it: one line from 0 to 100 for each critic, with the line that it ships from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from panel.cli.sheet import COLOURS, NAME_WIDTH
from panel.comparison import Comparison
from panel.review import Review

WIDTH = 41
"""Characters of the line: one for every two and a half points."""

MARKS = ("●", "◆")
BOTH = "◈"
"""Where both tools have the same place."""

Scored = tuple[int, int, str]
"""Which side, its score, its vote."""


def of_review(review: Review) -> Iterator[Text]:
    """Yield the chart of one tool, a line a critic."""
    for seat in review.seats:
        scored = [(0, seat.take.score, seat.take.vote)] if seat.take else []
        yield _row(seat.name, scored, seat.threshold, 1)
    yield Text(f"  {'':<{NAME_WIDTH}} {MARKS[0]} score   ┊ ships from here", style="dim")


def of_comparison(record: Comparison) -> Iterator[Text]:
    """Yield the chart of two tools, a line a critic, then what the marks mean."""
    for row in record.scorecard:
        scored = [(place, cell.take.score, cell.take.vote) for place, cell in enumerate(row.cells) if cell.take]
        lines = {cell.threshold for cell in row.cells if cell.threshold is not None}
        yield _row(row.name, scored, min(lines) if len(lines) == 1 else None, 2)
    named = "   ".join(f"{mark} {side.name}" for mark, side in zip(MARKS, record.sides, strict=True))
    yield Text(f"  {'':<{NAME_WIDTH}} {named}   ┊ ships from here", style="dim")


def _row(name: str, scored: Sequence[Scored], threshold: int | None, sides: int) -> Text:
    line = ["─"] * WIDTH
    if threshold is not None:
        line[_place(threshold)] = "┊"
    for side, score, _ in scored:
        taken = line[_place(score)] in MARKS
        line[_place(score)] = BOTH if taken else MARKS[side]
    text = Text(f"  {name:<{NAME_WIDTH}} {''.join(line)} ")
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
