"""The wire: both adapters through the real SDKs, against a server on this machine. Nothing waits, nothing is paid."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, NoReturn

import httpx2
import made
import pytest
from clock import Ticker
from vendor import (
    ANTHROPIC,
    CHAT,
    DIALECTS,
    DROPPED,
    OPENAI,
    SILENT,
    Answer,
    Call,
    Deaf,
    Dialect,
    Script,
    Tokens,
    Vendor,
)

from panel.ask import ask_seat
from panel.errors import GaveUp, InputError, ModelError, PanelError, Rejected, Transient
from panel.llm.chat import Rung
from panel.llm.limit import Limit
from panel.llm.live import Line, connect, shared_client
from panel.llm.model import Model
from panel.llm.open import Providers
from panel.llm.recording import Recording
from panel.llm.retry import Retrying
from panel.persona import read_persona
from panel.prompt import Question
from panel.request import Attempt, Block, Parameters, Reply, Request, Stop, Turn, Usage
from panel.review import Absence, Seat
from panel.settings import RetrySettings, Settings

KEY = "sk-test-planted-key-123456"
SCHEMA: Mapping[str, Any] = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
REQUEST = Request(
    model="",
    parameters=Parameters(max_tokens=4000),
    system="You sit on a panel.",
    blocks=(Block(text="# Dossier", cache=True), Block(text="# Your seat")),
    reply_schema=SCHEMA,
)
POLICY = RetrySettings()
FORM = "One JSON object."
"""What a chat server is told of the form of the reply."""

BACKOFF = 0.25
"""The first wait of the policy where the ticker draws from the middle of its bounds."""

every = pytest.mark.parametrize("dialect", [pytest.param(dialect, id=dialect.name) for dialect in DIALECTS])


@dataclass(frozen=True)
class Talk:
    """What came of one request."""

    outcome: Reply | PanelError
    calls: Sequence[Call]
    waits: Sequence[float] = ()

    @property
    def reply(self) -> Reply:
        """The reply; an error in its place fails the test."""
        assert isinstance(self.outcome, Reply), self.outcome
        return self.outcome

    @property
    def error(self) -> ModelError:
        """The error; a reply in its place fails the test."""
        assert isinstance(self.outcome, ModelError), self.outcome
        return self.outcome

    @property
    def sent(self) -> dict[str, Any]:
        """The body of the first request."""
        return self.calls[0].body


async def asked(model: Model, request: Request) -> Reply | ModelError:
    """Return the reply, or the error where the provider let us down; any other error passes."""
    try:
        return await model.ask(request)
    except ModelError as error:
        return error


@contextmanager
def turned_to(vendor: Vendor | Deaf) -> Iterator[None]:
    """Turn the SDKs to a server."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in vendor.environment.items():
            patch.setenv(name, value)
        yield


def connected(vendor: Vendor | Deaf, dialect: Dialect, use: Callable[[Model], Any], timeout_s: float = 10) -> Any:
    """Return what `use` makes of the model as the product connects it, but turned to this machine."""

    async def inside() -> Any:
        async with shared_client(timeout_s) as http:
            return await use(connect(dialect.provider(vendor.url), KEY, Line(http, lambda _: FORM)))

    with turned_to(vendor):
        return asyncio.run(inside())


def once(dialect: Dialect, script: Script, timeout_s: float = 10, **changes: Any) -> Talk:
    """Return what comes of one attempt at the request, without a retry policy."""
    request = REQUEST.model_copy(update={"model": dialect.model, **changes})
    with Vendor(script) as vendor:
        return Talk(connected(vendor, dialect, lambda model: asked(model, request), timeout_s), vendor.calls)


def retried(dialect: Dialect, script: Script, policy: RetrySettings = POLICY) -> Talk:
    """Return what comes of the request under the retry policy."""
    ticker, request = Ticker(), REQUEST.model_copy(update={"model": dialect.model})
    with Vendor(script) as vendor:
        outcome = connected(vendor, dialect, lambda model: asked(patient(model, ticker, policy), request))
        return Talk(outcome, vendor.calls, ticker.waits)


def patient(model: Model, ticker: Ticker, policy: RetrySettings = POLICY) -> Retrying:
    """Return a model that retries without waiting."""
    return Retrying(model, Limit(ticker.clock), policy, ticker.clock)


