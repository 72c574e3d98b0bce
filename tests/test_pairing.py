"""`panel compare`: what it writes and says, whom it asks, and what a kill leaves of it."""

from __future__ import annotations

import json
import re
import shutil
import signal
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import made
import pytest
from forked import Forked
from office import STEERING, Office, steering
from reviewed import project
from struck import POINTS
from vendor import ANTHROPIC, Vendor

from panel.comparison import Comparison
from panel.errors import Rejected
from panel.files import canonical, readable
from panel.markdown import comparison_page
from panel.record import digest, read_record
from panel.review import Review

PLACE = "runs/compare/gauge-vs-plumb"
FILES = ("comparison.json", "comparison.md", "index.html")
SAID = json.dumps(
    {
        "first": [{"takes": ["gauge/mason0"], "text": "you can live with a check that stops a run."}],
        "second": [{"takes": ["plumb/mason1"], "text": "you want one file that anybody can open."}],
    }
)


@pytest.fixture
def desk(office: Office) -> Office:
    """An office with two tools that are reviewed, and a moderator who writes sound clauses."""
    return begun(office)


def begun(office: Office) -> Office:
    """Return an office with two tools that are reviewed, and a moderator who writes sound clauses."""
    office.shelve("gauge")
    office.reviewed()
    kept, theirs = office.kept("review.json"), office.path("runs/gauge/review.json")
    theirs.parent.mkdir()
    theirs.write_text(kept.read_text().replace("plumb", "gauge").replace("Plumb", "Gauge"))
    office.answers["moderator"] = SAID
    office.asked()
    return office


def written(office: Office, place: str = PLACE) -> dict[str, bytes]:
    """Return the files of the comparison."""
    return {path.name: path.read_bytes() for path in sorted(office.path(place).iterdir())}


def record(office: Office) -> Comparison:
    """Return the record of the comparison."""
    return read_record(office.path(f"{PLACE}/comparison.json"), Comparison)


# --- What it writes ---------------------------------------------------------------------------------------------------


def test_a_comparison_is_written(desk: Office) -> None:
    """The command writes record, Markdown and page into a folder by both slugs, and names the three files."""
    said = desk.done("compare", "plumb", "gauge")
    files = written(desk)

    assert [*FILES] == list(files)
    assert [f"{PLACE}/{name}" for name in FILES] == sorted(said.splitlines()[-3:])
    assert readable(record(desk).as_json()) == files["comparison.json"]
    assert comparison_page(record(desk)).encode() == files["comparison.md"]
    assert digest(read_record(desk.kept("review.json"), Review)) == record(desk).sides[1].review
    assert files["index.html"].startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize("more", [(), ("--no-moderator",)])
def test_both_orders_of_the_command_write_the_same_bytes(desk: Office, more: tuple[str, ...]) -> None:
    """Whichever tool is named first, the same folder holds the same bytes, and the same is said."""
    first = desk.done("compare", "plumb", "gauge", *more), written(desk)
    desk.asked()
    shutil.rmtree(desk.path("runs/compare"))
    turned = desk.done("compare", "gauge", "plumb", *more), written(desk)

    assert first[1] == turned[1]
    assert re.sub(r"\d repl.*paid", "", first[0]) == re.sub(r"\d repl.*paid", "", turned[0])
    assert ["gauge-vs-plumb"] == [path.name for path in desk.path("runs/compare").iterdir()]


def test_again_nothing_changes_and_nobody_is_asked(desk: Office) -> None:
    """A second run asks nobody and writes the same bytes; replayed they are the same too."""
    first = desk.done("compare", "plumb", "gauge"), written(desk)
    assert ["moderator"] == desk.asked()

    for mode in ("auto", "replay"):
        said = desk.done("compare", "plumb", "gauge", "--mode", mode)
        assert ("1 reply from the ledger, 0 asked now, $0 paid" in said, first[1]) == (True, written(desk))
    assert "0 replies from the ledger, 1 asked now, $0 paid" in first[0]
    assert [] == desk.asked()


