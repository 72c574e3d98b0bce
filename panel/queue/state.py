"""State: how many jobs are waiting, under way, done, failed or cancelled; and what can be done about them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dbos import DBOSClient, WorkflowStatus
from sqlalchemy import BigInteger, Column, MetaData, Table, Text, func, select

from panel.queue.job import Named
from panel.queue.place import Place
from panel.queue.presence import names_at, registered

WAITING, RUNNING, DONE, FAILED, CANCELLED = "waiting", "under way", "done", "failed", "cancelled"
STATES = {
    "DELAYED": WAITING,
    "ENQUEUED": WAITING,
    "PENDING": RUNNING,
    "SUCCESS": DONE,
    "ERROR": FAILED,
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": FAILED,
    "CANCELLED": CANCELLED,
}
"""What DBOS calls a state, and what people do."""

OPEN = ("DELAYED", "ENQUEUED", "PENDING")
MOST_FAILURES = 20
"""So many failures are told with their reasons."""

PAGE = 100
"""Jobs that are read at a time; each can be as long as a dossier."""


def _table(place: Place) -> Table:
    columns = [Column(name, Text) for name in ("workflow_uuid", "status", "queue_name")]
    return Table("workflow_status", MetaData(), *columns, Column("created_at", BigInteger), schema=place.schema)


@dataclass(frozen=True)
class Failure:
    """A job that failed."""

    id: str
    slug: str
    reason: str


@dataclass(frozen=True)
class State:
    """What a queue looks like."""

    counts: Mapping[str, int]
    """Jobs by state."""

    queues: Mapping[str, int]
    """Jobs that wait, by the queue: one for each checkout that they were added from."""

    workers: Sequence[str]
    """Names of the workers that are alive."""

    oldest_s: float | None
    """Seconds that the oldest waiting job has waited; None where none waits."""

    failures: Sequence[Failure]
    """The latest failures."""

    @classmethod
    def of(cls, place: Place) -> State:
        """Return the state of a queue."""
        table = _table(place)
        query = select(table.c.status, table.c.queue_name, func.count(), func.min(table.c.created_at))
        rows = place.database.call(
            lambda connection: connection.execute(query.group_by(table.c.status, table.c.queue_name)).all()
        )
        counts, queues = dict.fromkeys(dict.fromkeys(STATES.values()), 0), dict[str, int]()
        for status, queue, number, _ in rows:
            state = STATES.get(status, FAILED)
            counts[state] += number
            if state == WAITING:
                queues[queue or ""] = queues.get(queue or "", 0) + number
        waiting = [oldest for status, _, _, oldest in rows if STATES.get(status) == WAITING]
        with place.client() as client:
            failures = [*_failures(client)]
        names = names_at(place.database)
        try:
            alive = sorted(names.held(registered(place.database)))
        finally:
            names.close()
        oldest_s = max(0.0, time.time() - min(waiting) / 1000) if waiting else None
        return cls(counts, queues, alive, oldest_s, failures)


def is_open(place: Place, queue: str) -> bool:
    """Return whether a queue has a job that waits or is under way, with whatever worker."""
    table = _table(place)
    query = select(table.c.status).where(table.c.queue_name == queue, table.c.status.in_(OPEN)).limit(1)
    return place.database.call(lambda connection: connection.execute(query).first()) is not None


def _failures(client: DBOSClient) -> Iterator[Failure]:
    failed = [status for status, state in STATES.items() if state == FAILED]
    for job in client.list_workflows(status=failed, limit=MOST_FAILURES, sort_desc=True, load_input=False):
        named = Named.parse(job.workflow_id)
        yield Failure(job.workflow_id, named.slug if named else "", str(job.error or job.status))


def jobs(place: Place, client: DBOSClient, ids: Sequence[str]) -> Iterator[WorkflowStatus]:
    """Yield jobs with what they were given and what came of them, a page at a time."""
    for first in range(0, len(ids), PAGE):
        with place.telling():
            yield from client.list_workflows(workflow_ids=[*ids[first : first + PAGE]])


def listed(place: Place, states: Sequence[str]) -> list[tuple[Named, str]]:
    """Return the jobs that are in some states, each with its state, the newest first."""
    table = _table(place)
    statuses = [status for status, state in STATES.items() if state in states]
    query = select(table.c.workflow_uuid, table.c.status).where(table.c.status.in_(statuses))
    newest = query.order_by(table.c.created_at.desc(), table.c.workflow_uuid)
    rows = place.database.call(lambda connection: connection.execute(newest).all())
    return [(named, STATES[row.status]) for row in rows if (named := Named.parse(row.workflow_uuid))]


def latest(found: Sequence[tuple[Named, str]]) -> list[tuple[Named, str]]:
    """Return the newest job of each tool of a batch: an older one is about a dossier that has changed since."""
    newest: dict[tuple[str, str], tuple[Named, str]] = {}
    for named, state in found:
        newest.setdefault((named.batch, named.slug), (named, state))
    return [*newest.values()]


def chosen(found: Sequence[tuple[Named, str]], wanted: Sequence[str]) -> tuple[list[tuple[Named, str]], list[str]]:
    """Return the jobs that people mean, by id or by slug, and what none of them is called."""
    kept = [(named, state) for named, state in found if not wanted or {named.id, named.slug} & {*wanted}]
    names = {name for named, _ in kept for name in (named.id, named.slug)}
    return kept, [each for each in wanted if each not in names]


def cancel(place: Place, found: Sequence[Named]) -> int:
    """Cancel jobs; what is being asked for them is stopped. Return how many."""
    with place.client() as client:
        client.cancel_workflows([named.id for named in found])
    return len(found)


def retry(place: Place, found: Sequence[tuple[Named, str]]) -> int:
    """Put failed and cancelled jobs back; what is in the ledger is not asked again. Return how many."""
    with place.client() as client:
        for named, state in found:
            if state == FAILED:  # what its seats came to is forgotten: one of them failed
                client.rewind_workflow(named.id, queue_name=named.queue)
            else:
                client.resume_workflow(named.id, queue_name=named.queue)
    return len(found)
