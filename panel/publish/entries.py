"""Entries: what lists, feeds and search know of a published page. Small, and kept from build to build."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from panel.comparison import AnswerKind, Approved, Comparison, Side
from panel.files import short_hash
from panel.history import Event
from panel.markdown import answer_line
from panel.names import folded, slug_of
from panel.record import Record, is_moment
from panel.review import Review
from panel.statistics.observed import Alike, Sat, observed
from panel.verdict import Label

TOUCHING = ("accept", "restore", "edit", "verdict")
"""Events of the log by which a review became another one."""


class Turned(Record):
    """A verdict that became another one: its label, not its split alone."""

    at: str
    """When: UTC, ISO 8601."""

    what: str
    """From what to what."""


class ToolEntry(Record):
    """A tool page."""

    slug: str
    """The tool."""

    name: str
    """What it is called."""

    aliases: tuple[str, ...]
    """Other names of it."""

    tagline: str
    """The maker's one line."""

    maker: str
    """Who makes it."""

    category: str
    """The shelf it stands on."""

    label: Label
    """The verdict."""

    split: str
    """Ship and skip votes: `3 ship / 1 skip`."""

    width: int
    """Points between the highest and the lowest score; 0 where fewer than two were heard."""

    seats: tuple[Sat, ...]
    """Who was heard, by the id of the persona."""

    alike: Alike | None = None
    """How alike their takes are; None where fewer than two were heard."""

    digest: str
    """Content hash of the review."""

    updated: str
    """When the review last became another one: UTC, ISO 8601; empty where nobody was asked."""

    published: str
    """When it was approved, or where it is a draft, when it was updated."""

    is_draft: bool
    """True where nobody stands behind it."""

    turned: tuple[Turned, ...]
    """Every time the verdict became another one, oldest first."""

    @property
    def path(self) -> str:
        """Where its page is, from the root of the site."""
        return f"tools/{self.slug}/"

    @property
    def title(self) -> str:
        """The words of a link to it."""
        return self.name

    @property
    def line(self) -> str:
        """What a list says of it."""
        return f"{'Draft: ' if self.is_draft else ''}{self.label} · {self.split}. {self.tagline}"

    @property
    def keywords(self) -> str:
        """What search looks in."""
        return " ".join([self.name, *self.aliases, self.maker, self.category, self.tagline, self.label]).lower()


class PairEntry(Record):
    """A comparison page."""

    slug: str
    """The comparison."""

    tools: tuple[str, str]
    """The slugs of the two tools."""

    names: tuple[str, str]
    """What they are called."""

    verdicts: tuple[str, str]
    """Their verdicts with their splits."""

    kind: AnswerKind
    """What sort of answer."""

    answer: str
    """The answer in one sentence."""

    categories: tuple[str, ...]
    """The shelves of the two."""

    updated: str
    """When one of the reviews last became another one."""

    published: str
    """When the later one was approved."""

    is_draft: bool
    """True where nobody stands behind one of them."""

    is_unread: bool
    """True where the moderator has not read the takes as they are, so that its words are left out."""

    @property
    def path(self) -> str:
        """Where its page is, from the root of the site."""
        return f"compare/{self.slug}/"

    @property
    def title(self) -> str:
        """The words of a link to it."""
        return f"{self.names[0]} vs {self.names[1]}"

    @property
    def line(self) -> str:
        """What a list says of it."""
        told = f"{self.answer} {self.names[0]}: {self.verdicts[0]}. {self.names[1]}: {self.verdicts[1]}."
        return f"Draft: {told}" if self.is_draft else told

    @property
    def keywords(self) -> str:
        """What search looks in."""
        return " ".join([*self.names, "vs", *self.categories]).lower()


Entry = ToolEntry | PairEntry


