"""The doctor and the estimate: what a machine and a project have, told without a key, and what a review would cost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import made
import pytest
from conftest import EXAMPLES
from test_cli import run
from test_pipeline import opened
from test_pipeline import run as review

from panel.ask import AUTO_STEPS
from panel.doctor import MOST_FAULTS, Checkup, examine
from panel.estimate import Estimate, estimate
from panel.llm.fake import stand_in
from panel.llm.ledger import Ledger
from panel.llm.model import said
from panel.money import LISTED
from panel.project import Project
from panel.request import Request, Usage
from panel.tool import read_tool

KEY = "sk-planted-doctor-key"
DAY = datetime(2026, 11, 20, tzinfo=UTC)


def checkup(folder: Path, environ: Mapping[str, str] | None = None) -> Checkup:
    """Return what the doctor finds near a folder."""
    return asyncio.run(examine(folder, environ or {}))


class Shelf:
    """A server on this machine that says which models it holds."""

    def __init__(self, body: bytes, status: int = 200) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        self.thread = Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True)

    def __enter__(self) -> str:
        self.thread.start()
        return self.url

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.mark.parametrize(
    ("body", "status", "state", "models"),
    [
        pytest.param({"data": [{"id": "qwen3:8b"}, {"id": "gemma"}]}, 200, "listens", ("qwen3:8b", "gemma"), id="two"),
        pytest.param({"data": []}, 200, "listens", (), id="none loaded"),
        pytest.param({"error": "no"}, 401, "wants a key", (), id="a key is wanted"),
        pytest.param({"hello": "world"}, 200, "not there", (), id="something else listens"),
        pytest.param([1], 200, "not there", (), id="a list"),
        pytest.param({"data": [3, {"name": "x"}]}, 200, "listens", (), id="models without ids"),
    ],
)
def test_a_server_on_this_machine_is_found(
    tmp_path: Path, body: object, status: int, state: str, models: tuple[str, ...]
) -> None:
    """A server that answers is told with its models, and anything else on its port is no server."""
    made.project(tmp_path)
    with Shelf(json.dumps(body).encode(), status) as url:
        (tmp_path / "panel.toml").write_text(f'[servers]\nlab = "{url}"\n')
        (lab,) = [server for server in checkup(tmp_path).servers if server.name == "lab"]

    assert (url, state, models) == (lab.url, lab.state, lab.models)


def test_a_page_on_the_port_is_no_server(tmp_path: Path) -> None:
    """What answers with no JSON is not taken for a server."""
    made.project(tmp_path)
    with Shelf(b"<html>") as url:
        (tmp_path / "panel.toml").write_text(f'[servers]\nollama = "{url}"\n')
        states = {server.name: server.state for server in checkup(tmp_path).servers}

    assert "not there" == states["ollama"]


def test_a_server_elsewhere_is_not_probed(tmp_path: Path) -> None:
    """Only servers on this machine are asked which models they hold."""
    made.project(tmp_path)
    (tmp_path / "panel.toml").write_text('[servers]\nlab = "https://lab.example/v1"\n')

    assert "lab" not in [server.name for server in checkup(tmp_path).servers]


def test_keys_are_told_and_never_shown(tmp_path: Path) -> None:
    """Each key is set, not set or unusable; none stands in what is found."""
    made.project(tmp_path)
    found = checkup(tmp_path, {"ANTHROPIC_API_KEY": KEY, "OPENAI_API_KEY": f"{KEY}é"})
    states = {key.variable: key.state for key in found.keys}

    assert ("set", "unusable", "not set") == tuple(
        states[name] for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OPENROUTER_API_KEY")
    )
    assert KEY not in json.dumps(found.as_json())
    assert "OPENAI_API_KEY: holds a character that no key has; copy the key again" in found.faults


def test_settings_are_told_with_their_origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting is told with its value and where it came from."""
    made.project(tmp_path)
    (tmp_path / "panel.toml").write_text("samples = 3\n")
    monkeypatch.setenv("PANEL_EFFORT", "low")
    told = {setting.key: (setting.value, setting.origin) for setting in checkup(tmp_path).settings}

    assert ("3", str(tmp_path / "panel.toml")) == told["samples"]
    assert ("not set", "default") == told["parallel"]


def test_everything_that_is_wrong_is_told(tmp_path: Path) -> None:
    """A torn recording, a missing ledger and a bad persona are told, each with its place; what is sound is counted."""
    mine = made.project(tmp_path, personas=1)
    ledger = Ledger(mine.settings.runs / "ledger")
    question = mine.question(made.tool(tmp_path), mine.panel[0])
    for number in (1, 2):
        request = question.request(number).model_copy(update={"model": "fake:ship"})
        ledger.keep(request, said(stand_in(request), "fake:ship"))
    torn = min(ledger.folder.glob("??/*.json"))
    torn.write_text("{")
    (tmp_path / "panel.toml").write_text('ledgers = ["elsewhere"]\n')
    (tmp_path / "personas" / "mason0.md").write_text("no front matter")
    found = checkup(tmp_path)

    assert [1, 0] == [each.recordings for each in found.ledgers]
    assert [True, False] == [each.is_written for each in found.ledgers]
    for place in (str(torn), str(tmp_path / "elsewhere"), str(tmp_path / "personas" / "mason0.md")):
        assert [place] == [place for fault in found.faults if place in fault]


