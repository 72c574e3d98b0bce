"""Wording: phrases and openings that return from take to take."""

from __future__ import annotations

import hashlib
import heapq
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from panel.review import Review
from panel.statistics.figures import Opening, Phrase, Wording
from panel.take import Take
from panel.text import fold
from panel.tool import Tool

MOST_SEATS = 60
"""Of a record with more seats than this, which no panel has, the first ones count."""

MOST_TOOLS = 500
"""In larger catalogues so many tools are drawn by the hash of their slugs: memory stays flat, and no order matters."""

MOST_WORDS = 1_000
"""Words of a take that are read; one that passes the gates has 150."""

OPENING = 4
"""Words of an opening."""

STOCK = (4, 5, 6)
"""Words of a stock phrase."""

FEWEST_TOOLS = 3
"""A phrase of one persona is a stock phrase from so many tools on."""

MOST_SHOWN = 20
"""So many openings and so many phrases are named; all are counted."""

_WORD = re.compile(r"[^\W_]+(?:['.,-][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class _Said:
    """What is kept of a take."""

    opening: str
    own: tuple[str, ...]
    """The parts of it that hold no four words in a row of the dossier."""


_Ranked = tuple[int, str, Mapping[str, _Said]]


@dataclass
class Drawn:
    """The tools whose takes are compared with each other, while reviews go by."""

    most: int = MOST_TOOLS
    _heap: list[_Ranked] = field(default_factory=list)
    _seen: int = 0

    def add(self, review: Review) -> None:
        """Take a review in, where it is among those that are drawn."""
        slug = review.tool.slug
        # The highest numbers leave first, and a heap gives up its lowest.
        rank = -int.from_bytes(hashlib.sha256(slug.encode()).digest()[:8])
        self._seen += 1
        if len(self._heap) < self.most:
            heapq.heappush(self._heap, (rank, slug, _said(review)))
        elif (rank, slug) > self._heap[0][:2]:
            heapq.heapreplace(self._heap, (rank, slug, _said(review)))

    def wording(self) -> Wording:
        """Return what returns in the takes of the tools that were drawn."""
        tools = [said for _, _, said in sorted(self._heap, key=lambda one: one[1])]
        openings, phrases = _openings(tools), _phrases(tools)
        return Wording(
            tools=len(tools),
            of=self._seen,
            takes=sum(map(len, tools)),
            openings=tuple(openings[:MOST_SHOWN]),
            shared_openings=len(openings),
            phrases=tuple(phrases[:MOST_SHOWN]),
            stock_phrases=len(phrases),
        )


def takes_of(review: Review) -> dict[str, Take]:
    """Return the takes of a review, by the ids of their personas in alphabetical order."""
    heard = {seat.persona: seat.take for seat in reversed(review.seats[:MOST_SEATS]) if seat.take}
    return dict(sorted(heard.items()))


def take_words(take: Take) -> list[str]:
    """Return the words of a take, in lower case, without punctuation around them."""
    return words_of(take.text)[:MOST_WORDS]


def words_of(text: str) -> list[str]:
    """Return the words of a text, in lower case; "don't", "13.5" and "tool-calling" are one each."""
    return _WORD.findall(fold(text).casefold())


def said_by(words: Sequence[str], length: int) -> set[str]:
    """Return every run of so many words."""
    return {*_runs(words, length)}


def found_in(tool: Tool, runs: Collection[str], length: int) -> set[str]:
    """Return those of some runs of words that stand in a dossier."""
    texts = [tool.name, *tool.quotable.values(), *(source.title for source in tool.sources)]
    return {run for text in texts for run in _runs(words_of(text), length) if run in runs}


def _runs(words: Sequence[str], length: int) -> Iterator[str]:
    for start in range(len(words) - length + 1):
        yield " ".join(words[start : start + length])


def _said(review: Review) -> Mapping[str, _Said]:
    words = {persona: take_words(take) for persona, take in takes_of(review).items()}
    fewest = min(STOCK)
    quoted = found_in(review.tool, {run for said in words.values() for run in _runs(said, fewest)}, fewest)
    return {
        persona: _Said(" ".join(said[:OPENING]), tuple(_own(said, quoted, fewest)))
        for persona, said in words.items()
        if len(said) >= OPENING
    }


def _own(words: Sequence[str], quoted: Collection[str], fewest: int) -> Iterator[str]:
    """Yield the longest stretches of a take in which no run of the fewest words is quoted."""
    start, place = 0, 0
    for place, run in enumerate(_runs(words, fewest)):
        if run in quoted:
            yield from [" ".join(words[start : place + fewest - 1])] if place > start else []
            start = place + 1
    yield from [" ".join(words[start:])] if len(words) - start >= fewest else []


def _openings(tools: Sequence[Mapping[str, _Said]]) -> list[Opening]:
    """Return the openings that two takes share, the most frequent first."""
    found: dict[str, Counter[str]] = {}
    for takes in tools:
        for persona, said in takes.items():
            found.setdefault(said.opening, Counter())[persona] += 1
    shared = [Opening(words=words, personas=dict(sorted(by.items()))) for words, by in found.items() if by.total() > 1]
    return sorted(shared, key=lambda one: (-one.takes, one.words))


def _phrases(tools: Sequence[Mapping[str, _Said]]) -> list[Phrase]:
    """Return the stock phrases of each persona, the most frequent first."""
    found: list[Phrase] = []
    for persona in sorted({persona for takes in tools for persona in takes}):
        own = [takes[persona].own for takes in tools if persona in takes]
        found += [Phrase(persona=persona, words=words, tools=count) for words, count in _stock(own).items()]
    return sorted(found, key=lambda one: (-one.tools, one.persona, one.words))


def _stock(takes: Sequence[Sequence[str]]) -> dict[str, int]:
    """Return the stock phrases of one persona with their numbers of tools; a part of a longer one is left out."""
    kept: dict[str, int] = {}
    for length in sorted(STOCK, reverse=True):
        counts = Counter(run for own in takes for run in {run for part in own for run in _runs(part.split(), length)})
        parts = {(run, kept[words]) for words in kept for run in _runs(words.split(), length)}
        often = {run: count for run, count in counts.items() if count >= FEWEST_TOOLS and (run, count) not in parts}
        kept |= often
    return kept