def sat(dialect: Dialect, question: Question, script: Script) -> tuple[Seat, Sequence[Call]]:
    """Return the seat that a script makes, and the requests it took."""
    with Vendor(script) as vendor:
        seat = connected(vendor, dialect, lambda model: ask_seat(question, patient(model, Ticker()), 1))
        return seat, vendor.calls


def turns(call: Call) -> list[dict[str, Any]]:
    """Return the conversation in a request of either vendor."""
    said: list[dict[str, Any]] = call.body["input" if call.dialect is OPENAI else "messages"]
    return [turn for turn in said if turn["role"] != "system"]


# What is sent


def test_anthropic_is_sent_schema_system_and_one_breakpoint() -> None:
    """Anthropic gets the schema as output format, the system as text and a breakpoint on the dossier, and no more."""
    talk = once(ANTHROPIC, [ANTHROPIC.said("{}")])

    assert {
        "model": "claude-sonnet-5-5",
        "max_tokens": 4000,
        "system": "You sit on a panel.",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "# Dossier", "cache_control": {"type": "ephemeral"}},
                    {"type": "text", "text": "# Your seat"},
                ],
            }
        ],
        "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
    } == talk.sent


def test_openai_is_sent_schema_system_and_one_breakpoint() -> None:
    """OpenAI gets a strict schema, the system as instructions, a breakpoint on the dossier, and stores nothing."""
    talk = once(OPENAI, [OPENAI.said("{}")])

    assert {
        "model": "gpt-6.1-sol",
        "max_output_tokens": 4000,
        "instructions": "You sit on a panel.",
        "input": [
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "# Dossier", "prompt_cache_breakpoint": {"mode": "explicit"}},
                    {"type": "input_text", "text": "# Your seat"},
                ],
            }
        ],
        "text": {"format": {"type": "json_schema", "name": "take", "strict": True, "schema": SCHEMA}},
        "prompt_cache_key": talk.sent.get("prompt_cache_key"),
        "prompt_cache_options": {"mode": "explicit"},
        "store": False,
    } == talk.sent


@every
def test_the_request_goes_to_the_vendors_path_with_the_key_in_its_header(dialect: Dialect) -> None:
    """A request is one POST to the vendor's path, and its key is in the Authorization header and nowhere else."""
    talk = once(dialect, [dialect.said("{}")])

    assert [dialect.path] == [call.path for call in talk.calls]
    assert [("authorization", f"Bearer {KEY}")] == [pair for pair in talk.calls[0].headers.items() if KEY in pair[1]]
    assert KEY not in json.dumps(talk.sent)


@every
def test_a_repair_is_sent_as_turns_behind_the_same_blocks(dialect: Dialect) -> None:
    """The turns of a repair follow the blocks in their order, and the blocks are what they were."""
    first = once(dialect, [dialect.said("{}")])
    mend = once(dialect, [dialect.said("{}")], turns=(Turn(role="assistant", text="{"), Turn(role="user", text="Mend")))

    assert [
        *turns(first.calls[0]),
        {"role": "assistant", "content": "{"},
        {"role": "user", "content": "Mend"},
    ] == turns(mend.calls[0])


@pytest.mark.parametrize(
    ("dialect", "place"),
    [
        pytest.param(ANTHROPIC, ("output_config", "effort"), id="anthropic-output_config"),
        pytest.param(OPENAI, ("reasoning", "effort"), id="openai-reasoning"),
    ],
)
def test_effort_is_sent_where_it_is_set(dialect: Dialect, place: tuple[str, str]) -> None:
    """A set effort arrives where the vendor reads it."""
    talk = once(dialect, [dialect.said("{}")], parameters=Parameters(max_tokens=16_000, effort="high"))

    assert "high" == talk.sent[place[0]][place[1]]


def cache_key(question: Question) -> str:
    """Return the cache key that OpenAI gets for a question."""
    with Vendor([OPENAI.said("{}")]) as vendor:
        connected(vendor, OPENAI, lambda model: model.ask(question.request()))
        return str(vendor.calls[0].body["prompt_cache_key"])


def test_the_cache_key_is_shared_by_all_seats_over_one_dossier(tmp_path: Path) -> None:
    """Two personas over one dossier send one cache key, and another dossier sends another."""
    question = made.question(tmp_path, OPENAI.model)
    path = tmp_path / "smith.md"
    path.write_text(made.PERSONA.replace("id: mason", "id: smith").replace("You build walls", "You shoe horses"))
    seat = replace(question, persona=read_persona(path))
    dossier = replace(question, tool=question.tool.model_copy(update={"tagline": "A spirit level for pipelines"}))

    assert cache_key(question) == cache_key(seat)
    assert cache_key(question) != cache_key(dossier)


