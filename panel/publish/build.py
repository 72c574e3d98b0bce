"""Build: a site from records. Only what changed is rendered; what is no longer published is taken away."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from panel.errors import RecordError
from panel.files import LARGEST_RECORD, Json, digest_of, hash_of, is_file, read_bytes, write_whole
from panel.project import Project
from panel.publish import feeds, manifest, redirect
from panel.publish.cards import Card, has_letters, pair_card, tool_card
from panel.publish.edition import Edition, latest
from panel.publish.entries import PairEntry, ToolEntry, redirects
from panel.publish.lists import jobs
from panel.publish.manifest import Built, Manifest, inside
from panel.publish.page import Files
from panel.publish.pages import PairPage, ToolPage
from panel.publish.render import version
from panel.publish.sources import Sources
from panel.publish.workers import side_by_side
from panel.tables import SiteSettings

Sizes = Mapping[str, int]
"""Files of a page with their lengths in bytes."""

Kind = TypeVar("Kind", ToolEntry, PairEntry)


@dataclass(frozen=True)
class Report:
    """What a build came to."""

    tools: int
    """Tools that are published."""

    pairs: int
    """Comparisons that are published."""

    left_out: Sequence[str]
    """Slugs of drafts that are not published."""

    unread: Sequence[str]
    """Comparisons whose moderator has not read the takes as they are."""

    withdrawn: Sequence[str]
    """Slugs of tools that the last build published, and this one can't."""

    rendered: int
    """Pages that were rendered in this run."""

    pages: int
    """All pages."""

    removed: int
    """Files that were taken away."""

    has_cards: bool
    """False where cards could not be drawn, since this machine has no font."""


@dataclass(frozen=True)
class Press:
    """What rendering a page of a record needs; workers inherit it."""

    sources: Sources
    site: SiteSettings
    out: Path
    critics: frozenset[str]

    def write(self, made: Files, card: Card | None) -> Sizes:
        """Write the files of a page, and its card where that was not drawn yet; return all of them with their sizes."""
        for name, content in made.items():
            write_whole(inside(self.out, name), content)
        sizes = {name: len(content) for name, content in made.items()}
        if card is None:
            return sizes
        if not is_file(self.out / card.path):
            write_whole(inside(self.out, card.path), card.drawn())
        return {**sizes, card.path: (self.out / card.path).stat().st_size}

    def has_cards(self) -> bool:
        """Return whether cards are drawn."""
        return bool(self.site.base) and has_letters()

    def tool(self, task: ToolTask) -> Sizes:
        """Write the page of a tool; return its files with their sizes."""
        stands = self.sources.standing(task.entry.slug, task.key)
        card = tool_card(task.entry, self.site.name) if self.has_cards() else None
        page = ToolPage(self.site, stands.sided, task.entry, task.pairs, self.critics, stands.raw.review, card)
        return self.write(page.files(), card)

    def pair(self, task: PairTask) -> PairDone:
        """Write the page of a comparison, made of its reviews as they are; what stands in `runs` is left alone."""
        raw = read_bytes(self.sources.project.store.comparison_path(task.slug), LARGEST_RECORD, RecordError)
        one, other = (self.sources.standing(tool.slug, key) for tool, key in zip(task.tools, task.keys, strict=True))
        made = self.sources.made(task.slug, one, other, raw)
        card = pair_card(made.entry, self.site.name) if self.has_cards() else None
        page = PairPage(made.record, self.site, made.entry, self.critics, card, made.raw)
        return PairDone(made.entry, self.write(page.files(), card), hashlib.sha256(raw).hexdigest())


@dataclass(frozen=True)
class ToolTask:
    """A tool whose page is to be rendered, and what its files were when the build began."""

    entry: ToolEntry
    pairs: Sequence[PairEntry]
    key: str


@dataclass(frozen=True)
class PairTask:
    """A comparison whose page is to be rendered, and what the files of its tools were when the build began."""

    slug: str
    tools: tuple[ToolEntry, ToolEntry]
    keys: tuple[str, str]


@dataclass(frozen=True)
class PairDone:
    """A comparison whose page was rendered."""

    entry: PairEntry
    files: Sizes
    record: str
    """The hash of its record."""


def build(project: Project, out: Path, site: SiteSettings, *, drafts: bool = False, workers: int = 1) -> Report:
    """Return what building the site into the folder `out` came to; the result does not depend on `workers`.

    Raises RecordError where a record can't be read, or where `out` holds something that no build wrote.
    """
    before = manifest.read(out)
    manifest.write(out, before)  # so that a build that is killed can be taken up again
    return _Build(project, out, site, drafts=drafts, workers=workers, before=before).run()


