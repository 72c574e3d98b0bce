"""The ledger: every reply that was ever given, one readable file each, found by the identity of its request."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError

from panel.errors import RecordError, RecordingMissing
from panel.files import Json, digest_of, read_json, readable, write_whole
from panel.llm.model import Model
from panel.record import Record
from panel.request import Label, Reply, Request

MOST_DIFF_LINES = 16


class Recording(Record):
    """One request with its reply, as a file."""

    schema_: Literal["panel.recording/1"] = Field(default="panel.recording/1", alias="schema")
    """What this file is."""

    identity: str
    """Identity of the request; the file is named by it."""

    digest: str
    """Content hash of request and reply: what was changed by hand shows."""

    label: Label
    """Whom it was for."""

    request: Request
    """What was asked."""

    reply: Reply
    """What was answered."""

    @classmethod
    def of(cls, request: Request, reply: Reply) -> Self:
        """Return the recording of a request and its reply."""
        digest = _digest(request, reply)
        return cls(identity=request.identity, digest=digest, label=request.label, request=request, reply=reply)


def _digest(request: Request, reply: Reply) -> str:
    return digest_of({"request": request.as_json(), "reply": reply.as_json()})


@dataclass(frozen=True)
class Ledger:
    """One folder of recordings, spread over 256 folders by the first two digits of the identity."""

    folder: Path

    def path(self, identity: str) -> Path:
        """Return where the recording of an identity belongs."""
        name = identity.removeprefix("sha256:")
        return self.folder / name[:2] / f"{name}.json"

    def find(self, identity: str) -> Recording | None:
        """Return the recording, or None; raises RecordError where the file is not what was written there."""
        path = self.path(identity)
        return self.read(path) if path.is_file() else None

    def read(self, path: Path) -> Recording:
        """Return the recording in one file; raises RecordError where it is torn, or not what was written there."""
        try:
            recording = Recording.model_validate(read_json(path))
        except ValidationError as error:
            raise RecordError(
                f"{path}: is no recording ({error.error_count()} faults); delete it to ask again"
            ) from error
        request, reply = recording.request, recording.reply
        if self.path(request.identity) != path or recording.identity != request.identity:
            raise RecordError(f"{path}: the request in it does not match its name; delete it to ask again")
        if recording.digest != _digest(request, reply):
            raise RecordError(f"{path}: was changed after it was written; restore it, or delete it to ask again")
        return recording

    def keep(self, request: Request, reply: Reply) -> None:
        """Write a recording; one that is there already is never overwritten."""
        path = self.path(request.identity)
        if not path.exists():
            write_whole(path, readable(Recording.of(request, reply).as_json()))

    def labelled(self, label: Label) -> Iterator[Recording]:
        """Yield the recordings made for one seat of one tool, in the order of their files."""
        mark = f'"tool": "{label.tool}",\n    "persona": "{label.persona}"'
        for path in sorted(self.folder.glob("??/*.json")):
            if mark in path.read_text(encoding="utf-8", errors="replace"):
                yield self.read(path)


@dataclass(frozen=True)
class Ledgers:
    """The project's own ledger, which is written, and others beside it, which are only read."""

    own: Ledger
    others: Sequence[Ledger] = ()

    @cached_property
    def all(self) -> tuple[Ledger, ...]:
        """All of them, the project's own first."""
        return (self.own, *self.others)

    def find(self, identity: str) -> Reply | None:
        """Return the reply to a request, from the first ledger that has it, or None."""
        found = (ledger.find(identity) for ledger in self.all)
        return next((recording.reply for recording in found if recording), None)

    def unused_sample(self, request_of: Callable[[int], Request]) -> int:
        """Return the lowest sample number whose request no ledger holds; `request_of` makes a request of a number."""
        number = 1
        while self.find(request_of(number).identity):
            number += 1
        return number

    def missing(self, request: Request) -> RecordingMissing:
        """Return the error for a request that no ledger holds: its seat, and what changed since the nearest one."""
        seat = f"{request.label.tool}: {request.label.persona}: no recording of this request"
        similar = [recording for ledger in self.all for recording in ledger.labelled(request.label)]
        if not similar:
            return RecordingMissing(seat)
        lines = _lines(request)
        nearest = max(similar, key=lambda one: difflib.SequenceMatcher(None, _lines(one.request), lines, False).ratio())
        changes = _changes(_lines(nearest.request), lines)
        return RecordingMissing(f"{seat}; the nearest one differs in:\n" + "\n".join(changes))


def _lines(request: Request) -> list[str]:
    """Return what a request says, a line for each line that a person could have changed."""
    head = [f"model: {request.model}", f"sample: {request.sample}", f"parameters: {request.parameters.as_json()}"]
    texts = [request.system, *(block.text for block in request.blocks), *(turn.text for turn in request.turns)]
    schema: Json = dict(request.reply_schema)
    return head + [line for text in texts for line in text.split("\n")] + readable(schema).decode().splitlines()


def _changes(before: list[str], after: list[str]) -> list[str]:
    diff = [
        line
        for line in difflib.unified_diff(before, after, n=0, lineterm="")
        if not line.startswith(("---", "+++", "@@"))
    ]
    shown = [f"    {line[:1]} {line[1:].strip()[:160]}" for line in diff if line[1:].strip()][:MOST_DIFF_LINES]
    return [*shown, f"    … and {len(diff) - MOST_DIFF_LINES} more lines"] if len(diff) > MOST_DIFF_LINES else shown


@dataclass(frozen=True)
class Recorded:
    """A Model that answers from the ledgers, and asks and records only what they lack."""

    ledgers: Ledgers
    inner: Model | None
    """Who is asked where the ledgers are silent; None: nobody, the request is missing then."""

    asked: list[str] = field(default_factory=list)
    """Identities of what was asked in this run."""

    async def ask(self, request: Request) -> Reply:
        """Return the recorded reply, or ask and record; raises RecordingMissing where nobody may be asked."""
        if found := self.ledgers.find(request.identity):
            return found
        if self.inner is None:
            raise self.ledgers.missing(request)
        reply = await self.inner.ask(request)
        self.ledgers.own.keep(request, reply)
        self.asked.append(request.identity)
        return reply
