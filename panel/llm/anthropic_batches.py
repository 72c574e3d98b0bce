"""Anthropic's Message Batches."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO, ClassVar

import anthropic
import httpx2
from anthropic import AsyncAPIResponse
from anthropic.pagination import AsyncPage
from anthropic.types import Message
from anthropic.types.messages import MessageBatch

from panel.errors import Lost
from panel.files import Json
from panel.llm.anthropic import ERRORS, read, wire
from panel.llm.batches import (
    RAW,
    Batch,
    Counts,
    Kind,
    Limits,
    Result,
    State,
    asked,
    chunks,
    count,
    moment,
    page_of,
    part_of,
    reason_in,
    results_in,
    sent,
    sound_id,
    streamed,
)
from panel.request import Request

PATH = "/v1/messages/batches"
MISSING = anthropic.NotFoundError
PAGE = 100
_OPENING, _CLOSING = b'{"requests":[', b"]}"
_STATES: Mapping[str, State] = {"in_progress": "working", "canceling": "cancelling", "ended": "ended"}
_REJECTED = ("invalid_request_error", "request_too_large", "not_found_error")
_KINDS: Mapping[str, Kind] = {"canceled": "cancelled", "expired": "expired"}


@dataclass(frozen=True)
class AnthropicBatches:
    """Batches at Anthropic. They have no names, so which batch an interrupted submission made can only be inferred.

    Bodies are sent and results are read as streams, since the SDK's own ways hold all of them in memory.
    """

    client: anthropic.AsyncAnthropic
    limits: ClassVar[Limits] = Limits(requests=100_000, bytes=256_000_000 - len(_OPENING) - len(_CLOSING))
    """Source: the API's reference; a megabyte is taken for a million bytes, the less of the two."""

    names: ClassVar[bool] = False

    def line(self, custom_id: str, request: Request) -> bytes:
        """Return one request as it stands in a batch."""
        return sent({"custom_id": custom_id, "params": wire(request)})

    def write(self, lines: Iterable[bytes], file: BinaryIO) -> None:
        """Write a whole batch as it goes over the wire."""
        before = _OPENING
        for line in lines:
            file.write(before + line)
            before = b","
        file.write(_CLOSING)

    async def submit(self, name: str, body: BinaryIO) -> Batch:  # noqa: ARG002
        """Return the batch that was made; the name stays here."""
        size = str(body.seek(0, os.SEEK_END))
        call = self.client.post(
            PATH,
            cast_to=AsyncAPIResponse[MessageBatch],
            content=chunks(body),
            options={"headers": {"content-type": "application/json", "content-length": size}},
        )
        return _batch(await asked(ERRORS, MISSING, call))

    async def status(self, id: str) -> Batch:
        """Return how far a batch is."""
        return _batch(await asked(ERRORS, MISSING, self.client.messages.batches.with_raw_response.retrieve(id)))

    async def results(self, batch: Batch) -> AsyncGenerator[Result, None]:
        """Yield what became of the requests of a batch that has ended."""
        if batch.files is None:
            raise Lost(f"the results of {batch.id} are no longer kept")
        # The address is made here: the vendor's own could send the key elsewhere.
        call = self.client.get(f"{PATH}/{batch.id}/results", cast_to=httpx2.Response, options={"headers": RAW})
        async for result in results_in(streamed(ERRORS, MISSING, call), _result):
            yield result

    async def cancel(self, id: str) -> Batch:
        """Return a batch after asking for its end."""
        return _batch(await asked(ERRORS, MISSING, self.client.messages.batches.with_raw_response.cancel(id)))

    async def recent(self, since: datetime) -> AsyncGenerator[Batch, None]:
        """Yield the batches of the workspace that were made since then."""
        after: str | anthropic.Omit = anthropic.omit
        while True:
            call = self.client.messages.batches.with_raw_response.list(limit=PAGE, after_id=after)
            page: AsyncPage[MessageBatch] = await asked(ERRORS, MISSING, call)
            for each in map(_batch, page_of(page)):
                if each.created_at < since:
                    return
                yield each
            if not page.has_more or not page.last_id or page.last_id == after:
                return
            after = page.last_id


def _batch(told: MessageBatch) -> Batch:
    id = sound_id(getattr(told, "id", None))
    counts = told.request_counts
    done = [count(getattr(counts, each, 0)) for each in ("succeeded", "errored", "canceled", "expired")]
    created = moment(told.created_at) or datetime.min.replace(tzinfo=UTC)
    return Batch(
        id=id,
        state=_STATES.get(told.processing_status, "working"),
        counts=Counts(
            total=sum(done) + count(getattr(counts, "processing", 0)), answered=done[0], failed=sum(done[1:])
        ),
        created_at=created,
        ended_at=moment(told.ended_at),
        files=None if told.archived_at else (),
    )


def _result(custom_id: str, line: Mapping[str, Json]) -> Result:
    result = line.get("result")
    kind = part_of(result, "type")
    if kind == "succeeded":
        message = part_of(result, "message")
        whole = Message.construct(None, **message if isinstance(message, dict) else {})
        return Result(custom_id, "answered", read(whole))
    if kind == "errored":
        fault = part_of(result, "error", "error")
        is_rejected = part_of(fault, "type") in _REJECTED
        return Result(custom_id, "rejected" if is_rejected else "errored", reason=reason_in(fault))
    known = _KINDS.get(kind) if isinstance(kind, str) else None
    return Result(custom_id, known or "broken", reason=None if known else "the result is of no kind that is documented")