@dataclass
class _Build:
    """One build while it runs."""

    project: Project
    out: Path
    site: SiteSettings
    drafts: bool
    workers: int
    before: Manifest
    tools: dict[str, tuple[str, ToolEntry]] = field(default_factory=dict)
    pages: dict[str, Built] = field(default_factory=dict)
    rendered: int = 0

    def run(self) -> Report:
        """Build the site."""
        sources = Sources(self.project, self.before)
        every = {entry.slug: (key, entry) for key, entry in sources.entries()}
        self.tools = {slug: one for slug, one in every.items() if self.drafts or not one[1].is_draft}
        self.press = Press(sources, self.site, self.out, frozenset(persona.id for persona in self.project.panel))
        panel: list[Json] = [one.as_json() for one in self.project.panel]
        self.common = digest_of([version(), self.site.as_json(), panel, self.press.has_cards()])
        pairs = self._pairs({slug: entry for slug, (_, entry) in self.tools.items()})
        edition = Edition(self.site, self.project.panel, _entries(self.tools), _entries(pairs))
        self._tools(edition)
        self._others(edition)
        return Report(
            tools=len(edition.tools),
            pairs=len(edition.pairs),
            left_out=[slug for slug in every if slug not in self.tools],
            unread=[pair.slug for pair in edition.pairs if pair.is_unread],
            withdrawn=[slug for slug in self.before.tools if slug not in self.tools],
            rendered=self.rendered,
            pages=len(self.pages),
            removed=self._noted(pairs),
            has_cards=self.press.has_cards(),
        )

    def _noted(self, pairs: Mapping[str, tuple[str, PairEntry]]) -> int:
        """Write the manifest, and take away what is not in it; return how many files.

        It goes wherever the site goes, so it says nothing of drafts that are left out.
        """
        read = self.press.sources.dossiers or {}
        dossiers = {name: one for name, one in sorted(read.items()) if one[0] in self.tools}
        pages = dict(sorted(self.pages.items()))
        known = Manifest(tools=self.tools, pairs=pairs, dossiers=dossiers, pages=pages)
        removed = manifest.sweep(self.out, self.before, known)
        manifest.write(self.out, known)
        return removed

    def _pairs(self, tools: Mapping[str, ToolEntry]) -> dict[str, tuple[str, PairEntry]]:
        """Render the comparisons whose tools are published; return their entries after what they were made from."""
        found: dict[str, tuple[str, PairEntry]] = {}
        tasks = []
        for slug, sides in self.press.sources.pairs(tools):
            key = self._pair_key(slug, hash_of(self.project.store.comparison_path(slug)))
            known = self.before.pairs.get(slug)
            if known and known[0] == key and self._stands(f"compare/{slug}/", key):
                found[slug] = known
            else:
                tasks.append(PairTask(slug, sides, (self.tools[sides[0].slug][0], self.tools[sides[1].slug][0])))
        self._begin(f"compare/{task.slug}/" for task in tasks)
        for done in side_by_side(self.press.pair, tasks, self.workers):
            key = self._pair_key(done.entry.slug, done.record)
            found[done.entry.slug] = (key, done.entry)
            self._built(done.entry.path, key, done.files)
        return dict(sorted(found.items()))

    def _pair_key(self, slug: str, record: str) -> str:
        return digest_of([self.common, record, *(self.tools[side][0] for side in slug.split("-vs-"))])

    def _tools(self, edition: Edition) -> None:
        tasks, keys = [], {}
        for slug, (own, entry) in self.tools.items():
            pairs = latest(edition.pairs_of.get(slug, ()))
            beside: list[Json] = [[pair.path, pair.title, pair.line] for pair in pairs]
            keys[slug] = digest_of([self.common, own, beside])
            if not self._stands(entry.path, keys[slug]):
                tasks.append(ToolTask(entry, pairs, own))
        self._begin(task.entry.path for task in tasks)
        for task, files in zip(tasks, side_by_side(self.press.tool, tasks, self.workers), strict=True):
            self._built(task.entry.path, keys[task.entry.slug], files)

    def _others(self, edition: Edition) -> None:
        """Write the pages that lead to others, and what machines read."""
        every: list[tuple[str, str, Callable[[], Files]]] = [
            (job.path, digest_of([self.common, job.depends_on]), job.make) for job in jobs(edition)
        ]
        for path, entry in redirects(edition.tools, edition.pairs):
            key = digest_of([self.common, entry.path, entry.title])
            every.append((path, key, partial(redirect.files, self.site, path, entry)))
        told = feeds.files(edition)
        whole: dict[str, Json] = {name: digest_of(content.decode()) for name, content in told.items()}
        every.append(("feeds", digest_of(whole), lambda: told))
        every = [one for one in every if not self._stands(one[0], one[1])]
        self._begin(path for path, _, _ in every)
        for path, key, make in every:
            self._built(path, key, self.press.write(make(), None))

    def _begin(self, paths: Iterable[str]) -> None:
        """Note which pages are about to be written: where that is cut short, none of them passes for an earlier one."""
        known = self.before.pages
        begun = {path: Built(key="", files=known[path].files) for path in paths if path in known}
        if begun:
            self.before = self.before.model_copy(update={"pages": {**known, **begun}})
            manifest.write(self.out, self.before)

    def _stands(self, path: str, key: str) -> bool:
        """Return whether a page stands as it would be rendered; it is kept then."""
        known = self.before.pages.get(path)
        if not known or known.key != key or any(_size(self.out / name) != size for name, size in known.files.items()):
            return False
        self.pages[path] = known
        return True

    def _built(self, path: str, key: str, files: Sizes) -> None:
        self.pages[path] = Built(key=key, files=files)
        self.rendered += 1


def _entries(keyed: Mapping[str, tuple[str, Kind]]) -> list[Kind]:
    return [entry for _, entry in keyed.values()]


def _size(path: Path) -> int | None:
    """Return how long a file is, None where there is none: one that was torn or changed is seldom as long."""
    return path.stat().st_size if is_file(path) else None