@pytest.mark.parametrize(
    "name", ["gpt-4.1", "gpt-5", "gpt-5-mini", "gpt-5.4", "gpt-5.4-mini", "gpt-5.5", "o3", "o4-mini"]
)
def test_an_older_openai_model_is_sent_no_breakpoints(name: str) -> None:
    """A model before gpt-5.6 gets the cache key and neither cache options nor a breakpoint, which it would refuse."""
    talk = once(OPENAI, [OPENAI.said("{}")], model=f"openai:{name}")

    assert "prompt_cache_key" in talk.sent
    assert "prompt_cache_options" not in talk.sent
    assert "prompt_cache_breakpoint" not in json.dumps(talk.sent)


@pytest.mark.parametrize(
    "name", ["gpt-5.6-sol", "gpt-5.6-luna", "gpt-6-luna", "gpt-6.1-sol", "gpt-6-astra", "gpt-6.2-sol"]
)
def test_a_newer_openai_model_is_sent_one_breakpoint(name: str) -> None:
    """A model from gpt-5.6 on gets explicit mode and exactly one breakpoint."""
    talk = once(OPENAI, [OPENAI.said("{}")], model=f"openai:{name}")

    assert {"mode": "explicit"} == talk.sent["prompt_cache_options"]
    assert 1 == json.dumps(talk.sent).count("prompt_cache_breakpoint")


# What comes back


@every
def test_each_token_of_the_prompt_is_counted_once(dialect: Dialect) -> None:
    """The usage splits the prompt into fresh, read and written tokens, whatever the vendor adds up."""
    talk = once(dialect, [dialect.said("{}", Tokens(fresh=700, cache_read=5000, cache_write=300, output=90))])
    told = Usage(input=700, cache_read=5000, cache_write=300, output=90)
    unwritten = Usage(input=1000, cache_read=5000, output=90)

    assert (unwritten if dialect is CHAT else told) == talk.reply.usage


@every
def test_a_sound_reply_carries_its_text_and_its_end(dialect: Dialect) -> None:
    """A sound reply is done, with the text as it came, no detail and one attempt."""
    reply = once(dialect, [dialect.said('{"take": "Größe"}')]).reply

    assert ('{"take": "Größe"}', Stop.DONE, None) == (reply.text, reply.stop, reply.detail)
    assert (Attempt(number=1, waited_s=0),) == reply.attempts


@every
def test_the_reply_names_who_really_answered(dialect: Dialect) -> None:
    """`answered_by` is the model that the vendor names, which may be another than the one asked."""
    talk = once(dialect, [Answer.of(dialect.body("{}") | {"model": "some-snapshot-2026-11-01"})])

    assert f"{dialect.prefix}:some-snapshot-2026-11-01" == talk.reply.answered_by


@every
def test_thinking_before_the_text_is_left_out(dialect: Dialect) -> None:
    """Thoughts that stand before the text are no part of it."""
    talk = once(dialect, [dialect.said('{"vote": "ship"}', thinking='{"vote": "skip"}')])

    assert '{"vote": "ship"}' == talk.reply.text


@every
def test_a_refusal_is_a_reply_with_its_reason_and_its_cost(dialect: Dialect) -> None:
    """A refusal is no error: it keeps the vendor's reason and what it used."""
    reply = once(dialect, [dialect.refused("I can't judge this", Tokens(fresh=40, output=7))]).reply

    assert (Stop.REFUSED, "I can't judge this", Usage(input=40, output=7)) == (reply.stop, reply.detail, reply.usage)


@pytest.mark.parametrize(
    ("dialect", "changes", "detail"),
    [
        pytest.param(ANTHROPIC, {"stop_reason": "refusal", "content": []}, None, id="anthropic-no-details"),
        pytest.param(
            ANTHROPIC,
            {"stop_reason": "refusal", "stop_details": {"type": "refusal", "category": "bio", "explanation": None}},
            "bio",
            id="anthropic-category-alone",
        ),
        pytest.param(
            OPENAI,
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
            "content_filter",
            id="openai-content-filter",
        ),
    ],
)
def test_a_refusal_with_less_to_say_is_one_too(dialect: Dialect, changes: dict[str, Any], detail: str | None) -> None:
    """A refusal without an explanation, and a reply that a filter stopped, are refusals."""
    reply = once(dialect, [Answer.of(dialect.body("") | changes)]).reply

    assert (Stop.REFUSED, detail) == (reply.stop, reply.detail)


