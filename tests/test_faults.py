"""Faults: what an error status means, how long it asks us to wait, and that no key is in its message."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from anthropic import AnthropicError
from hypothesis import example, given
from hypothesis import strategies as st
from openai import OpenAIError

import panel.llm.anthropic
import panel.llm.openai
from panel.errors import ModelError, Rejected, Transient
from panel.llm.faults import asked_wait, fault, told
from panel.llm.keys import scrubbed

KEY = "sk-test-planted-key-123456"
NOW = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)


def saying(message: str, **error: object) -> dict[str, Any]:
    """Return an error body as vendors write it."""
    return {"type": "error", "error": {"message": message, **error}}


# What a status means


@dataclass(frozen=True)
class Means:
    """What one error status comes to."""

    kind: type[ModelError]
    message: str
    pauses_all: bool = False


STATUSES = {
    307: Means(Rejected, "307: the provider refused the request (why)"),
    400: Means(Rejected, "400: the provider can't use this request (why)"),
    401: Means(Rejected, "401: the key is wrong or was revoked; set the right one (why)"),
    402: Means(Rejected, "402: the account has no credit; add some (why)"),
    403: Means(Rejected, "403: this key may not use this model; ask for access or choose another (why)"),
    404: Means(Rejected, "404: no such model at this provider; check the name after the colon (why)"),
    408: Means(Transient, "408: timed out (why)"),
    409: Means(Transient, "409: failed (why)"),
    410: Means(Rejected, "410: the provider refused the request (why)"),
    413: Means(Rejected, "413: the request is too large; shorten the dossier (why)"),
    422: Means(Rejected, "422: the provider can't use this request (why)"),
    425: Means(Rejected, "425: the provider refused the request (why)"),
    429: Means(Transient, "429: rate limited (why)", pauses_all=True),
    500: Means(Transient, "500: failed (why)"),
    502: Means(Transient, "502: failed (why)"),
    503: Means(Transient, "503: failed (why)"),
    504: Means(Transient, "504: failed (why)"),
    529: Means(Transient, "529: overloaded (why)", pauses_all=True),
}
table = pytest.mark.parametrize(("status", "means"), [pytest.param(*row, id=str(row[0])) for row in STATUSES.items()])


@table
def test_a_status_means_one_thing(status: int, means: Means) -> None:
    """Each status passes by waiting or does not, and its message says what it is and what to do."""
    error = fault(status, {}, saying("why"))

    assert (means.kind, means.message) == (type(error), str(error))
    assert means.pauses_all == getattr(error, "pauses_all", False)


@table
def test_no_header_makes_a_lasting_fault_pass(status: int, means: Means) -> None:
    """`x-should-retry: true` and a Retry-After change nothing about what a status means."""
    error = fault(status, {"x-should-retry": "true", "retry-after": "1"}, saying("why"))

    assert (means.kind, means.message) == (type(error), str(error))


@table
def test_a_provider_can_ask_not_to_be_asked_again(status: int, means: Means) -> None:
    """`x-should-retry: false` makes every fault a lasting one."""
    assert Rejected is type(fault(status, {"x-should-retry": "false"}, saying("why")))


@pytest.mark.parametrize("status", [429, 503, 529])
def test_a_passing_fault_says_how_long_to_wait(status: int) -> None:
    """A passing fault carries the wait that its headers ask for, and None where they do not."""
    told, silent = fault(status, {"retry-after": "7"}, None), fault(status, {}, None)

    assert isinstance(told, Transient)
    assert isinstance(silent, Transient)
    assert (7, None) == (told.wait_s, silent.wait_s)


@dataclass(frozen=True)
class Spent:
    """How a vendor says that the money is spent."""

    body: object
    status: int = 429
    headers: Mapping[str, str] = field(default_factory=dict)


SPENT = {
    "openai-code": Spent(saying("You exceeded your quota", code="insufficient_quota")),
    "openai-unwrapped": Spent({"message": "You exceeded your quota", "code": "insufficient_quota"}),
    "openai-hard-limit": Spent(saying("no", code="billing_hard_limit_reached"), 400),
    "anthropic-enforced": Spent(saying("no", details={"error_code": "enforced_spend_limit_reached"})),
    "anthropic-contract": Spent(saying("no", details={"error_code": "contract_spend_limit_reached"})),
    "anthropic-ramp": Spent(saying("no", details={"error_code": "ramp_limit_exceeded"})),
    "anthropic-credit": Spent(saying("Your credit balance is too low"), 400),
    "as-text": Spent('{"error": {"code": "insufficient_quota"}}'),
    "whatever-a-header-says": Spent(saying("no", code="insufficient_quota"), 429, {"x-should-retry": "true"}),
}


@pytest.mark.parametrize("spent", [pytest.param(spent, id=name) for name, spent in SPENT.items()])
def test_spent_money_does_not_come_back_by_waiting(spent: Spent) -> None:
    """A spent limit is a lasting fault, and the message says that it is one of money."""
    error = fault(spent.status, spent.headers, spent.body)

    assert Rejected is type(error)
    assert str(error).startswith(f"{spent.status}: the spending limit of the account is reached")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param(saying("too busy"), "too busy", id="wrapped"),
        pytest.param({"message": "too busy"}, "too busy", id="unwrapped"),
        pytest.param({"error": "too busy"}, "too busy", id="error-is-text"),
        pytest.param("<html>\n  502\n</html>", "<html> 502 </html>", id="page-on-one-line"),
        pytest.param(None, "no reason given", id="nothing"),
        pytest.param("", "no reason given", id="empty"),
        pytest.param({}, "no reason given", id="empty-object"),
        pytest.param({"error": None}, "no reason given", id="error-null"),
        pytest.param({"error": {"message": None}}, "no reason given", id="message-null"),
        pytest.param(["odd"], "['odd']", id="list"),
        pytest.param("x" * 1000, "x" * 300, id="a-long-one-cut"),
    ],
)
def test_the_message_says_what_the_provider_said(body: object, said: str) -> None:
    """Whatever shape an error body has, its words stand in the message on one line."""
    assert f"502: failed ({said})" == str(fault(502, {}, body))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
bodies = json_values | st.fixed_dictionaries({"error": json_values | st.fixed_dictionaries({"message": json_values})})


@given(status=st.integers(300, 999), body=bodies, after=st.text())
def test_every_error_comes_to_one_of_two_kinds(status: int, body: object, after: str) -> None:
    """Whatever a provider sends, the fault is Transient or Rejected, begins with the status and is one line."""
    error = fault(status, {"retry-after": after}, body)

    assert type(error) in (Transient, Rejected)
    assert str(error).startswith(f"{status}: ")
    assert "\n" not in str(error)


# How long to wait


@dataclass(frozen=True)
class Waits:
    """Headers, and the seconds they ask for at noon on 20 November 2026."""

    headers: Mapping[str, str]
    seconds: float | None


WAITS = {
    "7-for-seconds": Waits({"retry-after": "7"}, 7),
    "1.5-for-a-part": Waits({"retry-after": "1.5"}, 1.5),
    "7-with-blanks-around": Waits({"retry-after": " 7 "}, 7),
    "0.25-for-milliseconds": Waits({"retry-after-ms": "250"}, 0.25),
    "milliseconds-first": Waits({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
    "seconds-for-zero-milliseconds": Waits({"retry-after-ms": "0", "retry-after": "9"}, 9),
    "seconds-for-unreadable-milliseconds": Waits({"retry-after-ms": "soon", "retry-after": "9"}, 9),
    "90-for-a-date": Waits({"retry-after": "Fri, 20 Nov 2026 12:01:30 GMT"}, 90),
    "90-for-a-date-elsewhere": Waits({"retry-after": "Fri, 20 Nov 2026 14:01:30 +0200"}, 90),
    "90-for-a-date-without-a-zone": Waits({"retry-after": "Fri, 20 Nov 2026 12:01:30 -0000"}, 90),
    "none-for-now": Waits({"retry-after": "Fri, 20 Nov 2026 12:00:00 GMT"}, None),
    "none-for-a-past-date": Waits({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, None),
    "none-for-no-date": Waits({"retry-after": "Fri, 99 Nov 2026 12:00:00 GMT"}, None),
    "none-for-nothing": Waits({}, None),
    "none-for-empty": Waits({"retry-after": "", "retry-after-ms": ""}, None),
    "none-for-zero": Waits({"retry-after": "0"}, None),
    "none-for-negative": Waits({"retry-after": "-7"}, None),
    "none-for-garbage": Waits({"retry-after": "soon"}, None),
    "none-for-no-number": Waits({"retry-after": "nan"}, None),
    "none-for-infinity": Waits({"retry-after": "inf"}, None),
    "none-for-a-number-too-large": Waits({"retry-after": "1e999"}, None),
}


@pytest.mark.parametrize("waits", [pytest.param(waits, id=name) for name, waits in WAITS.items()])
def test_headers_ask_for_a_wait(waits: Waits) -> None:
    """Milliseconds go before seconds and dates; what is zero, negative, past or unreadable counts as not said."""
    assert waits.seconds == asked_wait(waits.headers, NOW)


@given(seconds=st.integers(1, 10**8))
def test_a_date_is_as_far_off_as_it_says(seconds: int) -> None:
    """A date in the future asks for the seconds until then."""
    date = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)

    assert seconds == asked_wait({"retry-after": date}, NOW)


date_like = st.lists(
    st.sampled_from(["Fri,", "20", "99", "Nov", "Feb", "2026", "99999", "12:00:00", "25:61:61", "1:2:3:4", "GMT"])
    | st.sampled_from(["+9999", "-0000", "+99999999999", "(c)", "-", "20-Nov-26", "2026-11-20", "", "\0"])
    | st.text(max_size=4),
    max_size=8,
).map(" ".join)
values = st.text() | date_like | st.floats().map(str) | st.integers().map(str)


@given(headers=st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms"]), values))
@example(headers={"retry-after-ms": "5e-324"})
@example(headers={"retry-after": "5e-324"})
def test_a_wait_is_positive_or_not_said(headers: dict[str, str]) -> None:
    """Whatever stands in the headers, nothing is raised and the wait is more than nothing or None."""
    wait_s = asked_wait(headers)

    assert wait_s is None or 0 < wait_s < float("inf")


# Keys


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        pytest.param(f"bad key {KEY}!", "bad key [key]!", id="sk"),
        pytest.param("bad key sk-" + "ant-api03-AbC_d-9", "bad key [key]", id="sk-of-anthropic"),
        pytest.param("bad key sk-proj-********************wxyz.", "bad key [key].", id="half-masked"),
        pytest.param(f"Authorization: Bearer {KEY}", "Authorization: [key]", id="bearer"),
        pytest.param("authorization: bearer abc.def", "authorization: [key]", id="bearer-in-small-letters"),
        pytest.param(f"{{'key': '{KEY}'}}", "{'key': '[key]'}", id="in-quotes"),
        pytest.param(f"{KEY} {KEY}", "[key] [key]", id="twice"),
        pytest.param("model gpt-6 is overloaded", "model gpt-6 is overloaded", id="nothing-to-hide"),
        pytest.param("task-force and disk-usage", "task-force and disk-usage", id="words-that-end-alike"),
    ],
)
def test_what_looks_like_a_key_is_taken_out(text: str, clean: str) -> None:
    """A key, whole or half masked, becomes [key], and the words around it stay."""
    assert clean == scrubbed(text)


@pytest.mark.parametrize("name", ["ANTHROPIC_API_KEY", "HF_TOKEN", "CLIENT_SECRET", "DB_PASSWORD"])
def test_a_secret_of_the_environment_is_taken_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The value of a variable that is named like a secret is taken out, whatever it looks like."""
    monkeypatch.setenv(name, "plain words as a key")

    assert "refused: [key]" == scrubbed("refused: plain words as a key")


