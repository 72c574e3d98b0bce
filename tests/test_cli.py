"""The command line: what people type, what they see, and the exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import made
import pytest
from conftest import EXAMPLES
from typer.testing import CliRunner, Result
from vendor import ANTHROPIC, OPENAI, Dialect, Tokens, Vendor

from panel.cli.app import COMMANDS, app


def run(*arguments: str) -> Result:
    """Return what a command prints and how it ends; an error that is not Panel's own is raised."""
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def test_a_first_review_needs_no_key(tmp_path: Path) -> None:
    """Without a key an example is replayed, and the first line says so and how to go live."""
    done = run("review", str(EXAMPLES / "smollm3.yaml"), "--runs", str(tmp_path))

    first = done.stdout.splitlines()[0]
    assert 0 == done.exit_code
    assert first.startswith("Panel replays recordings, since ANTHROPIC_API_KEY is not set; nothing is paid.")
    assert "To go live: set ANTHROPIC_API_KEY" in first
    assert "4 replies from the ledger, 0 asked now, $0 paid" in done.stdout


def test_with_neither_key_nor_recording_the_ways_forward_are_named(tmp_path: Path) -> None:
    """A dossier of one's own without a key ends with exit 2 and what can be done; nothing is written."""
    made.project(tmp_path)

    done = run("review", str(tmp_path / "plumb.yaml"))

    assert 2 == done.exit_code
    for way in ("set ANTHROPIC_API_KEY", "--model openai:gpt-6.1-sol", "--model manual:chat", "examples/smollm3.yaml"):
        assert way in done.stderr
    assert not (tmp_path / "runs").exists()


def test_json_goes_to_stdout_alone(tmp_path: Path) -> None:
    """With --json stdout is the record and nothing else."""
    done = run("review", str(EXAMPLES / "smollm3.yaml"), "--runs", str(tmp_path), "--json")

    assert json.loads(done.stdout) == json.loads((tmp_path / "smollm3" / "review.json").read_text())
    assert "Panel replays" in done.stderr


def test_a_failed_seat_makes_exit_1(tmp_path: Path) -> None:
    """A seat that is absent for another reason than abstention ends in exit 1, and the record is there."""
    made.project(tmp_path)

    done = run("review", str(tmp_path / "plumb.yaml"), "--model", "manual:chat")

    assert 1 == done.exit_code
    assert "– waiting for a person" in done.stdout
    assert "Paste the sheets in" in done.stdout
    assert (tmp_path / "runs" / "plumb" / "review.json").is_file()


def test_an_honest_abstention_makes_exit_0(tmp_path: Path) -> None:
    """Abstentions are no failure."""
    done = run("review", str(EXAMPLES / "smartdiff.yaml"), "--runs", str(tmp_path))

    assert 0 == done.exit_code
    assert "No verdict" in done.stdout


BAD = {
    "a dossier that is missing": (["review", "nowhere.yaml"], "nowhere.yaml: can't be read"),
    "a persona that is not there": (
        ["review", "plumb.yaml", "--persona", "cynic"],
        "no persona 'cynic' on the panel",
    ),
    "a model without a name": (["review", "plumb.yaml", "--model", "claude"], "--model: write provider:name"),
    "a provider that is not there": (["review", "plumb.yaml", "--model", "acme:x"], "the provider is one of"),
    "a mode that is not there": (
        ["review", "plumb.yaml", "--mode", "dry"],
        "--mode: write live, replay, fresh or auto",
    ),
    "a count that is none": (["review", "plumb.yaml", "--samples", "many"], "--samples: write a number from 1 to 9"),
    "live without a key": (["review", "plumb.yaml", "--mode", "live"], "mode live needs ANTHROPIC_API_KEY"),
    "fresh without a key": (["review", "plumb.yaml", "--mode", "fresh"], "mode fresh needs ANTHROPIC_API_KEY"),
    "a stand-in that is not there": (["review", "plumb.yaml", "--model", "fake:loud"], "write fake:ship or fake:skip"),
    "a dossier whose path is too long": (["review", f"{'x' * 300}/plumb.yaml"], "x: can't be looked into: File name"),
    "a record that is not there": (["show", "plumb"], "no review of 'plumb'"),
    "a file that is no record": (["show", "plumb.json"], "plumb.json: can't be read"),
    "a command that is not there": (["reveiw", "plumb.yaml"], "Did you mean 'review'?"),
    "a schema that is not there": (["schema", "page"], "'page'"),
}


