"""Verify: recordings held against golden records; what differs is told in meanings first, and exits with 3."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from goldens import FOUR, copied, files, golden, recording, resealed, rewritten, small, verified, voting
from test_cli import run
from vendor import ANTHROPIC, Vendor

from panel.golden.verify import MOST_LINES
from panel.llm.ledger import Ledger
from panel.prompt import ASKED_WITH, JUDGED_WITH, LINTED_WITH, SHOWN_WITH

TOOLS, TAKES = 16, 72
FOUNDED = 14
"""So many of the tools have the Founder at the table, and a take of it."""

WAS, IS = "You have made payroll", "You have met payroll"


def reworded(home: Path) -> None:
    """Change one word in the Founder's file."""
    file = home / "personas" / "founder.md"
    file.write_text(file.read_text().replace(WAS, IS))


def test_what_is_as_recorded_passes_in_one_line(tmp_path: Path) -> None:
    """Verify of an untouched project prints what it counted and nothing else, exits with 0, and writes nothing."""
    home = copied(tmp_path)
    before = files(tmp_path)
    done = verified(home)

    assert (0, f"{TOOLS} tools, {TAKES} takes replayed, 0 carried; 5 comparisons: as recorded.\n") == (
        done.code,
        done.text,
    )
    assert before == files(tmp_path)


def test_a_word_of_one_persona_concerns_that_persona_alone(tmp_path: Path) -> None:
    """With one word of founder.md changed the Founder is named tool by tool, the word shown once; all else replays."""
    home = copied(tmp_path, "personas")
    reworded(home)
    done = verified(home)

    assert 3 == done.code
    assert {"founder: no recording of this request"} == {line.partition(": ")[2] for line in done.meanings}
    assert FOUNDED == len({line.partition(": ")[0] for line in done.meanings}) == len(done.meanings)
    assert [f"- {WAS}", f"+ {IS}"] == [line.partition(" from")[0] for line in done.changes]
    assert "devin: founder, duckdb: founder, excalidraw: founder and 9 more:" in done.text
    counts = f"{TOOLS} tools, {TAKES - FOUNDED} takes replayed, 0 carried; 5 comparisons: {FOUNDED} missing recording."
    assert counts == done.counts


def test_a_word_of_one_persona_makes_its_seats_stale_alone(tmp_path: Path) -> None:
    """With that word changed `panel status` names founder.md for the Founder's seats, and calls no other stale."""
    home = copied(tmp_path, "personas", tools=FOUR)
    tools = [str(home / "smollm3.yaml"), str(home / "typst.yaml")]
    for tool in tools:
        run("review", tool)
    reworded(home)
    done = run("status", *tools)

    seats = [line.strip() for line in done.stdout.splitlines() if line.startswith("  ")]
    assert ["founder: founder.md voice changed"] * 2 == seats
    assert "2 stale seats: a refresh takes 2 requests, about $" in done.stdout


def swap(home: Path) -> None:
    """Put the Builder's recording where the Skeptic's belongs, and the other way round."""
    one, other = recording(home, "smollm3", "builder"), recording(home, "smollm3", "skeptic")
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def delete(home: Path) -> None:
    """Delete the Builder's recording."""
    recording(home, "smollm3", "builder").unlink()


def add(home: Path) -> None:
    """Add the recording of a request that no review makes."""
    ledger = Ledger(home / "recordings")
    found = ledger.read(recording(home, "smollm3", "builder"))
    ledger.keep(found.request.model_copy(update={"sample": 7, "label": found.label}), found.reply)


def edit(home: Path) -> None:
    """Change one byte of what the Builder answered."""
    path = recording(home, "smollm3", "builder")
    before, reply, answer = path.read_bytes().partition(b'"reply": {')
    path.write_bytes(before + reply + answer.replace(b" the ", b" thf ", 1))


