"""`panel cost`: what the replies of a ledger cost, and what was saved, recomputed here by hand."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import made
import pytest
from typer.testing import CliRunner, Result

from panel.cli.app import app
from panel.llm.ledger import Ledger
from panel.llm.model import said
from panel.request import Reply, Request, Usage

MODEL = "lab:thinker"
PRICES = """\
[servers]
lab = "http://127.0.0.1:9/v1"
[prices."lab:thinker"]
input = 2
output = 10
cache_read = 0.2
cache_write = 2.5
"""


def run(*arguments: str) -> Result:
    """Return how a command ends."""
    return CliRunner().invoke(app, ["cost", *arguments])


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """Return the empty ledger of a project whose model has prices of its own."""
    made.project(tmp_path)
    (tmp_path / "panel.toml").write_text(PRICES)
    monkeypatch.chdir(tmp_path)
    return Ledger(tmp_path / "runs" / "ledger")


def kept(ledger: Ledger, number: int, usage: Usage, cost: str | None, **changes: object) -> Request:
    """Record a reply and return its request."""
    request = made.question(ledger.folder.parent.parent, MODEL).request(number)
    reply = said("text", MODEL).model_copy(update={"usage": usage, "cost_usd": cost, **changes})
    ledger.keep(request, Reply.model_validate(reply.model_dump(by_alias=True)))
    return request


def test_what_was_paid_and_saved_is_told(ledger: Ledger) -> None:
    """Costs are summed to the last digit; a read from the cache saved its difference, a batch the half that it cost."""
    kept(ledger, 1, Usage(input=100, cache_read=1_000_000, output=0), "0.2002")
    kept(ledger, 2, Usage(input=1_000_000), "1", batch="batch_1")
    kept(ledger, 3, Usage(input=5), None)
    told = json.loads(run("--json").stdout)["whole"]

    assert ("1.2002", 1, 3) == (told["cost_usd"], told["of_unknown_price"], told["replies"])
    assert Decimal("1.8") == Decimal(told["saved_by_cache_usd"])
    assert Decimal(1) == Decimal(told["saved_by_batch_usd"])
    assert {"input": 1_000_105, "cache_read": 1_000_000, "cache_write": 0, "output": 0} == told["tokens"]


def test_writing_a_cache_that_nobody_reads_saves_less_than_nothing(ledger: Ledger) -> None:
    """A cache that was only written cost more than none, and that is said with its sign."""
    kept(ledger, 1, Usage(cache_write=1_000_000), "2.5")

    assert "-0.5" == json.loads(run("--json").stdout)["whole"]["saved_by_cache_usd"]
    assert "saved -$0.5000 by the vendors' caches" in run().stdout


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("model", {MODEL}),
        ("seat", {"mason"}),
        ("tool", {"plumb"}),
        ("take", {"plumb: mason", "plumb: mason 2"}),
    ],
)
def test_sums_by_what_was_asked_for(ledger: Ledger, by: str, names: set[str]) -> None:
    """Each way of summing has one part a name, and the parts make the whole."""
    kept(ledger, 1, Usage(output=1), "0.5")
    kept(ledger, 2, Usage(output=2), "0.25")
    told = json.loads(run("--by", by, "--json").stdout)

    assert names == set(told[by])
    assert Decimal("0.75") == sum(Decimal(part["cost_usd"]) for part in told[by].values())


def test_a_carried_reply_was_paid_for_once(ledger: Ledger) -> None:
    """What was carried over a change of form is not counted again."""
    kept(ledger, 1, Usage(output=1), "0.5")
    kept(ledger, 2, Usage(output=1), "0.5", carried_from="sha256:" + "0" * 64)

    assert "0.5" == json.loads(run("--json").stdout)["whole"]["cost_usd"]


def test_one_tool_and_since_a_day(ledger: Ledger) -> None:
    """Only the tools that are named count, and only what was answered since a day; a day that is none is refused."""
    kept(ledger, 1, Usage(output=1), "0.5", recorded_at="2026-05-01T00:00:00Z")
    kept(ledger, 2, Usage(output=1), "0.25", recorded_at="2026-06-01T00:00:00Z")

    assert "0.25" == json.loads(run("plumb", "--since", "2026-05-02", "--json").stdout)["whole"]["cost_usd"]
    assert "0" == json.loads(run("anvil", "--json").stdout)["whole"]["cost_usd"]
    assert 2 == run("--since", "yesterday").exit_code


def test_what_is_not_sound_is_left_out_and_named(ledger: Ledger) -> None:
    """A recording that was changed is named, the rest is summed, and the exit code is 2."""
    kept(ledger, 1, Usage(output=1), "0.5")
    torn = ledger.path(kept(ledger, 2, Usage(output=1), "0.25").identity)
    torn.write_text(torn.read_text().replace("0.25", "0.01"))
    done = run("--json")

    assert 2 == done.exit_code
    assert "0.5" == json.loads(done.stdout)["whole"]["cost_usd"]
    assert torn.name in done.stderr
