"""Replies, arguments and whole commands that nobody foresaw: each ends in an answer or a message, soon and quietly."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import made
import pytest
import yaml
from conftest import EXAMPLES
from hypothesis import given
from hypothesis import strategies as st
from mutated import FEWER, NASTY, TEXTS, changed, fault, spoilt, within
from test_cli import run

from panel.answer import MOST_ENTRIES, NotAnAnswer, read_answer
from panel.errors import PromptError, SettingsError
from panel.gates import check
from panel.persona import Persona
from panel.project import packaged
from panel.prompt import Prompts
from panel.settings import Settings

GOLDEN = json.loads((EXAMPLES / "golden" / "smollm3" / "review.json").read_bytes())


STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@pytest.fixture(scope="module")
def mason(tmp_path_factory: pytest.TempPathFactory) -> Persona:
    """The persona of the tests."""
    return made.persona(tmp_path_factory.mktemp("mason"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project with a panel of three, which is the working folder."""
    folder = tmp_path_factory.mktemp("project")
    made.project(folder, personas=3)
    before = Path.cwd()
    os.chdir(folder)
    yield folder
    os.chdir(before)


def judged(reply: str, mason: Persona) -> str:
    """Return why a reply is no answer; "" where it is one, and the gates then judge it. No other error gets by."""

    def judge() -> None:
        found = check(read_answer(reply), mason, made.plumb(), made.rules())
        assert not STEERING.search(found.take.model_dump_json())
        assert all(len(complaint) < 5_000 + len(reply) for complaint in found.complaints)

    message = fault(judge, NotAnAnswer)
    assert message.isprintable()
    assert len(message) <= 600
    return message


@given(changed(made.answer()))
def test_answers_with_wild_values_are_judged_or_refused(mason: Persona, wild: object) -> None:
    """Whatever stands in an answer where something else belongs, it is judged, or refused in a few words."""
    judged(json.dumps(wild), mason)


@FEWER
@given(spoilt(f"<think>{{}}</think>\n```json\n{made.reply()}\n```\n".encode()))
def test_spoilt_replies_are_judged_or_refused(mason: Persona, wild: bytes) -> None:
    """Whatever became of a reply, it is judged or refused."""
    judged(wild.decode(errors="surrogateescape"), mason)


@FEWER
@given(st.lists(st.sampled_from([*NASTY, made.reply(), "{}", "{{", "[[", '{"vote": "ship"', ", "]), max_size=8))
def test_replies_of_several_parts_are_judged_or_refused(mason: Persona, parts: list[str]) -> None:
    """Fences, thoughts, answers and braces in any order are judged or refused."""
    judged("".join(parts), mason)


REPLIES = {
    "braces": "{" * 1_000_000,
    "brackets": "{" + "[" * 1_000_000,
    "objects without end": '{"a":' * 200_000,
    "a megabyte in 200 objects": '{"a":' * 199 + "[" + ",".join(["[]"] * 100_000) + "]" + "}" * 199,
    "openings of texts": '{"a' * 300 + "x" * 900_000,
    "thoughts": "<think>" * 140_000 + "</think>",
    "fences": "```json\n" * 100_000,
    "deep in an answer": made.reply()[:-1] + ', "x": ' + '{"a":' * 5_000 + "1" + "}" * 5_000 + "}",
    "a number without end": made.reply().replace('"rating": 3', f'"rating": {"9" * 5_000}'),
    "half a key": json.dumps(made.answer() | {"\ud800\x1b": 1}),
    "quotes without end": made.reply(evidence=[{"id": f"e{n}", "source": "docs", "quote": "x"} for n in range(5_000)]),
    "ratings without end": made.reply(ratings=made.answer()["ratings"] * 1_000),
    "one quote too many": made.reply(evidence=made.answer()["evidence"][:1] * (MOST_ENTRIES + 1)),
}


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_replies_that_make_work_are_refused_soon(mason: Persona, reply: str) -> None:
    """A reply that was made to keep its reader busy is refused in seconds."""
    assert judged(reply, mason)


def test_as_many_quotes_as_an_answer_may_have_are_judged_soon(mason: Persona) -> None:
    """A hundred quotes of a long dossier, all of them under every rating, are compared in seconds."""
    words = [f"w{n}" for n in range(3_300)]
    tool = made.changed(made.plumb(), description=" ".join(words))
    quotes = [
        {"id": f"e{n}", "source": "description", "quote": " ".join(words[n : n + 4 + n % 30])}
        for n in range(MOST_ENTRIES)
    ]
    ids = [quote["id"] for quote in quotes]
    ratings = [{"criterion": name, "rating": 4, "why": "x", "evidence": ids} for name, _ in made.CRITERIA]
    with within(2):
        found = check(made.read(evidence=quotes, ratings=ratings), mason, tool, made.rules())

    assert MOST_ENTRIES == len(found.take.evidence)


