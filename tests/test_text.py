"""Text from outside: what cleaning takes out and counts, and the form in which quotes are compared."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from panel.text import clean, fold, sentences, words

INVISIBLE = (
    *range(0x00AD, 0x00AE), *range(0x034F, 0x0350), *range(0x061C, 0x061D), *range(0x115F, 0x1161),
    *range(0x17B4, 0x17B6), *range(0x180B, 0x1810), *range(0x200B, 0x2010), *range(0x202A, 0x202F),
    *range(0x2060, 0x2065), *range(0x2066, 0x2070), *range(0x3164, 0x3165), *range(0xFE00, 0xFE10),
    *range(0xFEFF, 0xFF00), *range(0xFFA0, 0xFFA1), *range(0xFFF9, 0xFFFC),
    *range(0xE0000, 0xE0080), *range(0xE0100, 0xE01F0),
)  # fmt: skip
"""The characters that leave no mark: Unicode's Default_Ignorable_Code_Point, and annotation marks."""

BREAKS = (0x0B, 0x0C, 0x0D, 0x85, 0x2028, 0x2029)
CONTROLS = tuple(code for code in (*range(0x20), *range(0x7F, 0xA0)) if code not in (0x09, 0x0A, *BREAKS))
SURROGATES = range(0xD800, 0xE000)
HIDDEN = frozenset(map(chr, (*INVISIBLE, *CONTROLS, *SURROGATES)))

SMUGGLED = st.text(st.sampled_from([*map(chr, INVISIBLE[::7]), *map(chr, CONTROLS[::5]), "\ud800", *"ab \n\t"]))
COMMENTED = st.lists(st.sampled_from(["<!--", "-->", "<!-", "<", "!--", "->", "--", ">", "a", "\u200b", " "])).map(
    "".join
)


def kept(codes: Iterable[int]) -> list[str]:
    """Return those characters, in hexadecimal, that cleaning leaves between two letters."""
    return [f"{code:04X}" for code in codes if clean(f"a{chr(code)}b").text != "ab"]


@pytest.mark.parametrize(
    ("raw", "text", "removed"),
    [
        pytest.param("plain", "plain", {}, id="nothing"),
        pytest.param("a\u200bb\u200c\u2060c", "abc", {"zero width": 3}, id="zero width"),
        pytest.param("soft\u00adhyphen", "softhyphen", {"zero width": 1}, id="soft hyphen"),
        pytest.param("\ufeffa", "a", {"zero width": 1}, id="byte order mark"),
        pytest.param("a\ufe0f", "a", {"zero width": 1}, id="variation selector"),
        pytest.param("a\U000e0101b", "ab", {"zero width": 1}, id="further variation selector"),
        pytest.param("\u3164a\u115f", "a", {"zero width": 2}, id="Hangul filler"),
        pytest.param("\u202eevil\u202c", "evil", {"bidi control": 2}, id="bidi override"),
        pytest.param("\u2066a\u2069\u200f", "a", {"bidi control": 3}, id="bidi isolate and mark"),
        pytest.param("a\U000e0041\U000e0042\U000e007f", "a", {"tag character": 3}, id="tags"),
        pytest.param("\x1b[31mred\x07", "[31mred", {"control": 2}, id="escape sequence"),
        pytest.param("a\x00b\x9bc", "abc", {"control": 2}, id="zero byte and C1"),
        pytest.param("a\ud800b", "ab", {"control": 1}, id="surrogate"),
        pytest.param("a<!-- hidden -->b", "ab", {"HTML comment": 1}, id="comment"),
        pytest.param("a<!-- one\n two -->b<!---->c", "abc", {"HTML comment": 2}, id="comments over lines"),
        pytest.param("a <!-- never closed", "a", {"HTML comment": 1}, id="open comment"),
        pytest.param("a<\u200b!-\u200b- x -->b", "ab", {"HTML comment": 1, "zero width": 2}, id="comment in disguise"),
        pytest.param("a --> b", "a --> b", {}, id="an arrow is no comment"),
        pytest.param("a\r\nb\rc\x0bd\x0ce\x85f\u2028g\u2029h", "a\nb\nc\nd\ne\nf\ng\nh", {}, id="line breaks"),
        pytest.param("a\tb", "a\tb", {}, id="tab"),
        pytest.param("  a \n", "a", {}, id="trimmed"),
        pytest.param("e\u0301", "\u00e9", {}, id="NFC"),
        pytest.param("ﬁ ①", "ﬁ ①", {}, id="not NFKC"),
        pytest.param("e\u200b\u0301", "\u00e9", {"zero width": 1}, id="composed when nothing is between"),
    ],
)
def test_clean(raw: str, text: str, removed: Mapping[str, int]) -> None:
    """Hidden characters and HTML comments are taken out and counted by kind; the rest stays, in NFC."""
    cleaned = clean(raw)

    assert (text, removed) == (cleaned.text, cleaned.removed)


