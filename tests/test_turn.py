"""Turns: of those who lack the same reply at once, in one process or several, one asks and the others wait for it."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock
from threading import enumerate as threads
from typing import Any, NoReturn

import made
import pytest
from forked import Child, Forked
from mutated import within
from vendor import ANTHROPIC, Answer, Call, Vendor

import panel.turn
from panel.errors import RecordError, Transient
from panel.llm.ledger import Ledger, Ledgers, Recorded
from panel.llm.model import said
from panel.request import Reply, Request
from panel.store import read_review

SEATS = 3
LATEST_S = 0.3
"""So long an answer is held back for a second process that could ask the same."""


@dataclass
class Slow:
    """A Model that answers, or fails, when it is let."""

    fault: Exception | None = None
    asked: list[Request] = field(default_factory=list)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    let: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, request: Request) -> Reply:
        """Return a reply that says how often was asked."""
        self.asked.append(request)
        self.began.set()
        await self.let.wait()
        if self.fault:
            raise self.fault
        return said(f"reply {len(self.asked)}", request.model)


@pytest.fixture(autouse=True)
def _no_wait_without_end() -> Iterator[None]:
    """A lock that is never let go fails the test that waits for it."""
    with within(20):
        yield


@pytest.fixture
def request_(tmp_path: Path) -> Request:
    """Give a request."""
    return made.question(tmp_path).request(1)


def desk(folder: Path, model: Slow) -> Recorded:
    """Return a ledger as another process would open it, with a model behind it."""
    return Recorded(Ledgers(Ledger(folder / "ledger")), model)


def left(folder: Path) -> list[str]:
    """Return the names of all files in the ledger."""
    return [path.name for path in (folder / "ledger").rglob("*") if path.is_file()]


async def twice(folder: Path, first: Slow, second: Slow, request: Request) -> list[Any]:
    """Return what comes of a request that is asked while the same request is being answered."""
    asks = [asyncio.ensure_future(desk(folder, first).ask(request))]
    began = asyncio.ensure_future(first.began.wait())
    await asyncio.wait([asks[0], began], return_when=asyncio.FIRST_COMPLETED)  # one that fails at once begins nothing
    asks.append(asyncio.ensure_future(desk(folder, second).ask(request)))
    await asyncio.sleep(0)
    first.let.set()
    began.cancel()
    return await asyncio.gather(*asks, return_exceptions=True)


def test_who_comes_second_gets_the_reply_of_the_first(tmp_path: Path, request_: Request) -> None:
    """A request that is being answered is not asked again: who waits for it gets that reply, and no file is left."""

    async def story() -> tuple[list[Reply], Slow]:
        second = Slow()
        second.let.set()
        return await twice(tmp_path, Slow(), second, request_), second

    replies, second = asyncio.run(story())

    assert ["reply 1", "reply 1"] == [getattr(reply, "text", reply) for reply in replies]
    assert [] == second.asked
    assert [f"{request_.identity.removeprefix('sha256:')}.json"] == left(tmp_path)


def test_who_comes_second_asks_where_the_first_fails(tmp_path: Path, request_: Request) -> None:
    """Where the one ahead gets no reply, the next one asks."""

    async def story() -> list[Any]:
        second = Slow()
        second.let.set()
        return await twice(tmp_path, Slow(Transient("busy")), second, request_)

    failed, reply = asyncio.run(story())

    assert (Transient, "reply 1") == (type(failed), reply.text)


def test_waiting_holds_nobody_up(tmp_path: Path, request_: Request) -> None:
    """While one request waits for its turn, others are answered; who gives up waiting ends and holds nothing."""

    async def story() -> tuple[str, str]:
        before = set(threads())
        first, other, last = Slow(), Slow(), Slow()
        other.let.set()
        last.let.set()
        ahead = asyncio.ensure_future(desk(tmp_path, first).ask(request_))
        await first.began.wait()
        waiting = [asyncio.ensure_future(desk(tmp_path, Slow()).ask(request_)) for _ in range(50)]
        await asyncio.sleep(0)
        elsewhere = await desk(tmp_path / "other", other).ask(request_)
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        first.fault = Transient("busy")
        first.let.set()
        await asyncio.gather(ahead, return_exceptions=True)
        for thread in set(threads()) - before:
            if not thread.name.startswith("asyncio_"):  # those of the loop's own pool end with the loop
                thread.join()
        return elsewhere.text, (await desk(tmp_path, last).ask(request_)).text

    assert ("reply 1", "reply 1") == asyncio.run(story())


def test_requests_whose_recordings_share_a_folder_do_not_wait_for_each_other(tmp_path: Path, request_: Request) -> None:
    """Of 256 folders two requests at once often share one: only those that lack the same reply wait."""
    ledger = Ledger(tmp_path / "ledger")
    samples = (request_.model_copy(update={"sample": number}) for number in range(2, 5_000))
    beside = next(one for one in samples if ledger.path(one.identity).parent == ledger.path(request_.identity).parent)

    async def story() -> str:
        first, other = Slow(), Slow()
        other.let.set()
        ahead = asyncio.ensure_future(desk(tmp_path, first).ask(request_))
        await first.began.wait()
        reply = await desk(tmp_path, other).ask(beside)
        ahead.cancel()
        await asyncio.gather(ahead, return_exceptions=True)
        return reply.text

    assert "reply 1" == asyncio.run(story())
    assert [f"{beside.identity.removeprefix('sha256:')}.json"] == left(tmp_path)


def test_who_comes_third_waits_for_the_second(tmp_path: Path, request_: Request) -> None:
    """The lock that the first one took away with it is not taken for one: the second holds back whoever comes then."""

    async def story() -> tuple[list[str], list[Request]]:
        first, second, third = Slow(Transient("busy")), Slow(), Slow()
        third.let.set()
        ahead = asyncio.ensure_future(desk(tmp_path, first).ask(request_))
        await first.began.wait()
        behind = asyncio.ensure_future(desk(tmp_path, second).ask(request_))
        await asyncio.sleep(0)
        first.let.set()
        await second.began.wait()
        last = asyncio.ensure_future(desk(tmp_path, third).ask(request_))
        for _ in range(5):
            await asyncio.sleep(0)
        second.let.set()
        replies = await asyncio.gather(behind, last)
        await asyncio.gather(ahead, return_exceptions=True)
        return [reply.text for reply in replies], third.asked

    assert (["reply 1", "reply 1"], []) == asyncio.run(story())


def test_a_lock_that_a_killed_process_left_is_taken_over(tmp_path: Path, request_: Request) -> None:
    """The file of a lock that nobody has holds nobody back, and is gone afterwards."""
    path = Ledger(tmp_path / "ledger").path(request_.identity)
    path.parent.mkdir(parents=True)
    path.with_name(f".{path.stem}.turn").touch()
    model = Slow()
    model.let.set()

    assert "reply 1" == asyncio.run(desk(tmp_path, model).ask(request_)).text
    assert [path.name] == left(tmp_path)


def failing(number: int) -> Callable[..., NoReturn]:
    """Return a function that fails as the system does."""

    def fail(*_: object, **__: object) -> NoReturn:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EBADF, errno.EOPNOTSUPP])
def test_where_nothing_can_be_locked_everybody_asks(
    number: int, tmp_path: Path, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system without locks takes recordings all the same; of two replies the first one stands."""
    monkeypatch.setattr("fcntl.flock", failing(number))

    async def story() -> list[Reply]:
        first, second = Slow(), Slow()
        second.let.set()
        return await twice(tmp_path, first, second, request_)

    one, two = asyncio.run(story())

    assert isinstance(one, Reply), f"a disk without locks ended the request: {one!r}"
    assert one == two