def test_what_is_printed(desk: Office) -> None:
    """The answer comes first with its reason and both splits, then the chart, when to pick which, and the files."""
    lines = [line.rstrip() for line in desk.done("compare", "plumb", "gauge").splitlines()]
    order = [
        "Too close to call. Over the 3 critics heard on both the two are 0 points apart, and a pick needs 6.",
        "Gauge: Ship · 3 ship / 0 skip",
        "Plumb: Ship · 3 ship / 0 skip",
        "  Mason 0    ────────────────────────┊───◈────────────  ●  69 ship ◆  69 ship",
        "  Pick Gauge if",
        "  - you can live with a check that stops a run. (gauge/mason0)",
        "  Pick Plumb if",
        "  - you want one file that anybody can open. (plumb/mason1)",
    ]

    assert order == [line for line in lines if line in order]


def test_a_tool_of_another_kind_and_another_panel_are_told(desk: Office) -> None:
    """What the two are, where they are no substitutes, and each difference in how they were made is printed."""
    desk.path("personas/mason2.md").unlink()
    desk.shelve("zinc", made.DOSSIER.replace("kind: library", "kind: app"))
    said = desk.done("compare", "plumb", "zinc.yaml", "--no-moderator")

    assert "Not substitutes: Plumb is a library, Zinc is an app." in said
    assert "Not made alike: Mason 2 was on the panel for Plumb alone." in said
    assert "Not comparable yet. Zinc has no verdict: it takes 3 critics, and of 2 asked 2 could be heard." in said


def test_json_is_the_record_alone(desk: Office) -> None:
    """With --json stdout is the record as it stands in its file, and all else is on stderr."""
    ended = desk.type("compare", "plumb", "gauge", "--json")

    assert (0, written(desk)["comparison.json"].decode()) == (ended.exit_code, ended.stdout)
    assert "Too close to call." in ended.stderr


def test_the_record_holds_what_was_done(desk: Office) -> None:
    """Votes, an approval and what was done with a review are in the record, from the files beside it."""
    desk.path("runs/votes.json").write_text('{"tools": {"plumb": {"ship": 2}}}')
    desk.change("plumb.yaml", "pricing: {", f"pricing: {{checked_on: {datetime.now(UTC).date()}, ")
    desk.done("review", "plumb.yaml")
    desk.done("approve", "plumb.yaml", "--by", "Ann")
    desk.done("compare", "plumb", "gauge", "--no-moderator")
    gauge, plumb = record(desk).sides

    assert (None, ()) == (gauge.community, gauge.history)
    assert plumb.community
    assert (2, 0) == (plumb.community.ship, plumb.community.skip)
    assert plumb.approval
    assert ("Ann", "approved by Ann") == (plumb.approval.by, plumb.history[-1].what)


# --- Which tools ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", [("plumb.yaml", "gauge.yaml"), ("./plumb.yaml", "gauge"), ("plumb", "{}/gauge.yaml")])
def test_dossiers_are_reviewed_on_the_way(office: Office, pair: tuple[str, str]) -> None:
    """A dossier is reviewed first, however its path is written, a slug is taken from its record; mixed too."""
    begun(office)
    before = office.kept("review.json").read_bytes()
    if "gauge" != pair[1]:
        shutil.rmtree(office.path("runs/gauge"))
    said = office.done("compare", *(each.format(office.folder) for each in pair))
    asked = office.asked()

    assert before == office.kept("review.json").read_bytes()
    assert "moderator" == asked[-1]
    assert len(asked) == (1 if pair[1] == "gauge" else 4)
    assert f"{PLACE}/comparison.json" in said
    assert read_record(office.path("runs/gauge/review.json"), Review).tool.slug == "gauge"


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        (("plumb", "plumb"), "name two different tools; plumb can't stand beside itself"),
        (("plumb.yaml", "plumb"), "name two different tools; plumb can't stand beside itself"),
        (("plumb.yaml", "./plumb.yaml"), "name two different tools; plumb can't stand beside itself"),
        (("plumb", "gage"), "no review of 'gage' in"),
        (("Plumb", "gauge"), "no review of 'Plumb' in"),
        (("plumb", "../gauge"), "no review of '../gauge' in"),
        (("plumb", "compare"), "no review of 'compare' in"),
        (("plumb", ""), "no review of '' in"),
        (("plumb", "zinc.yaml"), "zinc.yaml: can't be read"),
        (("plumb", f"g{STEERING}"), "no review of 'g"),
    ],
)
def test_what_can_not_be_compared_is_refused(desk: Office, pair: tuple[str, str], message: str) -> None:
    """A tool beside itself, and one without a review, is refused in one message; nobody is asked, nothing written."""
    before = desk.tree()
    said = desk.refused("compare", *pair)

    assert message in said
    assert "" == steering(said)
    assert (before, []) == (desk.tree(), desk.asked())
    if "no review" in message:
        assert "review it first, or name its dossier" in said


