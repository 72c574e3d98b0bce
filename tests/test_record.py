"""Record: what the recordings lack is asked for, after its price was said, and nothing else is."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from threading import Event

import made
import pytest
import typer.testing
from forked import Forked
from goldens import (
    FOUR,
    SETTINGS,
    copied,
    dossier,
    files,
    golden,
    recording,
    resealed,
    seat_of,
    served,
    small,
    verified,
    voting,
)
from test_cli import run
from typer.testing import CliRunner
from vendor import ANTHROPIC, CHAT, Answer, Call, Vendor

from panel.cli.app import app
from panel.llm.ledger import Ledger


def bare(folder: Path, vendor: Vendor) -> Path:
    """Return a project of three masons and Plumb without any recording, asked of the loopback vendor."""
    made.project(folder, personas=3)
    (folder / "recordings").mkdir()
    served(folder, vendor.url)
    return folder


def keyed(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Anthropic's models answered by the loopback vendor."""
    for name, value in {**vendor.environment, ANTHROPIC.key: "no-key"}.items():
        monkeypatch.setenv(name, value)


def sound(_: Call) -> Answer:
    """Answer as a mason would."""
    return CHAT.said(made.reply())


def recordings(home: Path) -> int:
    """Return how many recordings there are."""
    return len(list((home / "recordings").glob("??/*.json")))


def test_what_is_missing_is_asked_and_nothing_twice(tmp_path: Path) -> None:
    """A new tool is asked seat by seat and gets its golden record; a second run asks nobody."""
    with Vendor(sound) as vendor:
        home = bare(tmp_path, vendor)
        first, second = run("record", str(home), "--yes"), run("record", str(home), "--yes")

    assert [0, 0] == [first.exit_code, second.exit_code]
    assert 3 == len(vendor.calls) == recordings(home)
    assert "0 replies from the ledger, 3 asked now, $0 paid\nnew golden records: plumb" in first.stdout
    assert "3 replies are recorded, 0 to ask: nothing to pay" in second.stdout
    assert "3 replies from the ledger, 0 asked now, $0 paid\nNext: panel verify" in second.stdout
    assert (0, "1 tool, 3 takes replayed, 0 carried: as recorded.\n") == (verified(home).code, verified(home).text)


def test_one_recording_that_is_gone_is_one_request(tmp_path: Path) -> None:
    """Of two tools with all their recordings but one, just that one is asked for."""
    home = small(tmp_path, "Level")
    gone = recording(home, "level", "mason1")
    gone.unlink()
    before = files(home)
    done = run("record", str(home), "--yes")

    assert 0 == done.exit_code
    assert "5 replies are recorded, 1 to ask" in done.stdout
    assert "5 replies from the ledger, 1 asked now" in done.stdout
    assert {str(gone.relative_to(home))} == {name for name, text in files(home).items() if before.get(name) != text}


def test_a_changed_word_asks_for_one_persona_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a word of founder.md changed the Founder's requests are to be asked, one a tool, and no others are."""
    home = copied(tmp_path, "personas", tools=FOUR)
    ledger = Ledger(home / "recordings")
    old = [ledger.read(path) for path in ledger.folder.glob("??/*.json") if b'"founder"' in path.read_bytes()]
    replies = {each.request.blocks[0].text: each.reply.text for each in old if each.request.sample == 1}
    file = home / "personas" / "founder.md"
    file.write_text(file.read_text().replace("You have made payroll", "You have met payroll"))

    def founder(call: Call) -> Answer:
        about, seat = (part["text"] for part in call.body["messages"][0]["content"])
        assert "You have met payroll" in seat
        return ANTHROPIC.said(replies[about])

    before = files(home / "golden")
    with Vendor(founder) as vendor:
        keyed(vendor, monkeypatch)
        whole = run("record", str(home))
        two = run("record", str(home / "smollm3.yaml"), str(home / "typst.yaml"), "--yes")

    assert "15 replies are recorded, 4 to ask: about $" in whole.stdout
    assert "7 replies are recorded, 2 to ask: about $" in two.stdout
    assert (2, 0, 2) == (whole.exit_code, two.exit_code, len(vendor.calls))
    assert before == files(home / "golden")
    meanings = [
        "SmolLM3: Founder still 48 skip: other persona, asks",
        "Typst: Founder still 61 ship: other persona, asks",
    ]
    assert meanings == [line for line in verified(home).meanings if "no recording" not in line]


