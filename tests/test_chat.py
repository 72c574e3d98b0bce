"""OpenAI-compatible servers: what they are sent, the ladder of forms, and what is made of what they say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from test_wire import FORM, REQUEST, SCHEMA, asked, connected, every, once
from vendor import CHAT, OPENAI, Answer, Call, Dialect, Script, Tokens, Vendor

from panel.answer import without_thoughts
from panel.errors import ModelError, Rejected, Transient
from panel.llm.model import Model
from panel.request import Parameters, Reply, Stop, Turn, Usage

SCHEMA_FORM = {"type": "json_schema", "json_schema": {"name": "take", "strict": True, "schema": SCHEMA}}
OBJECT_FORM = {"type": "json_object", "schema": SCHEMA}
FORMS = [SCHEMA_FORM, OBJECT_FORM, None]
"""What each rung of the ladder asks for, from the top."""

LLAMA_CPP_PYTHON = "[{'loc': ('body', 'response_format', 'type'), 'msg': \"Input should be 'text' or 'json_object'\"}]"
LM_STUDIO = "'response_format.type' must be 'json_schema' or 'text'"


def forms(calls: Sequence[Call]) -> list[object]:
    """Return the form that each request asked for."""
    return [call.body.get("response_format") for call in calls]


def several(script: Script, *models: str) -> tuple[list[Reply | ModelError], Sequence[Call]]:
    """Return what comes of one request a model, one after another, at one server that keeps its ladder."""
    requests = [REQUEST.model_copy(update={"model": model}) for model in models]

    async def use(model: Model) -> list[Reply | ModelError]:
        return [await asked(model, request) for request in requests]

    with Vendor(script) as vendor:
        return connected(vendor, CHAT, use), vendor.calls


# What is sent


def test_a_chat_server_is_sent_plain_messages_with_the_form_in_them() -> None:
    """A chat server gets a system message and one text whose end is the form of the reply, and no field of OpenAI's."""
    talk = once(CHAT, [CHAT.said("{}")])

    assert {
        "model": "qwen3:8b",
        "max_tokens": 4000,
        "messages": [
            {"role": "system", "content": "You sit on a panel."},
            {"role": "user", "content": f"# Dossier\n\n# Your seat\n\n{FORM}"},
        ],
        "response_format": SCHEMA_FORM,
    } == talk.sent


def test_a_repair_follows_as_turns() -> None:
    """The turns of a repair follow the first message in their order."""
    turns = (Turn(role="assistant", text="{"), Turn(role="user", text="Mend"))
    talk = once(CHAT, [CHAT.said("{}")], turns=turns)

    assert [{"role": turn.role, "content": turn.text} for turn in turns] == talk.sent["messages"][2:]


def test_effort_is_sent_where_it_is_set() -> None:
    """A set effort arrives as `reasoning_effort`, and nothing of the kind does where none is set."""
    set_, unset = (
        once(CHAT, [CHAT.said("{}")], parameters=Parameters(max_tokens=400, effort=effort)).sent
        for effort in ("high", None)
    )

    assert ("high", None) == (set_.get("reasoning_effort"), unset.get("reasoning_effort"))


OPENAI_S = {
    "OPENAI_API_KEY": "sk-planted-openai-key",
    "OPENAI_ADMIN_KEY": "sk-planted-admin-key",
    "OPENAI_ORG_ID": "org-planted",
    "OPENAI_PROJECT_ID": "proj-planted",
    "OPENAI_CUSTOM_HEADERS": "x-gateway: planted-gateway-secret",
}


