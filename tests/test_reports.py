"""Reports: JUnit for test runners, commands for GitHub, Markdown for people; nothing in them acts but what is meant."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import made
import pytest
from goldens import FOUR, Data, copied, golden, recording, resealed, rewritten, small, verified, voting
from hypothesis import given
from hypothesis import strategies as st
from test_cli import run

from panel.errors import printable
from panel.golden.outcome import Difference, Outcome
from panel.golden.reports import MOST_ANNOTATIONS, commands, junit, summary
from panel.golden.verify import Verification
from panel.shelf import Shelved

MARKUP = "]]> <!-- \"'& |`*[x](http://x.y)#"
HOSTILE = f"{MARKUP} \x00\x1b[31m\x85\u2028\ud800\ufffe \r\n::set-output name=a::b\n##[error]x %0A%25,:"
"""Text that means something to a reader of XML, of Markdown, of commands, or to a terminal."""

TEXTS = st.text(max_size=30) | st.sampled_from([HOSTILE, "", "\n", "::error::x", "%", "]]>", "\ud800", "a" * 300])
SKIPS = voting("skip", shape=1, start=1, proof=1, place=1, leave=1)


def found(texts: Sequence[str]) -> Verification:
    """Return a verification in which these texts are everything that may be anything."""
    meaning, detail, name, persona = texts
    one = Difference("changed", "plumb", persona, meaning, [detail, meaning], Path("/here") / "review.json")
    path = Path("/here") / (re.sub(r"[\x00/]", "", name) or "x")
    other = Difference("unused recording", name, persona, meaning, [detail], path)
    tool = Shelved(Path("plumb.yaml"), made.plumb())
    return Verification([Outcome(tool, None, None, [one], [])], [other, other])


@given(st.lists(TEXTS, min_size=4, max_size=4))
def test_junit_is_well_formed_whatever_is_in_it(texts: list[str]) -> None:
    """Any text in names, meanings and details leaves XML that parses, with its counts, and no control character."""
    suite = ET.fromstring(junit(found(texts)))

    assert ("testsuite", "3", "3", "0") == (suite.tag, suite.get("tests"), suite.get("failures"), suite.get("errors"))
    assert 3 == len(suite.findall("testcase/failure"))
    texts = [text for failure in suite.iter() for text in (failure.text or "", *failure.attrib.values())]
    assert [] == [text for text in texts if text != printable(text)]


@given(st.lists(TEXTS, min_size=4, max_size=4))
def test_a_command_is_one_line_and_says_what_was_meant(texts: list[str]) -> None:
    """Any text leaves one line for each annotation; unescaped it is the meaning and the details."""
    lines = commands(found(texts), Path("/here"))

    assert 3 == len(lines)
    for line in lines:
        assert line.isprintable()
        command = re.fullmatch(r"::error file=([^,:]*),title=([^,:]*)::(.*)", line)
        assert command
        assert "%" not in re.sub(r"%(25|0A|3A|2C)", "", line)
        said = command[3].replace("%0A", "\n").replace("%25", "%")
        assert said.startswith(printable(texts[0]))


@given(st.lists(TEXTS, min_size=4, max_size=4))
def test_the_summary_shows_text_and_does_nothing_else(texts: list[str]) -> None:
    """Any text stays on the line of its bullet, without a tag, a link, code or a heading of its own."""
    page = summary(found(texts))
    head, count, *bullets = page.strip("\n").split("\n\n")

    assert "### Panel: 0 takes changed, 0 votes flipped, 0 labels changed, 2 x unused recording" == head
    assert "1 tool, 0 takes replayed, 0 carried." == count
    assert 3 == sum(line.startswith("- ") for line in "\n".join(bullets).split("\n"))
    assert not re.search(r"(?<!\\)[`<>\[\]|*]|https?://", "\n".join(bullets))


def test_the_reports_of_what_is_as_recorded(tmp_path: Path) -> None:
    """Without a difference JUnit has a passing case a tool, and the summary says as recorded in one line."""
    home, xml, page = copied(tmp_path, tools=FOUR), tmp_path / "out" / "report.xml", tmp_path / "out" / "page.md"
    done = verified(home, "--junit", str(xml), "--summary", str(page))
    suite = ET.parse(xml).getroot()

    assert 0 == done.code
    assert ("5", "0", "0") == (suite.get("tests"), suite.get("failures"), suite.get("errors"))
    records = [*(home / "golden").glob("*/review.json"), *(home / "golden" / "compare").glob("*/comparison.json")]
    assert sorted(path.parent.name for path in records) == sorted(case.attrib["name"] for case in suite)
    assert "### Panel: as recorded\n\n4 tools, 15 takes replayed, 0 carried; 1 comparison.\n" == page.read_text()


def test_the_reports_of_a_flipped_vote(tmp_path: Path) -> None:
    """JUnit fails that tool with the meaning; the summary counts it, and has the take and both ship rates."""
    home, xml, page = copied(tmp_path, tools=FOUR), tmp_path / "report.xml", tmp_path / "page.md"
    resealed(recording(home, "obsidian", "futurist"), voting("skip", bet=2))
    verified(home, "--junit", str(xml), "--summary", str(page))
    suite, told = ET.parse(xml).getroot(), page.read_text()
    votes = [vote_of(path, "futurist") for path in sorted((home / "golden").glob("*/review.json"))]

    meaning = "Obsidian: Ship to Mixed because Futurist flipped 61 to 55: criterion bet 3 to 2"
    ((case, failure),) = [(case, case[0]) for case in suite if len(case)]
    assert ("obsidian", "changed", meaning) == (case.get("name"), failure.get("type"), failure.get("message"))
    assert ("5", "1") == (suite.get("tests"), suite.get("failures"))
    assert '"score": 55,' in (failure.text or "")
    assert told.startswith("### Panel: 1 takes changed, 1 votes flipped, 1 labels changed\n")
    assert f"- {meaning}\n" in told
    assert "| Obsidian | Ship 4-1 to **Mixed 3-2** | Futurist | 61 ship | **55 skip** |" in told
    ships, heard = votes.count("ship"), len(votes) - votes.count(None)
    assert f"| Futurist | {ships} of {heard} | **{ships - 1} of {heard}** |" in told
    assert 5 == len(re.findall(r"^\| \w+ \| \d+ of \d+ \| ", told, re.MULTILINE))
    assert 1 == len(re.findall(r"of \d+ \| \*\*", told))


def vote_of(path: Path, persona: str) -> str | None:
    """Return the vote of a persona in a record, or None."""
    seats = json.loads(path.read_bytes())["seats"]
    return next((seat["take"]["vote"] for seat in seats if seat["persona"] == persona and seat["take"]), None)


def test_what_belongs_to_no_tool_has_a_case_of_its_own(tmp_path: Path) -> None:
    """Unused recordings and records without a dossier are cases beside those of the tools, each with its own name."""
    home, xml = small(tmp_path, "Level", "Trowel"), tmp_path / "report.xml"
    for slug in ("level", "trowel"):
        (home / f"{slug}.yaml").unlink()
    done = verified(home, "--junit", str(xml))
    suite = ET.parse(xml).getroot()

    names = [(case.attrib["classname"], case.attrib["name"]) for case in suite]
    assert ("9", "8", 9) == (suite.get("tests"), suite.get("failures"), len(set(names)))
    assert {"panel", "panel.unused recording", "panel.no dossier"} == {classname for classname, _ in names}
    assert ("panel.no dossier", "level review.json") in names
    assert done.counts.endswith("6 unused recording, 2 no dossier.")


def test_a_missing_recording_is_counted(tmp_path: Path) -> None:
    """The summary counts what could not be replayed by its kind, and shows no rate for what it does not know."""
    home, page = small(tmp_path), tmp_path / "page.md"
    recording(home, "plumb", "mason1").unlink()
    verified(home, "--summary", str(page))

    told = page.read_text()
    assert told.startswith("### Panel: 0 takes changed, 0 votes flipped, 0 labels changed, 1 x missing recording\n")
    assert "| ships" not in told


@pytest.mark.parametrize("value", [None, "", "false", "1"])
def test_outside_of_github_there_are_no_commands(
    value: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless GITHUB_ACTIONS is true, nothing that is printed looks like a command, and no summary is added."""
    home = small(tmp_path)
    recording(home, "plumb", "mason1").unlink()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    if value is not None:
        monkeypatch.setenv("GITHUB_ACTIONS", value)

    assert not re.search(r"^\s*::", verified(home).text, re.MULTILINE)
    assert not (tmp_path / "summary.md").exists()


