"""Fallbacks, servers, limits: which models a project opens, who stands in for whom, and what the record says of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import made
import pytest
from clock import Ticker
from test_wire import turned_to
from vendor import ANTHROPIC, CHAT, OPENAI, Answer, Call, Dialect, Script, Tokens, Vendor

from panel.errors import GaveUp, ModelError, SettingsError, Transient, Waiting
from panel.llm.fake import Fake
from panel.llm.fallback import Fallback
from panel.llm.limit import Limit
from panel.llm.open import Providers, key_of
from panel.llm.retry import Retrying
from panel.pipeline import Reviewed, review_tool
from panel.project import Project
from panel.provider import FIXED, LOCAL, Provider, is_loopback, providers
from panel.request import Attempt, Block, Parameters, Reply, Request, Stop
from panel.settings import LimitSettings, RetrySettings
from panel.tool import read_tool

REQUEST = Request(
    model="a:one",
    parameters=Parameters(max_tokens=4000),
    system="You sit on a panel.",
    blocks=(Block(text="# Dossier"),),
    reply_schema={},
)


def ask(first: Fake, **others: Fake) -> Reply | ModelError:
    """Return what comes of the request where `others` stand in, in their order, for the first."""
    named = {f"{name}:x": model for name, model in others.items()}
    try:
        return asyncio.run(Fallback(first, named).ask(REQUEST))
    except ModelError as error:
        return error


def outcome(reply: Reply | ModelError) -> Reply:
    """Return the reply; an error in its place fails the test."""
    assert isinstance(reply, Reply), reply
    return reply


def test_the_first_that_answers_counts() -> None:
    """Each fallback is asked its own model in its turn, and whoever answers first ends it."""
    first, second, third = Fake([GaveUp("down")]), Fake([Transient("busy")]), Fake(["hello"])
    reply = outcome(ask(first, b=second, c=third, d=Fake([])))

    assert ("hello", "c:x") == (reply.text, reply.answered_by)
    assert ["a:one", "b:x", "c:x"] == [model.asked[0].model for model in (first, second, third)]


def test_every_attempt_is_told_with_its_model() -> None:
    """The reply of a fallback holds the faults before it, numbered on, each with the model that was tried."""
    attempts = outcome(ask(Fake([GaveUp("down")]), b=Fake([GaveUp("off")]), c=Fake(["hello"]))).attempts

    assert [
        Attempt(number=1, waited_s=0, error="down"),
        Attempt(number=2, waited_s=0, error="off", model="b:x"),
        Attempt(number=3, waited_s=0, model="c:x"),
    ] == list(attempts)
    assert [False, False, True] == [attempt.is_fallback for attempt in attempts]


def test_a_reply_of_the_model_asked_says_nothing_of_fallbacks() -> None:
    """Where the first answers, its reply is as it came, and its attempt is written without a model."""
    reply = outcome(ask(Fake(["hello"]), b=Fake([])))

    assert (Attempt(number=1, waited_s=0),) == reply.attempts
    assert {"number", "waited_s", "error"} == set(reply.attempts[0].model_dump())


def test_a_refusal_is_an_answer() -> None:
    """A refusal stands: nobody is asked for a more willing model."""
    refusal = Reply(text="", stop=Stop.REFUSED, answered_by="a:one", recorded_at="2026-05-01T12:00:00Z")

    assert refusal == ask(Fake([refusal]), b=Fake([]))


def test_each_fault_is_told_when_the_next_one_is_asked() -> None:
    """Who watches is told of every fault before the reply, with its number and the model that was tried."""
    told: list[tuple[int, str | None, str | None]] = []
    chain = Fallback(
        Fake([GaveUp("down")]),
        {"b:x": Fake([GaveUp("off")]), "c:x": Fake(["hello"])},
        lambda _, attempt: told.append((attempt.number, attempt.model, attempt.error)),
    )
    asyncio.run(chain.ask(REQUEST))

    assert [(1, None, "down; asking b:x instead"), (2, "b:x", "off; asking c:x instead")] == told


def test_a_person_is_waited_for() -> None:
    """Somebody who has not answered yet is no fault that a model could stand in for."""
    assert isinstance(ask(Fake([Waiting("later")]), b=Fake([])), Waiting)


def test_where_nobody_answers_all_faults_are_told() -> None:
    """The error names every model with its fault."""
    assert "a:one: down; b:x: off" == str(ask(Fake([GaveUp("down")]), b=Fake([GaveUp("off")])))


# In a project


def reviewed(folder: Path, toml: str, script: Script, *keys: Dialect) -> tuple[Reviewed, Sequence[Call]]:
    """Return a live review of Plumb by one mason, with keys for these vendors, and its calls; nothing is retried."""
    made.project(folder, personas=1)
    with Vendor(script) as vendor, turned_to(vendor), pytest.MonkeyPatch.context() as patch:
        for dialect in keys:
            patch.setenv(dialect.key, "not-a-key")
        server = f'[servers]\nlab = "{vendor.url}/v1"\n[retry]\nattempts = 1\n'
        (folder / "panel.toml").write_text(toml + server)
        project = Project.open(folder, {})

        async def inside() -> Reviewed:
            async with Providers(project.settings, project.prompts) as opened:
                return await review_tool(project, read_tool(folder / "plumb.yaml"), opened)

        return asyncio.run(inside()), vendor.calls


def only(dialect: Dialect) -> Script:
    """Return a script in which one vendor answers and all others are down."""
    sound = dialect.said(made.reply(), Tokens(fresh=100_000, output=0))

    def answer(call: Call) -> Answer:
        return sound if call.dialect is dialect else call.dialect.fault(503, "down")

    return answer


def test_a_fallback_answers_for_the_model_asked_and_the_record_says_so(tmp_path: Path) -> None:
    """The reply is recorded for the model asked, with who answered, at that one's price, and the page discloses it."""
    toml = f'model = "{ANTHROPIC.model}"\nfallbacks = ["{OPENAI.model}", "{CHAT.model}"]\n'
    done, calls = reviewed(tmp_path, toml, only(OPENAI), ANTHROPIC, OPENAI)
    (ask,) = done.review.seats[0].asks

    assert [ANTHROPIC, OPENAI] == [call.dialect for call in calls]
    assert (ANTHROPIC.model, OPENAI.model, "0.2") == (ask.asked, ask.answered_by, ask.cost_usd)
    assert "fallback" in [disclosure.kind for disclosure in done.review.verdict.disclosures]


