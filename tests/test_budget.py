"""Money: what a call can cost at most, what a budget lets through, and what it refuses before anybody is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import made
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_cli import run
from vendor import ANTHROPIC, CHAT, DIALECTS, DROPPED, OPENAI, Answer, Call, Dialect, Tokens, Vendor

from panel.cli.spending import Spending
from panel.errors import GaveUp, InputError, ModelError, OverBudget, Rejected, Transient
from panel.estimate import bound
from panel.llm.budget import Budget, Budgeted
from panel.llm.fake import Fake
from panel.llm.model import said
from panel.llm.open import Providers
from panel.money import Prices
from panel.project import Project
from panel.request import Block, Reply, Request, Turn, Usage
from panel.settings import Settings
from panel.tables import PriceSettings, RetrySettings

NOW = datetime(2026, 11, 1, tzinfo=UTC)
TOML = """\
[servers]
lab = "https://lab.example/v1"
[prices."lab:qwen3:8b"]
input = 1
output = 4
cache_read = 9
cache_write = 3
[prices."lab:free"]
input = 0
output = 0
"""
MODELS = ("anthropic:claude-sonnet-5-5", "openai:gpt-6.1-sol", "lab:qwen3:8b")


@pytest.fixture(scope="module")
def priced(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Give a project that names the prices of a server of its own."""
    folder = tmp_path_factory.mktemp("priced")
    (folder / "panel.toml").write_text(TOML)
    return Project.open(folder, {})


def asking(model: str, *texts: str) -> Request:
    """Return a request that says these texts: the dossier, the seat, then turns."""
    dossier, seat, *turns = (*texts, "", "")[: max(2, len(texts))]
    return Request(
        model=model,
        parameters=made.PARAMETERS,
        system="You sit on a panel.",
        blocks=(Block(text=dossier, cache=True), Block(text=seat)),
        reply_schema={"type": "object"},
        turns=tuple(Turn(role="user", text=text) for text in turns),
    )


# The bound of a call


@given(st.data(), st.sampled_from(MODELS), st.lists(st.text(max_size=40), min_size=2, max_size=4))
def test_the_bound_is_a_bound(priced: Project, data: st.DataObject, model: str, texts: Sequence[str]) -> None:
    """No reply costs more, however its prompt's tokens are split, as long as there are no more of them than bytes."""
    request = asking(model, *texts)
    form = priced.prompts.form(request) if model.startswith("lab:") else ""
    most = sum(len(text.encode()) for text in (request.system, *texts, form)) + len('{"type":"object"}')
    total = data.draw(st.integers(0, most))
    read = data.draw(st.integers(0, total))
    written = data.draw(st.integers(0, total - read))
    output = data.draw(st.integers(0, request.parameters.max_tokens))
    usage = Usage(input=total - read - written, cache_read=read, cache_write=written, output=output)
    cost, highest = Prices(priced.settings.prices).cost(model, usage, NOW), bound(priced, request, NOW)

    assert cost is not None
    assert highest is not None
    assert Decimal(cost) <= highest <= Decimal(1)


def test_an_unknown_price_is_no_price(priced: Project) -> None:
    """A model that no list has costs an unknown amount; one that costs nothing costs nothing."""
    assert bound(priced, asking("openai:gpt-nobody-knows"), NOW) is None
    assert bound(priced, asking("lab:unlisted"), NOW) is None
    assert bound(priced, asking("lab:free"), NOW) == 0
    assert bound(priced, asking("fake:ship"), NOW) == 0


def test_own_prices_go_before_the_list() -> None:
    """The price of a model goes before that of its provider, and both before the vendor's list; halves are exact."""
    dear, cheap = (PriceSettings(input=Decimal(price), output=Decimal(2 * price)) for price in (10, 1))
    prices = Prices({"openai": dear, "openai:small": cheap})
    usage = Usage(input=500_000, cache_read=300_000, cache_write=200_000, output=1_000_000)

    assert ["30", "30", "3", "1.5"] == [
        prices.cost("openai:gpt-6.1-sol", usage, NOW),
        prices.cost("openai:unlisted", usage, NOW),
        prices.cost("openai:small", usage, NOW),
        prices.cost("openai:small", usage, NOW, is_batched=True),
    ]
    assert Prices().cost("anthropic:claude-sonnet-5-5", usage, NOW) == Prices({"openai": dear}).cost(
        "anthropic:claude-sonnet-5-5", usage, NOW
    )


# The budget


def costing(cost: str | None) -> Reply:
    """Return a reply that cost so much."""
    return said("{}", "fake:x").model_copy(update={"cost_usd": cost})


FATES = st.one_of(
    st.integers(0, 100).map(lambda cents: costing(f"{cents / 100:.2f}")),
    st.just(costing(None)),
    st.booleans().map(lambda charged: Transient("fault", may_be_charged=charged)),
    st.booleans().map(lambda charged: Rejected("no", may_be_charged=charged)),
)


@given(st.lists(FATES, max_size=30), st.integers(0, 2_000), st.integers(1, 5))
def test_no_reply_crosses_a_budget(fates: list[Reply | ModelError], cents: int, at_once: int) -> None:
    """Whatever replies cost up to their bound, and whatever fails: never more is spent than was allowed.

    Each call costs what it cost, and its bound where nobody knows; once one is refused none is made.
    """
    budget = Budget(Decimal(cents) / 100, lambda _: Decimal(1))
    fake = Fake(fates)
    model, refused = Budgeted(fake, budget), 0

    async def asked() -> None:
        nonlocal refused
        for start in range(0, len(fates), at_once):
            several = (model.ask(asking("fake:x")) for _ in fates[start : start + at_once])
            done = await asyncio.gather(*several, return_exceptions=True)
            refused += sum(isinstance(each, OverBudget) for each in done)
            assert budget.spent <= budget.most

    asyncio.run(asked())
    known = [Decimal(fate.cost_usd or 1) if isinstance(fate, Reply) else Decimal(fate.may_be_charged) for fate in fates]

    assert len(fates) == len(fake.asked) + refused
    assert (sum(known[: len(fake.asked)]), 0) == (budget.spent, budget.reserved)
    assert budget.is_over == (refused > 0)


