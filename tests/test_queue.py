"""The queue: jobs are added once, worked off by whoever comes, and brought home as the workers made them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from queued import Queued, began, begun, queued
from struck import Standing

__all__ = ["began", "begun", "queued"]

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


@pytest.mark.parametrize("samples", [(), ("--samples", "3")])
def test_workers_make_what_a_review_makes(
    queued: Queued, monkeypatch: pytest.MonkeyPatch, samples: tuple[str, ...]
) -> None:
    """Records, pages, histories, choices and recordings are the same bytes, by a worker and by an export."""
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
