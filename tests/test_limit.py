"""The line before a model: who goes through when, and what replies, refusals and headers teach it, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import made
import pytest
from clock import loop_clock, passing
from hypothesis import given
from hypothesis import strategies as st
from vendor import ANTHROPIC, OPENAI, Answer, Dialect, Tokens, Vendor

from panel.errors import GaveUp, ModelError, Rejected, Transient
from panel.llm.allowance import Allowance, allowances
from panel.llm.clock import Clock
from panel.llm.limit import FIRST_OUTPUT, FIRST_WIDTH, MOST_PREFIXES, WIDER, Limit
from panel.llm.model import said
from panel.llm.open import Providers
from panel.llm.retry import Retrying
from panel.request import Block, Reply, Request, Usage
from panel.settings import Settings
from panel.tables import LimitSettings, RetrySettings

PATIENT = 1e9
Act = Callable[[Request], Any]


def request(dossier: str = "plumb", text: str = "") -> Request:
    """Return a request about a dossier."""
    blocks = (Block(text=dossier, cache=True), Block(text=text))
    return Request(model="fake:x", parameters=made.PARAMETERS, system="s", blocks=blocks, reply_schema={})


def reply(tokens: int = 0) -> Reply:
    """Return a reply that used so many tokens, half of them its own."""
    usage = Usage(input=tokens - tokens // 2, output=tokens // 2)
    return said("{}", "fake:x").model_copy(update={"usage": usage})


@dataclass
class Line:
    """Requests that go through a limit; each is let out again after `seconds`."""

    limit: Limit
    seconds: float = 1
    tokens: int = 0
    began: list[float] = field(default_factory=list)
    """When each was let through."""

    most: int = 0
    """Most under way at once."""

    inside: int = 0

    async def pass_through(self, one: Request, fault: Exception | None = None) -> None:
        """Go through, and come back with a reply or a fault."""
        async with self.limit.admitted(one, PATIENT) as size:
            self.began.append(self.limit.clock.now())
            self.inside += 1
            self.most = max(self.most, self.inside)
            await asyncio.sleep(self.seconds)
            self.inside -= 1
            if fault:
                raise fault
            self.limit.answered(one, reply(self.tokens), size)

    async def all(self, requests: Sequence[Request]) -> float:
        """Return the seconds in which all of them come through."""
        begin = self.limit.clock.now()
        await asyncio.gather(*map(self.pass_through, requests))
        return self.limit.clock.now() - begin


def fixed(**settings: int) -> Limit:
    """Return a limit that panel.toml fixes, in the time of the loop that runs."""
    return Limit(loop_clock(), LimitSettings(**settings))


def busiest(times: Sequence[float], seconds: float = 60) -> int:
    """Return the most that began within so many seconds."""
    times, first, most = sorted(times), 0, 0
    for last, at in enumerate(times):
        while at - times[first] >= seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


# What is fixed


@given(st.integers(1, 9), st.integers(1, 40))
def test_no_more_are_under_way_than_is_fixed(concurrency: int, requests: int) -> None:
    """Of any number as many as are allowed are under way at once, never more, and all come through."""

    async def run() -> tuple[int, float]:
        line = Line(fixed(concurrency=concurrency))
        return (await line.all([request()] * requests), line.most)[::-1]

    assert (min(concurrency, requests), -(-requests // concurrency)) == pytest.approx(passing(run()), abs=0.1)


@pytest.mark.parametrize("rpm", [60, 600])
def test_requests_a_minute_are_kept_and_used_up(rpm: int) -> None:
    """In no minute more begin than is fixed and what a second holds; in the mean just as many."""

    async def run() -> tuple[list[float], float]:
        line = Line(fixed(rpm=rpm, concurrency=1_000), seconds=3)
        return line.began, await line.all([request()] * (rpm * 3))

    began, seconds = passing(run())

    assert busiest(began) <= rpm * 1.05 + 1
    assert seconds <= 180 + 3


@pytest.mark.parametrize("tokens", [400, 9_000], ids=["fewer than guessed", "more than guessed"])
def test_tokens_a_minute_are_kept_and_used_up(tokens: int) -> None:
    """What replies use is taken from the limit, whatever they were taken to use; nothing of it is lost either."""
    tpm, minutes = 300_000, 3
    requests = tpm * minutes // tokens

    async def run() -> tuple[list[float], float]:
        line = Line(fixed(tpm=tpm, concurrency=1_000), seconds=2, tokens=tokens)
        return line.began, await line.all([request()] * requests)

    began, seconds = passing(run())
    guessed_s = 2  # until the first replies tell better

    assert sum(at < seconds - 60 for at in began) * tokens <= tpm * (seconds - 60 + guessed_s + 1) / 60 + 20 * tokens
    assert busiest(began) * tokens <= 1.05 * tpm + guessed_s * tpm / 60 * tokens / FIRST_OUTPUT
    assert seconds <= 60 * minutes * 1.05 + 4


def test_a_reply_corrects_what_it_was_taken_to_use() -> None:
    """What was taken and what is corrected come to what was used, though the guess has changed in between."""

    async def run() -> float:
        limit = fixed(tpm=60, concurrency=9)
        limit.buckets["tokens"].level = limit.buckets["tokens"].most = 1e6
        line = Line(limit, seconds=0, tokens=10_000)
        await line.all([request()] * 5)
        return 1e6 - limit.buckets["tokens"].level

    assert 50_000 == pytest.approx(passing(run()), abs=5)


# What is learned


def test_an_overload_halves_the_width_once_and_replies_widen_it() -> None:
    """All that was under way meets one overload: the width is halved once, and grows by WIDER a round."""

    async def run() -> tuple[float, float]:
        line = Line(Limit(loop_clock()))
        fault = Transient("overloaded")
        all_at_once = [line.pass_through(request(), fault) for _ in range(int(FIRST_WIDTH))]
        await asyncio.gather(*all_at_once, return_exceptions=True)
        narrow = line.limit.width
        await line.all([request()] * int(3 * narrow))
        return narrow, line.limit.width

    narrow, wider = passing(run())

    assert FIRST_WIDTH / 2 == narrow
    assert narrow + WIDER <= wider <= narrow + 3 * WIDER


def test_the_width_is_never_less_than_one_and_never_grows_beyond_what_is_fixed() -> None:
    """Whatever goes wrong one request may go; after as many replies the fixed width is back, and no more."""

    async def run() -> tuple[float, int]:
        line = Line(fixed(concurrency=4), seconds=0.1)
        for _ in range(9):
            with pytest.raises(Transient):
                await line.pass_through(request(), Transient("overloaded"))
        narrow = line.limit.width
        await line.all([request()] * 60)
        return narrow, line.most

    assert (1, 4) == passing(run())


def test_a_wait_that_is_named_narrows_nothing() -> None:
    """A refusal that says when to come back is about the pace; any other fault is about the width."""

    async def run() -> float:
        line = Line(Limit(loop_clock()))
        with pytest.raises(Transient):
            await line.pass_through(request(), Transient("429", wait_s=2, pauses_all=True))
        return line.limit.width

    assert FIRST_WIDTH == passing(run())


@pytest.mark.parametrize("wait_s", [None, 5.0])
@pytest.mark.parametrize("width", [1, 2, 8])
def test_a_refusal_holds_back_all(wait_s: float | None, width: int) -> None:
    """After a 429, with a time to wait or without one, nobody is let through until somebody's wait is over."""

    async def run() -> list[float]:
        clock = loop_clock()
        began: list[float] = []

        async def act(_: Request) -> Reply:
            began.append(clock.now())
            await asyncio.sleep(0.1 * len(began))
            if len(began) <= width:
                raise Transient("429", wait_s=wait_s, pauses_all=True)
            return reply()

        limit = fixed(concurrency=width)
        model = Retrying(Inner(act), limit, RetrySettings(attempts=20), Clock(clock.now, uniform=lambda _, high: high))
        await asyncio.gather(*(model.ask(request()) for _ in range(12)))
        return began

    began = passing(run())
    first = began[:width]
    gaps = [later - earlier for earlier, later in pairwise(began)]

    assert len(set(first)) == 1
    assert began[width] - first[0] >= (wait_s or 0.5)
    assert max(gaps) >= (wait_s or 0.5)


