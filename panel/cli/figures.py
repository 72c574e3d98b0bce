"""Figures as a terminal shows them: tables that fit 80 columns, and a histogram as bars of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from panel.cli.sheet import Unheard
from panel.errors import on_one_line
from panel.statistics.figures import Agreement, CriticFigures, Likeness, Sampling, Statistics, Wording

BARS = "▁▂▃▄▅▆▇█"
LONGEST_NAME = 16
"""Columns of the longest name; what is longer is cut short."""

MOST_LINES = 5
"""So many openings and phrases are shown; `--json` has more."""


def show(figures: Statistics) -> None:
    """Print figures."""
    console = Unheard(highlight=False, markup=False)
    labels = ", ".join(f"{count} {label}" for label, count in figures.labels.items())
    console.print(Text(f"{figures.tools} tools · {figures.takes} takes · {labels}"))
    if figures.critics:
        _show_critics(figures.critics, console)
    if figures.others:
        console.print(Text(f"  and {figures.others} more personas"))
    _section(console, "Agreement", _agreement(figures.agreement))
    _section(console, "Alike", _alike(figures))
    if figures.sampling:
        _section(console, "Samples", [*_sampling(figures.sampling)])


def _show_critics(critics: Sequence[CriticFigures], console: Console) -> None:
    console.print()
    console.print(_table(("", "heard", "ships", "", "mean", "median", "others", "95%"), map(_row, critics)))
    console.print(Text("  others: points above the mean of the other critics on the same tools", style="dim"))
    console.print()
    console.print(_table(("scores from", *(str(10 * bin) for bin in range(10))), map(_histogram, critics)))
    for line in [Text(_plain(f"  {one.name}: {alarm}"), style="yellow") for one in critics for alarm in one.alarms]:
        console.print(line)


def _row(critic: CriticFigures) -> Sequence[str]:
    value, range = critic.harshness.told("+.1f")
    counted = (str(critic.heard), str(critic.ships), f"{critic.percent}%")
    return (critic.name, *counted, f"{critic.mean:.1f}", f"{critic.median:g}", value, range)


def _histogram(critic: CriticFigures) -> Sequence[str]:
    most = max(1, *critic.histogram)
    return critic.name, *(f"{count} {BARS[(8 * count - 1) // most]}" if count else "·" for count in critic.histogram)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Return a table whose first column is a name, and the others are numbers."""
    table = Table(box=None, padding=(0, 0, 0, 2), show_edge=False, header_style="dim")
    for place, title in enumerate(head):
        width = None if place else LONGEST_NAME
        table.add_column(title, justify="right" if place else "left", no_wrap=True, max_width=width)
    for row in rows:
        table.add_row(*(Text(_plain(cell)) for cell in row))
    return table


def _section(console: Console, title: str, rows: Iterable[Sequence[str]]) -> None:
    console.print()
    console.print(Text(title, style="bold"))
    table = Table(box=None, padding=(0, 0, 0, 2), show_edge=False, show_header=False)
    table.add_column()
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    for first, value, more in rows:
        table.add_row(Text(_plain(first)), Text(_plain(value)), Text(_plain(more), style="dim"))
    console.print(table)


def _agreement(agreement: Agreement) -> Iterator[Sequence[str]]:
    named = {
        "scores: Krippendorff's alpha": agreement.scores_alpha,
        "votes: Krippendorff's alpha": agreement.votes_alpha,
        "votes: Gwet's AC1": agreement.votes_ac1,
        "mean correlation of scores": agreement.correlation,
        f"effective votes of {agreement.seats} critics": agreement.effective_votes,
    }
    for name, figure in named.items():
        yield name, *figure.told(".2f")


def _alike(figures: Statistics) -> Iterator[Sequence[str]]:
    if figures.likeness:
        yield from _likeness(figures.likeness)
    if figures.wording:
        yield from _wording(figures.wording)


def _likeness(likeness: Likeness) -> Iterator[Sequence[str]]:
    where = f"{likeness.tool}: {' and '.join(likeness.between)}"
    yield "five-word runs in common, mean", f"{likeness.mean:.1%}", f"{likeness.pairs} pairs of takes"
    yield "the most", f"{likeness.highest:.1%}", where
    yield "pairs above 2%", str(likeness.above), ""


def _wording(wording: Wording) -> Iterator[Sequence[str]]:
    drawn = f"in {wording.tools} tools" + (f" of {wording.of}, drawn" if wording.tools < wording.of else "")
    yield "openings that takes share", str(wording.shared_openings), drawn
    for opening in wording.openings[:MOST_LINES]:
        by = ", ".join(f"{persona} {count}" for persona, count in opening.personas.items())
        yield f"  “{opening.words}”", str(opening.takes), by
    yield "stock phrases of one critic", str(wording.stock_phrases), drawn
    for phrase in wording.phrases[:MOST_LINES]:
        yield f"  “{phrase.words}”", str(phrase.tools), phrase.persona


def _sampling(sampling: Sampling) -> Iterator[Sequence[str]]:
    yield "points between answers to one question", f"{sampling.median:g}", f"in the median of {sampling.takes} takes"
    yield "the most", str(sampling.highest), ""


def _plain(text: str) -> str:
    """Return a text on one line that can't steer a terminal: names come from a stranger's records."""
    return on_one_line(text)
