"""The requests of a batch: a file with a line for each, found by identity and read one at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from panel.batch.lines import lines_in
from panel.batch.manifest import identity_in
from panel.errors import RecordError
from panel.files import LARGEST_RECORD
from panel.request import Label, Request


@dataclass(frozen=True)
class Requests:
    """The requests of one batch. Where each line begins is kept in memory; the lines are not."""

    path: Path
    file: BinaryIO
    places: dict[bytes, tuple[int, int]]
    """For each identity the number of its line, from 0, and where it begins."""

    @classmethod
    @contextmanager
    def opened(cls, path: Path, expected: int) -> Iterator[Self]:
        """Let the requests of a file be read; raises RecordError where it is torn or does not hold `expected`."""
        places: dict[bytes, tuple[int, int]] = {}
        at = 0
        for number, line in lines_in(path):
            places[identity_in(line, path, number)] = (number - 1, at)
            at += len(line)
        if len(places) != expected:
            raise RecordError.at(path, None, "", f"holds {len(places)} requests instead of {expected}; restore it")
        with path.open("rb") as file:
            yield cls(path, file, places)

    def number(self, custom_id: str) -> int | None:
        """Return the place of a request, from 0, or None where it is none of these."""
        try:
            place = self.places.get(bytes.fromhex(custom_id)) if len(custom_id) == 64 else None
        except ValueError:
            return None
        return place[0] if place else None

    def at(self, custom_id: str) -> Request:
        """Return a request of this file; raises RecordError where it was changed."""
        number, at = self.places[bytes.fromhex(custom_id)]
        self.file.seek(at)
        try:
            data = json.loads(self.file.readline(LARGEST_RECORD))
            request = Request.model_validate(data["request"])
            request = request.model_copy(update={"label": Label.model_validate(data["label"])})
        except (ValueError, LookupError, TypeError) as error:
            raise RecordError.at(self.path, number + 1, "", "is no request as Panel writes it; restore it") from error
        if request.identity != f"sha256:{custom_id}":
            raise RecordError.at(self.path, number + 1, "", "was changed after it was written; restore it")
        return request

    def all(self) -> Iterator[tuple[str, Request]]:
        """Yield each request under its identity, in the order of the file."""
        for identity in self.places:
            yield identity.hex(), self.at(identity.hex())
