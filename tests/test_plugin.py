"""The pytest plugin: reviews replayed from recordings in the tests of people who write their own personas."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import made
import pytest
from goldens import files, golden, recording, resealed, served, small, voting
from vendor import CHAT, Vendor

pytest_plugins = ["pytester"]

TESTS = """
def test_replayed(panel_replay):
    review = panel_replay("plumb.yaml")
    assert ["Ship", 3] == [review.verdict.label, review.verdict.heard]

def test_seated(panel_replay):
    seat = panel_replay.seat("plumb.yaml", "mason1")
    assert ["mason1", "ship"] == [seat.persona, seat.take.vote]

def test_checked(panel_replay):
    assert "plumb" == panel_replay.check("plumb.yaml").tool.slug
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> Path:
    """Give a project with golden records and three tests, in which pytest is run."""
    home = small(pytester.path)
    pytester.makepyfile(test_panel=TESTS)
    return home


def told(pytester: pytest.Pytester, *options: str) -> tuple[dict[str, int], str]:
    """Return what came of the tests, and what pytest prints."""
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist", "-rN", *options)
    counts = {kind: count for kind, count in result.parseoutcomes().items() if kind in ("passed", "failed", "errors")}
    return counts, result.stdout.str()


def test_recordings_are_replayed(pytester: pytest.Pytester, project: Path) -> None:
    """With all recordings there, reviews, seats and golden records can be tested, and nothing is written."""
    before = files(project / "recordings"), files(project / "golden")

    assert {"passed": 3} == told(pytester)[0]
    assert before == (files(project / "recordings"), files(project / "golden"))
    assert not (project / "runs").exists()


def test_a_missing_recording_fails_with_the_changed_lines(pytester: pytest.Pytester, project: Path) -> None:
    """After a change of a persona the test that needs it fails, with the line as it was and as it is, and no trace."""
    file = project / "personas" / "mason1.md"
    file.write_text(file.read_text().replace("You like few words", "You like many words"))
    counts, text = told(pytester)

    assert {"failed": 3} == counts
    assert 3 == text.count("plumb: mason1: no recording of this request\n")
    lines = [line.strip() for line in text.splitlines()]
    for sign, words in (("-", "few"), ("+", "many")):
        assert 3 == sum(line.startswith(f"{sign} ") and f"You like {words} words" in line for line in lines)
    assert "mason0: no recording" not in text
    assert "panel/pytest_plugin.py" not in text


def test_a_seat_needs_its_own_recording_alone(pytester: pytest.Pytester, project: Path) -> None:
    """With the other seats' recordings gone a seat can still be tested, and the review names those that are gone."""
    for persona in ("mason0", "mason2"):
        recording(project, "plumb", persona).unlink()
    counts, text = told(pytester)

    assert {"failed": 2, "passed": 1} == counts
    assert 2 == text.count("plumb: mason0: no recording") == text.count("plumb: mason2: no recording")
    assert "mason1: no recording" not in text


def test_what_differs_from_the_golden_record_is_told_in_words(pytester: pytest.Pytester, project: Path) -> None:
    """A review that is not as recorded can be had, and fails the check with its meaning before its lines."""
    resealed(recording(project, "plumb", "mason0"), voting("skip", shape=0, start=0))
    pytester.makepyfile(test_panel=TESTS.replace('"Ship"', '"Mixed"'))
    counts, text = told(pytester)

    assert {"failed": 1, "passed": 2} == counts
    assert text.index("Plumb: Ship to Mixed because Mason 0 flipped") < text.index('-        "score": ')


def test_without_a_golden_record_only_the_check_fails(pytester: pytest.Pytester, project: Path) -> None:
    """Reviews and seats need recordings alone; what checks against a golden record says that there is none."""
    golden(project, "plumb").unlink()
    counts, text = told(pytester)

    assert {"failed": 1, "passed": 2} == counts
    assert "Plumb: there is no golden record to hold it against" in text


def test_a_seat_needs_no_golden_record(pytester: pytest.Pytester, project: Path) -> None:
    """A seat whose recording is missing fails for that alone, also where there is no golden record yet."""
    emptied(project)
    pytester.makepyfile(test_panel='def test_it(panel_replay):\n    panel_replay.seat("plumb.yaml", "mason2")\n')
    counts, text = told(pytester)

    assert {"failed": 1} == counts
    assert ["plumb: mason2: no recording of this request"] == [line for line in text.splitlines() if "plumb: " in line]
    assert "there is no golden record" not in text


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ('panel_replay("plump.yaml")', "plump.yaml: can't be read: No such file or directory"),
        ('panel_replay.check("bad.yaml")', "bad.yaml:1: category: is missing"),
        ('panel_replay.seat("plumb.yaml", "mason7")', "no persona 'mason7' on the panel; did you mean mason"),
    ],
)
def test_what_is_written_wrong_fails_in_words(
    call: str, message: str, pytester: pytest.Pytester, project: Path
) -> None:
    """A dossier or a persona that is not there, or not sound, fails the test with its message and no trace."""
    (project / "bad.yaml").write_text("name: Bad\n")
    pytester.makepyfile(test_panel=f"def test_it(panel_replay):\n    {call}\n")
    counts, text = told(pytester)

    assert {"failed": 1} == counts
    assert message in text
    assert "Traceback" not in text
    assert "pytest_plugin" not in text


