"""The manifest: what the last build wrote and from what, so that the next one renders only what changed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from panel.errors import RecordError
from panel.files import is_there, readable, write_whole
from panel.publish.entries import PairEntry, ToolEntry
from panel.record import Record, read_record

NAME = ".panel-site.json"


class Built(Record):
    """One page of the last build."""

    key: str
    """Content hash of everything that the page depends on."""

    files: tuple[str, ...]
    """What was written for it."""


class Manifest(Record):
    """The file `.panel-site.json` in the folder of a site."""

    schema_: Literal["panel.site/1"] = Field(default="panel.site/1", alias="schema")
    """What this file is."""

    tools: Mapping[str, tuple[str, ToolEntry]] = {}
    """Entries of tools by slug, each after the hash of what it was made from."""

    pairs: Mapping[str, tuple[str, PairEntry]] = {}
    """Entries of comparisons by slug, each after the hash of what it was made from."""

    dossiers: Mapping[str, tuple[str, str]] = {}
    """Slug and digest of each dossier, by the hash of its file."""

    pages: Mapping[str, Built] = {}
    """What was written, by the path of the page."""

    @property
    def files(self) -> set[str]:
        """Everything that the last build wrote."""
        return {name for built in self.pages.values() for name in built.files}


def read(out: Path) -> Manifest:
    """Return the manifest of a site; a first one where there is none, or none that can be read.

    Then everything is rendered again. Raises RecordError where the folder holds something else than a site.
    """
    path = out / NAME
    if not is_there(path):
        if is_there(out) and (not out.is_dir() or any(out.iterdir())):
            raise RecordError.at(out, None, "", "holds something that no build wrote; name an empty folder with --out")
        return Manifest()
    try:
        return read_record(path, Manifest)
    except RecordError:
        return Manifest()


def write(out: Path, manifest: Manifest) -> None:
    """Write the manifest of a site."""
    write_whole(out / NAME, readable(manifest.as_json()))
