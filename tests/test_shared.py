"""The shared limit: one statement a call, exact over every minute, whoever asks; and what one is refused, all hear."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import made
import pytest
from clock import Ticker
from hypothesis import given, settings
from hypothesis import strategies as st
from queued import url_of

from panel.errors import Transient
from panel.llm.limit import Limit
from panel.llm.model import said
from panel.queue.place import Place
from panel.queue.shared import BURST_S, Metered, SharedLimit
from panel.request import Block, Reply, Request, Usage
from panel.settings import Settings
from panel.tables import LimitSettings

MODEL = "anthropic:claude-sonnet-5-5"


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A database with an empty queue."""
    place = Place.at(url_of(request, request.param, tmp_path), "a test", is_made=True)
    yield place
    place.close()


@pytest.fixture(scope="module")
def one_place(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Place]:
    """A database for all examples of a test."""
    place = Place.at(url_of(request, "sqlite", tmp_path_factory.mktemp("one")), "a test", is_made=True)
    yield place
    place.close()


@dataclass
class Hand:
    """A clock that a test sets."""

    at: float = 1_795_000_000.0

    def now(self) -> float:
        """Return what time it is."""
        return self.at


def within(times: list[tuple[float, float]], window_s: float = 60) -> float:
    """Return the most that went out in any window; `times` are moments with amounts, in their order."""
    most, total, first = 0.0, 0.0, 0
    for at, amount in times:
        total += amount
        while at - times[first][0] >= window_s - 1e-6:
            total -= times[first][1]
            first += 1
        most = max(most, total)
    return most


@settings(max_examples=12)
@given(
    rpm=st.integers(1, 6_000),
    pauses=st.lists(st.sampled_from([0.0, 0.001, 0.3, 2.0, 70.0]), min_size=1, max_size=60),
)
def test_no_minute_has_more_requests_than_are_allowed(one_place: Place, rpm: int, pauses: list[float]) -> None:
    """However calls come, each minute has at most the limit and one second's worth, or one call, beside it."""
    hand = Hand()
    shared, fixed = SharedLimit(one_place.database, hand.now), LimitSettings(rpm=rpm)
    shared.ensure(MODEL)
    hand.at += 1e6
    went = []
    for pause in pauses:
        hand.at += pause
        went.append((hand.at + shared.reserve(MODEL, fixed, 0).wait_s, 1.0))
    one_place.database.call(lambda connection: connection.exec_driver_sql("DELETE FROM panel_limits"))

    assert went == sorted(went)
    assert rpm + max(1.0, rpm * BURST_S / 60) >= within(went)


@settings(max_examples=12)
@given(tpm=st.integers(10_000, 2_000_000), sizes=st.lists(st.integers(1, 9_000), min_size=1, max_size=60))
def test_no_minute_has_more_tokens_than_are_allowed(one_place: Place, tpm: int, sizes: list[int]) -> None:
    """Calls of any size that all come at once go out at the pace of their tokens, and none waits longer than that."""
    hand = Hand()
    shared, fixed = SharedLimit(one_place.database, hand.now), LimitSettings(tpm=tpm)
    shared.ensure(MODEL)
    went = [(hand.at + shared.reserve(MODEL, fixed, size).wait_s, float(size)) for size in sizes]
    one_place.database.call(lambda connection: connection.exec_driver_sql("DELETE FROM panel_limits"))

    assert tpm + max(*sizes, tpm * BURST_S / 60) >= within(went)
    assert went[-1][0] - hand.at <= sum(sizes) * 60 / tpm + 1e-3


def test_two_workers_at_full_speed_use_the_limit_and_no_more(place: Place) -> None:
    """Two that take slots in turn for two minutes get within 5 % of the limit together; a hold is everybody's."""
    hand = Hand()
    workers, fixed = [SharedLimit(place.database, hand.now) for _ in range(2)], LimitSettings(rpm=120)
    workers[0].ensure(MODEL)
    slots = [(workers[n % 2].reserve(MODEL, fixed, 0).wait_s, 1.0) for n in range(240)]
    workers[0].hold(MODEL, 300)
    later = [workers[1].reserve(MODEL, fixed, 0) for _ in range(4)]

    assert 120 * 0.95 <= within(slots) <= 120 * 1.05
    assert 119 <= slots[-1][0] <= 120
    assert all(slot.held_s == pytest.approx(300) for slot in later)
    assert [300, 300, 300.5, 301] == [pytest.approx(slot.wait_s, abs=0.01) for slot in later]
    assert {MODEL: pytest.approx(300)} == workers[1].holds()


def test_the_clock_of_the_server_counts(place: Place) -> None:
    """Without a clock of its own a slot is taken by the database's time, or on one machine by the machine's."""
    shared, fixed = SharedLimit(place.database), LimitSettings(rpm=60)
    shared.ensure(MODEL)
    waits = [shared.reserve(MODEL, fixed, 0).wait_s for _ in range(3)]
    shared.hold(MODEL, 20)

    assert [0, 1, 2] == [pytest.approx(wait, abs=0.5) for wait in waits]
    assert 19 < shared.holds()[MODEL] <= 20