def test_the_bound_comes_first_and_without_consent_nothing_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a terminal and without --yes the price is said, exit 2, and neither vendor nor disk is touched."""
    made.project(tmp_path, personas=3)
    (tmp_path / "panel.toml").write_text(SETTINGS.partition("\n")[2])
    (tmp_path / "recordings").mkdir()
    before = files(tmp_path)
    with Vendor([]) as vendor:
        keyed(vendor, monkeypatch)
        done = run("record", str(tmp_path))

    prices = re.search(r"0 replies are recorded, 3 to ask: about \$(\S+), at most \$(\S+)", done.stdout)
    assert (2, [], before) == (done.exit_code, vendor.calls, files(tmp_path))
    assert prices
    assert 0 < float(prices[1]) < float(prices[2])
    assert "there is no terminal to agree in: add --yes" in done.stderr


@pytest.mark.parametrize(("typed", "asked"), [("n\n", 0), ("y\n", 3)])
def test_in_a_terminal_somebody_agrees(typed: str, asked: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The question comes after the price; a no asks nobody and exits with 0, a yes asks."""
    monkeypatch.setattr(typer.testing._NamedTextIOWrapper, "isatty", lambda self: self.name == "<stdin>")
    with Vendor(sound) as vendor:
        home = bare(tmp_path, vendor)
        done = CliRunner().invoke(app, ["record", str(home)], input=typed, catch_exceptions=False)

    assert (0, asked, asked) == (done.exit_code, len(vendor.calls), recordings(home))
    assert done.stdout.index("3 to ask") < done.stdout.index("Ask? [y/N]:")


def test_a_golden_record_is_never_changed(tmp_path: Path) -> None:
    """Record writes the record of a new tool; one that is there stays, although the recordings say something else."""
    home = small(tmp_path)
    resealed(recording(home, "plumb", "mason0"), voting("skip", shape=0, start=0))
    recording(home, "plumb", "mason1").unlink()
    (home / "level.yaml").write_text(dossier("Level"))
    before = golden(home, "plumb").read_bytes()
    done = run("record", str(home), "--yes")

    assert "new golden records: level" in done.stdout
    assert before == golden(home, "plumb").read_bytes()
    assert golden(home, "level").is_file()


def test_one_seat_or_one_tool_can_be_named(tmp_path: Path) -> None:
    """--persona asks that seat alone, a dossier that tool alone; what is not whole gets no golden record."""
    with Vendor(sound) as vendor:
        home = bare(tmp_path, vendor)
        (home / "level.yaml").write_text(dossier("Level"))
        seat = run("record", str(home), "--yes", "--persona", "mason2")
        after_seat = len(vendor.calls)
        tool = run("record", str(home / "level.yaml"), "--yes")
        after_tool = len(vendor.calls)

    assert [0, 0] == [seat.exit_code, tool.exit_code]
    assert (2, 4) == (after_seat, after_tool)
    assert [False, True] == [golden(home, slug).exists() for slug in ("plumb", "level")]


def test_recordings_can_go_to_a_folder_of_their_own(tmp_path: Path) -> None:
    """--ledger is written to, and what the project's own ledgers hold is not asked again."""
    with Vendor(sound) as vendor:
        (tmp_path / "home").mkdir()
        home = bare(tmp_path / "home", vendor)
        run("record", str(home), "--yes", "--persona", "mason0")
        done = run("record", str(home), "--yes", "--ledger", str(tmp_path / "more"))

    assert (0, 3, 1) == (done.exit_code, len(vendor.calls), recordings(home))
    assert 2 == len(list((tmp_path / "more").glob("??/*.json")))


def test_a_provider_that_fails_costs_no_answer(tmp_path: Path) -> None:
    """A seat that the provider fails makes exit 1; what was answered is kept, and only the rest is asked again."""
    with Vendor([CHAT.said(made.reply()), *[CHAT.fault(401, "no")] * 2]) as vendor:
        home = bare(tmp_path, vendor)
        failed = run("record", str(home), "--yes")
        kept = recordings(home)
        is_written = golden(home, "plumb").exists()
        vendor.script = sound
        again = run("record", str(home), "--yes")

    assert (1, 1, False) == (failed.exit_code, kept, is_written)
    assert "failed: 401" in failed.stdout
    assert "1 reply is recorded, 2 to ask" in again.stdout
    assert (0, 5, 3) == (again.exit_code, len(vendor.calls), recordings(home))


