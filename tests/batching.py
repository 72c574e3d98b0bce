"""Batching: a server on this machine that takes batches as both vendors do, and answers single requests too.

with BatchVendor(say) as vendor:
    ...  # run commands with vendor.environment set
    vendor.batches  # every batch that was made, the oldest first
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType
from typing import Literal, Self

from vendor import ANTHROPIC, OPENAI, Answer, Dialect, Said, turning_to

Say = Callable[[Said], "str | Said"]
"""What a request of a body comes to: the text of a sound reply, or a whole item as the vendor would write it."""

Fate = Literal["expired", "cancelled"]


@dataclass
class Made:
    """A batch that was made."""

    id: str
    dialect: Dialect
    requests: list[tuple[str, Said]]
    """Each custom_id with the body of its request."""

    made_at: datetime
    name: str | None = None
    looks: int = 0
    """How often it was looked at."""

    fate: Fate | None = None
    """What became of requests that were not answered."""

    is_gone: bool = False
    """True where the vendor has lost it."""


@dataclass
class Visit:
    """One request that came over the wire."""

    method: str
    path: str
    raw: bytes


@dataclass
class BatchVendor:
    """The server. Batches end after so many looks; what it says can be spoilt on its way."""

    say: Say
    looks: int = 0
    """Looks at a batch that find it working."""

    answers: int | None = None
    """How many requests of each batch are answered before the others meet their fate; None: all."""

    fate: Fate = "expired"
    fault: Callable[[Visit], Answer | None] = lambda visit: None
    """What is answered instead; asked before anything is done."""

    spoil: Callable[[Visit, Answer], Answer] = lambda visit, answer: answer
    """What becomes of an answer on its way; asked after everything was done."""

    order: Callable[[list[bytes]], list[bytes]] = lambda lines: lines[::-1]
    """What becomes of the lines of results."""

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    """What time it takes it to be."""

    batches: list[Made] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    visits: list[Visit] = field(default_factory=list)
    singles: list[Said] = field(default_factory=list)
    """Requests that were asked by themselves."""

    def __post_init__(self) -> None:
        self._turn = Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True)

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that turn both SDKs to this server, with keys for both."""
        url = f"http://127.0.0.1:{self._server.server_address[1]}"
        return {**turning_to(url), "ANTHROPIC_API_KEY": "not-a-key", "OPENAI_API_KEY": "not-a-key"}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def asked(self) -> list[str]:
        """The custom_id of every request of every batch."""
        return [custom_id for made in self.batches for custom_id, _ in made.requests]

    def visited(self, method: str, pattern: str) -> list[Visit]:
        """Return the requests over the wire whose path matches."""
        return [visit for visit in self.visits if visit.method == method and re.search(pattern, visit.path)]

    def answer(self, visit: Visit) -> Answer:
        """Return what is answered to a request over the wire."""
        with self._turn:
            self.visits.append(visit)
            found = self.fault(visit) or self._done(visit)
            return self.spoil(visit, found)

    def _done(self, visit: Visit) -> Answer:
        for (method, pattern), act in _ROUTES.items():
            if visit.method == method and (match := re.fullmatch(pattern, visit.path.partition("?")[0])):
                return act(self, visit, *match.groups())
        return ANTHROPIC.fault(404, f"no such path: {visit.path}")

    def _single(self, visit: Visit, name: str) -> Answer:
        body: Said = json.loads(visit.raw)
        self.singles.append(body)
        said = self.say(body)
        assert isinstance(said, str)
        return (ANTHROPIC if name == "messages" else OPENAI).said(said)

    def make(self, dialect: Dialect, requests: list[tuple[str, Said]], name: str | None = None) -> Made:
        """Make a batch, as a request over the wire does."""
        prefix = "msgbatch" if dialect is ANTHROPIC else "batch"
        made = Made(f"{prefix}_{len(self.batches) + 1:03}", dialect, requests, self.clock(), name)
        self.batches.append(made)
        return made

    def _make_anthropic(self, visit: Visit) -> Answer:
        requests = [(each["custom_id"], each["params"]) for each in json.loads(visit.raw)["requests"]]
        return Answer.of(self._told(self.make(ANTHROPIC, requests)))

    def _upload(self, visit: Visit) -> Answer:
        id = f"file-{len(self.files) + 1:03}"
        self.files[id] = b"".join(line + b"\n" for line in visit.raw.split(b"\n") if line.startswith(b'{"custom_id"'))
        return Answer.of({"id": id, "object": "file", "purpose": "batch", "filename": "x.jsonl"})

    def _make_openai(self, visit: Visit) -> Answer:
        said = json.loads(visit.raw)
        lines = [json.loads(line) for line in self.files[said["input_file_id"]].splitlines()]
        made = self.make(OPENAI, [(line["custom_id"], line["body"]) for line in lines], said["metadata"]["panel"])
        return Answer.of(self._told(made))

    def _look(self, _: Visit, id: str) -> Answer:
        if made := self._found(id):
            made.looks += 1
            return Answer.of(self._told(made))
        return ANTHROPIC.fault(404, f"no such batch: {id}")

    def _cancel(self, _: Visit, id: str) -> Answer:
        if made := self._found(id):
            made.fate, made.looks = "cancelled", max(made.looks, self.looks)
            return Answer.of(self._told(made) | {"processing_status": "canceling", "status": "cancelling"})
        return ANTHROPIC.fault(404, f"no such batch: {id}")

    def _list(self, visit: Visit) -> Answer:
        dialect = OPENAI if visit.path.startswith("/v1/batches") else ANTHROPIC
        mine = [made for made in self.batches[::-1] if made.dialect is dialect and not made.is_gone]
        after = re.search(r"after(?:_id)?=([a-z0-9_]+)", visit.path)
        first = next((place for place, made in enumerate(mine) if after and made.id == after[1]), -1) + 1
        page = mine[first : first + 2]
        ids = {"first_id": page[0].id, "last_id": page[-1].id} if page else {}
        told = [self._told(made) for made in page]
        return Answer.of({"object": "list", "data": told, "has_more": len(mine) > first + 2, **ids})

    def _results(self, _: Visit, id: str) -> Answer:
        made = self._found(id)
        if made is None or made.looks < self.looks:
            return ANTHROPIC.fault(404, f"no results: {id}")
        return self._lines(made, [_anthropic_item(*each) for each in self._items(made)])

    def _content(self, _: Visit, kind: str, id: str) -> Answer:
        made = self._found(id)
        if made is None:
            return OPENAI.fault(404, f"no such file: {kind}-{id}")
        lines = [_openai_item(*each) for each in self._items(made)]
        wanted = [line for line in lines if (line.get("error") is None) == (kind == "output")]
        return self._lines(made, wanted)

    def _lines(self, _: Made, items: list[Said]) -> Answer:
        lines = self.order([json.dumps(item).encode() for item in items])
        return Answer(200, b"".join(line + b"\n" for line in lines), {"content-type": "application/binary"})

    def _items(self, made: Made) -> list[tuple[str, str | Said]]:
        """Return for each request what became of it."""
        answers = len(made.requests) if self.answers is None else self.answers
        said: list[tuple[str, str | Said]] = []
        for place, (custom_id, body) in enumerate(made.requests):
            lost = made.fate or (self.fate if place >= answers else None)
            said.append((custom_id, {"lost": lost} if lost else self.say(body)))
        return said

    def _found(self, id: str) -> Made | None:
        return next((made for made in self.batches if made.id == id and not made.is_gone), None)

    def _told(self, made: Made) -> Said:
        has_ended = made.looks >= self.looks and made.looks > 0
        items = self._items(made) if has_ended else []
        lost = sum(isinstance(item, dict) and "lost" in item for _, item in items)
        answered = sum(isinstance(item, str) or "content" in item or "output" in item for _, item in items)
        return (_anthropic if made.dialect is ANTHROPIC else _openai)(made, len(items), answered, lost)


