"""A whole catalogue in one run: what is asked, what is left alone, what is told of what went wrong."""

from __future__ import annotations

import asyncio
import json
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import made
import pytest
from forked import Forked
from office import PACKAGED, STEERING, Office, steering
from terminal import Terminal
from vendor import ANTHROPIC, Answer, Call, Vendor

from panel.catalogue.dossiers import Catalogue, catalogue
from panel.catalogue.run import reviews
from panel.errors import GaveUp
from panel.files import write_whole
from panel.llm.open import Providers
from panel.pipeline import Reviewed
from panel.request import Request

TOOLS = ("level", "plumb", "trowel")
pytestmark = pytest.mark.parametrize("office", [2], indirect=True)


@pytest.fixture
def yard(office: Office) -> Office:
    """Give an office with two personas and three tools."""
    for name in ("level", "trowel"):
        office.shelve(name)
    return office


def summary(office: Office, *arguments: str, code: int = 0) -> Any:
    """Return the summary of a run as data."""
    done = office.type("review", *(arguments or (".",)), "--json")
    assert code == done.exit_code, done.output
    return json.loads(done.stdout)


def tools_asked(office: Office) -> list[str]:
    """Return the tools that were asked about since this was last looked at, in alphabetical order."""
    tools = sorted({request.label.tool for request in office.requests})
    office.requests.clear()
    return tools