def test_nothing_that_is_openai_s_goes_to_another_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key, organisation, project or header that the environment holds for OpenAI reaches a server of another."""
    for name, value in OPENAI_S.items():
        monkeypatch.setenv(name, value)
    ours, theirs = once(CHAT, [CHAT.said("{}")]), once(OPENAI, [OPENAI.said("{}")])

    assert "planted" not in json.dumps([dict(ours.calls[0].headers), ours.sent]).replace("sk-test-planted", "")
    assert "planted-gateway-secret" in theirs.calls[0].headers.values(), "the trap is not set: nothing was planted"


# The ladder


@pytest.mark.parametrize(
    ("refusals", "rungs"),
    [
        pytest.param([], 1, id="json_schema at once"),
        pytest.param([CHAT.fault(500, LLAMA_CPP_PYTHON)], 2, id="a 500 that speaks of response_format: json_object"),
        pytest.param([CHAT.fault(400, "no such type")], 2, id="400: json_object"),
        pytest.param([CHAT.fault(415, "?")], 2, id="415: json_object"),
        pytest.param([CHAT.fault(422, "?")], 2, id="422: json_object"),
        pytest.param([CHAT.fault(501, "?")], 2, id="501: json_object"),
        pytest.param([CHAT.fault(404, "json_schema is not supported")], 2, id="404 about the form: json_object"),
        pytest.param([CHAT.fault(400, "?"), CHAT.fault(400, LM_STUDIO)], 3, id="both refused: text"),
    ],
)
def test_the_form_is_asked_for_in_less_and_less(refusals: list[Answer], rungs: int) -> None:
    """A server that refuses a form is asked in the next one at once, and the reply is as good as any."""
    talk = once(CHAT, [*refusals, CHAT.said('{"a": 1}')])

    assert '{"a": 1}' == talk.reply.text
    assert FORMS[:rungs] == forms(talk.calls)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        pytest.param(404, "model 'qwen3:8b' not found", id="no such model"),
        pytest.param(500, "out of memory", id="a crash"),
        pytest.param(401, "response_format", id="no key"),
        pytest.param(429, "response_format", id="busy"),
    ],
)
def test_another_fault_is_no_step_of_the_ladder(status: int, message: str) -> None:
    """A missing model, a crash, a wrong key and a rate limit are told as what they are after one request."""
    talk = once(CHAT, lambda _: CHAT.fault(status, message))

    assert isinstance(talk.error, ModelError)
    assert 1 == len(talk.calls)


def test_the_rung_is_remembered_for_its_model_alone() -> None:
    """What one model turned out to need is asked of it at once the next time, and another one starts at the top."""
    script = [CHAT.fault(400, "?"), *(CHAT.said("{}") for _ in range(3))]
    _, calls = several(script, "lab:a", "lab:a", "lab:b")

    assert [SCHEMA_FORM, OBJECT_FORM, OBJECT_FORM, SCHEMA_FORM] == forms(calls)


def test_a_request_that_is_refused_on_every_rung_teaches_nothing() -> None:
    """Where a server refuses plain text too, the form was not the reason, and the next request starts at the top."""
    script = [*(CHAT.fault(400, "the context is too long") for _ in FORMS), CHAT.said("{}")]
    (first, second), calls = several(script, "lab:a", "lab:a")

    assert isinstance(first, Rejected)
    assert isinstance(second, Reply)
    assert [*FORMS, SCHEMA_FORM] == forms(calls)


def test_a_server_that_ignores_the_form_is_asked_in_another() -> None:
    """Two replies that are no JSON take a server for one that ignores the form it was given."""
    _, calls = several(lambda _: CHAT.said("Sure! Here is my take."), *["lab:a"] * 5)

    assert [SCHEMA_FORM, SCHEMA_FORM, OBJECT_FORM, OBJECT_FORM, None] == forms(calls)


def test_a_reply_cut_short_is_not_held_against_the_server() -> None:
    """A reply that met the limit of tokens is no JSON for another reason."""
    _, calls = several(lambda _: CHAT.cut_short('{"take": '), *["lab:a"] * 4)

    assert [SCHEMA_FORM] * 4 == forms(calls)


# What comes back


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param('<think>hm</think>\n{"a": 1}', '{"a": 1}', id="a think block"),
        pytest.param('hm, so\n</think>\n\n{"a": 1}', '{"a": 1}', id="thoughts opened in the prompt"),
        pytest.param("<think>hm, and so on", "", id="thoughts without end"),
        pytest.param('<think>a</think><think>b</think>{"a": 1}', '{"a": 1}', id="two think blocks"),
        pytest.param('```json\n{"a": 1}\n```', '```json\n{"a": 1}\n```', id="a fence"),
        pytest.param('{"a": "one\ttwo\nthree"}', '{"a": "one\ttwo\nthree"}', id="control characters"),
        pytest.param(None, "", id="nothing"),
    ],
)
def test_what_a_server_says_is_kept_without_its_thoughts(content: str | None, expected: str) -> None:
    """Thoughts are left out, however they are marked; everything else stays as it came."""
    body = CHAT.body("")
    body["choices"][0]["message"]["content"] = content

    assert expected == once(CHAT, [Answer.of(body)]).reply.text


def test_thoughts_in_the_middle_leave_what_is_around_them() -> None:
    """A think block between two pieces of text is cut out of them, and a tag that closes nothing later is text."""
    assert "one  two" == without_thoughts("one <think>hm</think> two")
    assert '{"a": 1}' == without_thoughts('<think>x</think>{"a": 1}')


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        pytest.param(lambda body: body.pop("usage"), Usage(), id="no usage"),
        pytest.param(lambda body: body.update(usage=None), Usage(), id="usage null"),
        pytest.param(lambda body: body["usage"].pop("prompt_tokens_details"), Usage(input=100, output=20), id="plain"),
        pytest.param(lambda body: body["usage"].update(prompt_tokens="many"), Usage(output=20), id="no number"),
    ],
)
def test_usage_may_be_missing(spoil: Callable[[dict[str, Any]], object], expected: Usage) -> None:
    """A server that tells no usage, or half of it, has its reply kept with what is known."""
    body = CHAT.body("{}")
    spoil(body)

    assert expected == once(CHAT, [Answer.of(body)]).reply.usage


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        pytest.param("length", Stop.TRUNCATED, id="length"),
        pytest.param("content_filter", Stop.REFUSED, id="content_filter"),
        pytest.param("stop", Stop.DONE, id="stop"),
        pytest.param("tool_calls", Stop.DONE, id="anything else"),
        pytest.param(None, Stop.DONE, id="none"),
    ],
)
def test_the_reason_to_stop_is_read(reason: str | None, stop: Stop) -> None:
    """`length` is a reply cut short, `content_filter` a refusal, anything else the end."""
    body = CHAT.body("{}")
    body["choices"][0]["finish_reason"] = reason

    assert stop == once(CHAT, [Answer.of(body)]).reply.stop


def test_a_server_without_a_name_for_its_model_is_named_by_the_one_asked() -> None:
    """Where a server does not say which model answered, the reply names the one that was asked."""
    body = CHAT.body("{}") | {"model": ""}

    assert CHAT.model == once(CHAT, [Answer.of(body)]).reply.answered_by


@every
def test_an_empty_list_of_parts_is_no_crash(dialect: Dialect) -> None:
    """A 200 whose list of parts is empty ends as an empty reply or as a ModelError."""
    body = dialect.body("") | {"content": [], "output": [], "choices": []}
    talk = once(dialect, [Answer.of(body)])

    assert isinstance(talk.outcome, ModelError) or not talk.reply.text


def test_cached_tokens_are_a_part_of_the_prompt() -> None:
    """What a server read from its cache is taken out of the prompt's tokens, so each is counted once."""
    reply = once(CHAT, [CHAT.said("{}", Tokens(fresh=10, cache_read=90, output=5))]).reply

    assert Usage(input=10, cache_read=90, output=5) == reply.usage