def _anthropic(made: Made, ended: int, answered: int, lost: int) -> Said:
    counts = {
        "processing": len(made.requests) - ended,
        "succeeded": answered,
        "errored": ended - answered - lost,
        "canceled": lost if made.fate == "cancelled" else 0,
        "expired": 0 if made.fate == "cancelled" else lost,
    }
    at = made.made_at.isoformat().replace("+00:00", "Z")
    return {
        "id": made.id,
        "type": "message_batch",
        "processing_status": "ended" if ended else "in_progress",
        "request_counts": counts,
        "created_at": at,
        "expires_at": at,
        "ended_at": at if ended else None,
        "archived_at": None,
        "cancel_initiated_at": None,
        "results_url": "https://elsewhere.example/results" if ended else None,
    }


def _openai(made: Made, ended: int, answered: int, lost: int) -> Said:
    at = int(made.made_at.timestamp())
    status = {"cancelled": "cancelled"}.get(made.fate or "", "expired" if lost else "completed")
    has_faults = ended > answered
    return {
        "id": made.id,
        "object": "batch",
        "endpoint": "/v1/responses",
        "completion_window": "24h",
        "input_file_id": "file-001",
        "status": status if ended else "in_progress",
        "created_at": at,
        "completed_at": at if ended else None,
        "metadata": {"panel": made.name},
        "request_counts": {"total": len(made.requests), "completed": answered, "failed": ended - answered},
        "output_file_id": f"output-{made.id}" if answered else None,
        "error_file_id": f"error-{made.id}" if ended and has_faults else None,
    }


