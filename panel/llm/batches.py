"""Batches: what a vendor answers within a day for half the price, whichever vendor it is."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO, ClassVar, Literal, Protocol, TypeVar

import httpx2
from pydantic import Field

from panel.errors import Lost, ModelError, Transient
from panel.files import LARGEST_RECORD, Json
from panel.llm.faults import Answered, Errors, Raw, told
from panel.llm.keys import scrubbed
from panel.record import Record
from panel.request import Reply, Request

RAW = {"X-Stainless-Raw-Response": "stream"}
"""The header by which both SDKs hand a response over before it is read."""

CHUNK = 1_000_000
"""Bytes that are read and sent at once."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")
_LONGEST_REASON = 300
Item_co = TypeVar("Item_co", covariant=True)

State = Literal["working", "cancelling", "ended", "failed"]
Kind = Literal["answered", "rejected", "errored", "expired", "cancelled", "broken"]
"""What became of one request. `rejected` would fail again; the next three may be asked again; `broken` is no result."""


class Counts(Record):
    """How far a batch is, as its vendor counts."""

    total: int = Field(default=0, ge=0)
    """Requests in it."""

    answered: int = Field(default=0, ge=0)
    """Requests that have a reply; some vendors tell it only at the end."""

    failed: int = Field(default=0, ge=0)
    """Requests that will have none: refused by the vendor, expired or cancelled."""


@dataclass(frozen=True)
class Batch:
    """A batch as its vendor tells of it."""

    id: str
    state: State
    counts: Counts
    created_at: datetime
    ended_at: datetime | None = None
    name: str | None = None
    """What we called it; None where the vendor keeps no names, or it is none of ours."""

    reason: str | None = None
    """Why it failed as a whole."""

    files: tuple[str, ...] | None = ()
    """Where its results are, where the vendor says; None where they are no longer kept."""


@dataclass(frozen=True)
class Result:
    """What became of one request of a batch."""

    custom_id: str
    """As the vendor tells it; empty where the line can't be read."""

    kind: Kind
    reply: Reply | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Limits:
    """The most that one batch may hold."""

    requests: int
    bytes: int
    """Of what goes over the wire."""


class Batches(Protocol):
    """A vendor's batches."""

    limits: ClassVar[Limits]
    """The most that one may hold."""

    names: ClassVar[bool]
    """True where the vendor keeps the name of a batch, so that it is found again for certain."""

    def line(self, custom_id: str, request: Request) -> bytes:
        """Return one request as it stands in a batch on the wire."""
        ...

    def write(self, lines: Iterable[bytes], file: BinaryIO) -> None:
        """Write a whole batch as it goes over the wire."""
        ...

    async def submit(self, name: str, body: BinaryIO) -> Batch:
        """Return the batch that was made of `body`; raises ModelError. It may exist although this raises Transient."""
        ...

    async def status(self, id: str) -> Batch:
        """Return how far a batch is; raises Lost where the vendor has none by this id."""
        ...

    def results(self, batch: Batch) -> AsyncGenerator[Result, None]:
        """Yield what became of its requests, in any order; raises Lost where the results are no longer kept."""
        ...

    async def cancel(self, id: str) -> Batch:
        """Return a batch after asking the vendor to end it; raises Lost where there is none."""
        ...

    def recent(self, since: datetime) -> AsyncGenerator[Batch, None]:
        """Yield the batches of the account that were made since then, the latest first."""
        ...


def sent(wire: Mapping[str, object]) -> bytes:
    """Return a line as it goes over the wire."""
    return json.dumps(wire, ensure_ascii=False, separators=(",", ":")).encode()


async def chunks(body: BinaryIO) -> AsyncIterator[bytes]:
    """Yield a file from its beginning, a part at a time."""
    body.seek(0)
    while part := body.read(CHUNK):
        yield part


async def asked(sdk: Errors, missing: type[Exception], call: Awaitable[Raw[Answered]]) -> Answered:
    """Return what a call returns, as `told` does; raises Lost where the SDK raises `missing`."""
    gone = False

    async def known() -> Raw[Answered]:
        nonlocal gone
        try:
            return await call
        except missing:
            gone = True
            raise

    try:
        return await told(sdk, known(), lambda headers: None)
    except ModelError as error:
        found = Lost(str(error)) if gone else error
    except AttributeError:  # of a page in the place of a list the SDKs ask what only lists have
        found = Transient("something other than the provider answered (a page instead of a list)")
    raise found


@dataclass(frozen=True)
class _Unread:
    """A response that nobody has read."""

    response: httpx2.Response

    @property
    def headers(self) -> Mapping[str, str]:
        headers: Mapping[str, str] = self.response.headers
        return headers

    def parse(self) -> httpx2.Response:
        return self.response