def test_after_a_hold_the_line_goes_on() -> None:
    """Those who wait when everybody is held back are let through when that is over, without anybody else coming."""

    async def run() -> list[float]:
        line = Line(fixed(concurrency=2))
        line.limit.hold(30)
        await line.all([request()] * 3)
        return line.began

    assert [30, 30, 31] == pytest.approx(passing(run()), abs=0.1)


# The line


@dataclass(frozen=True)
class Inner:
    """A Model made of a function."""

    act: Act

    async def ask(self, one: Request) -> Reply:
        """Return what the function returns."""
        answered: Reply = await self.act(one)
        return answered


def test_who_shares_a_dossier_keeps_its_place() -> None:
    """A later request about a dossier goes before those about dossiers that were begun later."""

    async def run() -> list[str]:
        limit, order = fixed(concurrency=1), list[str]()

        async def go(dossier: str) -> None:
            async with limit.admitted(request(dossier), PATIENT):
                order.append(dossier)
                await asyncio.sleep(1)

        await asyncio.gather(*map(go, ["first", "second", "third", "second", "first", "third", "first"]))
        return order

    assert ["first"] * 3 + ["second"] * 2 + ["third"] * 2 == passing(run())


def test_places_are_forgotten() -> None:
    """However many dossiers come by, no more than so many places are kept."""

    async def run() -> int:
        limit = fixed(concurrency=1)
        for number in range(MOST_PREFIXES + 50):
            limit._place(request(str(number)))
        return len(limit.places)

    assert MOST_PREFIXES == passing(run())


