"""The matrix: everything that can come over the wire, for every adapter, and what becomes of a seat.

Each line is a fault and its outcome, which stand in the name of its test. Everything is real but the time: the SDK,
HTTP on loopback, the retry policy, the gates and the ledger.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import made
import pytest
from clock import Ticker
from test_wire import BACKOFF, connected
from vendor import ANTHROPIC, DIALECTS, DROPPED, SILENT, Answer, Call, Deaf, Dialect, Gone, Script, Tokens, Vendor

from panel.ask import ask_seat
from panel.llm.ledger import Ledger, Ledgers, Recorded
from panel.llm.limit import Limit
from panel.llm.model import Model
from panel.llm.retry import Retrying
from panel.request import Usage
from panel.review import Seat
from panel.settings import RetrySettings

USED = Tokens(fresh=40, output=7)
GOOD = made.reply()
HTML = "<html><body>Please log in to this hotel's network</body></html>"
ATTEMPTS = 3
LONGEST_S = 30
"""No line takes longer; most take a hundredth of a second."""

Lines = Callable[[Dialect], Script]


@dataclass(frozen=True)
class Line:
    """One line of the matrix."""

    fault: str
    outcome: str
    script: Lines
    status: str = "heard"
    """`heard`, or the kind of absence."""

    says: str = ""
    """A pattern: in the reason where the seat is absent, in what is told of the attempts where it is heard."""

    calls: int = 2
    waits: Sequence[float] | None = None
    """Seconds waited; None: not looked at."""

    server: type[Deaf] | None = None
    """In place of the vendor that plays the script."""

    timeout_s: float = 10


def then_good(*answers: Callable[[Dialect], Answer]) -> Lines:
    """Return a script of these answers, and a sound reply after them."""
    return lambda dialect: [*(answer(dialect) for answer in answers), dialect.said(GOOD, USED)]


def always(answer: Callable[[Dialect], Answer]) -> Lines:
    """Return a script that says the same whatever it is asked."""
    return lambda dialect: lambda _: answer(dialect)


def status(code: int, message: str = "busy", **error: object) -> Callable[[Dialect], Answer]:
    """Return an error status."""
    return lambda dialect: dialect.fault(code, message, **error)


def limited(**headers: str) -> Callable[[Dialect], Answer]:
    """Return a 429 with these headers, underscores for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda dialect: dialect.fault(429, "slow down", named)


def spent(dialect: Dialect) -> Answer:
    """Return a 429 that says that the money is gone, as each vendor says it."""
    if dialect is ANTHROPIC:
        return dialect.fault(429, "no more", details={"error_code": "enforced_spend_limit_reached"})
    return dialect.fault(429, "no more", code="insufficient_quota")


def cut(dialect: Dialect) -> Answer:
    """Return a sound reply whose second half never arrives."""
    sound = dialect.said(GOOD)
    return Answer(200, sound.body, sound.headers, "cut")


def garbled(dialect: Dialect) -> Answer:
    """Return a reply whose JSON breaks off."""
    return Answer.page(dialect.said(GOOD).body.decode()[:80], "application/json")


