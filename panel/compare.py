"""Compare: two reviews become a comparison. Pure code; both orders give the same record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from panel.community import Community
from panel.comparison import Answer, AnswerKind, Approved, Cell, Citation, Comparison, Difference, Happening, Row, Side
from panel.decision import decision
from panel.moderation import Moderation
from panel.record import digest
from panel.review import Review, Seat
from panel.take import Take, halves_up
from panel.verdict import QUORUM, Label, trimmed

CLEAR = 6
"""Points by which the trimmed means must differ for a pick."""

MAJORITY = Fraction(2, 3)
"""The share of the common seats that must score the winner higher."""

RANK: dict[Label, int] = {"Skip": 0, "Mixed": 1, "Ship": 2}
"""Labels from the worst to the best; No verdict has no rank."""


@dataclass(frozen=True)
class Sided:
    """A review with what was done about it: one side of a comparison before it is one."""

    review: Review
    community: Community | None = None
    approval: Approved | None = None
    history: Sequence[Happening] = ()


def comparison(one: Sided, other: Sided, moderation: Moderation | None = None) -> Comparison:
    """Return the comparison of two reviews of different tools; their order has no influence."""
    pair = sorted((one, other), key=lambda sided: sided.review.tool.slug)
    first, second = (sided.review for sided in pair)
    sides = (_side(pair[0]), _side(pair[1]))
    return Comparison(
        sides=sides,
        answer=answer(first, second),
        differences=tuple(differences(first, second)),
        decision=tuple(decision(sides, first, second)),
        scorecard=tuple(scorecard(first, second)),
        moderation=moderation,
    )


def _side(sided: Sided) -> Side:
    review, tool = sided.review, sided.review.tool
    asks = [ask for seat in review.seats for ask in seat.asks]
    times = sorted(ask.recorded_at for ask in asks)
    told = ("slug", "name", "version", "maker", "category", "kind", "tagline", "description", "license")
    return Side(
        **{name: getattr(tool, name) for name in (*told, "pricing", "links", "released")},
        sources=tuple(map(Citation.of, tool.sources)),
        addressed=len(tool.addressed),
        review=digest(review),
        rules=review.rules,
        verdict=review.verdict,
        models=tuple(sorted({ask.answered_by for ask in asks})),
        recorded=(times[0], times[-1]) if times else None,
        community=sided.community,
        approval=sided.approval,
        history=tuple(sided.history),
    )


def _heard(review: Review) -> dict[str, Take]:
    return {seat.persona: seat.take for seat in review.seats if seat.take}


def answer(first: Review, second: Review) -> Answer:
    """Return which tool to take, over the seats heard on both sides.

    A pick needs trimmed means that differ by 6 or more, two thirds of these seats on its side, and a label that is
    Ship or Mixed and not below the other one's.
    """
    takes = _heard(first), _heard(second)
    common = [id for id in takes[0] if id in takes[1]]
    scores = [[take[id].score for id in common] for take in takes]
    higher = sum(a > b for a, b in zip(*scores, strict=True)), sum(b > a for a, b in zip(*scores, strict=True))
    means = None if len(common) < QUORUM else (trimmed(scores[0]), trimmed(scores[1]))
    kind, winner, why = _answered(first, second, higher, len(common), means)
    return Answer(
        kind=kind,
        winner=winner,
        why=why,
        common=tuple(common),
        scores=means and (_decimal(means[0]), _decimal(means[1])),
        higher=higher,
        substitutes=first.tool.kind == second.tool.kind,
    )


def _decimal(mean: Fraction) -> float:
    return halves_up(10 * mean) / 10


def _answered(
    first: Review, second: Review, higher: tuple[int, int], common: int, means: tuple[Fraction, Fraction] | None
) -> tuple[AnswerKind, str | None, str]:
    """Return the kind of answer, the winner, and why."""
    problem = _no_ground(first) or _no_ground(second)
    if problem or means is None:
        few = f"heard on both tools: {common} of the critics, and an answer needs {QUORUM}"
        return "not comparable", None, problem or few
    if first.verdict.label == second.verdict.label == "Skip":
        return "neither", None, "the panel skips both"
    best = 0 if means[0] >= means[1] else 1
    ahead = _Ahead((first, second)[best], (second, first)[best], higher[best], common, abs(means[0] - means[1]))
    problem = ahead.problem
    return ("too close", None, problem) if problem else ("pick", ahead.review.tool.slug, ahead.told)


@dataclass(frozen=True)
class _Ahead:
    """The tool with the higher mean, and how far it is ahead."""

    review: Review
    other: Review
    higher: int
    common: int
    gap: Fraction

    @property
    def told(self) -> str:
        """What it is ahead by, in words."""
        count = f"all {self.common}" if self.higher == self.common else f"{self.higher} of the {self.common}"
        mean = "in the mean without the highest and the lowest score" if self.common > QUORUM else "in the mean"
        return f"{count} critics heard on both score {self.review.tool.name} higher, {_points(self.gap)} {mean}"

    @property
    def problem(self) -> str | None:
        """Why that is not enough for a pick, or None where it is."""
        label = self.review.verdict.label
        if self.gap < CLEAR:
            both = f"over the {self.common} critics heard on both the two are {_points(self.gap)}"
            return f"{both}, and a pick needs {CLEAR}"
        if Fraction(self.higher, self.common) < MAJORITY:
            return f"{self.told}; a pick needs two thirds of them"
        if RANK[label] < max(1, RANK[self.other.verdict.label]):
            return f"{self.told}, but its verdict is {label}"
        return None


def _points(gap: Fraction) -> str:
    """Return how far two means are apart, cut after the first decimal, so that it never says more than there is."""
    tenths = 10 * gap.numerator // gap.denominator
    return f"{tenths / 10:g} {'point' if tenths == 10 else 'points'} apart"


def _no_ground(review: Review) -> str | None:
    """Return why a review is no ground for an answer, or None where it is."""
    name, verdict = review.tool.name, review.verdict
    if verdict.label == "No verdict":
        heard = f"of {verdict.invited} asked {verdict.heard} could be heard"
        return f"{name} has no verdict: it takes {QUORUM} critics, and {heard}"
    if verdict.provisional:
        return f"the verdict on {name} is provisional: a critic that failed could still change it"
    return None


def differences(first: Review, second: Review) -> Iterator[Difference]:
    """Yield where two reviews were not made alike: personas, prompts, rules, models, who is on the panel."""
    if first.rules != second.rules:
        yield Difference(
            kind="rules", persona=None, text=f"rules {first.rules} on one side, {second.rules} on the other"
        )
    names = first.tool.name, second.tool.name
    for name, review, other in zip(names, (first, second), (second, first), strict=True):
        for seat in review.seats:
            if other.seat(seat.persona) is None:
                text = f"{seat.name} was on the panel for {name} alone"
                yield Difference(kind="panel", persona=seat.persona, text=text)
    for seat in first.seats:
        twin = second.seat(seat.persona)
        if seat.asks and twin and twin.asks:
            yield from _unlike(seat, twin, names)


def _unlike(seat: Seat, twin: Seat, names: tuple[str, str]) -> Iterator[Difference]:
    """Yield how a seat that was asked about both tools was not asked alike."""
    if seat.persona_digest != twin.persona_digest:
        text = f"{seat.name} judged the two by different versions of its instructions"
        yield Difference(kind="persona", persona=seat.persona, text=text)
    if seat.prompt_digest != twin.prompt_digest:
        text = f"{seat.name} was asked with different prompts"
        yield Difference(kind="prompts", persona=seat.persona, text=text)
    if (mine := _answerers(seat)) != (theirs := _answerers(twin)):
        text = f"{seat.name} was {mine} on {names[0]} and {theirs} on {names[1]}"
        yield Difference(kind="model", persona=seat.persona, text=text)


def _answerers(seat: Seat) -> str:
    return ", ".join(sorted({ask.answered_by for ask in seat.asks}))


def scorecard(first: Review, second: Review) -> Iterator[Row]:
    """Yield one row a persona, in persona order; a persona that is on one panel alone comes where it sits there."""
    seats = {seat.persona: seat for review in (second, first) for seat in review.seats}
    for id in _in_order([seat.persona for seat in first.seats], [seat.persona for seat in second.seats]):
        cells = _cell(first, id), _cell(second, id)
        yield Row(persona=id, name=seats[id].name, cells=cells)


def _in_order(one: Sequence[str], other: Sequence[str]) -> list[str]:
    """Return both orders as one: what only the second has follows what it follows there."""
    merged = list(dict.fromkeys(one))
    for place, id in enumerate(other):
        if id not in merged:
            merged.insert(merged.index(other[place - 1]) + 1 if place else 0, id)
    return merged


def _cell(review: Review, persona: str) -> Cell:
    seat = review.seat(persona)
    if seat is None:
        return Cell(status="unseated", reason="not on the panel when this tool was reviewed")
    reason = None if seat.take else seat.reason or "no reason was given"
    return Cell(status=seat.status, absence=seat.absence, reason=reason, threshold=seat.threshold, take=seat.take)