def test_a_record_in_another_folder_is_refused(desk: Office) -> None:
    """A review that was copied into the folder of another tool is named, and not compared with itself."""
    shutil.copytree(desk.path("runs/plumb"), desk.path("runs/copy"))

    assert "tool.slug: is plumb; move the file to its folder" in desk.refused("compare", "plumb", "copy")


def test_a_broken_review_is_named(desk: Office) -> None:
    """A record that can't be read is named with its file."""
    desk.path("runs/gauge/review.json").write_text("{")

    assert "runs/gauge/review.json" in desk.refused("compare", "plumb", "gauge")


def test_a_seat_that_failed_on_the_way_ends_in_1(desk: Office) -> None:
    """Where a provider let a seat down that was asked on the way, the comparison is written, and the exit code is 1."""
    desk.shelve("zinc")
    desk.answers["mason1"] = Rejected("no such key")
    ended = desk.type("compare", "plumb", "zinc.yaml")

    assert 1 == ended.exit_code, ended.output
    assert desk.path("runs/compare/plumb-vs-zinc/comparison.json").exists()


def test_what_no_ledger_holds_shows_ways_forward(desk: Office) -> None:
    """Where a dossier can't be reviewed without asking, and nobody may be asked, it is said what one can do."""
    desk.shelve("zinc")
    said = desk.refused("compare", "plumb", "zinc.yaml", "--mode", "replay")

    assert "Ways forward:\n  - leave out --mode replay" in said
    assert not desk.path("runs/compare").exists()


# --- The moderator ----------------------------------------------------------------------------------------------------


def test_the_moderator_is_paid_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A vendor is asked once for both orders and for all later runs, and it is told of the takes alone."""
    begun(office)
    with Vendor([ANTHROPIC.said(SAID)]) as vendor:
        for name, value in {**vendor.environment, ANTHROPIC.key: "no-key"}.items():
            monkeypatch.setenv(name, value)
        live = office.done("compare", "plumb", "gauge", "--model", ANTHROPIC.model), written(office)
        again = office.done("compare", "gauge", "plumb", "--model", ANTHROPIC.model), written(office)
    office.done("compare", "gauge", "plumb", "--model", ANTHROPIC.model, "--mode", "replay")
    sent = json.dumps(vendor.calls[0].body)

    assert 1 == len(vendor.calls)
    assert live[1] == again[1] == written(office)
    assert re.search(r"1 asked now, \$0\.\d+ paid", live[0])
    assert "0 asked now, $0 paid" in again[0]
    assert (True, False, False) == tuple(word in sent for word in ("gauge/mason0", "A plumb line", "Lead Works"))


def test_a_moderator_asked_anew_stands(desk: Office) -> None:
    """With --mode fresh the moderator is asked once more, and what it says then is what later comparisons keep."""
    desk.answers["moderator"] = lambda request: SAID.replace("you", f"you, asked {request.sample} times,")
    desk.done("compare", "plumb", "gauge")
    fresh = desk.done("compare", "plumb", "gauge", "--mode", "fresh")
    kept = record(desk)
    again = desk.done("compare", "gauge", "plumb")

    assert kept.moderation
    assert 2 == kept.moderation.ask.sample
    assert ("1 asked now", "0 asked now") == tuple(re.findall(r"\d asked now", fresh + again))
    assert kept == record(desk)


def test_a_comparison_can_be_rehearsed(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in moderates too, and its clauses pass the checks."""
    monkeypatch.undo()
    desk.done("compare", "plumb", "gauge", "--model", "fake:ship", "--runs", str(desk.path("runs")))
    said = record(desk).moderation

    assert said
    assert [1, 1] == [len(clauses) for clauses in said.clauses]
    assert () == said.dropped


