"""Community: votes of readers, told as what they are worth: none, a count, or a share with its range."""

from __future__ import annotations

import json
from math import isclose, sqrt
from pathlib import Path
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from panel.community import Community, Votes, votes
from panel.errors import RecordError

COUNTS = st.integers(0, 5_000)
Z = NormalDist().inv_cdf(0.975)


def votes_of(ship: int, skip: int = 0) -> Community:
    """Return so many votes."""
    return Community(ship=ship, skip=skip)


@pytest.mark.parametrize(
    ("ship", "skip", "told"),
    [
        (0, 0, "No community votes yet"),
        (1, 0, "1 community vote"),
        (0, 1, "1 community vote"),
        (2, 3, "5 community votes"),
        (9, 0, "9 community votes"),
        (10, 0, "100% ship of 10 votes (72 to 100%)"),
        (0, 10, "0% ship of 10 votes (0 to 28%)"),
        (7, 3, "70% ship of 10 votes (40 to 89%)"),
        (81, 182, "31% ship of 263 votes (26 to 37%)"),
        (1, 15, "6% ship of 16 votes (1 to 28%)"),
        (2, 14, "13% ship of 16 votes (3 to 36%)"),
        (10, 6, "63% ship of 16 votes (39 to 82%)"),
    ],
)
def test_votes_in_words(ship: int, skip: int, told: str) -> None:
    """There are none, or a count, and from ten on a share, halves up, with Wilson's range."""
    assert told == votes_of(ship, skip).told


@given(COUNTS, COUNTS)
def test_the_range_is_where_the_share_is_not_surprising(ship: int, skip: int) -> None:
    """Each end of the range is the share p at which what was seen lies 1.96 standard errors of p away from p."""
    interval, count = votes_of(ship, skip).interval, ship + skip
    if count < 10:
        assert interval is None
        return
    share, ends = ship / count, []
    for sign in (-1, 1):
        low, high = (0.0, share) if sign < 0 else (share, 1.0)
        for _ in range(60):
            middle = (low + high) / 2
            is_surprising = abs(share - middle) > Z * sqrt(middle * (1 - middle) / count)
            low, high = (low, middle) if is_surprising == (sign > 0) else (middle, high)
        ends.append(100 * low)

    assert interval is not None
    assert all(isclose(told, end, abs_tol=0.501) for told, end in zip(interval, ends, strict=True))


@given(COUNTS, COUNTS)
def test_the_range_holds_the_share(ship: int, skip: int) -> None:
    """The range lies between 0 and 100, and the share within it, but for rounding."""
    if interval := votes_of(ship, skip).interval:
        assert 0 <= interval[0] <= 100 * ship / (ship + skip) + 0.5
        assert 100 * ship / (ship + skip) - 0.5 <= interval[1] <= 100


@given(COUNTS, COUNTS)
def test_the_range_is_fair_to_both_sides(ship: int, skip: int) -> None:
    """Votes turned round give the range turned round."""
    interval, turned = votes_of(ship, skip).interval, votes_of(skip, ship).interval
    if interval and turned:
        assert (interval[0], interval[1]) == pytest.approx((100 - turned[1], 100 - turned[0]), abs=1)


def test_a_count_below_nothing_is_none() -> None:
    """There are no fewer than no votes."""
    with pytest.raises(ValidationError):
        votes_of(-1)


def test_votes_are_read_from_their_file(tmp_path: Path) -> None:
    """Whoever counts votes writes `runs/votes.json`; where there is no such file nobody has voted."""
    assert {} == votes(tmp_path)

    whole = {"schema": "panel.votes/1", "tools": {"plumb": {"ship": 12, "skip": 3}, "gauge": {}}}
    (tmp_path / "votes.json").write_text(json.dumps(whole))

    assert {"plumb": votes_of(12, 3), "gauge": votes_of(0)} == votes(tmp_path)
    assert whole["tools"]["plumb"] == Votes.model_validate(whole).as_json()["tools"]["plumb"]  # type: ignore[index,call-overload]


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"tools": {}, "schema": "panel.votes/2"}', '{"tools": {"plumb": {"ship": -1}}}', '{"tools": 3}',
     '{"tools": {"plumb": {"stars": 5}}}', '{"tools": {"plumb": {"ship": "many"}}}'],
)  # fmt: skip
def test_a_file_that_holds_no_votes_is_named(tmp_path: Path, text: str) -> None:
    """A file that is none of votes is refused, and the message names it."""
    (tmp_path / "votes.json").write_text(text)

    with pytest.raises(RecordError, match=r"votes\.json"):
        votes(tmp_path)