def test_what_a_fallback_answered_is_not_asked_again(tmp_path: Path) -> None:
    """The next review finds the reply by the model asked, and asks nobody."""
    toml = f'model = "{ANTHROPIC.model}"\nfallbacks = ["{OPENAI.model}"]\n'
    reviewed(tmp_path, toml, only(OPENAI), ANTHROPIC, OPENAI)
    _, calls = reviewed(tmp_path, toml, only(ANTHROPIC), ANTHROPIC, OPENAI)

    assert [] == calls


def test_a_fallback_without_a_key_is_passed_over(tmp_path: Path) -> None:
    """A fallback whose key is not set is left out, and the next one answers: on this machine, for nothing."""
    toml = f'model = "{ANTHROPIC.model}"\nfallbacks = ["{OPENAI.model}", "{CHAT.model}"]\n'
    done, calls = reviewed(tmp_path, toml, only(CHAT), ANTHROPIC)

    assert [ANTHROPIC, CHAT] == [call.dialect for call in calls]
    assert "0" == done.review.seats[0].asks[0].cost_usd


def test_a_panel_of_two_families_asks_each_seat_of_its_own(tmp_path: Path) -> None:
    """A seat that panel.toml gives a model of its own is asked of it; no disclosure calls the panel one mind."""
    toml = f'model = "{ANTHROPIC.model}"\n[models]\nmason0 = "{CHAT.model}"\n'
    done, calls = reviewed(tmp_path, toml, only(CHAT), ANTHROPIC)

    assert [CHAT] == [call.dialect for call in calls]
    assert CHAT.model == done.review.seats[0].asks[0].answered_by


# Providers


@pytest.mark.parametrize(
    ("name", "environ", "expected"),
    [
        pytest.param("anthropic", {}, None, id="a vendor without its key"),
        pytest.param("anthropic", {"ANTHROPIC_API_KEY": " k1 "}, "k1", id="a vendor with it"),
        pytest.param("ollama", {}, "", id="a server needs none"),
        pytest.param("lab", {"PANEL_KEY_LAB": "k2"}, "k2", id="a server with one"),
        pytest.param("lab", {"OPENAI_API_KEY": "k3"}, "", id="no other secret goes to a server"),
        pytest.param("my-lab", {"PANEL_KEY_MY_LAB": "k4"}, "k4", id="a hyphen is an underscore"),
        pytest.param("manual", {}, "", id="a person"),
    ],
)
def test_whose_key_is_which(name: str, environ: dict[str, str], expected: str | None) -> None:
    """A vendor's key is in the vendor's variable, a server's in one that is named by the server."""
    known = providers({"lab": "https://lab.example/v1", "my-lab": "https://my.example/v1"})

    assert expected == key_of(known[name], environ)


@pytest.mark.parametrize(
    ("url", "is_refused"),
    [
        pytest.param("http://lab.example/v1", True, id="in the open"),
        pytest.param("https://lab.example/v1", False, id="https"),
        pytest.param("http://127.0.0.1:9/v1", False, id="this machine"),
        pytest.param("http://[::1]:9/v1", False, id="this machine by IPv6"),
        pytest.param("http://localhost:9/v1", False, id="this machine by name"),
        pytest.param("http://127.0.0.1.evil.example/v1", True, id="an address that looks like it"),
        pytest.param("http://localhost.evil.example/v1", True, id="a name that looks like it"),
    ],
)
def test_a_key_never_travels_in_the_open(url: str, is_refused: bool) -> None:
    """A key for a server that is neither here nor behind https is refused, without being shown."""
    server, environ = providers({"lab": url})["lab"], {"PANEL_KEY_LAB": "planted-key"}
    if not is_refused:
        assert "planted-key" == key_of(server, environ)
        return
    with pytest.raises(SettingsError, match="in the open") as caught:
        key_of(server, environ)
    assert "planted-key" not in str(caught.value)


@pytest.mark.parametrize("provider", [*providers({}).values()], ids=lambda provider: provider.name)
def test_the_table_of_providers_is_sound(provider: Provider) -> None:
    """A provider that needs a key says where; an example is a model of it; only servers have addresses that are set."""
    assert provider.key or not provider.needs_key
    assert provider.example is None or provider.example.startswith(f"{provider.name}:")
    assert (provider.speaks == "chat") == (provider.url is not None)
    assert provider.name in FIXED or is_loopback(LOCAL[provider.name])


@pytest.mark.parametrize("most", [1, 3])
def test_a_limited_model_is_asked_a_few_things_at_a_time(most: int) -> None:
    """Of ten requests at once never more than the limit are under way, and all are answered."""
    under_way, highest = 0, 0

    class Slow:
        async def ask(self, request: Request) -> Reply:
            nonlocal under_way, highest
            under_way += 1
            highest = max(highest, under_way)
            for _ in range(3):
                await asyncio.sleep(0)
            under_way -= 1
            return Reply(text=str(request.sample), answered_by="a:b", recorded_at="2026-05-01T12:00:00Z")

    async def all_at_once() -> list[str]:
        model = Retrying(Slow(), Limit(fixed=LimitSettings(concurrency=most)))
        replies = await asyncio.gather(
            *(model.ask(REQUEST.model_copy(update={"sample": number})) for number in range(1, 11))
        )
        return [reply.text for reply in replies]

    assert [str(number) for number in range(1, 11)] == asyncio.run(all_at_once())
    assert most == highest


def test_the_deadline_of_a_request_does_not_run_while_it_waits_for_its_place() -> None:
    """A request that queues for a server of one place has its whole deadline left when its turn comes."""
    ticker, faults = Ticker(), {"sample 3": 1}

    class Slow:
        async def ask(self, request: Request) -> Reply:
            await ticker.sleep(8)
            if faults.pop(f"sample {request.sample}", None):
                raise Transient("hiccup")
            return Reply(text="ok", answered_by="a:b", recorded_at="2026-05-01T12:00:00Z")

    async def all_at_once() -> list[Reply]:
        policy = RetrySettings(deadline_s=20)
        limit = Limit(ticker.clock, LimitSettings(concurrency=1))
        model = Retrying(Slow(), limit, policy, ticker.clock)
        requests = [REQUEST.model_copy(update={"sample": number}) for number in (1, 2, 3)]
        return list(await asyncio.gather(*map(model.ask, requests)))

    assert ["ok"] * 3 == [reply.text for reply in asyncio.run(all_at_once())]


@pytest.mark.parametrize("name", ["fake:ship", "manual:chat"])
def test_what_gives_no_opinion_is_no_fallback(tmp_path: Path, name: str) -> None:
    """A stand-in or a person can't be named as a fallback: an outage must not be recorded as a take."""
    made.project(tmp_path)
    (tmp_path / "panel.toml").write_text(f'fallbacks = ["{name}"]\n')
    with pytest.raises(SettingsError, match="can't stand in for a model"):
        Project.open(tmp_path, {})


@pytest.mark.parametrize("url", ["http://[bad", "http://127.0.0.1:99999/v1", "http://:80/v1"])
def test_an_address_that_is_none_is_refused_with_its_place(tmp_path: Path, url: str) -> None:
    """An address that no connection could use is told with file, line and key before anything is tried."""
    made.project(tmp_path)
    (tmp_path / "panel.toml").write_text(f'[servers]\nlab = "{url}"\n')
    with pytest.raises(SettingsError) as caught:
        Project.open(tmp_path, {})

    assert str(caught.value).startswith(f"{tmp_path / 'panel.toml'}:2: servers.lab: ")


def test_an_outage_replaces_no_recorded_take(tmp_path: Path) -> None:
    """Where a seat that was heard can't be asked, its recorded take stands, and the run says so and is not whole."""
    toml = f'model = "{CHAT.model}"\n'
    before, _ = reviewed(tmp_path, toml, only(CHAT))
    path = tmp_path / "plumb.yaml"
    text = path.read_text()
    reviewed_again = made.DOSSIER.replace("A plumb line", "A better plumb line")
    assert text != reviewed_again
    with Vendor(only(ANTHROPIC)) as vendor, turned_to(vendor):
        (tmp_path / "panel.toml").write_text(f'{toml}[servers]\nlab = "{vendor.url}/v1"\n[retry]\nattempts = 1\n')
        path.write_text(reviewed_again)
        project = Project.open(tmp_path, {})

        async def inside() -> Reviewed:
            async with Providers(project.settings, project.prompts) as opened:
                return await review_tool(project, read_tool(path), opened)

        after = asyncio.run(inside())

    assert before.review.seats[0].take == after.review.seats[0].take
    assert ["failed"] == [note.kind for note in after.notes]
    assert not after.is_whole
    assert "stale" in [disclosure.kind for disclosure in after.review.verdict.disclosures]


def test_an_outage_with_a_torn_record_leaves_the_seat_failed(tmp_path: Path) -> None:
    """Where the recorded take can't be read either, the seat is absent with the provider's fault as its reason."""
    toml = f'model = "{CHAT.model}"\n'
    before, _ = reviewed(tmp_path, toml, only(CHAT))
    for path in (tmp_path / "runs" / "ledger").glob("??/*.json"):
        path.unlink()
    before.paths[0].write_text("{")
    after, _ = reviewed(tmp_path, toml, only(ANTHROPIC))

    assert "absent" == after.review.seats[0].status
    assert "503" in (after.review.seats[0].reason or "")