@pytest.mark.parametrize("moment", ["while waiting", "when let through"])
def test_who_is_called_away_leaves_nothing_behind(moment: str) -> None:
    """A request that is cancelled in the line, or in the moment it is let through, takes nobody's turn."""

    async def run() -> tuple[int, int]:
        line = Line(fixed(concurrency=1))
        async with line.limit.admitted(request(), PATIENT):
            second, third = (asyncio.create_task(line.pass_through(request())) for _ in range(2))
            await asyncio.sleep(0.5)
            if moment == "while waiting":
                second.cancel()
                await asyncio.sleep(0.5)
        if moment == "when let through":
            second.cancel()  # its turn has come, and it has not woken yet
        await asyncio.wait([second, third])
        assert second.cancelled()
        return len(line.began), line.limit.under_way

    assert (1, 0) == passing(run())


def test_who_can_t_wait_so_long_is_sent_away() -> None:
    """A hold that is longer than somebody in the line can wait ends that wait with a reason; the others stay."""

    async def run() -> tuple[str, float]:
        line = Line(fixed(concurrency=1))
        first = asyncio.create_task(line.pass_through(request(), Transient("429", wait_s=100, pauses_all=True)))
        await asyncio.sleep(0.1)
        patient = asyncio.create_task(line.pass_through(request()))
        with pytest.raises(GaveUp) as sent_away:
            async with line.limit.admitted(request(), 50):
                pass
        await asyncio.wait([first, patient])
        assert isinstance(first.exception(), Transient)
        return str(sent_away.value), line.began[1]

    said, began = passing(run())

    assert "the provider holds everybody back for 100 s more, past the deadline; try later" == said
    assert 101 == pytest.approx(began, abs=0.1)


HEADERS = st.dictionaries(
    st.sampled_from(
        [
            *(f"anthropic-ratelimit-{kind}-{part}" for kind in ("requests", "tokens", "input-tokens", "output-tokens")
              for part in ("limit", "remaining")),
            *(f"x-ratelimit-{part}-{kind}" for kind in ("requests", "tokens") for part in ("limit", "remaining")),
        ]
    ),
    st.one_of(
        st.sampled_from(["", "-1", "nan", "inf", "-inf", "1e400", "1e308", "5e-324", "0x10", "1_000", "٣"]),
        st.integers(1, 10**6).map(str),
        st.text(max_size=8),
    ),
)  # fmt: skip


