"""The page of one review as Markdown: `review.md`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from functools import cache, lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from panel.comparison import Comparison, Fact
from panel.review import Review, Seat
from panel.take import Evidence, Rated
from panel.verdict import Verdict

_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_ACTIVE = re.compile(r"[\\`*\[\]|~]|(?<![^\W_])_|_(?![^\W_])|^[-+=]|(?<![^\s#])#")
_NUMBERED = re.compile(r"^(\d+)([.)])(?=\s|$)")
_LINKED = re.compile(r"(?<=:)//|(?<=\bwww)\.|(?<=\w)@(?=\w)", re.IGNORECASE)


def page(review: Review) -> str:
    """Return the review as Markdown for people; what others wrote is put in as text that can't become markup."""
    tool, seats = review.tool, review.seats
    return (
        _templates()
        .get_template("review.md.j2")
        .render(
            review=review,
            tool=tool,
            verdict=review.verdict,
            lines=verdict_lines(review),
            heard=[seat for seat in seats if seat.take],
            silent=[seat for seat in seats if not seat.take],
            quotes={seat.persona: {quote.id: quote for quote in seat.take.evidence} for seat in seats if seat.take},
            models=sorted({ask.answered_by for seat in seats for ask in seat.asks}),
            recorded=sorted({ask.recorded_at[:10] for seat in seats for ask in seat.asks}),
        )
    )


def comparison_page(record: Comparison) -> str:
    """Return the comparison as Markdown for people; every persona is named as text beside its take."""
    return (
        _templates()
        .get_template("comparison.md.j2")
        .render(
            record=record,
            sides=record.sides,
            heading=answer_line(record),
        )
    )


def answer_line(record: Comparison) -> str:
    """Return the answer in one sentence."""
    names = {side.slug: side.name for side in record.sides}
    match record.answer.kind:
        case "pick":
            winner = names[record.answer.winner or ""]
            return f"Pick {winner}." if record.answer.substitutes else f"{winner} scores higher."
        case "neither":
            return "Neither."
        case "too close":
            return "Too close to call."
    return "Not comparable yet."


def a_kind(kind: str) -> str:
    """Return a kind of tool with its article: `an app`, `a model`, `another kind of thing`."""
    if kind == "other":
        return "another kind of thing"
    name = {"api": "API"}.get(kind, kind)
    return f"{'an' if name[0] in 'aA' else 'a'} {name}"


def sentence(text: str) -> str:
    """Return a text as a sentence: its first letter large, a full stop at the end."""
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "!", "?")) else ".")


def fact(fact: Fact) -> str:
    """Return a cell of the decision table: the fact, what goes with it, and whose words it is."""
    more = [f"({plain(fact.note)})"] if fact.note else []
    more += [f"– {plain(fact.persona)}"] if fact.persona else []
    return " ".join([plain(fact.text), *more])


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - the page is Markdown; `plain` makes every text inert
    )
    own = {"plain": plain, "rating": rating, "cited": cited}
    environment.filters |= own | {"fact": fact, "sentence": sentence, "a_kind": a_kind}
    return environment


def plain(text: object) -> str:
    """Return `text` as Markdown that shows it and does nothing else; on one line.

    Addresses in it do not become links either, where a reader of Markdown would make them so.
    """
    return _plain(str(text))


@lru_cache(maxsize=4_096)
def _plain(text: str) -> str:
    """Return it, once for all pages that show the same text: a take is on one page, and in each of its comparisons."""
    escaped = _ACTIVE.sub(r"\\\g<0>", " ".join(text.split()).translate(_ENTITIES))
    numbered = _NUMBERED.sub(r"\1\\\2", escaped)
    return _LINKED.sub(lambda found: "".join(f"&#{ord(char)};" for char in found[0]), numbered)


def rating(rated: Rated) -> str:
    """Return a rating as people read it: `3`, `2 (gave 4)`, `2.7`, `not told`."""
    if rated.rating is None:
        return "not told"
    counted = decimal(rated.rating)
    return f"{counted} (gave {decimal(rated.given)})" if rated.capped and rated.given is not None else counted


def decimal(value: Fraction) -> str:
    """Return a fraction with at most one decimal."""
    return f"{float(value):.1f}".removesuffix(".0")


def cited(ids: Iterable[str], quotes: dict[str, Evidence]) -> str:
    """Return quotes with their sources, one after another."""
    found = (quotes[id] for id in ids if id in quotes)
    return " · ".join(f"“{plain(quote.quote)}” ({plain(quote.source)})" for quote in found)


def verdict_lines(review: Review) -> list[str]:
    """Return the verdict in two or three lines, always with its split and its number."""
    verdict, seats = review.verdict, review.seats
    lines = [headline(verdict, seats)]
    if verdict.score is not None and verdict.range:
        low, high = verdict.range
        facts = [f"panel score {verdict.score:g}", f"range {low}-{high}"]
        if verdict.margin is not None:
            facts.append(
                f"{verdict.margin} flipped {'vote' if verdict.margin == 1 else 'votes'} would change the label"
            )
        names = {seat.persona: seat.name for seat in seats}
        facts += [f"swing seat {names.get(verdict.swing, verdict.swing)}"] if verdict.swing else []
        facts += [verdict.agreement] if verdict.agreement else []
        lines.append(" · ".join(facts))
    if verdict.provisional:
        lines.append("Provisional: a seat that failed could still change the label.")
    return lines


def headline(verdict: Verdict, seats: Iterable[Seat]) -> str:
    """Return the label with its split: `Ship · 3 ship / 1 skip · 75% panel ship · 4 of 4 heard, 1 not invited`."""
    uninvited = sum(seat.status == "unseated" for seat in seats)
    parts = [verdict.label, f"{verdict.ship} ship / {verdict.skip} skip"]
    parts += [f"{verdict.percent}% panel ship"] if verdict.percent is not None else []
    heard = f"{verdict.heard} of {verdict.invited} heard"
    return " · ".join([*parts, f"{heard}, {uninvited} not invited" if uninvited else heard])