@dataclass
class Asked:
    """A model that answers at once, or refuses as often as it is told to."""

    ticker: Ticker
    refusals: int = 0
    used: int = 0
    at: list[float] = field(default_factory=list)

    async def ask(self, request: Request) -> Reply:
        """Note when it was asked, and answer."""
        self.at.append(self.ticker.at)
        if self.refusals:
            self.refusals -= 1
            raise Transient("too many", wait_s=30, pauses_all=True)
        return said("yes", "it").model_copy(update={"usage": Usage(input=self.used)})


def metered(place: Place, ticker: Ticker, inner: Asked, **fixed: int) -> Metered:
    """Return a model under a shared limit whose time is a ticker's."""
    limits = Settings.model_validate({"limits": {MODEL: fixed}})
    start = 1_795_000_000.0
    shared = SharedLimit(place.database, lambda: start + ticker.at)
    shared.ensure(MODEL)
    return Metered(inner, shared, limits, {MODEL: Limit(clock=ticker.clock)}, ticker.clock)


async def at_once(act: Callable[..., object], *given: object) -> object:
    """Do here what a thread would do: a thread takes time that no ticker knows of."""
    return act(*given)


def request() -> Request:
    """Return a request to the model."""
    return Request(
        model=MODEL, parameters=made.PARAMETERS, system="be fair", blocks=(Block(text="x" * 350),), reply_schema={}
    )


def test_a_call_takes_one_slot_and_sleeps_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten calls that wait reserve ten times in all, each sleeps until its slot, and they go out a second apart."""
    ticker, taken = Ticker(), []
    inner = Asked(ticker)
    model, reserve = metered(place, ticker, inner, rpm=60), SharedLimit.reserve
    monkeypatch.setattr("asyncio.to_thread", at_once)
    monkeypatch.setattr(SharedLimit, "reserve", lambda *given: taken.append(1) or reserve(*given))

    async def ten() -> None:
        await asyncio.gather(*(model.ask(request()) for _ in range(10)))

    asyncio.run(ten())

    assert 10 == len(taken)
    assert [*range(10)] == [pytest.approx(at, abs=0.01) for at in sorted(inner.at)]


def test_a_guess_is_corrected_by_the_reply(place: Place) -> None:
    """A call that used far more than was taken for it makes the next one wait for that; one that used less does not."""
    waits = []
    for used in (60_000, 1):
        ticker = Ticker()
        model = metered(place, ticker, Asked(ticker, used=used), tpm=60_000)
        asyncio.run(model.ask(request()))
        waits.append(model.shared.reserve(MODEL, model.settings.limit(MODEL), 1).wait_s)
        place.database.call(lambda connection: connection.exec_driver_sql("DELETE FROM panel_limits"))

    assert [pytest.approx(59, abs=1.1), 0] == waits


def test_a_refusal_of_one_holds_back_the_others(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sleeps until its slot when another worker is refused gives it up, and goes out when the hold is over."""
    monkeypatch.setattr("asyncio.to_thread", at_once)
    ticker = Ticker()
    one, other = Asked(ticker, refusals=1), Asked(ticker)
    refused, waiting = metered(place, ticker, one, rpm=6), metered(place, ticker, other, rpm=6)

    async def meet_a_refusal() -> None:
        await ticker.sleep(3)
        with pytest.raises(Transient):
            await refused.inner.ask(request())
        refused.shared.hold(MODEL, 30)
        for model, seconds in waiting.shared.holds().items():
            waiting.hear(model, seconds)

    async def both() -> None:
        await asyncio.gather(waiting.ask(request()), waiting.ask(request()), meet_a_refusal())

    asyncio.run(both())

    assert [0, pytest.approx(33, abs=0.1)] == other.at


def test_a_refusal_is_told_to_all(place: Place) -> None:
    """What one worker is refused with holds back who asks next, wherever."""
    ticker = Ticker()
    one, other = Asked(ticker, refusals=1), Asked(ticker)
    with pytest.raises(Transient):
        asyncio.run(metered(place, ticker, one, rpm=6).ask(request()))
    asyncio.run(metered(place, ticker, other, rpm=6).ask(request()))

    assert [pytest.approx(30, abs=0.1)] == other.at


def test_where_nothing_is_fixed_no_slot_is_taken(place: Place) -> None:
    """Without a limit in panel.toml a call costs no round trip; a refusal is told to all the same."""
    ticker = Ticker()
    model = metered(place, ticker, Asked(ticker, refusals=1))
    with pytest.raises(Transient):
        asyncio.run(model.ask(request()))
    asyncio.run(model.ask(request()))

    assert [0, 0] == model.inner.at  # type: ignore[attr-defined]
    assert {MODEL: pytest.approx(30)} == model.shared.holds()
