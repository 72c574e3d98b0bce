"""Room: how much of long texts a page shows, so that it stays within its budget; the rest is one click away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from panel.comparison import Comparison, Side
from panel.publish.render import clip
from panel.review import Review
from panel.tool import Links, Tool

Kind = TypeVar("Kind", Tool, Side)


@dataclass(frozen=True)
class Room:
    """How much a page shows. Texts are counted in characters; wide ones, and those of markup, count for more."""

    text: int
    """Of a take."""

    line: int
    """Of a sentence or a quote."""

    description: int
    """Of the maker's account."""

    quotes: int
    """Quotes of a take or a rating, and lines of other lists."""

    name: int
    """Of a name, a version, a category."""

    sources: int
    """Sources of a dossier."""

    pairs: int
    """Comparisons on the page of a tool."""

    address: int
    """The longest address that is linked."""

    has_takes: bool = True
    """Whether a comparison has the words of takes, which are on the page of each tool too."""


ROOMS = (
    Room(1_600, 400, 1_200, 12, 400, 24, 20, 2_000),
    Room(1_600, 400, 500, 4, 400, 24, 20, 2_000),
    Room(1_200, 240, 400, 3, 120, 24, 12, 400),
    Room(500, 160, 300, 1, 60, 8, 4, 200),
    Room(160, 60, 100, 0, 40, 3, 1, 100),
    Room(50, 30, 60, 0, 24, 1, 0, 60, has_takes=False),
)
"""From a page that shows everything to one of which the longest records are sure to fit."""


def shortened(review: Review, room: Room) -> Review:
    """Return a review as far as there is room for its names and sources."""
    tool = _told(review.tool, room)
    tool = tool.model_copy(update={"links": _links(tool.links, room)})
    seats = [seat.model_copy(update={"name": clip(seat.name, room.name)}) for seat in review.seats]
    return review.model_copy(update={"tool": tool, "seats": tuple(seats)})


def shortened_pair(record: Comparison, room: Room) -> Comparison:
    """Return a comparison as far as there is room for its names and sources."""
    first, second = record.sides
    rows = [row.model_copy(update={"name": clip(row.name, room.name)}) for row in record.scorecard]
    return record.model_copy(update={"sides": (_told(first, room), _told(second, room)), "scorecard": tuple(rows)})


def _told(of: Kind, room: Room) -> Kind:
    """Return a tool, or a side, with its names, its tagline and its sources as far as there is room."""
    named = {key: clip(getattr(of, key), room.name) for key in ("name", "maker", "category")}
    sources = [
        one.model_copy(update={"title": clip(one.title, room.line), "url": _linked(one.url, room)})
        for one in of.sources[: room.sources]
    ]
    more = {"version": of.version and clip(of.version, room.name), "tagline": clip(of.tagline, room.line)}
    return of.model_copy(update={**named, **more, "sources": tuple(sources)})


def _linked(url: str | None, room: Room) -> str | None:
    return url if url and len(url) <= room.address else None


def _links(links: Links, room: Room) -> Links:
    return Links(**{key: _linked(getattr(links, key), room) for key in Links.model_fields})
