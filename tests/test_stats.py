"""Figures over a catalogue: what `panel stats` tells, of which records, and what it does not tell for lack of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import made
import pytest
from conftest import EXAMPLES
from hypothesis import given
from hypothesis import strategies as st
from made import scored_review, scored_seat, scored_take
from test_cli import run

from panel.errors import InputError
from panel.files import read_json, readable
from panel.review import Review, review
from panel.statistics import catalogue
from panel.statistics.catalogue import figures, histogram, statistics
from panel.statistics.figures import Agreement, CriticFigures, Figure, Statistics
from panel.statistics.observed import Observed, Sat

GOLDEN = EXAMPLES / "golden"
HOSTILE = "\x1b[2J\x9b31m\u202e\x07\nMason [red]x[/red]"

Scores = Mapping[str, int | None]


def catalogue_of(scores: Sequence[Scores]) -> list[Review]:
    """Return reviews of as many tools."""
    return [scored_review(f"tool-{number}", said) for number, said in enumerate(scores)]


def seen(scores: Sequence[Mapping[str, int]]) -> list[Observed]:
    """Return what statistics keep of reviews by what each critic scored; a critic ships from 60 on."""
    return [
        Observed(
            f"tool-{number:03}", "Mixed", tuple(Sat(id, score, score >= 60) for id, score in sorted(said.items())), None
        )
        for number, said in enumerate(scores)
    ]


def over(scores: Sequence[Mapping[str, int]]) -> Statistics:
    """Return figures over as many tools."""
    return figures(seen(scores), {}, None)


def critic(found: Statistics, id: str) -> CriticFigures:
    """Return the figures of one critic."""
    return next(one for one in found.critics if one.persona == id)


def kept(folder: Path, *reviews: Review) -> Path:
    """Return a folder that holds the records of these reviews."""
    for one in reviews:
        path = folder / one.tool.slug / "review.json"
        path.parent.mkdir(parents=True)
        path.write_bytes(readable(one.as_json()))
    return folder


def coefficients(agreement: Agreement) -> list[Figure]:
    """Return every coefficient of agreement."""
    return [each for each in (getattr(agreement, name) for name in Agreement.model_fields) if isinstance(each, Figure)]


# What is counted


def test_what_each_critic_gave_is_counted() -> None:
    """Heard, ship votes, mean, median and bins are those of its takes; who abstained is not counted there."""
    found = statistics(catalogue_of([{"a": 60, "b": 20}, {"a": 100, "b": None}, {"a": 59, "b": 30}]))

    assert (3, 5, 0) == (found.tools, found.takes, found.others)
    assert (3, 2, 67, 73, 60) == (
        (a := critic(found, "a")).heard, a.ships, a.percent, a.mean, a.median,
    )  # fmt: skip
    assert {5: 1, 6: 1, 9: 1} == {bin: count for bin, count in enumerate(a.histogram) if count}
    assert (2, 0, 25, "B") == ((b := critic(found, "b")).heard, b.ships, b.mean, b.name)


@given(st.lists(st.integers(0, 100), max_size=40))
def test_every_score_is_in_one_bin(scores: list[int]) -> None:
    """A bin holds the scores of its ten points, the last one 100 too."""
    counts = histogram(scores)

    assert len(scores) == sum(counts)
    assert sum(scores) - 10 * sum(bin * count for bin, count in enumerate(counts)) in range(10 * len(scores) + 1)
    assert sum(score >= 90 for score in scores) == counts[9]


def test_verdicts_are_counted() -> None:
    """Each label has its number, also one that no review came to."""
    found = statistics(catalogue_of([{"a": 80, "b": 70, "c": 75}, {"a": 10, "b": 20, "c": 30}, {"a": 50}]))

    assert {"Ship": 1, "Mixed": 0, "Skip": 1, "No verdict": 1} == dict(found.labels)


def test_answers_to_one_question_are_compared() -> None:
    """Of takes with several answers the spreads are told; without any there is nothing to tell."""
    takes = [scored_take(60, samples=samples, spread=spread) for samples, spread in ((1, 0), (3, 0), (5, 9), (3, 2))]
    reviews = [review(made.changed(made.plumb(), slug=f"t{n}"), [made.seat("a", take)]) for n, take in enumerate(takes)]
    found = statistics(reviews).sampling

    assert found
    assert (3, 2, 9) == (found.takes, found.median, found.highest)
    assert statistics(reviews[:1]).sampling is None


MANY = [{"a": n * 13 % 101, "b": n * 29 % 101, "c": n * 13 % 91} for n in range(40)]


@given(st.permutations(MANY[:4]), st.permutations("abc"))
def test_no_order_changes_a_figure(scores: list[Mapping[str, int]], names: list[str]) -> None:
    """Reviews in another order, and seats in another order, come to the same figures."""
    reviews = catalogue_of(MANY[:4])
    turned = []
    for one in (reviews[MANY.index(said)] for said in scores):
        seats = {seat.persona: seat for seat in one.seats}
        turned.append(one.model_copy(update={"seats": tuple(seats[name] for name in names)}))

    assert statistics(reviews) == statistics(turned)


def test_no_order_changes_a_coefficient_or_its_range() -> None:
    """With tools enough for ranges, the draws are of the same tools whatever came first."""
    assert figures(seen(MANY), {}, None) == figures(seen(MANY)[::-1], {}, None)


# Too little, too much the same


@pytest.mark.parametrize("tools", [0, 1, 9])
def test_too_few_tools_have_no_coefficient(tools: int) -> None:
    """Below ten tools it is said that there are too few, and neither a number nor NaN stands anywhere."""
    found = over(MANY[:tools])
    every = [*coefficients(found.agreement), *(one.harshness for one in found.critics)]

    assert {(None, None, f"needs 10 tools, and has {tools}")} == {(one.value, one.range, one.lacking) for one in every}
    assert "NaN" not in json.dumps(found.as_json())


def test_ranges_come_with_thirty_tools() -> None:
    """From ten tools on there is a value, and the range of a harshness; from thirty on every range."""
    few, some = over(MANY[:29]), over(MANY[:30])

    assert {(True, None, "a range needs 30 tools")} == {
        (one.value is not None, one.range, one.lacking) for one in coefficients(few.agreement)
    }
    for one in [*coefficients(some.agreement), *(each.harshness for each in [*few.critics, *some.critics])]:
        assert one.range
        assert one.range[0] <= (one.value or 0) <= one.range[1]
        assert one.lacking is None


def test_one_critic_alone_agrees_with_nobody() -> None:
    """However many tools it was heard on, there is no agreement, and it is neither harsh nor mild."""
    found = over([{"a": n} for n in range(40)])

    assert [None] * 6 == [one.value for one in [*coefficients(found.agreement), found.critics[0].harshness]]
    assert "needs 10 tools, and has 0" == found.agreement.scores_alpha.lacking
    assert found.agreement.votes_ac1.lacking


def test_the_same_everywhere_has_no_alpha() -> None:
    """Where all scores are the same it is said that they do not vary; AC1, which was made for that, is 1."""
    found = over([{"a": 70, "b": 70}] * 40).agreement

    assert ["the values do not vary enough"] * 2 == [found.scores_alpha.lacking, found.correlation.lacking]
    assert (None, 1) == (found.effective_votes.value, found.votes_ac1.value)


def test_perfect_agreement_is_one_vote() -> None:
    """Three critics that always say the same have an alpha of 1, and are worth one vote."""
    found = over([dict.fromkeys("abc", n * 13 % 101) for n in range(40)]).agreement

    assert (1, 1, 1) == (found.scores_alpha.value, found.votes_alpha.value, found.votes_ac1.value)
    assert (3, 1, (1, 1)) == (found.seats, found.effective_votes.value, found.effective_votes.range)


def test_harshness_is_told_against_the_others() -> None:
    """A critic ten points below the two others is 10 points harsher, and they are 5 points milder each."""
    found = over([{"a": n, "b": n + 10, "c": n + 10} for n in range(40)])

    assert [-10, 5, 5] == [one.harshness.value for one in found.critics]
    assert (-10, -10) == critic(found, "a").harshness.range


ALARMS: dict[str, tuple[list[int], list[str]]] = {
    "ships nearly never": ([10, 20, 30, 40, 50] * 3 + [60], ["ships 1 of 16 tools, outside 30 to 75 %"]),
    "ships nearly always": ([62, 71, 81, 99] * 4, ["ships 16 of 16 tools, outside 30 to 75 %"]),
    "gives nearly the same": ([61] * 6 + [20, 30, 40, 50], ["6 of 10 scores are 60 to 69, more than half"]),
    "both": ([95] * 10, ["ships 10 of 10 tools, outside 30 to 75 %", "10 of 10 scores are 90 to 100, more than half"]),
    "just not": ([61] * 3 + [20, 30, 40, 50, 55, 10, 11], []),
    "half of them": ([61] * 5 + [20, 30, 40, 50, 55], []),
    "at the upper end": ([61, 71, 81, 91, 20, 63, 73, 83, 93, 30, 40, 65], []),
    "too few": ([95] * 9, []),
}


@pytest.mark.parametrize(("scores", "alarms"), ALARMS.values(), ids=ALARMS)
def test_a_critic_that_tells_little_raises_an_alarm(scores: list[int], alarms: list[str]) -> None:
    """From ten tools on: ship votes outside 30 to 75 %, or more than half of the scores in one bin."""
    assert alarms == [*over([{"a": score} for score in scores]).critics[0].alarms]


def test_of_a_crowd_those_heard_most_are_told() -> None:
    """Records of more personas than any panel has make no endless table: sixty are told, the others counted."""
    found = over([{f"p{number:02}": 50 for number in range(first, 70)} for first in (0, 5, 10)])

    assert (60, 10) == (len(found.critics), found.others)
    assert {f"p{number:02}" for number in range(10, 70)} == {one.persona for one in found.critics}


# The command


def test_the_golden_records_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the shipped records, takes, ship votes and verdicts are what stands in them, in the table and as JSON."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    records: list[Any] = [read_json(path) for path in GOLDEN.glob("*/review.json")]
    votes = Counter((seat["persona"], seat["take"]["vote"]) for one in records for seat in one["seats"] if seat["take"])
    shown, data = run("stats", str(GOLDEN)), run("stats", str(GOLDEN), "--json").stdout
    told = Statistics.model_validate(json.loads(data))
    lines = shown.stdout.splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in reversed(lines) if line.startswith("  ")}

    assert 0 == shown.exit_code
    assert (len(records), votes.total()) == (told.tools, told.takes)
    assert Counter(one["verdict"]["label"] for one in records) == dict(told.labels)
    for one in told.critics:
        assert (votes[one.persona, "ship"], votes[one.persona, "skip"]) == (one.ships, one.heard - one.ships)
        assert [str(one.heard), str(one.ships), f"{one.percent}%"] == rows[one.name][:3]
    assert max(map(len, lines)) <= 80
    assert f"votes: Gwet's AC1 {told.agreement.votes_ac1.value:.2f}" in " ".join(shown.stdout.split())


def test_records_are_named_by_slug_file_or_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slug of the project, a record, a folder of records and a project are taken, each tool once; or all there is."""
    made.project(tmp_path)
    monkeypatch.chdir(tmp_path)
    one, two, three = catalogue_of([{"a": 10}, {"a": 20}, {"a": 30}])
    kept(tmp_path / "runs", one, two)
    kept(tmp_path / "others", three)
    cases: list[list[str]] = [
        [],
        ["tool-0"],
        ["tool-0", "tool-0"],
        ["runs/tool-1/review.json"],
        ["others", "tool-1"],
        [".", "tool-1"],
    ]

    done = [run("stats", *case, "--json") for case in cases]

    assert [0] * 6 == [each.exit_code for each in done]
    assert [2, 1, 1, 1, 2, 2] == [json.loads(each.stdout)["tools"] for each in done]
    assert 1 == json.loads(run("stats", "--runs", "others", "--json").stdout)["tools"]