UNSOUND = "smollm3: {0}: {1}: the request in it does not match its name; delete it to ask again"
EDITED = "smollm3: {0}: {1}: was changed after it was written; restore it, or delete it to ask again"
TAMPERED: dict[str, tuple[Callable[[Path], None], list[str], str]] = {
    "swapped": (swap, [UNSOUND.format("builder", "{builder}"), UNSOUND.format("skeptic", "{skeptic}")], "unsound"),
    "deleted": (delete, ["smollm3: builder: no recording of this request"], "missing"),
    "added": (add, ["smollm3: builder: no review rests on the recording {added}"], "unused"),
    "edited": (edit, [EDITED.format("builder", "{builder}")], "unsound"),
}


@pytest.mark.parametrize(("tamper", "meanings", "kind"), TAMPERED.values(), ids=TAMPERED)
def test_what_was_done_to_a_recording_is_named(
    tamper: Callable[[Path], None], meanings: list[str], kind: str, tmp_path: Path
) -> None:
    """A recording that was swapped, deleted, added or edited fails verify for its own reason, and for no other."""
    home = copied(tmp_path, tools=FOUR)
    before = files(home)
    names = {persona: str(recording(home, "smollm3", persona)) for persona in ("builder", "skeptic")}
    tamper(home)
    names["added"] = next((name for name in files(home) if name not in before), "")
    done = verified(home)

    assert (3, [line.format(**names) for line in meanings]) == (done.code, done.meanings)
    assert done.counts.endswith(f": {len(meanings)} {kind} recording.")


def test_the_order_of_keys_is_no_difference(tmp_path: Path) -> None:
    """A recording whose keys, all the way down, stand in another order is the same recording."""
    home = copied(tmp_path, tools=FOUR)
    path = recording(home, "smollm3", "builder")
    path.write_text(json.dumps(json.loads(path.read_bytes(), object_pairs_hook=lambda pairs: dict(pairs[::-1]))))

    assert path.read_text().startswith('{"reply": {"recorded_at"')
    assert 0 == verified(home).code


def test_swapped_replies_that_were_sealed_again_differ(tmp_path: Path) -> None:
    """Two personas that got each other's reply, under names and digests that fit, are found by what the replies say."""
    home = copied(tmp_path, tools=FOUR)
    paths = [recording(home, "typst", persona) for persona in ("builder", "skeptic")]
    answers = [json.loads("\n".join(json.loads(path.read_bytes())["reply"]["text"])) for path in paths]
    for path, answer in zip(paths, reversed(answers), strict=True):
        resealed(path, lambda old, new=answer: (old.clear(), old.update(new)))
    done = verified(home)

    asked = [f"typst: {persona}: no recording of this request (a repair)" for persona in ("builder", "skeptic")]
    assert (3, asked) == (done.code, done.meanings)
    assert 2 == sum(line.startswith("+ - none of the ratings is for a criterion of this seat") for line in done.changes)


def failing(home: Path) -> set[str]:
    """Return the slugs of the tools that verify fails."""
    report = home.parent / "report.xml"
    assert 3 == verified(home, "--junit", str(report)).code
    return {
        case.attrib["name"] for case in ET.parse(report).getroot() if case.attrib["classname"] == "panel" and len(case)
    }


def test_no_golden_record_passes_with_other_personas(tmp_path: Path) -> None:
    """With all five voices replaced every tool fails, and no take is replayed."""
    home = copied(tmp_path, "personas")
    for path in (home / "personas").glob("*.md"):
        front = path.read_text().rpartition("\n---\n")[0]
        path.write_text(f"{front}\n---\n{'You judge tools by other things than before, and you say so. ' * 5}\n")

    done = verified(home)
    assert f"{TOOLS} tools, 0 takes replayed" in done.counts
    assert TOOLS == len({line.partition(": ")[0] for line in done.meanings if ": no recording of this" in line})