def test_other_variables_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The value of a variable that is no secret, and one too short to be one, stays."""
    monkeypatch.setenv("KEYBOARD", "overloaded")
    monkeypatch.setenv("SHORT_KEY", "over")

    assert "overloaded" == scrubbed("overloaded")


def test_of_two_secrets_the_longer_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one secret begins like another, no end of the longer one is left."""
    monkeypatch.setenv("A_KEY", "correct horse")
    monkeypatch.setenv("B_KEY", "correct horse battery staple")

    assert "refused: [key]" == scrubbed("refused: correct horse battery staple")


@given(before=st.text(max_size=400), after=st.text(max_size=40), status=st.sampled_from([401, 429, 503]))
@example(before="x " * 145, after="", status=401)
def test_no_part_of_a_key_is_in_a_message(before: str, after: str, status: int) -> None:
    """Wherever in an error body a key stands, the message holds no telling part of it."""
    error = fault(status, {}, saying(f"{before} {KEY} {after}"))

    assert KEY[:9] not in str(error)


@pytest.mark.parametrize("length", range(270, 301, 5))
def test_a_secret_at_the_cut_is_taken_out(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that a long message is cut in the middle of is taken out before the cut, not left in half."""
    secret = "Zq7Zq7Zq7Zq7Zq7Zq7Zq7Zq7Zq7Zq7Zq7"
    monkeypatch.setenv("OPENAI_API_KEY", secret)
    error = fault(401, {}, saying("x" * length + " " + secret))

    assert "Zq7" not in str(error)


@pytest.mark.parametrize("error", [AnthropicError, OpenAIError])
def test_what_an_sdk_finds_by_itself_is_told_without_keys(error: type[Exception]) -> None:
    """What an SDK raises that is no status and no connection is not asked again, and no key is in its message."""
    sdk = panel.llm.anthropic.ERRORS if error is AnthropicError else panel.llm.openai.ERRORS

    async def call() -> None:
        raise error(f"can't build a request with {KEY}")

    with pytest.raises(Rejected) as caught:
        asyncio.run(told(sdk, call(), lambda _: None))

    assert "can't build a request" in str(caught.value)
    assert KEY not in str(caught.value)
