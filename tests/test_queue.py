"""The queue: jobs are added once, worked off by whoever comes, and brought home as the workers made them."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM
from threading import Event, Thread, Timer

import made
import pytest
from office import STEERING, steering
from queued import Queued, queued
from struck import Standing

from panel.errors import GaveUp, InputError, RecordError
from panel.queue.engine import CONCURRENCY, configuration
from panel.queue.extra import require_sqlite
from panel.queue.job import queue_of
from panel.queue.presence import names_at, register
from panel.queue.state import RUNNING, cancel, listed
from panel.request import Request
from panel.review import Seat
from panel.seating import Asked

__all__ = ["queued"]


def tree(queued: Queued, folder: str = "runs") -> dict[str, bytes]:
    """Return every file that is kept about tools, and every recording, with its bytes; in a log, asks have an order."""
    base = queued.office.path(folder)
    files = [path for path in base.rglob("*") if path.is_file() and not path.name.startswith("queue.")]
    return {str(path.relative_to(base)): ordered(path) for path in files if path.suffix != ".lock"}


def ordered(path: Path) -> bytes:
    """Return what is in a file; seats are asked side by side, so those that a log names are sorted."""
    if path.name != "log.jsonl":
        return path.read_bytes()
    events = [json.loads(line) for line in path.read_text().splitlines()]
    return json.dumps([{**event, "asked": sorted(event["asked"])} for event in events]).encode()


def differing(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    """Return the names of files that are not the same, or not there, in both."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def test_workers_make_what_a_review_makes(queued: Queued, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records, pages, histories, choices and recordings are the same bytes, by a worker and by an export."""
    samples = ("--samples", "3") if queued.is_sqlite else ()
    monkeypatch.setattr("panel.llm.model.datetime", Standing)
    queued.shelve("alpha", "beta")
    for name in ("alpha", "beta"):
        queued.office.done("review", f"tools/{name}.yaml", *samples, "--runs", "plain")
    plain = tree(queued, "plain")
    queued.add(*samples)
    assert "2 reviews made" in queued.work()
    exported = queued.office.done("queue", "export", "--runs", "home", "--database-url", queued.url)
    again = queued.office.done("queue", "export", "--runs", "home", "--database-url", queued.url)

    records = {name: content for name, content in plain.items() if not name.startswith("ledger")}
    logs = {name for name in plain if name.endswith("log.jsonl")}
    assert [] == differing(plain if queued.is_sqlite else records, tree(queued))
    assert [] == differing({name: plain[name] for name in plain.keys() - logs}, tree(queued, "home"))
    assert "2 records written, 0 there already" in exported
    assert "0 records written, 2 there already, 0 new" in again


def test_what_is_there_is_not_added_again(queued: Queued) -> None:
    """A catalogue that is added twice is there once; a changed dossier is a new job, and the old one does not wait."""
    queued.shelve("alpha", "beta")
    first, second = queued.add(), queued.add()
    queued.office.change("tools/beta.yaml", "the first broken rule", "the first rule that breaks")
    third = queued.add()

    assert "2 jobs added, 0 there already" in first
    assert "0 jobs added, 2 there already" in second
    assert "1 job added, 1 there already\n1 job cancelled, since the dossiers have changed" in third
    assert {"waiting": 2, "cancelled": 1} == queued.counts()


def test_a_bad_dossier_stops_no_other(queued: Queued) -> None:
    """A dossier that can't be read is named with its line, the others are added, and the exit code is 2."""
    queued.shelve("alpha", "beta")
    queued.office.change("tools/alpha.yaml", "kind: library", "kind: sausage")
    ended = queued.office.type("queue", "add", "tools", "--database-url", queued.url)

    assert 2 == ended.exit_code
    assert "1 job added" in ended.stdout
    assert "tools/alpha.yaml:6: kind" in ended.stderr
    assert {"waiting": 1} == queued.counts()


