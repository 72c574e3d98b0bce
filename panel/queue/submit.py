"""Submit: a catalogue becomes jobs. By the client of DBOS alone, which claims nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from dbos import DBOSClient, EnqueueOptions
from dbos._error import DBOSWorkflowIDInUseError

from panel.catalogue.dossiers import Catalogue
from panel.errors import InputError
from panel.project import Project
from panel.queue.engine import set_up
from panel.queue.job import Job, Named, batch_of
from panel.queue.place import Place
from panel.queue.state import RUNNING, WAITING, cancel, listed


@dataclass
class Submitted:
    """What became of the dossiers of a catalogue."""

    added: int = 0
    known: int = 0
    """There already."""

    replaced: int = 0
    """Cancelled, since their dossiers have changed since."""

    faults: list[str] = field(default_factory=list)


def submit(place: Place, project: Project, found: Catalogue, batch: str | None = None) -> Submitted:
    """Put a job into the queue for each dossier that is not there yet; one that is faulty does not stop the others."""
    name, new = batch_of(project, batch), dict[str, str]()
    done = Submitted(faults=[*found.faults.values()])
    with place.client() as client:
        for path in found.paths:
            try:
                job = Job.of(project, path, found.taken)
            except InputError as error:
                done.faults.append(str(error))
                continue
            named = Named.of(name, job)
            if not done.added + done.known:
                set_up(client, named.queue)
            if _enqueued(client, named, job):
                done.added += 1
                new[named.slug] = named.id
            else:
                done.known += 1
    stale = [
        named
        for named, _ in listed(place, (WAITING, RUNNING) if new else ())
        if named.batch == name and new.get(named.slug, named.id) != named.id
    ]
    done.replaced = cancel(place, stale) if stale else 0
    return done


def _enqueued(client: DBOSClient, named: Named, job: Job) -> bool:
    """Put a job into the queue; return False where it is there."""
    options: EnqueueOptions = {
        "workflow_name": "review",
        "queue_name": named.queue,
        "workflow_id": named.id,
        "workflow_id_reuse_policy": "reject",
    }
    try:
        client.enqueue(options, job.as_json())
    except DBOSWorkflowIDInUseError:
        return False
    return True