@pytest.mark.parametrize("name", [*ASKED_WITH, *JUDGED_WITH])
def test_no_golden_record_passes_with_another_prompt(name: str, tmp_path: Path) -> None:
    """With any one file changed that models are asked with, or answers are judged with, every tool fails."""
    home = copied(tmp_path, "prompts", tools=FOUR)
    path = home / "prompts" / name
    text = path.read_text()
    path.write_text(text.replace("{", '{"title": "other",', 1) if name.endswith("json") else f"{text}\nother\n")

    assert {*FOUR} == failing(home)


def test_what_no_answer_depends_on_changes_nothing(tmp_path: Path) -> None:
    """The sheets for chat windows and the words for lint are no part of what was recorded."""
    home = copied(tmp_path, "prompts", tools=FOUR)
    for name in (*SHOWN_WITH, *LINTED_WITH):
        path = home / "prompts" / name
        path.write_text(f"{path.read_text()}\nother\n")

    assert 0 == verified(home).code


def test_a_flipped_vote_is_told_in_meanings_first(tmp_path: Path) -> None:
    """The first line says which label became which, whose vote flipped and by which criterion; then come the lines."""
    home = copied(tmp_path, tools=FOUR)
    resealed(recording(home, "obsidian", "futurist"), voting("skip", bet=2))
    done = verified(home)

    meaning = "Obsidian: Ship to Mixed because Futurist flipped 61 to 55: criterion bet 3 to 2"
    assert (3, [meaning]) == (done.code, done.meanings)
    assert ['-        "score": 61,', '+        "score": 55,'] == [
        c for c in done.changes if re.search(r'"score": \d+,', c)
    ]
    assert {'-    "label": "Ship",', '+    "label": "Mixed",'} <= set(done.changes)
    assert done.counts.endswith("0 carried; 1 comparison: 1 changed.")
    assert f"  to take the new outcome in: panel verify {home} --accept" == done.text.splitlines()[-1]


def test_a_long_difference_is_cut_and_counted(tmp_path: Path) -> None:
    """Of very many changed lines the first ones are shown, and how many more there are."""
    home = small(tmp_path)
    rewritten(golden(home, "plumb"), lambda data: data["seats"].clear())
    done = verified(home)

    shown = done.text.partition("plumb:\n")[2].partition("\n\n")[0].splitlines()
    assert MOST_LINES < len(shown) < MOST_LINES + 5
    assert re.fullmatch(r"    … and \d{3,} more lines", shown[-1])


class Refusing(socket.socket):
    """A socket that is none, unless it is one within this process, which an event loop has."""

    def __init__(self, family: int = -1, *rest: Any, **more: Any) -> None:
        assert family == socket.AF_UNIX, "verify opened a socket"
        super().__init__(family, *rest, **more)


def test_the_network_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Verify opens no socket, without keys or with them, although a recording is missing and mode live is set."""
    home = copied(tmp_path, tools=FOUR)
    delete(home)
    with Vendor([]) as vendor, monkeypatch.context() as patched:
        patched.setattr(socket, "socket", Refusing)
        without = verified(home)
        for name, value in {**vendor.environment, ANTHROPIC.key: "no-key", "PANEL_MODE": "live"}.items():
            patched.setenv(name, value)
        with_keys = verified(home)

    assert (3, ["smollm3: builder: no recording of this request"]) == (without.code, without.meanings)
    assert without == with_keys
    assert [] == vendor.calls


@pytest.mark.parametrize("name", ["review.json", "choices.json"])
@pytest.mark.parametrize("text", ["{", "[]", '{"schema": "panel.review/2"}'])
def test_a_golden_record_that_can_t_be_read_is_named(name: str, text: str, tmp_path: Path) -> None:
    """What is no record of Panel's fails with its path and what to do; its recordings are not called unused."""
    home = small(tmp_path, "Level")
    path = golden(home, "plumb").with_name(name)
    path.write_text(text)
    done = verified(home)

    assert 3 == done.code
    assert [f"plumb: {path}"] == [line.rpartition(": is no")[0].partition(": schema")[0] for line in done.meanings]
    assert "restore it, or delete it and run again" in done.meanings[0]
    assert done.counts.endswith("2 tools, 3 takes replayed, 0 carried: 1 unreadable record.")
    assert text == path.read_text()