@every
def test_a_reply_cut_short_keeps_its_text_and_its_cost(dialect: Dialect) -> None:
    """A reply that met the limit of tokens is no error: it keeps what was written and what it used."""
    reply = once(dialect, [dialect.cut_short('{"evid', Tokens(fresh=40, output=4000))]).reply

    assert (Stop.TRUNCATED, '{"evid', Usage(input=40, output=4000)) == (reply.stop, reply.text, reply.usage)


def test_a_full_context_window_is_a_reply_cut_short() -> None:
    """Anthropic's other way to end early is truncation too."""
    body = ANTHROPIC.body("{") | {"stop_reason": "model_context_window_exceeded"}

    assert Stop.TRUNCATED == once(ANTHROPIC, [Answer.of(body)]).reply.stop


HTML = "<html><body>Please log in to this hotel's network</body></html>"


@every
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer.page(HTML), id="html"),
        pytest.param(Answer.page(HTML, "application/json"), id="html-called-json"),
        pytest.param(Answer.page('{"id": "msg_01", "content": [{"ty', "application/json"), id="broken-json"),
        pytest.param(Answer.page("", "application/json"), id="empty"),
        pytest.param(Answer.of([]), id="list"),
        pytest.param(Answer.of("hello"), id="string"),
        pytest.param(Answer.of(None), id="null"),
        pytest.param(Answer.of({"error": {"message": "busy"}}), id="error-object"),
        pytest.param(Answer.of({"content": None, "output": None}), id="nothing-in-it"),
        pytest.param(Answer(204), id="no-content"),
        pytest.param(Answer(200, b"xx", {"content-encoding": "gzip"}), id="broken-gzip"),
    ],
)
def test_a_200_that_is_no_reply_is_transient(dialect: Dialect, answer: Answer) -> None:
    """A success that holds something other than a reply is a fault that passes."""
    assert Transient is type(once(dialect, [answer]).error)


Spoil = Callable[[dict[str, Any]], dict[str, Any]]


def _parts(*parts: object) -> Spoil:
    return lambda body: body | {"content": [*parts], "output": [*parts]}


@every
@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda body: {key: body[key] for key in body if key != "usage"}, id="usage-missing"),
        pytest.param(lambda body: body | {"usage": {}}, id="usage-empty"),
        pytest.param(lambda body: body | {"usage": {"input_tokens": None, "output_tokens": None}}, id="usage-null"),
        pytest.param(lambda body: body | {"model": None}, id="model-null"),
        pytest.param(_parts(None), id="part-null"),
        pytest.param(_parts("hello"), id="part-string"),
        pytest.param(_parts({}), id="part-without-type"),
        pytest.param(_parts({"type": "message", "content": None}), id="message-without-content"),
        pytest.param(_parts({"type": "text", "text": None}), id="text-null"),
        pytest.param(
            _parts({"type": "message", "content": [{"type": "output_text", "text": None}]}), id="output-text-null"
        ),
        pytest.param(_parts({"type": "invented_tomorrow", "text": "?"}), id="part-of-a-new-kind"),
    ],
)
def test_a_misshapen_reply_never_breaks_the_run(dialect: Dialect, spoil: Spoil) -> None:
    """A 200 whose envelope is not as documented ends as a reply or as a ModelError, never as another exception."""
    talk = once(dialect, [Answer.of(spoil(dialect.body("{}")))])

    assert isinstance(talk.outcome, Reply | ModelError)


@every
@pytest.mark.parametrize(
    "body", [pytest.param(b'{"x": "\xff"}', id="not-utf-8"), pytest.param(b"[" * 100_000, id="nested-without-end")]
)
def test_a_body_that_cannot_be_decoded_is_transient(dialect: Dialect, body: bytes) -> None:
    """A success whose body no JSON reader can take is a fault that passes, never another exception."""
    talk = once(dialect, [Answer(200, body, {"content-type": "application/json"})])

    assert Transient is type(talk.error)


