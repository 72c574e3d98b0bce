"""Vendor: a server on this machine that speaks Anthropic's and both of OpenAI's protocols from a script.

with Vendor([ANTHROPIC.fault(529, "busy"), ANTHROPIC.said("hello")]) as vendor:
    ...  # ask with vendor.environment set
    vendor.calls  # every request that came, in its order
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias

from panel.provider import Provider, providers

Said: TypeAlias = "dict[str, Any]"


@dataclass(frozen=True)
class Call:
    """One request, as it came over the wire."""

    path: str
    headers: Mapping[str, str]
    """Names in lower case."""

    body: Said

    @property
    def dialect(self) -> Dialect:
        """Whose protocol the caller speaks."""
        return next((each for each in DIALECTS if self.path == each.path), OPENAI)


@dataclass(frozen=True)
class Answer:
    """What goes back over the wire."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    ending: Literal["whole", "cut", "dropped", "silent"] = "whole"
    """`cut` promises the whole body and sends half of it; `dropped` sends nothing and hangs up; `silent` sends nothing
    for as long as the server is there."""

    @classmethod
    def of(cls, body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Self:
        """Return an answer of JSON."""
        return cls(status, json.dumps(body).encode(), {"content-type": "application/json", **(headers or {})})

    @classmethod
    def page(cls, text: str, kind: str = "text/html") -> Self:
        """Return an answer with status 200 that is no JSON, or not what it says it is."""
        return cls(200, text.encode(), {"content-type": kind})


DROPPED = Answer(ending="dropped")
SILENT = Answer(ending="silent")
RAN_OUT = Answer.of({"error": {"message": "the script of this test has run out"}}, 410)
"""A status that nobody should retry, so that one request too many shows and ends."""

Script = Sequence[Answer] | Callable[[Call], Answer]


@dataclass(frozen=True)
class Tokens:
    """What a reply used; each token of the prompt is in exactly one of the first three."""

    fresh: int = 100
    cache_read: int = 0
    cache_write: int = 0
    output: int = 20
    """Thinking included."""


@dataclass(frozen=True)
class Dialect:
    """How one vendor writes what it has to say."""

    name: Literal["anthropic", "openai", "chat"]
    path: str
    """Where its requests arrive."""

    model: str
    """A model of it as asked, `provider:name`; it answers with the name alone."""

    reply: Callable[[str, str, Tokens, str | None], Said]
    """The body of a reply: model, text, tokens, thinking."""

    refusal: Callable[[Said, str], Said]
    """The changes by which a reply becomes a refusal with a reason."""

    truncation: Callable[[Said], Said]
    """The changes by which a reply becomes one that met the limit of tokens."""

    def provider(self, url: str) -> Provider:
        """Return the provider that speaks so, for a server at `url`."""
        return providers({self.prefix: f"{url}/v1"} if self.name == "chat" else {})[self.prefix]

    @property
    def prefix(self) -> str:
        """What stands before the colon of its models."""
        return self.model.partition(":")[0]

    @property
    def key(self) -> str:
        """The variable that holds its key."""
        return self.provider("").key or ""

    def body(self, text: str, tokens: Tokens | None = None, thinking: str | None = None) -> Said:
        """Return the body of a sound reply."""
        return self.reply(self.model.partition(":")[2], text, tokens or Tokens(), thinking)

    def said(self, text: str, tokens: Tokens | None = None, thinking: str | None = None) -> Answer:
        """Return a sound reply; with `thinking`, thoughts stand before the text."""
        return Answer.of(self.body(text, tokens, thinking))

    def refused(self, reason: str, tokens: Tokens | None = None) -> Answer:
        """Return a refusal."""
        body = self.body("", tokens)
        return Answer.of(body | self.refusal(body, reason))

    def cut_short(self, text: str, tokens: Tokens | None = None) -> Answer:
        """Return a reply that met the limit of tokens."""
        body = self.body(text, tokens)
        return Answer.of(body | self.truncation(body))

    def fault(self, status: int, message: str, headers: Mapping[str, str] | None = None, **error: object) -> Answer:
        """Return an error; `error` are further fields of the error object."""
        inner = {"type": "some_error", "message": message, **error}
        return Answer.of({"type": "error", "error": inner}, status, headers)


def _anthropic(model: str, text: str, tokens: Tokens, thinking: str | None) -> Said:
    thoughts = [] if thinking is None else [{"type": "thinking", "thinking": thinking, "signature": "c2ln"}]
    return {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [*thoughts, {"type": "text", "text": text, "citations": None}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "stop_details": None,
        "usage": {
            "input_tokens": tokens.fresh,
            "cache_read_input_tokens": tokens.cache_read,
            "cache_creation_input_tokens": tokens.cache_write,
            "output_tokens": tokens.output,
        },
    }


def _anthropic_refusal(_: Said, reason: str) -> Said:
    details = {"type": "refusal", "category": "cyber", "explanation": reason}
    return {"stop_reason": "refusal", "stop_details": details, "content": []}


def _openai(model: str, text: str, tokens: Tokens, thinking: str | None) -> Said:
    thoughts = [] if thinking is None else [_thoughts(thinking)]
    prompt = tokens.fresh + tokens.cache_read + tokens.cache_write
    return {
        "id": "resp_01",
        "object": "response",
        "created_at": 1795000000,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "model": model,
        "output": [*thoughts, _message({"type": "output_text", "text": text, "annotations": []})],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": prompt,
            "input_tokens_details": {"cached_tokens": tokens.cache_read, "cache_write_tokens": tokens.cache_write},
            "output_tokens": tokens.output,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": prompt + tokens.output,
        },
    }


def _thoughts(text: str) -> Said:
    return {"id": "rs_01", "type": "reasoning", "summary": [{"type": "summary_text", "text": text}]}


def _message(part: Said) -> Said:
    return {"id": "msg_01", "type": "message", "role": "assistant", "status": "completed", "content": [part]}


def _chat(model: str, text: str, tokens: Tokens, thinking: str | None) -> Said:
    thoughts = "" if thinking is None else f"<think>{thinking}</think>\n"
    prompt = tokens.fresh + tokens.cache_read + tokens.cache_write
    return {
        "id": "chatcmpl-01",
        "object": "chat.completion",
        "created": 1795000000,
        "model": model,
        "choices": [_choice({"role": "assistant", "content": thoughts + text})],
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": tokens.output,
            "total_tokens": prompt + tokens.output,
            "prompt_tokens_details": {"cached_tokens": tokens.cache_read},
        },
    }


