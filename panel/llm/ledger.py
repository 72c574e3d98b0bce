"""The ledger: every reply that was ever given, one readable file each, found by the identity of its request."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import Literal, Self

from pydantic import Field

from panel.errors import RecordError, RecordingMissing
from panel.files import LARGEST_RECORD, Json, digest_of, is_file, is_there, read_bytes, read_json, readable, write_new
from panel.llm.keys import scrubbed, without_secrets
from panel.llm.model import Model
from panel.record import Record
from panel.request import Label, Reply, Request
from panel.turn import turn

MOST_DIFF_LINES, LONGEST_LINE, CONTEXT = 16, 160, 40
"""Of what a miss shows: lines, characters a line, characters before a change."""


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
        detail = None if reply.detail is None else scrubbed(reply.detail)
        by = scrubbed(reply.answered_by)
        kept = reply.model_copy(update={"text": without_secrets(reply.text), "detail": detail, "answered_by": by})
        digest = digest_of({"request": request.as_json(), "reply": kept.as_json()})
        return cls(identity=request.identity, digest=digest, label=request.label, request=request, reply=kept)


def _sealed(data: Json) -> str:
    """Return the hash that the `digest` of a recording was taken as: over the file, whatever this version adds."""
    assert isinstance(data, dict)
    return digest_of({"request": data["request"], "reply": data["reply"]})


MOST_LINES = 3_000
"""So many lines of a request are compared for a miss."""


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
        return self.read(path) if is_there(path) else None

    def read(self, path: Path) -> Recording:
        """Return the recording in one file; raises RecordError where it is torn, or not what was written there."""
        data = read_json(path)
        try:
            recording = Recording.model_validate(data)
            identity, digest = recording.request.identity, _sealed(data)
        except ValueError as error:
            raise RecordError(f"{path}: is no recording as Panel writes it; delete it to ask again") from error
        if self.path(identity) != path or recording.identity != identity:
            raise RecordError(f"{path}: the request in it does not match its name; delete it to ask again")
        if recording.digest != digest:
            raise RecordError(f"{path}: was changed after it was written; restore it, or delete it to ask again")
        return recording

    def keep(self, request: Request, reply: Reply) -> Reply:
        """Write a recording; one that is there already is never overwritten. Return the reply that stands."""
        recording, path = Recording.of(request, reply), self.path(request.identity)
        if write_new(path, readable(recording.as_json())):
            return recording.reply
        return self.read(path).reply

    def labelled(self, label: Label) -> list[Recording]:
        """Return the sound recordings made for one seat of one tool, in the order of their files.

        What is recorded after the first call is not among them: it explains a miss, and is read once for all misses.
        """
        found = (self._sound(path) for path in self._by_seat.get((label.tool, label.persona), ()))
        return [recording for recording in found if recording and recording.label == label]

    @cached_property
    def _by_seat(self) -> Mapping[tuple[str, str], Sequence[Path]]:
        """The files by tool and persona, as they say themselves."""
        files: dict[tuple[str, str], list[Path]] = {}
        for path in sorted(path for path in self.folder.glob("??/*.json") if is_file(path)):
            if label := _label(_raw(path)):
                files.setdefault((label.tool, label.persona), []).append(path)
        return files

    def _sound(self, path: Path) -> Recording | None:
        with suppress(RecordError):
            return self.read(path)
        return None


def _label(raw: bytes) -> Label | None:
    """Return whom a recording is for, as it says itself; a look at that costs a tenth of reading the whole file."""
    with suppress(ValueError):
        if found := re.search(rb'"label":\s*(\{[^{}]*\})', raw):
            return Label.model_validate_json(found[1])
    return None


def _raw(path: Path) -> bytes:
    with suppress(RecordError):
        return read_bytes(path, LARGEST_RECORD, RecordError)
    return b""


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
        recording = self.recording(identity)
        return recording.reply if recording else None

    def recording(self, identity: str) -> Recording | None:
        """Return the recording of a request, from the first ledger that has it, or None."""
        return next(filter(None, (ledger.find(identity) for ledger in self.all)), None)

    def missing(self, request: Request) -> RecordingMissing:
        """Return the error for a request that no ledger holds: its seat, and what changed since the nearest one."""
        seat = _seat(request)
        similar = [recording for ledger in self.all for recording in ledger.labelled(request.label)]
        if not similar:
            return RecordingMissing(seat)
        lines = _lines(request)
        nearest = max(
            similar, key=lambda one: difflib.SequenceMatcher(None, _lines(one.request), lines, False).quick_ratio()
        )
        changes = changed_lines(nearest.request, request)
        return RecordingMissing(f"{seat}; the nearest one differs in:\n" + "\n".join(changes))


def changed_lines(before: Request, after: Request) -> list[str]:
    """Return the lines in which two requests differ, each with its sign; the longest of both cut short."""
    return _changes(_lines(before), _lines(after))


def _seat(request: Request) -> str:
    what = "this request (a repair)" if request.is_repair else "this request"
    return f"{request.label.tool}: {request.label.persona}: no recording of {what}"


def _lines(request: Request) -> list[str]:
    """Return what a request says, a line for each line that a person could have changed; a mended reply comes last."""
    head = [f"model: {request.model}", f"sample: {request.sample}", f"parameters: {request.parameters.as_json()}"]
    told = [turn.text for turn in sorted(request.turns, key=lambda turn: turn.role, reverse=True)]
    schema: Json = dict(request.reply_schema)
    texts = [request.system, *(block.text for block in request.blocks), readable(schema).decode(), *told]
    return (head + [line for text in texts for line in text.split("\n")])[:MOST_LINES]


def _changes(before: list[str], after: list[str]) -> list[str]:
    """Return the changed lines, each with its sign, from a little before the place where it changed."""
    changed: list[str] = []
    for _, start, end, new_start, new_end in difflib.SequenceMatcher(None, before, after, False).get_opcodes():
        old, new = before[start:end], after[new_start:new_end]
        if old != new:
            changed += [*_signed("-", old, new), *_signed("+", new, old)]
    if before != after and not changed:
        changed = ["(in empty lines alone)"]
    shown, rest = changed[:MOST_DIFF_LINES], len(changed) - MOST_DIFF_LINES
    return [f"    {line}" for line in ([*shown, f"… and {rest} more lines"] if rest > 0 else shown)]


def _signed(sign: str, lines: list[str], twins: list[str]) -> list[str]:
    pairs = zip_longest(lines, twins)
    return [f"{sign} {_around(line, twin)}" for line, twin in pairs if line and line.strip()]


def _around(line: str, twin: str | None) -> str:
    """Return the part of a long line in which it differs from the line that it was or became."""
    pairs = zip(line, twin or "", strict=False)
    same = next((place for place, (one, other) in enumerate(pairs) if one != other), 0)
    start = max(0, same - CONTEXT) if len(line) > LONGEST_LINE else 0
    note = " (other spaces)" if twin and line.split() == twin.split() else ""
    return f"{'…' if start else ''}{line[start : start + LONGEST_LINE].strip()}{note}"


@dataclass(frozen=True)
class Recorded:
    """A Model that answers from the ledgers, and asks and records only what they lack.

    Two that lack the same reply at once, in two processes too, ask for it once: the second one waits for the first.
    """

    ledgers: Ledgers
    inner: Model | None
    """Who is asked where the ledgers are silent; None: nobody, the request is missing then."""

    asked: list[str] = field(default_factory=list)
    """Identities of what was asked in this run."""

    is_brief: bool = False
    """True where a miss need not be explained, which takes reading the whole ledger."""

    async def ask(self, request: Request) -> Reply:
        """Return the recorded reply, or ask and record; raises RecordingMissing where nobody may be asked."""
        identity, own = request.identity, self.ledgers.own
        if found := self.ledgers.find(identity):
            return found
        if self.inner is None:
            raise RecordingMissing(_seat(request)) if self.is_brief else self.ledgers.missing(request)
        async with turn(own.path(identity)):
            if meanwhile := own.find(identity):
                return meanwhile.reply
            reply = own.keep(request, await self.inner.ask(request))
            self.asked.append(identity)
            return reply
