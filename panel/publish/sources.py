"""Sources: the records that a site is made from, each read once, and which of them may be published."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from panel.community import Community, votes
from panel.compare import Sided, comparison
from panel.comparison import Comparison
from panel.desk.approval import Approval
from panel.errors import RecordError
from panel.files import LARGEST_RECORD, Json, digest_of, is_folder, is_there, names_in, read_bytes, readable
from panel.history import LARGEST_LOG, events_in
from panel.names import pair_slug
from panel.project import Project
from panel.publish.edition import Edition
from panel.publish.entries import PairEntry, ToolEntry, pair_entry, tool_entry
from panel.publish.manifest import Manifest
from panel.publish.render import version
from panel.publish.sides import Dossiers, as_they_are, dossiers_read, refuse_moved, side_of
from panel.record import digest, record_in
from panel.review import Review

KEPT = 32
"""So many reviews are kept at hand while comparisons are rendered, which come by their slugs."""


@dataclass(frozen=True)
class Raw:
    """The files of one tool, of one moment."""

    review: bytes
    approval: bytes
    log: bytes
    key: str
    """The hash of all that its pages say."""


@dataclass(frozen=True)
class Standing:
    """A tool as it stands: the review, what was done about it, and what lists say of it, all of one moment."""

    sided: Sided
    entry: ToolEntry
    raw: Raw


@dataclass(frozen=True)
class Made:
    """A comparison as it is made of two tools as they stand."""

    record: Comparison
    entry: PairEntry
    raw: bytes
    """The record as it stands in a file."""


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
        if not is_folder(store.folder):
            raise RecordError.at(store.folder, None, "", "there are no records; review a tool first, or name --runs")
        return store.slugs

    def pairs(self, published: Mapping[str, ToolEntry]) -> Iterator[tuple[str, tuple[ToolEntry, ToolEntry]]]:
        """Yield the comparisons that have a record and whose tools are published."""
        store = self.project.store
        for name in names_in(store.folder / "compare"):
            sides = [published[slug] for slug in name.split("-vs-") if slug in published]
            is_one = len(sides) == 2 and name == pair_slug(sides[0].slug, sides[1].slug)
            if is_one and is_there(store.comparison_path(name)):
                yield name, (sides[0], sides[1])

    @cached_property
    def votes(self) -> Mapping[str, Community]:
        """What readers voted on each tool."""
        return votes(self.project.store.folder)

    @cached_property
    def dossiers(self) -> Dossiers | None:
        """The dossiers as they are."""
        return dossiers_read(self.project, self.manifest.dossiers)

    @cached_property
    def _digests(self) -> Mapping[str, str] | None:
        return as_they_are(self.dossiers)

    def look(self, slug: str) -> Raw:
        """Return the files of a tool."""
        place = self.project.store.place(slug)
        review = read_bytes(self.project.store.review_path(slug), LARGEST_RECORD, RecordError)
        approval, log = _read(place / "approval.json", LARGEST_RECORD), _read(place / "log.jsonl", LARGEST_LOG)
        community = self.votes.get(slug)
        dossier = (self._digests or {}).get(slug) if approval else None
        has_dossiers = bool(approval) and self._digests is not None
        told: list[Json] = [version(), community.as_json() if community else None, dossier, has_dossiers]
        return Raw(review, approval, log, digest_of([*told, *map(_hash, (review, approval, log))]))

    def entries(self) -> Iterator[tuple[str, ToolEntry]]:
        """Yield the entry of every tool that has a record, after its key; one that did not change is not read."""
        for slug in self.slugs:
            raw, known = self.look(slug), self.manifest.tools.get(slug)
            yield raw.key, known[1] if known and known[0] == raw.key else self.standing_of(slug, raw).entry

    def standing(self, slug: str, key: str) -> Standing:
        """Return a tool as it stands; raises RecordError where it is not any more what it was under this key."""
        return self._standing(slug, key)

    @cached_property
    def _standing(self) -> Callable[[str, str], Standing]:
        return lru_cache(maxsize=KEPT)(self._read_again)

    def _read_again(self, slug: str, key: str) -> Standing:
        raw = self.look(slug)
        if raw.key != key:
            problem = "was changed while the site was built; build it again"
            raise RecordError.at(self.project.store.place(slug), None, "", problem)
        return self.standing_of(slug, raw)

    def standing_of(self, slug: str, raw: Raw) -> Standing:
        """Return what the files of a tool say; raises RecordError where one of them can't be read."""
        path = self.project.store.review_path(slug)
        review = record_in(raw.review, path, Review)
        refuse_moved(self.project, slug, review)
        approval = record_in(raw.approval, path.with_name("approval.json"), Approval) if raw.approval else None
        events = events_in(raw.log)
        side = side_of(review, approval, events, self.votes.get(slug), self._digests if approval else None)
        return Standing(side, tool_entry(review, digest(review), side.approval, events), raw)

    def made(self, slug: str, one: Standing, other: Standing, raw: bytes) -> Made:
        """Return a comparison made of two tools as they stand; its record is `raw`.

        The words of the moderator are kept where it read these very reviews. Nothing is written.
        """
        written = record_in(raw, self.project.store.comparison_path(slug), Comparison)
        is_read = [side.review for side in written.sides] == [one.entry.digest, other.entry.digest]
        record = comparison(one.sided, other.sided, written.moderation if is_read else None)
        entry = pair_entry(record, (one.entry, other.entry), is_unread=written.moderation is not None and not is_read)
        return Made(record, entry, raw if record == written else readable(record.as_json()))


def edition_of(project: Project, *, drafts: bool) -> Edition:
    """Return what would be published of a project now, from its records; nothing is rendered."""
    sources = Sources(project, Manifest())
    keyed = {entry.slug: (key, entry) for key, entry in sources.entries() if drafts or not entry.is_draft}
    published = {slug: entry for slug, (_, entry) in keyed.items()}
    pairs = []
    for slug, tools in sources.pairs(published):
        raw = read_bytes(project.store.comparison_path(slug), LARGEST_RECORD, RecordError)
        one, other = (sources.standing(tool.slug, keyed[tool.slug][0]) for tool in tools)
        pairs.append(sources.made(slug, one, other, raw).entry)
    return Edition(project.settings.site, project.panel, [*published.values()], pairs)


def _read(path: Path, largest: int) -> bytes:
    return read_bytes(path, largest, RecordError) if is_there(path) else b""


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