def _anthropic_item(custom_id: str, said: str | Said) -> Said:
    if isinstance(said, str):
        return {"custom_id": custom_id, "result": {"type": "succeeded", "message": ANTHROPIC.body(said)}}
    if "lost" in said:
        return {"custom_id": custom_id, "result": {"type": {"cancelled": "canceled"}.get(said["lost"], said["lost"])}}
    if "content" in said:
        return {"custom_id": custom_id, "result": {"type": "succeeded", "message": said}}
    fault = {"type": "error", "error": {"type": said["type"], "message": said["message"]}}
    return {"custom_id": custom_id, "result": {"type": "errored", "error": fault}}


def _openai_item(custom_id: str, said: str | Said) -> Said:
    item: Said = {"id": "batch_req_1", "custom_id": custom_id, "error": None}
    if isinstance(said, str) or "output" in said:
        body = OPENAI.body(said) if isinstance(said, str) else said
        return item | {"response": {"status_code": 200, "request_id": "r", "body": body}}
    if "lost" in said:
        return item | {"response": None, "error": {"code": f"batch_{said['lost']}", "message": "not in time"}}
    status = {"invalid_request_error": 400}.get(said["type"], 500)
    fault = {"code": said["type"], "message": said["message"]}
    return item | {"response": {"status_code": status, "body": {"error": fault}}, "error": fault}


_ROUTES: Mapping[tuple[str, str], Callable[..., Answer]] = {
    ("POST", r"/v1/(messages|responses)"): BatchVendor._single,
    ("POST", r"/v1/messages/batches"): BatchVendor._make_anthropic,
    ("GET", r"/v1/messages/batches"): BatchVendor._list,
    ("GET", r"/v1/messages/batches/(\w+)"): BatchVendor._look,
    ("POST", r"/v1/messages/batches/(\w+)/cancel"): BatchVendor._cancel,
    ("GET", r"/v1/messages/batches/(\w+)/results"): BatchVendor._results,
    ("POST", r"/v1/files"): BatchVendor._upload,
    ("GET", r"/v1/files/(output|error)-(\w+)/content"): BatchVendor._content,
    ("POST", r"/v1/batches"): BatchVendor._make_openai,
    ("GET", r"/v1/batches"): BatchVendor._list,
    ("GET", r"/v1/batches/(\w+)"): BatchVendor._look,
    ("POST", r"/v1/batches/(\w+)/cancel"): BatchVendor._cancel,
}


def _handler(vendor: BatchVendor) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers.get("content-length", 0))))

        def do_GET(self) -> None:
            self._answer(b"")

        def _answer(self, raw: bytes) -> None:
            answer = vendor.answer(Visit(self.command, self.path, raw))
            try:
                self._send(answer)
            except ConnectionError:  # the caller was killed
                self.close_connection = True

        def _send(self, answer: Answer) -> None:
            if answer.ending == "dropped":
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
