"""The history of a tool: every take that was ever made, numbered by seat, and the log of what was done."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from panel.choices import Choice
from panel.document import shown
from panel.errors import RecordError
from panel.files import Json, append_line, canonical, is_there, names_in, read_bytes, readable, write_new
from panel.llm.model import now
from panel.makeup import Makeup
from panel.record import Record, read_record
from panel.review import Seat

LARGEST_LOG = 64_000_000
"""Bytes; a line has about two hundred."""


class Entry(Record):
    """One take, or one absence, as it was made: with what chose it and what it was asked with."""

    schema_: Literal["panel.take/1"] = Field(default="panel.take/1", alias="schema")
    """What this file is."""

    choice: Choice
    """What brings it back."""

    makeup: Makeup
    """What it was asked with."""

    seat: Seat
    """What came of it."""


@dataclass(frozen=True)
class Event:
    """One line of the log."""

    at: str
    """When: UTC, ISO 8601."""

    name: str
    """What was done."""

    details: dict[str, Json]
    """What it was done with."""


@dataclass(frozen=True)
class History:
    """The folder of one tool in `runs/`, as far as it only ever grows: `takes/` and `log.jsonl`."""

    folder: Path

    def entries(self, persona: str) -> dict[int, Entry]:
        """Return the takes of a persona by number; raises RecordError where one can't be read."""
        numbers = sorted(number for id, number in self._names() if id == persona)
        return {number: self._read(persona, number) for number in numbers}

    def all(self) -> Iterator[Entry]:
        """Yield every take of the tool."""
        for persona, number in sorted(self._names()):
            yield self._read(persona, number)

    def path(self, persona: str, number: int) -> Path:
        """Return where a take belongs."""
        return self.folder / "takes" / f"{persona}-{number}.json"

    def keep(self, entry: Entry) -> int:
        """Write a take that is not there yet; return its number. Two that keep at once get two numbers."""
        entries = self.entries(entry.seat.persona)
        for number, known in entries.items():
            if known.seat.said == entry.seat.said:
                return number
        number = max(entries, default=0) + 1
        while not write_new(self.path(entry.seat.persona, number), readable(entry.as_json())):
            number += 1
        return number

    def log(self, event: str, **details: Json) -> None:
        """Add an event with its time; raises RecordError where the log can't be written."""
        append_line(self._log, {"at": now(), "event": event, **details})

    def events(self) -> list[Event]:
        """Return the log, oldest first; a line that a crash tore, or that is no event, is left out."""
        if not is_there(self._log):
            return []
        return events_in(read_bytes(self._log, LARGEST_LOG, RecordError))

    @property
    def _log(self) -> Path:
        return self.folder / "log.jsonl"

    def _read(self, persona: str, number: int) -> Entry:
        """Return a take; raises RecordError where it is not one that Panel wrote there."""
        path = self.path(persona, number)
        seat = (entry := read_record(path, Entry)).seat
        if seat.persona != persona:
            problem = f"is the seat of {shown(seat.persona)}"
        elif not seat.asks:
            problem = "rests on no ask"
        elif seat.fault:
            problem = f"has a {seat.fault} that does not follow from its ratings"
        else:
            return entry
        raise RecordError.at(path, None, "seat", f"{problem}; restore the file, or move it away")

    def _names(self) -> Iterator[tuple[str, int]]:
        for name in names_in(self.folder / "takes"):
            if found := re.fullmatch(r"([a-z0-9_-]+)-([1-9][0-9]{0,5})\.json", name):
                yield found[1], int(found[2])


def events_in(log: bytes) -> list[Event]:
    """Return the events of a log, oldest first; a line that is none is left out."""
    return [event for event in map(_event, log.split(b"\n")) if event]


def _event(line: bytes) -> Event | None:
    try:
        data = json.loads(line)
        canonical(data)  # what JSON can't spell, such as half of a surrogate pair, can't be shown either
        at, name = data.pop("at"), data.pop("event")
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return None
    is_one = isinstance(at, str) and isinstance(name, str) and all(map(_is_detail, data.values()))
    return Event(at, name, data) if is_one else None


def _is_detail(value: Json) -> bool:
    """Return whether a value is one that Panel writes into a log: a scalar, or a list of them."""
    return not any(isinstance(each, dict | list) for each in (value if isinstance(value, list) else [value]))
