"""The board: what a run over many tools looks like, in a terminal and in a pipe."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from panel.catalogue.rehearsal import Asking
from panel.catalogue.run import Outcome
from panel.catalogue.survey import Survey
from panel.catalogue.tally import Tally, Trouble
from panel.cli.screen import Screen, nearby
from panel.cli.sheet import COLOURS, dollars, inert
from panel.errors import on_one_line
from panel.files import Json
from panel.markdown import verdict_lines
from panel.request import Attempt, Request

LABELS = ("Ship", "Mixed", "Skip", "No verdict")
MOST_SHOWN = 40
"""So many troubles are shown; --json has all of them."""

EVERY_S = 0.2
"""Seconds between two looks at the dossiers that were counted."""


class Board:
    """Prints the story of a run over many tools."""

    def __init__(self, tally: Tally, to_stderr: bool = False) -> None:
        self.tally = tally
        self.screen = Screen(to_stderr)
        self.began = time.monotonic()
        self.first = 0
        """Tools that were finished before anybody was asked."""

        self.under_way = 0
        self.live: Live | None = None

    def notice(self, _: Request, __: Attempt) -> None:
        """Count a retry; which request met which fault stands in its record."""
        self.tally.retries += 1

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Show that dossiers are read, where there is a terminal."""
        with self._shown(self._read):
            yield

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Show how far the run is, where there is a terminal."""
        self.began, self.first = time.monotonic(), self.tally.done
        with self._shown(self._progress):
            yield

    def seen(self, number: int) -> None:
        """Note that so many dossiers were looked at."""
        self.under_way = number

    def outcome(self, outcome: Outcome) -> None:
        """Tell what became of one tool, where nobody sees the progress."""
        if self.live:
            return
        if outcome.done:
            review = outcome.done.review
            self.screen.show(inert(Text(f"{review.tool.slug}: {verdict_lines(review)[0]}")))
        elif outcome.fault:
            self.screen.say(on_one_line(f"{nearby(outcome.path)}: not reviewed: {_first_line(str(outcome.fault))}"))

    def plan(self, survey: Survey, is_priced: bool) -> None:
        """Print what there is to do, and what it can cost."""
        faulty = f", {len(self.tally.input_faults)} that can't be read" if self.tally.input_faults else ""
        self.screen.say(
            f"{_many(self.tally.total, 'dossier')}: {self.tally.unchanged:,} unchanged, "
            f"{len(survey.stale):,} to review{faulty}"
        )
        if is_priced and survey.requests:
            self.screen.say(f"{_many(survey.requests, 'request')} to ask: {_price(survey.likely, survey.most)}")

    def asking_line(self, number: int, asking: Asking) -> None:
        """Print one request that would be asked."""
        label, request = asking.request.label, asking.request
        kind = ", a repair" if request.is_repair else f", sample {request.sample}" if request.sample > 1 else ""
        what = f"{label.tool}: {label.persona}{kind}"
        price = f"about {dollars(asking.likely)}, at most {dollars(asking.most)}"
        self.screen.say(f"{number:>5}  {what:<40} {request.model}  {asking.tokens:,} tokens  {price}")

    def summary(self) -> None:
        """Print what came of the run: verdicts, asks, money, and what failed with the reason."""
        tally = self.tally
        self.screen.show(self._verdicts())
        self.screen.say(
            f"{_many(tally.reviewed, 'tool')} reviewed, {_many(tally.takes, 'take')}: {tally.asked:,} asked now, "
            f"{tally.kept:,} from the ledger, {_many(tally.retries, 'retry', 'retries')}"
        )
        self.screen.say(self._money())
        troubles = [*tally.input_faults, *tally.absent]
        if troubles:
            self.screen.show(_table(troubles))
        more = len(troubles) - MOST_SHOWN + tally.unnamed
        if more > 0:
            self.screen.say(f"and {more:,} more (--json has them)")
        if tally.stopped:
            self.screen.say(tally.stopped)

    def as_json(self) -> Json:
        """Return the summary as data."""
        tally = self.tally
        return {
            "tools": tally.total,
            "unchanged": tally.unchanged,
            "reviewed": tally.reviewed,
            "labels": {label: tally.labels[label] for label in LABELS},
            "takes": tally.takes,
            "asked": tally.asked,
            "from_ledger": tally.kept,
            "retries": tally.retries,
            "paid_usd": f"{tally.paid:f}",
            "of_unknown_price": tally.unpriced,
            "saved_by_ledger_usd": f"{tally.saved_by_ledger:f}",
            "saved_by_cache_usd": f"{tally.saved_by_cache:f}",
            "not_reviewed": [{"where": each.where, "why": each.what} for each in tally.input_faults],
            "absent": [{"where": each.where, "why": each.what} for each in tally.absent],
            "unnamed": tally.unnamed,
            "stopped": tally.stopped,
        }

    @contextmanager
    def _shown(self, draw: object) -> Iterator[None]:
        if not self.screen.console.is_terminal:
            yield
            return
        assert callable(draw)
        with Live(get_renderable=draw, console=self.screen.console, transient=True, refresh_per_second=5) as self.live:
            yield
        self.live = None

    def _read(self) -> Text:
        return Text(f"reading dossiers: {self.under_way:,} of {self.tally.total:,}")

    def _progress(self) -> Table:
        tally = self.tally
        grid = Table.grid(padding=(0, 1))
        counts = (
            f"{_many(tally.takes, 'take')} · {_many(tally.retries, 'retry', 'retries')} · "
            f"{tally.kept:,} from the ledger · {dollars(tally.paid)}{' and more' if tally.unpriced else ''}"
        )
        bar = ProgressBar(total=max(1, tally.total), completed=tally.done, width=24)
        grid.add_row(bar, Text(f"{tally.done:,} of {tally.total:,} tools · {self._left()}"))
        grid.add_row("", Text(counts, style="dim"))
        return grid

    def _left(self) -> str:
        done, elapsed = self.tally.done - self.first, time.monotonic() - self.began
        if not done:
            return "time left unknown"
        seconds = elapsed / done * (self.tally.total - self.tally.done)
        return f"about {_duration(seconds)} left"

    def _verdicts(self) -> Text:
        text = Text()
        for label in LABELS:
            text.append(f"{label} {self.tally.labels[label]:,}", style=COLOURS.get(label, "bold")).append("  ")
        return text.append(f"({self.tally.unchanged:,} unchanged)", style="dim")

    def _money(self) -> str:
        tally = self.tally
        unknown = f" and {tally.unpriced:,} of unknown price" if tally.unpriced else ""
        saved = f"saved {dollars(tally.saved_by_ledger)} by the ledger, {dollars(tally.saved_by_cache)} by caches"
        return f"paid {dollars(tally.paid)}{unknown}; {saved}"


def _table(troubles: Sequence[Trouble]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold")
    table.add_column("What failed", overflow="fold", max_width=40)
    table.add_column("Why", overflow="fold")
    for trouble in troubles[:MOST_SHOWN]:
        table.add_row(inert(Text(_short(trouble.where))), inert(Text(_first_line(trouble.what))))
    return table


def _short(where: str) -> str:
    return on_one_line(str(nearby(Path(where))) if where.startswith("/") else where)


def _first_line(text: str) -> str:
    first, _, rest = text.partition("\n")
    return on_one_line(f"{first[:300]}{' …' if rest or len(first) > 300 else ''}")


def _many(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _price(likely: Decimal | None, most: Decimal | None) -> str:
    if likely is None or most is None:
        return "of unknown price"
    return f"about {dollars(likely)}, at most {dollars(most)}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
