"""Prose: what the gates look for in running text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

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
    if not passages:
        return None
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


@dataclass(frozen=True)
class Told:
    """What a text names, in the form in which it is compared: numbers by their value, names in any case."""

    numbers: frozenset[str]
    names: frozenset[str]


def told(text: str) -> Told:
    """Return what a text names."""
    plain = fold(text)
    named: set[str] = set()
    for word in set(_WORD.findall(plain.casefold())):
        for form in {word, _bare(word)}:
            named |= {part.rstrip("s") for part in (form, *_PART.split(form))}
    return Told(frozenset(map(_value, _NUMBER.findall(plain))), frozenset(named))


def unknown_to(known: Sequence[Told], tokens: Iterable[str]) -> Iterator[str]:
    """Yield, once each, the tokens that nothing in `known` names."""
    for token in dict.fromkeys(tokens):
        is_number, name = _NUMBER.fullmatch(token), token.casefold().rstrip("s")
        if not any(_value(token) in each.numbers if is_number else name in each.names for each in known):
            yield token


def _value(number: str) -> str:
    """Return a number without the separators between its thousands and without leading zeros."""
    plain = number.replace(",", "") if _THOUSANDS.fullmatch(number) else number
    return plain.lstrip("0") or "0" if plain.isdigit() else plain
