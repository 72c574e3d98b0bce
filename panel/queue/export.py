"""Export: what workers made, written into `runs/` of this machine as they wrote it into theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from panel.choices import Choices
from panel.errors import PanelError
from panel.llm.ledger import Recordings
from panel.llm.recording import Held
from panel.markdown import page
from panel.pipeline import log_verdict
from panel.project import Project
from panel.queue.job import Done, Job, Named
from panel.queue.place import Place
from panel.queue.state import DONE, jobs, latest, listed


@dataclass
class Exported:
    """What an export came to."""

    written: int = 0
    """Records that were not there like that."""

    same: int = 0
    recordings: int = 0
    """Recordings that were not there yet."""

    faults: list[str] = field(default_factory=list)


async def export(place: Place, project: Project, source: Recordings) -> Exported:
    """Write the records of all finished jobs, their histories and recordings; what is there like that stays.

    Where the editors of this machine chose otherwise since, or locked a seat, a record is left out and named.
    """
    result = Exported()
    found = [named for named, _ in latest(listed(place, (DONE,)))]
    with place.client() as client:
        for one in jobs(place, client, [named.id for named in found]):
            try:
                job = Job.model_validate((one.input or {"args": [None]})["args"][0])
                done = Done.model_validate(one.output)
                await _write(project, job, done, result)
                result.recordings += _record(project.ledgers.own, source, done.requests)
            except ValidationError:
                named = Named.parse(one.workflow_id)
                result.faults.append(f"{named.slug if named else ''}: the queue holds no record that this Panel knows")
            except PanelError as error:
                result.faults.append(str(error))
    return result


async def _write(project: Project, job: Job, done: Done, result: Exported) -> None:
    slug, store = done.review.tool.slug, project.store
    async with store.turn(slug):
        job.prepare(project, done.review.tool)
        path = store.review_path(slug)
        before = path.read_bytes() if path.is_file() else b""
        for entry in done.entries:
            store.history(slug).keep(entry)
        if done.choices != Choices():
            store.save_choices(slug, done.choices)
        log_verdict(store, done.review)
        store.save_review(done.review, page(done.review))
        is_same = path.read_bytes() == before
    result.same += is_same
    result.written += not is_same


def _record(own: Recordings, source: Recordings, identities: Sequence[str]) -> int:
    missing = [identity for identity in identities if own.find(identity) is None]
    found = [recording for identity in missing if (recording := source.find(identity))]
    return own.add([Held(0, recording.as_json(), recording, None) for recording in found])
