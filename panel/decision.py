"""The decision table: what a reader who must choose asks of both tools, row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from panel.community import Community
from panel.comparison import Decision, Fact, Side
from panel.review import Review
from panel.tool import Entry

ENTRIES: dict[Entry, str] = {
    "free": "Free",
    "open_source": "Open source",
    "freemium": "Free to start",
    "trial": "Free trial",
    "usage": "Pay as you use",
    "paid": "Paid",
    "contact": "Ask the maker",
    "unknown": "Not stated",
}
"""How one gets in, as people read it."""


def decision(sides: tuple[Side, Side], first: Review, second: Review) -> Iterator[Decision]:
    """Yield the rows of the decision table."""
    rows: Mapping[str, tuple[str, Callable[[Side], Fact] | None]] = {
        "verdict": ("Panel verdict", _verdict),
        "community": ("Community", _community),
        "pricing": ("Pricing", _pricing),
        "license": ("License", _license),
        "best_for": ("Best for", None),
        "not_for": ("Not for", None),
        "category": ("Category", lambda side: Fact(text=side.category)),
        "kind": ("Kind", lambda side: Fact(text=side.kind.capitalize())),
        "released": ("Released", lambda side: Fact(text=f"{side.released}" if side.released else "Not stated")),
        "evidence": ("Evidence", _evidence),
    }
    for key, (label, fact) in rows.items():
        facts = (fact(sides[0]), fact(sides[1])) if fact else (_said(first, key), _said(second, key))
        yield Decision(key=key, label=label, facts=facts)


def _verdict(side: Side) -> Fact:
    verdict = side.verdict
    score = f"panel score {verdict.score:g}, " if verdict.score is not None else ""
    note = f"{score}{verdict.heard} of {verdict.invited} heard{', provisional' if verdict.provisional else ''}"
    return Fact(text=f"{verdict.label} · {verdict.ship} ship / {verdict.skip} skip", note=note)


def _community(side: Side) -> Fact:
    return Fact(text=side.community.told if side.community else Community().told)


def _pricing(side: Side) -> Fact:
    price = side.pricing
    note = [price.text] if price.text != "not stated" else []
    note += [f"from {price.from_:f} {price.currency or ''}".rstrip()] if price.from_ is not None else []
    note += [f"checked on {price.checked_on}"] if price.checked_on else []
    return Fact(text=ENTRIES[price.entry], note=" · ".join(note) or None)


def _license(side: Side) -> Fact:
    return Fact(text="Not stated" if side.license == "not stated" else side.license)


def _evidence(side: Side) -> Fact:
    count = len(side.sources)
    text = f"{count} {'source' if count == 1 else 'sources'}" if count else "The maker's own account alone"
    return Fact(text=text, note=f"{side.independent or 'none'} independent" if count else None)


def _said(review: Review, key: str) -> Fact:
    """Return whom a tool suits in the words of its highest seat, or whom it does not in those of its lowest."""
    heard = [(seat.take, seat.name) for seat in review.seats if seat.take]
    if not heard:
        return Fact(text="Nobody was heard")
    choose = max if key == "best_for" else min
    take, name = choose(heard, key=lambda pair: pair[0].score)
    return Fact(text=take.best_for if key == "best_for" else take.not_for, persona=name)
