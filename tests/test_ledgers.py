"""Ledgers: files, SQLite and Postgres keep the same promises; the same tests hold all three to them."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from threading import Barrier, Event, Thread

import made
import pytest
from mutated import within

from panel.errors import RecordError, Transient
from panel.files import compact
from panel.llm.address import ledger_at
from panel.llm.ledger import Ledger, Ledgers, Recorded, Recordings
from panel.llm.model import said
from panel.llm.recording import Recording
from panel.request import Label, Reply, Request

KINDS = ("files", "sqlite", "postgres")
MASON = Label(tool="plumb", persona="mason")
REPLY = said("zero \0, Größe, line\nbreak and \u2028", "fake:panel")


@dataclass
class Shelf:
    """Where a ledger is kept, opened as often as a test wants, as processes would."""

    kind: str
    folder: Path
    address: str
    closing: ExitStack = field(default_factory=ExitStack)

    def open(self) -> Recordings:
        """Return the ledger as one more process would open it."""
        if self.kind == "files":
            return Ledger(self.folder / "ledger")
        return self.closing.enter_context(ledger_at(self.address, "--database-url", is_made=True))

    def place(self, identity: str) -> str:
        """Return where a message says that a recording is."""
        if self.kind == "files":
            return str(Ledger(self.folder / "ledger").path(identity))
        name = self.folder / "ledger.db" if self.kind == "sqlite" else self.address.partition("?")[0]
        where = (
            str(name) if self.kind == "sqlite" else f"postgresql://{self.address.partition('host=')[2]}/{self._base}"
        )
        return f"{where}: panel_recordings: {identity}"

    def spoil(self, identity: str, change: Callable[[str], str]) -> None:
        """Change what is kept, behind the ledger's back."""
        ledger = self.open()
        if isinstance(ledger, Ledger):
            path = ledger.path(identity)
            path.write_text(change(path.read_text()))
            return
        from sqlalchemy import text

        with ledger.database.engine.connect() as connection:
            where = {"identity": identity}
            old = text("SELECT recording FROM panel_recordings WHERE identity = :identity")
            new = text("UPDATE panel_recordings SET recording = :new WHERE identity = :identity")
            connection.execute(new, where | {"new": change(connection.scalar(old, where))})

    @property
    def _base(self) -> str:
        return self.address.partition("?")[0].rpartition("/")[2]


@pytest.fixture(params=KINDS)
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    """Give an empty place for a ledger of each kind; a lock that is never let go fails the test."""
    address = f"sqlite:///{tmp_path / 'ledger.db'}"
    if request.param == "postgres":
        address = request.getfixturevalue("database")
        server = request.getfixturevalue("postgres")
        server.run("DROP TABLE IF EXISTS panel_recordings, panel_schema", address.partition("?")[0].rpartition("/")[2])
    with within(20), ExitStack() as closing:
        yield Shelf(request.param, tmp_path, address, closing)


@pytest.fixture
def request_(tmp_path: Path) -> Request:
    """Give what Mason is asked about Plumb."""
    return made.question(tmp_path).request(1)


def samples(request: Request, count: int) -> list[Request]:
    """Return as many requests that differ in their number, in the order of their identities."""
    numbered = [request.model_copy(update={"sample": number}) for number in range(1, count + 1)]
    return sorted(numbered, key=lambda one: one.identity)


def labelled(request: Request, label: Label) -> Request:
    """Return the request for another seat, as a question of its own."""
    return request.model_copy(update={"label": label, "note": f"for {label.persona[:9]!r} of {label.tool[:9]!r}"})


# Finding and keeping


def test_what_is_kept_is_found_as_it_was(shelf: Shelf, request_: Request) -> None:
    """A recording comes back with request, reply and label, zero bytes and odd line ends included, in any process."""
    shelf.open().keep(request_, REPLY)
    found = shelf.open().find(request_.identity)

    assert found
    assert (REPLY, MASON, request_.as_json()) == (found.reply, found.label, found.request.as_json())


def test_what_was_not_kept_is_not_found(shelf: Shelf, request_: Request) -> None:
    """An empty ledger has nothing to give, to yield or to delete."""
    ledger = shelf.open()
    ledger.remove(request_.identity)

    assert (None, [], []) == (ledger.find(request_.identity), ledger.labelled(MASON), [*ledger.all()])