def test_paths_are_taken_from_the_root(pytester: pytest.Pytester, project: Path) -> None:
    """Wherever a test lies, and wherever pytest is started, a dossier's path begins at the root of the session."""
    (project / "test_panel.py").unlink()
    (project / "pytest.ini").write_text("[pytest]\n")
    (project / "deep").mkdir()
    (project / "deep" / "test_panel.py").write_text(TESTS)

    assert {"passed": 3} == told(pytester, "deep")[0]


def test_what_lies_in_runs_does_not_count(pytester: pytest.Pytester, project: Path) -> None:
    """A recording in the ledger of this machine alone makes no test pass."""
    path = recording(project, "plumb", "mason1")
    own = project / "runs" / "ledger" / path.parent.name / path.name
    own.parent.mkdir(parents=True)
    path.rename(own)

    assert {"failed": 3} == told(pytester)[0]


def emptied(project: Path) -> None:
    """Take every recording and every golden record out of a project."""
    for path in [*project.glob("recordings/??/*.json"), golden(project, "plumb")]:
        path.unlink()


def test_recording_makes_what_the_next_run_replays(pytester: pytest.Pytester, project: Path) -> None:
    """--panel-record asks for what is missing and writes the golden record; after it the tests pass without it."""
    emptied(project)
    without, recorded, again = (told(pytester, *options)[0] for options in ((), ("--panel-record",), ()))

    assert [{"failed": 3}, {"passed": 3}, {"passed": 3}] == [without, recorded, again]
    assert 3 == len(list(project.glob("recordings/??/*.json")))
    assert golden(project, "plumb").is_file()


def test_recording_asks_once_and_replaying_never(pytester: pytest.Pytester, project: Path) -> None:
    """Three tests of one dossier ask each seat once; without --panel-record nobody is asked, although one could be."""
    emptied(project)
    with Vendor(lambda _: CHAT.said(made.reply())) as vendor:
        served(project, vendor.url)
        without = told(pytester)[0], len(vendor.calls)
        recorded = told(pytester, "--panel-record")[0], len(vendor.calls)
        again = told(pytester)[0], len(vendor.calls)

    assert [({"failed": 3}, 0), ({"passed": 3}, 3), ({"passed": 3}, 3)] == [without, recorded, again]


def test_a_seat_is_recorded_by_itself(pytester: pytest.Pytester, project: Path) -> None:
    """A test of one seat has that seat asked and no other, and writes no golden record."""
    emptied(project)
    pytester.makepyfile(test_panel='def test_it(panel_replay):\n    panel_replay.seat("plumb.yaml", "mason2")\n')

    assert {"passed": 1} == told(pytester, "--panel-record")[0]
    assert 1 == len(list(project.glob("recordings/??/*.json")))
    assert not golden(project, "plumb").exists()


def test_recording_changes_no_golden_record(pytester: pytest.Pytester, project: Path) -> None:
    """What differs from its golden record still fails with --panel-record, and the record stays as it was."""
    resealed(recording(project, "plumb", "mason0"), voting("skip", shape=0, start=0))
    before = golden(project, "plumb").read_bytes()
    pytester.makepyfile(test_panel='def test_it(panel_replay):\n    panel_replay.check("plumb.yaml")\n')

    assert {"failed": 1} == told(pytester, "--panel-record")[0]
    assert before == golden(project, "plumb").read_bytes()


def test_a_provider_that_fails_fails_the_test(pytester: pytest.Pytester, project: Path) -> None:
    """What can't be recorded is still missing: the test says which seats, and what was answered is kept."""
    emptied(project)
    pytester.makepyfile(test_panel='def test_it(panel_replay):\n    panel_replay("plumb.yaml")\n')
    with Vendor([CHAT.said(made.reply()), *[CHAT.fault(401, "no")] * 2]) as vendor:
        served(project, vendor.url)
        counts, text = told(pytester, "--panel-record")

    assert {"failed": 1} == counts
    assert 2 == text.count(": no recording of this request\n")
    assert 1 == len(list(project.glob("recordings/??/*.json")))


def test_without_a_key_recording_fails_in_words(pytester: pytest.Pytester, project: Path) -> None:
    """--panel-record of a model whose key is not set fails the test and names what is missing."""
    emptied(project)
    (project / "panel.toml").write_text('tools = ["."]\ngolden = "golden"\nledgers = ["recordings"]\n')
    counts, text = told(pytester, "--panel-record")

    assert {"failed": 3} == counts
    assert "plumb: mason1: no recording of this request" in text


def test_the_fixture_is_told_of(pytester: pytest.Pytester) -> None:
    """The installed package brings the fixture and the option, each with a line that says what it does."""
    fixtures = pytester.runpytest_inprocess("--fixtures", "-p", "no:xdist").stdout.str()
    options = pytester.runpytest_inprocess("--help", "-p", "no:xdist").stdout.str()

    assert 'Give reviews from recordings: `panel_replay("tools/plumb.yaml")`.' in fixtures
    assert "Ask for what the recordings lack, and record it." in options


def test_whoever_does_not_use_it_pays_nothing() -> None:
    """Loading the plugin, which every run of pytest does where Panel is installed, imports nothing of Panel's."""
    listed = "[name for name in sys.modules if name.split('.')[0] in ('panel', 'pydantic')]"
    program = f"import sys, panel.pytest_plugin; print({listed})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "['panel', 'panel.pytest_plugin']\n" == done.stdout
