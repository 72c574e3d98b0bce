"""Text from outside: cleaning what comes in, folding what is compared, counting words."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping

from panel.record import Record

MOST_NESTED = 20
"""So often comments are taken out of what other comments left."""

LONGEST_ABBREVIATION = 8
"""So far back an abbreviation is looked for."""

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_HIDDEN: Mapping[str, re.Pattern[str]] = {
    "bidi control": re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"),
    "tag character": re.compile("[\U000e0000-\U000e007f]"),
    "zero width": re.compile(
        "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164"
        "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0080-\U000e0fff]"
    ),
    "control": re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]"),
}
_ABBREVIATED = re.compile(r"\b(?:e\.g|i\.e|vs|cf|etc|approx|resp|incl)\.\Z", re.IGNORECASE)
_QUOTES = str.maketrans("\u2018\u2019\u201a\u201b\u2032\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", "'''''" + '"' * 7)
_DASHES = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
_LONG_DASHES = re.compile("[\u2014\u2015]")
"""These stand between words, with or without spaces around them."""

_SPACE = re.compile(r"\s+")


class Cleaned(Record):
    """A text made safe to show and to compare, with what was taken out of it."""

    text: str
    """The text: NFC, line breaks as newlines, nothing hidden in it."""

    removed: Mapping[str, int]
    """How many of each kind of hidden thing were taken out."""


def clean(raw: str) -> Cleaned:
    """Return `raw` in NFC without control, zero-width, bidi and tag characters and without HTML comments.

    Escape sequences lose their escape character, so no text can steer a terminal.
    """
    if raw.isascii() and raw.replace("\n", "").isprintable() and "<!--" not in raw:
        return Cleaned(text=raw.strip(), removed={})
    removed: Counter[str] = Counter()
    text = _BREAKS.sub("\n", raw)
    for kind, pattern in _HIDDEN.items():
        text, count = pattern.subn("", text)
        removed[kind] += count
    for _ in range(MOST_NESTED):  # a comment that is taken out can close one around it
        text, count = _COMMENT.subn("", text)
        removed["HTML comment"] += count
        if not count:
            break
    text = text.replace("<!--", "< !--")
    text = unicodedata.normalize("NFC", text)
    return Cleaned(text=text.strip(), removed={kind: count for kind, count in sorted(removed.items()) if count})


def fold(text: str) -> str:
    """Return the form in which quotes are compared: NFKC, plain quotes and dashes, single spaces; case is kept."""
    if text.isascii():
        return " ".join(text.split())
    plain = unicodedata.normalize("NFKC", _LONG_DASHES.sub(" - ", text.translate(_QUOTES)))
    return _SPACE.sub(" ", _DASHES.sub("-", plain.translate(_QUOTES))).strip()


def words(text: str) -> int:
    """Return the number of words: runs without white space that hold a letter or a digit."""
    return sum(run.isalnum() or any(map(str.isalnum, run)) for run in text.split())


def sentences(text: str, *, over_lines: bool = False) -> list[str]:
    """Return the sentences of `text`, trimmed: split after . ! ? but not after an abbreviation, and at line breaks.

    With `over_lines` a sentence goes on over a single line break, as in text that was wrapped by hand.
    """
    found, start = [], 0
    breaks = r"\n\s*\n" if over_lines else r"\n+"
    for boundary in re.finditer(rf"(?<=[.!?])[\"')\]]*\s+|{breaks}|\Z", text):
        if (
            boundary[0]
            and "\n" not in boundary[0]
            and _ABBREVIATED.search(text[max(start, boundary.start() - LONGEST_ABBREVIATION) : boundary.start()])
        ):
            continue
        found.append(text[start : boundary.start()].strip())
        start = boundary.end()
    return [sentence for sentence in found if sentence]


def writable(text: str) -> str:
    """Return `text` with a replacement character for each half of a surrogate pair, which UTF-8 can't write."""
    return re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", text)
