"""Storms and caches, over loopback: three answers in ten are faults; what five seats are billed over one dossier."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import made
import pytest
from account import FAULTS, Terms
from dossiers import write_catalogue
from test_loopback import Desk, at_desk
from vendor import ANTHROPIC, OPENAI, Dialect, turning_to

from panel.catalogue.dossiers import catalogue
from panel.catalogue.run import reviews
from panel.estimate import likely
from panel.gathering import gathered
from panel.llm.open import Providers
from panel.money import LISTED
from panel.project import Project
from panel.request import Request, Usage
from panel.review import Review
from panel.tool import read_tool

ATTEMPTS = 4
BAR = Decimal("0.4")
"""Of what the prompts of five seats would cost without a cache."""

both = pytest.mark.parametrize("dialect", [ANTHROPIC, OPENAI], ids=lambda dialect: dialect.name)


async def reviewed(desk: Desk, folder: Path, dialect: Dialect) -> Sequence[Review]:
    """Return the reviews of every dossier in a folder, asked of a vendor through all that stands before it."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**turning_to(desk.url), dialect.key: "not-a-key"}.items():
            patch.setenv(name, value)
        project, found = Project.open(folder, {"model": dialect.model}), catalogue([str(folder)])
        async with Providers(project.settings, project.prompts) as providers:
            done = [outcome.done async for outcome in reviews(project, found, found.paths, providers)]
    return [each.review for each in done if each]


@both
def test_in_a_storm_every_take_is_done_or_named(
    dialect: Dialect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While 30 % of the answers are faults of all kinds, each seat is heard or absent with its reason.

    No request is tried more often than the policy says, and no try that the vendor saw is missing from the records.
    """
    monkeypatch.setattr("panel.llm.retry.FIRST_WAIT_S", 0.001)
    monkeypatch.setattr("os.fsync", lambda _: None)
    made.project(tmp_path, personas=3)
    (tmp_path / "panel.toml").write_text(f"timeout_s = 0.5\n[retry]\nattempts = {ATTEMPTS}\n")
    for number in range(9):
        text = made.DOSSIER.replace("plumb", f"tool{number}").replace("Plumb", f"Tool {number}")
        (tmp_path / f"tool{number}.yaml").write_text(text)

    async def storm(desk: Desk) -> tuple[Sequence[Review], Sequence[int], set[str]]:
        done = await reviewed(desk, tmp_path, dialect)
        return done, [*desk.account.seen.tries.values()], {what for _, what in desk.account.seen.requests}

    done, tries, met = at_desk(Terms(faults=0.3, seed=150, told="ms"), storm)
    seats = [seat for each in done for seat in each.seats]
    heard = [seat for seat in seats if seat.take]
    failed = [seat for seat in seats if not seat.take]

    assert (10, 30) == (len(done), len(seats))
    assert len(heard) >= 25
    assert all(seat.absence == "failed" and f"gave up after {ATTEMPTS} attempts" in str(seat.reason) for seat in failed)
    assert max(tries) <= ATTEMPTS
    assert 30 == len(tries)
    assert sum(tries) <= sum(len(seat.asks[0].attempts) for seat in heard) + ATTEMPTS * len(failed)
    assert len(met - {"answered"}) >= len(FAULTS) - 2


@both
def test_five_seats_over_one_dossier_cost_two_prompts(dialect: Dialect, tmp_path: Path) -> None:
    """Where five critics share 4,000 tokens, at most 40 % of the price of five prompts is paid, by both vendors' rules.

    So says the vendor that counted what it kept and what was read; and so says the estimate beforehand.
    """
    write_catalogue(tmp_path, 1, 4_000)
    [path] = (tmp_path / "tools").iterdir()
    now = datetime.now(UTC)

    async def use(desk: Desk) -> tuple[Sequence[Request], dict[str, float]]:
        project = Project.open(tmp_path, {"model": dialect.model})
        requests = await gathered(project, read_tool(path))
        await reviewed(desk, path.parent, dialect)
        return requests, desk.account.seen.as_json()["models"][dialect.model]

    requests, used = at_desk(Terms(), use)
    kinds = {"input": "input", "cache_read": "cache_read", "cache_write": "cache_write"}
    prices = {name: LISTED.cost(dialect.model, Usage(**{kind: 1_000_000}), now) for name, kind in kinds.items()}
    table = "\n".join(f"{name} = {price}" for name, price in prices.items())
    (tmp_path / "panel.toml").write_text(f'[prices."{dialect.model}"]\noutput = 0\n{table}\n')
    project = Project.open(tmp_path, {"model": dialect.model})
    expected, uncached = likely(project, requests, now), likely(project, requests, now, is_batched=True)

    assert 5 == len(requests)
    assert used["written"] > 4_000
    assert Decimal(used["billed"]) <= BAR * sum(int(used[kind]) for kind in ("fresh", "read", "written"))
    assert expected
    assert uncached
    assert expected <= BAR * uncached * 2
