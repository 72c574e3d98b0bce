"""Plot: requests a second over time, as an SVG that needs nothing beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil

WIDTH, HEIGHT = 720, 280
LEFT, RIGHT, TOP, BOTTOM = 48, 16, 40, 36
COLOURS = ("#0b6e4f", "#b3541e", "#5b5ea6")

Came = Sequence[tuple[float, str]]
"""What a server saw: the second of each request, and what became of it."""


def a_second(came: Came) -> list[int]:
    """Return how many requests came in each second from the first one on."""
    if not came:
        return []
    first = came[0][0]
    counts = Counter(int(at - first) for at, _ in came)
    return [counts[second] for second in range(max(counts) + 1)]


def busiest(came: Came, seconds: float = 60) -> int:
    """Return the most requests that came within so many seconds, wherever these begin."""
    most = first = 0
    for place, (at, _) in enumerate(came):
        while came[first][0] <= at - seconds:
            first += 1
        most = max(most, place - first + 1)
    return most


@dataclass(frozen=True)
class _Frame:
    """Where on the picture a second and a number of requests are."""

    seconds: int
    highest: int

    def x(self, second: float) -> float:
        return round(LEFT + second * (WIDTH - LEFT - RIGHT) / max(1, self.seconds), 1)

    def y(self, count: float) -> float:
        return round(HEIGHT - BOTTOM - count * (HEIGHT - TOP - BOTTOM) / self.highest, 1)

    def scales(self) -> Iterator[str]:
        """Yield both axes with their numbers."""
        yield f'<path d="M{LEFT} {TOP} V{HEIGHT - BOTTOM} H{WIDTH - RIGHT}" fill="none" stroke="#444"/>'
        for count in (0, self.highest / 2, self.highest):
            yield f'<text x="{LEFT - 6}" y="{self.y(count) + 4}" text-anchor="end">{count:g}</text>'
        for second in range(0, self.seconds + 1, _round(self.seconds / 8)):
            yield f'<text x="{self.x(second)}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{second} s</text>'

    def line(self, counts: Sequence[int], colour: str) -> str:
        """Return the steps of one run."""
        steps = "".join(f" V{self.y(count)} H{self.x(second + 1)}" for second, count in enumerate(counts))
        return f'<path d="M{LEFT} {self.y(0)}{steps}" fill="none" stroke="{colour}" stroke-width="1.5"/>'


def drawn(title: str, runs: Mapping[str, Came], limit: float) -> str:
    """Return the picture: a line for each run, and one for `limit`, in requests a second."""
    counts = {name: a_second(came) for name, came in runs.items()}
    highest = max(limit, *(max(each, default=0) for each in counts.values()))
    frame = _Frame(max(map(len, counts.values())), _round(highest))
    parts = [*frame.scales()]
    for place, (name, each) in enumerate(counts.items()):
        colour = COLOURS[place % len(COLOURS)]
        parts += [frame.line(each, colour), f'<text x="{LEFT + 100 * place}" y="32" fill="{colour}">{name}</text>']
    parts.append(f'<path d="M{LEFT} {frame.y(limit)} H{WIDTH - RIGHT}" stroke="#888" stroke-dasharray="4 3"/>')
    parts.append(f'<text x="{WIDTH - RIGHT}" y="32" text-anchor="end" fill="#666">limit: {limit:g} a second</text>')
    title = escape(title)
    heading = f'<text x="{LEFT}" y="16" font-weight="bold">{title}</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-family="sans-serif" '
        f'font-size="12"><title>{title}</title><rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
        + "\n".join([heading, *parts])
        + "</svg>\n"
    )


def _round(number: float) -> int:
    """Return the next of 1, 2, 5, 10, 20, 50 and so on."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if factor * step >= ceil(number):
                return factor * step
        step *= 10
