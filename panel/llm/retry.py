"""Retry: the one policy by which faults that pass are waited for. The SDKs' own retries are off."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from panel.errors import GaveUp, Transient
from panel.llm.clock import REAL, Clock
from panel.llm.limit import Limit
from panel.llm.model import Model
from panel.request import Attempt, Reply, Request
from panel.tables import DEFAULT_RETRY, RetrySettings

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 8.0
"""Full jitter: a wait is drawn between 0 and `min(LONGEST, FIRST * 2**(n-1))`, so that tasks do not march in step.
Source: Brooker, "Exponential Backoff and Jitter", 2015."""

Notice = Callable[[Request, Attempt], None]
Done = TypeVar("Done")


@dataclass(frozen=True)
class Retrying:
    """A Model that asks another one until it answers or the policy ends."""

    inner: Model
    limit: Limit
    policy: RetrySettings = DEFAULT_RETRY
    clock: Clock = REAL
    notice: Notice = lambda request, attempt: None

    async def ask(self, request: Request) -> Reply:
        """Return the reply with every attempt in it.

        Raises GaveUp, naming the last fault and what ended the policy, and any error that does not pass at once.
        """
        call = _Call(self, request)
        retrying = AsyncRetrying(
            retry=retry_if_exception(call.goes_on),
            wait=call.wait,
            stop=stop_after_attempt(self.policy.attempts),
            sleep=self.clock.sleep,
            reraise=True,
        )
        try:
            reply: Reply = await retrying(call.once)
        except Transient as last:
            raise GaveUp(f"{last}; {call.ending or f'gave up after {len(call.attempts)} attempts'}") from last
        return reply.model_copy(update={"attempts": tuple(call.attempts)})


@dataclass
class _Call:
    """One request on its way, with what has happened to it."""

    by: Retrying
    request: Request
    began: float | None = None
    """When it was first let through; its turn in the line is no wait of its own."""

    attempts: list[Attempt] = field(default_factory=list)
    ended: float = 0
    next_wait: float = 0
    ending: str | None = None

    async def once(self) -> Reply:
        clock, limit, policy = self.by.clock, self.by.limit, self.by.policy
        patience = policy.deadline_s - (0 if self.began is None else clock.now() - self.began)
        async with limit.admitted(self.request, patience) as size:
            if self.began is None:
                self.began = self.ended = clock.now()
            waited = max(0.0, clock.now() - self.ended)
            try:
                reply = await self.by.inner.ask(self.request)
            except Transient as error:
                self._note(waited, str(error))
                raise
            self._note(waited, None)
            limit.answered(self.request, reply, size)
            return reply

    def _note(self, waited: float, error: str | None) -> None:
        self.ended = self.by.clock.now()
        attempt = Attempt(number=len(self.attempts) + 1, waited_s=round(waited, 3), error=error)
        self.attempts.append(attempt)
        if error:
            self.by.notice(self.request, attempt)

    def goes_on(self, error: BaseException) -> bool:
        """Decide, once an attempt, whether and how long to wait; tenacity asks this before it asks `wait`."""
        if not isinstance(error, Transient):
            return False
        policy, now = self.by.policy, self.by.clock.now()
        began = now if self.began is None else self.began
        highest = _highest(len(self.attempts))
        self.next_wait = error.wait_s if error.wait_s is not None else self.by.clock.uniform(0, highest)
        if error.pauses_all:
            self.by.limit.hold(self.next_wait)
        self.ending = _ending(policy, error, now + self.next_wait - began)
        return self.ending is None

    def wait(self, _: RetryCallState) -> float:
        return self.next_wait


async def patient(act: Callable[[], Awaitable[Done]], policy: RetrySettings, clock: Clock = REAL) -> Done:
    """Return what `act` returns, which is called again by the same policy while its faults pass; nobody else is held.

    Raises GaveUp, naming the last fault and what ended the policy, and any error that does not pass at once.
    """

    async def once() -> Done:  # a function that only returns something to wait for is not waited for
        return await act()

    errand = _Errand(policy, clock, clock.now())
    retrying = AsyncRetrying(
        retry=retry_if_exception(errand.goes_on),
        wait=errand.wait,
        stop=stop_after_attempt(policy.attempts),
        sleep=clock.sleep,
        reraise=True,
    )
    try:
        done: Done = await retrying(once)
    except Transient as last:
        raise GaveUp(f"{last}; {errand.ending or f'gave up after {policy.attempts} attempts'}") from last
    return done


@dataclass
class _Errand:
    """Something that is tried until it is done, with how long it has been tried."""

    policy: RetrySettings
    clock: Clock
    began: float
    faults: int = 0
    next_wait: float = 0
    ending: str | None = None

    def goes_on(self, error: BaseException) -> bool:
        if not isinstance(error, Transient):
            return False
        self.faults += 1
        drawn = self.clock.uniform(0, _highest(self.faults))
        self.next_wait = drawn if error.wait_s is None else error.wait_s
        self.ending = _ending(self.policy, error, self.clock.now() + self.next_wait - self.began)
        return self.ending is None

    def wait(self, _: RetryCallState) -> float:
        return self.next_wait


def _highest(number: int) -> float:
    """Return the longest wait after so many faults, in seconds."""
    return float(min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (number - 1)))


def _ending(policy: RetrySettings, error: Transient, passed_s: float) -> str | None:
    """Return why a fault is not waited for, or None; `passed_s` is how long it would all have taken by then."""
    if error.wait_s is not None and error.wait_s > policy.cap_s:
        return f"it asks for a wait of {error.wait_s:g} s, above the cap of {policy.cap_s:g} s: try later"
    if passed_s > policy.deadline_s:
        return f"the deadline of {policy.deadline_s:g} s would pass before the next attempt"
    return None
