"""An audit: `panel verify RECORD` recomputes one record, finds what was changed in it, and says what it can't know."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import made
import pytest
from conftest import EXAMPLES
from goldens import Data, altered, copied, golden, recording, rewritten, served, small
from hypothesis import given
from hypothesis import strategies as st
from mutated import FEWER
from test_cli import run
from vendor import CHAT, Vendor

from panel.errors import RecordError
from panel.files import readable
from panel.golden.audit import audit
from panel.project import Project

SLUGS = sorted(path.parent.name for path in (EXAMPLES / "golden").glob("*/review.json"))


def audited(path: Path) -> tuple[int, list[str], list[str]]:
    """Return how an audit ends, what it found to differ, and what it could not recompute."""
    done = run("verify", str(path))
    lines = [line.strip() for line in done.stdout.splitlines()]
    differs, unknown = (
        [line.removeprefix(kind) for line in lines if line.startswith(kind)] for kind in ("differs: ", "not here: ")
    )
    return done.exit_code, differs, unknown


@pytest.mark.parametrize("slug", SLUGS)
def test_every_golden_record_can_be_recomputed(slug: str) -> None:
    """All of a golden record follows from itself and from the recordings: nothing differs, nothing is left out."""
    done = run("verify", str(golden(EXAMPLES, slug)))

    *lines, last = done.stdout.splitlines()
    assert 0 == done.exit_code
    assert {"  same"} == {line.partition(":")[0] for line in lines}
    assert last.endswith(f"review.json: nothing differs in {len(lines)} recomputations.")


def of_take(**fields: Any) -> Callable[[Data], object]:
    """Return the change of these fields of the Builder's take."""
    return lambda data: data["seats"][0]["take"].update(fields)


def of_rating(**fields: Any) -> Callable[[Data], object]:
    """Return the change of these fields of the Builder's first rating."""
    return lambda data: data["seats"][0]["take"]["ratings"][0].update(fields)


def is_three(rating: Data) -> bool:
    """Return whether a rating is a 3, which needs a quote."""
    return bool(rating["rating"] == 3)


FOLLOWS = "Builder: score and vote follow from the ratings: it says "
REPLIES = "Builder: the recorded replies give this seat: SmolLM3: Builder "
VERDICT = "the verdict follows from the seats: SmolLM3: "
MUTATIONS: dict[str, tuple[Callable[[Data], object], str]] = {
    "a score": (of_take(score=99), f"{FOLLOWS}99 ship, and they give 62 ship"),
    "a vote": (of_take(vote="skip"), f"{FOLLOWS}62 skip, and they give 62 ship"),
    "a rating": (of_rating(rating=4, given=4), f"{FOLLOWS}62 ship, and they give "),
    "what was given": (of_rating(given=1), f"{REPLIES}still 62 ship: other ratings"),
    "a reason": (of_rating(why="so it is"), f"{REPLIES}still 62 ship: other why of "),
    "a rating without its quotes": (
        lambda data: next(filter(is_three, data["seats"][0]["take"]["ratings"])).update(evidence=[]),
        "Builder: every rating above 2 rests on a quote: ",
    ),
    "a quote": (
        lambda data: data["seats"][0]["take"]["evidence"][0].update(quote="the best model that there is"),
        'Builder: every quote stands in the dossier: quote e1 ("the best model that there is") does not stand letter',
    ),
    "a text": (of_take(text="It is good."), f"{REPLIES}still 62 ship: other take"),
    "retakes": (of_take(retakes=1), f"{VERDICT}disclosures of the verdict changed"),
    "a cost": (
        lambda data: data["seats"][0]["asks"][0].update(cost_usd="9"), f"{REPLIES}still 62 ship: other asks"
    ),
    "a label": (lambda data: data["verdict"].update(label="Ship"), f"{VERDICT}Mixed to Ship"),
    "a share": (lambda data: data["verdict"].update(percent=51), f"{VERDICT}percent of the verdict changed"),
    "a disclosure": (lambda data: data["verdict"].update(disclosures=[]), f"{VERDICT}disclosures of the verdict"),
    "the dossier": (
        lambda data: data["tool"].update(description="The best model that there is."),
        "the dossier hashes to its digest: it says sha256:",
    ),
    "its digest": (lambda data: data["tool"].update(digest="sha256:0"), "the dossier hashes to its digest: it says"),
    "the order": (
        lambda data: data["seats"].reverse(),
        "the seats are those of the panel, in its order: they are creator, founder, futurist, skeptic, builder, and",
    ),
    "a seat that is gone": (lambda data: data["seats"].pop(1), "the seats are those of the panel, in its order: they"),
    "a seat twice": (
        lambda data: data["seats"].append(data["seats"][0]),
        "the seats are those of the panel, in its order: a persona has two seats",
    ),
    "why a seat was not asked": (
        lambda data: data["seats"][4].update(reason="it was ill"),
        "Creator: it was not asked for this reason: the dossier says: a bare model has no surface to judge",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), MUTATIONS.values(), ids=MUTATIONS)
