"""Record: the base of everything that is read from a file or written to one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationError, WithJsonSchema

from panel.errors import RecordError
from panel.files import LARGEST_RECORD, Json, digest_of, json_in, read_bytes


class Record(BaseModel):
    """A frozen value: equal content is equal, unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    def model_copy(self, *, update: Mapping[str, object] | None = None, deep: bool = False) -> Self:
        """Return a copy with other values; what was worked out from the old ones and kept is not in it."""
        copy = super().model_copy(update=update, deep=deep)
        for name in copy.__dict__.keys() - self.__pydantic_fields__.keys():
            del copy.__dict__[name]
        return copy

    def as_json(self) -> Json:
        """Return the record as plain JSON data, keys as they stand in files."""
        data: Json = self.model_dump(mode="json", by_alias=True)
        return data


Kind = TypeVar("Kind", bound=Record)
Found = TypeVar("Found")


def once(work: Callable[[Kind], Found]) -> Callable[[Kind], Found]:
    """Return `work`, done once for each record: what it returns is kept with the record and goes with it.

    As with a cached property, which does the same for what a record can work out by itself, nobody may change it.
    """
    name = f"{work.__module__}.{work.__qualname__}"

    def done(record: Kind) -> Found:
        kept: dict[str, Found] = record.__dict__
        if name not in kept:
            kept[name] = work(record)
        return kept[name]

    return done


def read_record(path: Path, kind: type[Kind]) -> Kind:
    """Return the record in a file; raises RecordError, naming file and first fault, where it is none of that kind."""
    return record_in(read_bytes(path, LARGEST_RECORD, RecordError), path, kind)


def record_in(raw: bytes, path: Path, kind: type[Kind]) -> Kind:
    """Return the record that was read from a file; raises RecordError as `read_record` does."""
    try:
        return kind.model_validate(json_in(raw, path))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])[:120]
        name = kind.__name__.lower()
        problem = f"is no {name} as Panel writes it ({first['msg']}); restore it, or delete it and run again"
        raise RecordError.at(path, None, place, problem) from error


@once
def digest(record: Record) -> str:
    """Return the record's content hash, `sha256:` and 64 hexadecimal digits, over canonical JSON."""
    return digest_of(record.as_json())


def no_truth_value(value: object) -> object:
    """Return `value`, refusing true and false, which pydantic would take for 1 and 0."""
    if isinstance(value, bool):
        message = "true and false are no numbers"
        raise ValueError(message)
    return value


_EXACT = re.compile(r"[0-9]{1,9}(?:/[0-9]{1,9})?")
"""Python's own reading of a fraction takes "1e999999999" too, and hours for it."""


def _exact(value: object) -> object:
    no_truth_value(value)
    if not isinstance(value, int | Fraction) and not (isinstance(value, str) and _EXACT.fullmatch(value)):
        message = 'write a whole number, or a fraction such as "8/3"'
        raise ValueError(message)
    try:
        return Fraction(value)
    except ZeroDivisionError as error:
        raise ValueError(str(error)) from error


def _plain(value: Fraction) -> int | str:
    return value.numerator if value.denominator == 1 else str(value)


Exact = Annotated[
    Fraction,
    BeforeValidator(_exact),
    PlainSerializer(_plain, return_type=int | str),
    WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string", "pattern": "^[0-9]+/[0-9]+$"}]}),
]
"""An exact fraction: an integer where it is one, else a string such as "8/3"."""


def _joined(value: object) -> object:
    """Return a list of lines as one text, and whatever else there is as it is."""
    if isinstance(value, list | tuple) and all(isinstance(line, str) for line in value):
        return "\n".join(value)
    return value


Lines = Annotated[
    str,
    BeforeValidator(_joined),
    PlainSerializer(lambda value: value.split("\n"), return_type=list[str]),
    WithJsonSchema({"type": "array", "items": {"type": "string"}}),
]
"""A long text, written as a list of lines so that a file of it can be read, and its changes too."""

_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?Z")


def is_moment(text: str) -> bool:
    """Return whether a text is a time in UTC as records hold it: `2026-11-20T10:00:00Z`."""
    try:
        return bool(_MOMENT.fullmatch(text) and datetime.fromisoformat(text))
    except ValueError:
        return False
