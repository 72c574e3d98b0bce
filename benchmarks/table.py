"""Table: what was measured, beside what it is held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One number. Where there is nothing to hold it against, the bar is for the number itself."""

    what: str
    ours: float
    unit: str
    plain: float | None = None
    inspect: float | None = None
    ideal: float | None = None
    against: float | None = None
    """What the ratio is taken to."""

    bar: float | None = None
    """The most that the ratio, or the number, may be."""

    @property
    def measured(self) -> float:
        """What the bar is for."""
        return self.ours / self.against if self.against else self.ours

    @property
    def is_missed(self) -> bool:
        """True where it is above its bar."""
        return self.bar is not None and self.measured > self.bar

    def cells(self) -> list[str]:
        """Return the row as it is printed."""
        numbers = [_told(number, self.unit) for number in (self.ours, self.plain, self.inspect, self.ideal)]
        ratio = f"{self.measured:.3f}" if self.against else ""
        unit = "" if self.against else self.unit
        bar = "" if self.bar is None else f"at most {self.bar:g}{f' {unit}' if unit else ''}"
        verdict = "" if self.bar is None else "missed" if self.is_missed else "held"
        return [self.what, *numbers, ratio, bar, verdict]


HEADS = ["", "ours", "plain loop", "inspect_ai", "ideal", "ratio", "bar", ""]


def _told(number: float | None, unit: str) -> str:
    if number is None:
        return ""
    digits = 0 if number >= 1000 or number == int(number) else 2 if number < 100 else 1
    return f"{number:,.{digits}f} {unit}".strip()


def printed(title: str, rows: Sequence[Row]) -> str:
    """Return a table; a column in which nothing stands is left out."""
    lines = [HEADS, *(row.cells() for row in rows)]
    filled = [place for place in range(len(HEADS)) if any(line[place] for line in lines[1:])]
    widths = {place: max(len(line[place]) for line in lines) for place in filled}
    text = [
        "  ".join(
            f"{line[place]:<{widths[place]}}" if place in (0, 6, 7) else f"{line[place]:>{widths[place]}}"
            for place in filled
        )
        for line in lines
    ]
    return "\n".join([title, *(f"  {line}".rstrip() for line in text)])
