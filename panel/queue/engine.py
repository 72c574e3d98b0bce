"""Engine: how DBOS is run, and what is asked of it. Each setting is a guard against what it does otherwise."""

from __future__ import annotations

from dbos import DBOSClient, DBOSConfig, DBOSPortableJSONSerializer

from panel.llm.database import ALIVE
from panel.queue.place import APPLICATION, SCHEMA, VERSION, Place

CONCURRENCY = 16
"""Reviews of one worker at once, where nothing is set. Without a bound the first worker would claim them all."""

POLL_S = 0.25
"""Seconds between two looks for work."""


def configuration(place: Place, name: str) -> DBOSConfig:
    """Return how DBOS is to run: quiet, in JSON, under a pinned version, with nothing that looks outside."""
    connect = {} if place.database.is_sqlite else {"connect_args": {**ALIVE, "application_name": APPLICATION}}
    return {
        "name": APPLICATION,
        "system_database_url": place.url,
        "dbos_system_schema": SCHEMA,
        "application_version": VERSION,
        "executor_id": name,
        "serializer": DBOSPortableJSONSerializer(),
        "log_level": "WARNING",
        "enable_otlp": False,
        "sys_db_pool_size": 8,
        "db_engine_kwargs": connect,
        "notification_listener_polling_interval_sec": 0.2,
    }


def set_up(client: DBOSClient, queue: str, concurrency: int | None = None) -> None:
    """Return when there is a queue of this name; `concurrency` is for all of its workers, from now on."""
    client.register_queue(
        queue,
        worker_concurrency=concurrency or CONCURRENCY,
        polling_interval_sec=POLL_S,
        on_conflict="always_update" if concurrency else "never_update",
    )


def hand_back(client: DBOSClient, names: list[str]) -> None:
    """Put what dead workers were at back into the queue that it came from."""
    jobs = client.list_workflows(executor_id=names, status="PENDING", load_input=False, load_output=False)
    for queue in {job.queue_name for job in jobs}:
        ids = [job.workflow_id for job in jobs if job.queue_name == queue]
        client.resume_workflows(ids, queue_name=queue)
