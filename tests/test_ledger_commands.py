"""`panel ledger`: counting, checking, pruning, and carrying recordings from one kind of ledger into another."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import made
import pytest
from test_cli import run
from typer.testing import Result

from panel.errors import RecordError
from panel.files import compact, readable
from panel.llm.address import ledger_at
from panel.llm.ledger import Ledger
from panel.llm.model import said
from panel.llm.recording import Held
from panel.request import Label, Reply, Request

if TYPE_CHECKING:
    from postgres import Server

OLD = Reply(text="Größe\n", answered_by="sample:x\x1b[31m", recorded_at="2026-01-02T03:04:05Z")
CARRIED = OLD.model_copy(update={"carried_from": "sha256:0", "recorded_at": "2026-02-03T00:00:00Z", "text": "\0"})


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working folder is an empty project."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.fsync", lambda _: None)  # no test here outlives a loss of power


@pytest.fixture
def asked(tmp_path: Path) -> list[Request]:
    """Give six requests in the order of their identities, for two personas."""
    (tmp_path / "of").mkdir()
    first = made.question(tmp_path / "of").request(1)
    labels = [Label(tool="plumb", persona=name) for name in ("mason", "tiler")] * 3
    requests = [first.model_copy(update={"sample": number, "label": labels[number]}) for number in range(1, 6)]
    requests.append(first.model_copy(update={"note": "shorter"}))
    return sorted(requests, key=lambda one: one.identity)


@pytest.fixture
def own(asked: list[Request]) -> Ledger:
    """Give the project's own ledger, in which they are."""
    ledger = Ledger(Path("runs/ledger").absolute())
    for request in asked:
        ledger.keep(request, OLD if request.sample < 5 else CARRIED)
    return ledger


def code(done: Result) -> int:
    """Return how a command ended, and show what it said where that is not expected."""
    print(done.output)
    return done.exit_code


def files(folder: Path) -> dict[str, bytes]:
    """Return what is in the files of a ledger, by name."""
    return {path.name: path.read_bytes() for path in folder.glob("??/*")}


# Export and import


@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz"])
def test_recordings_go_through_every_kind_of_ledger_unchanged(
    ending: str, own: Ledger, postgres: Server, worker_id: str, tmp_path: Path
) -> None:
    """From files into SQLite, Postgres and files again: each exports the same bytes, and the files are the same."""
    server = postgres.database(f"transfer_{worker_id}_{tmp_path.name}")
    stops = [[], ["--database-url", f"sqlite:///{tmp_path}/a.db"], ["--database-url", server], ["--ledger", "again"]]
    exports = []
    for number, where in enumerate(stops):
        if number:
            assert 0 == code(run("ledger", "import", str(exports[-1]), *where))
        exports.append(tmp_path / f"{number}{ending}")
        assert 0 == code(run("ledger", "export", str(exports[-1]), *where))

    assert 1 == len({path.read_bytes() for path in exports})
    old, new = (
        {path.name: path.read_bytes() for path in folder.glob("??/*")} for folder in (own.folder, Path("again"))
    )
    assert old == new
    assert 6 == len(old)


def test_an_export_is_lines_of_what_stands_there(own: Ledger, asked: list[Request], tmp_path: Path) -> None:
    """Each line is one file of the ledger, in the order of the identities."""
    assert 0 == code(run("ledger", "export", "out.jsonl"))

    lines = [json.loads(line) for line in Path("out.jsonl").read_bytes().splitlines()]
    assert [own.path(each.identity).read_bytes() for each in asked] == [readable(line) for line in lines]


def test_an_export_leaves_out_what_is_not_sound_and_says_so(own: Ledger, asked: list[Request]) -> None:
    """A spoilt recording is named, exit code 2, and all others are in the file."""
    path = own.path(asked[2].identity)
    path.write_bytes(path.read_bytes()[:-5])
    done = run("ledger", "export", "out.jsonl")

    assert 2 == code(done)
    assert str(path) in done.stderr
    assert 5 == len(Path("out.jsonl").read_bytes().splitlines())