def test_what_is_called_away_may_have_been_charged() -> None:
    """A call that is cancelled while it is under way counts as spent."""
    budget = Budget(Decimal(5), lambda _: Decimal(2))

    class Endless:
        async def ask(self, _: Request) -> Reply:
            return await asyncio.get_running_loop().create_future()

    async def cancelled() -> None:
        task = asyncio.create_task(Budgeted(Endless(), budget).ask(asking("fake:x")))
        await asyncio.sleep(0)
        assert 2 == budget.reserved
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(cancelled())

    assert (2, 0) == (budget.spent, budget.reserved)


ODD = {
    ANTHROPIC: {"content": [{"type": "text"}], "usage": "none"},
    OPENAI: {"output": [5]},
    CHAT: {"choices": [{"message": 5}]},
}


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_a_reply_that_can_t_be_read_was_paid_for(dialect: Dialect, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reply of another form than documented counts against the budget as much as it can have cost."""
    monkeypatch.setenv(dialect.key, "not-a-key")
    budget = Budget(Decimal(5), lambda _: Decimal(2))
    odd = Answer.of(dialect.body("{}") | ODD[dialect])

    async def ask() -> None:
        settings = Settings(retry=RetrySettings(attempts=1), timeout_s=10, servers={CHAT.prefix: f"{vendor.url}/v1"})
        async with Providers(settings, made.prompts(), around=lambda model: Budgeted(model, budget)) as providers:
            model = providers.open(dialect.model)
            assert model
            with pytest.raises((Rejected, GaveUp)):
                await model.ask(asking(dialect.model))

    with Vendor([odd]) as vendor:
        for name, value in vendor.environment.items():
            monkeypatch.setenv(name, value)
        asyncio.run(ask())

    assert (1, 2) == (len(vendor.calls), budget.spent)


# The command


AMOUNTS = ["", "five", "-1", "nan", "inf", "5 dollars", "1e400000", "9" * 60]


@pytest.mark.parametrize("amount", AMOUNTS)
def test_a_budget_is_an_amount_of_dollars(amount: str, priced: Project) -> None:
    """What is no amount is refused with what to write; dollars may have their sign."""
    with pytest.raises(InputError, match=r"write US dollars, such as 5\.00"):
        Spending.of(priced, amount)

    allowed = Spending.of(priced, "$5.50").budget
    assert allowed
    assert Decimal("5.5") == allowed.most


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a project of two masons and two tools, asked of Anthropic, with a quick policy; it is the working folder."""
    made.project(tmp_path, personas=2)
    (tmp_path / "panel.toml").write_text("[retry]\nattempts = 3\n")
    (tmp_path / "tools").mkdir()
    for name in ("plumb", "trowel"):
        text = made.DOSSIER.replace("plumb", name).replace("Plumb", name.title())
        (tmp_path / "tools" / f"{name}.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "not-a-key")
    monkeypatch.setenv("OPENAI_API_KEY", "not-a-key")
    monkeypatch.setattr("panel.llm.retry.FIRST_WAIT_S", 0.001)
    return tmp_path


def typed(vendor: Vendor, *arguments: str) -> tuple[int, str]:
    """Return how a review ends that is asked of a vendor, and all that it prints."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in vendor.environment.items():
            patch.setenv(name, value)
        done = run("review", *arguments)
    return done.exit_code, done.output


def sound(_: Call) -> Answer:
    """Answer with a take of a known price: some cents."""
    return ANTHROPIC.said(made.reply(), Tokens(fresh=5_000, output=1_000))


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("place", ["tools", "plumb.yaml"])
@pytest.mark.parametrize("model", ["anthropic:claude-sonnet-5-5", "openai:gpt-nobody-knows"])
def test_a_budget_refuses_before_the_first_call(place: str, model: str) -> None:
    """Where a run could cost more, or nobody knows what, it ends with exit 4 and the reason; nobody was asked."""
    with Vendor(sound) as vendor:
        code, printed = typed(vendor, place, "--budget", "0.50", "--model", model)

    assert (4, []) == (code, vendor.calls)
    assert ("the price of a model is not known" if "nobody" in model else "this could cost $") in printed
    assert "nothing was asked" in printed
    assert not Path("runs/ledger").exists()


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("place", ["tools", "plumb.yaml"])
def test_a_budget_stops_before_the_call_that_would_cross_it(place: str) -> None:
    """Calls whose fate nobody knows count in full, retries too: when the next does not fit it is not made; exit 4.

    What was answered by then is kept, and is not asked again with a larger budget.
    """
    with Vendor(lambda _: DROPPED) as vendor:
        code, printed = typed(vendor, place, "--budget", "2" if place == "tools" else "1")
        first = len(vendor.calls)
    with Vendor(sound) as vendor:
        again = typed(vendor, place, "--budget", "9")

    assert 4 == code, printed
    assert (11 if place == "tools" else 5) == first
    assert "of the budget of $" in printed
    assert "above it" not in printed
    assert (0, 4 if place == "tools" else 2) == (again[0], len(vendor.calls)), again
    assert "of the budget of $9 is spent at most" in again[1]
