"""The bench: verify looks at what is checked in, at all of it, and at nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import made
from goldens import FOUR, copied, golden, recording, small, verified
from test_cli import run

from panel.llm.ledger import Ledger

MASONS = ["mason0", "mason1", "mason2"]


def test_what_lies_in_runs_makes_nothing_pass(tmp_path: Path) -> None:
    """A recording that this machine alone has, in its own ledger, does not count; nor do records in `runs`."""
    home = copied(tmp_path, tools=FOUR)
    for tool in ("smollm3", "typst"):
        run("review", str(home / f"{tool}.yaml"))
    path = recording(home, "smollm3", "builder")
    own = Ledger(tmp_path / "runs" / "ledger").path(f"sha256:{path.stem}")
    own.parent.mkdir(parents=True)
    path.rename(own)
    golden(home, "typst").unlink()

    assert 0 == run("review", str(home / "smollm3.yaml"), "--mode", "replay").exit_code
    assert [
        "smollm3: builder: no recording of this request",
        "Typst: there is no golden record to hold it against",
    ] == verified(home).meanings


def test_what_an_earlier_take_rests_on_is_used(tmp_path: Path) -> None:
    """A recording that a take in the history rests on is no unused one; without the history it is."""
    home = copied(tmp_path, tools=FOUR)
    takes = sorted((home / "golden" / "smollm3" / "takes").glob("*.json"))
    asks = [json.loads(path.read_bytes())["seat"]["asks"][0]["request"] for path in takes]
    with_history = verified(home)
    for path in takes:
        path.unlink()
    without = verified(home)

    assert 0 == with_history.code
    assert 3 == without.code
    unused = {
        f"smollm3: founder: no review rests on the recording recordings/{ask[7:9]}/{ask[7:]}.json" for ask in asks
    }
    assert unused == set(without.meanings)
    assert "\nsmollm3: founder:\n    delete it, or review the tool\n" in without.text


def test_records_and_dossiers_belong_together(tmp_path: Path) -> None:
    """A golden record without a dossier fails, its recordings too; a dossier without a golden record fails."""
    home = small(tmp_path, "Level", "Trowel")
    (home / "level.yaml").unlink()
    golden(home, "trowel").unlink()
    done = verified(home)

    assert 3 == done.code
    assert "Trowel: there is no golden record to hold it against" == done.meanings[0]
    assert {"level: mason0", "level: mason1", "level: mason2"} == {
        line.partition(": no ")[0] for line in done.meanings[1:4]
    }
    assert "level: a record of a tool that has no dossier here" == done.meanings[4]
    assert done.counts.endswith("1 no golden record, 3 unused recording, 1 no dossier.")


def test_a_review_that_is_locked_as_a_whole_stands(tmp_path: Path) -> None:
    """What no run may change is not called different when its dossier changes; released, it is."""
    home = small(tmp_path)
    (home / "panel.toml").write_text('model = "fake:ship"\ntools = ["."]\n')
    run("review", str(home / "plumb.yaml"))
    run("lock", str(home / "plumb.yaml"))
    dossier = home / "plumb.yaml"
    dossier.write_text(dossier.read_text().replace("Lead Works", "Led Works"))
    locked = verified(home)
    run("lock", str(dossier), "--release")
    released = verified(home)

    assert (0, 3) == (locked.code, released.code)
    assert {"plumb: mason0", "plumb: mason1", "plumb: mason2"} == {
        line.partition(": no ")[0] for line in released.meanings
    }


def test_what_is_no_recording_by_its_name_is_left_alone(tmp_path: Path) -> None:
    """What a crash or a person leaves in a ledger is neither a recording nor a fault."""
    home = small(tmp_path)
    folder = recording(home, "plumb", "mason0").parent
    for path in (folder / ".abc.part", folder / "notes.txt", folder.parent / "README.md", folder.parent / "ab"):
        path.write_text("{")

    assert 0 == verified(home).code


def test_recordings_in_runs_are_held_against_the_history_there(tmp_path: Path) -> None:
    """Where golden records rest on the ledger in `runs`, what was tried there and not accepted is used."""
    made.project(tmp_path, personas=3)
    (tmp_path / "panel.toml").write_text('model = "fake:ship"\ntools = ["."]\ngolden = "golden"\n')
    tool = str(tmp_path / "plumb.yaml")
    run("record", str(tmp_path), "--yes")
    run("review", tool)
    run("retake", tool, "--persona", "mason1", "--keep")
    tried = verified(tmp_path)
    (tmp_path / "runs" / "plumb" / "takes" / "mason1-2.json").unlink()

    assert 4 == len(list((tmp_path / "runs" / "ledger").glob("??/*.json")))
    assert (0, 3) == (tried.code, verified(tmp_path).code)
