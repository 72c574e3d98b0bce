"""Passages that address a model: sentences in a dossier that speak to its reader instead of describing a tool.

Finding them is a net with holes (no list of patterns stops a determined writer). It is here so that an editor
sees them, and so that they can't serve as evidence; what contains an injection is the schema, the score that code
computes and the verdict that one vote can't turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from panel.record import Record
from panel.shapes import ENGLISH, LOOKALIKES, MENTIONED, STEMS, TELLING_STEMS, TRIGGERS, TURNED, WORDS
from panel.text import fold, sentences


def _compiled() -> re.Pattern[str]:
    whole = "|".join(f"(?:{pattern})" for pattern in ENGLISH)
    for name, words in WORDS.items():
        whole = whole.replace(f"{{{name}}}", words)
    return re.compile(whole.replace(" ", r"\s"), re.IGNORECASE | re.MULTILINE | re.DOTALL)


_ADDRESSES = _compiled()
_TRIGGERS = re.compile(TRIGGERS, re.IGNORECASE)
_TURNED = re.compile(rf"\b(?:{TURNED})\b", re.IGNORECASE)
_MENTIONED = re.compile(MENTIONED, re.IGNORECASE)
_LONGEST = 400


class Passage(Record):
    """One sentence of a dossier that addresses a model."""

    field: str
    """Where it stands: a key of the dossier or the id of a source."""

    text: str
    """The sentence, folded, its first 400 characters."""


@lru_cache(maxsize=512)
def addressing(text: str) -> tuple[tuple[int, int], ...]:
    """Return where in the folded form of `text` the sentences that address a model begin and end."""
    whole, places, start = fold(text), [], 0
    for sentence in _addressing(text):
        start = whole.find(sentence, start)
        places.append((start, start + len(sentence)))
        start += len(sentence)
    return tuple(places)


def addressed(field: str, text: str) -> list[Passage]:
    """Return the sentences of one field that address a model, in the order of the text."""
    return [Passage(field=field, text=sentence[:_LONGEST]) for sentence in _addressing(text)]


def _addressing(text: str) -> Iterator[str]:
    """Yield the sentences that address a model, folded; of one over several lines only those that do by themselves."""
    for sentence in sentences(text, over_lines=True):
        lines = [fold(line) for line in sentence.split("\n")]
        telling = [line for line in lines if _speaks(line)]
        if not telling and _speaks("\n".join(lines)):
            telling = [fold(sentence)]
        yield from telling


@lru_cache(maxsize=20_000)
def _speaks(text: str) -> bool:
    """Return whether a text speaks to a reviewer: in English, however spelt or turned round, or in another language."""
    text = _MENTIONED.sub(" ", text)
    spellings = {text, text.translate(LOOKALIKES), *([text[::-1]] if _TURNED.search(text) else [])}
    if any(_orders(spelling) for spelling in spellings):
        return True
    plain = text.casefold()
    return any(sum(stem in plain for stem in stems) >= TELLING_STEMS for stems in STEMS.values())


def _orders(text: str) -> bool:
    return bool(_TRIGGERS.search(text) and _ADDRESSES.search(text))