def test_what_failed_or_was_cancelled_is_tried_again(queued: Queued) -> None:
    """A seat that its provider failed fails the job, with an inert reason; retry asks for that seat alone."""
    queued.shelve("alpha", "beta")
    queued.add()
    queued.office.done("queue", "cancel", "beta", "--database-url", queued.url)
    queued.office.answers["mason1"] = GaveUp(f"down{STEERING}")
    said = queued.work(code=1)
    first = queued.office.asked()
    state = queued.status()
    shown = queued.office.done("queue", "status", "--database-url", queued.url)
    queued.office.answers.clear()
    back = queued.office.done("queue", "retry", "--database-url", queued.url)
    queued.work()

    assert ["mason0", "mason1", "mason2"] == sorted(first)
    assert "alpha: mason1: failed: down" in said
    assert [("alpha", True)] == [(each["tool"], "mason1: failed" in each["reason"]) for each in state["failures"]]
    assert (1, 1) == (state["jobs"]["failed"], state["jobs"]["cancelled"])
    assert "" == steering(shown + said)
    assert "2 jobs back in the queue" in back
    assert ["mason0", "mason1", "mason1", "mason2"] == sorted(queued.office.asked())
    assert {"done": 2} == queued.counts()


def test_a_running_review_is_stopped_by_a_cancel(queued: Queued, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cancel ends the call that a job is waiting for, not only its next one; the worker goes on."""
    queued.shelve("alpha")
    queued.add()
    begun = Event()

    async def hang(*_: object) -> Seat:
        begun.set()
        await asyncio.sleep(60)
        raise AssertionError

    monkeypatch.setattr(Asked, "answered", hang)
    canceller = Thread(target=lambda: begun.wait(20) and cancel_all(queued))
    canceller.start()
    queued.work(code=0)
    canceller.join()

    assert {"cancelled": 1} == queued.counts()


def cancel_all(queued: Queued) -> None:
    """Cancel what is under way."""
    with queued.place() as place:
        cancel(place, [named for named, _ in listed(place, (RUNNING,))])


def test_a_call_that_hangs_ends(queued: Queued, monkeypatch: pytest.MonkeyPatch) -> None:
    """A seat that takes longer than any policy lets it fails its job: a worker that hangs would keep its name."""
    queued.shelve("alpha")
    queued.add()
    monkeypatch.setattr("panel.queue.work.LONGEST_CALLS", 0.0002)

    async def hang(*_: object) -> Seat:
        await asyncio.sleep(60)
        raise AssertionError

    monkeypatch.setattr(Asked, "answered", hang)
    queued.work(code=1)

    assert {"failed": 1} == queued.counts()


def test_a_peer_that_died_is_taken_over(queued: Queued) -> None:
    """What a dead worker was at is done by another one; what a live one is at is left to it."""
    queued.shelve("alpha", "beta")
    queued.add()
    with queued.place() as place:
        names = names_at(place.database)
        names.take("alive")
        for slug, name in (("alpha", "dead"), ("beta", "alive")):
            register(place.database, name)
            status = f"UPDATE {queued.table('workflow_status')} SET status = 'PENDING', executor_id = '{name}'"
            queued.run(place, f"{status} WHERE workflow_uuid LIKE '%/{slug}/%'")
        state = queued.status()
        Timer(2, names.drop, ["alive"]).start()
        said = queued.work("--name", "mine")
        names.close()

    assert ["alive"] == state["workers"]
    assert said.index("(alpha)") < said.index("(beta)")
    assert {"done": 2} == queued.counts()


def test_two_workers_have_two_names(queued: Queued) -> None:
    """A second worker of a name is refused, and claims nothing."""
    queued.shelve("alpha")
    queued.add()
    with queued.place() as place:
        names = names_at(place.database)
        assert names.take("mine")
        said = queued.work("--name", "mine", code=2)
        names.close()

    assert "a worker of this name is at work" in said
    assert {"waiting": 1} == queued.counts()


def test_a_worker_of_another_checkout_takes_nothing(queued: Queued) -> None:
    """Jobs that were added with other personas wait for a worker that has them; one forced upon it is refused."""
    queued.shelve("alpha")
    queued.add()
    queued.office.change("personas/mason1.md", "few words and plain ones", "many words")
    queued.work()
    shown = queued.office.done("queue", "status", "--database-url", queued.url)
    here = queue_of(queued.office.project())
    with queued.place() as place:
        queued.run(place, f"UPDATE {queued.table('workflow_status')} SET queue_name = '{here}'")
    said = queued.work(code=2)

    assert "1 waiting" in shown
    assert "1 job of those waiting: added from another checkout" in shown
    assert "was added from another checkout: its personas differ" in said
    assert [] == queued.office.asked()


def test_ctrl_c_hands_back_what_was_begun(queued: Queued, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted worker ends with 130, and its job waits for the next one; what was answered is not asked again."""
    queued.shelve("alpha")
    queued.add()

    def stop(_: Request) -> str:
        os.kill(os.getpid(), SIGTERM)
        return made.reply()

    queued.office.answers["mason2"] = stop
    said = queued.work(code=130)
    queued.office.asked()
    queued.office.answers.clear()
    state = queued.counts()
    queued.work()

    assert "Interrupted." in said
    assert {"waiting": 1} == state
    assert {"done": 1} == queued.counts()
    assert len(queued.office.asked()) <= 3


def test_a_full_disk_fails_no_job(queued: Queued, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk ends the worker with its reason; the jobs wait for another one."""
    queued.shelve("alpha", "beta")
    queued.add()

    def full(path: Path, *_: object) -> None:
        raise RecordError(f"{path}: not written: disk full") from OSError(28, "No space left on device")

    monkeypatch.setattr("panel.store.write_whole", full)
    said = queued.work(code=2)
    monkeypatch.undo()

    assert "not written: disk full" in said
    assert {"waiting": 2} == queued.counts()


def test_guards_of_the_engine(queued: Queued) -> None:
    """The engine runs under a pinned version, in JSON, bounded for each worker and by nothing that a dead one holds."""
    queued.shelve("alpha")
    queued.add()
    with queued.place() as place:
        made_so = configuration(place, "mine")
        [queue] = queued.run(place, f"SELECT worker_concurrency, concurrency FROM {queued.table('queues')}")
        [job] = queued.run(place, f"SELECT serialization, application_version FROM {queued.table('workflow_status')}")
        journal = queued.run(place, "PRAGMA journal_mode") if queued.is_sqlite else [("wal",)]

    assert ("review.v1", "mine") == (made_so["application_version"], made_so["executor_id"])
    assert (CONCURRENCY, None) == queue
    assert ("portable_json", None) == job
    assert [("wal",)] == journal


def test_a_pickle_in_the_database_is_not_run(queued: Queued, tmp_path: Path) -> None:
    """A row that says it is a pickle, which the engine would unpickle whatever its serialiser, is refused."""
    queued.shelve("alpha")
    queued.add()
    evil = base64.b64encode(pickle.dumps(Evil(str(tmp_path / "evil")))).decode()
    with queued.place() as place:
        for table in ("workflow_status", "workflow_input"):
            queued.run(place, f"UPDATE {queued.table(table)} SET inputs = '{evil}'")
        queued.run(place, f"UPDATE {queued.table('workflow_status')} SET serialization = 'py_pickle'")
        with place.client() as client:
            client.list_workflows()

    assert not (tmp_path / "evil").exists()


@dataclass(frozen=True)
class Evil:
    """A value that makes a file when it is unpickled."""

    path: str

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (self.path, "w")


@pytest.mark.parametrize("python", [(3, 11), (3, 12)])
def test_an_old_sqlite_is_named(python: tuple[int, int]) -> None:
    """Where Python is too new for its SQLite, a queue in it says so and what to do; where it is not, all is well."""
    if python == (3, 11):
        require_sqlite(python, (3, 40, 1))
        return
    require_sqlite(python, (3, 42, 0))
    with pytest.raises(InputError, match=r"SQLite 3\.40\.1 is too old .* Python 3\.11, .* postgresql://"):
        require_sqlite(python, (3, 40, 1))
