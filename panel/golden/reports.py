"""Reports of a verification: JUnit for test runners, annotations for GitHub, Markdown for a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from panel.change import seat_changes, split
from panel.errors import on_one_line, printable
from panel.golden.outcome import Difference, Outcome
from panel.golden.verify import Verification
from panel.markdown import plain
from panel.review import Review

MOST_ANNOTATIONS = 10
"""GitHub shows no more of one step."""


def junit(verification: Verification) -> bytes:
    """Return the verification as JUnit XML: a test case a tool, and one for each thing that belongs to no tool."""
    suite = ET.Element("testsuite", name="panel verify")
    for outcome in verification.outcomes:
        case = ET.SubElement(suite, "testcase", classname="panel", name=outcome.shelved.tool.slug)
        for difference in outcome.differences:
            _failure(case, difference)
    for pair in verification.pairs:
        case = ET.SubElement(suite, "testcase", classname="panel", name=pair.slug)
        for difference in pair.differences:
            _failure(case, difference)
    for difference in verification.others:
        name = on_one_line(f"{difference.tool} {difference.file.name if difference.file else ''}".strip())
        _failure(ET.SubElement(suite, "testcase", classname=f"panel.{difference.kind}", name=name), difference)
    failing = [case for case in suite if len(case)]
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(len(failing)))
    suite.set("errors", "0")
    ET.indent(suite)
    whole: bytes = ET.tostring(suite, encoding="utf-8", xml_declaration=True)
    return whole + b"\n"


def _failure(case: ET.Element, difference: Difference) -> None:
    failure = ET.SubElement(case, "failure", type=difference.kind, message=on_one_line(difference.meaning))
    failure.text = printable("\n".join([difference.meaning, *difference.details]))


def commands(verification: Verification, root: Path) -> list[str]:
    """Return the differences as commands that GitHub shows beside the files; paths are taken from `root`."""
    return [_annotation(difference, root) for difference in verification.differences[:MOST_ANNOTATIONS]]


def _annotation(difference: Difference, root: Path) -> str:
    file = difference.file
    near = file.relative_to(root) if file and file.is_relative_to(root) else None
    place = f"file={_property(str(near))}," if near else ""
    text = printable("\n".join([difference.meaning, *difference.details])).replace("%", "%25").replace("\n", "%0A")
    return f"::error {place}title={_property(f'panel: {difference.kind}')}::{text}"


def _property(text: str) -> str:
    escaped = on_one_line(text).replace("%", "%25")
    return escaped.replace(":", "%3A").replace(",", "%2C")


def broken_junit(problem: str) -> bytes:
    """Return JUnit XML for a project that can't be verified at all: one case with the error."""
    suite = ET.Element("testsuite", name="panel verify", tests="1", failures="0", errors="1")
    case = ET.SubElement(suite, "testcase", classname="panel", name="project")
    error = ET.SubElement(case, "error", type="input", message=on_one_line(problem))
    error.text = printable(problem)
    ET.indent(suite)
    whole: bytes = ET.tostring(suite, encoding="utf-8", xml_declaration=True)
    return whole + b"\n"


def broken_commands(problem: str, root: Path) -> list[str]:
    """Return the faults of a project that can't be verified, a line each, as GitHub shows them beside the files."""
    return [_fault_command(line, root) for line in problem.splitlines()[:MOST_ANNOTATIONS]]


def _fault_command(line: str, root: Path) -> str:
    place, found = "", re.match(r"(.+?\.(?:ya?ml|toml|md|j2|txt|json))(?::(\d+))?: ", line)
    if found and (path := Path(found[1])).is_relative_to(root):
        place = f"file={_property(str(path.relative_to(root)))}," + (f"line={found[2]}," if found[2] else "")
    return f"::error {place}title=panel%3A project::{printable(line).replace('%', '%25')}"


def summary(verification: Verification) -> str:
    """Return the verification as Markdown: what changed in words, then the ship rate of each persona."""
    count = verification.counted
    if not verification.differences:
        return f"### Panel: as recorded\n\n{count}.\n"
    parts = [f"### Panel: {_counted(verification)}", f"{count}.", _bullets(verification.differences)]
    pairs = [pair for outcome in verification.outcomes if (pair := _pair(outcome))]
    return "\n\n".join([*parts, *filter(None, [_takes(pairs), _rates(pairs)])]) + "\n"


def _counted(verification: Verification) -> str:
    """Return how many takes changed, votes flipped and labels changed."""
    pairs = [pair for outcome in verification.outcomes if (pair := _pair(outcome))]
    changes = [change for pair in pairs for change in seat_changes(*pair)]
    labels = sum(before.verdict.label != after.verdict.label for before, after in pairs)
    flipped = sum(change.is_flipped for change in changes)
    kinds = [difference.kind for difference in verification.differences if difference.kind != "changed"]
    others = [f"{kinds.count(kind)} x {kind}" for kind in dict.fromkeys(kinds)]
    return ", ".join([f"{len(changes)} takes changed", f"{flipped} votes flipped", f"{labels} labels changed", *others])


def _pair(outcome: Outcome) -> tuple[Review, Review] | None:
    return (outcome.before, outcome.after) if outcome.before and outcome.after else None


def _bullets(differences: Sequence[Difference]) -> str:
    return "\n".join(f"- {plain(difference.meaning)}" for difference in differences)


def _takes(pairs: Iterable[tuple[Review, Review]]) -> str:
    rows = [row for pair in pairs for row in _rows(*pair)]
    head = "| tool | verdict | critic | before | after |\n|---|---|---|---|---|\n"
    return head + "\n".join(rows) if rows else ""


def _rows(before: Review, after: Review) -> Iterator[str]:
    was, now = split(before.verdict), split(after.verdict)
    verdict = now if was == now else f"{was} to **{now}**"
    for change in seat_changes(before, after):
        old, new = (
            f"{seat.take.score} {seat.take.vote}" if seat and seat.take else "no take"
            for seat in (change.before, change.after)
        )
        flipped = f"**{new}**" if change.is_flipped else new
        yield f"| {plain(after.tool.name)} | {verdict} | {plain(change.seat.name)} | {old} | {flipped} |"


def _rates(pairs: Sequence[tuple[Review, Review]]) -> str:
    """Return how often each persona ships, before and after, over the tools of which both are there."""
    names = {seat.persona: seat.name for pair in pairs for review in pair for seat in review.seats}
    rows = []
    for id, name in names.items():
        old, new = (_rate(id, reviews) for reviews in zip(*pairs, strict=True))
        rows.append(f"| {plain(name)} | {old} | {new if old == new else f'**{new}**'} |")
    head = "| critic | ships, before | ships, after |\n|---|---|---|\n"
    return head + "\n".join(rows) if rows else ""


def _rate(id: str, reviews: Iterable[Review]) -> str:
    votes = [seat.take.vote for review in reviews for seat in review.seats if seat.persona == id and seat.take]
    return f"{votes.count('ship')} of {len(votes)}"