def state(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return every file of a folder, with when it was written."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


# Which tools


@pytest.mark.parametrize(
    ("places", "asked"),
    [
        (["."], TOOLS),
        (["level.yaml", "plumb.yaml"], ("level", "plumb")),
        (["*.yaml"], TOOLS),
        (["t*.yaml"], ("trowel",)),
        (["?lumb.yaml"], ("plumb",)),
        (["[lt]*.y?ml"], ("level", "trowel")),
        (["**/level.yaml"], ("level",)),
        (["plumb.yaml", "./plumb.yaml", "{here}/plumb.yaml", "p*"], ("plumb",)),
        ([".", "{here}"], TOOLS),
        (["{here}/l*.yaml"], ("level",)),
    ],
    ids=" ".join,
)
def test_tools_are_named_by_folder_file_and_pattern(yard: Office, places: list[str], asked: tuple[str, ...]) -> None:
    """Whatever names a tool, and however often, it is reviewed once, and no other is."""
    named = [place.replace("{here}", str(yard.folder)) for place in places]
    done = yard.type("review", *named)

    assert 0 == done.exit_code, done.output
    assert 2 * len(asked) == len(yard.requests)
    assert [*asked] == tools_asked(yard)


# What is stale


def test_where_nothing_is_stale_nobody_is_asked_and_nothing_is_written(yard: Office) -> None:
    """A second run asks nobody and touches no file; it counts the verdicts all the same."""
    first = summary(yard)
    yard.requests.clear()
    before = state(yard.folder)
    again = summary(yard)

    assert (3, 0) == (first["reviewed"], first["unchanged"])
    assert ([], before) == (yard.requests, state(yard.folder))
    assert (0, 3, first["labels"]) == (again["reviewed"], again["unchanged"], again["labels"])


CHANGES: dict[str, tuple[Callable[[Office], object], list[str], int]] = {
    "nothing that counts": (lambda office: office.change("level.yaml", "name:", "# a comment\nname:"), [], 0),
    "a dossier": (lambda office: office.change("level.yaml", "Lead Works", "Led Works"), ["level"], 1),
    "a persona": (lambda office: office.change("personas/mason1.md", "few words", "no words"), [*TOOLS], 3),
    "a prompt": (
        lambda office: write_whole(
            office.path("prompts/system.md"), f"{PACKAGED.texts['system.md']}\nBe brief.\n".encode()
        ),
        [*TOOLS],
        3,
    ),
    "the moderator's prompt": (
        lambda office: write_whole(office.path("prompts/moderator.md"), b"Say which one to pick, and why.\n"),
        [],
        0,
    ),
    "the model": (lambda office: office.change("panel.toml", "fake:panel", "fake:other"), [*TOOLS], 3),
    "the model of a seat": (
        lambda office: write_whole(
            office.path("panel.toml"), b'model = "fake:panel"\ntools = ["."]\nmodels = {mason1 = "fake:other"}\n'
        ),
        [*TOOLS],
        3,
    ),
    "the samples": (lambda office: office.change("panel.toml", "tools", "samples = 2\ntools"), [*TOOLS], 3),
    "the longest reply": (lambda office: office.change("panel.toml", "tools", "max_tokens = 999\ntools"), [*TOOLS], 3),
    "a choice": (lambda office: office.done("retake", "plumb.yaml", "--persona", "mason1", "--accept"), [], 1),
    "a lock": (lambda office: office.done("lock", "plumb.yaml", "--persona", "mason1"), [], 1),
    "a record by hand": (
        lambda office: office.spoil("review.json", lambda data: data["verdict"].update(ship=1)),
        [],
        1,
    ),
    "a record that is gone": (lambda office: office.kept("review.json").unlink(), [], 1),
    "a stamp that is none": (lambda office: office.leave("stamp.json", "{"), [], 1),
}


@pytest.mark.parametrize(("change", "asked", "stale"), CHANGES.values(), ids=CHANGES)
def test_a_change_makes_just_the_right_tools_stale(
    yard: Office, change: Callable[[Office], object], asked: list[str], stale: int
) -> None:
    """What a change bears on is reviewed again, asked only where the question is another; then nothing is stale."""
    summary(yard)
    change(yard)
    yard.requests.clear()
    done = summary(yard)

    assert (stale, asked) == (done["reviewed"], tools_asked(yard))
    assert 3 == summary(yard)["unchanged"]


def test_asked_anew_nothing_is_unchanged(yard: Office) -> None:
    """With --mode fresh every seat is asked again, whatever is recorded."""
    summary(yard)
    yard.requests.clear()

    assert 3 == summary(yard, ".", "--mode", "fresh")["reviewed"]
    assert 6 == len(yard.requests)


def test_records_are_those_of_single_reviews(yard: Office) -> None:
    """A run over many writes the same bytes as a review of each alone."""
    for name in TOOLS:
        yard.done("review", f"{name}.yaml")
    alone = {name: data for name, data in yard.tree("log.jsonl").items() if "ledger" not in name}
    for name in alone:
        yard.path(name).unlink()
    summary(yard)

    assert alone == {n: d for n, d in yard.tree("log.jsonl", "stamp.json").items() if "ledger" not in n}
    assert len(alone) >= 3 * 4


# What goes wrong


def test_what_is_bad_stops_nobody_else(yard: Office) -> None:
    """A broken file, a doubled name, a strange persona, a missing file: all told, the rest is done."""
    yard.path("broken.yaml").write_text("name: [")
    yard.shelve("twin", made.DOSSIER.replace("name: Plumb", "name: Level").replace("slug: plumb", "slug: twin"))
    yard.shelve("seated", made.DOSSIER + "seats: {cynic: no}\n")
    done = yard.type("review", ".", "nowhere.yaml", "no*.yaml", "--json")
    data = json.loads(done.stdout)
    told = {Path(each["where"]).name: each["why"] for each in data["not_reviewed"]}

    assert (2, 2) == (done.exit_code, data["reviewed"])
    assert {"broken.yaml", "twin.yaml", "level.yaml", "seated.yaml", "nowhere.yaml", "no*.yaml"} == {*told}
    assert "'Level' is already what" in told["level.yaml"]
    assert "'Level' is already what" in told["twin.yaml"] or "'Twin' is already what" in told["twin.yaml"]
    assert "no such persona" in told["seated.yaml"]
    assert 6 == len(data["not_reviewed"])
    assert ["plumb", "trowel"] == tools_asked(yard)
    for name in told:
        assert name in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.parametrize("extra", [[], ["--dry-run"]], ids=["run", "dry"])
def test_every_fault_is_told_once(yard: Office, extra: list[str]) -> None:
    """A dossier that can't be reviewed is listed once, in a run and in a dry one."""
    yard.shelve("seated", made.DOSSIER + "seats: {cynic: no}\n")
    data = summary(yard, ".", *extra, code=2)

    assert ["seated.yaml"] == [Path(each["where"]).name for each in data["not_reviewed"]]


@pytest.mark.parametrize("places", [["nowhere.yaml", "nor.yaml"], ["empty"], ["*.json"], ["broken.yaml", "."]])
def test_where_there_is_nothing_to_review_all_is_told(
    office: Office, places: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a single dossier that can be read the run ends with exit 2 and every reason, and nothing is written."""
    office.path("empty").mkdir()
    monkeypatch.chdir(office.path("empty"))
    Path("broken.yaml").write_text("name: [")
    Path("empty").mkdir()
    told = office.refused("review", *places)

    assert all(place in told for place in places if place != ".")
    assert not office.path("runs").exists()


def test_a_provider_that_lets_a_seat_down_makes_exit_1(yard: Office) -> None:
    """The seat is named with its reason, its tool is tried again by the next run, the others are done."""

    def down(request: Request) -> str | Exception:
        return GaveUp("no line to the provider") if request.label.tool == "level" else made.reply()

    yard.answers["mason1"] = down
    data = summary(yard, code=1)
    yard.answers.clear()
    yard.requests.clear()
    again = summary(yard)

    assert [{"where": "level: mason1", "why": "failed: no line to the provider"}] == data["absent"]
    assert (3, 5) == (data["reviewed"], data["takes"])
    assert (2, 1, 1) == (again["unchanged"], again["reviewed"], len(yard.requests))


def test_an_honest_abstention_makes_exit_0(yard: Office) -> None:
    """Who abstains answered: the run ends well, and nothing is stale after it."""
    yard.answers["mason1"] = made.reply(ratings=[], vote=None, abstain={"reason": "no word on the price"})
    data = summary(yard)
    yard.requests.clear()

    assert (3, []) == (data["takes"], data["absent"])
    assert (3, []) == (summary(yard)["unchanged"], yard.requests)


@pytest.mark.parametrize("mark", ["panel.toml", "personas/mason.md"])
def test_two_projects_are_refused(tmp_path: Path, office: Office, mark: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dossiers of two projects, told by settings or by personas, are not reviewed by one panel; nobody is asked."""
    office.path("panel.toml").unlink()
    for name in ("one", "other"):
        write_whole(tmp_path / name / mark, made.PERSONA.encode() if "mason" in mark else b"")
        write_whole(tmp_path / name / f"{name}.yaml", made.DOSSIER.replace("plumb", name).encode())
    monkeypatch.chdir(tmp_path / "personas")
    told = office.refused("review", "../one", "../other/other.yaml", "--model", "fake:panel")

    assert "../one and ../other belong to two projects" in told
    assert [] == office.requests


def test_every_trouble_is_in_the_data(yard: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table shows some troubles and says how many more there are; --json has all, and counts what is not kept."""
    monkeypatch.setattr("panel.cli.board.MOST_SHOWN", 2)
    monkeypatch.setattr("panel.catalogue.tally.MOST_TROUBLES", 5)
    yard.answers["mason0"] = yard.answers["mason1"] = GaveUp("no line")
    done = yard.type("review", ".", "--json")
    data = json.loads(done.stdout)

    assert (1, 5, 1) == (done.exit_code, len(data["absent"]), data["unnamed"])
    assert 2 == done.stderr.count("failed: no line")
    assert "and 4 more (--json has them)" in done.stderr


@pytest.mark.parametrize("extra", [[], ["--dry-run"], ["--json"]], ids=["run", "dry", "json"])
def test_hostile_text_steers_no_terminal(yard: Office, extra: list[str]) -> None:
    """Names of files and dossiers, faults and what models and providers say are shown inert."""
    yard.path(f"bad{STEERING}.yaml").write_text(f'name: "{STEERING}')
    yard.path(f"odd{STEERING}.yaml").write_text(
        made.DOSSIER.replace("plumb", "odd").replace("name: Plumb", r'name: "Odd \e[2J\u202e"')
    )
    yard.answers["mason0"] = GaveUp(f"no line {STEERING}")
    yard.answers["mason1"] = made.reply(abstain={"reason": STEERING}, vote=None, headline=STEERING)
    done = yard.type("review", ".", f"no{STEERING}*.yaml", *extra)

    assert 2 == done.exit_code
    assert "" == steering(done.output)


# What is kept in mind


def test_a_run_keeps_no_review(yard: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """While many tools are reviewed, only the reviews of those under way are in memory."""
    monkeypatch.setattr("panel.catalogue.run.AT_ONCE", 2)
    for number in range(9):
        yard.shelve(f"tool{number}")
    project, seen = yard.project(), list[weakref.ref[Reviewed]]()

    async def most() -> int:
        found: Catalogue = catalogue(["."])
        counts = []
        async with Providers(project.settings, project.prompts) as providers:
            async for outcome in reviews(project, found, found.paths, providers):
                assert outcome.done
                seen.append(weakref.ref(outcome.done))
                del outcome
                counts.append(sum(review() is not None for review in seen))
        assert 12 == len(counts)
        return max(counts)

    assert asyncio.run(most()) <= 2 * 2


# The dry run


def test_a_dry_run_writes_nothing_and_asks_nobody(yard: Office) -> None:
    """Not a file is written or touched, with records there and without any."""
    before = state(yard.folder)
    yard.done("review", ".", "--dry-run")
    fresh = state(yard.folder)
    summary(yard, "plumb.yaml", "level.yaml")
    yard.requests.clear()
    between = state(yard.folder)
    told = yard.done("review", ".", "--dry-run")

    assert (before, between) == (fresh, state(yard.folder))
    assert [] == yard.requests
    assert "3 dossiers: 2 unchanged, 1 to review" in told
    assert 2 == told.count("trowel: mason")
    assert "level: mason" not in told


def test_a_run_asks_just_what_a_dry_run_prints(yard: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is printed is what the vendor then sees: the same requests, and of each tool the same one goes ahead."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "not-a-key")
    toml = f'model = "{ANTHROPIC.model}"\ntools = ["."]\nsamples = 2\n[limits.anthropic]\nconcurrency = 1\n'
    yard.path("panel.toml").write_text(toml)
    dry = yard.done("review", ".", "--dry-run")
    printed = [line.replace(",", "").split()[1:3] for line in dry.splitlines() if "mason" in line]
    sent: list[list[str]] = []

    def answer(call: Call) -> Answer:
        dossier, seat = (part["text"] for part in call.body["messages"][0]["content"])
        persona = "mason0" if "Mason 0" in seat else "mason1"
        sent.append([next(f"{name}:" for name in TOOLS if name.title() in dossier), persona])
        return ANTHROPIC.said(made.reply())

    with Vendor(answer) as vendor:
        for name, value in vendor.environment.items():
            monkeypatch.setenv(name, value)
        data = summary(yard)

    assert 12 == len(printed) == data["asked"]
    for name in TOOLS:
        told, seen = ([who for tool, who in each if tool == f"{name}:"] for each in (printed, sent))
        assert (told[0], sorted(told)) == (seen[0], sorted(seen))


# What is seen


def test_a_pipe_gets_a_line_a_tool(yard: Office) -> None:
    """Where nobody sees progress, each tool is told as it is done, then the sum."""
    lines = yard.done("review", ".").splitlines()

    assert "3 dossiers: 0 unchanged, 3 to review" in lines
    assert {*TOOLS} == {line.split(":")[0] for line in lines if "heard" in line}
    assert "3 tools reviewed, 6 takes: 6 asked now, 0 from the ledger, 0 retries" in lines


def test_a_terminal_shows_progress(yard: Office, forked: Forked) -> None:
    """In a terminal one display moves while tools are asked, and only the sum stays."""
    with Vendor(lambda _: ANTHROPIC.said(made.reply())) as vendor, Terminal(forked) as terminal:
        environment = {**vendor.environment, "ANTHROPIC_API_KEY": "not-a-key"}
        terminal.start("review", ".", "--model", ANTHROPIC.model, folder=yard.folder, environment=environment)
        terminal.until("of 3 tools")
        terminal.until("3 tools reviewed, 6 takes")
        assert 0 == terminal.ended()

    assert yard.path("runs/level/stamp.json").exists()