def test_without_a_key_every_missing_seat_and_the_ways_forward_are_told(tmp_path: Path) -> None:
    """Where nobody can be asked the missing recordings are named, all of them, with exit 2 and what to do."""
    home = small(tmp_path)
    (home / "panel.toml").write_text(SETTINGS.partition("\n")[2])
    done = run("record", str(home), "--yes")

    assert 2 == done.exit_code
    for number in range(3):
        assert f"plumb: mason{number}: no recording of this request" in done.stderr
    assert "- model: fake:ship" in done.stderr
    assert "set ANTHROPIC_API_KEY" in done.stderr


def test_ctrl_c_keeps_what_was_answered(forked: Forked, tmp_path: Path) -> None:
    """Interrupted in the middle it ends with exit 130; the answer that came is recorded, and no golden record is."""
    pids: list[int] = []
    begun, hold = Event(), Event()

    def answer(call: Call) -> Answer:
        if len(vendor.calls) > 1:
            begun.wait(5)
            os.kill(pids[0], signal.SIGINT)
            hold.wait(5)
        return sound(call)

    with Vendor(answer) as vendor:
        home = bare(tmp_path, vendor)
        child = forked.start("record", ".", "--yes", folder=home, environment={})
        pids.append(child.pid)
        begun.set()
        code = child.ended()
        hold.set()

    assert 130 == code
    assert 1 == recordings(home)
    assert not golden(home, "plumb").exists()


def test_a_persona_or_tool_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Misspelt names end in exit 2 with what there is."""
    monkeypatch.chdir(small(tmp_path))
    persona, tool = run("record", ".", "--persona", "mason9", "--yes"), run("record", "plump", "--yes")

    assert [2, 2] == [persona.exit_code, tool.exit_code]
    assert "no persona 'mason9' on the panel" in persona.stderr
    assert "'plump': no dossier has this slug" in tool.stderr


def test_a_recording_tells_what_was_paid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The costs of the answers are added up, and stand in the golden record."""
    made.project(tmp_path, personas=3)
    (tmp_path / "panel.toml").write_text(SETTINGS.partition("\n")[2])
    (tmp_path / "recordings").mkdir()
    with Vendor(lambda _: ANTHROPIC.said(made.reply())) as vendor:
        keyed(vendor, monkeypatch)
        done = run("record", str(tmp_path), "--yes")

    cost = float(seat_of(tmp_path, "plumb", "mason0")["asks"][0]["cost_usd"])
    paid = re.search(r"3 asked now, \$(\S+) paid", done.stdout)
    assert paid
    assert 0 < cost
    assert pytest.approx(3 * cost) == float(paid[1])
    assert json.loads(golden(tmp_path, "plumb").read_bytes())["verdict"]["heard"] == 3


def test_a_repair_that_is_missing_is_counted_before_it_is_asked(tmp_path: Path) -> None:
    """Where a first reply is recorded and its repair is not, the bound says so, and the repair alone is asked."""
    with Vendor([CHAT.said(made.reply(vote="skip")), *[CHAT.said(made.reply())] * 2]) as vendor:
        made.project(tmp_path, personas=1)
        (tmp_path / "recordings").mkdir()
        served(tmp_path, vendor.url)
        run("record", str(tmp_path), "--yes")
        repair = seat_of(tmp_path, "plumb", "mason0")["asks"][1]["request"][7:]
        (tmp_path / "recordings" / repair[:2] / f"{repair}.json").unlink()
        unasked, asked = run("record", str(tmp_path)), run("record", str(tmp_path), "--yes")

    assert [2, 0] == [unasked.exit_code, asked.exit_code]
    assert "1 to ask: about $" in unasked.stdout
    assert 3 == len(vendor.calls)
    assert 0 == verified(tmp_path, "--accept").code
    assert 0 == verified(tmp_path).code