ODD = [
    *("", ".", "..", "../../x", "/", "x" * 300, "x" * 10_000, "a\0b", "\x1b[2Jx", "no\nwhere", "nowhere/plumb.yaml"),
    *("plumb", "plumb.yaml", "review.json", "con", "~", "-", "--", "*", "\udcff", "é", "模型", "runs", "personas", "0"),
    *("-1", "9" * 5_000, "fake:ship", "fake:x", "fake:\x9b", "replay", "live", "auto", "mason1", "review", "tool"),
]
WORDS = [
    *("review", "show", "prompt", "persona", "schema", "list", "check", "--persona", "--model", "--samples", "--mode"),
    *("--json", "--sample", "--help", "--version", "--x", "-x"),
]


def ended_quietly(home: Path, *arguments: str) -> int:
    """Return how a command ended, which is one of three; nothing steered the terminal, nothing lies outside runs/."""
    with within(20):
        done = run(*arguments)
    written = {path.parts[len(home.parts)] for path in home.rglob("*")}

    assert done.exit_code in (0, 1, 2)
    for sign in ("Traceback", "a fault of Panel", "\x1b"):
        assert sign not in done.output, done.output
    assert written <= {"panel.toml", "plumb.yaml", "personas", "runs", "odd.json"}
    return done.exit_code


@given(
    st.sampled_from(["review", "show", "prompt", "schema", "persona"]),
    st.lists(st.sampled_from(ODD) | st.sampled_from(WORDS) | TEXTS, max_size=5),
)
def test_odd_arguments_end_quietly(home: Path, command: str, arguments: list[str]) -> None:
    """Whatever is typed after `panel`, it ends with 0, 1 or 2, in words, and writes nothing outside runs/."""
    ended_quietly(home, command, *arguments)


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: ascii(odd)[:16])
@pytest.mark.parametrize("command", ["review", "show", "prompt --persona mason1", "persona check", "schema"])
def test_an_odd_name_ends_quietly(home: Path, command: str, odd: str) -> None:
    """A name that no file and no record has ends in exit 2 and one message, for each command that takes one."""
    known = {"plumb.yaml", "personas", "review", "tool", "plumb", ".", "", "replay"}

    assert odd in known or 2 == ended_quietly(home, *command.split(), "--", odd)


@FEWER
@given(changed(GOLDEN))
def test_a_wild_record_is_shown_or_refused(home: Path, wild: object) -> None:
    """Whatever stands in a record, `panel show` prints it or says what is wrong with it."""
    (home / "odd.json").write_text(json.dumps(wild))
    ended_quietly(home, "show", "odd.json")


@pytest.fixture(scope="module")
def record(home: Path) -> Any:
    """The record of a tool that three were asked about."""
    run("review", "plumb.yaml", "--model", "fake:ship")
    return json.loads((home / "runs" / "plumb" / "review.json").read_bytes())


@FEWER
@given(data=st.data())
def test_a_wild_record_is_kept_or_refused(home: Path, record: Any, data: st.DataObject) -> None:
    """Whatever stands in the record of a tool, a review of one seat keeps the others of it or says what is wrong."""
    (home / "runs" / "plumb" / "review.json").write_text(json.dumps(data.draw(changed(record))))
    ended_quietly(home, "review", "plumb.yaml", "--model", "fake:ship", "--persona", "mason1")


def test_a_record_by_a_stranger_can_t_steer_a_review(home: Path, record: Any) -> None:
    """What somebody wrote into the seats of a record reaches the terminal as plain characters."""
    seats = [{**seat, "name": f"\x1b[2J{seat['name']}", "threshold": seat["take"]["score"]} for seat in record["seats"]]
    (home / "runs" / "plumb" / "review.json").write_text(json.dumps({**record, "seats": seats}))
    done = run("review", "plumb.yaml", "--model", "fake:skip", "--persona", "mason1", "--persona", "mason2")

    assert 0 == done.exit_code
    assert "swing seat \N{REPLACEMENT CHARACTER}[2JMason 0" in done.stdout
    assert "\x1b" not in done.output


