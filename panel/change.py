"""A change between two records of one tool: what it means first, then the words."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from panel.files import readable
from panel.markdown import decimal
from panel.record import Record
from panel.review import Review, Seat
from panel.take import Rated, Take
from panel.verdict import Verdict

ALIKE = 0.5
"""Texts that share less than this of their words read better one after the other."""

MOST_WORDS = 500
"""Longer texts stand one after the other too: comparing word by word can take the cube of their length."""


@dataclass(frozen=True)
class Span:
    """A run of words that stayed, went or came."""

    kind: Literal["same", "gone", "new"]
    text: str


@dataclass(frozen=True)
class SeatChange:
    """One seat, before and after; None where it was not at the table."""

    before: Seat | None
    after: Seat | None

    @property
    def seat(self) -> Seat:
        """The seat as it is now, or as it was where it left."""
        seat = self.after or self.before
        assert seat
        return seat

    @property
    def is_flipped(self) -> bool:
        """True where both votes are there and differ."""
        old, new = _take(self.before), _take(self.after)
        return bool(old and new and old.vote != new.vote)

    @property
    def is_telling(self) -> bool:
        """True where the vote flipped, or where there was or is no take and the seat stands otherwise."""
        has_both = _take(self.before) and _take(self.after)
        return self.is_flipped if has_both else standing(self.before) != standing(self.after)

    @property
    def meaning(self) -> str:
        """What changed, in words: `Founder flipped 64 to 58: criterion moat 3 to 2`."""
        old, new = _take(self.before), _take(self.after)
        if self.is_telling and not (old and new):
            return f"{self.seat.name} {standing(self.before)} to {standing(self.after)}"
        reasons = ", ".join(self._reasons()) or f"other {', '.join(self._other_parts())}"
        if not old or not new or (old.score == new.score and not self.is_flipped):
            return f"{self.seat.name} still {standing(self.after)}: {reasons}"
        how = "flipped" if self.is_flipped else "moved"
        return f"{self.seat.name} {how} {old.score} to {new.score}: {reasons}"

    def _reasons(self) -> Iterator[str]:
        """Yield what scores and votes follow from."""
        old, new = _take(self.before), _take(self.after)
        if old and new:
            yield from ratings(old, new)
        if self.before and self.after and self.before.threshold != self.after.threshold:
            yield f"threshold {self.before.threshold} to {self.after.threshold}"

    def _other_parts(self) -> list[str]:
        """Return what else differs: parts of the take, what the seat was asked with, its asks."""
        old, new = _take(self.before), _take(self.after)
        parts = [*_parts_of_takes(old, new)] if old and new else []
        return parts + [name for key, name in _BESIDE.items() if getattr(self.before, key) != getattr(self.after, key)]


_BESIDE = {
    "name": "name",
    "persona_digest": "persona",
    "prompt_digest": "prompts",
    "seen": "dossier",
    "reason": "reason",
    "asks": "asks",
}
"""What a seat holds beside its take, and the name for it."""


def _take(seat: Seat | None) -> Take | None:
    return seat.take if seat else None


def standing(seat: Seat | None) -> str:
    """Return what a seat comes to: `64 ship`, `abstained (reason)`, `not invited (reason)`, `not at the table`."""
    if seat is None:
        return "not at the table"
    if seat.take:
        return f"{seat.take.score} {seat.take.vote}"
    return f"{seat.absence or 'not invited'} ({seat.reason})"


def ratings(old: Take, new: Take) -> Iterator[str]:
    """Yield each criterion that is rated or weighed otherwise: `criterion moat 3 to 2`."""
    before, after = ({rated.criterion: rated for rated in take.ratings} for take in (old, new))
    for criterion in dict.fromkeys([*before, *after]):
        was, now = before.get(criterion), after.get(criterion)
        if was and now and was.weight != now.weight:
            yield f"criterion {criterion} weighs {was.weight} to {now.weight}"
        if _rating(was) != _rating(now):
            yield f"criterion {criterion} {_rating(was)} to {_rating(now)}"


def _rating(rated: Rated | None) -> str:
    if rated is None:
        return "absent"
    return f"{'not told' if rated.rating is None else decimal(rated.rating)}{' (capped)' if rated.capped else ''}"


def _parts_of_takes(old: Take, new: Take) -> Iterator[str]:
    yield from (name for name, text in new.prose.items() if old.prose.get(name) != text)
    if _unworded(old.ratings) != _unworded(new.ratings):
        yield "ratings"
    for name in ("score", "vote", "evidence", "outside", "flags", "samples", "spread", "retakes"):
        if getattr(old, name) != getattr(new, name):
            yield name
    if new.edited_by != old.edited_by:
        yield f"edited by {new.edited_by or 'nobody'}"


def _unworded(ratings: Sequence[Rated]) -> Sequence[Rated]:
    """Return ratings without their reasons, which are prose."""
    return [rated.model_copy(update={"why": ""}) for rated in ratings]


def seat_changes(before: Review, after: Review) -> list[SeatChange]:
    """Return the seats that differ, in the order of the table now, those that left at the end."""
    old, new = ({seat.persona: seat for seat in review.seats} for review in (before, after))
    pairs = [SeatChange(old.get(id), new.get(id)) for id in dict.fromkeys([*new, *old])]
    return [pair for pair in pairs if pair.before != pair.after]


def split(verdict: Verdict) -> str:
    """Return the label with its votes: `Mixed 2-2`."""
    return f"{verdict.label} {verdict.ship}-{verdict.skip}"


def meanings(before: Review, after: Review) -> list[str]:
    """Return what changed, the verdict and the flipped votes first; nothing where the records are the same."""
    if before == after:
        return []
    changes = seat_changes(before, after)
    telling = [change for change in changes if change.is_telling]
    lines = [*_of_verdict(before.verdict, after.verdict, telling or changes, is_telling=bool(telling))]
    lines += [change.meaning for change in changes if not change.is_telling]
    lines += _beside_seats(before, after)
    return [f"{after.tool.name}: {line}" for line in lines or _rest(before, after)]


_ORDER = "the seats are in another order, or one of them is there twice"


def _of_verdict(was: Verdict, now: Verdict, why: Sequence[SeatChange], *, is_telling: bool) -> Iterator[str]:
    because = "; ".join(change.meaning for change in why)
    if was.label != now.label:
        yield f"{was.label} to {now.label}" + (f" because {because}" if because else "")
    elif is_telling:
        yield f"stays {split(now)}; {because}"


def _beside_seats(before: Review, after: Review) -> Iterator[str]:
    if fields := _unlike(before.tool, after.tool):
        yield f"the dossier changed: {', '.join(fields)}"
    if before.rules != after.rules:
        yield f"the rules changed: {before.rules} to {after.rules}"


def _rest(before: Review, after: Review) -> list[str]:
    """Return what differs where no seat and no dossier does."""
    parts = _unlike(before.verdict, after.verdict)
    return [f"{', '.join(parts)} of the verdict changed" if parts else _ORDER]


def _unlike(one: Record, other: Record) -> list[str]:
    return [key for key in type(one).model_fields if getattr(one, key) != getattr(other, key)]


def lines_changed(before: Review, after: Review, most: int) -> list[str]:
    """Return the changed lines of the two records as they stand in files, each with its sign; at most `most`."""
    old, new = (readable(review.as_json()).decode().splitlines() for review in (before, after))
    changed = [line for line in difflib.unified_diff(old, new, n=1, lineterm="") if not line.startswith(("---", "+++"))]
    return changed if len(changed) <= most else [*changed[:most], f"… and {len(changed) - most} more lines"]


def words_changed(before: str, after: str) -> list[Span]:
    """Return both texts as one, in runs of words that stayed, went or came; texts that share little one by one."""
    old, new = (re.findall(r"\s*\S+", text) for text in (before, after))
    if max(len(old), len(new)) > MOST_WORDS:
        return [Span("gone", before), Span("new", after)]
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    if matcher.ratio() < ALIKE:
        return [Span("gone", before), Span("new", after)]
    spans = []
    for kind, start, end, new_start, new_end in matcher.get_opcodes():
        if kind == "equal":
            spans.append(Span("same", "".join(old[start:end])))
            continue
        spans += [Span("gone", "".join(old[start:end]))] if end > start else []
        spans += [Span("new", "".join(new[new_start:new_end]))] if new_end > new_start else []
    return spans


def prose_changed(old: Take | None, new: Take | None) -> Mapping[str, list[Span]]:
    """Return the texts that differ, by what they are called, each in runs of words."""
    before, after = (take.prose if take else {} for take in (old, new))
    names = dict.fromkeys([*after, *before])
    pairs = {name: (before.get(name, ""), after.get(name, "")) for name in names}
    return {name: words_changed(*pair) for name, pair in pairs.items() if pair[0] != pair[1]}
