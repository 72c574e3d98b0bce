"""Prose: what the gates look for in running text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from panel.text import fold, sentences

_WORD = re.compile(r"[^\W_]+(?:[.+#'&/_-]+[^\W_]+)*[+#]*")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_PART = re.compile(r"[-/]")
_ENDING = re.compile(r"'s?$|'(?:re|ve|d|ll|t|m)$")
_QUOTED = re.compile(r'"[^"]*"')
_EXCUSES = r"(?:if|would|could|until|before|unless|should)"
_COPIED_WORDS = 6
"""A run of this many words of a passage that addresses a model counts as repeating it."""


def claims_first_hand(text: str, phrases: Iterable[str]) -> str | None:
    """Return the phrase by which `text` claims to have used the tool, or None; a condition or a quote is no claim."""
    plain = _QUOTED.sub(" ", fold(text)).casefold()
    for phrase in (each for each in phrases if each in plain):
        for found in re.finditer(rf"\b{re.escape(phrase)}\b", plain):
            if not re.search(rf"\b{_EXCUSES}\s+(?:\w+\s+)?$", plain[max(0, found.start() - 60) : found.start()]):
                return phrase
    return None


def never_used(text: str, phrases: Iterable[str]) -> Iterator[str]:
    """Yield those of `phrases` that stand in `text`, in any case."""
    plain = fold(text).casefold()
    for phrase in phrases:
        sought = fold(phrase).casefold()
        if sought in plain and re.search(rf"(?<!\w){re.escape(sought)}(?!\w)", plain):
            yield phrase


def obeys(text: str, passages: Sequence[str]) -> str | None:
    """Return the passage that `text` repeats outside quotation marks, or None."""
    ours = _plain_words(_QUOTED.sub(" ", fold(text)))
    for passage in passages:
        theirs = _plain_words(passage)
        run = min(_COPIED_WORDS, len(theirs))
        if run >= 4 and _runs(theirs, run) & _runs(ours, run):
            return passage
    return None


def _plain_words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _runs(tokens: Sequence[str], length: int) -> set[tuple[str, ...]]:
    return {tuple(tokens[start : start + length]) for start in range(len(tokens) - length + 1)}


def names_and_numbers(text: str, common_words: frozenset[str]) -> Iterator[str]:
    """Yield the tokens of `text` that name or count something.

    A number is any run of digits. A name is a capitalised or mixed-case token that does not open a sentence
    and is not a common word.
    """
    for sentence in sentences(fold(text)):
        words = _WORD.findall(sentence)
        for place, word in enumerate(words):
            if not word.islower() and word not in common_words and _bare(word) not in common_words:
                yield from _names(word, common_words, opens=place == 0)
        for run in sentence.split():
            if (numbers := _NUMBER.findall(run)) and not common_words.intersection(_WORD.findall(run)):
                yield from numbers


def _names(word: str, common_words: frozenset[str], *, opens: bool) -> list[str]:
    """Return the parts of a word that are names; the first part of one that opens a sentence is none."""
    parts = _PART.split(_bare(word))[1 if opens else 0 :]
    return [part for part in parts if any(char.isupper() for char in part) and part not in common_words]


def _bare(word: str) -> str:
    return _ENDING.sub("", word) if "'" in word else word


def unknown_to(known: Iterable[str], tokens: Iterable[str]) -> Iterator[str]:
    """Yield, once each, the tokens that are in no text of `known`: numbers by their value, names in any case."""
    told = [_told(text) for text in known]
    for token in dict.fromkeys(tokens):
        is_number, name = _NUMBER.fullmatch(token), token.casefold().rstrip("s")
        if not any(_value(token) in numbers if is_number else name in named for numbers, named in told):
            yield token


@lru_cache(maxsize=128)
def _told(known: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the numbers and the names in a text; all takes on one tool are held against the same dossier."""
    plain = fold(known)
    named: set[str] = set()
    for word in _WORD.findall(plain.casefold()):
        named |= {part.rstrip("s") for part in (word, _bare(word), *_PART.split(word), *_PART.split(_bare(word)))}
    return frozenset(_value(found) for found in _NUMBER.findall(plain)), frozenset(named)


def _value(number: str) -> str:
    """Return a number without the separators between its thousands and without leading zeros."""
    plain = number.replace(",", "") if _THOUSANDS.fullmatch(number) else number
    return plain.lstrip("0") or "0" if plain.isdigit() else plain
