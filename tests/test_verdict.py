"""The verdict: labels, and the numbers that say how firm they are, held against brute force."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import combinations, product
from random import Random
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panel.take import Vote, vote
from panel.verdict import Disclosure, Opinion, Verdict, agreement, label, margin, panel_score, provisional, verdict

VOTES: tuple[Vote, Vote] = ("ship", "skip")
SPLITS = [(ship, skip) for ship in range(13) for skip in range(13 - ship)]
"""Every split of up to twelve votes."""


def panel(*scores: int, thresholds: Sequence[int] = (), votes: Sequence[Vote] = ()) -> list[Opinion]:
    """Return opinions p0, p1 and so on; votes follow from the scores where they are not given."""
    at = thresholds or [60] * len(scores)
    cast = votes or [vote(score, threshold) for score, threshold in zip(scores, at, strict=True)]
    rows = enumerate(zip(scores, at, cast, strict=True))
    return [Opinion(persona=f"p{n}", score=score, threshold=t, vote=said) for n, (score, t, said) in rows]


def judged(opinions: Sequence[Opinion], undecided: int = 0, abstained: int = 0) -> Verdict:
    """Return the verdict over opinions, with nothing to disclose."""
    return verdict(opinions, undecided, abstained, [])


def flipped(opinions: Sequence[Opinion], places: Sequence[int]) -> list[Opinion]:
    """Return the opinions with the votes at these places turned."""
    other: dict[Vote, Vote] = {"ship": "skip", "skip": "ship"}
    return [
        opinion.model_copy(update={"vote": other[opinion.vote]}) if place in places else opinion
        for place, opinion in enumerate(opinions)
    ]


def deciding(opinions: Sequence[Opinion]) -> dict[str, int]:
    """Return the personas whose flip alone changes the label, each with its distance from its threshold."""
    now = judged(opinions).label
    return {
        opinion.persona: abs(opinion.score - opinion.threshold)
        for place, opinion in enumerate(opinions)
        if judged(flipped(opinions, [place])).label != now
    }


def fewest_flips(opinions: Sequence[Opinion]) -> int | None:
    """Return the size of the smallest set of votes whose flip changes the label, or None."""
    now = judged(opinions).label
    for size in range(1, len(opinions) + 1):
        for places in combinations(range(len(opinions)), size):
            if judged(flipped(opinions, places)).label != now:
                return size
    return None


def after(change: str, ship: int, skip: int) -> tuple[int, int]:
    """Return the split that one vote makes of another."""
    return {"turned": (ship + 1, skip - 1), "added": (ship + 1, skip), "withdrawn": (ship, skip - 1)}[change]


panels = st.lists(st.tuples(st.integers(0, 100), st.integers(50, 75)), max_size=7).map(
    lambda rows: panel(*(score for score, _ in rows), thresholds=[threshold for _, threshold in rows])
)
small = st.integers(0, 3)


@given(panels, small, small, st.randoms(use_true_random=False))
def test_the_order_of_personas_changes_nothing(
    opinions: list[Opinion], undecided: int, abstained: int, random: Random
) -> None:
    """Seats in any other order give an equal verdict, disclosures included."""
    kinds: list[Literal["sample", "carried"]] = ["sample", "carried"]
    told = [Disclosure(kind=kind, personas=("p0",), text=text) for kind in kinds for text in "ab"]
    shuffled, retold = random.sample(opinions, len(opinions)), random.sample(told, len(told))

    assert verdict(opinions, undecided, abstained, told) == verdict(shuffled, undecided, abstained, retold)


@pytest.mark.parametrize("change", ["turned", "added", "withdrawn"])
def test_no_single_vote_turns_skip_into_ship(change: str) -> None:
    """Of all splits up to twelve none is Skip and becomes Ship by one vote turned, added or withdrawn."""
    skips = [split for split in SPLITS if label(*split) == "Skip"]
    turned = [split for split in skips if label(*after(change, *split)) == "Ship"]

    assert [] == turned


@pytest.mark.parametrize(
    ("ship", "skip", "expected"),
    [
        pytest.param(0, 0, "No verdict", id="nobody heard"),
        pytest.param(2, 0, "No verdict", id="two heard"),
        pytest.param(3, 0, "Ship", id="3-0"),
        pytest.param(2, 1, "Mixed", id="2-1 is two thirds, one vote ahead"),
        pytest.param(2, 2, "Mixed", id="2-2"),
        pytest.param(3, 1, "Ship", id="3-1"),
        pytest.param(3, 2, "Mixed", id="3-2 is less than two thirds"),
        pytest.param(4, 1, "Ship", id="4-1"),
        pytest.param(5, 0, "Ship", id="5-0"),
        pytest.param(4, 2, "Ship", id="4-2 is two thirds, two ahead"),
        pytest.param(4, 3, "Mixed", id="4-3"),
        pytest.param(5, 2, "Ship", id="5-2"),
        pytest.param(5, 3, "Mixed", id="5-3 is two ahead, less than two thirds"),
        pytest.param(6, 3, "Ship", id="6-3"),
        pytest.param(7, 4, "Mixed", id="7-4 is three ahead, less than two thirds"),
    ],
)
def test_labels(ship: int, skip: int, expected: str) -> None:
    """A split has the label of DESIGN 7, and its mirror image the mirrored one."""
    mirrored = {"Ship": "Skip"}.get(expected, expected)

    assert (expected, mirrored) == (label(ship, skip), label(skip, ship))


@pytest.mark.parametrize(("ship", "skip"), SPLITS)
def test_the_label_is_two_thirds_and_two_ahead(ship: int, skip: int) -> None:
    """Up to twelve votes Ship means: at least three heard, two thirds of them ship, and two more ship than skip."""
    is_ship = ship + skip >= 3 and 3 * ship >= 2 * (ship + skip) and ship >= skip + 2

    assert is_ship == (label(ship, skip) == "Ship")


@pytest.mark.parametrize("heard", range(8))
def test_margin_is_the_fewest_flips_that_change_the_label(heard: int) -> None:
    """For every pattern of up to seven votes the margin is what trying all sets of flips finds."""
    patterns = [panel(*[50] * heard, votes=votes) for votes in product(VOTES, repeat=heard)]

    assert [fewest_flips(each) for each in patterns] == [judged(each).margin for each in patterns]


@pytest.mark.parametrize(
    ("ship", "heard", "expected"),
    [
        pytest.param(0, 0, None, id="nobody heard"),
        pytest.param(2, 2, None, id="no verdict"),
        pytest.param(3, 3, 1, id="3-0 becomes 2-1, Mixed"),
        pytest.param(3, 4, 1, id="3-1"),
        pytest.param(5, 5, 2, id="5-0 stays Ship at 4-1"),
        pytest.param(3, 5, 1, id="3-2 becomes 4-1"),
        pytest.param(2, 4, 1, id="2-2"),
        pytest.param(12, 12, 5, id="12-0 stays Ship down to 8-4"),
    ],
)
def test_margins(ship: int, heard: int, expected: int | None) -> None:
    """The margin counts flips from the split at hand, and is null where no flip helps."""
    assert expected == margin(ship, heard)


@given(panels)
def test_swing_is_the_nearest_of_the_seats_that_decide(opinions: list[Opinion]) -> None:
    """Swing is a seat whose flip alone changes the label and no such seat is nearer to its threshold; else null."""
    candidates = deciding(opinions)
    swing = judged(opinions).swing

    assert bool(candidates) == (swing is not None)
    assert swing is None or min(candidates.values()) == candidates[swing]


@given(panels)
def test_there_is_a_swing_seat_where_the_margin_is_one(opinions: list[Opinion]) -> None:
    """A margin of one and a swing seat are the same fact."""
    found = judged(opinions)

    assert (found.margin == 1) == (found.swing is not None)


@pytest.mark.parametrize(
    ("opinions", "expected"),
    [
        pytest.param(panel(), None, id="nobody heard"),
        pytest.param(panel(61, 59), None, id="no verdict"),
        pytest.param(panel(61, 61, 61, 61, 61), None, id="5-0 holds against any one flip"),
        pytest.param(panel(90, 70, 61, 59), "p2", id="3-1: the skip is nearer and can't change Ship"),
        pytest.param(panel(90, 70, 20, 59), "p3", id="2-2: each flip changes it"),
        pytest.param(panel(90, 62, 58, 61, 20, thresholds=[60, 60, 60, 60, 60]), "p2", id="3-2: only a skip decides"),
        pytest.param(panel(70, 70, 70, thresholds=[60, 69, 50]), "p1", id="distance is from the seat's own threshold"),
        pytest.param(panel(70, 64, 64), "p1", id="equally near: the first by name"),
    ],
)
def test_swing_seats(opinions: list[Opinion], expected: str | None) -> None:
    """The swing seat is named, or null where no single flip changes the label."""
    assert expected == judged(opinions).swing


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        pytest.param([], None, id="nobody heard"),
        pytest.param([61], 61.0, id="one"),
        pytest.param([61, 62], 61.5, id="two: the mean"),
        pytest.param([0, 50, 100], 50.0, id="three: the mean"),
        pytest.param([10, 20, 90], 40.0, id="three are not trimmed"),
        pytest.param([87, 78, 82, 52], 80.0, id="four: without 87 and 52"),
        pytest.param([0, 61, 62, 62, 100], 61.7, id="five: 61.666 rounds to 61.7"),
        pytest.param([0, 50, 50, 50, 51, 100], 50.3, id="six: 50.25 rounds up"),
        pytest.param([50, 50, 50, 50], 50.0, id="only one of equal highest scores is left out"),
        pytest.param([50, 50, 50, 100, 100], 66.7, id="the second highest counts"),
    ],
)
def test_panel_scores(scores: list[int], expected: float | None) -> None:
    """The panel score is the mean, trimmed from four heard on, to one decimal with halves up."""
    assert expected == panel_score(scores)


@given(st.lists(st.integers(0, 100), min_size=1, max_size=9))
def test_panel_score_is_the_trimmed_mean(scores: list[int]) -> None:
    """For any scores the panel score is the decimal mean of what trimming leaves, halves up."""
    left = sorted(scores)
    counted = left[1:-1] if len(left) >= 4 else left
    mean = Decimal(sum(counted)) / len(counted)

    assert float(mean.quantize(Decimal("0.1"), ROUND_HALF_UP)) == panel_score(scores)


@pytest.mark.parametrize(
    ("scores", "ship", "expected"),
    [
        pytest.param([40, 60, 80], 2, "Polarised", id="a range of 40"),
        pytest.param([60, 70, 100], 3, "Polarised", id="polarised goes before unanimous"),
        pytest.param([40, 60, 61, 80], 3, "Polarised", id="polarised goes before agree"),
        pytest.param([61, 80, 100], 3, "Unanimous", id="a range of 39, all ship"),
        pytest.param([20, 30, 40], 0, "Unanimous", id="all skip"),
        pytest.param([55, 61, 62], 2, "Split", id="all but one of three"),
        pytest.param([55, 61, 62, 63], 3, "Agree", id="all but one of four ship"),
        pytest.param([50, 51, 52, 63], 1, "Agree", id="all but one of four skip"),
        pytest.param([50, 51, 62, 63], 2, "Split", id="two of four"),
        pytest.param([55, 61, 62, 63, 64], 4, "Agree", id="all but one of five"),
        pytest.param([55, 56, 62, 63, 64], 3, "Split", id="three of five"),
    ],
)
def test_agreement(scores: list[int], ship: int, expected: str) -> None:
    """Agreement is Polarised by the range, else by how many votes stand alone."""
    assert expected == agreement(scores, ship)


@pytest.mark.parametrize("undecided", range(5))
@pytest.mark.parametrize(("ship", "skip"), [split for split in SPLITS if sum(split) <= 7])
def test_provisional_is_a_label_that_the_undecided_could_change(ship: int, skip: int, undecided: int) -> None:
    """A verdict is provisional where some votes of some of the undecided seats make another label."""
    ways = [votes for cast in range(undecided + 1) for votes in product(VOTES, repeat=cast)]
    labels = {label(ship + votes.count("ship"), skip + votes.count("skip")) for votes in ways}

    assert (labels != {label(ship, skip)}) == provisional(ship, skip, undecided)


@given(panels, small, small)
def test_an_abstention_makes_no_verdict_provisional(opinions: list[Opinion], undecided: int, abstained: int) -> None:
    """However many seats abstained, provisional and label are what they would be without them."""
    with_them, without = judged(opinions, undecided, abstained), judged(opinions, undecided)

    assert (without.label, without.provisional) == (with_them.label, with_them.provisional)


@pytest.mark.parametrize("heard", range(3))
def test_fewer_than_three_heard_give_no_verdict(heard: int) -> None:
    """Below three seats there is no label, agreement, margin or swing, and what was heard is still counted."""
    found = judged(panel(*[80] * heard), abstained=3)

    assert ("No verdict", None, None, None) == (found.label, found.agreement, found.margin, found.swing)
    assert (heard, heard + 3, heard) == (found.heard, found.invited, found.ship)


def test_nobody_heard_has_no_numbers() -> None:
    """Where no seat was heard share, percent, score and range are null, never zero."""
    found = judged(panel(), undecided=2)

    assert (None, None, None, None) == (found.share, found.percent, found.score, found.range)


@given(panels, small, small)
def test_the_counts_add_up(opinions: list[Opinion], undecided: int, abstained: int) -> None:
    """Ship and skip make heard, heard and absent make invited, and the range is that of the scores."""
    found = judged(opinions, undecided, abstained)
    scores = [opinion.score for opinion in opinions]

    assert (len(opinions), len(opinions) + undecided + abstained) == (found.ship + found.skip, found.invited)
    assert ((min(scores), max(scores)) if scores else None) == found.range


@pytest.mark.parametrize(
    ("ship", "skip", "share", "percent"),
    [
        pytest.param(3, 0, "1", 100, id="all"),
        pytest.param(0, 3, "0", 0, id="none"),
        pytest.param(2, 1, "2/3", 67, id="66.7 rounds to 67"),
        pytest.param(1, 2, "1/3", 33, id="33.3 rounds to 33"),
        pytest.param(1, 7, "1/8", 13, id="12.5 rounds up"),
        pytest.param(2, 4, "1/3", 33, id="in lowest terms"),
    ],
)
def test_shares(ship: int, skip: int, share: str, percent: int) -> None:
    """The share is an exact fraction as text, and the percentage is rounded with halves up."""
    found = judged(panel(*[60] * ship, *[59] * skip))

    assert (share, percent) == (found.share, found.percent)
    assert Fraction(ship, ship + skip) == Fraction(share)


def test_the_worked_example_of_the_design() -> None:
    """The seats of DESIGN 11 give the verdict that stands there, and its JSON."""
    scores = {"builder": 87, "skeptic": 78, "futurist": 82, "founder": 52}
    opinions = [Opinion(persona=p, score=s, vote=vote(s, 60), threshold=60) for p, s in scores.items()]
    expected = {"label": "Ship", "ship": 3, "skip": 1, "heard": 4, "invited": 4, "share": "3/4", "percent": 75}
    expected |= {"score": 80.0, "range": [52, 87], "margin": 1, "swing": "skeptic", "agreement": "Agree"}
    expected |= {"provisional": False, "disclosures": []}

    assert expected == judged(opinions).as_json()


def test_the_swing_of_the_worked_example_is_a_seat_that_ships() -> None:
    """With the 52 given to the Skeptic it could not be the swing seat: its flip leaves 4-0, which is Ship too."""
    scores = {"builder": 87, "futurist": 82, "founder": 78, "skeptic": 52}
    opinions = [Opinion(persona=p, score=s, vote=vote(s, 60), threshold=60) for p, s in scores.items()]

    assert "founder" == judged(opinions).swing
