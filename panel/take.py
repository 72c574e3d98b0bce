"""A take: the checked opinion of one seat, and the arithmetic of scores and votes."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from panel.record import Exact, Record

Vote = Literal["ship", "skip"]
BEST = 4
"""The highest rating; the lowest is 0."""

SILENT = 2
"""What a criterion counts as where its rating is left out."""


class Evidence(Record):
    """A quote from the dossier."""

    id: str
    """Its name in ratings."""

    source: str
    """Where it stands: tagline, description, license, pricing or the id of a source."""

    quote: str
    """The words, verbatim."""


class Outside(Record):
    """Something that a take says and the dossier does not."""

    text: str
    """The thing, as the take uses it."""

    kind: Literal["rival", "forecast", "background"]
    """What sort of thing it is."""


def _on_the_scale(value: Fraction) -> Fraction:
    """Return a rating, refusing one that is off the scale."""
    if not 0 <= value <= BEST:
        raise ValueError(f"a rating is 0 to {BEST}")
    return value


Given = Annotated[Exact, AfterValidator(_on_the_scale)]
"""A rating, or a mean of ratings: 0 to 4."""


class Rated(Record):
    """One criterion, as it counts."""

    criterion: str
    """The id of the criterion."""

    weight: int = Field(ge=1, le=100)
    """Its share of the score, in percent."""

    given: Given | None
    """The model's rating, 0 to 4; None where it gave none. With several samples their mean."""

    rating: Given | None
    """The rating that counts: capped at 2 where the quotes do not carry a higher one."""

    capped: bool
    """True where the rating that counts is lower than the one given."""

    why: str
    """The reason in a few words."""

    evidence: tuple[str, ...]
    """Ids of the verified quotes that it rests on."""


class Flag(Record):
    """A soft fault: the take stands, an editor should look."""

    kind: Literal["length", "never", "outside"]
    """What sort of fault."""

    text: str
    """What is wrong, in words."""


class Take(Record):
    """The checked opinion of one seat."""

    score: int = Field(ge=0, le=100)
    """0 to 100: `100 * sum(weight * rating / 4) / sum(weight)`, a missing rating as 2, halves up."""

    vote: Vote
    """`ship` from the threshold on, else `skip`."""

    headline: str
    """The take in at most ten words."""

    text: str
    """The take."""

    best_for: str
    """Whom it suits."""

    not_for: str
    """Whom it does not suit."""

    would_change_my_vote: str
    """What would turn the vote."""

    ratings: tuple[Rated, ...] = Field(min_length=1)
    """Every criterion, in the persona's order."""

    evidence: tuple[Evidence, ...]
    """The quotes that were found verbatim in the dossier."""

    outside: tuple[Outside, ...]
    """What the take says that the dossier does not."""

    flags: tuple[Flag, ...] = ()
    """Soft faults."""

    samples: int = Field(default=1, ge=1)
    """How many independent answers it is made from."""

    spread: int = Field(default=0, ge=0, le=100)
    """Highest less lowest score of those answers."""

    retakes: int = 0
    """How many times the seat was asked anew before this take was accepted."""

    edited_by: str | None = None
    """Who edited the text by hand, or None."""

    @property
    def prose(self) -> dict[str, str]:
        """Everything that is published as running text, by what it is called."""
        named = {"take": self.text, "headline": self.headline, "best_for": self.best_for, "not_for": self.not_for}
        whys = {f"why of {rated.criterion}": rated.why for rated in self.ratings}
        return named | {"would_change_my_vote": self.would_change_my_vote} | whys


def exact_score(ratings: Sequence[Rated]) -> Fraction:
    """Return the weighted mean of the ratings on 0 to 100, a missing one counted as 2."""
    weight = sum(rated.weight for rated in ratings)
    counted = [rated.weight * (Fraction(SILENT) if rated.rating is None else rated.rating) for rated in ratings]
    return 100 * sum(counted, Fraction(0)) / (BEST * weight)


def halves_up(value: Fraction) -> int:
    """Return the nearest whole number, halves upwards."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def score(ratings: Sequence[Rated]) -> int:
    """Return the score, 0 to 100, halves up."""
    return halves_up(exact_score(ratings))


def vote(of: int, threshold: int) -> Vote:
    """Return the vote that a score means."""
    return "ship" if of >= threshold else "skip"


def known_weight(ratings: Sequence[Rated]) -> Fraction:
    """Return the part of the weight, 0 to 1, whose ratings are neither missing nor capped."""
    known = sum(rated.weight for rated in ratings if rated.rating is not None and not rated.capped)
    return Fraction(known, sum(rated.weight for rated in ratings))


def combine(takes: Sequence[Take], threshold: int) -> Take:
    """Return one take out of several independent ones of the same seat.

    Ratings are averaged criterion by criterion. The text is from the sample whose score is nearest to the
    mean's among those that vote as the mean does (the earlier one of two equally near).
    """
    if len(takes) == 1:
        return takes[0]
    averaged = [_average([take.ratings[place] for take in takes]) for place in range(len(takes[0].ratings))]
    mean = exact_score(averaged)
    total = halves_up(mean)
    outcome = vote(total, threshold)
    agreeing = [take for take in takes if take.vote == outcome]
    voice = min(agreeing, key=lambda take: abs(exact_score(take.ratings) - mean))
    scores = [take.score for take in takes]
    ratings = tuple(
        rated.model_copy(update={"why": said.why, "evidence": said.evidence})
        for rated, said in zip(averaged, voice.ratings, strict=True)
    )
    counted = {"samples": len(takes), "spread": max(scores) - min(scores)}
    return voice.model_copy(update={"score": total, "vote": outcome, "ratings": ratings, **counted})


def _average(rated: Sequence[Rated]) -> Rated:
    """Return the mean of one criterion over samples: all missing stays missing, else a missing one counts as 2."""
    counted = [rating.rating for rating in rated]
    given = [rating.given for rating in rated]
    return rated[0].model_copy(
        update={
            "given": _mean(given),
            "rating": _mean(counted),
            "capped": any(rating.capped for rating in rated),
        }
    )


def _mean(ratings: Sequence[Fraction | None]) -> Fraction | None:
    if all(rating is None for rating in ratings):
        return None
    return sum((Fraction(SILENT) if rating is None else rating for rating in ratings), Fraction(0)) / len(ratings)