async def streamed(sdk: Errors, missing: type[Exception], call: Awaitable[httpx2.Response]) -> AsyncIterator[bytes]:
    """Yield the body of a response as it comes; raises Transient where it ends early, Lost where there is none."""

    async def opened() -> Raw[httpx2.Response]:
        return _Unread(await call)

    response = await asked(sdk, missing, opened())
    broken: str | None = None
    try:
        async for part in response.aiter_bytes(CHUNK):
            yield part
    except httpx2.HTTPError as error:
        broken = scrubbed(str(error))
    finally:
        await response.aclose()
    if broken is not None:
        raise Transient(f"the results broke off ({broken})")


async def lines(parts: AsyncIterator[bytes], largest: int = LARGEST_RECORD) -> AsyncIterator[bytes | None]:
    """Yield each line of a stream, without its end; None in the place of one that is longer than `largest` bytes."""
    held, is_over = bytearray(), False
    async for part in parts:
        *ends, rest = part.split(b"\n")
        for end in ends:
            yield None if is_over or len(held) + len(end) > largest else bytes(held) + end
            held.clear()
            is_over = False
        is_over = is_over or len(held) + len(rest) > largest
        held = bytearray() if is_over else held + rest
    if held or is_over:
        yield None if is_over else bytes(held)


async def results_in(
    parts: AsyncIterator[bytes], read: Callable[[str, Mapping[str, Json]], Result]
) -> AsyncIterator[Result]:
    """Yield what the lines of a results file say; `read` is given the custom_id and the line."""
    number = 0
    async for line in lines(parts):
        number += 1
        if line is None:
            yield Result("", "broken", reason=f"line {number} is longer than {LARGEST_RECORD:,} bytes")
        elif line.strip():
            yield _result(line, number, read)


def _result(line: bytes, number: int, read: Callable[[str, Mapping[str, Json]], Result]) -> Result:
    custom_id: Json = None
    with suppress(ValueError, RecursionError):
        said: Json = json.loads(line)
        custom_id = said.get("custom_id") if isinstance(said, dict) else None
        if isinstance(said, dict) and isinstance(custom_id, str):
            return _read(custom_id, said, read)
    return Result("", "broken", reason=f"line {number} is no result")


def _read(custom_id: str, said: Mapping[str, Json], read: Callable[[str, Mapping[str, Json]], Result]) -> Result:
    try:
        return read(custom_id, said)
    except ModelError as error:
        return Result(custom_id, "broken", reason=str(error))
    except (AttributeError, LookupError, TypeError, ValueError):
        return Result(custom_id, "broken", reason="the result has another form than the vendor documents")


def part_of(said: Json, *steps: str) -> Json:
    """Return what stands behind some keys, or None where a step leads nowhere."""
    for step in steps:
        said = said.get(step) if isinstance(said, dict) else None
    return said


def reason_in(said: Json) -> str:
    """Return what a vendor says of a fault: what kind it is, and its words."""
    kind = part_of(said, "code") or part_of(said, "type")
    words = [each for each in (kind, part_of(said, "message")) if isinstance(each, str)]
    return " ".join(scrubbed(": ".join(words) or "no reason given").split())[:_LONGEST_REASON]


def sound_id(id: object) -> str:
    """Return the id of a batch or of a file; raises Transient where there is none, or a key in its place."""
    if isinstance(id, str) and _ID.fullmatch(id) and scrubbed(id) == id:
        return id
    raise Transient("something other than the provider answered (there is no id in it)", may_be_charged=True)


class Page(Protocol[Item_co]):
    """One page of a list, as an SDK returns it."""

    @property
    def data(self) -> Sequence[Item_co]: ...


def page_of(page: Page[Item_co]) -> Sequence[Item_co]:
    """Return what a page of a list holds; raises Transient where it is none: no batch is missed for a proxy's page."""
    if isinstance(getattr(page, "data", None), list):
        return page.data
    raise Transient("something other than the provider answered (there is no list in it)")


def moment(seconds: object) -> datetime | None:
    """Return a moment that a vendor tells as seconds since 1970, or as a time; None where it is none."""
    with suppress(ValueError, OverflowError, OSError):
        if isinstance(seconds, datetime):
            return seconds.replace(tzinfo=seconds.tzinfo or UTC).astimezone(UTC)
        if isinstance(seconds, int | float):
            return datetime.fromtimestamp(seconds, UTC)
    return None


def count(number: object) -> int:
    """Return a number as a vendor counts; 0 where it is none."""
    return number if isinstance(number, int) and number > 0 else 0
