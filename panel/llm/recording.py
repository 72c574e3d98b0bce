"""Recording: one request with its reply, sealed by a hash, wherever it is kept."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, Self

from pydantic import Field

from panel.errors import RecordError, on_one_line
from panel.files import Json, digest_of, json_in
from panel.llm.keys import scrubbed, without_secrets
from panel.record import Record
from panel.request import Label, Reply, Request

MOST_SIMILAR = 100
"""So many recordings of one seat are looked through for the one that explains a miss."""


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


@dataclass(frozen=True)
class Held:
    """What a ledger holds in one place: a recording, or why it is none."""

    size: int
    """Bytes of it there."""

    data: Json
    """What stands there, to the last key; None where it is not sound."""

    recording: Recording | None
    """The recording; None where it is not sound."""

    fault: RecordError | None
    """Why it is not sound, with its place; None where it is."""

    @classmethod
    def of(cls, raw: bytes, identity: str | None, place: str) -> Self:
        """Return what stands in a place that belongs to `identity`, or to whatever is there where that is None."""
        try:
            data = json_in(raw, place)
            return cls(len(raw), data, recording_in(data, identity, place), None)
        except RecordError as error:
            return cls(len(raw), None, None, error)


def recording_in(data: Json, identity: str | None, place: str) -> Recording:
    """Return the recording that `data` is, which is kept under `identity`; under its own where that is None.

    Raises RecordError, with `place` in front, where it is none, answers another request, or was changed.
    """
    try:
        recording = Recording.model_validate(data)
        asked, digest = recording.request.identity, _sealed(data)
    except ValueError as error:
        raise _unsound(place, "is no recording as Panel writes it; delete it to ask again") from error
    if recording.identity != asked or identity not in (asked, None):
        raise _unsound(place, "the request in it does not match its name; delete it to ask again")
    if recording.digest != digest:
        raise _unsound(place, "was changed after it was written; restore it, or delete it to ask again")
    return recording


def _unsound(place: str, problem: str) -> RecordError:
    return RecordError(f"{on_one_line(place)}: {problem}")


def _sealed(data: Json) -> str:
    """Return the hash that the `digest` of a recording was taken as: over the file, whatever this version adds."""
    assert isinstance(data, dict)
    return digest_of({"request": data["request"], "reply": data["reply"]})


def label_in(raw: bytes) -> Label | None:
    """Return whom a recording is for, as it says itself; a look at that costs a tenth of reading the whole file."""
    with suppress(ValueError):
        if found := re.search(rb'"label":\s*(\{[^{}]*\})', raw):
            return Label.model_validate_json(found[1])
    return None
