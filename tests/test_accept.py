"""Accepting: what the recordings give becomes the golden record, all of it or one seat, and nothing else changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from goldens import FOUR, Data, copied, files, golden, recording, resealed, seat_of, small, verified, voting
from test_cli import run

SKIPS = voting("skip", shape=1, start=1, proof=1, place=1, leave=1)
"""Makes a mason's stand-in skip with 25."""

MASONS = ["mason0", "mason1", "mason2"]


def seats(path: Path) -> dict[str, Data]:
    """Return the seats of a record by persona."""
    return {seat["persona"]: seat for seat in json.loads(path.read_bytes())["seats"]}


def differing(before: dict[str, bytes], folder: Path) -> list[str]:
    """Return the paths of the files that are other than they were, or new, or gone."""
    after = files(folder)
    return sorted(name for name in before | after if before.get(name) != after.get(name))


def test_a_new_outcome_is_taken_in(tmp_path: Path) -> None:
    """--accept tells the difference, writes that one record, and ends as recorded with exit 0; so does the next run."""
    home = copied(tmp_path, tools=FOUR)
    resealed(recording(home, "obsidian", "futurist"), voting("skip", bet=2))
    before = files(tmp_path)
    done = verified(home, "--accept")

    assert 0 == done.code
    assert done.text.startswith("Obsidian: Ship to Mixed because Futurist flipped 61 to 55")
    assert [
        "accepted: obsidian",
        "4 tools, 15 takes replayed, 0 carried; 1 comparison: as recorded.",
    ] == done.text.splitlines()[-2:]
    assert ["examples/golden/obsidian/review.json"] == differing(before, tmp_path)
    assert 0 == verified(home).code


def test_what_was_accepted_is_what_a_review_writes(tmp_path: Path) -> None:
    """The accepted record has the bytes that `panel review` writes from the same recordings."""
    home = copied(tmp_path, tools=FOUR)
    resealed(recording(home, "obsidian", "futurist"), voting("skip", bet=2))
    verified(home, "--accept")
    run("review", str(home / "obsidian.yaml"), "--mode", "replay")

    assert golden(home, "obsidian").read_bytes() == (tmp_path / "runs" / "obsidian" / "review.json").read_bytes()


def test_one_seat_alone_is_taken_in(tmp_path: Path) -> None:
    """--accept --persona changes that seat, in each record; every other seat and record keeps its bytes."""
    home = small(tmp_path, "Level", "Trowel")
    for slug, persona in [("plumb", "mason0"), ("plumb", "mason1"), ("level", "mason0"), ("trowel", "mason2")]:
        resealed(recording(home, slug, persona), SKIPS)
    before, was = files(tmp_path), {slug: seats(golden(home, slug)) for slug in ("plumb", "level")}
    done = verified(home, "--accept", "--persona", "mason0")

    assert ["golden/level/review.json", "golden/plumb/review.json"] == differing(before, tmp_path)
    for slug, old in was.items():
        new = seats(golden(home, slug))
        assert ["mason0"] == [id for id in MASONS if json.dumps(old[id]) != json.dumps(new[id])]
        assert ("ship", "skip") == (old["mason0"]["take"]["vote"], new["mason0"]["take"]["vote"])
    assert 3 == done.code
    assert "accepted: level, plumb" in done.text
    left = ["Plumb: stays Mixed 1-2; Mason 1 flipped", "Trowel: Ship to Mixed because Mason 2 flipped"]
    assert left == [line[: line.index("flipped") + 7] for line in verified(home).meanings]


def test_several_seats_can_be_named(tmp_path: Path) -> None:
    """--persona is repeatable: what is named is taken in together, and then nothing differs."""
    home = small(tmp_path)
    for persona in ("mason0", "mason2"):
        resealed(recording(home, "plumb", persona), SKIPS)

    assert 0 == verified(home, "--accept", "--persona", "mason0", "--persona", "mason2").code


def test_a_persona_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """--persona with an id that is not on the panel ends in exit 2, and nothing is written."""
    home = small(tmp_path)
    resealed(recording(home, "plumb", "mason0"), SKIPS)
    before = files(tmp_path)
    done = run("verify", str(home), "--accept", "--persona", "mason9")

    assert (2, []) == (done.exit_code, differing(before, tmp_path))
    assert "no persona 'mason9' on the panel" in done.stderr


@pytest.mark.parametrize("options", [[], ["--persona", "mason0"]], ids=["all", "that seat"])
@pytest.mark.parametrize("in_runs", [False, True], ids=["golden", "runs"])
def test_what_can_t_be_replayed_is_not_accepted(options: list[str], in_runs: bool, tmp_path: Path) -> None:
    """Where what is accepted lacks its recording, the record stays, also where its dossier changed since."""
    home = small(tmp_path)
    if in_runs:
        in_its_own_folder(home)
    dossier = home / "plumb.yaml"
    dossier.write_text(dossier.read_text().replace("slug: plumb", "slug: plumb\naliases: [Plumb line]"))
    folder = home / ("runs/ledger" if in_runs else "recordings")
    request = next(seat for seat in seats(next(home.rglob("plumb/review.json"))).values())["asks"][0]["request"][7:]
    (folder / request[:2] / f"{request}.json").unlink()
    before = files(tmp_path)
    done = verified(home, "--accept", *options)

    assert (3, []) == (done.code, differing(before, tmp_path))
    assert "accepted: nothing" in done.text
    assert ["plumb: mason0: no recording of this request"] == done.meanings