@pytest.mark.parametrize(
    ("said", "more", "note"),
    [
        (SAID, ("--no-moderator",), None),
        (SAID, ("--mode", "replay"), "note: no moderator: no recording has its reply, and nobody is asked"),
        (Rejected("the account is\nclosed"), (), "note: no moderator: the account is"),
        ("I would rather not.", (), "note: the moderator's words were left out: the reply can't be used: there"),
        (SAID.replace("gauge/mason0", "zinc/a"), (), "note: the moderator's words were left out: gauge, clause 1:"),
    ],
)  # fmt: skip
def test_its_absence_blocks_no_record(desk: Office, said: Any, more: tuple[str, ...], note: str | None) -> None:
    """Without a moderator, or where it fails or writes nothing that holds, there is the same record, and a note."""
    desk.answers["moderator"] = said
    printed = desk.done("compare", "plumb", "gauge", *more)
    kept = record(desk)
    desk.done("compare", "plumb", "gauge", "--no-moderator")

    assert (note is None) == ("note:" not in printed)
    assert note is None or note in printed
    assert "Pick Gauge if" not in printed
    assert canonical(record(desk).as_json()) == canonical(kept.model_copy(update={"moderation": None}).as_json())
    assert kept.moderation is None or ((), ()) == kept.moderation.clauses


@pytest.mark.parametrize("why", ["no recording", "the provider fails"])
def test_what_it_said_of_these_very_reviews_is_kept(desk: Office, why: str) -> None:
    """Where no new reply can be had the words that stand are kept, until one of the reviews is another one."""
    more = ("--mode", "replay") if why == "no recording" else ("--mode", "fresh")
    desk.done("compare", "plumb", "gauge")
    before = written(desk)
    shutil.rmtree(desk.project().ledgers.own.folder)
    desk.answers["moderator"] = Rejected("the account is closed")
    again = desk.done("compare", "gauge", "plumb", *more)

    assert (before, "note:" in again, "Pick Gauge if" in again) == (written(desk), False, True)
    desk.spoil("review.json", lambda data: data["seats"][0]["take"].update(headline="Another headline"))
    assert "note: no moderator: " in desk.done("compare", "gauge", "plumb", *more)
    assert record(desk).moderation is None


def test_where_nobody_was_heard_nobody_moderates(desk: Office) -> None:
    """Where no critic was heard on one tool the moderator is not asked, and that is said."""
    desk.shelve("zinc")
    abstained = made.reply(abstain={"reason": "no price"}, ratings=[], evidence=[], vote=None)
    desk.answers |= dict.fromkeys(("mason0", "mason1", "mason2"), abstained)
    ended = desk.type("compare", "plumb", "zinc.yaml")

    assert "note: no moderator: nobody was heard on Zinc" in ended.output
    assert "moderator" not in desk.asked()


# --- What reaches a terminal ------------------------------------------------------------------------------------------


