"""The manifest of a batch: what was submitted, where, and what became of it; and the folder that manifests are in."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from panel.batch.lines import lines_in
from panel.document import nearest, shown
from panel.errors import InputError, RecordError
from panel.files import is_there, names_in, readable, write_new, write_whole
from panel.llm.batches import Counts
from panel.record import Record, read_record
from panel.store import PATIENCE_S
from panel.turn import turn

Phase = Literal["intent", "working", "cancelling", "ended", "failed", "lost", "dropped", "collected"]
"""`intent`: about to be submitted, or it can't be told whether it was. `ended`: its results wait at the vendor.
What follows is over: the vendor `failed` it as a whole, no longer has it, it was let go, or it is in the ledger."""

OPEN: tuple[Phase, ...] = ("intent", "working", "cancelling", "ended")
"""Phases in which its requests are not asked again."""

_NAME = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{8}")
_IDENTITY = r"^[0-9a-f]{64}$"


class Tally(Record):
    """What was taken in from a batch."""

    answered: int = 0
    """Replies that went into the ledger."""

    known: int = 0
    """Replies to what the ledger held by then; what is there stands."""

    refused: int = 0
    """Replies, of these, in which the model declined."""

    truncated: int = 0
    """Replies, of these, that were cut short."""

    faults: Mapping[str, int] = {}
    """Requests without a reply, by what became of them; the file beside the manifest lists them."""

    cost_usd: str = "0"
    """What the replies cost, in US dollars, as far as prices are known."""

    unpriced: int = 0
    """Replies of unknown price."""

    cached: int = 0
    """Prompt tokens that were read from the vendor's cache."""

    prompt: int = 0
    """Prompt tokens in all."""


class Manifest(Record):
    """One submission to one vendor."""

    schema_: Literal["panel.batch/1"] = Field(default="panel.batch/1", alias="schema")
    """What this file is."""

    name: str = Field(pattern=f"^{_NAME.pattern}$")
    """The name of this file, which vendors that keep names are told."""

    project: str
    """The mark of the project that it belongs to."""

    model: str
    """The model asked, `provider:name`."""

    requests: int = Field(ge=1)
    """How many there are; they stand in the file beside this one, each under its identity, until they are answered."""

    tools: int = Field(ge=1)
    """How many tools they are about."""

    bytes: int = Field(ge=1)
    """How many go over the wire."""

    likely_usd: str | None
    """What it likely costs, in US dollars; None where a price is not known."""

    most_usd: str | None
    """What it costs at most, repairs included."""

    created_at: str
    """When it was about to be submitted."""

    id: str | None = None
    """The vendor's name for it; None until it is known."""

    is_presumed: bool = False
    """True where it is taken for ours by time and size alone, until its results tell."""

    not_ours: tuple[str, ...] = ()
    """Batches that were taken for it and turned out to be somebody else's."""

    phase: Phase = "intent"
    """How far it is."""

    counts: Counts = Counts()
    """How far it is, as the vendor counts."""

    ended_at: str | None = None
    """When the vendor was done with it."""

    reason: str | None = None
    """Why it failed or was lost."""

    tally: Tally | None = None
    """What was taken in from it."""

    @property
    def is_open(self) -> bool:
        """True while its requests are not to be asked again."""
        return self.phase in OPEN


class Fault(Record):
    """A request of a batch that has no reply."""

    custom_id: str = Field(pattern=_IDENTITY)
    """Its identity, without what stands before the colon."""

    tool: str
    """The slug of the tool."""

    persona: str
    """The id of the persona."""

    kind: str
    """What became of it."""

    reason: str | None = None
    """In the vendor's words."""


class Mark(Record):
    """What tells one project from another, wherever its folder stands."""

    schema_: Literal["panel.project/1"] = Field(default="panel.project/1", alias="schema")
    """What this file is."""

    id: str = Field(pattern=r"^[0-9a-f]{32}$")
    """A number that was drawn."""


