"""Quotes: pieces of evidence, looked up word for word in the dossier."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from panel.passages import addressing
from panel.record import once
from panel.take import Evidence
from panel.text import fold, words
from panel.tool import Tool

FEWEST, MOST = 4, 40
"""Words of a quote; a field with fewer is quoted whole."""


_OPENING, _CLOSING = frozenset("\"'([{*<`"), frozenset("\"')]}*>`.,;:!?")
"""Marks that may be left out around a quote; a sign or a percent may not."""


@dataclass(frozen=True)
class Quote:
    """A piece of evidence that was found in the dossier, with its place in the folded text of its source."""

    evidence: Evidence
    start: int
    end: int

    def differs_from(self, other: Quote) -> bool:
        """Return whether the two share no words of one field, and are not the same words in two fields."""
        apart = self.end <= other.start or other.end <= self.start
        return apart if self.evidence.source == other.evidence.source else self.words != other.words

    @cached_property
    def words(self) -> str:
        """The quote as it is compared."""
        return fold(self.evidence.quote)


def verified(evidence: Iterable[Evidence], tool: Tool) -> tuple[dict[str, Quote], list[str]]:
    """Return the quotes that stand in the dossier, by id, and complaints about those that do not."""
    found: dict[str, Quote] = {}
    complaints = []
    for piece in evidence:
        outcome = "has the id of another quote" if piece.id in found else _look_up(piece, tool)
        if isinstance(outcome, Quote):
            found[piece.id] = outcome
        else:
            complaints.append(f'quote {piece.id} ("{piece.quote[:80]}") {outcome}')
    return found, complaints


def _look_up(piece: Evidence, tool: Tool) -> Quote | str:
    """Return the quote, or what is wrong with it."""
    if piece.source not in tool.quotable:
        return f"names the source '{piece.source[:40]}'; sources are {', '.join(tool.quotable)}"
    quote, (text, passages) = fold(piece.quote), _folded(tool)[piece.source]
    places = _places(quote, text)
    if not places:
        return f"does not stand letter by letter in {piece.source}"
    if not FEWEST <= words(quote) <= MOST and not (words(quote) < FEWEST and quote == text):
        return f"has {words(quote)} words; write {FEWEST} to {MOST}, or a shorter field whole"
    free = [place for place in places if not any(place[0] < end and start < place[1] for start, end in passages)]
    if not free:
        return "is from a passage that addresses a reviewer; that is no evidence"
    return Quote(piece, *free[0])


@once
def _folded(tool: Tool) -> Mapping[str, tuple[str, Sequence[tuple[int, int]]]]:
    """Return each field in the form in which quotes are looked up, and where in it passages address a model."""
    return {name: (fold(raw), addressing(raw)) for name, raw in tool.quotable.items()}


def _places(quote: str, text: str) -> list[tuple[int, int]]:
    """Return where `quote` stands in `text` as whole words, marks around them left aside."""
    parts = re.split(r" ?- ?", quote)
    first, places = parts[0] or quote[:1], []
    start = text.find(first) if first else -1
    while start >= 0:
        end = _end(parts, text, start)
        if end is not None and _stands_alone(text, start, end):
            places.append((start, end))
        start = text.find(first, start + 1)
    return places


def _end(parts: Sequence[str], text: str, start: int) -> int | None:
    """Return where a quote ends that begins at `start`, or None where it does not stand there.

    It comes in the parts between its dashes; on either side of a dash there may be a space or none, but not at its end.
    """
    end = start
    for place, part in enumerate(parts):
        if place:
            end += text.startswith(" ", end)
            if not text.startswith("-", end):
                return None
            end += 1
            end += text.startswith(" ", end) and bool(part or place + 1 < len(parts))
        if not text.startswith(part, end):
            return None
        end += len(part)
    return end


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Return whether what stands there in a folded text is whole words, but for marks around them."""
    before = text[text.rfind(" ", 0, start) + 1 : start]
    after = text[end:].partition(" ")[0]
    return _OPENING.issuperset(before) and _CLOSING.issuperset(after)
