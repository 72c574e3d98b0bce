"""Warm first: one request writes a vendor's cache for those that share its dossier; in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from clock import loop_clock, passing
from hypothesis import given
from hypothesis import strategies as st
from test_limit import reply, request

from panel.errors import Rejected
from panel.llm.warm import LIFE_S, Warm
from panel.request import Reply, Request


@dataclass
class Vendor:
    """A Model that takes a second for each reply, but for those that fail."""

    failing: int = 0
    """So many fail first."""

    began: list[tuple[float, str]] = field(default_factory=list)
    """When each request came, and about which dossier."""

    async def ask(self, one: Request) -> Reply:
        """Return a reply, or fail."""
        self.began.append((asyncio.get_running_loop().time(), one.blocks[0].text))
        await asyncio.sleep(1)
        if len(self.began) <= self.failing:
            raise Rejected("no")
        return reply()


def behind(use: Callable[[Warm, Vendor], Awaitable[object]], failing: int = 0) -> tuple[Warm, Vendor]:
    """Return a model and who is behind it, after it was used."""

    async def run() -> tuple[Warm, Vendor]:
        vendor = Vendor(failing)
        warm = Warm(vendor, loop_clock())
        await use(warm, vendor)
        return warm, vendor

    return passing(run())


async def several(warm: Warm, dossier: str = "plumb", seats: int = 5) -> list[object]:
    """Ask several seats about a dossier at once; return what came of each."""
    asks = (warm.ask(request(dossier, f"seat {number}")) for number in range(seats))
    return await asyncio.gather(*asks, return_exceptions=True)


def test_one_goes_ahead_and_the_others_follow_at_once() -> None:
    """The second request comes when the first was answered, all others with it; other dossiers wait for nobody."""

    async def use(warm: Warm, _: Vendor) -> None:
        await asyncio.gather(several(warm), several(warm, "trowel"))

    _, vendor = behind(use)

    assert [(0, "plumb"), (0, "trowel"), *[(1, "plumb")] * 4, *[(1, "trowel")] * 4] == sorted(vendor.began)


@pytest.mark.parametrize("failing", [1, 3, 5])
def test_where_the_one_ahead_fails_the_next_one_goes_ahead(failing: int) -> None:
    """Each failure lets one more go ahead alone; once one was answered the rest goes at once, and nothing is left."""
    warm, vendor = behind(lambda warm, _: several(warm), failing)
    alone = min(failing + 1, 5)

    assert [*range(alone), *[alone] * (5 - alone)] == [at for at, _ in vendor.began]
    assert {} == dict(warm.ahead)
    assert (1 if failing < 5 else 0) == len(warm.warm)


def test_who_is_called_away_ahead_lets_the_next_one_go_ahead() -> None:
    """A request that is cancelled while it is ahead holds nobody back."""

    async def use(warm: Warm, _: Vendor) -> None:
        first = asyncio.create_task(warm.ask(request()))
        await asyncio.sleep(0.5)
        asyncio.get_running_loop().call_later(0.25, first.cancel)
        await several(warm, seats=3)

    _, vendor = behind(use)

    assert [0, 0.75, 1.75, 1.75] == [at for at, _ in vendor.began]


@pytest.mark.parametrize(("pause_s", "alone"), [(LIFE_S - 3, False), (LIFE_S, True)])
def test_what_the_cache_has_forgotten_is_warmed_again(pause_s: float, alone: bool) -> None:
    """240 seconds after its last use a dossier is cold again: one goes ahead; each use before that keeps it warm."""

    async def use(warm: Warm, vendor: Vendor) -> None:
        for _ in range(3):
            await several(warm)
            await asyncio.sleep(LIFE_S - 3)
        vendor.began.clear()
        await asyncio.sleep(pause_s - (LIFE_S - 3))
        await several(warm)

    _, vendor = behind(use)
    first = vendor.began[0][0]

    assert [0, *[1 if alone else 0] * 4] == [at - first for at, _ in vendor.began]


@given(st.lists(st.tuples(st.integers(0, 40), st.floats(0, 400)), max_size=40))
def test_only_what_is_warm_is_kept_in_mind(visits: list[tuple[int, float]]) -> None:
    """However many dossiers come by, only those of the last minutes are kept, and no lock that nobody has."""

    async def use(warm: Warm, _: Vendor) -> None:
        loop, used = asyncio.get_running_loop(), dict[str, float]()
        for dossier, pause_s in visits:
            await asyncio.sleep(pause_s)
            await warm.ask(request(str(dossier)))
            used[request(str(dossier)).prefix] = loop.time()
            late = {prefix for prefix, at in used.items() if loop.time() - at > LIFE_S + 1}
            assert not late & warm.warm.keys()
            assert not warm.ahead

    behind(use)