def in_its_own_folder(home: Path) -> None:
    """Turn a project with a folder of golden records into one whose records in `runs` are the golden ones."""
    (home / "panel.toml").write_text('model = "fake:ship"\ntools = ["."]\n')
    assert 0 == run("review", str(home / "plumb.yaml")).exit_code


def test_records_in_runs_are_written_with_all_that_belongs_to_them(tmp_path: Path) -> None:
    """Without a golden folder the record in `runs` is accepted: its page and its history with it."""
    home = small(tmp_path)
    in_its_own_folder(home)
    request = seats(home / "runs" / "plumb" / "review.json")["mason1"]["asks"][0]["request"][7:]
    resealed(home / "runs" / "ledger" / request[:2] / f"{request}.json", SKIPS)
    before = files(tmp_path)
    done = verified(home, "--accept", "--persona", "mason1")

    new = ["runs/plumb/log.jsonl", "runs/plumb/review.json", "runs/plumb/review.md", "runs/plumb/takes/mason1-2.json"]
    assert (0, new) == (done.code, differing(before, tmp_path))
    assert "25 skip" in run("log", str(home / "plumb.yaml")).stdout


def test_a_missing_golden_record_is_written(tmp_path: Path) -> None:
    """A tool whose record is not there gets one from the recordings; with --persona it does not."""
    home = small(tmp_path, "Level")
    sound = golden(home, "plumb").read_bytes()
    golden(home, "plumb").unlink()
    of_one_seat = verified(home, "--accept", "--persona", "mason0")
    of_all = verified(home, "--accept")

    assert (3, 0) == (of_one_seat.code, of_all.code)
    assert "accepted: nothing" in of_one_seat.text
    assert sound == golden(home, "plumb").read_bytes()


def test_a_new_persona_is_taken_in_at_its_place(tmp_path: Path) -> None:
    """A persona that came to the panel takes its seat in the golden records, the others keep theirs."""
    home = small(tmp_path)
    text = (home / "personas" / "mason1.md").read_text()
    joined = text.replace("id: mason1", "id: joiner").replace("name: Mason 1", "name: Joiner")
    (home / "personas" / "joiner.md").write_text(joined)
    was = seats(golden(home, "plumb"))
    run("record", str(home), "--yes")
    new = verified(home)
    done = verified(home, "--accept", "--persona", "joiner")

    now = seats(golden(home, "plumb"))
    assert (3, 0) == (new.code, done.code)
    assert new.meanings[0].startswith("Plumb: stays Ship 4-0; Joiner not at the table to ")
    assert ["mason0", "joiner", "mason1", "mason2"] == [*now]
    assert was == {id: seat for id, seat in now.items() if id != "joiner"}


def test_what_can_t_be_read_is_not_overwritten(tmp_path: Path) -> None:
    """A golden record that can't be read is left for somebody to look at."""
    home = small(tmp_path)
    golden(home, "plumb").write_text("{")
    done = verified(home, "--accept")

    assert (3, "{") == (done.code, golden(home, "plumb").read_text())
    assert "accepted: nothing" in done.text


def test_nothing_is_written_where_nothing_differs(tmp_path: Path) -> None:
    """--accept of what is as recorded says so and touches no file."""
    home = small(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*")}
    done = verified(home, "--accept")

    assert (0, "1 tool, 3 takes replayed, 0 carried: as recorded.\n") == (done.code, done.text)
    assert before == {path: path.stat().st_mtime_ns for path in home.rglob("*")}


def test_the_seats_of_a_golden_record_name_their_recordings(tmp_path: Path) -> None:
    """After an acceptance every seat of the record still rests on recordings that are there."""
    home = small(tmp_path)
    resealed(recording(home, "plumb", "mason2"), SKIPS)
    verified(home, "--accept")

    assert all(recording(home, "plumb", id).is_file() for id in MASONS)
    assert 25 == seat_of(home, "plumb", "mason2")["take"]["score"]


@pytest.mark.parametrize("in_runs", [False, True], ids=["golden", "runs"])
def test_a_page_goes_with_its_record(in_runs: bool, tmp_path: Path) -> None:
    """A page that was changed by hand is written again from its record; a new record brings its page along."""
    home = small(tmp_path)
    run("review", str(home / "plumb.yaml"))
    if in_runs:
        in_its_own_folder(home)
    record = home / "runs" / "plumb" / "review.json" if in_runs else golden(home, "plumb")
    page = record.with_suffix(".md")
    page.write_bytes(sound := (home / "runs" / "plumb" / "review.md").read_bytes())
    page.write_text("Everybody ships.")
    by_hand = verified(home, "--accept")
    after = page.read_bytes()
    request = seats(record)["mason1"]["asks"][0]["request"][7:]
    resealed(next(home.glob(f"{'runs/ledger' if in_runs else 'recordings'}/??/{request}.json")), SKIPS)
    anew = verified(home, "--accept")

    assert "Plumb: review.md says something else than the record" == by_hand.text.splitlines()[0]
    assert (0, sound) == (by_hand.code, after)
    assert 0 == anew.code
    assert "| Mason 1 | 25/100 | skip |" in page.read_text()
