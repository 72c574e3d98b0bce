"""`panel cost`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from panel.catalogue.account import Account, By, Sum
from panel.cli.desk import AsJson, Runs
from panel.cli.ledger import Folder, Url, opened
from panel.cli.screen import Screen
from panel.cli.sheet import dollars, inert, print_json
from panel.errors import InputError
from panel.files import Json
from panel.llm.ledger import Recordings
from panel.llm.recording import Recording
from panel.money import Prices
from panel.settings import Settings

app = typer.Typer(rich_markup_mode=None)

MOST_SHOWN = 30
"""So many rows are shown; --json has all of them."""


@app.command()
def cost(
    tools: Annotated[list[str] | None, typer.Argument(metavar="[TOOLS]", help="Slugs; all tools if none.")] = None,
    by: Annotated[By, typer.Option(help="What to sum by.")] = "model",
    since: Annotated[str | None, typer.Option(help="Leave out what was answered before this day: 2026-11-01.")] = None,
    ledger: Folder = None,
    database_url: Url = None,
    runs: Runs = None,
    json: AsJson = False,
) -> None:
    """Tell what the replies of the ledger cost, and what caches and batches saved."""
    prices = Prices(Settings.load(Path.cwd(), {"runs": runs}).prices)
    account, unsound = Account(by), list[str]()
    with opened(ledger, database_url, runs) as (recordings, place):
        account.add(_chosen(recordings, tools or [], _day(since), unsound), prices)
    screen = Screen(to_stderr=json)
    if json:
        print_json({"ledger": place, **_data(account)})
    else:
        _show(screen, account, place)
    for fault in unsound:
        screen.say(f"left out: {fault}")
    raise typer.Exit(2 if unsound else 0)


def _data(account: Account) -> dict[str, Json]:
    data = account.as_json()
    assert isinstance(data, dict)
    return data


def _chosen(recordings: Recordings, tools: list[str], since: str, unsound: list[str]) -> Iterator[Recording]:
    """Yield the sound recordings of these tools, all where none is named; carried replies were paid for elsewhere."""
    for held in recordings.all():
        if held.fault:
            unsound.append(str(held.fault))
        elif one := held.recording:
            is_chosen = (not tools or one.label.tool in tools) and one.reply.recorded_at >= since
            if is_chosen and one.reply.carried_from is None:
                yield one


def _day(since: str | None) -> str:
    if since is None:
        return ""
    try:
        return datetime.strptime(since, "%Y-%m-%d").replace(tzinfo=UTC).date().isoformat()
    except ValueError:
        raise InputError(f"--since {since[:40]!r}: write a day as 2026-11-01") from None


def _show(screen: Screen, account: Account, place: str) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column(account.by, overflow="fold")
    for heading in ("replies", "tokens in", "from cache", "tokens out", "paid"):
        table.add_column(heading, justify="right", no_wrap=True)
    rows = list(account.ordered())
    for name, part in rows[:MOST_SHOWN]:
        table.add_row(inert(Text(name)), *_cells(part))
    table.add_row(Text("all", style="bold"), *_cells(account.whole))
    screen.say(place)
    screen.show(table)
    if len(rows) > MOST_SHOWN:
        screen.say(f"and {len(rows) - MOST_SHOWN:,} more (--json has them)")
    whole = account.whole
    screen.say(
        f"saved {dollars(whole.by_cache)} by the vendors' caches, {dollars(whole.by_batch)} by batches; "
        f"asked again without the ledger, this would cost {dollars(whole.cost)}"
    )
    if whole.unpriced:
        screen.say(f"{whole.unpriced:,} replies have no known price; [prices] in panel.toml can say it")


def _cells(part: Sum) -> list[Text]:
    tokens = part.input + part.cache_read + part.cache_write
    unknown = f" + {part.unpriced:,} unknown" if part.unpriced else ""
    numbers = [f"{part.replies:,}", f"{tokens:,}", f"{part.cache_read:,}", f"{part.output:,}"]
    return [Text(text) for text in (*numbers, f"{dollars(part.cost)}{unknown}")]
