"""OpenAI's Batch API."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO, ClassVar, Literal

import httpx2
import openai
from openai.types import Batch as Told
from openai.types.responses import Response

from panel.errors import Lost
from panel.files import Json
from panel.llm.batches import (
    RAW,
    Batch,
    Counts,
    Kind,
    Limits,
    Result,
    State,
    asked,
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
from panel.llm.openai import ERRORS, read, wire
from panel.request import Request

URL: Literal["/v1/responses"] = "/v1/responses"
MISSING = openai.NotFoundError
PAGE = 100
NAME = "panel"
"""The key of the metadata that our name for a batch is under."""

_STATES: Mapping[str, State] = {
    "completed": "ended",
    "expired": "ended",
    "cancelled": "ended",
    "cancelling": "cancelling",
    "failed": "failed",
}
_ENDED = ("completed_at", "expired_at", "cancelled_at", "failed_at")
_REJECTED = (400, 404, 413, 422)
_CODES: Mapping[str, Kind] = {"batch_expired": "expired", "batch_cancelled": "cancelled"}


@dataclass(frozen=True)
class OpenAIBatches:
    """Batches at OpenAI: a file of requests to one model, and a file or two of what became of them.

    Our name for a batch is in its metadata, so one that an interrupted submission made is found again for certain.
    A file that was uploaded and never used costs nothing, and the vendor deletes it.
    """

    client: openai.AsyncOpenAI
    limits: ClassVar[Limits] = Limits(requests=50_000, bytes=200_000_000)
    """Source: the API's reference; a megabyte is taken for a million bytes, the less of the two."""

    names: ClassVar[bool] = True

    def line(self, custom_id: str, request: Request) -> bytes:
        """Return one request as it stands in a batch."""
        return sent({"custom_id": custom_id, "method": "POST", "url": URL, "body": wire(request)})

    def write(self, lines: Iterable[bytes], file: BinaryIO) -> None:
        """Write a whole batch as it goes over the wire."""
        file.writelines(line + b"\n" for line in lines)

    async def submit(self, name: str, body: BinaryIO) -> Batch:
        """Return the batch that was made of an uploaded file."""
        body.seek(0)
        upload = self.client.files.with_raw_response.create(file=(f"{name}.jsonl", body), purpose="batch")
        file = sound_id(getattr(await asked(ERRORS, MISSING, upload), "id", None))
        call = self.client.batches.with_raw_response.create(
            input_file_id=file, endpoint=URL, completion_window="24h", metadata={NAME: name}
        )
        return _batch(await asked(ERRORS, MISSING, call))

    async def status(self, id: str) -> Batch:
        """Return how far a batch is."""
        return _batch(await asked(ERRORS, MISSING, self.client.batches.with_raw_response.retrieve(id)))

    async def results(self, batch: Batch) -> AsyncGenerator[Result, None]:
        """Yield what became of the requests of a batch that has ended: the replies, then the faults."""
        if batch.files is None:
            raise Lost(f"the results of {batch.id} are no longer kept")
        for file in batch.files:
            call = self.client.get(f"/files/{file}/content", cast_to=httpx2.Response, options={"headers": RAW})
            async for result in results_in(streamed(ERRORS, MISSING, call), _result):
                yield result

    async def cancel(self, id: str) -> Batch:
        """Return a batch after asking for its end."""
        return _batch(await asked(ERRORS, MISSING, self.client.batches.with_raw_response.cancel(id)))

    async def recent(self, since: datetime) -> AsyncGenerator[Batch, None]:
        """Yield the batches of the project that were made since then."""
        after: str | openai.Omit = openai.omit
        while True:
            page = await asked(ERRORS, MISSING, self.client.batches.with_raw_response.list(limit=PAGE, after=after))
            found = [_batch(each) for each in page_of(page)]
            for each in found:
                if each.created_at < since:
                    return
                yield each
            if not page.has_more or not found or found[-1].id == after:
                return
            after = found[-1].id


def _batch(told: Told) -> Batch:
    id = sound_id(getattr(told, "id", None))
    counts = told.request_counts
    ended = [moment(getattr(told, each, None)) for each in _ENDED]
    faults = (told.errors.data or []) if told.errors else []
    name = (told.metadata or {}).get(NAME)
    return Batch(
        id=id,
        state=_STATES.get(told.status, "working"),
        counts=Counts(
            total=count(getattr(counts, "total", 0)),
            answered=count(getattr(counts, "completed", 0)),
            failed=count(getattr(counts, "failed", 0)),
        ),
        created_at=moment(told.created_at) or datetime.min.replace(tzinfo=UTC),
        ended_at=next(filter(None, ended), None),
        name=name if isinstance(name, str) else None,
        reason="; ".join(reason_in({"code": each.code, "message": each.message}) for each in faults[:3]) or None,
        files=tuple(sound_id(each) for each in (told.output_file_id, told.error_file_id) if each),
    )


def _result(custom_id: str, line: Mapping[str, Json]) -> Result:
    fault, response = line.get("error"), line.get("response")
    status, body = part_of(response, "status_code"), part_of(response, "body")
    if status == 200 and isinstance(body, dict):
        return Result(custom_id, "answered", read(Response.construct(None, **body)))
    code = part_of(fault, "code")
    if isinstance(code, str) and code in _CODES:
        return Result(custom_id, _CODES[code])
    reason = reason_in(part_of(body, "error") or fault)
    return Result(custom_id, "rejected" if status in _REJECTED else "errored", reason=reason)
