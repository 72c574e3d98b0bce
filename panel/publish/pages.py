"""Pages: a review and a comparison as people read them. Every element comes from the record."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from panel.community import NO_VOTES
from panel.compare import Sided
from panel.comparison import Approved, Cell, Comparison, Side
from panel.files import Json
from panel.markdown import answer_line, comparison_page, headline
from panel.markdown import page as review_page
from panel.publish.cards import Card
from panel.publish.dissent import dissent
from panel.publish.entries import PairEntry, ToolEntry, category_slug
from panel.publish.page import TWINS, Files, Page, breadcrumb, files, page
from panel.publish.render import LARGEST_PAGE, day, marks
from panel.publish.room import ROOMS, Room, shortened, shortened_pair
from panel.tables import SiteSettings
from panel.tool import Kind, Links

_TYPES: Mapping[Kind, str] = {"dataset": "Dataset", "hardware": "Product"}


@dataclass(frozen=True)
class ToolPage:
    """What the page of a tool is made from."""

    site: SiteSettings
    sided: Sided
    entry: ToolEntry
    pairs: Sequence[PairEntry]
    critics: Collection[str]
    """Personas that have a page."""

    record: bytes
    """The file of the review."""

    card: Card | None = None

    def files(self) -> Files:
        """Return the page with its twins."""
        review = self.sided.review
        return fitting(self._head, "tool.html.j2", self._context, review_page(review), self.record)

    def _head(self, room: Room) -> Page:
        review = shortened(self.sided.review, room)
        tool = review.tool
        crumbs = [("Tools", "tools/"), (tool.name, None)]
        return page(
            self.site,
            self.entry.path,
            tool.name,
            f"{tool.name}: {headline(review.verdict, review.seats)}. {tool.tagline}",
            twins=TWINS,
            draft=behind([(tool.name, self.sided.approval)]) if self.entry.is_draft else None,
            is_hidden=self.entry.is_draft,
            crumbs=crumbs,
            image=self.card and self.card.path,
            ld=self._linked(tool.name, crumbs),
        )

    def _context(self, room: Room) -> dict[str, object]:
        whole, review = self.sided.review, shortened(self.sided.review, room)
        tool = review.tool
        return {
            "site": self.site,
            "review": review,
            "category": f"categories/{category_slug(whole.tool.category)}/",
            "names": {seat.persona: seat.name for seat in review.seats},
            "updated": self.entry.updated,
            "behind": behind([(tool.name, self.sided.approval)]),
            "community": self.sided.community.told if self.sided.community else NO_VOTES,
            "sources": len(whole.tool.sources),
            "independent": sum(source.kind != "maker" for source in whole.tool.sources),
            "links": links(tool.links),
            "quotes": {seat.persona: {one.id: one for one in seat.take.evidence} for seat in review.seats if seat.take},
            "known": {source.id for source in tool.sources},
            "critics": self.critics,
            "pairs": self.pairs[: room.pairs],
            "more_pairs": max(0, len(self.pairs) - room.pairs),
            "models": sorted({ask.answered_by for seat in review.seats for ask in seat.asks}),
            "history": self.sided.history,
            "digest": self.entry.digest,
        }

    def _linked(self, name: str, crumbs: Sequence[tuple[str, str | None]]) -> Json:
        kind = self.sided.review.tool.kind
        about: dict[str, Json] = {"@type": _TYPES.get(kind, "SoftwareApplication"), "name": name}
        return graph(self.site, self.entry.path, name, self.entry, crumbs, about)


@dataclass(frozen=True)
class PairPage:
    """What the page of a comparison is made from; without a site it stands alone and leads nowhere."""

    record: Comparison
    site: SiteSettings | None = None
    entry: PairEntry | None = None
    critics: Collection[str] = ()
    card: Card | None = None
    raw: bytes = b""
    """The file of the record."""

    def files(self) -> Files:
        """Return the page with its twins."""
        return fitting(self._head, "comparison.html.j2", self._context, comparison_page(self.record), self.raw)

    def _head(self, room: Room) -> Page:
        record, path = shortened_pair(self.record, room), self.entry.path if self.entry else ""
        title = " vs ".join(side.name for side in record.sides)
        crumbs = [("Compare", "compare/"), (title, None)]
        signed = signatures(record)
        is_draft = any(approval is None for _, approval in signed)
        return page(
            self.site,
            path,
            title,
            in_short(record),
            twins=TWINS if self.site else (),
            draft=behind(signed) if is_draft else None,
            is_hidden=is_draft,
            crumbs=crumbs,
            image=self.card and self.card.path,
            ld=self._linked(record, crumbs) if self.site and self.entry else None,
        )

    def _context(self, room: Room) -> dict[str, object]:
        record = shortened_pair(self.record, room)
        sides = record.sides
        return {
            "site": self.site,
            "record": record,
            "heading": answer_line(record),
            "updated": self.entry.updated if self.entry else last_reply(record),
            "behind": behind(signatures(record)),
            "sources": [len(side.sources) for side in self.record.sides],
            "letters": marks(sides[0].name, sides[1].name),
            "benches": [bench(record, place) for place in (0, 1)],
            "facts": {row.key: row.facts for row in record.decision},
            "chart": chart(record),
            "known": [numbered(side) for side in sides],
            "cited": citable(record),
            "critics": self.critics,
            "dissent": dissent(record),
            "seats": {row.persona: row.name for row in record.scorecard},
        }

    def _linked(self, record: Comparison, crumbs: Sequence[tuple[str, str | None]]) -> Json:
        assert self.site
        assert self.entry
        items: list[Json] = []
        for number, side in enumerate(record.sides, start=1):
            url = f"{self.site.base}tools/{side.slug}/"
            item: Json = {"@type": _TYPES.get(side.kind, "SoftwareApplication"), "name": side.name, "url": url}
            items.append({"@type": "ListItem", "position": number, "item": item})
        about: dict[str, Json] = {"@type": "ItemList", "numberOfItems": 2, "itemListElement": items}
        return graph(self.site, self.entry.path, crumbs[-1][0], self.entry, crumbs, about)


def in_short(record: Comparison) -> str:
    """Return a comparison in a few sentences: the answer, then both verdicts with their splits."""
    told = [f"{side.name}: {side.verdict.label} {side.verdict.ship}–{side.verdict.skip}." for side in record.sides]
    return " ".join([answer_line(record), *told])


def signatures(record: Comparison) -> list[tuple[str, Approved | None]]:
    """Return who stands behind each side."""
    return [(side.name, side.approval) for side in record.sides]


def bench(record: Comparison, place: int) -> list[dict[str, object]]:
    """Return the seats of one side: each name, with its take or None."""
    return [{"name": row.name, "take": row.cells[place].take} for row in record.scorecard]


def numbered(side: Side) -> dict[str, int]:
    """Return the sources of a side by id, each with its number on the page."""
    return {source.id: number for number, source in enumerate(side.sources, start=1)}


def citable(record: Comparison) -> dict[str, tuple[str, str]]:
    """Return every take that a moderator may cite, as it writes them, with the names of critic and tool."""
    return {f"{side.slug}/{row.persona}": (row.name, side.name) for side in record.sides for row in record.scorecard}


def last_reply(record: Comparison) -> str:
    """Return when the last reply was given; empty where nobody was asked."""
    return max((side.recorded[1] for side in record.sides if side.recorded), default="")


def fitting(
    head: Callable[[Room], Page],
    template: str,
    context: Callable[[Room], Mapping[str, object]],
    text: str,
    raw: bytes,
) -> Files:
    """Return a page with its twins, with as much of long texts as fits into the budget of a page."""
    made: Files = {}
    for room in ROOMS:
        top = head(room)
        made = files(top, template, {**context(room), "room": room}, text, raw)
        if len(made[f"{top.path}index.html"]) <= LARGEST_PAGE:
            break
    return made


def alone(record: Comparison) -> str:
    """Return the page of a comparison that belongs to no site."""
    return PairPage(record).files()["index.html"].decode()


def behind(sides: Sequence[tuple[str, Approved | None]]) -> str:
    """Return who stands behind what is said, in one sentence."""
    drafts = [name for name, approval in sides if approval is None]
    if drafts:
        return (
            "A draft: nobody has approved it."
            if len(drafts) == len(sides)
            else f"The review of {drafts[0]} is a draft."
        )
    signed = [(approval.by, day(approval.at)) for _, approval in sides if approval]
    if len(set(signed)) == 1:
        return f"Approved by {signed[0][0]} on {signed[0][1]}."
    return "Approved by " + " and ".join(f"{by} ({at})" for by, at in signed) + "."


def chart(record: Comparison) -> list[dict[str, object]]:
    """Return the rows of the split chart: what stands where on the line of each critic, and the same in words."""
    rows: list[dict[str, object]] = []
    for row in record.scorecard:
        scored = [(place, cell.take.score) for place, cell in enumerate(row.cells) if cell.take]
        lines = {cell.threshold for cell in row.cells if cell.take and cell.threshold is not None}
        told = [f"{record.sides[place].name} {score}" for place, score in scored]
        rows.append(
            {
                "name": row.name,
                "cells": row.cells,
                "marks": scored,
                "threshold": min(lines) if len(lines) == 1 else None,
                "told": f"{', '.join(told) or 'no takes'}; {_line(row.cells)}",
            }
        )
    return rows


def _line(cells: Sequence[Cell]) -> str:
    lines = sorted({cell.threshold for cell in cells if cell.threshold is not None})
    return f"ships from {' or '.join(map(str, lines))}" if lines else "not on the panel"


def links(of: Links) -> list[tuple[str, str]]:
    """Return where a tool lives, by what to call the place."""
    named = {"Home page": of.home, "Documentation": of.docs, "Source code": of.repo}
    return [(text, url) for text, url in named.items() if url]


def graph(
    site: SiteSettings,
    path: str,
    name: str,
    entry: ToolEntry | PairEntry,
    crumbs: Sequence[tuple[str, str | None]],
    about: dict[str, Json],
) -> Json:
    """Return linked data of a page: what it is, where it stands, what it is about; never a rating."""
    url = f"{site.base}{path}"
    whole: dict[str, Json] = {
        "@type": "WebPage",
        "@id": url,
        "name": name,
        "inLanguage": "en",
        "isAccessibleForFree": True,
        "publisher": {"@type": "Organization", "name": site.name, "publishingPrinciples": f"{site.base}method/"},
        "mainEntity": {"@id": f"{url}#about"},
    }
    whole |= {"datePublished": entry.published[:10]} if entry.published and not entry.is_draft else {}
    whole |= {"dateModified": entry.updated[:10]} if entry.updated else {}
    return {
        "@context": "https://schema.org",
        "@graph": [whole, breadcrumb(site, crumbs), {"@id": f"{url}#about", **about}],
    }
