"""The manifest: what the last build wrote and from what, so that the next one renders only what changed."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from panel.errors import RecordError
from panel.files import is_there, readable, write_whole
from panel.publish.entries import PairEntry, ToolEntry
from panel.record import Record, read_record

NAME = ".panel-site.json"
OWN = ("cards", "categories", "compare", "critics", "digest", "feeds", "tools")
"""Folders of a site whose content changes from build to build."""

TOP = ("index.html", "index.md", "index.json", "404.html", "search.json", "robots.txt", "llms.txt", "sitemap.xml")
"""Files at the root of a site."""

_BUILT = re.compile(r"(?:index\.(?:html|md|json|txt)|(?:feed|all|changes)\.(?:atom|json)|[0-9a-f]{24}\.png)", re.ASCII)
"""Names in these folders that only a build gives."""


class Built(Record):
    """One page of the last build."""

    key: str
    """Content hash of everything that the page depends on."""

    files: Mapping[str, int]
    """What was written for it, each file with its length in bytes."""


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

    @model_validator(mode="after")
    def _is_by_slug(self) -> Self:
        if any(slug != entry.slug for known in (self.tools, self.pairs) for slug, (_, entry) in known.items()):
            message = "an entry stands under the slug of another one"
            raise ValueError(message)
        return self

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


def sweep(out: Path, before: Manifest, now: Manifest) -> int:
    """Take away what builds wrote and this one did not, and folders that are empty then; return how many files.

    What a build left that was killed before it could note it is found by its place and name.
    """
    removed = 0
    for name in sorted(({*filter(_is_built, before.files)} | _strays(out)) - now.files):
        with suppress(OSError, RecordError):
            path = inside(out, name)
            path.unlink()
            removed += 1
            _remove_empty(path.parent, out)
    return removed


def _is_built(name: str) -> bool:
    """Return whether a build could have given this name: a manifest may be somebody else's."""
    top, _, rest = name.partition("/")
    if not rest:
        return name in TOP
    return top in (*OWN, "method", "saved", "statistics") and bool(_BUILT.fullmatch(Path(name).name))


def _strays(out: Path) -> set[str]:
    found = {path.relative_to(out).as_posix() for path in out.rglob(".*.part")}
    for top in OWN:
        for folder, _, names in os.walk(out / top):
            found |= {(Path(folder) / name).relative_to(out).as_posix() for name in names if _BUILT.fullmatch(name)}
    return found


def inside(out: Path, name: str) -> Path:
    """Return where a file of a site belongs; raises RecordError where its name leads out of the folder."""
    path = out / name
    with suppress(ValueError):  # a zero byte
        if Path(os.path.realpath(path)).is_relative_to(os.path.realpath(out)):
            return path
    raise RecordError.at(out, None, "", f"'{name[:120]}' would be written outside of it")


def _remove_empty(folder: Path, out: Path) -> None:
    while folder != out and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