def test_a_record_that_names_a_seat_it_lacks_is_shown(home: Path, record: Any) -> None:
    """A swing seat that is none of the seats is shown by its id."""
    verdict = {**record["verdict"], "swing": "nobody"}
    (home / "odd.json").write_text(json.dumps({**record, "verdict": verdict}))

    assert "swing seat nobody" in run("show", "odd.json").stdout


@FEWER
@given(changed(yaml.safe_load(made.DOSSIER)))
def test_a_wild_dossier_is_reviewed_or_refused(home: Path, wild: object) -> None:
    """Whatever stands in a dossier, it is reviewed or refused, and nothing is written outside runs/."""
    (home / "plumb.yaml").write_bytes(yaml.safe_dump(wild).encode())
    ended_quietly(home, "review", "plumb.yaml", "--model", "fake:skip")
    (home / "plumb.yaml").write_text(made.DOSSIER)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("PANEL_MDOEL", "did you mean PANEL_MODEL?"),
        ("PANEL_SAMPLE", "did you mean PANEL_SAMPLES?"),
        ("PANEL_RUN", "did you mean PANEL_RUNS?"),
        ("PANEL_TIMEOUT_S", "write timeout_s in panel.toml"),
        ("PANEL_\x1bMODEL", "did you mean PANEL_MODEL?"),
    ],
)
def test_a_misspelt_variable_is_refused(home: Path, name: str, hint: str) -> None:
    """A variable that is named almost like one of Panel's is told with the one that was meant."""
    message = fault(lambda: Settings.load(home, {}, {name: "fake:ship"}), SettingsError)

    assert message.isprintable()
    assert message.endswith(f": is not read; {hint}")


@pytest.mark.parametrize("name", ["PANEL_DEBUG", "PANEL_KEY_ACME", "PANEL_OAUTH_KEY", "PANEL_LOG_LEVEL", "PANELS"])
def test_a_variable_of_another_s_is_left_alone(home: Path, name: str) -> None:
    """What is not like a variable of Panel's settings is somebody else's business."""
    assert "" == fault(lambda: Settings.load(home, {}, {name: "1"}), SettingsError)


@pytest.mark.parametrize(
    ("name", "meant"),
    [("presona.md.j2", "persona.md.j2"), ("system.txt", "system.md"), ("Dossier.md.j2", "dossier.md.j2")],
)
def test_a_misspelt_prompt_is_refused(tmp_path: Path, name: str, meant: str) -> None:
    """A file in prompts/ that is named almost like a prompt is told with the one that was meant."""
    (tmp_path / name).write_text("x")
    message = fault(lambda: Prompts.read(tmp_path, packaged("prompts")), PromptError)

    assert message.startswith(f"{tmp_path / name}: is no prompt; did you mean {meant}?")


@pytest.mark.parametrize("name", ["LOG.md", "README.md", "notes.txt", "_persona.md.j2", ".system.md.swp", "system.md~"])
def test_other_files_beside_the_prompts_are_left_alone(tmp_path: Path, name: str) -> None:
    """Notes, drafts and what editors leave behind may stand beside the prompts."""
    (tmp_path / name).write_text("x")

    assert Prompts.read(packaged("prompts")) == Prompts.read(tmp_path, packaged("prompts"))


@pytest.mark.parametrize("option", [[], ["--json"]], ids=["text", "json"])
def test_a_reader_who_leaves_stops_no_review(tmp_path: Path, option: list[str]) -> None:
    """Where whoever reads the output has gone, the review goes on, its record is written, and nobody complains."""
    made.project(tmp_path, personas=3)
    call = [sys.executable, "-m", "panel", "review", "plumb.yaml", "--model", "fake:ship", *option]
    reader, writer = os.pipe()
    os.close(reader)
    with within(30):
        done = subprocess.run(call, cwd=tmp_path, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)

    record = json.loads((tmp_path / "runs" / "plumb" / "review.json").read_bytes())
    assert (0, 3) == (done.returncode, record["verdict"]["heard"])
    assert b"Error" not in done.stderr


@pytest.mark.parametrize("arguments", ["show odd.json", "schema review"])
def test_a_reader_who_leaves_is_no_fault(tmp_path: Path, arguments: str) -> None:
    """A command whose output nobody reads ends in silence."""
    (tmp_path / "odd.json").write_text(json.dumps(GOLDEN))
    reader, writer = os.pipe()
    os.close(reader)
    call = [sys.executable, "-m", "panel", *arguments.split()]
    done = subprocess.run(call, cwd=tmp_path, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)

    assert (0, b"") == (done.returncode, done.stderr)
