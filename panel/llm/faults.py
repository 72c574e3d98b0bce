"""Faults: what a provider's error means, whichever provider it is."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any

from panel.errors import ModelError, Rejected, Transient
from panel.provider import is_loopback
from panel.text import clean, writable

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
_SECRET_NAME = re.compile(r"^PANEL_KEY_|(?:KEY|TOKEN|SECRET|PASSWORD)$")
_SECRET_SHAPE = re.compile(r"\b(?:sk|pk|key)-[A-Za-z0-9_\-*]{6,}|(?i:bearer)\s+\S+")
_LONGEST = 300
_SHORTEST = 6
"""A shorter value is no secret that could be told from a word."""


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


@contextmanager
def told(sdk: Errors) -> Iterator[None]:
    """Turn what an SDK raises during a call into our errors.

    What it raised is not chained, since it may hold what a provider echoed.
    """
    try:
        yield
    except sdk.status as error:
        raise fault(error.status_code, error.response.headers, error.body) from None
    except sdk.timeout:
        raise Transient("the provider did not answer in time") from None
    except sdk.connection as error:
        where = getattr(getattr(error, "request", None), "url", None)
        at = f" at {where.scheme}://{where.netloc.decode()}" if where else ""
        reason = scrubbed(str(error.__cause__ or error))
        if where and is_loopback(str(where)) and type(error.__cause__).__name__ == "ConnectError":
            raise Rejected(f"no connection to the provider{at} ({reason}); is the server running?") from None
        raise Transient(f"no connection to the provider{at} ({reason})") from None
    except sdk.other as error:
        raise Rejected(scrubbed(str(error))) from None
    except (ValueError, RecursionError):
        raise Transient("the provider's reply can't be read: it is not JSON") from None


@contextmanager
def understood(reply: object, parts: str) -> Iterator[None]:
    """Turn what reading a reply raises into our errors: SDKs build replies unchecked, and give a page back as text.

    What has no list of `parts` came from something on the way, and passes.
    A reply of another form was paid for, and is not asked again.
    """
    if not isinstance(getattr(reply, parts, None), list):
        raise Transient("something other than the provider answered (a page instead of a reply)")
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise Rejected("the provider's reply has another form than it documents; is Panel up to date?") from error


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


def scrubbed(text: str) -> str:
    """Return `text` without anything that looks like a key or is a secret of the environment, and printable."""
    return clean(_SECRET_SHAPE.sub("[key]", without_secrets(text))).text


def without_secrets(text: str) -> str:
    """Return `text` without the secrets of the environment, however they are spelt; the rest stays as it is."""
    spellings = {form for secret in _secrets() for form in (secret, json.dumps(secret)[1:-1], repr(secret)[1:-1])}
    for form in sorted(spellings, key=len, reverse=True):
        text = text.replace(form, "[key]")
    return writable(text)


def _secrets() -> Iterator[str]:
    for name, value in os.environ.items():
        values = [line.partition(":")[2] for line in value.splitlines()] if name.endswith("_HEADERS") else [value]
        if name.endswith("_HEADERS") or _SECRET_NAME.search(name):
            yield from (each.strip() for each in values if len(each.strip()) >= _SHORTEST)
