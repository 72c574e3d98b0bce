"""Faults: what a provider's error means, whichever provider it is."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from inspect import isawaitable
from math import isfinite
from typing import Any, Protocol, TypeVar

from panel.errors import ModelError, Rejected, Transient
from panel.llm.keys import scrubbed
from panel.provider import is_loopback
from panel.request import Reply

_PASSING = {408, 409, 429}
_SPENT = ("spend_limit_reached", "ramp_limit_exceeded", "insufficient_quota", "billing_hard_limit", "credit balance")
_ADVICE = {
    400: "the provider can't use this request",
    401: "the key is wrong or was revoked; set the right one",
    402: "the account has no credit; add some",
    403: "this key may not use this model; ask for access or choose another",
    404: "no such model at this provider; check the name after the colon",
    413: "the request is too large; shorten the dossier",
    422: "the provider can't use this request",
}
_LONGEST = 300

Answered = TypeVar("Answered")
Parsed_co = TypeVar("Parsed_co", covariant=True)
Hear = Callable[[str, Mapping[str, str]], None]
"""Told of the headers that came with a reply, or with a refusal, and of the model that was asked."""


def fault(status: int, headers: Mapping[str, str], body: object) -> ModelError:
    """Return what an error status means: Transient where waiting may help, else Rejected.

    400, 401, 402, 403, 404, 413, 422 and spent limits never pass by waiting, whatever a header says.
    """
    said = _message(body)
    everything = body if isinstance(body, str) else json.dumps(body, default=str)
    if any(mark in everything for mark in _SPENT):
        return Rejected(f"{status}: the spending limit of the account is reached; raise it with the provider ({said})")
    if status not in _PASSING and status < 500:
        return Rejected(f"{status}: {_ADVICE.get(status, 'the provider refused the request')} ({said})")
    name = {429: "rate limited", 529: "overloaded", 408: "timed out"}.get(status, "failed")
    if headers.get("x-should-retry") == "false":
        return Rejected(f"{status}: {name}, and the provider asks not to try again ({said})")
    return Transient(f"{status}: {name} ({said})", wait_s=asked_wait(headers), pauses_all=status in (429, 529))


@dataclass(frozen=True)
class Errors:
    """An SDK's exceptions, which are called alike in all of them."""

    status: type[Any]
    timeout: type[Exception]
    connection: type[Exception]
    other: type[Exception]


class Raw(Protocol[Parsed_co]):
    """What an SDK returns before it is read."""

    @property
    def headers(self) -> Mapping[str, str]: ...

    def parse(self) -> Parsed_co | Awaitable[Parsed_co]: ...


async def told(sdk: Errors, call: Awaitable[Raw[Answered]], hear: Callable[[Mapping[str, str]], None]) -> Answered:
    """Return what a call of an SDK returns, `hear` what its headers say; what it raises becomes one of our errors.

    What it raised does not even hang on ours as its context, since it may hold what a provider echoed.
    """
    try:
        raw = await call
        hear(raw.headers)
        parsed = raw.parse()
        return await parsed if isawaitable(parsed) else parsed
    except sdk.status as error:
        hear(error.response.headers)
        found: ModelError = fault(error.status_code, error.response.headers, error.body)
    except sdk.timeout:
        found = Transient("the provider did not answer in time", may_be_charged=True)
    except sdk.connection as error:
        found = _unconnected(error)
    except sdk.other as error:
        found = Rejected(scrubbed(str(error)))
    except (ValueError, RecursionError):
        found = Transient("the provider's reply can't be read: it is not JSON", may_be_charged=True)
    raise found


def _unconnected(error: Exception) -> ModelError:
    """Return what a missing connection means: on this machine somebody has to start a server, elsewhere it may pass."""
    where = getattr(getattr(error, "request", None), "url", None)
    at = f" at {where.scheme}://{where.netloc.decode()}" if where else ""
    reason = scrubbed(str(error.__cause__ or error))
    if where and is_loopback(str(where)) and type(error.__cause__).__name__ == "ConnectError":
        return Rejected(f"no connection to the provider{at} ({reason}); is the server running?")
    return Transient(f"no connection to the provider{at} ({reason})", may_be_charged=True)


def understood(answered: Answered, parts: str, read: Callable[[Answered], Reply]) -> Reply:
    """Return the reply in what an SDK returned: SDKs build replies unchecked, and give a page back as text.

    What has no list of `parts` came from something on the way, and passes.
    A reply of another form was paid for, and is not asked again; what is wrong in it may be an echo, and is not told.
    """
    if not isinstance(getattr(answered, parts, None), list):
        raise Transient("something other than the provider answered (a page instead of a reply)", may_be_charged=True)
    try:
        return read(answered)
    except (AttributeError, LookupError, TypeError, ValueError):
        problem = "the provider's reply has another form than it documents; is Panel up to date?"
        odd = Rejected(problem, may_be_charged=True)
    raise odd


def tokens(count: object) -> int:
    """Return a number of tokens as a provider tells it; 0 where it is none: no reply is lost for that."""
    return count if isinstance(count, int) and count > 0 else 0


def asked_wait(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the seconds that a provider asks us to wait, or None.

    Reads `retry-after-ms`, then `retry-after` in seconds or as an HTTP date.
    Zero, negative, past and unreadable values count as not said. What time it is says the provider, as far as it does.
    """
    milliseconds = _positive(headers.get("retry-after-ms"))
    if milliseconds and milliseconds / 1000 > 0:
        return milliseconds / 1000
    said = headers.get("retry-after", "")
    return _positive(said) or _until(said, _moment(headers.get("date", "")) or now or datetime.now(UTC))


def _positive(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if isfinite(value) and value > 0 else None


def _until(text: str, now: datetime) -> float | None:
    moment = _moment(text)
    seconds = (moment - now).total_seconds() if moment else 0
    return seconds if seconds > 0 else None


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def _message(body: object) -> str:
    inner = body.get("error", body) if isinstance(body, dict) else body
    said = inner.get("message", inner) if isinstance(inner, dict) else inner
    return " ".join(scrubbed(str(said or "no reason given")).split())[:_LONGEST]