def test_of_a_large_ledger_some_recordings_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The doctor does not read a million files: it says that there are more than it looked at."""
    mine = made.project(tmp_path, personas=3)
    for number in (1, 2):
        request = mine.question(made.tool(tmp_path), mine.panel[0]).request(number)
        mine.ledgers.own.keep(request, said("{}", "fake:ship"))
    whole = checkup(tmp_path).ledgers[0]
    monkeypatch.setattr("panel.doctor.MOST_LOOKED_THROUGH", 1)
    some = checkup(tmp_path).ledgers[0]

    assert [(2, True), (1, False)] == [(each.recordings, each.is_whole) for each in (whole, some)]


def test_many_unsound_recordings_are_counted(tmp_path: Path) -> None:
    """Of many torn recordings the first ones are named and the others counted."""
    ledger = made.project(tmp_path, personas=1).ledgers.own
    for number in range(MOST_FAULTS + 2):
        path = ledger.path(f"sha256:{number:064x}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{")
    found = checkup(tmp_path)

    assert MOST_FAULTS + 1 == len(found.faults)
    assert f"{ledger.folder}: and 2 more recordings that are not sound" == found.faults[-1]


# What a review would cost


def priced(folder: Path, toml: str = "", personas: int = 2) -> Estimate:
    """Return the estimate for Plumb."""
    made.project(folder, personas=personas)
    (folder / "panel.toml").write_text(toml)
    project = Project.open(folder, {})
    return estimate(project, read_tool(folder / "plumb.yaml"), DAY)


def dollars(amount: Decimal | None) -> Decimal:
    """Return an amount that is known."""
    assert amount is not None
    return amount


def test_an_estimate_grows_with_what_is_asked(tmp_path: Path) -> None:
    """Every seat and every sample adds to both numbers, and the bound is above what is likely."""
    for name in ("once", "thrice"):
        (tmp_path / name).mkdir()
    two, six = priced(tmp_path / "once"), priced(tmp_path / "thrice", "samples = 3\n")

    assert (2, 6) == (two.asked, six.asked)
    assert Decimal(0) < dollars(two.likely) < dollars(two.most)
    assert 3 * dollars(two.most) == pytest.approx(dollars(six.most), rel=Decimal("0.02"))


def paid(request: Request, *usages: Usage) -> Decimal:
    """Return what replies to a request with these usages cost on the day."""
    return sum((Decimal(LISTED.cost(request.model, usage, DAY) or "NaN") for usage in usages), Decimal(0))


def test_the_bound_holds_for_the_longest_reply_and_its_repair(tmp_path: Path) -> None:
    """The bound covers, for each seat, the longest reply and the longest repair, which is sent prompt and reply."""
    most, reply = priced(tmp_path, "max_tokens = 16000\n").most, 16_000
    mine = Project.open(tmp_path, {})
    requests = [mine.question(made.tool(tmp_path), persona).request(1) for persona in mine.panel]
    prompts = [len(request.system + "".join(block.text for block in request.blocks)) // 2 for request in requests]

    assert dollars(most) >= sum(
        paid(request, Usage(input=prompt, output=reply), Usage(input=prompt + reply, output=reply))
        for request, prompt in zip(requests, prompts, strict=True)
    )


def test_a_longer_dossier_costs_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both numbers grow with the dossier, as it is part of every prompt."""
    (tmp_path / "long").mkdir()
    short = priced(tmp_path)
    monkeypatch.setattr(made, "DOSSIER", made.DOSSIER.replace("runs inside", f"runs {'safely ' * 500}inside"))
    long = priced(tmp_path / "long")

    assert dollars(short.likely) < dollars(long.likely)
    assert dollars(short.most) < dollars(long.most)


def test_auto_is_bounded_by_the_most_that_it_can_take(tmp_path: Path) -> None:
    """With `samples = "auto"` the bound counts every step that a seat could take: nobody pays more than was told."""
    for name in ("auto", "once"):
        (tmp_path / name).mkdir()
    auto, once = priced(tmp_path / "auto", 'samples = "auto"\n'), priced(tmp_path / "once")

    assert AUTO_STEPS[-1] * dollars(once.most) == pytest.approx(dollars(auto.most), rel=Decimal("0.02"))
    assert (once.asked, once.likely) == (auto.asked, auto.likely)