@every
@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(lambda dialect: dialect.said("half an emoji: \ud83d"), id="text"),
        pytest.param(lambda dialect: dialect.refused("half an emoji: \ud83d"), id="refusal"),
    ],
)
def test_whatever_was_paid_for_can_be_recorded(dialect: Dialect, reply: Callable[[Dialect], Answer]) -> None:
    """A reply with half a surrogate pair in it, which JSON can spell and UTF-8 can't, can be recorded as any other."""
    talk = once(dialect, [reply(dialect)])

    recording = Recording.of(REQUEST, talk.reply)

    assert "half an emoji: " in json.dumps(recording.as_json())


@every
def test_an_error_message_can_be_written(dialect: Dialect) -> None:
    """An error that quotes half a surrogate pair can be printed and logged."""
    talk = once(dialect, [dialect.fault(403, "no such thing: \ud83d")])

    assert str(talk.error).encode().startswith(b"403: ")


# What is retried


@every
@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_a_status_that_passes_is_retried(dialect: Dialect, status: int) -> None:
    """A status that passes by itself costs one wait, and the reply that follows counts."""
    talk = retried(dialect, [dialect.fault(status, "busy"), dialect.said("{}")])

    assert ("{}", 2, [BACKOFF]) == (talk.reply.text, len(talk.calls), talk.waits)


@every
@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_a_status_that_stays_is_never_retried(dialect: Dialect, status: int) -> None:
    """A fault of the request or of the key is told at once, even where the provider says to try again.

    A chat server may have meant the form of the reply by a 400 or 422: that is tried on every rung, without a wait.
    """
    no = dialect.fault(status, "no", {"x-should-retry": "true", "retry-after": "1"})
    talk = retried(dialect, lambda _: no)
    calls = len(Rung) if dialect is CHAT and status in (400, 422) else 1

    assert (Rejected, calls, []) == (type(talk.error), len(talk.calls), talk.waits)
    assert str(talk.error).startswith(f"{status}: ")


@every
@pytest.mark.parametrize("status", [429, 503, 529])
def test_a_provider_that_asks_not_to_be_asked_again_is_not(dialect: Dialect, status: int) -> None:
    """`x-should-retry: false` ends it, whatever the status."""
    talk = retried(dialect, [dialect.fault(status, "no", {"x-should-retry": "false"})])

    assert (Rejected, 1) == (type(talk.error), len(talk.calls))


@every
def test_a_redirect_is_not_followed(dialect: Dialect) -> None:
    """A redirect is an error, so a key never travels to another place."""
    talk = retried(dialect, [Answer(307, b"", {"location": "/v1/elsewhere"}), dialect.said("{}")])

    assert (Rejected, 1) == (type(talk.error), len(talk.calls))


SPENT = [
    pytest.param(OPENAI, {"code": "insufficient_quota", "type": "insufficient_quota"}, id="openai-insufficient_quota"),
    *(
        pytest.param(ANTHROPIC, {"type": "rate_limit_error", "details": {"error_code": code}}, id=f"anthropic-{code}")
        for code in ("enforced_spend_limit_reached", "contract_spend_limit_reached", "ramp_limit_exceeded")
    ),
]


@pytest.mark.parametrize(("dialect", "error"), SPENT)
def test_a_spent_limit_is_never_retried(dialect: Dialect, error: dict[str, Any]) -> None:
    """A 429 that says that the money is spent is told at once, as what it is."""
    talk = retried(dialect, [dialect.fault(429, "no more", {"retry-after": "1", "x-should-retry": "true"}, **error)])

    assert (Rejected, 1, []) == (type(talk.error), len(talk.calls), talk.waits)
    assert "spending limit" in str(talk.error)


@every
@pytest.mark.parametrize("ending", ["cut", "dropped"])
def test_a_broken_line_is_retried(dialect: Dialect, ending: str) -> None:
    """A dropped connection and a body cut off on its way are faults that pass, and the reply tells of them."""
    sound = dialect.said("{}")
    broken = DROPPED if ending == "dropped" else Answer(200, sound.body, sound.headers, "cut")
    talk = retried(dialect, [broken, sound])

    assert ("{}", 2) == (talk.reply.text, len(talk.calls))
    assert "no connection to the provider" in str(talk.reply.attempts[0].error)


@every
def test_a_server_of_this_machine_that_is_not_there_is_told_at_once(dialect: Dialect) -> None:
    """A refused connection on this machine is no fault that passes by itself: somebody has to start the server."""
    with Vendor([]) as vendor:
        pass
    request = REQUEST.model_copy(update={"model": dialect.model})
    outcome = connected(vendor, dialect, lambda model: asked(model, request))

    assert Rejected is type(outcome)
    assert "is the server running?" in str(outcome)