def abstaining(reason: str) -> Data:
    """Return an answer that abstains."""
    return made.answer(abstain={"reason": reason}, vote=None)


def test_in_github_words_of_others_are_no_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a take says stands between stop-commands and its token; after it come the annotations, beside the files."""
    home = small(tmp_path)
    hostile = f"so\n::set-output name=a::b\n{HOSTILE.encode(errors='replace').decode()}"
    resealed(recording(home, "plumb", "mason1"), lambda answer: answer.update(abstaining(hostile)))
    (tmp_path / "summary.md").write_text("before\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    first, second = run("verify", "."), run("verify", ".")

    start, *inside = first.stdout.splitlines()
    token = re.fullmatch(r"::stop-commands::([0-9a-f]{32})", start)
    assert token
    end = inside.index(f"::{token[1]}::")
    assert 3 == first.exit_code
    assert "::set-output name=a::b" in inside[0]
    (annotation,) = inside[end + 1 :]
    assert annotation.startswith("::error file=golden/plumb/review.json,title=panel%3A changed::Plumb: ")
    assert token[1] not in second.stdout
    told = (tmp_path / "summary.md").read_text()
    assert told.startswith("before\n### Panel: 1 takes changed, 0 votes flipped, 1 labels changed\n")
    assert 2 == told.count("### Panel: ")


def test_in_github_an_audit_prints_no_commands_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a record says is between stop-commands and its token, on the line of its finding."""
    home = small(tmp_path)
    hostile = "\n::set-output name=a::b"
    rewritten(golden(home, "plumb"), lambda data: data["seats"][0]["take"]["evidence"][0].update(quote=hostile))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    done = run("verify", str(golden(home, "plumb")))

    lines = [line for line in done.stdout.splitlines() if line.strip().startswith("::")]
    assert 3 == done.exit_code
    assert 2 == len(lines)
    assert f"::{lines[0].rpartition(':')[2]}::" == lines[1]
    assert "::set-output" in done.stdout


