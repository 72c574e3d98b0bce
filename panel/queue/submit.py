"""Submit: a catalogue becomes jobs. By the client of DBOS alone, which claims nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dbos import DBOSClient, EnqueueOptions
from dbos._error import DBOSWorkflowIDInUseError

from panel.document import Document
from panel.errors import InputError, ToolError
from panel.files import is_folder
from panel.names import names_of
from panel.project import Project
from panel.queue.job import Job, Named, batch_of
from panel.queue.place import Place
from panel.queue.state import RUNNING, WAITING, cancel, listed
from panel.queue.work import set_up
from panel.shelf import ENDINGS
from panel.tool import read_dossier


@dataclass
class Submitted:
    """What became of the dossiers of a catalogue."""

    added: int = 0
    known: int = 0
    """There already."""

    replaced: int = 0
    """Cancelled, since their dossiers have changed since."""

    faults: list[str] = field(default_factory=list)


def submit(place: Place, project: Project, paths: Sequence[Path], batch: str | None = None) -> Submitted:
    """Put a job into the queue for each dossier that is not there yet; one that is faulty does not stop the others."""
    name, done, new = batch_of(project, batch), Submitted(), dict[str, str]()
    taken = names_of(document for path in paths if (document := _readable(path)))
    with place.client() as client:
        for path in paths:
            try:
                job = Job.of(project, path, taken)
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


def dossiers_at(places: Sequence[Path]) -> list[Path]:
    """Return the dossiers that people name, by file or by folder, each once; raises ToolError where there are none."""
    found = [path for place in places for path in _at(place)]
    if not found:
        raise ToolError(f"{', '.join(map(str, places))}: there are no dossiers here; name a file, or another folder")
    return [*dict.fromkeys(found)]


def _at(place: Path) -> Iterator[Path]:
    if not is_folder(place):
        yield place
        return
    for path in sorted(place.iterdir()):
        if path.suffix in ENDINGS and not path.name.startswith(".") and path.is_file():
            yield path


def _readable(path: Path) -> Document | None:
    try:
        return read_dossier(path)
    except ToolError:
        return None


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