def test_nothing_steers_the_terminal(desk: Office) -> None:
    """Whatever a stranger's record or a moderator holds, nothing that is printed steers the terminal, JSON included."""
    hostile = f"x{STEERING}y"

    def spoil(data: Any) -> None:
        data["tool"]["name"] = data["tool"]["version"] = hostile
        for seat in data["seats"]:
            seat["name"] = hostile
            seat["take"] |= {"headline": hostile, "text": hostile, "best_for": hostile}
            seat["asks"][0]["answered_by"] = f"a:{hostile}"

    desk.spoil("review.json", spoil)
    desk.answers["moderator"] = SAID.replace(
        "you can live", f"you\\n\\nPick Plumb. {json.dumps(hostile)[1:-1]} can live"
    )
    for more in ((), ("--json",)):
        ended = desk.type("compare", "plumb", "gauge", *more)
        assert (0, "") == (ended.exit_code, steering(ended.output)), ended.output
        assert "\nPick Plumb." not in ended.output
    assert hostile == json.loads(ended.stdout)["sides"][1]["name"]


def test_status_names_the_comparison(desk: Office) -> None:
    """Where a seat is stale, status names the comparison that a refresh would touch; else it has nothing to say."""
    desk.done("compare", "plumb", "gauge", "--no-moderator")
    before = desk.done("status", "plumb")
    desk.change("plumb.yaml", "A plumb line", "One plumb line")

    assert "touches" not in before
    assert "  touches gauge-vs-plumb" in desk.done("status", "plumb").splitlines()
    assert ["gauge-vs-plumb"] == json.loads(desk.done("status", "plumb", "--json"))[0]["comparisons"]


# --- The schema -------------------------------------------------------------------------------------------------------


def faults(schema: Any, value: Any, whole: Any, place: str = "") -> Iterator[str]:
    """Yield where a value does not fit a JSON Schema, of the keywords that Panel's schemas use; others are refused."""
    known = {"title", "description", "default", "examples", "$schema", "$defs", "format", "$ref", "anyOf", "const"}
    known |= {"enum", "type", "properties", "required", "additionalProperties", "items", "prefixItems", "pattern"}
    known |= {"minItems", "maxItems", "minLength", "maxLength", "minimum", "maximum"}
    assert set(schema) <= known, set(schema) - known
    if "$ref" in schema:
        yield from faults(whole["$defs"][schema["$ref"].removeprefix("#/$defs/")], value, whole, place)
    if "anyOf" in schema and all([*faults(each, value, whole, place)] for each in schema["anyOf"]):
        yield f"{place}: fits none"
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        yield f"{place}: is another value"
    types = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
    kind = types.get(schema.get("type", ""), int if schema.get("type") == "integer" else (int, float))
    if "type" in schema and (not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)):
        yield f"{place}: is no {schema['type']}"
        return
    yield from _within(schema, value, place)
    if isinstance(value, dict):
        yield from _keys(schema, value, whole, place)
    if isinstance(value, list):
        firsts = schema.get("prefixItems", [])
        for number, item in enumerate(value):
            inner = firsts[number] if number < len(firsts) else schema.get("items", {})
            yield from faults(inner, item, whole, f"{place}.{number}")


def _within(schema: Any, value: Any, place: str) -> Iterator[str]:
    if isinstance(value, str):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield f"{place}: does not match"
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            yield f"{place}: is too short or too long"
    elif isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            yield f"{place}: has too few or too many"
    elif isinstance(value, int | float) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{place}: is too small or too large"


def _keys(schema: Any, value: Mapping[str, Any], whole: Any, place: str) -> Iterator[str]:
    inner, rest = schema.get("properties", {}), schema.get("additionalProperties", {})
    yield from (f"{place}: lacks {key}" for key in schema.get("required", ()) if key not in value)
    for key, item in value.items():
        if key in inner or isinstance(rest, dict):
            yield from faults(inner.get(key, rest), item, whole, f"{place}.{key}")
        elif rest is False:
            yield f"{place}: {key} is unknown"