def test_github_is_not_given_more_than_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many differences the first ten are annotations; all are in the text."""
    home = small(tmp_path, "Level", "Trowel", "Hammer")
    for path in (home / "recordings").glob("??/*.json"):
        path.unlink()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    done = run("verify", str(home))

    assert MOST_ANNOTATIONS == done.stdout.count("\n::error title=panel%3A missing recording::") == 10
    assert 12 == len(re.findall(r"^\w+: mason\d: no recording", done.stdout, re.MULTILINE))


def test_names_with_markup_are_shown_as_they_are(tmp_path: Path) -> None:
    """A tool and a persona with Markdown in their names change nothing about the tables of the summary."""
    home, page = small(tmp_path), tmp_path / "page.md"
    text = made.DOSSIER.replace("name: Plumb", "name: '<b>|`[x](http://x.y)'").replace("Plumb checks", "It checks")
    (home / "plumb.yaml").write_text(text)
    for path in (home / "personas").glob("*.md"):
        path.write_text(re.sub(r"name: (Mason \d)", r"name: '*|\1'", path.read_text()))
    run("record", str(home), "--yes")
    verified(home, "--accept")
    resealed(recording(home, "plumb", "mason1"), SKIPS)
    done = verified(home, "--summary", str(page))

    rows = [line for line in page.read_text().splitlines() if line.startswith("| ")]
    assert 3 == done.code
    assert [5, 5, 3, 3, 3, 3] == [len(re.findall(r"(?<!\\)\|", row)) - 1 for row in rows]
    assert not re.search(r"(?<!\\)[`<>\[\]]", page.read_text())


def test_commands_are_read_again_whatever_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in the middle of a report leaves nothing behind that keeps GitHub from reading commands."""
    home = small(tmp_path)
    recording(home, "plumb", "mason1").unlink()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setattr("panel.cli.verify._details", lambda _: 1 / 0)
    done = run("verify", str(home))

    first, *_, last = done.stdout.splitlines()
    assert 1 == done.exit_code
    assert f"::{first.rpartition(':')[2]}::" == last