def at_once(script: Script, count: int) -> tuple[list[Reply | ModelError], Sequence[Call]]:
    """Return what comes of so many requests to one model at the same moment."""

    async def use(model: Model) -> list[Reply | ModelError]:
        request = REQUEST.model_copy(update={"model": CHAT.model})
        return await asyncio.gather(*(asked(model, request) for _ in range(count)))

    with Vendor(script) as vendor:
        return connected(vendor, CHAT, use), vendor.calls


def test_several_requests_can_be_refused_on_the_last_rung_at_once() -> None:
    """Where a server refuses everything, each of several requests under way ends as a refusal."""
    outcomes, _ = at_once(lambda _: CHAT.fault(400, "no"), 4)

    assert [Rejected] * 4 == [type(outcome) for outcome in outcomes]


def test_loose_replies_count_against_the_rung_they_were_asked_on() -> None:
    """Four loose replies that were all asked for on the first rung lead to the second and not to the third."""

    def answer(call: Call) -> Answer:
        return CHAT.said("Sure!") if call.body.get("response_format") == SCHEMA_FORM else CHAT.said("{}")

    async def use(model: Model) -> None:
        request = REQUEST.model_copy(update={"model": CHAT.model})
        await asyncio.gather(*(asked(model, request) for _ in range(4)))
        await asked(model, request)

    with Vendor(answer) as vendor:
        connected(vendor, CHAT, use)
        assert OBJECT_FORM == forms(vendor.calls)[-1]


def test_a_model_that_failed_behind_its_server_is_asked_again() -> None:
    """A reply whose reason to stop is an error is a fault that passes, not an empty take."""
    body = CHAT.body("")
    body["choices"][0]["finish_reason"] = "error"

    assert Transient is type(once(CHAT, [Answer.of(body)]).error)


def test_a_proxy_never_sees_what_goes_to_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a proxy set, a request to a server on this machine goes there and not through the proxy."""
    with Vendor([CHAT.said('{"proxy": true}')]) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        talk = once(CHAT, [CHAT.said("{}")])

    assert ("{}", []) == (talk.reply.text, proxy.calls)