def _choice(message: Said, reason: str = "stop") -> Said:
    return {"index": 0, "message": message, "finish_reason": reason}


def _chat_refusal(_: Said, reason: str) -> Said:
    return {"choices": [_choice({"role": "assistant", "content": None, "refusal": reason})]}


def _openai_refusal(_: Said, reason: str) -> Said:
    return {"output": [_message({"type": "refusal", "refusal": reason})]}


ANTHROPIC = Dialect(
    name="anthropic",
    path="/v1/messages",
    model="anthropic:claude-sonnet-5-5",
    reply=_anthropic,
    refusal=_anthropic_refusal,
    truncation=lambda _: {"stop_reason": "max_tokens"},
)
OPENAI = Dialect(
    name="openai",
    path="/v1/responses",
    model="openai:gpt-6.1-sol",
    reply=_openai,
    refusal=_openai_refusal,
    truncation=lambda _: {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
)
CHAT = Dialect(
    name="chat",
    path="/v1/chat/completions",
    model="lab:qwen3:8b",
    reply=_chat,
    refusal=_chat_refusal,
    truncation=lambda body: {"choices": [body["choices"][0] | {"finish_reason": "length"}]},
)
DIALECTS = (ANTHROPIC, OPENAI, CHAT)
PATHS = {"/responses", *(dialect.path for dialect in DIALECTS)}


def turning_to(url: str) -> Mapping[str, str]:
    """Return the variables that turn both SDKs to a server."""
    return {"ANTHROPIC_BASE_URL": url, "OPENAI_BASE_URL": f"{url}/v1"}


class Vendor:
    """The server: answers from a list in its order, or by a function, which may block; records every request."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.calls: list[Call] = []
        self.closing = Event()
        self._turn = Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True)

    @property
    def url(self) -> str:
        """Where it listens, without a path."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that turn both SDKs to this server."""
        return turning_to(self.url)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, call: Call) -> Answer:
        """Record a request and return what the script has for it."""
        with self._turn:
            self.calls.append(call)
            place = len(self.calls) - 1
        if call.path not in PATHS:
            return call.dialect.fault(404, f"no such path: {call.path}")
        if callable(self.script):
            return self.script(call)
        return self.script[place] if place < len(self.script) else RAN_OUT


class Deaf:
    """A server on this machine whose queue is full: whoever connects waits until giving up."""

    QUEUE = 4

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0)
        self._waiting = [socket.socket() for _ in range(self.QUEUE)]

    @property
    def url(self) -> str:
        """Where it seems to listen."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that turn both SDKs to it."""
        return turning_to(self.url)

    def __enter__(self) -> Self:
        for waiting in self._waiting:
            waiting.setblocking(False)
            waiting.connect_ex(self._listener.getsockname())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in (*self._waiting, self._listener):
            each.close()


class Gone(Deaf):
    """A server that is no longer there: whoever connects is refused."""

    def __enter__(self) -> Self:
        where = self._listener.getsockname()
        for each in (*self._waiting, self._listener):
            each.close()
        self._listener = socket.socket()
        self._listener.bind(where)  # keeps the port to itself and does not listen
        self._waiting = []
        return self


def _handler(vendor: Vendor) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = vendor.answer(Call(self.path, headers, json.loads(body)))
            try:
                self._send(answer)
            except ConnectionError:  # the caller was killed, or gave up
                self.close_connection = True

        def _send(self, answer: Answer) -> None:
            if answer.ending == "silent":
                vendor.closing.wait()
            if answer.ending in ("dropped", "silent"):
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(answer.status)
            for name, value in {**answer.headers, "content-length": str(len(answer.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            half = len(answer.body) // 2
            self.wfile.write(answer.body[:half] if answer.ending == "cut" else answer.body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler
