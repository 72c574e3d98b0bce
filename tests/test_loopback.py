"""The server of the benchmarks: limits, prompt caches, headers, faults and counts are what it says, to both SDKs."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from inspect import isawaitable
from pathlib import Path
from typing import Any

import anthropic
import anyio
import httpx2
import made
import openai
import pytest
import wire
from account import FAULTS, Account, Terms
from buckets import Bucket
from caching import Cache, Part, Rules, prefixes
from hypothesis import given
from hypothesis import strategies as st
from loopback import Loopback, serving
from vendor import ANTHROPIC, DIALECTS, OPENAI, Dialect

from panel.ask import ask_seat
from panel.llm.live import Line, connect
from panel.money import LISTED
from panel.request import Usage

LONG = "A plumb line for data pipelines. " * 200
"""A dossier of 1,650 tokens."""

both = pytest.mark.parametrize("dialect", [ANTHROPIC, OPENAI], ids=lambda dialect: dialect.name)


@dataclass
class Desk:
    """An account behind a loopback server, with both SDKs before it; time passes by their sleeping alone."""

    account: Account
    url: str
    http: httpx2.AsyncClient
    at: list[float]
    slept: list[float] = field(default_factory=list)

    async def ask(self, dialect: Dialect, seat: str = "seat", retries: int = 0) -> Any:
        """Return what an SDK returns with its headers, where `seat` is asked behind a long dossier."""
        if dialect is ANTHROPIC:
            client = anthropic.AsyncAnthropic(
                api_key="x", base_url=self.url, http_client=self.http, max_retries=retries
            )
            mark, content = {"cache_control": {"type": "ephemeral"}}, {"type": "text", "text": LONG}
            blocks: Any = [{**content, **mark}, {"type": "text", "text": seat}]
            return await client.messages.with_raw_response.create(
                model="claude-sonnet-5-5", max_tokens=100, messages=[{"role": "user", "content": blocks}]
            )
        other = openai.AsyncOpenAI(api_key="x", base_url=f"{self.url}/v1", http_client=self.http, max_retries=retries)
        mark, content = {"prompt_cache_breakpoint": {"mode": "explicit"}}, {"type": "input_text", "text": LONG}
        parts: Any = [{**content, **mark}, {"type": "input_text", "text": seat}]
        return await other.responses.with_raw_response.create(
            model="gpt-6.1-sol", input=[{"role": "user", "content": parts}], prompt_cache_options={"mode": "explicit"}
        )

    async def used(self, dialect: Dialect, seat: str = "seat") -> tuple[int, int]:
        """Return the tokens that such a request reads from the cache and writes to it, as its SDK tells."""
        usage = (await parsed(await self.ask(dialect, seat))).usage
        if dialect is ANTHROPIC:
            return usage.cache_read_input_tokens, usage.cache_creation_input_tokens
        return usage.input_tokens_details.cached_tokens, usage.input_tokens_details.cache_write_tokens


async def parsed(answered: Any) -> Any:
    """Return the reply in what an SDK returned with its headers."""
    reply = answered.parse()
    return await reply if isawaitable(reply) else reply


def at_desk(terms: Terms, use: Callable[[Desk], Awaitable[Any]]) -> Any:
    """Return what `use` makes of a server with these terms."""

    async def inside() -> Any:
        at = [0.0]
        listener, url = await serving(account := Account(terms, lambda: at[0]))
        async with listener, httpx2.AsyncClient(timeout=60, trust_env=False) as http:
            desk = Desk(account, url, http, at)

            async def sleep(seconds: float) -> None:
                desk.slept.append(seconds)
                at[0] += seconds

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(anyio, "sleep", sleep)
                return await use(desk)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl.SSLContext, "load_verify_locations", lambda *_, **__: None)
        return asyncio.run(inside())


@given(st.integers(1, 20), st.integers(1, 5), st.lists(st.tuples(st.integers(0, 900), st.integers(1, 5)), max_size=40))
def test_a_bucket_is_exact_to_one_token(rate: int, most: int, asked: Sequence[tuple[int, int]]) -> None:
    """It lets in what exact arithmetic lets in, whatever comes when, and what it tells to wait is the exact time."""
    bucket, now, level = Bucket(60 * rate, most), 0, Fraction(most)

    for pause_ms, tokens in asked:
        now += pause_ms
        level = min(Fraction(most), level + Fraction(rate * pause_ms, 1000))
        wait = bucket.wait(tokens, now / 1000)

        assert (wait == 0) == (level >= tokens)
        if 0 < wait < float("inf"):
            assert wait == pytest.approx(float((tokens - level) / rate))
        assert (wait == float("inf")) == (tokens > most)
        if not wait:
            bucket.take(tokens, now / 1000)
            level -= tokens


@both
def test_so_many_requests_come_through_as_the_limit_says(dialect: Dialect) -> None:
    """Of 10 at once a burst of 5 comes through; 2 s later at 60 a minute, 2 more of 10."""

    async def use(desk: Desk) -> list[int]:
        through = []
        for later in (0, 2):
            desk.at[0] += later
            outcomes = await asyncio.gather(*(desk.ask(dialect) for _ in range(10)), return_exceptions=True)
            assert {anthropic.RateLimitError, openai.RateLimitError} >= {
                type(each) for each in outcomes if isinstance(each, Exception)
            }
            through.append(sum(not isinstance(each, Exception) for each in outcomes))
        counts = desk.account.seen.as_json()
        assert (counts["requests"], counts["refused"], counts["answered"]) == (20, 13, 7)
        return through

    assert [5, 2] == at_desk(Terms(rpm=60, burst=5), use)


@both
def test_an_sdk_waits_as_long_as_it_is_told(dialect: Dialect) -> None:
    """Each form of Retry-After is understood by the SDK that gets it; the wait is long enough, and not longer."""

    async def use(desk: Desk) -> list[float]:
        for told in ("whole", "exact", "ms", "full"):
            desk.account.terms = Terms(rpm=24, burst=1, told=told)
            desk.account.reset()
            await desk.ask(dialect)
            await desk.ask(dialect, retries=1)
        return desk.slept

    assert [3, 2.5, 2.5, 3] == pytest.approx(at_desk(Terms(), use), abs=1e-3)


def test_anthropic_s_headers_tell_of_every_limit() -> None:
    """Limits, what is left and when they are full again come in Anthropic's names and forms."""

    async def use(desk: Desk) -> tuple[Any, int]:
        answered = await desk.ask(ANTHROPIC)
        return answered.headers, (await parsed(answered)).usage.output_tokens

    headers, output = at_desk(Terms(rpm=60, input_tpm=10_000, output_tpm=2_000, told="full"), use)
    stem = "anthropic-ratelimit"
    told = {
        name: [headers[f"{stem}-{name}-{part}"] for part in ("limit", "remaining")]
        for name in ("requests", "input-tokens", "output-tokens", "tokens")
    }
    reset = datetime.fromisoformat(headers[f"{stem}-input-tokens-reset"])

    assert told["requests"] == ["60", "59"]
    assert told["input-tokens"] == ["10000", str(10_000 - len(LONG + "seat") // 4)]
    assert told["output-tokens"] == ["2000", str(2_000 - output)]
    assert told["tokens"] == min(
        (told["input-tokens"], told["output-tokens"]), key=lambda two: int(two[1]) / int(two[0])
    )
    assert timedelta(0) < reset - datetime.now(UTC) <= timedelta(seconds=12)


def test_openai_s_headers_tell_of_both_limits() -> None:
    """Limits, what is left and how long until they are full come in OpenAI's names and forms; one holds all tokens."""

    async def use(desk: Desk) -> tuple[Any, int]:
        answered = await desk.ask(OPENAI)
        return answered.headers, (await parsed(answered)).usage.total_tokens

    headers, tokens = at_desk(Terms(rpm=600, input_tpm=60_000, told="full"), use)

    told = [headers[f"x-ratelimit-{part}-requests"] for part in ("limit", "remaining", "reset")]
    assert told == [
        "600",
        "599",
        "100ms",
    ]
    assert [headers[f"x-ratelimit-{part}-tokens"] for part in ("limit", "remaining")] == ["60000", str(60_000 - tokens)]
    assert headers["x-ratelimit-reset-tokens"] == wire.duration(tokens / 1000)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (0.02, "20ms"), (1, "1s"), (8.64, "8.64s"), (360, "6m0s"), (3723.5, "1h2m3.5s")]
)
def test_times_are_written_as_openai_writes_them(seconds: float, text: str) -> None:
    """Milliseconds, seconds, minutes and hours have the form of Go's durations."""
    assert text == wire.duration(seconds)


@both
def test_a_prompt_can_be_read_once_its_reply_has_begun(dialect: Dialect) -> None:
    """Five at once on a cold cache all write; once one was answered, others read, until nobody has for a time."""
    life = 300 if dialect is ANTHROPIC else 1_800
    shared = len(LONG) // 4

    async def use(desk: Desk) -> list[tuple[int, int]]:
        await asyncio.gather(*(desk.ask(dialect, seat) for seat in "abcde"))
        found = []
        for later in (1, life - 1, life - 1, life + 1):
            desk.at[0] += later
            found.append(await desk.used(dialect, "another"))
        (used,) = desk.account.seen.tokens.values()
        assert used["written"] == 6 * shared
        assert used["read"] == 3 * shared
        return found

    read, written = (shared, 0), (0, shared)
    assert [read, read, read, written] == at_desk(Terms(latency=0.001), use)


@dataclass(frozen=True)
class Prompt:
    """A second prompt after a first one whose reply has begun, and what it reads."""

    why: str
    rules: Rules
    first: Sequence[Part]
    second: Sequence[Part]
    read: int
    written: int


NEAR, EXACT = (replace(vendor.rules, fewest=10) for vendor in (wire.ANTHROPIC, wire.OPENAI))
A, B, C = ("a" * 40, "b" * 40, "c" * 40)
PROMPTS = (
    Prompt(
        "the same up to the mark", EXACT, [Part(A, is_marked=True), Part(B)], [Part(A, is_marked=True), Part(C)], 10, 0
    ),
    Prompt(
        "a mark further on reads the earlier one",
        NEAR,
        [Part(A, is_marked=True)],
        [Part(A), Part(B, is_marked=True)],
        10,
        10,
    ),
    Prompt("exactly, it reads nothing", EXACT, [Part(A, is_marked=True)], [Part(A), Part(B, is_marked=True)], 0, 20),
    Prompt(
        "20 parts back", NEAR, [Part(A, is_marked=True)], [Part(A), *[Part(B)] * 18, Part(C, is_marked=True)], 10, 190
    ),
    Prompt(
        "too far back", NEAR, [Part(A, is_marked=True)], [Part(A), *[Part(B)] * 19, Part(C, is_marked=True)], 0, 210
    ),
    Prompt("no mark, nothing kept", NEAR, [Part(A), Part(B)], [Part(A), Part(B)], 0, 0),
    Prompt("too short to be kept", NEAR, [Part("a" * 39, is_marked=True)], [Part("a" * 39, is_marked=True)], 0, 0),
    Prompt("another beginning", NEAR, [Part(A), Part(B, is_marked=True)], [Part(C), Part(B, is_marked=True)], 0, 20),
    Prompt("cut elsewhere", EXACT, [Part(A + B, is_marked=True)], [Part(A), Part(B, is_marked=True)], 0, 20),
)