def test_one_change_in_a_record_is_found(change: Callable[[Data], object], expected: str, tmp_path: Path) -> None:
    """Whatever one thing in a record is changed, the line that recomputes it says so, with exit 3."""
    home = copied(tmp_path, tools=["smollm3"])
    path = golden(home, "smollm3")
    rewritten(path, change)
    code, differs, _ = audited(path)

    assert 3 == code
    assert 1 == sum(line.startswith(expected) for line in differs), differs


def test_a_passage_that_is_left_out_is_found(tmp_path: Path) -> None:
    """A record that hides a passage which addresses reviewers does not have what is found in its dossier."""
    home = copied(tmp_path, tools=["skillclaw-hostile"])
    path = golden(home, "skillclaw-hostile")
    rewritten(path, lambda data: data["tool"].update(addressed=[]))

    found = (
        "the dossier hashes to its digest: the passages that address a reviewer are not the ones that are found in it"
    )
    assert (3, [found]) == audited(path)[:2]


BYTES: dict[str, Callable[[bytes], bytes]] = {
    "a space": lambda text: text.replace(b": ", b":  ", 1),
    "a line break": lambda text: text + b"\n",
    "an escape": lambda text: text.replace(b"SmolLM3", b"\\u0053molLM3", 1),
    "the order of keys": lambda text: text.replace(b'"ship": 2,\n    "skip": 2,', b'"skip": 2,\n    "ship": 2,', 1),
    "a number": lambda text: text.replace(b'"score": 55.0', b'"score": 55.00', 1),
}


@pytest.mark.parametrize("change", BYTES.values(), ids=BYTES)
def test_one_other_byte_is_found(change: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """A record that means the same and is spelt otherwise is told by its bytes, and by nothing else."""
    path = golden(copied(tmp_path, tools=["smollm3"]), "smollm3")
    sound = path.read_bytes()
    path.write_bytes(change(sound))

    assert sound != path.read_bytes()
    found = "the file is written as Panel writes it: its bytes are others; keys, numbers or spaces were changed by hand"
    assert (3, [found], []) == audited(path)


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of the examples that is as it was after each test."""
    return copied(tmp_path_factory.mktemp("audit"), tools=["smollm3"])


@FEWER
@given(data=st.data())
def test_any_single_change_is_seen(examples: Path, data: st.DataObject) -> None:
    """Whatever one value of a record becomes, it is found, or is said to be unknown here, or can't be read."""
    path, project = golden(examples, "smollm3"), Project.open(examples, {"mode": "replay"})
    sound = path.read_bytes()
    after = readable(data.draw(altered(json.loads(sound))))
    try:
        path.write_bytes(after)
        findings = asyncio.run(audit(project, path))
        is_same = all(not (found.problem or found.unchecked) for found in findings)
    except RecordError:
        is_same = False
    finally:
        path.write_bytes(sound)

    assert (sound == after) == is_same


def test_a_record_by_itself_tells_what_can_t_be_recomputed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Away from its recordings a record is recomputed as far as it goes: the rest is named, with exit 0."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(golden(EXAMPLES, "smollm3"), tmp_path)
    done = run("verify", "review.json")

    why = "the recorded replies give this seat: its recordings are not here"
    missing = [f"  not here: {name}: {why}" for name in ("Builder", "Skeptic", "Futurist", "Founder")]
    assert 0 == done.exit_code
    assert missing == [line for line in done.stdout.splitlines() if line.startswith("  not here")]
    last = "review.json: nothing differs in 18 recomputations; 4 could not be recomputed with what is here."
    assert last == done.stdout.splitlines()[-1]


def test_a_changed_record_by_itself_is_found(tmp_path: Path) -> None:
    """Without any recording a score that does not follow from its ratings is found all the same."""
    shutil.copy(golden(EXAMPLES, "smollm3"), tmp_path)
    rewritten(tmp_path / "review.json", of_take(score=99))

    assert 3 == audited(tmp_path / "review.json")[0]


ELSEWHERE: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "another version of a persona": (
        lambda home: rewrite(home / "personas" / "founder.md", "You have made", "You have met"),
        ["Founder: the recorded replies give this seat: founder.md is another version here"],
    ),
    "a persona less": (
        lambda home: (home / "personas" / "founder.md").unlink(),
        [
            "the seats are those of the panel, in its order: the panel here is another one",
            "Founder: the recorded replies give this seat: there is no persona founder here",
        ],
    ),
    "other rules": (
        lambda home: rewrite(golden(home, "typst"), '"rules": "1"', '"rules": "0"'),
        ["it was made by the rules of this version: it was made by rules 0, and these are rules 1"],
    ),
    "a recording less": (
        lambda home: recording(home, "typst", "skeptic").unlink(),
        ["Skeptic: the recorded replies give this seat: its recordings are not here"],
    ),
}