BAD = {
    "a slug without a record": (["toll-0"], "no review of 'toll-0' in"),
    "a folder without records": (["empty"], "there are no records; review a tool first"),
    "a record that is not there": (["gone.json"], "gone.json: can't be read"),
}


@pytest.mark.parametrize(("arguments", "message"), BAD.values(), ids=BAD)
def test_what_is_not_there_is_named(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends in exit 2 and one message, and prints no figures."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    kept(tmp_path / "runs", *catalogue_of([{"a": 10}]))
    done = run("stats", *arguments)

    assert (2, "") == (done.exit_code, done.stdout)
    assert message in done.stderr


def test_one_bad_record_stops_no_other(tmp_path: Path) -> None:
    """What can't be read, and a second record of a tool, are named at the end, with exit 2; the others are told."""
    folder = kept(tmp_path / "runs", *catalogue_of([{"a": 10}, {"a": 20}, {"a": 30}]))
    (folder / "tool-1" / "review.json").write_text("{")
    (folder / "zz").mkdir()
    (folder / "zz" / "review.json").write_bytes((folder / "tool-0" / "review.json").read_bytes())
    done = run("stats", str(folder), "--json")

    assert (2, 2) == (done.exit_code, json.loads(done.stdout)["tools"])
    assert "tool-1/review.json" in done.stderr
    assert "zz/review.json: tool.slug: is tool-0, as in" in done.stderr
    assert 2 == len(done.stderr.splitlines())


def test_a_score_off_the_scale_is_a_fault_of_the_record(tmp_path: Path) -> None:
    """A stranger's record with a score of a thousand is refused by name, and changes no mean."""
    folder = kept(tmp_path / "runs", *catalogue_of([{"a": 10}, {"a": 20}]))
    path = folder / "tool-1" / "review.json"
    record: Any = read_json(path)
    record["seats"][0]["take"]["score"] = 1000
    path.write_text(json.dumps(record))
    done = run("stats", str(folder), "--json")

    assert (2, 10) == (done.exit_code, json.loads(done.stdout)["critics"][0]["mean"])
    assert "tool-1/review.json: seats.0.take.score" in done.stderr


def test_a_stranger_s_record_can_t_steer_the_terminal(tmp_path: Path) -> None:
    """Names, ids and words of takes reach the terminal on their line, as plain characters, and break no table."""
    long = HOSTILE * 20
    said = scored_take(70, text=f"{HOSTILE} one two three four five six")
    seats = [scored_seat(id, 70, take=said, name=long) for id in ("a", HOSTILE)]
    reviews = [review(made.changed(made.plumb(), slug=f"tool-{number}"), seats) for number in range(2)]
    done = run("stats", str(kept(tmp_path / "runs", *reviews)))

    assert 0 == done.exit_code, done.output
    assert {"\n"} == {char for char in done.output if not char.isprintable()}
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert "[red]" in done.stdout


def test_without_the_library_the_command_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends in exit 2 with the line to type; figures for a page are made without coefficients, and say so."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(catalogue, "find_spec", lambda name: None if name == "numpy" else ModuleSpec(name, None))
    done = run("stats", str(GOLDEN))
    found = over(MANY)

    assert (2, "") == (done.exit_code, done.stdout)
    assert "pip install 'panel-of-critics[stats]'" in done.stderr
    every = coefficients(found.agreement)
    assert {(None, "NumPy is not installed here")} == {(one.value, one.lacking) for one in every}
    assert 40 == critic(found, "a").heard
    with pytest.raises(InputError):
        statistics([])