def test_an_accepted_take_that_is_missing_is_counted(tmp_path: Path) -> None:
    """Where an accepted take is a later sample, that one is looked for: an earlier recording does not replace it."""
    review(opened(tmp_path))
    done = review(opened(tmp_path, mode="fresh"), only=["mason1"])
    mine = opened(tmp_path)
    mine.ledgers.own.path(done.asked[0]).unlink()
    found = estimate(mine, read_tool(tmp_path / "plumb.yaml"), DAY)

    assert (2, 1) == (found.kept, found.asked)


def test_what_a_ledger_holds_costs_nothing() -> None:
    """A review whose replies are all recorded asks for nothing."""
    project = Project.open(EXAMPLES, {})
    found = estimate(project, read_tool(EXAMPLES / "smollm3.yaml"), DAY)

    assert (4, 4, 0, Decimal(0)) == (found.invited, found.kept, found.asked, found.most)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        pytest.param("ollama:qwen3:8b", Decimal(0), id="a server on this machine"),
        pytest.param("manual:chat", Decimal(0), id="a person"),
        pytest.param("anthropic:claude-unheard-of", None, id="a model without a price"),
    ],
)
def test_free_is_zero_and_unknown_is_none(tmp_path: Path, model: str, expected: Decimal | None) -> None:
    """Nobody pays for a server at home or a person; an unknown price is no zero."""
    assert expected == priced(tmp_path, f'model = "{model}"\n').most


# The command


def test_the_doctor_prints_it_all(tmp_path: Path) -> None:
    """The page has a part for everything, and ends with what the review would cost."""
    made.project(tmp_path)
    done = run("doctor", str(tmp_path / "plumb.yaml"))

    assert 0 == done.exit_code, done.output
    for part in ("versions\n", "settings\n", "keys\n", "servers\n", "ledgers\n", "faults\n  none"):
        assert part in done.stdout
    assert "5 seats; 0 replies are in a ledger, 5 to ask: about $0." in done.stdout


def test_the_doctor_says_where_nothing_is_to_pay() -> None:
    """Where ledgers hold every reply, the last line says that nothing is to pay."""
    done = run("doctor", str(EXAMPLES / "smollm3.yaml"))

    assert "4 seats; 4 replies are in a ledger, 0 to ask: nothing to pay" in done.stdout


def test_the_doctor_says_where_no_price_is_known(tmp_path: Path) -> None:
    """A model that no price list has is said to have no known price, instead of any amount."""
    made.project(tmp_path)
    last = run("doctor", str(tmp_path / "plumb.yaml"), "--model", "openai:unheard-of").stdout.splitlines()[-1]

    assert last.endswith("5 to ask; no price is known for openai:unheard-of")


def test_a_fault_makes_exit_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong is printed, and the exit code says that something is."""
    made.project(tmp_path, personas=1)
    (tmp_path / "personas" / "mason0.md").write_text("no front matter")
    monkeypatch.chdir(tmp_path)
    done = run("doctor")

    assert 2 == done.exit_code
    assert "must begin with front matter" in done.stdout


def test_the_doctor_speaks_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --json stdout is one JSON value, without a key in it."""
    made.project(tmp_path)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    done = run("doctor", str(tmp_path / "plumb.yaml"), "--json")
    found: Any = json.loads(done.stdout)

    assert {"provider": "anthropic", "variable": "ANTHROPIC_API_KEY", "state": "set"} in found["keys"]
    assert KEY not in done.output


@pytest.mark.parametrize(
    ("toml", "flags", "expected"),
    [
        pytest.param("samples = 'auto'\n", {}, 2, id="auto draws one at first"),
        pytest.param("", {"mode": "fresh"}, 2, id="asked anew nothing is recorded"),
    ],
)
def test_what_is_to_ask_is_what_a_run_would_ask(
    tmp_path: Path, toml: str, flags: dict[str, object], expected: int
) -> None:
    """The number of requests is that of the run: one a seat under auto, all of them under fresh."""
    made.project(tmp_path, personas=2)
    (tmp_path / "panel.toml").write_text(toml)
    run("review", str(tmp_path / "plumb.yaml"), "--model", "fake:ship", "--samples", "1")
    project = Project.open(tmp_path, {"model": "fake:ship" if flags else "fake:skip", **flags})

    assert expected == estimate(project, read_tool(tmp_path / "plumb.yaml"), DAY).asked


def test_the_bound_knows_the_fallbacks(tmp_path: Path) -> None:
    """A free model with a paid fallback is free where all goes well, and is not at most."""
    found = priced(tmp_path, 'model = "ollama:x"\nfallbacks = ["anthropic:claude-sonnet-5-5"]\n')

    assert Decimal(0) == found.likely
    assert Decimal(0) < dollars(found.most)


def test_the_doctor_finds_what_a_review_would_refuse(tmp_path: Path) -> None:
    """A model of a persona that is not there is a fault here as it is for a review."""
    made.project(tmp_path, personas=1)
    (tmp_path / "panel.toml").write_text('[models]\nmasn0 = "fake:ship"\n')

    assert any("models.masn0: no such persona; did you mean mason0?" in fault for fault in checkup(tmp_path).faults)