def soon(_: Dialect) -> Answer:
    """Return a 429 with a date half a minute from now."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    return DIALECTS[0].fault(429, "slow down", {"retry-after": date})


BROKEN = made.reply(vote="maybe")
FENCED = f"Here is my take.\n```json\n{GOOD}\n```\n"

MATRIX = (
    Line("success", "heard", then_good(), calls=1, waits=[]),
    Line("429 with seconds", "waits 7 s, heard", then_good(limited(retry_after="7")), says="rate limited", waits=[7]),
    Line("429 with milliseconds", "waits 1.5 s, heard", then_good(limited(retry_after_ms="1500")), waits=[1.5]),
    Line("429 with a date", "waits until then, heard", then_good(soon), says="rate limited"),
    Line(
        "429 above the cap",
        "failed at once, naming the wait",
        then_good(limited(retry_after="3600")),
        status="failed",
        says="a wait of 3600 s, above the cap of 60 s: try later",
        calls=1,
        waits=[],
    ),
    Line("429 with 0", "backs off, heard", then_good(limited(retry_after="0")), waits=[BACKOFF]),
    Line("429 with a negative", "backs off, heard", then_good(limited(retry_after="-5")), waits=[BACKOFF]),
    Line("429 with garbage", "backs off, heard", then_good(limited(retry_after="soon")), waits=[BACKOFF]),
    Line("429 without a header", "backs off, heard", then_good(limited()), waits=[BACKOFF]),
    *(
        Line(f"{code}", "backs off, heard", then_good(status(code)), says=f"{code}: .*busy", waits=[BACKOFF])
        for code in (408, 500, 503, 529)
    ),
    Line(
        "503 that stays",
        "failed, naming fault and attempts",
        always(status(503, "down for repairs")),
        status="failed",
        says=rf"503: failed \(down for repairs\); gave up after {ATTEMPTS} attempts",
        calls=ATTEMPTS,
    ),
    Line(
        "a connection that never opens",
        "failed, saying that nobody answered in time",
        always(status(500)),
        status="failed",
        says="did not answer in time; gave up",
        calls=0,
        server=Deaf,
        timeout_s=0.1,
    ),
    Line(
        "a reply that never comes",
        "failed, saying that nobody answered in time",
        always(lambda _: SILENT),
        status="failed",
        says="did not answer in time; gave up",
        calls=ATTEMPTS,
        timeout_s=0.1,
    ),
    Line(
        "a refused connection",
        "failed at once, naming the address and asking whether the server runs",
        always(status(500)),
        status="failed",
        says=r"no connection to the provider at http://127\.0\.0\.1:\d+ .*is the server running\?$",
        calls=0,
        waits=[],
        server=Gone,
    ),
    Line("a dropped connection", "tries again, heard", then_good(lambda _: DROPPED), says="no connection"),
    Line("a body cut off", "tries again, heard", then_good(cut), says="no connection"),
    Line("malformed JSON", "tries again, heard", then_good(garbled), says="not JSON"),
    Line("HTML with 200", "tries again, heard", then_good(lambda _: Answer.page(HTML)), says="a page instead"),
    Line(
        "HTML with 200 that stays",
        "failed, naming the page",
        always(lambda _: Answer.page(HTML)),
        status="failed",
        says="something other than the provider answered",
        calls=ATTEMPTS,
    ),
    Line(
        "empty content",
        "unreadable, its usage kept",
        always(lambda dialect: dialect.said("", USED)),
        status="unreadable",
        says="it is empty",
        calls=1,
    ),
    Line("thinking first", "heard", lambda d: [d.said(GOOD, USED, thinking="let me see {")], calls=1, waits=[]),
    Line(
        "refusal",
        "refused, in the vendor's words",
        always(lambda dialect: dialect.refused("I can't judge this", USED)),
        status="refused",
        says="I can't judge this",
        calls=1,
    ),
    Line(
        "max_tokens",
        "mended, heard",
        then_good(lambda dialect: dialect.cut_short(GOOD[:90], USED)),
        waits=[],
    ),
    Line(
        "max_tokens twice",
        "unreadable, saying what to raise",
        always(lambda dialect: dialect.cut_short(GOOD[:90], USED)),
        status="unreadable",
        says=r"cut off \(7 of 16000 tokens\).*raise max_tokens in panel\.toml",
    ),
    Line("fenced JSON", "heard", lambda dialect: [dialect.said(FENCED, USED)], calls=1, waits=[]),
    Line("schema violation", "mended, heard", then_good(lambda dialect: dialect.said(BROKEN, USED)), waits=[]),
    Line(
        "schema violation twice",
        "unreadable, naming the field",
        always(lambda dialect: dialect.said(BROKEN, USED)),
        status="unreadable",
        says="vote: has a value that the form does not allow",
    ),
    Line("spent limit", "failed at once, naming it", always(spent), status="failed", says="spending limit", calls=1),
    Line(
        "wrong key",
        "failed at once, naming the key",
        always(status(401, "invalid key")),
        status="failed",
        says="401: the key is wrong or was revoked; set the right one",
        calls=1,
        waits=[],
    ),
)

CASES = [
    pytest.param(dialect, line, id=f"{dialect.name}: {line.fault}: {line.outcome}")
    for dialect in DIALECTS
    for line in MATRIX
]


@dataclass(frozen=True)
class Sat:
    """What became of a seat."""

    seat: Seat
    calls: Sequence[Call]
    waits: Sequence[float]
    recorded: Sequence[Usage]
    """What each recording of the ledger says was used."""


def sat(dialect: Dialect, line: Line, folder: Path) -> Sat:
    """Return what a line of the matrix makes of a seat, asked as the product asks it."""
    ticker, ledger = Ticker(), Ledger(folder / "ledger")
    question = made.question(folder, dialect.model)

    async def use(model: Model) -> Seat:
        retrying = Retrying(model, Limit(ticker.clock), RetrySettings(attempts=ATTEMPTS), ticker.clock)
        async with asyncio.timeout(LONGEST_S):
            return await ask_seat(question, Recorded(Ledgers(ledger), retrying), 1)

    with line.server() if line.server else Vendor(line.script(dialect)) as server:
        seat = connected(server, dialect, use, line.timeout_s)
    recorded = [ledger.read(path).reply.usage for path in ledger.folder.glob("??/*.json")]
    return Sat(seat, server.calls, ticker.waits, recorded)


@pytest.mark.parametrize(("dialect", "line"), CASES)
def test_the_wire(dialect: Dialect, line: Line, tmp_path: Path) -> None:
    """The outcome is the one that stands in the name, told in words; every reply that came is kept with its usage."""
    done = sat(dialect, line, tmp_path)
    told = done.seat.reason or json.dumps([ask.as_json() for ask in done.seat.asks])
    kept = [ask.usage for ask in done.seat.asks]

    assert line.status == (done.seat.absence or done.seat.status), told
    assert re.search(line.says, told), told
    assert line.calls == len(done.calls)
    assert line.waits is None or [*line.waits] == [*done.waits]
    assert sorted(map(str, kept)) == sorted(map(str, done.recorded)), "a reply that came is not in the ledger"
    assert {Usage(input=40, output=7)} >= set(kept)


def test_the_matrix_has_a_line_for_every_fault() -> None:
    """No two tests of the matrix have one name, and each adapter has them all."""
    assert len(DIALECTS) * len(MATRIX) == len({case.id for case in CASES})
