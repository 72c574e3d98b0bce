"""Wire: how both vendors write requests, replies, errors and rate limits, and by which rules they keep prompts.

Source: the documentation of both, as of November 2026. Of OpenAI's models those from gpt-5.6 on are spoken, which keep
prompts up to breakpoints alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any, TypeAlias

from buckets import Bucket, Limits
from caching import Part, Rules, Spent

Json: TypeAlias = "dict[str, Any]"
Headers = Mapping[str, str]


@dataclass(frozen=True)
class Asked:
    """One request as it was understood."""

    model: str
    scope: str
    """What beside the text makes two prompts different for a cache."""

    parts: Sequence[Part]
    """The prompt in the order in which it is cached; the form of the reply first."""


@dataclass(frozen=True)
class Vendor:
    """How one vendor speaks."""

    name: str
    path: str
    rules: Rules
    read: Callable[[Json], Asked]
    """The request in a body; raises LookupError, TypeError, AttributeError or ValueError for one that is none."""

    reply: Callable[[str, str, Spent, int], Json]
    """The body of a reply: model, text, tokens of the prompt, tokens of the reply."""

    error: Callable[[int, str], Json]
    """The body of an error: status and message."""

    told: Callable[[Limits, float], Headers]
    """The headers that tell of the limits, at a time."""

    pools_tokens: bool
    """True where one limit holds for the tokens of prompts and replies together, kept ones included."""


def _marked(parts: Sequence[Json], mark: str) -> Iterator[Part]:
    for part in parts:
        yield Part(part["text"], bool(part.get(mark)))


def _texts(content: str | Sequence[Json], mark: str) -> Iterator[Part]:
    yield from [Part(content)] if isinstance(content, str) else _marked(content, mark)


def _behind_last(parts: Sequence[Part]) -> list[Part]:
    """Return the parts with a breakpoint behind the last one too."""
    return [*parts[:-1], Part(parts[-1].text, is_marked=True)]


def _form(body: Json, key: str) -> str:
    return json.dumps((body.get(key) or {}).get("format") or {}, sort_keys=True)


def _anthropic_asked(body: Json) -> Asked:
    mark = "cache_control"
    parts = [Part(_form(body, "output_config")), *_texts(body.get("system") or "", mark)]
    for message in body["messages"]:
        parts += _texts(message["content"], mark)
    return Asked(body["model"], body["model"], _behind_last(parts) if mark in body else parts)


def _openai_asked(body: Json) -> Asked:
    version = re.match(r"gpt-(\d+)(?:\.(\d+))?", body["model"])
    if not version or (int(version[1]), int(version[2] or 0)) < (5, 6):
        raise ValueError(f"{body['model']}: only models from gpt-5.6 on are spoken here")
    mark = "prompt_cache_breakpoint"
    parts = [Part(_form(body, "text")), Part(body.get("instructions") or "")]
    given = body["input"]
    for message in [{"content": given}] if isinstance(given, str) else given:
        parts += _texts(message["content"], mark)
    implicit = (body.get("prompt_cache_options") or {}).get("mode", "implicit") == "implicit"
    scope = f"{body['model']} {body.get('prompt_cache_key')}"
    return Asked(body["model"], scope, _behind_last(parts) if implicit else parts)


def _chat_asked(body: Json) -> Asked:
    parts = [part for message in body["messages"] for part in _texts(message["content"], "")]
    return Asked(body["model"], body["model"], [Part(json.dumps(body.get("response_format") or {})), *parts])


def _anthropic_reply(model: str, text: str, spent: Spent, output: int) -> Json:
    return {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": text, "citations": None}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "stop_details": None,
        "usage": {
            "input_tokens": spent.fresh,
            "cache_read_input_tokens": spent.read,
            "cache_creation_input_tokens": spent.written,
            "cache_creation": {"ephemeral_5m_input_tokens": spent.written, "ephemeral_1h_input_tokens": 0},
            "output_tokens": output,
            "service_tier": "standard",
        },
    }


def _openai_reply(model: str, text: str, spent: Spent, output: int) -> Json:
    said = {"type": "output_text", "text": text, "annotations": []}
    return {
        "id": "resp_01",
        "object": "response",
        "created_at": 1795000000,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "model": model,
        "output": [{"id": "msg_01", "type": "message", "role": "assistant", "status": "completed", "content": [said]}],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": spent.total,
            "input_tokens_details": {"cached_tokens": spent.read, "cache_write_tokens": spent.written},
            "output_tokens": output,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": spent.total + output,
        },
    }


def _chat_reply(model: str, text: str, spent: Spent, output: int) -> Json:
    return {
        "id": "chatcmpl-01",
        "object": "chat.completion",
        "created": 1795000000,
        "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": spent.total,
            "completion_tokens": output,
            "total_tokens": spent.total + output,
            "prompt_tokens_details": {"cached_tokens": spent.read},
        },
    }


_TYPES = {400: "invalid_request_error", 404: "not_found_error", 429: "rate_limit_error", 529: "overloaded_error"}


def _anthropic_error(status: int, message: str) -> Json:
    return {"type": "error", "error": {"type": _TYPES.get(status, "api_error"), "message": message}}


def _openai_error(status: int, message: str) -> Json:
    code = "rate_limit_exceeded" if status == 429 else None
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _anthropic_told(limits: Limits, now: float) -> Headers:
    """Return the limits as Anthropic tells them: full again at a time; `tokens` is the tighter of the two."""
    named = {"requests": limits.requests, "input-tokens": limits.prompt, "output-tokens": limits.output}
    tokens = [bucket for bucket in (limits.prompt, limits.output) if bucket]
    if tokens:
        named["tokens"] = min(tokens, key=lambda bucket: bucket.filled(now) / bucket.most)
    headers: dict[str, str] = {}
    for name, bucket in named.items():
        if bucket:
            full = datetime.now(UTC) + timedelta(seconds=ceil(bucket.until_full(now)))
            stem = f"anthropic-ratelimit-{name}"
            headers |= {f"{stem}-limit": f"{bucket.per_minute:.0f}", f"{stem}-remaining": _left(bucket, now)}
            headers[f"{stem}-reset"] = full.strftime("%Y-%m-%dT%H:%M:%SZ")
    return headers


def _openai_told(limits: Limits, now: float) -> Headers:
    """Return the limits as OpenAI tells them: full again after a time."""
    headers: dict[str, str] = {}
    for name, bucket in (("requests", limits.requests), ("tokens", limits.prompt)):
        if bucket:
            headers |= {
                f"x-ratelimit-limit-{name}": f"{bucket.per_minute:.0f}",
                f"x-ratelimit-remaining-{name}": _left(bucket, now),
                f"x-ratelimit-reset-{name}": duration(bucket.until_full(now)),
            }
    return headers


def _left(bucket: Bucket, now: float) -> str:
    return str(max(0, int(bucket.filled(now) + 1e-9)))


def duration(seconds: float) -> str:
    """Return a time as OpenAI writes it: `20ms`, `8.64s`, `6m0s`, `1h0m2s`; rounded up to a millisecond."""
    milliseconds = ceil(round(seconds * 1000, 6))
    if 0 < milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{text}{rest / 1000:g}s"


ANTHROPIC = Vendor(
    name="anthropic",
    path="/v1/messages",
    rules=Rules(life_s=300, look_back=20),
    read=_anthropic_asked,
    reply=_anthropic_reply,
    error=_anthropic_error,
    told=_anthropic_told,
    pools_tokens=False,
)
OPENAI = Vendor(
    name="openai",
    path="/v1/responses",
    rules=Rules(life_s=1800, look_back=1),
    read=_openai_asked,
    reply=_openai_reply,
    error=_openai_error,
    told=_openai_told,
    pools_tokens=True,
)
CHAT = Vendor(
    name="chat",
    path="/v1/chat/completions",
    rules=Rules(life_s=0, look_back=1),
    read=_chat_asked,
    reply=_chat_reply,
    error=_openai_error,
    told=_openai_told,
    pools_tokens=True,
)
VENDORS = {vendor.path: vendor for vendor in (ANTHROPIC, OPENAI, CHAT)}