def test_an_export_that_fails_leaves_the_old_one(own: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger that can't be read to its end makes no half of a file: what was exported before stands."""
    run("ledger", "export", "out.jsonl")
    before = Path("out.jsonl").read_bytes()
    every = Ledger.all

    def some(ledger: Ledger) -> Iterator[Held]:
        yield next(every(ledger))
        raise RecordError("gone")

    monkeypatch.setattr(Ledger, "all", some)
    done = run("ledger", "export", "out.jsonl")

    assert (2, "panel: gone\n") == (code(done), done.stderr)
    assert before == Path("out.jsonl").read_bytes()
    assert [] == list(Path().glob(".*.part"))


def test_import_goes_on_after_faulty_lines_and_names_them(own: Ledger, asked: list[Request]) -> None:
    """Lines that are torn, changed, others' or tricks are told by their number, exit code 2; the sound ones are in."""
    run("ledger", "export", "out.jsonl")
    lines = Path("out.jsonl").read_bytes().splitlines()
    data = json.loads(lines[3])
    elsewhere = compact(data | {"identity": "sha256:../../../../elsewhere"})
    changed = compact(data | {"reply": data["reply"] | {"text": ["mine"]}})
    Path("in.jsonl").write_bytes(b"\n".join([lines[0], lines[1][:-9], elsewhere, changed, b"", b"{}\xff", lines[5]]))
    done = run("ledger", "import", "in.jsonl", "--ledger", "new/ledger")

    assert 2 == code(done)
    assert "new/ledger: 2 recordings new, 0 there already" in done.stdout
    told = [line.split(" (")[0] for line in done.stderr.removeprefix("panel: ").splitlines()]
    assert [
        "in.jsonl:2: is not JSON",
        "in.jsonl:3: the request in it does not match its name; left out",
        "in.jsonl:4: was changed after it was written; left out",
        "in.jsonl:5: is not JSON",
    ] == told
    assert {asked[0].identity, asked[5].identity} == {f"sha256:{path.stem}" for path in Path().glob("new/ledger/??/*")}
    assert ["ledger"] == [path.name for path in Path("new").iterdir()]


def test_import_never_overwrites(own: Ledger, asked: list[Request]) -> None:
    """A recording that is there stays to the byte, sound or not, whatever an export brings."""
    run("ledger", "export", "out.jsonl")
    other = Ledger(Path("other").absolute())
    other.keep(asked[0], said("another", "fake:other"))
    torn = other.path(asked[1].identity)
    torn.parent.mkdir(exist_ok=True)
    torn.write_text("torn")
    before = [other.path(each.identity).read_bytes() for each in asked[:2]]
    done = run("ledger", "import", "out.jsonl", "--ledger", "other")

    assert 0 == code(done)
    assert "other: 4 recordings new, 2 there already" in done.stdout
    assert before == [other.path(each.identity).read_bytes() for each in asked[:2]]


HOSTILE = {
    "a line without an end": (b"x" * 60_000, "in.jsonl:1: is longer than 50,000 bytes; the rest was not read"),
    "a bomb": (gzip.compress(bytes(9_000_000)), "in.jsonl:1: is longer than 50,000 bytes; the rest was not read"),
    "many bad lines": (b"x\n" * 60, "in.jsonl: has 50 faulty lines, and is no export; the rest was not read"),
    "half a pack": (gzip.compress(b"x\n" * 9)[:-9], "in.jsonl: can't be read any further: Compressed file ended"),
    "a bad pack": (gzip.compress(b"\n")[:9] + b"\xff" * 99, "in.jsonl: can't be read any further: Error -3 while"),
    "no file": (None, "in.jsonl: is no file; name one that panel ledger export wrote"),
}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_file_ends_early(hostile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would fill the memory or go on for ever is read up to a bound, and told; exit code 2."""
    monkeypatch.setattr("panel.llm.transfer.LARGEST_RECORD", 50_000)
    monkeypatch.setattr("panel.llm.transfer.MOST_FAULTY", 50)
    content, problem = HOSTILE[hostile]
    if content is not None:
        Path("in.jsonl").write_bytes(content)
    done = run("ledger", "import", "in.jsonl")

    assert 2 == code(done)
    assert problem in done.stderr
    assert not list(Path().glob("runs/ledger/*"))


# Stats and verify


def test_stats_count_what_is_there(own: Ledger, asked: list[Request]) -> None:
    """Recordings, bytes, models, personas and kinds are counted, the unsound apart; no name steers a terminal."""
    size = sum(path.stat().st_size for path in own.folder.glob("??/*"))
    own.path(asked[0].identity).write_text("torn")
    gone = asked[0]
    done, data = run("ledger", "stats"), json.loads(run("ledger", "stats", "--json").stdout)

    kinds = {"repairs": 0, "noted": int(gone.note is None), "carried": int(gone.sample != 5), "shipped": 5}
    assert {"recordings": 5, "unsound": 1, "models": {"fake:panel": 5}} | kinds == {
        key: data[key] for key in ("recordings", "unsound", "models", *kinds)
    }
    assert 5 == sum(data["personas"].values())
    assert data["bytes"] < size
    assert ("2026-01-02T03:04:05Z", "2026-02-03T00:00:00Z") == (data["oldest"], data["newest"])
    assert "recordings   5 in" in done.stdout
    assert "\x1b" not in done.output


def test_names_without_end_are_counted_together(own: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger that somebody filled with ever new names does not fill the memory with them."""
    monkeypatch.setattr("panel.llm.census.MOST_NAMES", 1)
    counted = json.loads(run("ledger", "stats", "--json").stdout)["personas"]

    assert (2, 6) == (len(counted), sum(counted.values()))
    assert "others" in counted


@pytest.mark.parametrize("kind", ["files", "sqlite"])
def test_verify_names_what_is_not_sound(kind: str, own: Ledger, asked: list[Request], tmp_path: Path) -> None:
    """All sound: exit 0. One that was changed is named with its place: exit 3, a difference from what was written."""
    where = ["--database-url", f"sqlite:///{tmp_path}/x.db"] if kind == "sqlite" else []
    run("ledger", "export", "out.jsonl")
    run("ledger", "import", "out.jsonl", *where)
    sound = run("ledger", "verify", *where)
    own.path(asked[1].identity).write_text("torn")
    if where:
        with ledger_at(where[1], "x", is_made=False) as ledger:
            spoil = "UPDATE panel_recordings SET recording = '1'"
            ledger.database.call(lambda connection: connection.exec_driver_sql(spoil))
    spoilt = run("ledger", "verify", *where)

    assert (0, "6 recordings: all sound.\n") == (code(sound), sound.stdout)
    assert 3 == code(spoilt)
    assert asked[1].identity.removeprefix("sha256:") in spoilt.stdout
    assert spoilt.stdout.endswith(f"6 recordings: {6 if where else 1} not sound.\n")


def test_progress_is_for_terminals(own: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """How far it is goes to a terminal's stderr and is wiped in the end; a pipe is told nothing of it."""
    monkeypatch.setattr("panel.cli.ledger.REDRAWN_S", -1)
    piped = run("ledger", "verify")
    monkeypatch.setattr("panel.cli.ledger.sys", SimpleNamespace(stderr=SimpleNamespace(isatty=lambda: True)))
    seen = run("ledger", "verify")

    assert "" == piped.stderr
    assert piped.stdout == seen.stdout
    assert seen.stderr.startswith("\r1 recordings\r2 recordings")
    assert seen.stderr.endswith("\r")


# Prune

PLACES = {
    "a record": "runs/plumb/review.json",
    "a take of the history": "runs/plumb/takes/mason-2.json",
    "a choice": "runs/plumb/choices.json",
    "a comparison": "runs/compare/a-vs-b/comparison.json",
    "a manifest of something later": "runs/batches/7.jsonl",
    "a golden record": "golden/plumb/review.json",
}


def pruned(*arguments: str) -> Result:
    """Return what pruning gives, in a project with golden records."""
    Path("panel.toml").write_text('golden = "golden"\n')
    return run("ledger", "prune", *arguments)


def name_all(path: str, requests: list[Request]) -> None:
    """Write a file that names requests, the names a long way into it."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(" " * 999_970 + " ".join(each.identity for each in requests))


def kept(own: Ledger, asked: list[Request]) -> list[int]:
    """Return which requests still have their recordings."""
    return [number for number, each in enumerate(asked) if own.path(each.identity).exists()]


@pytest.mark.parametrize("place", PLACES)
def test_what_anything_refers_to_is_never_pruned(place: str, own: Ledger, asked: list[Request]) -> None:
    """Whatever file of the project names a recording keeps it; what none names goes, and only when that was said."""
    name_all(PLACES[place], asked[:4])
    dry, still = pruned(), kept(own, asked)
    done = pruned("--yes")

    assert (0, 0, [0, 1, 2, 3, 4, 5]) == (code(dry), code(done), still)
    assert [0, 1, 2, 3] == kept(own, asked)
    assert dry.stdout.splitlines()[:2] == done.stdout.splitlines()[:2]
    assert [asked[4].identity, asked[5].identity] == [line.split()[0] for line in done.stdout.splitlines()[:2]]
    assert "they stay; --yes deletes them." in dry.stdout


def test_the_young_and_the_unsound_are_spared(own: Ledger, asked: list[Request]) -> None:
    """A reply of a run that goes on has no record yet, and what is not sound may be somebody's: neither is deleted."""
    name_all("runs/plumb/review.json", asked[:1])
    ten_days_ago = (datetime.now(UTC) - timedelta(days=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for number, at in enumerate((ten_days_ago, "1 January"), 1):
        own.remove(asked[number].identity)
        own.keep(asked[number], OLD.model_copy(update={"recorded_at": at}))
    own.path(asked[3].identity).write_text("torn")

    assert 0 == code(pruned("--yes"))
    assert [0, 1, 2, 3] == kept(own, asked)
    assert 0 == code(pruned("--yes", "--older-than", "9"))
    assert [0, 2, 3] == kept(own, asked)


def test_nothing_is_pruned_where_no_record_is(own: Ledger, asked: list[Request]) -> None:
    """A project without records can't tell what is in use: nothing is deleted, exit code 2."""
    done = pruned("--yes")

    assert 2 == code(done)
    assert "run this where the records are" in done.stderr
    assert [0, 1, 2, 3, 4, 5] == kept(own, asked)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_database_is_pruned_by_all_records_there_are(
    kind: str, asked: list[Request], own: Ledger, request: pytest.FixtureRequest
) -> None:
    """What neither a file here names nor a queue in the same database goes; the project's files are left alone."""
    address = "sqlite:///runs/x.db" if kind == "sqlite" else request.getfixturevalue("database")
    where = ["--database-url", address]
    run("ledger", "export", "out.jsonl.gz")
    run("ledger", "import", "out.jsonl.gz", *where)
    name_all("runs/plumb/review.json", asked[1:2])
    with ledger_at(address, "x", is_made=False) as ledger:
        places = ["panel_jobs", "panel_queue.jobs" if kind == "postgres" else "of_another_name"]
        more = ["CREATE SCHEMA panel_queue"] if kind == "postgres" else []
        for place, named in zip(places, asked[3:5], strict=True):
            more += [f"CREATE TABLE {place} (number INTEGER, output TEXT)"]
            more += [f"INSERT INTO {place} VALUES (1, NULL), (2, 'a {named.identity}!')"]
        for statement in more:
            ledger.database.call(lambda connection, statement=statement: connection.exec_driver_sql(statement))
    done = pruned("--yes", *where)

    assert 0 == code(done)
    assert 3 == len([line for line in done.stdout.splitlines() if line.startswith("sha256:")])
    with ledger_at(address, "x", is_made=False) as ledger:
        left = [each.recording.identity for each in ledger.all() if each.recording]
    assert [asked[1].identity, asked[3].identity, asked[4].identity] == left
    assert [0, 1, 2, 3, 4, 5] == kept(own, asked)


# What is typed


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["stats", "--ledger", "x", "--database-url", "sqlite:///x"], "name two ledgers; leave one out"),
        (["stats", "--ledger", "nowhere"], "--ledger: there is no folder nowhere"),
        (["stats", "--database-url", "sqlite:///nowhere.db"], "nowhere.db; panel ledger import makes one"),
        (["export", "tool.yaml"], "tool.yaml: name a file that ends in .jsonl or .jsonl.gz"),
        (["export", "of/plumb.yaml/out.jsonl"], "out.jsonl: not written: "),
        (["prune", "--database-url", "mysql://ann:hidden@host/x"], "mysql is no database that Panel knows"),
    ],
)
def test_what_can_t_be_done_is_named(arguments: list[str], problem: str) -> None:
    """Each ends in exit 2 with what is wrong, and nothing is made."""
    Path("of").mkdir()
    Path("of/plumb.yaml").touch()
    done = run("ledger", *arguments)

    assert 2 == code(done)
    assert problem in done.stderr
    assert ["of", "of/plumb.yaml"] == [str(path) for path in Path().rglob("*")]
    assert "hidden" not in done.output


def test_an_address_in_the_environment_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: Ledger) -> None:
    """An address with a password need not be typed, where everybody on the machine could read it."""
    run("ledger", "export", "out.jsonl")
    monkeypatch.setenv("PANEL_DATABASE_URL", f"sqlite:///{tmp_path}/x.db")
    run("ledger", "import", "out.jsonl")

    assert str(tmp_path / "x.db") == json.loads(run("ledger", "stats", "--json").stdout)["ledger"]
