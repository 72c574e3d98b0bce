"""Cards: the pictures that others show beside a link. A card is named by its content and drawn once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import resvg_py

from panel.publish.entries import PairEntry, ToolEntry
from panel.publish.render import day, svg

WIDEST = 26
"""Characters of a line of the title."""

_COLOURS = {"Ship": "#08634a", "Mixed": "#755000", "Skip": "#96203a"}


@dataclass(frozen=True)
class Card:
    """A picture of 1200 by 630 pixels before it is drawn."""

    svg: str

    @property
    def path(self) -> str:
        """Where it belongs, from the root of the site."""
        return f"cards/{hashlib.sha256(self.svg.encode()).hexdigest()[:24]}.png"

    def drawn(self) -> bytes:
        """Return the picture as PNG."""
        return bytes(resvg_py.svg_to_bytes(svg_string=self.svg))


@cache
def has_letters() -> bool:
    """Return whether this machine has a font: without one a card would show no words."""
    empty, lettered = (
        bytes(resvg_py.svg_to_bytes(svg_string=f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{text}</svg>'))
        for size, text in (('width="40" height="40"', ""), ('width="40" height="40"', '<text y="30">M</text>'))
    )
    return empty != lettered


def tool_card(entry: ToolEntry, site: str) -> Card:
    """Return the card of a tool."""
    return _card(f"{site}: what the panel says", entry.name, [(entry.label, f"{entry.label} · {entry.split}")], entry)


def pair_card(entry: PairEntry, site: str) -> Card:
    """Return the card of a comparison."""
    verdicts = [
        (verdict.split(" ")[0], f"{_short(name)}: {verdict}")
        for name, verdict in zip(entry.names, entry.verdicts, strict=True)
    ]
    return _card(f"{site}: {entry.answer}", entry.title, verdicts, entry)


def _card(kicker: str, title: str, verdicts: Sequence[tuple[str, str]], entry: ToolEntry | PairEntry) -> Card:
    told = [{"text": _short(text, 48), "colour": _COLOURS.get(label, "#51565f")} for label, text in verdicts]
    foot = f"Reviewed {day(entry.updated)}" if entry.updated else "Not reviewed yet"
    draft = ", a draft" if entry.is_draft else ""
    context = {"kicker": _short(kicker, 60), "lines": _lines(title), "verdicts": told, "foot": f"{foot}{draft}"}
    return Card(svg("card.svg.j2", context))


def _short(text: str, most: int = 32) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def _lines(title: str) -> list[str]:
    """Return a title on at most two lines."""
    lines = [""]
    for word in title.split():
        if lines[-1] and len(lines[-1]) + len(word) >= WIDEST:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    if len(lines) > 2:
        lines = [lines[0], f"{lines[1]} …"]
    return [_short(line, WIDEST + 2) for line in lines]
