"""The pace: what an unknown limit lets through is found from its refusals, in virtual time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from server import Run, Server, run

from panel.llm.pace import FASTEST, FEWEST, Bucket, Pace


def ideal(server: Server, requests: int) -> float:
    """Return the shortest time that a limit allows, in seconds."""
    return max(0.0, requests - server.burst) / server.rate + server.latency_s


@pytest.mark.parametrize("in_whole_seconds", [True, False], ids=["whole-seconds", "exact"])
@pytest.mark.parametrize("delay_s", [0.001, 0.005, 0.02])
def test_the_limit_of_the_benchmark_is_used_up(in_whole_seconds: bool, delay_s: float) -> None:
    """3,000 a minute, 50 in store: 1,000 requests take at most 1.03 of the ideal time, and few are refused."""
    server = Server(rate=50, burst=50, in_whole_seconds=in_whole_seconds)
    done = run(server, 1_000, delay_s)

    assert done.seconds <= 1.03 * ideal(server, 1_000)
    assert done.refused <= (20 if in_whole_seconds else 45)


@settings(max_examples=10)
@given(rate=st.floats(20, 100), store_s=st.floats(1, 20), latency_s=st.floats(0.05, 2))
def test_a_limit_with_a_store_of_a_second_is_used_up(rate: float, store_s: float, latency_s: float) -> None:
    """Whatever the limit, where its store holds a wait of a second, little time is lost and few are refused."""
    server = Server(rate, rate * store_s, latency_s)
    requests = round(rate * (store_s + 20))
    done = run(server, requests, width=100_000)

    assert done.seconds <= 1.15 * ideal(server, requests) + 1
    assert done.refused <= 0.05 * requests + 10


@given(
    rate=st.floats(0.5, 500),
    burst=st.floats(1, 2_000),
    in_whole_seconds=st.booleans(),
    delay_s=st.floats(0.0005, 0.05),
)
def test_every_limit_is_lived_with(rate: float, burst: float, in_whole_seconds: bool, delay_s: float) -> None:
    """However small its store and however coarse its word, all requests come through without a storm of refusals."""
    done = run(Server(rate, burst, in_whole_seconds=in_whole_seconds), 150, delay_s)

    assert done.seconds < float("inf")
    assert done.refused <= 150


def test_a_limit_that_falls_is_found() -> None:
    """After the limit fell to a fifth, the same is asked at the new speed, with few refusals."""
    server = Server(rate=100, burst=100)
    pace = Pace()
    before = run(server, 2_000, pace=pace)
    server.rate = 20.0
    after = run(server, 1_000, pace=pace, begin=before.seconds)

    assert after.seconds - before.seconds <= 1.25 * 1_000 / 20
    assert after.refused <= 120


def test_a_limit_that_rises_is_found() -> None:
    """After the limit rose fourfold, the pace rises too, by itself."""
    server = Server(rate=25, burst=25)
    pace = Pace()
    before = run(server, 500, pace=pace)
    server.rate = 100.0
    after = run(server, 6_000, pace=pace, begin=before.seconds)

    assert after.seconds - before.seconds <= 2 * 6_000 / 100


def test_where_nothing_is_refused_nothing_is_held_back() -> None:
    """Without a limit the speed doubles to all that a process can send: 20,000 requests go out in twelve seconds."""
    done = run(Server(rate=1e9, burst=1e9), 20_000, width=1_000_000)

    assert Run(done.seconds, 0) == done
    assert done.seconds <= 12


def test_a_single_review_is_not_paced() -> None:
    """The first ten requests go out at once."""
    pace = Pace()
    for _ in range(FEWEST):
        assert pace.due(0) == 0
        pace.go(0)

    assert 0 < pace.due(0) < 1
    assert FASTEST > 0


# Known limits


@given(
    rate=st.floats(0.1, 100),
    most=st.floats(1, 1_000),
    amounts=st.lists(st.floats(0.1, 200), min_size=1, max_size=50),
)
def test_a_bucket_gives_no_more_than_it_gains(rate: float, most: float, amounts: list[float]) -> None:
    """Whoever waits as long as a bucket says takes at most its store and what it gained since, but for the last one."""
    bucket, now, taken = Bucket(rate, most, most, 0), 0.0, 0.0
    for amount in amounts:
        while (due := bucket.due(amount, now)) > 0:
            now += due
        assert taken <= most + rate * now + max(amounts)
        bucket.take(amount, now)
        taken += amount

    assert taken <= most + rate * now + max(amounts)


def test_what_a_vendor_says_is_left_counts() -> None:
    """A bucket goes by the limit and the rest that a vendor tells, and fills evenly from there."""
    bucket = Bucket(1, 1, 1, 0)
    bucket.told(600, 3, now=10)
    for _ in range(3):
        assert bucket.due(1, 10) == 0
        bucket.take(1, 10)

    assert pytest.approx(0.1) == bucket.due(1, 10)
    assert bucket.due(1, 10.1) <= 0.001