@pytest.mark.parametrize("prompt", PROMPTS, ids=lambda prompt: prompt.why)
def test_what_is_kept_of_a_prompt(prompt: Prompt) -> None:
    """A prompt is kept up to its marks and read by the vendor's rule, and each of its tokens is counted once."""
    cache, second = Cache(prompt.rules), prefixes("model", prompt.second)

    cache.keep(prefixes("model", prompt.first), 0, 1)
    spent = cache.spent(second, 1)

    assert (spent.read, spent.written) == (prompt.read, prompt.written)
    assert spent.total == sum(len(part.text) for part in prompt.second) // 4
    assert cache.spent(prefixes("another model", prompt.second), 1).read == 0
    assert cache.spent(second, 0.5).read == 0


@both
def test_prompts_are_billed_at_the_prices_of_the_vendor(dialect: Dialect) -> None:
    """Tokens that were written and read count as much as the price list says beside fresh ones."""

    async def use(desk: Desk) -> Any:
        await desk.ask(dialect)
        await desk.ask(dialect)
        return desk.account.seen.as_json()["models"][dialect.model]

    used = at_desk(Terms(), use)
    each = {"input": used["fresh"], "cache_read": used["read"], "cache_write": used["written"]}
    now = datetime.now(UTC)
    paid = LISTED.cost(dialect.model, Usage(**each), now)
    fresh = LISTED.cost(dialect.model, Usage(input=10_000), now)

    assert used["read"] == used["written"] > 0
    assert paid
    assert fresh
    assert used["billed"] == pytest.approx(float(paid) / float(fresh) * 10_000)