def test_the_first_reply_stands(shelf: Shelf, request_: Request) -> None:
    """A second reply to the same request changes nothing, and who brings it is given the first one."""
    first = shelf.open().keep(request_, REPLY)
    second = shelf.open().keep(request_, said("another", "fake:other"))

    assert (REPLY, REPLY) == (first, second)
    assert [REPLY] == [each.recording and each.recording.reply for each in shelf.open().all()]


def test_of_two_that_keep_at_once_both_are_given_the_same_reply(shelf: Shelf, request_: Request) -> None:
    """However two keep at the same moment, one reply stands and both know which."""
    ledgers, ready = [shelf.open() for _ in range(4)], Barrier(4)
    given: list[Reply] = []

    def keep(number: int) -> None:
        ready.wait()
        given.append(ledgers[number].keep(request_, said(f"reply {number}", "fake:panel")))

    threads = [Thread(target=keep, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found = shelf.open().find(request_.identity)
    assert found
    assert [found.reply] * 4 == given


def test_a_recording_is_deleted_alone(shelf: Shelf, request_: Request) -> None:
    """What is deleted is gone, and what stood beside it is not."""
    one, other = samples(request_, 2)
    ledger = shelf.open()
    ledger.keep(one, REPLY)
    ledger.keep(other, REPLY)
    ledger.remove(one.identity)

    assert [other.identity] == [each.recording and each.recording.identity for each in ledger.all()]


# What was changed


def changed(old: str, new: str) -> Callable[[str], str]:
    """Return what puts one text in the place of another, which must be there."""

    def change(stored: str) -> str:
        assert old in stored
        return stored.replace(old, new)

    return change


SPOILT = {
    "reply": (changed("Größe", "Grösse"), "was changed after it was written; restore it, or delete it to ask again"),
    "request": (changed("YAML", "XML"), "the request in it does not match its name; delete it to ask again"),
    "key": (changed('"reply"', '"answer"'), "is no recording as Panel writes it; delete it to ask again"),
    "torn": (lambda stored: stored[:-9], "is not JSON"),
    "empty": (lambda _: "", "is not JSON"),
    "nested": (lambda _: "[" * 100_000, "is not JSON"),
    "infinite": (changed('"output":', '"output": NaN, "input":'), "is not JSON (NaN is no value of JSON)"),
}


@pytest.mark.parametrize("spoilt", SPOILT)
def test_what_was_changed_is_never_believed(spoilt: str, shelf: Shelf, request_: Request) -> None:
    """A recording that was changed behind the ledger's back is an error that says where it is, and is no reply."""
    change, problem = SPOILT[spoilt]
    ledger = shelf.open()
    ledger.keep(request_, REPLY)
    shelf.spoil(request_.identity, change)
    with pytest.raises(RecordError) as caught:
        ledger.find(request_.identity)

    assert str(caught.value).startswith(f"{shelf.place(request_.identity)}: {problem}")
    assert [] == ledger.labelled(MASON)
    with pytest.raises(RecordError):
        ledger.keep(request_, said("another", "fake:other"))


def test_a_recording_in_the_place_of_another_is_told(shelf: Shelf, request_: Request) -> None:
    """A sound recording under somebody else's identity answers nothing."""
    one, other = samples(request_, 2)
    ledger = shelf.open()
    kept = [ledger.keep(each, REPLY) for each in (one, other)] and ledger.find(other.identity)
    assert kept
    shelf.spoil(one.identity, lambda _: compact(kept.as_json()).decode())
    with pytest.raises(RecordError, match="does not match its name"):
        ledger.find(one.identity)


# Streaming


def test_everything_is_told_in_order_and_what_is_unsound_with_it(
    shelf: Shelf, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All recordings come by identity, over the ends of pages too, and a spoilt one comes as its fault."""
    monkeypatch.setattr("panel.llm.sql.PAGE", 4)
    asked = samples(request_, 9)
    ledger = shelf.open()
    ledger.keep(asked[0], REPLY)
    first = next(ledger.all())
    for each in asked[1:]:
        ledger.keep(each, REPLY)
    shelf.spoil(asked[4].identity, lambda stored: stored[:-9])
    held = [*ledger.all()]

    expected = [each.identity for each in asked]
    expected[4] = ""
    assert expected == [each.recording.identity if each.recording else "" for each in held]
    faults = [str(each.fault).partition(": is not JSON")[0] for each in held if each.fault]
    assert [shelf.place(asked[4].identity)] == faults
    assert all(each.size >= len(compact(first.data)) - 200 for each in held)
    assert first.data == held[0].data


def test_streaming_holds_a_page_and_no_more(shelf: Shelf, request_: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    """Going through four times as many recordings takes no more memory."""
    monkeypatch.setattr("panel.llm.sql.PAGE", 2)
    ledger, long, asked = shelf.open(), said("x" * 40_000, "fake:panel"), samples(request_, 16)
    peaks: list[int] = []
    for part in (asked[:4], asked[4:]):
        for each in part:
            ledger.keep(each, long)
        tracemalloc.start()
        assert any(each.fault is None for each in ledger.all())
        count = sum(1 for _ in ledger.all())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert len(asked) == count
    assert peaks[1] < 1.5 * peaks[0]


# Seats


def test_recordings_are_found_by_their_seat(shelf: Shelf, request_: Request) -> None:
    """A seat's recordings explain a miss; those of another tool, another persona and of long or odd names do not."""
    endless = "".join(hashlib.sha256(bytes([number])).hexdigest() for number in range(200))
    long, odd = Label(tool=endless, persona="mason"), Label(tool="plumb\0", persona="mason")
    labels = [MASON, Label(tool="plumb", persona="tiler"), Label(tool="level", persona="mason"), long, odd]
    ledger = shelf.open()
    for label in labels:
        ledger.keep(labelled(request_, label), REPLY)

    found = [[each.label for each in shelf.open().labelled(label)] for label in labels]
    assert [[label] for label in labels] == found


def test_a_seat_that_was_asked_often_gives_some(
    shelf: Shelf, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of more recordings than are worth looking through for a miss, some are."""
    for place in ("panel.llm.ledger", "panel.llm.sql"):
        monkeypatch.setattr(f"{place}.MOST_SIMILAR", 2)
    for each in samples(request_, 4):
        shelf.open().keep(each, REPLY)

    assert 2 == len(shelf.open().labelled(MASON))


def test_a_ledger_too_large_to_look_through_says_so(
    tmp_path: Path, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where files are not all read for a miss, the miss says how many were; where they are, it says nothing of it."""
    monkeypatch.setattr("panel.llm.ledger.MOST_LOOKED_THROUGH", 2)
    one, two, three, asked = (labelled(request_, Label(tool="plumb", persona=name)) for name in "abcd")
    ledger = Ledger(tmp_path / "ledger")
    for each in (one, two):
        ledger.keep(each, REPLY)
    whole = str(Ledgers(Ledger(tmp_path / "ledger")).missing(asked))
    ledger.keep(three, REPLY)
    cut = str(Ledgers(Ledger(tmp_path / "ledger")).missing(asked))

    assert "plumb: d: no recording of this request" == whole
    assert f"{whole} (of a ledger that has more, 2 were looked through for the nearest one)" == cut


# Turns


@dataclass
class Slow:
    """A Model that answers, or fails, when it is let."""

    fault: Exception | None = None
    asked: int = 0
    began: asyncio.Event = field(default_factory=asyncio.Event)
    let: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, request: Request) -> Reply:
        """Return a reply."""
        self.asked += 1
        self.began.set()
        await self.let.wait()
        if self.fault:
            raise self.fault
        return said("at last", request.model)


def recorded(shelf: Shelf, model: Slow) -> Recorded:
    """Return a ledger as another process would open it, with a model behind it."""
    return Recorded(Ledgers(shelf.open()), model)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long between two looks."""
    monkeypatch.setattr("panel.llm.turns.LONGEST_WAIT_S", 0.01)
    monkeypatch.setattr("panel.llm.turns.FIRST_WAIT_S", 0.001)
    monkeypatch.setattr("panel.llm.database.PATIENCE_S", (0, 0))


@pytest.mark.parametrize(("fault", "calls"), [(None, 0), (Transient("busy"), 1)], ids=["answered", "failed"])
def test_of_those_who_lack_the_same_reply_one_asks(
    fault: Exception | None, calls: int, shelf: Shelf, request_: Request
) -> None:
    """The second waits for the first, in another process and in the same one, and asks only where that got nothing."""

    async def story() -> tuple[int, set[str]]:
        first, second = Slow(fault), Slow()
        second.let.set()
        mine, theirs = recorded(shelf, first), recorded(shelf, second)
        ahead = asyncio.ensure_future(mine.ask(request_))
        await first.began.wait()
        behind = [asyncio.ensure_future(each.ask(request_)) for each in (theirs, Recorded(mine.ledgers, second))]
        elsewhere = await theirs.ask(samples(request_, 2)[1].model_copy(update={"sample": 9}))
        first.let.set()
        replies = [await each for each in behind]
        await asyncio.gather(ahead, return_exceptions=True)
        return second.asked - 1, {elsewhere.text, *(reply.text for reply in replies)}

    assert (calls, {"at last"}) == asyncio.run(story())


def test_who_gives_up_waiting_holds_nothing(shelf: Shelf, request_: Request) -> None:
    """Fifty that wait and are cancelled leave the turn to who comes after them."""

    async def story() -> str:
        first, last = Slow(), Slow()
        last.let.set()
        mine = recorded(shelf, first)
        ahead = asyncio.ensure_future(mine.ask(request_))
        await first.began.wait()
        waiting = [asyncio.ensure_future(Recorded(mine.ledgers, Slow()).ask(request_)) for _ in range(50)]
        for _ in range(5):
            await asyncio.sleep(0)
        for each in (*waiting, ahead):
            each.cancel()
        await asyncio.gather(*waiting, ahead, return_exceptions=True)
        return (await recorded(shelf, last).ask(request_)).text

    assert "at last" == asyncio.run(story())


class Awaited(Ledger):
    """A ledger whose answers take until others have gone on."""

    is_waited_for = True
    gone_on = Event()

    def find(self, identity: str) -> Recording | None:
        """Return what is there, once somebody else has gone on."""
        assert self.gone_on.wait(10)
        return super().find(identity)


def test_what_a_ledger_is_waited_for_holds_nobody_up(tmp_path: Path, request_: Request) -> None:
    """While a database is waited for, other requests go on."""

    async def story() -> str:
        model = Slow()
        model.let.set()
        ask = asyncio.ensure_future(Recorded(Ledgers(Awaited(tmp_path / "ledger")), model).ask(request_))
        await asyncio.sleep(0)
        Awaited.gone_on.set()
        return (await ask).text

    assert "at last" == asyncio.run(story())


# Death


@pytest.mark.parametrize("last", [0, 3])
def test_what_was_reported_kept_outlives_a_kill(last: int, shelf: Shelf, request_: Request) -> None:
    """A process that is killed before a recording stands has lost that one, and none that was reported kept."""
    asked, (told, tell) = samples(request_, last + 1), os.pipe()
    child = os.fork()
    if child == 0:
        _keep_until_killed(shelf, asked, tell)
    os.close(tell)
    with os.fdopen(told, "rb") as reports:
        reported = reports.read().decode().split()
    os.waitpid(child, 0)
    ledger = shelf.open()

    assert [each.identity for each in asked[:last]] == reported
    assert reported == [each.recording and each.recording.identity for each in ledger.all()]
    assert REPLY == ledger.keep(asked[last], REPLY)


def _keep_until_killed(shelf: Shelf, asked: list[Request], tell: int) -> None:
    """Keep one after the other, telling of each, and be killed when the last one is written but does not stand yet."""

    def die(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    try:
        ledger = shelf.open()
        for each in asked[:-1]:
            ledger.keep(each, REPLY)
            os.write(tell, f"{each.identity}\n".encode())
        os.link = die
        if not isinstance(ledger, Ledger):
            with ledger.database.engine.connect() as connection, ledger.database.whole(connection):
                ledger.database.call = lambda act: act(connection)  # type: ignore[method-assign]
                ledger.keep(asked[-1], REPLY)
                die()
        ledger.keep(asked[-1], REPLY)
    finally:
        os._exit(1)
