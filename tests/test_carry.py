"""Carry: a reply is kept over a change of the prompt's form, once, with a reason, and everything says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import made
import pytest
import typer.testing
from goldens import copied, files, golden, recording, seat_of, served, small, verified
from test_cli import run
from typer.testing import CliRunner
from vendor import CHAT, Answer, Vendor

from panel.cli.app import app

BECAUSE = "made became met, which means the same"


def reworded(
    home: Path, persona: str = "mason1", was: str = "You like few words", now: str = "You like few words,"
) -> None:
    """Change the form of a persona's file."""
    file = home / "personas" / f"{persona}.md"
    text = file.read_text()
    assert was in text
    file.write_text(text.replace(was, now))


def carry(home: Path, *options: str, persona: str = "mason1", reason: str = "a comma") -> typer.testing.Result:
    """Return how carrying the replies of one seat ends."""
    return run("record", str(home), "--carry", "--persona", persona, "--reason", reason, *options)


def test_replies_are_carried_and_every_verify_counts_them(tmp_path: Path) -> None:
    """After a change of form the old replies answer again: shown, recorded with the reason, counted, disclosed."""
    home = copied(tmp_path, "personas", tools=("blender", "claude-code", "duckdb", "uv"))
    was = {path.stem: path for path in (home / "recordings").glob("??/*.json")}
    reworded(home, "founder", "You have made payroll", "You have met payroll")
    done = carry(home, "--yes", persona="founder", reason=BECAUSE)
    first, accepted = verified(home), verified(home, "--accept")

    shown = done.stdout.partition("Claude Code: ")[0]
    assert "Blender: Founder: the request differs in:\n    - You have made payroll" in shown
    assert "the reply was:\n    " in shown
    assert seat_of(home, "blender", "founder")["take"]["text"][:60] in shown
    assert "4 carried. Next: panel verify" == done.stdout.splitlines()[-1]
    assert "4 tools, 20 takes replayed, 4 carried; 1 comparison: 4 changed." == first.counts
    assert {"other persona, asks"} == {line.rpartition(": ")[2] for line in first.meanings}
    assert "4 tools, 20 takes replayed, 4 carried; 1 comparison: as recorded." == accepted.text.splitlines()[-1]
    assert (0, "4 tools, 20 takes replayed, 4 carried; 1 comparison: as recorded.\n") == (
        verified(home).code,
        verified(home).text,
    )

    new = [json.loads(path.read_bytes()) for path in (home / "recordings").glob("??/*.json") if path.stem not in was]
    assert 4 == len(new)
    assert {BECAUSE} == {each["reply"]["carried_because"] for each in new}
    for each in new:
        old = json.loads(was[each["reply"]["carried_from"][7:]].read_bytes())
        assert (old["label"], old["reply"]["text"]) == (each["label"], each["reply"]["text"])
    seats = json.loads(golden(home, "uv").read_bytes())["seats"]
    assert ["founder"] == [seat["persona"] for seat in seats if any(ask["carried_from"] for ask in seat["asks"])]


def test_the_record_discloses_what_was_carried(tmp_path: Path) -> None:
    """Verdict and printed record name the seats whose replies were given to an earlier form."""
    home = small(tmp_path)
    reworded(home)
    carry(home, "--yes")
    verified(home, "--accept")

    disclosures = json.loads(golden(home, "plumb").read_bytes())["verdict"]["disclosures"]
    (carried,) = [each for each in disclosures if each["kind"] == "carried"]
    assert (["mason1"], "the replies were given to an earlier form of the prompt") == (
        carried["personas"],
        carried["text"],
    )
    assert carried["text"] in run("show", str(golden(home, "plumb"))).stdout


def test_a_carried_reply_can_t_be_carried_again(tmp_path: Path) -> None:
    """A second change of form over a carried reply is refused, with where it came from, and nothing is written."""
    home = small(tmp_path)
    first = recording(home, "plumb", "mason1").stem
    reworded(home)
    carry(home, "--yes")
    verified(home, "--accept")
    reworded(home, was="You say what holds", now="You say what stands")
    before = files(home)
    done = carry(home, "--yes")

    assert (2, before) == (done.exit_code, files(home))
    assert f"plumb: mason1: the reply was carried before, from sha256:{first}; ask anew" in done.stderr


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "the dossier": (
        lambda home: (home / "plumb.yaml").write_text(made.DOSSIER.replace("31 seconds", "32 seconds")),
        "plumb: mason1: the dossier changed, which is no change of form; ask anew",
    ),
    "the model": (
        lambda home: (home / "panel.toml").write_text((home / "panel.toml").read_text().replace("ship", "skip")),
        "plumb: mason1: the model changed, which is no change of form; ask anew",
    ),
    "the recording": (
        lambda home: [recording(home, "plumb", "mason1").unlink(), reworded(home)],
        "is gone; there is nothing to carry",
    ),
    "what is complained about": (
        lambda home: reworded(home, was="never: [solid as a rock]", now="never: [stands in for a take]"),
        "plumb: mason1: the new form asks for a repair, which was never answered; ask anew",
    ),
}