@st.composite
def fates(draw: st.DrawFn) -> tuple[float, list[Exception | float], float | None, dict[str, str]]:
    """Draw when a request comes, what its tries meet, when it is called away, and the headers of its replies."""
    wait = st.one_of(st.none(), st.floats(0.001, 200))
    fault = st.builds(
        lambda wait_s, pauses_all: Transient("fault", wait_s=wait_s, pauses_all=pauses_all), wait, st.booleans()
    )
    tries = draw(st.lists(st.one_of(st.floats(0, 5), fault, st.builds(Rejected, st.just("no"))), max_size=4))
    return draw(st.floats(0, 20)), [*tries, 1.0], draw(st.one_of(st.none(), st.floats(0, 30))), draw(HEADERS)


@given(
    st.lists(fates(), min_size=1, max_size=12),
    st.builds(
        LimitSettings,
        rpm=st.one_of(st.none(), st.integers(1, 1_000)),
        tpm=st.one_of(st.none(), st.integers(100, 10**6)),
        concurrency=st.one_of(st.none(), st.integers(1, 4)),
    ),
)
def test_nobody_is_forgotten(plan: list[Any], settings: LimitSettings) -> None:
    """Whatever comes when, fails, is held back, is called away or is told: each is answered, refused or given up on.

    Nobody is under way at the end, nobody waits, and never more were under way than is fixed.
    """

    async def run() -> tuple[list[object], Limit]:
        clock = loop_clock()
        limit, inside = Limit(clock, settings), 0

        async def come(
            at: float, tries: list[Exception | float], leaves: float | None, headers: dict[str, str]
        ) -> None:
            nonlocal inside
            met = iter(tries)

            async def act(_: Request) -> Reply:
                nonlocal inside
                inside += 1
                assert inside <= (settings.concurrency or 10_000)
                fate = next(met)
                try:
                    await asyncio.sleep(fate if isinstance(fate, float) else 0.2)
                finally:
                    inside -= 1
                limit.heard(headers)
                if isinstance(fate, Exception):
                    raise fate
                return reply(500)

            await asyncio.sleep(at)
            asking = asyncio.ensure_future(
                Retrying(Inner(act), limit, RetrySettings(attempts=3), clock).ask(request(str(at)))
            )
            if leaves is not None:
                asyncio.get_running_loop().call_later(leaves, asking.cancel)
            await asking

        ended = await asyncio.gather(*(come(*each) for each in plan), return_exceptions=True)
        return ended, limit

    ended, limit = passing(run())

    for (_, _, leaves, _), how in zip(plan, ended, strict=True):
        assert how is None or isinstance(how, ModelError) or (leaves is not None), how
        assert how is None or isinstance(how, ModelError | asyncio.CancelledError), how
    assert (0, None) == (limit.under_way, limit.alarm)
    assert all(waiter.turn.done() for waiter in limit.line)