def tool_entry(review: Review, digest: str, approval: Approved | None, events: Sequence[Event]) -> ToolEntry:
    """Return the entry of a review; `events` are what its log tells, oldest first."""
    tool, verdict, scores = review.tool, review.verdict, review.verdict.range or (0, 0)
    seen = observed(review)
    timely = [event for event in events if is_moment(event.at)]
    updated = _updated(review, timely)
    published = _published(approval, timely) if approval else updated
    return ToolEntry(
        slug=tool.slug,
        name=tool.name,
        aliases=tool.aliases,
        tagline=tool.tagline,
        maker=tool.maker,
        category=tool.category,
        label=verdict.label,
        split=f"{verdict.ship} ship / {verdict.skip} skip",
        width=scores[1] - scores[0],
        seats=seen.sats,
        alike=seen.alike,
        digest=digest,
        updated=updated,
        published=published,
        is_draft=approval is None,
        turned=tuple(_turned(timely, published if approval else "")),
    )


def _updated(review: Review, events: Sequence[Event]) -> str:
    """Return when the review last became another one: by a reply, or by what an editor did."""
    recorded = [ask.recorded_at for seat in review.seats for ask in seat.asks if is_moment(ask.recorded_at)]
    return max([*recorded, *(event.at for event in events if event.name in TOUCHING)], default="")


def _published(approval: Approved, events: Sequence[Event]) -> str:
    """Return when the review was first approved."""
    return min((event.at for event in events if event.name == "approve"), default=approval.at)


def _turned(events: Sequence[Event], published: str) -> Iterator[Turned]:
    """Yield every change of the label that readers could see, since the review was first published."""
    for event in events:
        before, after = (str(event.details.get(key, "")).rpartition(" ") for key in ("before", "after"))
        if event.name == "verdict" and event.at >= published and before[0] != after[0]:
            yield Turned(at=event.at, what=f"the verdict went from {' '.join(before[::2])} to {' '.join(after[::2])}")


def pair_entry(record: Comparison, tools: tuple[ToolEntry, ToolEntry], *, is_unread: bool) -> PairEntry:
    """Return the entry of a comparison of two published tools."""
    return PairEntry(
        slug=record.slug,
        tools=(tools[0].slug, tools[1].slug),
        names=(tools[0].name, tools[1].name),
        verdicts=(_verdict(record.sides[0]), _verdict(record.sides[1])),
        kind=record.answer.kind,
        answer=answer_line(record),
        categories=tuple(dict.fromkeys(tool.category for tool in tools)),
        updated=max(tool.updated for tool in tools),
        published=max(tool.published for tool in tools),
        is_draft=any(tool.is_draft for tool in tools),
        is_unread=is_unread,
    )


def _verdict(side: Side) -> str:
    return f"{side.verdict.label} {side.verdict.ship}–{side.verdict.skip}"


def category_slug(category: str) -> str:
    """Return the name of a category in links; where that loses letters, a hash of the whole is added."""
    plain, same = slug_of(category), folded(category)
    if plain and same.isascii():
        return plain
    return f"{plain[:71].strip('-')}-{short_hash(same)[:8]}".strip("-")  # a slug has eighty characters at most


def redirects(tools: Sequence[ToolEntry], pairs: Sequence[PairEntry]) -> Iterator[tuple[str, Entry]]:
    """Yield where an old or other name leads: aliases of tools, comparisons in the other order or by an alias."""
    taken = {one.path for one in tools} | {one.path for one in pairs}
    found: dict[str, Entry | None] = {}
    for path, entry in _other_names(tools, pairs):
        # A name that two entries have leads nowhere.
        found[path] = entry if found.setdefault(path, entry) == entry else None
    yield from ((path, entry) for path, entry in sorted(found.items()) if entry and path not in taken)


def _other_names(tools: Sequence[ToolEntry], pairs: Sequence[PairEntry]) -> Iterator[tuple[str, Entry]]:
    slugs = {one.slug for one in tools}
    also = {one.slug: [one.slug, *sorted({*map(slug_of, one.aliases)} - slugs - {""})] for one in tools}
    yield from ((f"tools/{alias}/", tool) for tool in tools for alias in also[tool.slug])
    for pair in pairs:
        for one, other in product(*(also[slug] for slug in pair.tools)):
            yield f"compare/{one}-vs-{other}/", pair
            yield f"compare/{other}-vs-{one}/", pair
