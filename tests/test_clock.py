"""Clocks that jump: no verdict changes, nothing is lost, and nobody waits for a negative time or for ever."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain, repeat
from pathlib import Path

import made
import pytest
from clock import Ticker
from typer.testing import CliRunner, Result
from vendor import ANTHROPIC, Vendor

from panel.cli.app import app
from panel.errors import GaveUp, Transient
from panel.llm.fake import Fake
from panel.llm.faults import asked_wait
from panel.llm.limit import Limit
from panel.llm.model import said
from panel.llm.retry import Retrying
from panel.money import LISTED
from panel.request import Reply, Request, Usage
from panel.store import read_review

SEATS = 3
YEAR_S = 365 * 24 * 3600.0


def review(folder: Path, *options: str) -> Result:
    """Return how a review ends."""
    return CliRunner().invoke(app, ["review", str(folder / "plumb.yaml"), *options])


@pytest.mark.parametrize(
    "years",
    [
        pytest.param(["1970"], id="all at the epoch"),
        pytest.param(["2055"], id="all years ahead"),
        pytest.param(["2026", "1996", "2026", "2055"], id="back and ahead within a run"),
    ],
)
def test_a_clock_that_jumps_changes_no_verdict(
    years: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the clock shows, a second run, back in time, asks nobody and gives the same record, byte for byte."""
    made.project(tmp_path, personas=SEATS)
    times = chain((f"{year}-11-20T12:00:00Z" for year in years), repeat(f"{years[-1]}-01-01T00:00:00Z"))
    monkeypatch.setattr("panel.llm.anthropic.now", lambda: next(times))
    monkeypatch.setattr("panel.history.now", lambda: next(times))
    path = tmp_path / "runs" / "plumb" / "review.json"
    with Vendor([ANTHROPIC.said(made.reply())] * SEATS) as vendor:
        for name, value in {**vendor.environment, "ANTHROPIC_API_KEY": "not-a-key"}.items():
            monkeypatch.setenv(name, value)
        first, before = review(tmp_path), path.read_bytes()
        monkeypatch.setattr("panel.history.now", lambda: "1990-01-01T00:00:00Z")
        second = review(tmp_path)

    record = read_review(path)
    costs = [ask.cost_usd for seat in record.seats for ask in seat.asks]
    log = path.with_name("log.jsonl").read_text(encoding="utf-8").splitlines()
    assert (0, 0) == (first.exit_code, second.exit_code)
    assert SEATS == len(vendor.calls)
    assert before == path.read_bytes()
    assert ("ship", 69) == (record.verdict.label.lower(), record.verdict.score)
    assert all(each is not None and Decimal(each) > 0 for each in costs)
    assert ["review"] == [json.loads(line)["event"] for line in log]


@pytest.mark.parametrize("year", [1, 1970, 1999, 2038, 2106, 9999])
def test_a_price_of_any_day_is_known_and_no_less_than_nothing(year: int) -> None:
    """Whatever year it is, a reply has a price, and it is never negative."""
    paid = LISTED.cost("anthropic:claude-sonnet-5-5", Usage(input=1000, output=100), datetime(year, 1, 1, tzinfo=UTC))

    assert paid is not None
    assert Decimal(paid) > 0


@dataclass
class Jumping:
    """A Model that fails once, the clock jumping meanwhile, and then answers."""

    ticker: Ticker
    jump_s: float
    fault: Transient
    asked: int = 0

    async def ask(self, request: Request) -> Reply:
        """Fail, then answer."""
        self.asked += 1
        if self.asked == 1:
            self.ticker.at += self.jump_s
            raise self.fault
        return said("reply", request.model)


@pytest.mark.parametrize("pauses_all", [False, True])
@pytest.mark.parametrize("jump_s", [-30 * YEAR_S, -60, 60])
def test_a_clock_that_jumps_during_a_wait_makes_it_no_longer(jump_s: float, pauses_all: bool, tmp_path: Path) -> None:
    """However the clock of the retry policy jumps, no wait is longer than was ever asked for, and none is negative."""
    ticker = Ticker()
    limit = Limit(ticker.clock)
    limit.hold(5)
    model = Jumping(ticker, jump_s, Transient("busy", wait_s=2, pauses_all=pauses_all))
    reply = asyncio.run(Retrying(model, limit, clock=ticker.clock).ask(made.question(tmp_path).request(1)))

    assert all(0 < wait <= 5 for wait in ticker.waits)
    assert all(each.waited_s >= 0 for each in reply.attempts)


def test_a_hold_from_before_the_clock_jumped_back_ends(tmp_path: Path) -> None:
    """Nobody is held back for longer than was asked for, although the clock has been set back for years."""
    ticker = Ticker(at=30 * YEAR_S)
    limit = Limit(ticker.clock)
    limit.hold(5)
    ticker.at = 0
    asyncio.run(Retrying(Fake(["hello"]), limit, clock=ticker.clock).ask(made.question(tmp_path).request(1)))

    assert [5] == ticker.waits


def test_a_clock_that_leaps_past_the_deadline_ends_the_policy(tmp_path: Path) -> None:
    """A machine that slept past the deadline gives up on the request, and says why."""
    ticker = Ticker()
    model = Jumping(ticker, YEAR_S, Transient("busy"))
    with pytest.raises(GaveUp, match="the deadline of 600 s would pass before the next attempt"):
        asyncio.run(Retrying(model, Limit(ticker.clock), clock=ticker.clock).ask(made.question(tmp_path).request(1)))

    assert [] == ticker.waits


@pytest.mark.parametrize("year", [1990, 2026, 2055])
def test_a_date_to_wait_for_is_read_by_the_clock_of_who_sent_it(year: int) -> None:
    """A provider's date is as far off as its own clock says, whatever ours shows."""
    headers = {"retry-after": "Fri, 20 Nov 2026 12:00:30 GMT", "date": "Fri, 20 Nov 2026 12:00:00 GMT"}

    assert 30 == asked_wait(headers, datetime(year, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("date", ["", "soon", "Fri, 99 Nov 2026 12:00:00 GMT"])
def test_without_a_date_of_the_sender_ours_counts(date: str) -> None:
    """Where a provider does not say what time it is, our clock is asked."""
    headers = {"retry-after": "Fri, 20 Nov 2026 12:00:30 GMT", "date": date}

    assert 30 == asked_wait(headers, datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC))