# What vendors tell


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        (
            {"anthropic-ratelimit-requests-limit": "4000", "anthropic-ratelimit-requests-remaining": "3999"},
            {"requests": Allowance(4000, 3999)},
        ),
        (
            {"anthropic-ratelimit-input-tokens-limit": "90", "anthropic-ratelimit-input-tokens-remaining": "0"},
            {"input": Allowance(90, 0)},
        ),
        (
            {"anthropic-ratelimit-output-tokens-limit": "90", "anthropic-ratelimit-output-tokens-remaining": "7"},
            {"output": Allowance(90, 7)},
        ),
        (
            {"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "59"},
            {"requests": Allowance(60, 59)},
        ),
        ({"x-ratelimit-limit-tokens": "9000", "x-ratelimit-remaining-tokens": "5"}, {"tokens": Allowance(9_000, 5)}),
        ({"x-ratelimit-limit-tokens": "10", "x-ratelimit-remaining-tokens": "11"}, {"tokens": Allowance(10, 10)}),
        ({"x-ratelimit-limit-tokens": "10"}, {}),
        ({"x-ratelimit-remaining-tokens": "10"}, {}),
        ({"x-ratelimit-limit-tokens": "0", "x-ratelimit-remaining-tokens": "0"}, {}),
        ({"x-ratelimit-limit-tokens": "1e-9", "x-ratelimit-remaining-tokens": "0"}, {}),
        ({"x-ratelimit-limit-tokens": "60", "x-ratelimit-remaining-tokens": "-1"}, {}),
        ({"x-ratelimit-limit-tokens": "nan", "x-ratelimit-remaining-tokens": "1"}, {}),
        ({"x-ratelimit-limit-tokens": "1e999", "x-ratelimit-remaining-tokens": "1"}, {}),
        ({"x-ratelimit-limit-tokens": "60 000", "x-ratelimit-remaining-tokens": "1"}, {}),
    ],
)  # fmt: skip
def test_headers_are_read_in_both_forms(headers: dict[str, str], told: dict[str, Allowance]) -> None:
    """What either vendor says of requests and tokens is understood; half a word, garbage and nonsense are no word."""
    assert told == allowances(headers)


def headers_of(dialect: Dialect, limit: int, left: int) -> dict[str, str]:
    """Return how a vendor says how many requests are left."""
    if dialect is ANTHROPIC:
        name = "anthropic-ratelimit-requests"
        return {f"{name}-limit": str(limit), f"{name}-remaining": str(left)}
    return {"x-ratelimit-limit-requests": str(limit), "x-ratelimit-remaining-requests": str(left)}


@pytest.mark.parametrize("status", [200, 429])
@pytest.mark.parametrize("dialect", [ANTHROPIC, OPENAI], ids=lambda dialect: dialect.name)
def test_headers_reach_the_limit_of_the_model(dialect: Dialect, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a vendor says over the wire, with a reply and with a refusal, is what the model's next requests go by."""
    monkeypatch.setenv(dialect.key, "not-a-key")
    sound = dialect.said("{}", Tokens()) if status == 200 else dialect.fault(status, "slow down")
    answer = Answer(sound.status, sound.body, {**sound.headers, **headers_of(dialect, 120, 7)})

    async def ask() -> Limit:
        settings = Settings(retry=RetrySettings(attempts=1), timeout_s=10)
        async with Providers(settings, made.prompts()) as providers:
            model = providers.open(dialect.model)
            assert model
            await asyncio.gather(
                model.ask(request().model_copy(update={"model": dialect.model})), return_exceptions=True
            )
            return providers.limits[dialect.model]

    with Vendor([answer]) as vendor:
        for name, value in vendor.environment.items():
            monkeypatch.setenv(name, value)
        limit = asyncio.run(ask())

    assert ["requests"] == [*limit.buckets]
    assert (2, 7) == (limit.buckets["requests"].rate, limit.buckets["requests"].level)


def test_what_is_fixed_stands_whatever_a_vendor_says() -> None:
    """Headers neither widen nor narrow what panel.toml fixes; what it leaves open they tell."""

    async def run() -> list[float]:
        limit = fixed(rpm=60)
        limit.heard({**headers_of(OPENAI, 6_000, 6_000), **headers_of(ANTHROPIC, 6, 0)})
        limit.heard({"x-ratelimit-limit-tokens": "600", "x-ratelimit-remaining-tokens": "500"})
        return [limit.buckets["requests"].rate, limit.buckets["tokens"].rate]

    assert [1, 10] == passing(run())


def test_a_vendor_that_has_none_left_is_waited_for() -> None:
    """Where none is left, requests go out as the limit fills up, though nothing was refused."""

    async def run() -> float:
        limit = Limit(loop_clock())
        limit.heard(headers_of(ANTHROPIC, 60, 0))
        return await Line(limit, seconds=0).all([request()] * 5)

    assert 5 == pytest.approx(passing(run()), abs=0.1)