@pytest.mark.parametrize(("arguments", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_named(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is wrong on the command line ends in exit 2 and one message that names it."""
    made.project(tmp_path)
    monkeypatch.chdir(tmp_path)

    done = run(*arguments)

    assert 2 == done.exit_code, done.output
    assert message in done.stderr
    assert "Traceback" not in done.output


def test_debug_shows_where_an_error_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --debug an error is told with its traceback, and its exit code is the same."""
    monkeypatch.chdir(tmp_path)

    done = run("--debug", "review", "nowhere.yaml")

    assert 2 == done.exit_code
    assert "Traceback" in done.stderr
    assert "can't be read" in done.stderr


def test_debug_shows_where_a_fault_of_the_machine_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --debug what nobody foresaw leaves as its traceback, too."""
    made.project(tmp_path, personas=1)
    monkeypatch.setenv("OPENAI_API_KEY", "no-key-at-all")
    monkeypatch.setenv("ALL_PROXY", "socks9://127.0.0.1:1")

    done = run("--debug", "review", str(tmp_path / "plumb.yaml"), "--model", OPENAI.model)

    assert 1 == done.exit_code
    assert "Traceback (most recent call last)" in done.stderr
    assert "socks9" in done.stderr.splitlines()[-1]


def test_the_version_is_that_of_the_package() -> None:
    """`panel --version` names the version that is installed."""
    assert f"panel {version('panel-of-critics')}\n" == run("--version").stdout


def test_help_lists_every_command_with_its_line() -> None:
    """`panel --help` shows each command and what it does."""
    printed = " ".join(run("--help").stdout.split())

    assert [] == [name for name, line in COMMANDS.items() if f"{name} {line}" not in printed]


def test_a_seat_whose_own_model_has_no_key_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where live is asked for and one seat's own model has no key, the variable and the model are named, exit 2."""
    made.project(tmp_path, personas=2)
    (tmp_path / "panel.toml").write_text(f'model = "fake:ship"\nmode = "live"\n[models]\nmason1 = "{OPENAI.model}"\n')
    done = run("review", str(tmp_path / "plumb.yaml"))

    assert 2 == done.exit_code
    assert f"mode live needs OPENAI_API_KEY for {OPENAI.model}" in done.stderr


def test_a_message_can_t_steer_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Escape sequences in a file's name or keys come out as plain characters."""
    monkeypatch.chdir(tmp_path)
    Path("bad\x1b[31m.yaml").write_text('"na\\e[2Jme": x\n')

    done = run("review", "bad\x1b[31m.yaml")

    assert 2 == done.exit_code
    assert "\x1b" not in done.output


def test_a_terminal_without_unicode_is_served(tmp_path: Path) -> None:
    """Where the terminal knows ASCII alone, characters that it lacks become question marks and nothing fails."""
    call = [sys.executable, "-m", "panel", "show", str(EXAMPLES / "golden" / "smollm3" / "review.json")]

    done = subprocess.run(call, env=os.environ | {"PYTHONIOENCODING": "ascii"}, capture_output=True, check=False)

    assert 0 == done.returncode, done.stderr
    assert b"Mixed ? 2 ship / 2 skip" in done.stdout


def test_show_prints_takes_with_what_they_rest_on(tmp_path: Path) -> None:
    """`panel show` prints verdict, take, ratings and quotes; --persona keeps to one seat."""
    run("review", str(EXAMPLES / "smollm3.yaml"), "--runs", str(tmp_path))

    whole = run("show", "smollm3", "--runs", str(tmp_path)).stdout
    one = run("show", "smollm3", "--runs", str(tmp_path), "--persona", "skeptic").stdout

    assert "Mixed · 2 ship / 2 skip" in whole
    assert all(name in whole for name in ("Builder 62 ship", "Skeptic 48 skip", "Futurist 64 ship", "Founder 48 skip"))
    assert "It says Qwen3 4B generally scores higher.”" in one
    assert "Builder 62" not in one


def test_show_prints_the_record_as_json() -> None:
    """`panel show --json` prints the record as it stands in its file, and nothing else."""
    golden = EXAMPLES / "golden" / "smollm3" / "review.json"

    assert json.loads(golden.read_bytes()) == json.loads(run("show", str(golden), "--json").stdout)


def test_show_names_the_seats_that_there_are() -> None:
    """A persona that is not in the record is refused with the nearest one that is."""
    done = run("show", str(EXAMPLES / "golden" / "smollm3" / "review.json"), "--persona", "sceptic")

    assert 2 == done.exit_code
    assert "--persona: no seat 'sceptic' in the review of SmolLM3" in done.stderr
    assert "skeptic" in done.stderr


def test_prompt_prints_the_request_whose_identity_the_record_names(tmp_path: Path) -> None:
    """`panel prompt` shows exactly what was asked: the identity that it prints is the one in the record."""
    done = run("prompt", str(EXAMPLES / "smollm3.yaml"), "--persona", "skeptic")
    record = json.loads((EXAMPLES / "golden" / "smollm3" / "review.json").read_text())
    (asked,) = [ask["request"] for seat in record["seats"] if seat["persona"] == "skeptic" for ask in seat["asks"]]

    assert asked == done.stdout.splitlines()[0]
    assert "| SmolLM3" in done.stdout


def test_prompt_as_json_hashes_to_its_identity() -> None:
    """What `panel prompt --json` prints is what the identity is taken over."""
    from panel.files import digest_of

    data = json.loads(run("prompt", str(EXAMPLES / "smollm3.yaml"), "--persona", "skeptic", "--json").stdout)
    page = run("prompt", str(EXAMPLES / "smollm3.yaml"), "--persona", "skeptic").stdout

    assert digest_of(data) == page.splitlines()[0]


def test_personas_are_listed_and_checked(tmp_path: Path) -> None:
    """`panel persona list` names the panel in its order; `check` finds the faults of a stranger's file."""
    listed = run("persona", "list").stdout
    (tmp_path / "cynic.md").write_text(made.PERSONA.replace("weight: 27", "weight: 28"))
    checked = run("persona", "check", str(tmp_path))

    order = [line.split()[0] for line in listed.splitlines() if not line.startswith(" ")]
    assert order == ["builder", "skeptic", "futurist", "founder", "creator"]
    assert 2 == checked.exit_code
    assert "cynic.md:6: criteria: the weights add up to 101; make it 100" in checked.stderr


@pytest.mark.parametrize("kind", ["review", "recording", "choices", "tool", "persona"])
def test_schemas_are_printed(kind: str) -> None:
    """Each schema is JSON Schema whose fields are all described."""
    schema = json.loads(run("schema", kind).stdout)

    described = [
        name for name, field in schema["properties"].items() if "description" not in field and "$ref" not in field
    ]
    assert "https://json-schema.org/draft/2020-12/schema" == schema["$schema"]
    assert described == []


def test_the_stand_in_rehearses_everything(tmp_path: Path) -> None:
    """`--model fake:ship` writes a whole record without asking anybody."""
    made.project(tmp_path)

    done = run("review", str(tmp_path / "plumb.yaml"), "--model", "fake:ship")

    assert 0 == done.exit_code
    assert "5 asked now, $0 paid" in done.stdout


def test_the_editor_s_loop_without_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `manual` each request becomes a sheet, and a pasted reply fills its seat on the next run."""
    made.project(tmp_path, personas=3)
    monkeypatch.chdir(tmp_path)
    first = run("review", "plumb.yaml", "--model", "manual:chat")
    for sheet in Path("runs/outbox").glob("*.md"):
        Path("runs/inbox", sheet.name).write_text(f"Here you are:\n```json\n{made.reply()}\n```\n")

    second = run("review", "plumb.yaml", "--model", "manual:chat")

    assert 1 == first.exit_code
    assert 0 == second.exit_code, second.output
    assert "Ship · 3 ship / 0 skip" in second.stdout


@pytest.mark.parametrize("dialect", [ANTHROPIC, OPENAI], ids=lambda dialect: dialect.name)
def test_a_live_review_is_asked_once_and_paid_once(
    dialect: Dialect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a key the panel is asked over the network; the second run asks nobody and writes the same bytes."""
    made.project(tmp_path, personas=3)
    monkeypatch.setenv(f"{dialect.name.upper()}_API_KEY", "no-key-at-all")
    with Vendor(lambda _: dialect.said(made.reply(), Tokens(300, 2_000, 0, 900))) as vendor:
        for name, url in vendor.environment.items():
            monkeypatch.setenv(name, url)
        runs = [run("review", str(tmp_path / "plumb.yaml"), "--model", dialect.model) for _ in range(2)]
        records = [(tmp_path / "runs" / "plumb" / "review.json").read_bytes()]

    assert [0, 0] == [done.exit_code for done in runs]
    assert f"Panel is live with {dialect.model}" in runs[0].stdout
    assert "0 replies from the ledger, 3 asked now, $0.0" in runs[0].stdout
    assert "3 replies from the ledger, 0 asked now, $0 paid" in runs[1].stdout
    assert 3 == len(vendor.calls)
    assert b"no-key-at-all" not in b"".join([*records, *(p.read_bytes() for p in tmp_path.rglob("*.json"))])


def test_a_wrong_key_is_told_and_costs_one_try_a_seat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused key fails every seat at once, in words that say what to set, with exit 1 and the key nowhere."""
    made.project(tmp_path, personas=2)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted-key-987654")
    with Vendor(lambda _: OPENAI.fault(401, "Incorrect API key provided: sk-planted-key-987654")) as vendor:
        monkeypatch.setenv("OPENAI_BASE_URL", vendor.environment["OPENAI_BASE_URL"])
        done = run("review", str(tmp_path / "plumb.yaml"), "--model", OPENAI.model)

    assert 1 == done.exit_code
    assert 2 == len(vendor.calls)
    assert "failed: 401: the key is wrong or was revoked; set the right one" in done.stdout
    assert "planted" not in done.output + (tmp_path / "runs" / "plumb" / "review.json").read_text()


@pytest.mark.parametrize("where", ["text", "refusal", "error"])
def test_a_key_that_a_provider_echoes_is_written_nowhere(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that comes back in a reply, a refusal or an error is in no file and in no output."""
    made.project(tmp_path, personas=1)
    key = "planted0key0echo\\1"
    monkeypatch.setenv("OPENAI_API_KEY", f"{key}\n")
    told = f"your key is {key}, you know"
    answers = {
        "text": OPENAI.said(made.reply(take=f"{made.TAKE} {told}")),
        "refusal": OPENAI.refused(told),
        "error": OPENAI.fault(400, told),
    }
    with Vendor(lambda _: answers[where]) as vendor:
        monkeypatch.setenv("OPENAI_BASE_URL", vendor.environment["OPENAI_BASE_URL"])
        done = run("review", str(tmp_path / "plumb.yaml"), "--model", OPENAI.model)

    files = b"".join(path.read_bytes() for path in (tmp_path / "runs").rglob("*") if path.is_file())
    assert b"planted0key0echo" not in files + done.output.encode()


def test_what_a_provider_says_can_t_steer_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Escape sequences in a refusal or an error reach neither the terminal nor the record."""
    made.project(tmp_path, personas=2)
    monkeypatch.setenv("OPENAI_API_KEY", "no-key-at-all")
    script = [OPENAI.refused("\x1b]0;pwn\x07no"), OPENAI.fault(400, "\x9b31m\u202eno\x1b[2J")]
    with Vendor(script) as vendor:
        monkeypatch.setenv("OPENAI_BASE_URL", vendor.environment["OPENAI_BASE_URL"])
        done = run("review", str(tmp_path / "plumb.yaml"), "--model", OPENAI.model)

    record = (tmp_path / "runs" / "plumb" / "review.json").read_text()
    assert not set("\x1b\x07\x9b\u202e") & set(done.output + record)


def test_a_fault_of_the_machine_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody foresaw ends in one line and exit 1; --debug shows where."""
    made.project(tmp_path, personas=1)
    monkeypatch.setenv("OPENAI_API_KEY", "no-key-at-all")
    monkeypatch.setenv("ALL_PROXY", "socks9://127.0.0.1:1")

    done = run("review", str(tmp_path / "plumb.yaml"), "--model", OPENAI.model)

    assert 1 == done.exit_code
    assert "Traceback" not in done.output
    assert "--debug shows where" in done.stderr


def test_a_record_by_a_stranger_can_t_steer_the_terminal(tmp_path: Path) -> None:
    """What somebody wrote into a record by hand is shown as plain characters."""
    text = (
        (EXAMPLES / "golden" / "smollm3" / "review.json").read_text().replace("Edged out", "\\u001b[2JEdged \\u202eout")
    )
    (tmp_path / "odd.json").write_text(text)

    done = run("show", str(tmp_path / "odd.json"))

    assert 0 == done.exit_code
    assert not set("\x1b\u202e") & set(done.output)


def test_what_holds_for_several_seats_is_said_once(tmp_path: Path) -> None:
    """A note that is the same for several seats is one line that names them."""
    made.project(tmp_path, personas=3)
    run("review", str(tmp_path / "plumb.yaml"), "--model", "fake:ship")
    with (tmp_path / "panel.toml").open("a") as file:
        file.write('[servers]\nlab = "http://127.0.0.1:9/v1"\n')
    done = run("review", str(tmp_path / "plumb.yaml"), "--model", "lab:x")
    notes = [line for line in done.stdout.splitlines() if line.startswith("  note: ")]

    assert (1, 1) == (done.exit_code, len(notes))
    assert notes[0].startswith("  note: mason0, mason1, mason2: can't be asked now (no connection to the provider")


def test_a_person_is_asked_for_although_a_recorded_take_stands(tmp_path: Path) -> None:
    """With a record there already, a review by hand keeps it while it waits, and says where the sheets are."""
    made.project(tmp_path, personas=3)
    run("review", str(tmp_path / "plumb.yaml"), "--model", "fake:ship")
    done = run("review", str(tmp_path / "plumb.yaml"), "--model", "manual:chat")

    assert 1 == done.exit_code
    assert "3 of 3 heard" in done.stdout
    assert "Paste the sheets in " in done.stdout
    assert 3 == len(list((tmp_path / "runs" / "outbox").glob("*.md")))