def rewrite(path: Path, was: str, now: str) -> None:
    """Put other words into a file."""
    path.write_text(path.read_text().replace(was, now))


@pytest.mark.parametrize(("change", "unknown"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_what_is_other_here_is_no_difference(
    change: Callable[[Path], object], unknown: list[str], tmp_path: Path
) -> None:
    """Where personas, rules or recordings here are not those of the record, that is said, and the rest recomputed."""
    home = copied(tmp_path, "personas", tools=["typst"])
    change(home)

    assert (0, [], unknown) == audited(golden(home, "typst"))


def test_other_prompts_leave_every_seat_unknown(tmp_path: Path) -> None:
    """With other prompts no seat's request can be rendered again, and each seat says so."""
    home = copied(tmp_path, "prompts", tools=["typst"])
    rewrite(home / "prompts" / "system.md", "ship", "go")
    code, differs, unknown = audited(golden(home, "typst"))

    assert (0, [], 5) == (code, differs, len(unknown))
    assert all(line.endswith("the prompts are another version here") for line in unknown)


def test_a_recording_that_was_changed_is_a_difference(tmp_path: Path) -> None:
    """A recording that is not what was written there is told with its path, and exit 3."""
    home = copied(tmp_path, tools=["typst"])
    path = recording(home, "typst", "skeptic")
    rewrite(path, "sample:panel", "sample:other")
    code, (problem,), _ = audited(golden(home, "typst"))

    assert 3 == code
    assert f"Skeptic: the recorded replies give this seat: {path}: was changed after it was written" in problem


def reviewed(folder: Path, *options: str) -> tuple[Path, str]:
    """Return the record of a project without golden ones, and its dossier."""
    home = small(folder)
    (home / "panel.toml").write_text('model = "fake:ship"\ntools = ["."]\n')
    run("review", str(home / "plumb.yaml"), *options)
    return home / "runs" / "plumb" / "review.json", str(home / "plumb.yaml")


def test_the_page_beside_a_record_is_rendered_again(tmp_path: Path) -> None:
    """A page that says something else than the record beside it is found."""
    path, _ = reviewed(tmp_path)
    sound = audited(path)
    rewrite(path.with_suffix(".md"), "68", "86")

    assert (0, [], []) == sound
    assert (3, ["the page beside it is rendered from it: review.md says something else"], []) == audited(path)


def test_samples_and_retakes_can_be_recomputed(tmp_path: Path) -> None:
    """A take of three samples, and one that was accepted with a note after a retake, follow from their recordings."""
    path, tool = reviewed(tmp_path, "--samples", "3")
    run("retake", tool, "--persona", "mason1", "--note", "shorter", "--accept")
    sound = audited(path)
    rewritten(path, lambda data: data["seats"][1]["take"].update(retakes=7))
    code, differs, _ = audited(path)

    assert (0, [], []) == sound
    assert 3 == code
    assert any(line.startswith("Mason 1: the recorded replies give this seat: ") for line in differs)


def test_a_repair_can_be_recomputed(tmp_path: Path) -> None:
    """A take that was mended follows from its two recordings; without the second one that is not known."""
    with Vendor([CHAT.said(made.reply(vote="skip")), CHAT.said(made.reply())]) as vendor:
        made.project(tmp_path, personas=1)
        (tmp_path / "recordings").mkdir()
        served(tmp_path, vendor.url)
        run("record", str(tmp_path), "--yes")
    path = golden(tmp_path, "plumb")
    sound = audited(path)
    repair = json.loads(path.read_bytes())["seats"][0]["asks"][1]["request"][7:]
    (tmp_path / "recordings" / repair[:2] / f"{repair}.json").unlink()

    assert (0, [], []) == sound
    assert (0, [], ["Mason 0: the recorded replies give this seat: its recordings are not all here"]) == audited(path)


def test_an_edited_take_can_be_recomputed_where_the_edit_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An edit beside the record is applied again; without it the words are unknown, and all else is recomputed."""
    path, tool = reviewed(tmp_path)
    monkeypatch.setenv("EDITOR", "sed -i 's/a stand-in, not an opinion/a stand-in and no opinion/'")
    assert 0 == run("edit", tool, "--persona", "mason1", "--by", "Ida").exit_code
    sound = audited(path)
    path.with_name("choices.json").unlink()
    unknown = audited(path)
    rewritten(path, lambda data: data["seats"][1]["take"].update(outside=[], samples=2))

    assert (0, [], []) == sound
    words = "Mason 1: the recorded replies give this seat: its words were edited, and what was edited is not here"
    assert (0, [], [words]) == unknown
    assert 3 == audited(path)[0]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"schema": "panel.review/9"}'])
def test_what_is_no_record_is_refused(text: str, tmp_path: Path) -> None:
    """A file that holds no record ends in exit 2 and its path."""
    (tmp_path / "odd.json").write_text(text)
    done = run("verify", str(tmp_path / "odd.json"))

    assert 2 == done.exit_code
    assert str(tmp_path / "odd.json") in done.stderr