def test_the_record_fits_its_schema(desk: Office) -> None:
    """What is written fits what `panel schema comparison` prints, and a record that was changed does not."""
    schema = json.loads(desk.done("schema", "comparison"))
    desk.done("compare", "plumb", "gauge")
    data = json.loads(written(desk)["comparison.json"])

    assert [] == [*faults(schema, data, schema)]
    for change, fault in (
        ({"schema": "panel.comparison/2"}, ".schema: is another value"),
        ({"winner": "plumb"}, ": winner is unknown"),
        ({"sides": data["sides"][:1]}, ".sides: has too few or too many"),
        ({"answer": data["answer"] | {"kind": "maybe"}}, ".answer.kind: is another value"),
        ({"rules": 1}, ".rules: is no string"),
    ):
        assert [fault] == [*faults(schema, data | change, schema)]


def test_the_record_comes_back_as_it_was(desk: Office) -> None:
    """Read and written again, a record is the same bytes."""
    desk.done("compare", "plumb", "gauge")
    path = desk.path(f"{PLACE}/comparison.json")

    assert path.read_bytes() == readable(read_record(path, Comparison).as_json())


# --- Kill -9 ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def home(forked: Forked, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tools that were compared, one of which was reviewed anew since; the comparison to come is in `new`."""
    folder = project(tmp_path_factory.mktemp("kill") / "old", 3)
    (folder / "gauge.yaml").write_text(made.DOSSIER.replace("plumb", "gauge").replace("Plumb", "Gauge"))
    assert 0 == ended(forked, folder, "compare", "plumb.yaml", "gauge.yaml")
    (folder / "plumb.yaml").write_text(made.DOSSIER.replace("Plumb checks", "This checks"))
    assert 0 == ended(forked, folder, "review", "plumb.yaml")
    shutil.copytree(folder, folder.parent / "new")
    assert 0 == ended(forked, folder.parent / "new", "compare", "plumb", "gauge")
    return folder.parent


def ended(forked: Forked, folder: Path, *command: str, strike: int = 0) -> int:
    """Return how a command ends that is struck at a point."""
    (folder / "tmp").mkdir(exist_ok=True)
    (folder / "points").unlink(missing_ok=True)
    environment = {POINTS: str(folder / "points"), "TMPDIR": str(folder / "tmp")}
    return forked.start(*command, folder=folder, environment=environment, strike=strike).ended()


def kept(folder: Path) -> dict[str, bytes]:
    """Return the files of a comparison."""
    return {name: (folder / PLACE / name).read_bytes() for name in FILES}


@pytest.mark.parametrize(
    "at", ["half comparison.md", "half index.html", "half comparison.json", "replace comparison.json"]
)
def test_a_kill_leaves_the_old_record_or_the_new_one(forked: Forked, home: Path, tmp_path: Path, at: str) -> None:
    """Killed within a write or before a file is put in its place, it leaves old or new, and a run completes them."""
    points = [re.sub(r"\.\S+\.part\S*", "", each) for each in (home / "new/points").read_text().splitlines()]
    order = [each.split()[-1] for each in points if each.startswith("replace") and each.split()[-1] in FILES]
    folder = Path(shutil.copytree(home / "old", tmp_path / "project"))
    old, new = kept(home / "old"), kept(home / "new")
    what, name = at.split()
    replaced = next(n for n, each in enumerate(points, 1) if each.split()[0] == "replace" and each.split()[-1] == name)
    strike = replaced if what == "replace" else max(n for n in range(1, replaced) if points[n - 1].startswith("half"))

    assert ["comparison.md", "index.html", "comparison.json"] == order
    assert {*FILES} == {name for name in FILES if old[name] != new[name]}
    assert -signal.SIGKILL == ended(forked, folder, "compare", "gauge", "plumb", strike=strike)
    left = kept(folder)
    assert [True] * 3 == [left[name] in (old[name], new[name]) for name in FILES]
    assert old["comparison.json"] == left["comparison.json"]
    assert 0 == ended(forked, folder, "compare", "gauge", "plumb")
    assert new == kept(folder)