def test_where_there_is_no_fcntl_everybody_asks(
    tmp_path: Path, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A system without flock asks and records as any other."""
    monkeypatch.setattr(panel.turn.sys, "platform", "win32")
    monkeypatch.delattr(panel.turn, "fcntl")

    async def story() -> Awaitable[Reply]:
        model = Slow()
        model.let.set()
        return await desk(tmp_path, model).ask(request_)

    assert asyncio.run(story()) == desk(tmp_path, Slow()).ledgers.find(request_.identity)


@pytest.mark.parametrize(
    ("name", "broken", "reason"),
    [
        pytest.param("mkdir", failing(errno.EROFS), "Read-only file system", id="read-only disk"),
        pytest.param("mkdir", failing(errno.ENOSPC), "No space left on device", id="full disk"),
        pytest.param("access", lambda *_: False, "its folder is read-only", id="read-only folder"),
    ],
)
def test_what_could_not_be_kept_is_not_asked(
    name: str, broken: Any, reason: str, tmp_path: Path, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the ledger can't be written, the file is named and nobody is asked, so nothing is paid for and lost."""
    model = Slow()
    model.let.set()
    monkeypatch.setattr(os, name, broken)
    with pytest.raises(RecordError) as caught:
        asyncio.run(desk(tmp_path, model).ask(request_))

    path = Ledger(tmp_path / "ledger").path(request_.identity)
    assert f"{path}: can't be written: {reason}; nothing was begun, and nothing was asked" == str(caught.value)
    assert [] == model.asked


@pytest.mark.parametrize("kind", ["folder", "pipe", "link"])
def test_what_is_in_the_place_of_a_recording_is_told_before_anything_is_paid(
    kind: str, tmp_path: Path, request_: Request
) -> None:
    """A folder, a pipe or a link to nowhere where a recording belongs is told with its path, and nobody is asked."""
    path = Ledger(tmp_path / "ledger").path(request_.identity)
    path.parent.mkdir(parents=True)
    {"folder": path.mkdir, "pipe": lambda: os.mkfifo(path), "link": lambda: path.symlink_to("nowhere")}[kind]()
    model = Slow()
    model.let.set()
    with pytest.raises(RecordError) as caught:
        asyncio.run(desk(tmp_path, model).ask(request_))

    what = {"folder": "a folder", "pipe": "no plain file", "link": "a link to nowhere"}[kind]
    assert f"{path}: can't be read: it is {what}; move it away and run again" == str(caught.value)
    assert [] == model.asked


# Two processes


def texts(call: Call) -> tuple[str, ...]:
    """Return what a request says, which tells requests apart on the wire."""
    return tuple(part["text"] for part in call.body["messages"][0]["content"])


def start(forked: Forked, folder: Path, vendor: Vendor, beside: Child | None = None) -> Child:
    """Start a review."""
    environment = {**vendor.environment, "ANTHROPIC_API_KEY": "not-a-key", "PANEL_MODE": "live"}
    return forked.start("review", "plumb.yaml", folder=folder, environment=environment, beside=beside)


def test_two_reviews_at_once_pay_once(forked: Forked, tmp_path: Path) -> None:
    """Two processes that review one tool at once ask for each reply once, and leave one whole record of them."""
    made.project(tmp_path, personas=SEATS)
    asked: Counter[tuple[str, ...]] = Counter()
    turn, again = Lock(), Event()

    def answer(call: Call) -> Answer:
        with turn:
            asked[texts(call)] += 1
        if asked[texts(call)] > 1:
            again.set()
        again.wait(LATEST_S)
        return ANTHROPIC.said(made.reply())

    with Vendor(answer) as vendor:
        one = start(forked, tmp_path, vendor)
        other = start(forked, tmp_path, vendor, beside=one)
        codes = [one.ended(), other.ended()]

    ledger = Ledger(tmp_path / "runs" / "ledger")
    kept = [ledger.read(path).identity for path in ledger.folder.glob("??/*.json")]
    record = read_review(tmp_path / "runs" / "plumb" / "review.json")
    assert [0, 0] == codes
    assert [1] * SEATS == list(asked.values())
    assert {ask.request for seat in record.seats for ask in seat.asks} == set(kept)
    assert [] == list(tmp_path.rglob("*.part"))


def test_a_killed_process_holds_nobody_back(forked: Forked, tmp_path: Path) -> None:
    """Where the process that asks is killed, the one that waits for its reply asks and completes the review."""
    made.project(tmp_path, personas=1)
    children: list[Child] = []
    begun, both = Event(), Event()

    def answer(call: Call) -> Answer:
        if not begun.is_set():
            begun.set()
            both.wait(10)
            with suppress(ProcessLookupError):
                os.kill(children[0].pid, signal.SIGKILL)
        return ANTHROPIC.said(made.reply())

    with Vendor(answer) as vendor:
        children.append(start(forked, tmp_path, vendor))
        begun.wait(10)
        children.append(start(forked, tmp_path, vendor, beside=children[0]))
        both.set()
        codes = [child.ended() for child in children]

    assert [-9, 0] == codes
    assert (tmp_path / "runs" / "plumb" / "review.json").is_file()