@dataclass(frozen=True)
class Folder:
    """`runs/batches/`: a manifest a submission, and beside it its requests, and what was not answered."""

    runs: Path

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.runs / "batches"

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Let runs that submit or collect through one at a time; raises Busy and RecordError as `turn` does."""
        async with turn(self.path / "manifest", PATIENCE_S):
            yield

    def mark(self) -> str:
        """Return the mark of this project, which is drawn when it is first needed."""
        path = self.runs / "project.json"
        if not is_there(path):
            write_new(path, readable(Mark(id=secrets.token_hex(16)).as_json()))
        return read_record(path, Mark).id

    def all(self) -> list[Manifest]:
        """Return every manifest, the oldest first; raises RecordError where one is torn or of another project."""
        return [self._read(name.removesuffix(".json")) for name in names_in(self.path) if _is_manifest(name)]

    def open(self) -> list[Manifest]:
        """Return those whose requests are not to be asked again."""
        return [each for each in self.all() if each.is_open]

    def named(self, name: str) -> Manifest:
        """Return a manifest by its name; raises InputError where there is none."""
        names = [each.removesuffix(".json") for each in names_in(self.path) if _is_manifest(each)]
        if name not in names:
            raise InputError(f"{shown(name)}: no batch of this name{nearest(name, names, 'there are')}")
        return self._read(name)

    def save(self, manifest: Manifest) -> Manifest:
        """Write a manifest, whole, and return it; what is over keeps its requests no longer."""
        write_whole(self.path / f"{manifest.name}.json", readable(manifest.as_json()))
        if not manifest.is_open:
            _let_go(self.requests(manifest))
        return manifest

    def forget(self, manifest: Manifest) -> None:
        """Take away an intent that never came to anything; raises RecordError where that can't be done."""
        path = self.path / f"{manifest.name}.json"
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise RecordError(f"{path}: can't be taken away: {error.strerror or error}") from error
        _let_go(self.requests(manifest))

    def requests(self, manifest: Manifest) -> Path:
        """Return where its requests are."""
        return self.path / f"{manifest.name}.jsonl"

    def faults(self, manifest: Manifest) -> Path:
        """Return where that stands which has no reply."""
        return self.path / f"{manifest.name}.faults.jsonl"

    def without_reply(self, manifest: Manifest) -> Iterator[Fault]:
        """Yield the requests of a batch that were not answered."""
        path = self.faults(manifest)
        if is_there(path):
            for number, line in lines_in(path):
                try:
                    yield Fault.model_validate_json(line)
                except ValueError as error:
                    raise RecordError.at(path, number, "", "is no line as Panel writes it; delete the file") from error

    def sweep(self) -> None:
        """Take away what a killed run left: requests without a manifest, and files that were never finished."""
        names = set(names_in(self.path))
        for name in names:
            stem, _, ending = name.partition(".")
            is_unclaimed = _NAME.fullmatch(stem) and f"{stem}.json" not in names
            if is_unclaimed or (not stem and ending.endswith(".part")):
                _let_go(self.path / name)

    def _read(self, name: str) -> Manifest:
        path = self.path / f"{name}.json"
        manifest = read_record(path, Manifest)
        if manifest.name != name:
            raise RecordError.at(path, None, "name", f"is the manifest of {manifest.name}; give it its name back")
        if manifest.project != self.mark():
            problem = "belongs to another project, whose replies it would bring in; move it away"
            raise RecordError.at(path, None, "project", problem)
        return manifest


def open_identities(folder: Folder) -> Iterator[bytes]:
    """Yield the identities of all requests that are under way, 32 bytes each."""
    for manifest in folder.open():
        yield from identities_in(folder.requests(manifest))


def identities_in(path: Path) -> Iterator[bytes]:
    """Yield the identities of the requests in a file, 32 bytes each; raises RecordError where it is torn."""
    for number, line in lines_in(path):
        yield identity_in(line, path, number)


def rejected_identities(folder: Folder) -> Iterator[bytes]:
    """Yield the identities of all requests that a vendor would not have, 32 bytes each."""
    for manifest in folder.all():
        for fault in folder.without_reply(manifest):
            if fault.kind == "rejected":
                yield bytes.fromhex(fault.custom_id)


_OPENING = re.compile(rb'\{"custom_id":"([0-9a-f]{64})",')


def identity_in(line: bytes, path: Path, number: int) -> bytes:
    """Return the identity of the request in a line; raises RecordError where there is none."""
    if found := _OPENING.match(line):
        return bytes.fromhex(found[1].decode())
    raise RecordError.at(path, number, "", "is no request as Panel writes it; restore the file")


def _is_manifest(name: str) -> bool:
    return bool(_NAME.fullmatch(name.removesuffix(".json"))) and name.endswith(".json")


def _let_go(path: Path) -> None:
    """Take a file away that is of no more use; one that stays is less harm than an error now."""
    with suppress(OSError):
        path.unlink()