@every
def test_a_server_that_takes_no_connection_is_transient(dialect: Dialect, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is not had in time is a fault that passes, told as what it is."""

    async def late(_: object, request: httpx2.Request) -> NoReturn:
        raise httpx2.ConnectTimeout("", request=request)

    monkeypatch.setattr(httpx2.AsyncHTTPTransport, "handle_async_request", late)
    talk = once(dialect, [])

    assert (Transient, "the provider did not answer in time") == (type(talk.error), str(talk.error))


@every
def test_a_server_that_says_nothing_is_transient(dialect: Dialect) -> None:
    """A call that outlasts `timeout_s` is a fault that passes."""
    talk = once(dialect, [SILENT], timeout_s=0.1)

    assert (Transient, "the provider did not answer in time") == (type(talk.error), str(talk.error))


def test_a_reply_that_openai_calls_failed_is_transient() -> None:
    """A 200 with the status `failed` is a fault that passes, named in OpenAI's words."""
    failed = OPENAI.body("") | {"status": "failed", "error": {"code": "server_error", "message": "the model crashed"}}
    talk = once(OPENAI, [Answer.of(failed)])

    assert Transient is type(talk.error)
    assert "the model crashed" in str(talk.error)


@every
def test_the_reply_holds_every_attempt(dialect: Dialect) -> None:
    """A reply after two faults tells of three attempts: their waits and what went wrong."""
    busy = dialect.fault(529, "busy", {"retry-after": "3"})
    attempts = retried(dialect, [busy, DROPPED, dialect.said("{}")]).reply.attempts

    assert [(1, 0), (2, 3), (3, 0.5)] == [(attempt.number, attempt.waited_s) for attempt in attempts]
    assert ["529: overloaded (busy)", None] == [attempts[0].error, attempts[2].error]


@every
def test_retrying_ends_with_the_policy(dialect: Dialect) -> None:
    """A provider that stays down is asked as often as the policy says and given up on, naming the last fault."""
    talk = retried(dialect, lambda _: dialect.fault(503, "down for repairs"), RetrySettings(attempts=3))

    assert (GaveUp, 3, 2) == (type(talk.error), len(talk.calls), len(talk.waits))
    assert "503: failed (down for repairs); gave up after 3 attempts" == str(talk.error)


# How long a provider asks us to wait


@dataclass(frozen=True)
class Asks:
    """What a provider says, and the wait that it should make."""

    headers: Mapping[str, str]
    wait_s: float


ASKS = {
    "seconds": Asks({"retry-after": "7"}, 7),
    "part-of-a-second": Asks({"retry-after": "1.5"}, 1.5),
    "milliseconds": Asks({"retry-after-ms": "250.5"}, 0.2505),
    "milliseconds-before-seconds": Asks({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
    "seconds-where-milliseconds-are-zero": Asks({"retry-after-ms": "0", "retry-after": "9"}, 9),
    "exactly-the-cap": Asks({"retry-after": "60"}, 60),
    "backoff-for-nothing": Asks({}, BACKOFF),
    "backoff-for-zero": Asks({"retry-after": "0"}, BACKOFF),
    "backoff-for-negative": Asks({"retry-after": "-5"}, BACKOFF),
    "backoff-for-garbage": Asks({"retry-after": "soon"}, BACKOFF),
    "backoff-for-no-number": Asks({"retry-after": "nan"}, BACKOFF),
    "backoff-for-infinity": Asks({"retry-after": "inf"}, BACKOFF),
    "backoff-for-a-past-date": Asks({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, BACKOFF),
    "backoff-for-no-date": Asks({"retry-after": "Wed, 99 Oct 2026 07:28:00 GMT"}, BACKOFF),
}


@every
@pytest.mark.parametrize("asks", [pytest.param(asks, id=name) for name, asks in ASKS.items()])
def test_the_wait_that_a_provider_asks_for_is_kept(dialect: Dialect, asks: Asks) -> None:
    """A readable Retry-After is waited for to the letter; anything else is waited for as the policy has it."""
    talk = retried(dialect, [dialect.fault(429, "slow down", asks.headers), dialect.said("{}")])

    assert [asks.wait_s] == talk.waits
    assert asks.wait_s == pytest.approx(talk.reply.attempts[1].waited_s, abs=0.001)


def date_in(seconds: float) -> str:
    """Return the HTTP date so many seconds from now."""
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@every
def test_a_date_is_waited_for(dialect: Dialect) -> None:
    """A Retry-After that is an HTTP date is waited for until then."""
    talk = retried(dialect, [dialect.fault(429, "slow down", {"retry-after": date_in(45)}), dialect.said("{}")])

    assert "{}" == talk.reply.text
    assert pytest.approx(40, abs=5) == talk.waits[0]


@every
@pytest.mark.parametrize(
    ("header", "value", "named"),
    [
        pytest.param("retry-after", "3600", "a wait of 3600 s, above the cap of 60 s", id="seconds"),
        pytest.param("retry-after", "60.5", "a wait of 60.5 s, above the cap of 60 s", id="just-above"),
        pytest.param("retry-after-ms", "90000", "a wait of 90 s, above the cap of 60 s", id="milliseconds"),
        pytest.param("retry-after", date_in(7200), "above the cap of 60 s", id="date"),
    ],
)
def test_a_wait_above_the_cap_is_given_up_on(dialect: Dialect, header: str, value: str, named: str) -> None:
    """A provider that asks for a wait above the cap is asked once, and the error names the wait."""
    talk = retried(dialect, [dialect.fault(429, "slow down", {header: value})])

    assert (GaveUp, 1, []) == (type(talk.error), len(talk.calls), talk.waits)
    assert named in str(talk.error)


# Keys


@every
@pytest.mark.parametrize("status", [400, 401, 429, 503])
def test_a_key_that_an_error_echoes_is_not_in_the_message(dialect: Dialect, status: int) -> None:
    """An error body that repeats the key loses it on its way into our message."""
    talk = retried(dialect, lambda _: dialect.fault(status, f"Incorrect API key provided: {KEY}."))

    assert KEY not in str(talk.error)
    assert "Incorrect API key provided: [key]" in str(talk.error)


@every
def test_a_key_that_an_error_echoes_is_not_in_the_attempts(dialect: Dialect) -> None:
    """What is recorded of a failed attempt holds no key either."""
    echo = dialect.fault(503, f"upstream refused Authorization: Bearer {KEY}")
    reply = retried(dialect, [echo, dialect.said("{}")]).reply

    assert KEY not in json.dumps(reply.as_json())


def test_a_key_that_a_failed_reply_echoes_is_not_in_the_message() -> None:
    """OpenAI's error inside a 200 loses the key too."""
    body = OPENAI.body("") | {"status": "failed", "error": {"code": "server_error", "message": f"bad key {KEY}"}}
    talk = once(OPENAI, [Answer.of(body)])

    assert "the provider failed (bad key [key])" == str(talk.error)


@every
@pytest.mark.parametrize("key", [pytest.param(f"{KEY}\n", id="newline"), pytest.param("clé-secrète-é", id="not-ascii")])
def test_a_key_that_no_header_can_hold_is_no_passing_fault(
    dialect: Dialect, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key with a line break or a letter beyond ASCII is mended or told of as it is, never retried and never shown."""
    monkeypatch.setenv(dialect.key, key)
    talk = opened(dialect, [dialect.said("{}")], tmp_path)

    assert isinstance(talk.outcome, Reply | Rejected | InputError), talk.outcome
    assert key.strip() not in str(talk.outcome)


def opened(dialect: Dialect, script: Script, folder: Path) -> Talk:
    """Return what comes of one attempt at the request through the product's own providers."""
    request = REQUEST.model_copy(update={"model": dialect.model})

    async def inside() -> Reply | PanelError:
        servers = {CHAT.prefix: f"{vendor.url}/v1"}
        settings = Settings(runs=folder, timeout_s=10, retry=RetrySettings(attempts=1), servers=servers)
        try:
            async with Providers(settings, made.prompts()) as providers:
                model = providers.open(dialect.model)
                assert model
                return await model.ask(request)
        except PanelError as error:
            return error

    with Vendor(script) as vendor, turned_to(vendor):
        return Talk(asyncio.run(inside()), vendor.calls)


@every
def test_a_provider_is_opened_with_the_key_of_the_environment(
    dialect: Dialect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model that the product opens asks with the key of its variable, and its reply has a price: none at home."""
    monkeypatch.setenv(dialect.key, KEY)
    talk = opened(dialect, [dialect.said("{}", Tokens(fresh=100_000, output=0))], tmp_path)

    assert ("0" if dialect is CHAT else "0.2") == talk.reply.cost_usd
    assert f"Bearer {KEY}" == talk.calls[0].headers["authorization"]


# A whole seat


@every
def test_a_seat_is_heard_at_the_first_ask(dialect: Dialect, tmp_path: Path) -> None:
    """A sound answer is a take after one request, with what it used in its ask."""
    seat, calls = sat(dialect, made.question(tmp_path, dialect.model), [dialect.said(made.reply(), Tokens(output=321))])

    assert ("heard", 69, 1) == (seat.status, seat.take.score if seat.take else None, len(calls))
    assert [("ask", Usage(input=100, output=321))] == [(ask.kind, ask.usage) for ask in seat.asks]


@every
def test_a_broken_answer_is_repaired(dialect: Dialect, tmp_path: Path) -> None:
    """An answer that breaks the schema is sent back once with the complaint, and the mended one is heard."""
    broken = made.reply(vote="maybe")
    seat, calls = sat(
        dialect, made.question(tmp_path, dialect.model), [dialect.said(broken), dialect.said(made.reply())]
    )
    first, assistant, user = turns(calls[1])

    assert ("heard", ["ask", "repair"]) == (seat.status, [ask.kind for ask in seat.asks])
    assert [first, {"role": "assistant", "content": broken}] == [turns(calls[0])[0], assistant]
    assert "user" == user["role"]
    assert "vote: " in user["content"]


@every
def test_a_refusal_leaves_a_seat_absent_with_its_cost(dialect: Dialect, tmp_path: Path) -> None:
    """A refusal is not argued with: one request, the reason on the seat, the usage in its ask."""
    refusal = dialect.refused("I can't judge this", Tokens(fresh=40, output=7))
    seat, calls = sat(dialect, made.question(tmp_path, dialect.model), [refusal])

    assert ("absent", Absence.REFUSED, "I can't judge this") == (seat.status, seat.absence, seat.reason)
    assert [("ask", Usage(input=40, output=7))] == [(ask.kind, ask.usage) for ask in seat.asks]
    assert 1 == len(calls)


@every
def test_an_answer_cut_short_twice_is_unreadable(dialect: Dialect, tmp_path: Path) -> None:
    """An answer that meets the limit of tokens is asked for once more and is then unreadable, both asks kept."""
    short = dialect.cut_short(made.reply()[:80], Tokens(output=16_000))
    seat, calls = sat(dialect, made.question(tmp_path, dialect.model), [short, short])

    assert ("absent", Absence.UNREADABLE) == (seat.status, seat.absence)
    assert "cut off (16000 of 16000 tokens)" in str(seat.reason)
    assert ["ask", "repair"] == [ask.kind for ask in seat.asks]
    assert 2 == len(calls)


@every
def test_a_provider_that_stays_down_leaves_a_seat_failed(dialect: Dialect, tmp_path: Path) -> None:
    """A seat whose provider stays down is absent with the last fault as its reason."""
    seat, calls = sat(dialect, made.question(tmp_path, dialect.model), lambda _: dialect.fault(529, "busy"))

    assert ("absent", Absence.FAILED, 5) == (seat.status, seat.absence, len(calls))
    assert "529: overloaded (busy); gave up after 5 attempts" == seat.reason


@every
def test_a_repair_that_fails_keeps_what_was_paid_for(dialect: Dialect, tmp_path: Path) -> None:
    """Where the provider goes down between an answer and its repair, the seat keeps the ask that was answered."""
    broken = dialect.said(made.reply(vote="maybe"), Tokens(output=321))
    seat, calls = sat(dialect, made.question(tmp_path, dialect.model), [broken, dialect.fault(401, "no such key")])

    assert ("absent", Absence.FAILED, 2) == (seat.status, seat.absence, len(calls))
    assert [("ask", Usage(input=100, output=321))] == [(ask.kind, ask.usage) for ask in seat.asks]


@every
def test_the_asks_of_a_seat_hold_every_attempt(dialect: Dialect, tmp_path: Path) -> None:
    """A seat that is heard after a fault keeps the fault in the attempts of its ask."""
    busy = dialect.fault(503, "busy", {"retry-after": "2"})
    seat, _ = sat(dialect, made.question(tmp_path, dialect.model), [busy, dialect.said(made.reply())])

    assert [
        Attempt(number=1, waited_s=0, error="503: failed (busy)"),
        Attempt(number=2, waited_s=2),
    ] == list(seat.asks[0].attempts)
