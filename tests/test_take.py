"""A take: the score that ratings make, the vote that it means, and one take out of several."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import permutations
from random import Random

import made
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from panel.take import Rated, Take, combine, exact_score, halves_up, known_weight, score, vote

WEIGHTS = st.integers(1, 99)
GIVEN = st.none() | st.integers(0, 4)
EXACT = st.fractions(0, 4, max_denominator=9)
rated_lists = st.lists(st.builds(made.rated, GIVEN | EXACT, WEIGHTS), min_size=1, max_size=7)


def ratings(*given: Fraction | int | None) -> list[Rated]:
    """Return ratings of criteria that weigh 27, 23, 19, 18 and 13."""
    pairs = zip(given, made.CRITERIA, strict=True)
    return [made.rated(rating, weight, criterion=name) for rating, (name, weight) in pairs]


def scored(*scores: int, threshold: int = 60) -> list[Take]:
    """Return one take for each score, each with a text of its own."""
    return [
        made.take([made.rated(Fraction(score, 25), 100)], threshold, text=f"the text with {score}") for score in scores
    ]


def replaced(rated: Sequence[Rated], place: int, rating: int | None) -> list[Rated]:
    """Return the ratings with another one at one place."""
    return [*rated[:place], made.rated(rating, rated[place].weight), *rated[place + 1 :]]


@pytest.mark.parametrize(
    ("given_ratings", "expected"),
    [
        pytest.param((4, 4, 4, 4, 4), 100, id="all fours"),
        pytest.param((2, 2, 2, 2, 2), 50, id="all twos"),
        pytest.param((0, 0, 0, 0, 0), 0, id="all zeros"),
        pytest.param((None, None, None, None, None), 50, id="null counts as two"),
        pytest.param((3, 3, 4, 2, 1), 69, id="68.75 rounds up"),
        pytest.param((3, 3, 2, 2, 1), 59, id="59.25 rounds down"),
        pytest.param((2, 2, 2, 2, 4), 57, id="56.5: halves go up"),
        pytest.param((2, 2, 2, 2, 0), 44, id="43.5: halves go up below fifty too"),
        pytest.param((Fraction(8, 3), 2, 2, 2, 2), 55, id="a mean of three: 54.5 goes up"),
    ],
)
def test_scores(given_ratings: tuple[int | None, ...], expected: int) -> None:
    """The score is the weighted mean of the ratings on 0 to 100, halves up."""
    assert expected == score(ratings(*given_ratings))


@given(rated_lists)
def test_the_score_is_exact_and_rounds_halves_up(rated: list[Rated]) -> None:
    """For any weights and ratings the score is what exact fractions give, rounded half up at the very end."""
    total = sum(each.weight for each in rated)
    points = sum((each.weight * (Fraction(2) if each.rating is None else each.rating) for each in rated), Fraction(0))
    exact = 100 * points / 4 / total

    assert (exact, math.floor(exact + Fraction(1, 2))) == (exact_score(rated), score(rated))


@given(st.fractions(0, 100, max_denominator=1000))
def test_rounding_is_to_the_nearest_and_halves_go_up(value: Fraction) -> None:
    """No whole number is nearer than the one that a value rounds to, and a half rounds to the higher one."""
    assert Fraction(-1, 2) < halves_up(value) - value <= Fraction(1, 2)


@given(rated_lists, st.data())
def test_leaving_a_rating_out_is_worth_a_two(rated: list[Rated], data: st.DataObject) -> None:
    """Leaving any one rating out never raises a score above what a 2 there would give."""
    place = data.draw(st.integers(0, len(rated) - 1))

    assert score(replaced(rated, place, None)) <= score(replaced(rated, place, 2))


@given(rated_lists, st.data())
def test_leaving_a_good_rating_out_never_helps(rated: list[Rated], data: st.DataObject) -> None:
    """A criterion rated 2 or better never scores more by being left out."""
    place, rating = data.draw(st.integers(0, len(rated) - 1)), data.draw(st.integers(2, 4))

    assert score(replaced(rated, place, None)) <= score(replaced(rated, place, rating))


@given(rated_lists, st.data())
def test_raising_a_rating_never_lowers_the_score(rated: list[Rated], data: st.DataObject) -> None:
    """With one rating raised and the others as they were, the score is as high or higher."""
    place = data.draw(st.integers(0, len(rated) - 1))
    low, high = sorted(data.draw(st.tuples(st.integers(0, 4), st.integers(0, 4))))

    assert score(replaced(rated, place, low)) <= score(replaced(rated, place, high))


@given(rated_lists, st.randoms(use_true_random=False))
def test_the_order_of_ratings_does_not_matter(rated: list[Rated], random: Random) -> None:
    """Criteria in any other order give the same score and the same known weight."""
    shuffled = random.sample(rated, len(rated))

    assert (score(rated), known_weight(rated)) == (score(shuffled), known_weight(shuffled))


@pytest.mark.parametrize(
    ("points", "threshold", "expected"),
    [
        pytest.param(59, 60, "skip", id="one below"),
        pytest.param(60, 60, "ship", id="on the threshold"),
        pytest.param(61, 60, "ship", id="one above"),
        pytest.param(74, 75, "skip", id="a seat's own threshold"),
        pytest.param(0, 50, "skip", id="the lowest"),
        pytest.param(100, 75, "ship", id="the highest"),
    ],
)
def test_votes(points: int, threshold: int, expected: str) -> None:
    """A score from the threshold on is a ship, any other a skip."""
    assert expected == vote(points, threshold)


@pytest.mark.parametrize(
    ("rated", "expected"),
    [
        pytest.param(ratings(0, 1, 2, 3, 4), Fraction(1), id="all known, a zero too"),
        pytest.param(ratings(None, None, None, None, None), Fraction(0), id="none known"),
        pytest.param(ratings(2, 2, None, None, None), Fraction(1, 2), id="27 and 23 are half"),
        pytest.param(ratings(None, None, None, 0, 0), Fraction(31, 100), id="18 and 13"),
        pytest.param(
            [made.rated(2, 30, given=4, capped=True), made.rated(2, 70)],
            Fraction(7, 10),
            id="a capped one is unknown",
        ),
        pytest.param([made.rated(1, 1), made.rated(None, 2)], Fraction(1, 3), id="a share of the weight there is"),
    ],
)
def test_known_weight(rated: list[Rated], expected: Fraction) -> None:
    """Known is the part of the weight whose ratings are neither missing nor capped, as an exact fraction."""
    assert expected == known_weight(rated)


def test_one_sample_is_returned_unchanged() -> None:
    """Out of one take combining makes that very take."""
    (take,) = scored(61)

    assert combine([take], 60) is take


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        pytest.param((4, 2, 2), Fraction(8, 3), id="a mean that is no whole number"),
        pytest.param((3, 3, 3), Fraction(3), id="all the same"),
        pytest.param((0, 4), Fraction(2), id="opposites"),
        pytest.param((4, None, None), Fraction(8, 3), id="a missing one counts as two"),
        pytest.param((None, None, None), None, id="missing in all stays missing"),
    ],
)
def test_ratings_are_averaged_criterion_by_criterion(samples: tuple[int | None, ...], expected: Fraction) -> None:
    """Each criterion of a combined take holds the exact mean of its own ratings, untouched by other criteria."""
    combined = combine([made.take([*ratings(rating, 1, 2, 3, 4)]) for rating in samples], 60)

    assert [expected, 1, 2, 3, 4] == [rated.rating for rated in combined.ratings]
    assert [expected, 1, 2, 3, 4] == [rated.given for rated in combined.ratings]


@pytest.mark.parametrize(
    ("scores", "voice"),
    [
        pytest.param((55, 62, 75), 62, id="mean 64 ships: the nearest that ships"),
        pytest.param((50, 60, 61), 50, id="mean 57 skips: not the 60, which is nearer and ships"),
        pytest.param((59, 58, 90), 90, id="mean 69 ships: the only one that ships, though far"),
        pytest.param((70, 80, 90), 80, id="all ship: the one at the mean"),
        pytest.param((64, 62, 63, 61, 65), 63, id="five samples"),
        pytest.param((66, 62), 66, id="equally near: the earlier one"),
        pytest.param((59, 60), 60, id="59.5 is 60, which ships"),
    ],
)
def test_the_text_is_the_nearest_one_that_votes_like_the_mean(scores: tuple[int, ...], voice: int) -> None:
    """The text is from the sample nearest to the mean among the samples that vote as the mean does."""
    combined = combine(scored(*scores), 60)

    assert f"the text with {voice}" == combined.text


def test_reasons_and_quotes_come_with_the_text() -> None:
    """Whys and evidence of a combined take are those of the sample that gave its text."""
    low, high = [made.rated(0, why="too thin", evidence=["e1"])], [made.rated(4, why="it holds", evidence=["e7"])]
    combined = combine([made.take(low, text="no"), made.take(high, text="yes"), made.take(high, text="yes again")], 60)
    (only,) = combined.ratings

    assert ("yes", "it holds", ("e7",)) == (combined.text, only.why, only.evidence)


@pytest.mark.parametrize(
    ("scores", "spread"),
    [
        pytest.param((61, 61), 0, id="no spread"),
        pytest.param((55, 62, 75), 20, id="three"),
        pytest.param((90, 10, 50, 50, 50), 80, id="five"),
    ],
)
def test_spread_is_highest_less_lowest(scores: tuple[int, ...], spread: int) -> None:
    """A combined take says how many samples it is made from and how far apart their scores are."""
    combined = combine(scored(*scores), 60)

    assert (len(scores), spread) == (combined.samples, combined.spread)


@given(st.lists(st.lists(GIVEN, min_size=3, max_size=3), min_size=2, max_size=4), st.integers(50, 75))
def test_the_order_of_samples_changes_no_number(samples: list[list[int | None]], threshold: int) -> None:
    """Whatever the order of samples, score, vote, spread and averaged ratings are the same."""
    weights = (47, 32, 21)
    takes = [made.take([made.rated(r, w) for r, w in zip(row, weights, strict=True)], threshold) for row in samples]
    seen = {
        (one.score, one.vote, one.spread, tuple(rated.rating for rated in one.ratings))
        for order in permutations(takes)
        for one in [combine(order, threshold)]
    }

    assert 1 == len(seen)


@given(st.lists(EXACT, min_size=2, max_size=5), st.integers(50, 75))
def test_some_sample_votes_like_the_mean(given_ratings: list[Fraction], threshold: int) -> None:
    """The mean's score follows from the averaged ratings and always finds a sample with its vote to speak for it."""
    takes = [made.take([made.rated(rating)], threshold, text=str(rating)) for rating in given_ratings]
    combined = combine(takes, threshold)
    voters = {take.text for take in takes if take.vote == combined.vote}

    assert halves_up(25 * sum(given_ratings, Fraction(0)) / len(given_ratings)) == combined.score
    assert vote(combined.score, threshold) == combined.vote
    assert combined.text in voters