@pytest.mark.parametrize(("change", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_change_of_form_is_refused(change: Callable[[Path], object], message: str, tmp_path: Path) -> None:
    """A reply that another dossier or model was asked for, that is gone, or that would be mended, is not carried."""
    home = small(tmp_path)
    change(home)
    before = files(home)
    done = carry(home, "--yes")

    assert (2, before) == (done.exit_code, files(home))
    assert message in done.stderr


@pytest.mark.parametrize(
    "options",
    [
        ("--persona", "mason1"),
        ("--reason", "a comma"),
        ("--persona", "mason1", "--reason", " "),
    ],
    ids=["no reason", "no persona", "an empty reason"],
)
def test_a_carry_needs_a_seat_and_a_reason(options: tuple[str, ...], tmp_path: Path) -> None:
    """Without --persona or without a --reason nothing is carried, whatever else is said."""
    home = small(tmp_path)
    reworded(home)
    before = files(home)
    done = run("record", str(home), "--carry", "--yes", *options)

    assert (2, before) == (done.exit_code, files(home))
    assert "say whose with --persona, and why the old replies still answer with --reason" in done.stderr


def test_without_a_terminal_nobody_agrees(tmp_path: Path) -> None:
    """Where nobody can be asked and --yes is not given, the carry ends in exit 2 and nothing is written."""
    home = small(tmp_path)
    reworded(home)
    before = files(home)
    done = carry(home)

    assert (2, before) == (done.exit_code, files(home))
    assert "there is no terminal to agree in: add --yes" in done.stderr


def test_each_carry_is_agreed_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal every reply is asked about: a no leaves that one, a yes carries the next."""
    home = small(tmp_path, "Level")
    reworded(home)
    monkeypatch.setattr(typer.testing._NamedTextIOWrapper, "isatty", lambda self: self.name == "<stdin>")
    call = ["record", str(home), "--carry", "--persona", "mason1", "--reason", "a comma"]
    done = CliRunner().invoke(app, call, input="n\ny\n", catch_exceptions=False)

    assert 0 == done.exit_code
    assert 2 == done.stdout.count("Carry this reply? [y/N]:")
    assert "1 carried. Next: panel verify" == done.stdout.splitlines()[-1]
    assert ["level: mason1: no recording of this request"] == [
        line for line in verified(home).meanings if "no rec" in line
    ]


def test_where_nothing_changed_nothing_is_carried(tmp_path: Path) -> None:
    """Replies to what is asked now, and seats that nobody asked, are left alone."""
    home = small(tmp_path)
    before = files(home)
    done = carry(home, "--yes")

    assert (0, "Nothing was carried.\n", before) == (done.exit_code, done.stdout, files(home))


def test_a_repair_is_carried_along(tmp_path: Path) -> None:
    """A seat that was mended is carried with its repair; both recordings say where they came from."""
    home = small(tmp_path, personas=1)
    script: list[Answer] = [CHAT.said(made.reply(vote="skip")), CHAT.said(made.reply())]
    with Vendor(script) as vendor:
        served(home, vendor.url)
        run("record", str(home), "--yes")
    verified(home, "--accept")
    old = [ask["request"] for ask in seat_of(home, "plumb", "mason0")["asks"]]
    reworded(home, "mason0")
    done = carry(home, "--yes", persona="mason0")
    verified(home, "--accept")

    asks = seat_of(home, "plumb", "mason0")["asks"]
    assert 0 == done.exit_code
    assert ["ask", "repair"] == [ask["kind"] for ask in asks]
    assert old == [ask["carried_from"] for ask in asks]
    assert 2 == done.stdout.count("the reply was:")


TOML = (
    'model = "lab:qwen3:8b"\ntools = ["."]\ngolden = "golden"\nledgers = ["recordings"]\n[servers]\nlab = "{url}/v1"\n'
)


def test_a_retake_is_carried_with_its_note_over_a_change_of_prompts(tmp_path: Path) -> None:
    """The take that an editor accepted keeps its number and note when a prompt or its persona is reworded."""
    home = small(tmp_path)
    (home / "panel.toml").write_text('model = "fake:ship"\ntools = ["."]\n')
    tool = str(home / "plumb.yaml")
    run("review", tool)
    run("retake", tool, "--persona", "mason1", "--note", "shorter", "--accept")
    reworded(home, "mason0")
    (home / "prompts").mkdir()
    (home / "prompts" / "system.md").write_text("Other instructions for everybody at the table.\n")
    done = carry(home, "--yes")
    carried = [path for path in (home / "runs" / "ledger").glob("??/*.json") if b"carried_because" in path.read_bytes()]
    reworded(home)
    (home / "prompts" / "system.md").unlink()
    again = carry(home, "--yes")

    request = json.loads(carried[0].read_bytes())["request"]
    assert 0 == done.exit_code, done.output
    assert (1, 2, "shorter") == (len(carried), request["sample"], request["note"])
    assert 0 == again.exit_code, again.output
    chosen = json.loads((home / "runs" / "plumb" / "choices.json").read_bytes())["seats"]["mason1"]
    assert (2, "shorter", 1) == (chosen["sample"], chosen["note"], chosen["retakes"])


def test_a_carry_can_go_to_a_ledger_of_its_own(tmp_path: Path) -> None:
    """--ledger says where the carried recordings are written, and no other folder changes."""
    home = small(tmp_path)
    reworded(home)
    before = files(home)
    carry(home, "--yes", "--ledger", str(tmp_path / "elsewhere"))

    new = [name for name in files(home) if name not in before]
    assert (1, "elsewhere") == (len(new), new[0].partition("/")[0])
    assert before == {name: text for name, text in files(home).items() if name in before}


def test_what_can_be_carried_is_although_another_can_t(tmp_path: Path) -> None:
    """Of two tools the one whose dossier changed is refused by name with exit 2, and the other one is carried."""
    home = small(tmp_path, "Level")
    reworded(home)
    (home / "plumb.yaml").write_text(made.DOSSIER.replace("31 seconds", "32 seconds"))
    done = carry(home, "--yes")

    assert 2 == done.exit_code
    assert "1 carried. Next: panel verify" == done.stdout.splitlines()[-1]
    assert "plumb: mason1: the dossier changed, which is no change of form; ask anew" in done.stderr
    assert "1 carried: " in verified(home).counts


def test_a_repair_of_something_else_is_no_repair(tmp_path: Path) -> None:
    """Where the new form complains about more than the old one did, the old repair answers nothing."""
    home = small(tmp_path, personas=1)
    with Vendor([CHAT.said(made.reply(vote="skip")), CHAT.said(made.reply())]) as vendor:
        (home / "panel.toml").write_text(TOML.format(url=vendor.url))
        run("record", str(home), "--yes")
    verified(home, "--accept")
    reworded(home, "mason0", was="never: [solid as a rock]", now="never: [Rules in plain YAML]")
    before = files(home)
    done = carry(home, "--yes", persona="mason0")

    assert (2, before) == (done.exit_code, files(home))
    assert "plumb: mason0: the new form asks to mend something else; ask anew" in done.stderr


def test_an_edited_take_keeps_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a person put in place of a critic's words stands after the critic's reply was carried."""
    home = small(tmp_path)
    (home / "panel.toml").write_text('model = "fake:ship"\ntools = ["."]\n')
    run("review", str(home / "plumb.yaml"))
    monkeypatch.setenv("EDITOR", "sed -i 's/a stand-in, not an opinion/a stand-in and no opinion/'")
    run("edit", str(home / "plumb.yaml"), "--persona", "mason1", "--by", "Ida")
    reworded(home)
    done = carry(home, "--yes")
    accepted = verified(home, "--accept")

    assert (0, 0) == (done.exit_code, accepted.code)
    seats = json.loads((home / "runs" / "plumb" / "review.json").read_bytes())["seats"]
    assert ("a stand-in and no opinion", "Ida") == tuple(seats[1]["take"][key] for key in ("headline", "edited_by"))
    assert accepted.text.splitlines()[-1] == "1 tool, 3 takes replayed, 1 carried: as recorded."