def put(path: Path) -> None:
    """Write a file that is no JSON, in a folder of its own."""
    path.parent.mkdir()
    path.write_text("{")


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "a dossier": (lambda home: (home / "plumb.yaml").write_text("name: Plumb\n"), "plumb.yaml:1: category: is missing"),
    "a persona": (lambda home: (home / "personas" / "mason1.md").write_text("hello"), "mason1.md:1: must begin with"),
    "no dossiers": (lambda home: (home / "plumb.yaml").unlink(), "there are no dossiers here"),
    "a history": (
        lambda home: put(home / "golden" / "plumb" / "takes" / "mason0-1.json"),
        "mason0-1.json: is not JSON",
    ),
}


@pytest.mark.parametrize(("breaks", "message"), BROKEN.values(), ids=BROKEN)
def test_what_people_wrote_wrong_is_no_difference(
    breaks: Callable[[Path], object], message: str, tmp_path: Path
) -> None:
    """Faults in what verify reads end in exit 2 and their place, never in a difference."""
    home = small(tmp_path)
    breaks(home)
    done = run("verify", str(home))

    assert (2, "") == (done.exit_code, done.stdout)
    assert message in done.stderr


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("nowhere", "nowhere: there is no such folder, and no such record"),
        ("nowhere.json", "nowhere.json: can't be read"),
        ("plumb.yaml", "plumb.yaml: is a dossier; name the folder of its project, or a review.json"),
        (".", "there are no dossiers here; name their folders as `tools` in panel.toml"),
    ],
)
def test_what_can_t_be_verified_is_told(
    argument: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An argument that is neither a project nor a record ends in exit 2 and says what belongs there."""
    monkeypatch.chdir(tmp_path)
    done = run("verify", argument)

    assert 2 == done.exit_code
    assert message in done.stderr


def test_a_project_that_can_t_be_read_is_told_where_ci_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken dossier ends with exit 2, and its place is in the annotation, in the summary and in the JUnit report."""
    home = small(tmp_path)
    (home / "plumb.yaml").write_text("tagline: nothing else\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    done = run("verify", str(home), "--junit", str(tmp_path / "panel.xml"))
    place = (home / "plumb.yaml").relative_to(tmp_path)

    assert 2 == done.exit_code
    assert f"::error file={place},line=1,title=panel%3A project::" in done.stdout
    assert "name: is missing" in (tmp_path / "summary.md").read_text()
    assert "1" == ET.parse(tmp_path / "panel.xml").getroot().get("errors")


def test_a_page_that_was_changed_by_hand_is_seen(tmp_path: Path) -> None:
    """A page that no longer says what its record says is a difference, named by its file."""
    home = small(tmp_path)
    (home / "panel.toml").write_text('model = "fake:ship"\ntools = ["."]\n')
    run("review", str(home / "plumb.yaml"))
    assert 0 == run("verify", str(home)).exit_code
    page = home / "runs" / "plumb" / "review.md"
    page.write_text(page.read_text() + "hello")
    done = run("verify", str(home))

    assert 3 == done.exit_code
    assert "Plumb: review.md says something else than the record" in done.stdout


@pytest.mark.parametrize(
    "options", [["--accept"], ["--persona", "mason0"], ["--junit", "a.xml"], ["--summary", "a.md"]]
)
def test_what_is_for_a_project_is_refused_for_a_record(options: list[str], tmp_path: Path) -> None:
    """Options that a single record has no use for are not passed over in silence: exit 2, and nothing is written."""
    home = small(tmp_path)
    before = files(home)
    done = run("verify", str(golden(home, "plumb")), *options)

    assert (2, "", before) == (done.exit_code, done.stdout, files(home))
    assert "a record is recomputed, not accepted or reported on: leave the options out" in done.stderr