@pytest.mark.parametrize("capped_samples", range(4))
def test_a_mean_is_capped_where_it_counts_for_less_than_was_given(capped_samples: int) -> None:
    """`capped` of a combined take says, as of any take, whether the rating that counts is below the one given."""
    capped, whole = made.rated(2, given=4, capped=True), made.rated(4)
    takes = [made.take([capped])] * capped_samples + [made.take([whole])] * (3 - capped_samples)
    (rated,) = combine(takes, 60).ratings
    assert rated.rating is not None
    assert rated.given is not None

    assert (rated.rating < rated.given) == rated.capped


@pytest.mark.parametrize(
    ("rating", "written"),
    [
        pytest.param(Fraction(8, 3), "8/3", id="thirds"),
        pytest.param(Fraction(1, 5), "1/5", id="fifths"),
        pytest.param(Fraction(3), 3, id="a whole number is one"),
        pytest.param(Fraction(4, 2), 2, id="in lowest terms"),
        pytest.param(Fraction(0), 0, id="zero"),
        pytest.param(None, None, id="missing"),
    ],
)
def test_ratings_are_exact_in_json(rating: Fraction | None, written: str | int | None) -> None:
    """A rating is an integer in JSON, or text such as "8/3" where it is none."""
    take = made.take([made.rated(rating)])
    data = json.loads(json.dumps(take.as_json()))

    assert (written, written) == (data["ratings"][0]["rating"], data["ratings"][0]["given"])


@given(st.lists(EXACT | st.none(), min_size=1, max_size=7), st.integers(50, 75))
def test_a_take_survives_json(given_ratings: list[Fraction | None], threshold: int) -> None:
    """A take with any ratings that is written as JSON and read again is equal, and so is its exact score."""
    take = made.take([made.rated(rating) for rating in given_ratings], threshold)
    again = Take.model_validate(json.loads(json.dumps(take.as_json())))

    assert take == again
    assert exact_score(take.ratings) == exact_score(again.ratings)


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("two", id="a word"),
        pytest.param("8/", id="half a fraction"),
        pytest.param("1/0", id="a division by zero"),
        pytest.param([8, 3], id="a list"),
        pytest.param(True, id="a truth value"),
    ],
)
def test_a_rating_that_is_no_number_is_refused(written: object) -> None:
    """A damaged record is refused as such, whatever stands where a fraction should."""
    data = made.take([made.rated(Fraction(8, 3))]).model_dump(mode="json")
    data["ratings"][0]["rating"] = written

    with pytest.raises(ValidationError):
        Take.model_validate(data)