FAULTY: dict[str, tuple[type[Exception], type[Exception]]] = {
    "429": (anthropic.RateLimitError, openai.RateLimitError),
    "500": (anthropic.InternalServerError, openai.InternalServerError),
    "503": (anthropic.InternalServerError, openai.InternalServerError),
    "529": (anthropic.InternalServerError, openai.InternalServerError),
    "drop": (anthropic.APIConnectionError, openai.APIConnectionError),
    "hang": (anthropic.APITimeoutError, openai.APITimeoutError),
    "cut": (anthropic.APIConnectionError, openai.APIConnectionError),
}


@both
def test_faults_are_what_the_sdks_take_them_for(dialect: Dialect) -> None:
    """Each fault makes an SDK raise what it raises for such a fault, and is counted under its name."""

    async def use(desk: Desk) -> dict[str, int]:
        for kind, raised in FAULTY.items():
            desk.http.timeout = httpx2.Timeout(60, read=0.05 if kind == "hang" else 60)
            desk.account.terms = Terms(faults=1, kinds=kind)
            with pytest.raises(raised[dialect is OPENAI]):
                await desk.ask(dialect)
        return desk.account.seen.as_json()["faults"]

    assert dict.fromkeys(FAULTY, 1) == at_desk(Terms(), use)


def test_garbage_is_no_reply() -> None:
    """A page in the place of a reply has status 200 and is no message."""

    async def use(desk: Desk) -> Any:
        answered = await desk.ask(ANTHROPIC)
        return answered.http_response.status_code, answered.http_response.text

    status, text = at_desk(Terms(faults=1, kinds="garbage"), use)

    assert 200 == status
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(text)


def test_faults_are_drawn_by_the_seed() -> None:
    """Of many requests the share that was asked for fails, of all kinds, and the same ones for the same seed."""
    one, same, other = (Account(Terms(faults=0.3, seed=seed)) for seed in (1, 1, 2))

    drawn, again, others = ([each.chance() for _ in range(2_000)] for each in (one, same, other))

    assert drawn == again != others
    assert 0.27 < sum(fate != "answered" for fate in drawn) / 2_000 < 0.33
    assert {*drawn} == {*FAULTS, "answered"}
    assert {*FAULTS} == {*FAULTY, "garbage"}  # none is left out above


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_what_it_answers_is_a_take(dialect: Dialect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A critic that asks it through Panel's own adapters is heard, in each protocol, without a repair."""
    question = made.question(tmp_path, dialect.model)

    async def use(desk: Desk) -> Any:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", desk.url)
        monkeypatch.setenv("OPENAI_BASE_URL", f"{desk.url}/v1")
        model = connect(dialect.provider(desk.url), "x", Line(desk.http, lambda _: "One JSON object."))
        return await ask_seat(question, model, 1)

    seat = at_desk(Terms(), use)

    assert "heard" == seat.status
    assert 1 == len(seat.asks)


def test_what_can_t_be_understood_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    """Bodies that are no requests, streams, models without breakpoints and unknown paths get an error, and no crash."""
    bodies: Sequence[tuple[str, Any]] = (
        ("/v1/messages", "not JSON"),
        ("/v1/messages", {"model": "claude-sonnet-5-5"}),
        ("/v1/messages", {"model": "claude-sonnet-5-5", "messages": [{"content": [1]}]}),
        ("/v1/messages", {"model": "claude-sonnet-5-5", "messages": [{"content": "hello"}], "stream": True}),
        ("/v1/responses", {"model": "gpt-5.4", "input": "hello"}),
        ("/v1/elsewhere", {}),
    )

    async def use(desk: Desk) -> list[int]:
        sent = [desk.http.post(f"{desk.url}{path}", content=json.dumps(body)) for path, body in bodies]
        return [(await each).status_code for each in sent]

    assert [400, 400, 400, 400, 400, 404] == at_desk(Terms(), use)
    assert "" == capfd.readouterr().err


def test_it_counts_in_a_process_of_its_own() -> None:
    """The options of the command are the terms; counts come as JSON, a reset forgets, the end of its input ends it."""
    body = {"model": "claude-sonnet-5-5", "messages": [{"role": "user", "content": LONG}]}

    with Loopback(Terms(rpm=60, burst=1, told="exact")) as server, httpx2.Client(timeout=60, trust_env=False) as http:
        statuses = [http.post(f"{server.url}/v1/messages", json=body).status_code for _ in range(2)]
        counts = server.counts()
        server.reset()
        fresh = server.counts()

    assert statuses == [200, 429]
    assert [what for _, what in counts["came"]] == ["answered", "refused"]
    assert (counts["most_at_once"], counts["most_tries"], fresh["requests"]) == (1, 2, 0)
    assert 0 == server.process.returncode