@pytest.mark.parametrize(
    "codes",
    [
        pytest.param(INVISIBLE, id="invisible"),
        pytest.param(CONTROLS, id="controls"),
        pytest.param(SURROGATES, id="surrogates"),
        pytest.param(range(0x1BCA0, 0x1BCA4), id="shorthand format controls"),
        pytest.param(range(0x1D173, 0x1D17B), id="musical format controls"),
        pytest.param((0x2065, *range(0xFFF0, 0xFFF9)), id="unassigned and ignored"),
        pytest.param((*range(0xE0080, 0xE0100), *range(0xE01F0, 0xE1000)), id="unassigned beside the tags"),
    ],
)
def test_no_character_that_leaves_no_mark_is_kept(codes: Iterable[int]) -> None:
    """Every character that a reader can't see is taken out: text hides in none of them."""
    assert [] == kept(codes)


@pytest.mark.parametrize("code", BREAKS, ids=hex)
def test_a_line_break_of_any_kind_becomes_a_newline(code: int) -> None:
    """Every kind of line break is read as a newline and counts as nothing hidden."""
    cleaned = clean(f"a{chr(code)}b")

    assert ("a\nb", {}) == (cleaned.text, cleaned.removed)


def test_letters_of_all_scripts_stay() -> None:
    """Letters, signs and emoji of any script are no hidden characters."""
    text = "Größe, naïve, 模型, नमस्ते, שלום, مرحبا, ไทย, 🎉, ½ × 3 ≤ €5, “x” – y…"

    assert (unicodedata.normalize("NFC", text), {}) == (clean(text).text, clean(text).removed)


@given(SMUGGLED)
def test_every_hidden_character_is_counted(raw: str) -> None:
    """As many hidden characters are counted as there were, and none is left."""
    cleaned = clean(raw)

    assert sum(char in HIDDEN for char in raw) == sum(cleaned.removed.values())
    assert not HIDDEN & set(cleaned.text)


@example("<!-<!-- x -->- y -->")
@example("<<!---->!-- y")
@given(COMMENTED)
def test_no_comment_is_left(raw: str) -> None:
    """However comments are nested or cut up, what is left holds none."""
    assert "<!--" not in clean(raw).text


@example("<!-<!-- x -->- y -->")
@given(st.one_of(st.text(), SMUGGLED, COMMENTED))
def test_a_clean_text_is_clean(raw: str) -> None:
    """Cleaning a clean text takes nothing out of it and changes nothing."""
    text = clean(raw).text

    assert (text, {}) == (clean(text).text, clean(text).removed)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("“a” ‘b’ „c“ «d» ‚e‛", '"a" \'b\' "c" "d" \'e\'', id="quotes"),
        pytest.param("5′ 6″", "5' 6\"", id="primes"),
        pytest.param("a‐b‑c‒d–e—f―g−h﹘i﹣j－k", "a-b-c-d-e - f - g-h-i-j-k", id="dashes"),
        pytest.param("a \u00a0\u2009\u3000\n\t b", "a b", id="white space"),
        pytest.param("  a  ", "a", id="trimmed"),
        pytest.param("ﬁne ① Ｆｕｌｌ", "fine 1 Full", id="NFKC"),
        pytest.param("Ship IT iPhone", "Ship IT iPhone", id="case"),
        pytest.param("wait…", "wait...", id="ellipsis"),
    ],
)
def test_fold(text: str, expected: str) -> None:
    """Quotes, dashes, white space and compatible forms are folded to one; case is kept."""
    assert expected == fold(text)


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    """A folded text folds to itself."""
    assert fold(text) == fold(fold(text))


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E)))
def test_folding_leaves_plain_text_alone(text: str) -> None:
    """A text of printable ASCII without spaces, in whatever case, folds to itself."""
    assert text == fold(text)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        pytest.param("", 0, id="nothing"),
        pytest.param("one two  three", 3, id="words"),
        pytest.param("one — two - 3", 3, id="dashes are no words"),
        pytest.param("well-known, e.g. v2.1", 3, id="joined"),
        pytest.param("… !? *", 0, id="signs"),
        pytest.param("模型 x", 2, id="letters of any script"),
    ],
)
def test_words(text: str, count: int) -> None:
    """A word is a run without white space that holds a letter or a digit."""
    assert count == words(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("One. Two! Three?", ["One.", "Two!", "Three?"], id="ends"),
        pytest.param("Version 2.1 is out", ["Version 2.1 is out"], id="a point in a number"),
        pytest.param('He said "no." Then left.', ['He said "no.', "Then left."], id="quoted end"),
        pytest.param("One\n\nTwo", ["One", "Two"], id="lines"),
        pytest.param(" \n ", [], id="nothing"),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    """Sentences end at . ! ? before white space and at line breaks."""
    assert expected == sentences(text)


@given(st.text())
def test_sentences_lose_no_letter(text: str) -> None:
    """The sentences of a text hold all its letters and digits in their order, and none of them is empty."""
    found = sentences(text)

    assert [char for char in text if char.isalnum()] == [char for char in "".join(found) if char.isalnum()]
    assert all(found)
