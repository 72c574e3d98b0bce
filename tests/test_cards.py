"""Cards: pictures of 1200 by 630 pixels, named by what they show, drawn once, and whole whatever a tool is called."""

from __future__ import annotations

import re
import struct
from xml.etree import ElementTree as ET

import pytest
from published import HOSTILE, SITE, URL, House, three

from panel.publish.cards import Card, has_letters, pair_card, tool_card
from panel.publish.sources import edition_of
from panel.tables import SiteSettings

SVG = "{http://www.w3.org/2000/svg}"
NAMES = {
    "hostile": HOSTILE,
    "one long word": "W" * 120,
    "many words": "word " * 23 + "end",
    "entities": "&lt;&#0;&amp;]]><![CDATA[",
    "right to left": "أداة للبناء مع اسم طويل جدا",
    "four bytes": "🦀" * 120,
    "control": "".join(map(chr, range(1, 32))) + "x",
    "spaces": "\u00a0\u2003\u3000x",
}


@pytest.fixture(autouse=True)
def _with_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cards are drawn on a machine without fonts too; they have no words there."""
    monkeypatch.setattr("panel.publish.build.has_letters", lambda: True)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the cards that were drawn."""
    found: list[str] = []
    draw = Card.drawn

    def counted(self: Card) -> bytes:
        found.append(self.path)
        return draw(self)

    monkeypatch.setattr(Card, "drawn", counted)
    return found


def cards(house: House) -> list[str]:
    """Return the cards of the site."""
    return [name for name in house.site() if name.startswith("cards/")]


def test_a_card_is_drawn_once(house: House, drawn: list[str]) -> None:
    """Cards are drawn by the first build; later ones draw those that show something else, and no other."""
    three(house).built()
    first = [*drawn]
    house.approved("alpha", by="Bo")
    house.built()
    assert (5, first) == (len({*first}), drawn)
    house.published("alpha", (10, 20, 30), category="Builders")
    house.built()

    assert (8, 5, 8) == (len(drawn), len(cards(house)), len({*drawn}))
    house.published("alpha", (75, 80, 90), category="Builders")
    house.built()
    assert sorted(first) == cards(house)


def test_a_card_is_named_by_what_it_shows(house: House) -> None:
    """Every page names its card, by an address that stands; the name follows from the picture alone."""
    three(house).built()
    named = {name: re.findall(r'og:image" content="([^"]+)"', house.text(name)) for name in house.pages()}
    pages = {name: found for name, found in named.items() if "-vs-alpha" not in name}

    assert sorted(f"{URL}/{card}" for card in cards(house)) == sorted(card for [card] in pages.values())
    assert Card("<svg/>").path == Card("<svg/>").path != Card("<svg />").path
    assert re.fullmatch(r"cards/[0-9a-f]{24}\.png", Card("x").path)


def test_a_card_that_is_there_is_not_drawn_by_another_page(house: House, drawn: list[str]) -> None:
    """A page that is rendered again for another reason leaves its card as it is."""
    three(house).built()
    stamps = {name: (house.out / name).stat().st_mtime_ns for name in cards(house)}
    count = len(drawn)
    (house.out / "tools/alpha/index.html").unlink()
    house.built()

    assert (count, stamps) == (len(drawn), {name: (house.out / name).stat().st_mtime_ns for name in cards(house)})


def test_without_an_address_no_card_is_drawn(house: House, drawn: list[str]) -> None:
    """A card is shown by its whole address; without one there is none."""
    done = three(house).built(SiteSettings())

    assert ([], [], False) == (drawn, cards(house), done.has_cards)
    assert "og:image" not in house.text("tools/alpha/index.html")


def test_without_a_font_no_card_is_drawn(house: House, drawn: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has no font draws no card without words, and the command says what to do."""
    monkeypatch.setattr("panel.publish.build.has_letters", lambda: False)
    printed = three(house).done("publish", "--workers", "1")

    assert ([], []) == (drawn, cards(house))
    assert "no cards: this machine has no font to draw words with; install one, such as fonts-dejavu-core" in printed
    assert "og:image" not in house.text("tools/alpha/index.html")


def test_a_font_is_found_by_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether there is a font is seen from a letter that leaves a mark."""
    has_letters.cache_clear()
    monkeypatch.setattr("resvg_py.svg_to_bytes", lambda svg_string: [1, 2, 3])

    assert not has_letters()
    has_letters.cache_clear()
    monkeypatch.setattr("resvg_py.svg_to_bytes", lambda svg_string: [len(svg_string)])
    assert has_letters()
    has_letters.cache_clear()


def test_a_card_is_a_picture_of_its_size(house: House) -> None:
    """Each card is a PNG of 1200 by 630 pixels, as its page says."""
    three(house).built()
    for name in cards(house):
        content = (house.out / name).read_bytes()

        assert (b"\x89PNG\r\n\x1a\n", b"IHDR") == (content[:8], content[12:16])
        assert (1200, 630) == struct.unpack(">II", content[16:24])
    assert 'og:image:width" content="1200"' in house.text("tools/alpha/index.html")
    assert 'og:image:height" content="630"' in house.text("tools/alpha/index.html")


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_card_is_whole_whatever_a_tool_is_called(house: House, name: str) -> None:
    """Names of any characters are text in a well-formed picture, on at most two lines that end within it."""
    house.published("alpha", name=name, tagline=name)
    house.published("beta", name=name)
    house.compared("alpha", "beta")
    edition = edition_of(house.project(), drafts=False)
    for card in (tool_card(edition.tools[0], name[:80]), pair_card(edition.pairs[0], name[:80])):
        root = ET.fromstring(card.svg)
        texts = [*root.iter(f"{SVG}text")]
        title = [text.text or "" for text in texts if text.get("font-size") == "72"]

        known = {f"{SVG}{tag}" for tag in ("svg", "rect", "text", "g", "circle", "path")}
        assert known >= {one.tag for one in root.iter()}
        assert not [one for one in root.iter() if [key for key in one.attrib if key.startswith("on") or "href" in key]]
        assert 1 <= len(title) <= 2
        assert all(len(line) <= 28 for line in title)
        assert card.drawn()


def test_a_card_says_the_verdict_in_words(house: House) -> None:
    """The card of a tool has its verdict and split, that of a comparison both, and the answer."""
    edition = edition_of(three(house).project(), drafts=False)
    tool, pair = tool_card(edition.tools[0], SITE.name), pair_card(edition.pairs[0], SITE.name)

    assert "Ship · 3 ship / 0 skip" in tool.svg
    for words in ("Pick Alpha.", "Alpha vs Beta", "Alpha: Ship 3–0", "Beta: Skip 0–3", "Reviewed 4 May 2026"):
        assert words in pair.svg


def test_a_draft_has_a_card_that_says_so(house: House) -> None:
    """The card of a draft is marked as one."""
    house.reviewed("alpha")
    [entry] = edition_of(house.project(), drafts=True).tools

    assert "a draft" in tool_card(entry, SITE.name).svg
