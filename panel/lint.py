"""Lint: what critics will miss in a dossier that is sound, and what they should not have to read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from panel.document import Place, dotted, read_document, read_text
from panel.errors import ToolError
from panel.prose import never_used
from panel.text import words
from panel.tool import Tool, read_tool

FEWEST_WORDS = 60
"""A dossier of fewer words, sources included, makes most critics abstain."""

FEWEST_SOURCES = 3
SHORTEST_SOURCE = 25
"""Words of a source under which there is hardly anything to quote."""

OLDEST_PRICE_DAYS = 30
"""A price check that is older is out of date: the same limit as for an approval."""

OLDEST_SOURCE_DAYS = 2 * 365


@dataclass(frozen=True)
class Remark:
    """Something about a dossier that its author could better."""

    path: Path
    line: int | None
    key: str
    text: str

    def __str__(self) -> str:
        """Return the remark with its place in front, as errors have it."""
        return str(ToolError.at(self.path, self.line, self.key, self.text))


def lint(path: Path, personas: Sequence[str], marketing: Iterable[str], today: date) -> list[Remark]:
    """Return the remarks on a sound dossier, in the order of its lines.

    `marketing` are words that promise and do not say. Raises ToolError, with every fault, where it is not sound.
    """
    tool = read_tool(path, personas)
    document = read_document(read_text(path, ToolError), path, ToolError)
    found = [
        *_thinness(tool),
        *_silences(tool),
        *_sources(tool, today),
        *_price(tool, today),
        *_promises(tool, marketing),
        *_attempts(tool),
    ]
    remarks = [Remark(path, document.line(place), dotted(place), text) for place, text in found]
    return sorted(remarks, key=lambda remark: remark.line or 0)


Found = Iterator[tuple[Place, str]]


def _thinness(tool: Tool) -> Found:
    count = sum(map(words, tool.quotable.values()))
    if count < FEWEST_WORDS:
        yield ("description",), f"the dossier has {count} words; under {FEWEST_WORDS} most critics abstain"


def _silences(tool: Tool) -> Found:
    """Yield what is not told: who makes it, on which terms, since when, and where it lives."""
    missed = {
        "maker": (tool.maker == "not stated", "is not stated; no conflict of interest can be seen"),
        "version": (tool.version is None, "is not given; a take about an unknown version can't be checked later"),
        "license": (tool.license == "not stated", "is not stated; critics count it as a silence that speaks"),
        "released": (tool.released is None, "is not given; nobody can judge how new it is"),
        "links": (not any(tool.links.model_dump().values()), "holds no address; a reader can't look anything up"),
    }
    for key, (is_missed, text) in missed.items():
        if is_missed:
            yield (key,), text


def _sources(tool: Tool, today: date) -> Found:
    if len(tool.sources) < FEWEST_SOURCES:
        yield ("sources",), f"holds {len(tool.sources)}; with fewer than {FEWEST_SOURCES} claims stay claims"
    if not tool.outside_sources:
        yield ("sources",), "none is independent or a test of your own: a 4 then rests on the maker's word alone"
    for number, source in enumerate(tool.sources):
        place = ("sources", number)
        if source.dated is None:
            yield (*place, "dated"), "is not given; critics can't tell what came first"
        elif (today - source.dated).days > OLDEST_SOURCE_DAYS:
            yield (*place, "dated"), f"is {source.dated}, more than two years ago; is it still about this version?"
        elif source.dated > today:
            yield (*place, "dated"), f"is {source.dated}, which has not come yet"
        if source.url is None:
            yield (*place, "url"), "is not given; a reader can't look it up"
        if (count := words(source.text)) < SHORTEST_SOURCE:
            yield (*place, "text"), f"has {count} words; there is hardly anything to quote"


def _price(tool: Tool, today: date) -> Found:
    price = tool.pricing
    if price.entry == "unknown" or price.text == "not stated":
        yield ("pricing",), "is not stated; whoever judges the business will miss it"
    if price.checked_on is None:
        yield ("pricing", "checked_on"), "is not given; say when somebody last looked"
    elif (today - price.checked_on).days > OLDEST_PRICE_DAYS:
        age = (today - price.checked_on).days
        yield ("pricing", "checked_on"), f"is {age} days ago; look again, at most {OLDEST_PRICE_DAYS} are fresh"


def _promises(tool: Tool, marketing: Iterable[str]) -> Found:
    phrases = list(marketing)
    texts: list[tuple[Place, str]] = [(("tagline",), tool.tagline), (("description",), tool.description)]
    texts += [(("sources", number, "text"), source.text) for number, source in enumerate(tool.sources)]
    for place, text in texts:
        if promises := list(never_used(text, phrases)):
            yield place, f"promises and does not say: {', '.join(promises)}; write what it does"


def _attempts(tool: Tool) -> Found:
    ids = {source.id: number for number, source in enumerate(tool.sources)}
    for passage in tool.addressed:
        place: Place = ("sources", ids[passage.field], "text") if passage.field in ids else (passage.field,)
        yield place, f'a passage addresses a reviewer and can\'t be quoted: "{passage.text[:80]}"'
    for kind, count in tool.removed.items():
        yield (), f"hidden text was removed: {kind}, {count}"
