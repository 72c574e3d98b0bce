"""The retry policy: what is waited for, how long, and what ends it. Time is a ticker; nothing waits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from clock import Ticker
from hypothesis import given
from hypothesis import strategies as st
from made import PARAMETERS

from panel.errors import GaveUp, ModelError, RecordingMissing, Rejected, Transient, Waiting
from panel.llm.clock import Clock
from panel.llm.fake import Fake
from panel.llm.limit import Limit
from panel.llm.model import Model, said
from panel.llm.retry import Retrying
from panel.request import Attempt, Block, Label, Reply, Request
from panel.tables import RetrySettings

Given = Reply | str | Exception
POLICY = RetrySettings()


def request(persona: str = "mason") -> Request:
    """Return a request for a seat."""
    return Request(
        model="fake:panel",
        parameters=PARAMETERS,
        system="You sit on a panel.",
        blocks=(Block(text="# Dossier"),),
        reply_schema={},
        label=Label(tool="plumb", persona=persona),
    )


@dataclass
class Scene:
    """A Fake behind the policy, with its ticker, and what the notices told."""

    answers: Sequence[Given]
    policy: RetrySettings = POLICY
    ticker: Ticker = field(default_factory=Ticker)
    told: list[Attempt] = field(default_factory=list)
    fake: Fake = field(init=False)
    limit: Limit = field(init=False)

    def __post_init__(self) -> None:
        self.fake, self.limit = Fake(self.answers), Limit(self.ticker.clock)

    @property
    def model(self) -> Model:
        """The model under the policy."""
        clock = self.ticker.clock
        return Retrying(self.fake, self.limit, self.policy, clock, lambda _, attempt: self.told.append(attempt))

    def reply(self) -> Reply:
        """Return the reply."""
        return asyncio.run(self.model.ask(request()))

    def error(self) -> GaveUp:
        """Return the error by which the policy ends."""
        with pytest.raises(GaveUp) as caught:
            asyncio.run(self.model.ask(request()))
        return caught.value


def busy(wait_s: float | None = None, *, pauses_all: bool = False) -> Transient:
    """Return a fault that passes."""
    return Transient("529: overloaded (busy)", wait_s=wait_s, pauses_all=pauses_all)


# Attempts


def test_a_reply_at_once_costs_no_wait() -> None:
    """A first attempt that succeeds is the only one, and nothing is waited for."""
    scene = Scene(["hello"])
    reply = scene.reply()

    assert ("hello", (Attempt(number=1, waited_s=0),)) == (reply.text, reply.attempts)
    assert [] == scene.ticker.waits


def test_every_attempt_is_recorded_with_its_wait() -> None:
    """The reply holds each attempt in its order: the wait before it and what went wrong."""
    reply = Scene([busy(2), Transient("no connection", wait_s=3.5), "hello"]).reply()

    assert (
        Attempt(number=1, waited_s=0, error="529: overloaded (busy)"),
        Attempt(number=2, waited_s=2, error="no connection"),
        Attempt(number=3, waited_s=3.5),
    ) == reply.attempts


def test_the_reply_is_otherwise_as_it_came() -> None:
    """The policy changes nothing of a reply but its attempts."""
    given = said("hello", "fake:panel").model_copy(update={"cost_usd": "0.5", "detail": "why"})
    reply = Scene([busy(2), given]).reply()

    assert given == reply.model_copy(update={"attempts": given.attempts})


def test_each_failed_attempt_is_told_of() -> None:
    """The notice hears of every attempt that failed, as it fails, and of no other."""
    scene = Scene([busy(2), busy(3), "hello"])
    reply = scene.reply()

    assert list(reply.attempts[:2]) == scene.told


@pytest.mark.parametrize("attempts", [1, 2, 5, 20])
def test_the_policy_ends_after_so_many_attempts(attempts: int) -> None:
    """A fault that stays is asked for `attempts` times; the error names it and the count, and was caused by it."""
    faults = [busy() for _ in range(attempts)]
    scene = Scene(faults, RetrySettings(attempts=attempts))
    error = scene.error()

    assert f"529: overloaded (busy); gave up after {attempts} attempts" == str(error)
    assert faults[-1] is error.__cause__
    assert (attempts, attempts - 1) == (len(scene.fake.asked), len(scene.ticker.waits))


def test_the_same_request_is_asked_each_time() -> None:
    """Every attempt asks the request that was given."""
    scene = Scene([busy(), busy(), "hello"])
    scene.reply()

    assert [request()] * 3 == scene.fake.asked


# Waits


def test_waits_are_drawn_between_zero_and_a_doubling_bound() -> None:
    """Where the provider does not say, the bound of a wait doubles from half a second and stays at eight."""
    scene = Scene([busy() for _ in range(8)], RetrySettings(attempts=8))
    scene.error()

    assert [(0, 0.5), (0, 1), (0, 2), (0, 4), (0, 8), (0, 8), (0, 8)] == scene.ticker.bounds[:7]


@given(part=st.floats(0, 1), faults=st.integers(1, 9))
def test_a_wait_is_what_was_drawn(part: float, faults: int) -> None:
    """Full jitter: each wait is the number drawn, so it is anywhere between nothing and its bound."""
    scene = Scene([*(busy() for _ in range(faults)), "hello"], RetrySettings(attempts=20), Ticker(part))
    scene.reply()

    assert [part * min(8, 0.5 * 2**number) for number in range(faults)] == scene.ticker.waits


@pytest.mark.parametrize("wait_s", [0.001, 0.25, 7, 59.9, 60])
def test_a_wait_that_is_asked_for_is_kept(wait_s: float) -> None:
    """Up to the cap the provider is waited for exactly as long as it says, and nothing is drawn."""
    scene = Scene([busy(wait_s), "hello"])
    scene.reply()

    assert ([wait_s], []) == (scene.ticker.waits, scene.ticker.bounds)


@pytest.mark.parametrize(
    ("wait_s", "cap_s", "ending"),
    [
        pytest.param(3600, 60, "it asks for a wait of 3600 s, above the cap of 60 s: try later", id="an-hour"),
        pytest.param(60.5, 60, "it asks for a wait of 60.5 s, above the cap of 60 s: try later", id="just-above"),
        pytest.param(1, 0, "it asks for a wait of 1 s, above the cap of 0 s: try later", id="no-wait-allowed"),
    ],
)
def test_a_wait_above_the_cap_ends_it_at_once(wait_s: float, cap_s: float, ending: str) -> None:
    """A wait above the cap is not begun: one attempt, and an error that names wait and cap."""
    scene = Scene([busy(wait_s)], RetrySettings(cap_s=cap_s))

    assert f"529: overloaded (busy); {ending}" == str(scene.error())
    assert (1, []) == (len(scene.fake.asked), scene.ticker.waits)


def test_a_wait_above_the_cap_ends_it_later_too() -> None:
    """The cap holds for every attempt, not for the first alone."""
    scene = Scene([busy(2), busy(61)])

    assert "a wait of 61 s, above the cap of 60 s" in str(scene.error())
    assert (2, [2]) == (len(scene.fake.asked), scene.ticker.waits)


def test_a_wait_past_the_deadline_is_not_begun() -> None:
    """A wait that would end after the deadline ends the policy before it, naming the deadline."""
    scene = Scene([busy(6), busy(6)], RetrySettings(deadline_s=10))

    assert "529: overloaded (busy); the deadline of 10 s would pass before the next attempt" == str(scene.error())
    assert (2, 6) == (len(scene.fake.asked), scene.ticker.at)


@given(
    waits=st.lists(st.none() | st.floats(0.01, 60), max_size=20),
    deadline_s=st.floats(0.5, 300),
    attempts=st.integers(1, 20),
)
def test_no_policy_outlasts_its_bounds(waits: list[float | None], deadline_s: float, attempts: int) -> None:
    """Whatever faults come, neither deadline nor count is passed, and what comes of it is a reply or GaveUp."""
    scene = Scene([*map(busy, waits), "hello"], RetrySettings(attempts=attempts, deadline_s=deadline_s))
    with suppress(GaveUp):
        scene.reply()

    assert scene.ticker.at <= deadline_s
    assert len(scene.fake.asked) <= attempts


# What is not retried


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(Rejected("401: the key is wrong"), id="rejected"),
        pytest.param(Waiting("waiting for a person"), id="waiting"),
        pytest.param(GaveUp("an inner policy ended"), id="gave-up"),
        pytest.param(ModelError("something else"), id="any-other-of-the-model"),
        pytest.param(RecordingMissing("no recording"), id="recording-missing"),
        pytest.param(ValueError("a fault of ours"), id="a-fault-of-ours"),
    ],
)
def test_any_other_error_passes_at_once(error: Exception) -> None:
    """An error that is not Transient passes as it is, after one attempt and without a wait."""
    scene = Scene([error])
    with pytest.raises(type(error)) as caught:
        scene.reply()

    assert error is caught.value
    assert (1, []) == (len(scene.fake.asked), scene.ticker.waits)


@dataclass(frozen=True)
class Endless:
    """A model that never answers."""

    begun: asyncio.Event

    async def ask(self, request: Request) -> Reply:
        """Wait for ever."""
        self.begun.set()
        await asyncio.Event().wait()
        raise AssertionError(request)


@pytest.mark.parametrize("where", ["in-the-ask", "in-the-wait", "in-the-line"])
def test_a_cancellation_passes(where: str) -> None:
    """A task that is cancelled ends as cancelled, whether it is asking, waiting or held back in the line."""

    async def cancelled() -> bool:
        begun = asyncio.Event()

        async def forever(_: float) -> None:
            await Endless(begun).ask(request())

        clock = Clock(now=lambda: 0, sleep=forever)
        limit = Limit(clock)
        limit.hold(9 if where == "in-the-line" else 0)
        inner: Model = Fake([busy()]) if where == "in-the-wait" else Endless(begun)
        task = asyncio.create_task(Retrying(inner, limit, RetrySettings(), clock).ask(request()))
        await asyncio.wait_for(begun.wait(), 5)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(cancelled())


# The line


@dataclass
class Street:
    """Several seats that ask one provider side by side, and when each attempt was made."""

    answers: dict[str, list[Given]]
    ticker: Ticker = field(default_factory=Ticker)
    seen: list[tuple[str, float]] = field(default_factory=list)

    def answer(self, asked: Request) -> Given:
        """Return the next answer for a seat."""
        self.seen.append((asked.label.persona, round(self.ticker.at, 1)))  # a pace of some milliseconds is no wait
        return self.answers[asked.label.persona].pop(0)

    def ask_all(self) -> dict[str, Reply]:
        """Return the replies of all seats, asked side by side through one line."""
        clock = self.ticker.clock
        model = Retrying(Fake(self.answer), Limit(clock), RetrySettings(), clock)

        async def together() -> list[Reply]:
            return await asyncio.gather(*(model.ask(request(persona)) for persona in list(self.answers)))

        return dict(zip(list(self.answers), asyncio.run(together()), strict=True))


def test_a_rate_limit_holds_back_the_others() -> None:
    """After one 429 nobody asks that provider until the wait is over; the others did not fail."""
    street = Street({"mason": [busy(5, pauses_all=True), "one"], "smith": ["two"]})
    replies = street.ask_all()

    assert [("mason", 0), ("mason", 5), ("smith", 5)] == sorted(street.seen)
    assert (Attempt(number=1, waited_s=0),) == replies["smith"].attempts


def test_a_rate_limit_holds_back_one_that_is_already_waiting() -> None:
    """A seat whose own wait ends first is still held back."""
    street = Street({"smith": [busy(1), "two"], "mason": [busy(5, pauses_all=True), "one"]})
    replies = street.ask_all()

    assert [("mason", 0), ("mason", 5), ("smith", 0), ("smith", 5)] == sorted(street.seen)
    assert [0, 5] == [round(attempt.waited_s, 1) for attempt in replies["smith"].attempts]


def test_of_two_rate_limits_the_longer_counts() -> None:
    """A second 429 with a shorter wait does not let anybody through early."""
    scene = Scene(["hello"])
    scene.limit.hold(9)
    scene.limit.hold(2)
    scene.reply()

    assert [9] == scene.ticker.waits


def test_a_fault_of_one_request_holds_back_nobody() -> None:
    """A fault that concerns one request alone lets the others through at once."""
    street = Street({"mason": [busy(5), "one"], "smith": ["two"]})
    street.ask_all()

    assert [("mason", 0), ("mason", 5), ("smith", 0)] == sorted(street.seen)


def test_seats_side_by_side_keep_their_own_attempts() -> None:
    """Many seats through one policy at once: each reply holds its own faults and no others'."""
    faults = {f"seat{number}": [busy(1 + number)] * (number % 4) for number in range(20)}
    street = Street({persona: [*some, persona] for persona, some in faults.items()})
    replies = street.ask_all()

    assert {persona: persona for persona in faults} == {persona: reply.text for persona, reply in replies.items()}
    assert {persona: len(some) + 1 for persona, some in faults.items()} == {
        persona: len(reply.attempts) for persona, reply in replies.items()
    }


def test_a_hold_that_is_over_holds_nobody() -> None:
    """Who comes when the wait that was asked for is over goes through at once."""
    scene = Scene(["hello"])
    scene.limit.hold(10)
    scene.ticker.at = 10
    scene.reply()

    assert [] == scene.ticker.waits


def test_nobody_is_held_back_past_the_deadline() -> None:
    """A hold that is longer than a request's deadline ends that request at once, and it is not asked."""
    scene = Scene(["hello"], RetrySettings(deadline_s=10))
    scene.limit.hold(60)
    error = scene.error()

    assert "the provider holds everybody back for 60 s more, past the deadline; try later" == str(error)
    assert ([], 0) == (scene.fake.asked, scene.ticker.at)
