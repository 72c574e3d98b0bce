"""Build: a site from records. Only what changed is rendered; what is no longer published is taken away."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from panel.compare import comparison
from panel.files import Json, digest_of, is_file, write_whole
from panel.names import pair_slug
from panel.project import Project
from panel.publish import feeds, manifest, redirect
from panel.publish.cards import Card, has_letters, pair_card, tool_card
from panel.publish.edition import Edition, latest
from panel.publish.entries import PairEntry, ToolEntry, pair_entry, redirects
from panel.publish.lists import jobs
from panel.publish.manifest import Built, Manifest, inside
from panel.publish.page import Files
from panel.publish.pages import MOST_PAIRS, PairPage, ToolPage
from panel.publish.pairing import Moderator, kept, paired
from panel.publish.render import version
from panel.publish.sources import Sources, hash_of
from panel.tables import SiteSettings

Task = TypeVar("Task")
Done = TypeVar("Done")


@dataclass(frozen=True)
class Report:
    """What a build came to."""

    tools: int
    """Tools that are published."""

    pairs: int
    """Comparisons that are published."""

    left_out: Sequence[str]
    """Slugs of drafts that are not published."""

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

    def write(self, made: Files, card: Card | None) -> tuple[str, ...]:
        """Write the files of a page, and its card where that was not drawn yet; return all their names."""
        for name, content in made.items():
            write_whole(inside(self.out, name), content)
        if card and not is_file(self.out / card.path):
            write_whole(inside(self.out, card.path), card.drawn())
        return (*made, *([card.path] if card else []))

    def has_cards(self) -> bool:
        """Return whether cards are drawn."""
        return bool(self.site.base) and has_letters()

    def tool(self, task: ToolTask) -> tuple[str, ...]:
        """Write the page of a tool; return the names of its files."""
        card = tool_card(task.entry, self.site.name) if self.has_cards() else None
        side = self.sources.side(task.entry.slug)
        record = self.sources.project.store.review_path(task.entry.slug).read_bytes()
        return self.write(ToolPage(self.site, side, task.entry, task.pairs, self.critics, record, card).files(), card)

    def pair(self, task: PairTask) -> PairDone:
        """Write the page of a comparison, and its record where one of the reviews changed since it was written."""
        project, slug = self.sources.project, pair_slug(*(one.slug for one in task.tools))
        written = project.store.comparison(slug)
        sides = [self.sources.side(one.slug) for one in task.tools]
        said = written.moderation if written else None
        if written and said and [side.review for side in written.sides] != [one.digest for one in task.tools]:
            moderator = Moderator(None, said.ask.asked)
            said = asyncio.run(paired(project, sides[0], sides[1], moderator)).comparison.moderation
        record = comparison(sides[0], sides[1], said)
        if record != written:
            asyncio.run(kept(project, record))
        entry = pair_entry(record, task.tools)
        card = pair_card(entry, self.site.name) if self.has_cards() else None
        raw = project.store.comparison_path(slug).read_bytes()
        files = self.write(PairPage(record, self.site, entry, self.critics, card, raw).files(), card)
        return PairDone(entry, files, hash_of(project.store.comparison_path(slug)))


@dataclass(frozen=True)
class ToolTask:
    """A tool whose page is to be rendered."""

    entry: ToolEntry
    pairs: Sequence[PairEntry]


@dataclass(frozen=True)
class PairTask:
    """A comparison whose page is to be rendered."""

    tools: tuple[ToolEntry, ToolEntry]


@dataclass(frozen=True)
class PairDone:
    """A comparison whose page was rendered."""

    entry: PairEntry
    files: tuple[str, ...]
    record: str
    """The hash of its record."""


def build(project: Project, out: Path, site: SiteSettings, *, drafts: bool = False, workers: int = 1) -> Report:
    """Return what building the site into the folder `out` came to; the result does not depend on `workers`.

    Raises RecordError where a record can't be read, or where `out` holds something that no build wrote.
    """
    before = manifest.read(out)
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
    pages: dict[str, Built] = field(default_factory=dict)
    rendered: int = 0

    def run(self) -> Report:
        """Build the site."""
        sources = Sources(self.project, self.before)
        every = [*sources.entries()]
        tools = [one for one in every if self.drafts or not one.is_draft]
        critics = frozenset(persona.id for persona in self.project.panel)
        self.press = Press(sources, self.site, self.out, critics)
        panel: list[Json] = [one.as_json() for one in self.project.panel]
        self.common = digest_of([version(), self.site.as_json(), panel, self.press.has_cards()])
        pairs = self._pairs({one.slug: one for one in tools})
        edition = Edition(self.site, self.project.panel, tools, [entry for _, entry in pairs.values()])
        self._tools(edition)
        self._others(edition)
        # The manifest goes wherever the site goes, so it says nothing of drafts that are left out.
        found = {one.slug: (sources.keys[one.slug], one) for one in tools}
        known = Manifest(tools=found, pairs=pairs, dossiers=sources.read_dossiers, pages=self.pages)
        removed = manifest.sweep(self.out, self.before, known)
        manifest.write(self.out, known)
        left_out = [one.slug for one in every if one.is_draft and not self.drafts]
        count = len(tools), len(pairs), self.rendered, len(self.pages)
        return Report(count[0], count[1], left_out, count[2], count[3], removed, self.press.has_cards())

    def _pairs(self, tools: Mapping[str, ToolEntry]) -> dict[str, tuple[str, PairEntry]]:
        """Render the comparisons whose tools are published; return their entries after what they were made from."""
        found: dict[str, tuple[str, PairEntry]] = {}
        tasks = []
        for slug in self.press.sources.pairs:
            sides = slug.split("-vs-")
            if not all(side in tools for side in sides) or slug != pair_slug(*sides):
                continue
            key = self._pair_key(slug, hash_of(self.project.store.comparison_path(slug)))
            known, path = self.before.pairs.get(slug), f"compare/{slug}/"
            if known and known[0] == key and self._stands(path, key):
                found[slug] = known
            else:
                tasks.append(PairTask((tools[sides[0]], tools[sides[1]])))
        for done in self._side_by_side(_pair, tasks):
            key = self._pair_key(done.entry.slug, done.record)
            found[done.entry.slug] = (key, done.entry)
            self._built(done.entry.path, key, done.files)
        return dict(sorted(found.items()))

    def _pair_key(self, slug: str, record: str) -> str:
        keys = self.press.sources.keys
        return digest_of([self.common, record, *(keys[side] for side in slug.split("-vs-"))])

    def _tools(self, edition: Edition) -> None:
        tasks, keys = [], {}
        for entry in edition.tools:
            pairs = latest(edition.pairs_of.get(entry.slug, ()))
            beside: list[Json] = [[pair.path, pair.title, pair.line] for pair in pairs[:MOST_PAIRS]]
            keys[entry.slug] = digest_of([self.common, self.press.sources.keys[entry.slug], beside, len(pairs)])
            if not self._stands(entry.path, keys[entry.slug]):
                tasks.append(ToolTask(entry, pairs))
        for task, files in zip(tasks, self._side_by_side(_tool, tasks), strict=True):
            self._built(task.entry.path, keys[task.entry.slug], files)

    def _others(self, edition: Edition) -> None:
        """Write the pages that lead to others, and what machines read."""
        for job in jobs(edition):
            self._made(job.path, digest_of([self.common, job.depends_on]), job.make)
        for path, entry in redirects(edition.tools, edition.pairs):
            make = partial(redirect.files, self.site, path, entry)
            self._made(path, digest_of([self.common, entry.path, entry.title]), make)
        told = feeds.files(edition)
        whole: dict[str, Json] = {name: digest_of(content.decode()) for name, content in told.items()}
        self._made("feeds", digest_of(whole), lambda: told)

    def _made(self, path: str, key: str, make: Callable[[], Files]) -> None:
        if not self._stands(path, key):
            self._built(path, key, self.press.write(make(), None))

    def _stands(self, path: str, key: str) -> bool:
        """Return whether a page stands as it would be rendered; it is kept then."""
        known = self.before.pages.get(path)
        if not known or known.key != key or not all(is_file(self.out / name) for name in known.files):
            return False
        self.pages[path] = known
        return True

    def _built(self, path: str, key: str, files: Sequence[str]) -> None:
        self.pages[path] = Built(key=key, files=tuple(files))
        self.rendered += 1

    def _side_by_side(self, work: Callable[[Task], Done], tasks: Sequence[Task]) -> Iterator[Done]:
        """Yield what becomes of each task, in their order."""
        _Inherited.press = self.press
        if self.workers < 2 or len(tasks) < 2 or "fork" not in multiprocessing.get_all_start_methods():
            yield from map(work, tasks)
            return
        with ProcessPoolExecutor(self.workers, mp_context=multiprocessing.get_context("fork")) as pool:
            yield from pool.map(work, tasks, chunksize=8)


class _Inherited:
    """What workers inherit when they are forked."""

    press: Press


def _tool(task: ToolTask) -> tuple[str, ...]:
    return _Inherited.press.tool(task)


def _pair(task: PairTask) -> PairDone:
    return _Inherited.press.pair(task)
