"""Sources: the records that a site is made from, and which of them may be published."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from panel.compare import Sided
from panel.desk.approval import approval_of
from panel.errors import RecordError
from panel.files import LARGEST_RECORD, digest_of, is_there, names_in, read_bytes
from panel.names import SLUG
from panel.project import Project
from panel.publish.edition import Edition
from panel.publish.entries import TOUCHING, ToolEntry, moment, pair_entry, tool_entry
from panel.publish.manifest import Manifest
from panel.publish.pairing import sided
from panel.publish.render import version
from panel.record import digest
from panel.shelf import dossiers, shelf

KEPT = 32
"""So many reviews are kept at hand while comparisons are rendered, which come by their slugs."""


@dataclass(frozen=True)
class Sources:
    """The records of a project, as a site is made from them."""

    project: Project
    manifest: Manifest
    """What the last build knew."""

    @cached_property
    def slugs(self) -> list[str]:
        """The tools that have a record."""
        store = self.project.store
        return [name for name in names_in(store.folder) if SLUG.fullmatch(name) and is_there(store.review_path(name))]

    @cached_property
    def pairs(self) -> list[str]:
        """The comparisons that have a record."""
        store = self.project.store
        names = [name for name in names_in(store.folder / "compare") if len(name.split("-vs-")) == 2]
        return [name for name in names if is_there(store.comparison_path(name))]

    @cached_property
    def keys(self) -> Mapping[str, str]:
        """The hash of all that belongs to a tool, by slug."""
        store = self.project.store
        votes = hash_of(store.folder / "votes.json")
        names, shared = ("review.json", "approval.json", "log.jsonl"), [version(), votes]
        return {
            slug: digest_of([*shared, *(hash_of(store.place(slug) / name) for name in names), self.dossiers.get(slug)])
            for slug in self.slugs
        }

    @cached_property
    def dossiers(self) -> Mapping[str, str]:
        """The digest of each dossier of the project as it is now, by slug."""
        return dict(self.read_dossiers.values())

    @cached_property
    def read_dossiers(self) -> Mapping[str, tuple[str, str]]:
        """Slug and digest of each dossier by the hash of its file; all are read again where one is new, or there twice.

        Raises ToolError where one can't be read: whether an approval holds can't be told then.
        """
        hashes = [self._hash_of_dossier(path) for path in dossiers(self.project)]
        if len({*hashes} & {*self.manifest.dossiers}) == len(hashes):
            return {each: self.manifest.dossiers[each] for each in hashes}
        return {self._hash_of_dossier(one.path): (one.tool.slug, one.tool.digest) for one in shelf(self.project)}

    def _hash_of_dossier(self, path: Path) -> str:
        """Return the hash of a dossier with what else decides over how it is read."""
        return digest_of([version(), [*self.project.persona_ids], hash_of(path)])

    def entries(self) -> Iterator[ToolEntry]:
        """Yield the entry of every tool that has a record; one that did not change is not read."""
        for slug in self.slugs:
            known = self.manifest.tools.get(slug)
            yield known[1] if known and known[0] == self.keys[slug] else self._entry(slug)

    def _entry(self, slug: str) -> ToolEntry:
        one = self.side(slug)
        events = self.project.store.history(slug).events()
        touched = max((moment(event.at) for event in events if event.name in TOUCHING), default="")
        return tool_entry(one.review, digest(one.review), one.approval, tuple(one.history), touched)

    def side(self, slug: str) -> Sided:
        """Return a review with what was done about it; nobody stands behind one whose dossier changed since."""
        return self._sides(slug)

    @cached_property
    def _sides(self) -> Reader:
        return Reader(self)


class Reader:
    """Reads sides, and keeps the last few at hand."""

    def __init__(self, sources: Sources) -> None:
        self._read = lru_cache(maxsize=KEPT)(self._side)
        self._sources = sources

    def __call__(self, slug: str) -> Sided:
        """Return the side of a tool."""
        return self._read(slug)

    def _side(self, slug: str) -> Sided:
        project = self._sources.project
        one = sided(project, slug)
        approval, now = approval_of(project, slug), self._sources.dossiers.get(slug)
        if approval and now not in (None, approval.dossier):
            return Sided(one.review, one.community, None, one.history)
        return one


def edition_of(project: Project, *, drafts: bool) -> Edition:
    """Return what would be published of a project now, from its records; nothing is rendered."""
    sources = Sources(project, Manifest())
    tools = {one.slug: one for one in sources.entries() if drafts or not one.is_draft}
    pairs = []
    for slug in sources.pairs:
        sides = [tools[side] for side in slug.split("-vs-") if side in tools]
        if len(sides) == 2 and (written := project.store.comparison(slug)):
            pairs.append(pair_entry(written, (sides[0], sides[1])))
    return Edition(project.settings.site, project.panel, [*tools.values()], pairs)


def hash_of(path: Path) -> str:
    """Return the hash of what is in a file, empty where there is none."""
    if not is_there(path):
        return ""
    return hashlib.sha256(read_bytes(path, LARGEST_RECORD, RecordError)).hexdigest()
