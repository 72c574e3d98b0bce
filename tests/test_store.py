"""The store: records that come back as they were, choices that hold while they may, a log with times."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import DOSSIER, PERSONA, changed, persona, plumb, rated, take, tool

from panel import store as store_module
from panel.choices import Choice, Choices, choice
from panel.errors import RecordError
from panel.files import read_json, readable
from panel.persona import Persona
from panel.request import Attempt, Usage
from panel.review import Absence, Ask, Review, Seat, review, seat
from panel.store import Store, read_review

ASK = Ask(
    request="sha256:0",
    kind="repair",
    sample=2,
    note=True,
    asked="anthropic:claude-sonnet-5-5",
    answered_by="sample:panel",
    carried_from="sha256:1",
    attempts=(Attempt(number=1, waited_s=0, error="429"), Attempt(number=2, waited_s=2.5)),
    usage=Usage(input=1, output=2),
    cost_usd="0.01",
    recorded_at="2026-05-01T12:00:00Z",
)


def heard(critic: Persona, name: str, *ratings: Fraction | int | None) -> Seat:
    """Return a seat that was heard with these ratings."""
    said = take([rated(rating) for rating in ratings], samples=3, spread=7)
    return seat(critic, plumb(), "sha256:2", "heard", take=said, asks=[ASK]).model_copy(update={"persona": name})


def reviewed(folder: Path) -> Review:
    """Return a review with a seat of every kind, thirds in it, and dates."""
    critic = persona(folder)
    seats = [heard(critic, f"m{n}", 4, Fraction(8, 3), None, n) for n in range(3)]
    seats.append(seat(critic, plumb(), "sha256:2", "absent", absence=Absence.FAILED, reason="429", asks=[ASK]))
    seats.append(seat(critic, plumb(), "sha256:2", "unseated", reason="no wall in it"))
    dossier = DOSSIER.replace("{entry", "{from: 4.50, currency: EUR, checked_on: 2026-06-01, entry")
    return review(tool(folder, dossier + 'aliases: ["Größe\\u200b"]\nseats: {x: no}\n'), seats)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store that holds nothing."""
    return Store(tmp_path / "runs")


def test_a_review_comes_back_as_it_was(tmp_path: Path, store: Store) -> None:
    """A record is read back equal to what was written, from where it was said to be."""
    whole = reviewed(tmp_path)
    paths = store.save_review(whole, "# Plumb\n")

    assert [store.folder / "plumb" / "review.json", store.folder / "plumb" / "review.md"] == paths
    assert (whole, whole) == (store.review("plumb"), read_review(paths[0]))
    assert "# Plumb\n" == paths[1].read_text()


def test_a_record_that_was_read_is_written_the_same(tmp_path: Path, store: Store) -> None:
    """Reading a record and writing it again gives the same bytes."""
    path = store.save_review(reviewed(tmp_path), "page")[0]
    before = path.read_bytes()
    store.save_review(read_review(path), "page")

    assert before == path.read_bytes()


def test_a_record_is_what_consumers_were_promised(tmp_path: Path, store: Store) -> None:
    """The record carries its schema and rules, exact fractions as strings, costs as strings, and ends in a newline."""
    path = store.save_review(reviewed(tmp_path), "page")[0]
    data: Any = read_json(path)

    assert ("panel.review/1", "1") == (data["schema"], data["rules"])
    assert ["schema", "rules", "tool", "seats", "verdict"] == list(data)
    assert [4, "8/3", None, 0] == [one["rating"] for one in data["seats"][0]["take"]["ratings"]]
    assert ("0.01", "4.50") == (data["seats"][0]["asks"][0]["cost_usd"], data["tool"]["pricing"]["from"])
    assert path.read_bytes().endswith(b"}\n")


def test_a_tool_that_was_not_reviewed_has_no_record(store: Store) -> None:
    """Where there is no record there is none to give, and no choice either."""
    assert (None, Choices()) == (store.review("plumb"), store.choices("plumb"))


@pytest.mark.parametrize(
    ("change", "place"),
    [
        pytest.param(lambda data: data.update(schema="panel.review/2"), "schema", id="of another form"),
        pytest.param(lambda data: data.pop("verdict"), "verdict", id="missing"),
        pytest.param(lambda data: data.update(remark="x"), "remark", id="unknown key"),
        pytest.param(lambda data: data["verdict"].update(label="Maybe"), "verdict.label", id="unknown label"),
        pytest.param(lambda data: data["seats"][1].update(status="late"), "seats.1.status", id="unknown status"),
        pytest.param(lambda data: data["seats"][0].update(status="absent"), "seats.0", id="absent with a take"),
        pytest.param(lambda data: data["seats"][0]["take"].update(score="high"), "seats.0.take.score", id="score"),
        pytest.param(lambda data: data["tool"].pop("name"), "tool.name", id="nameless tool"),
    ],
)
def test_a_record_that_is_none_is_refused(
    tmp_path: Path, store: Store, change: Callable[[Any], object], place: str
) -> None:
    """A record that Panel did not write so is refused with its file, the place of the first fault and a way out."""
    path = store.save_review(reviewed(tmp_path), "page")[0]
    data = read_json(path)
    change(data)
    path.write_bytes(readable(data))
    with pytest.raises(RecordError) as caught:
        store.review("plumb")

    assert str(caught.value).startswith(f"{path}: {place}: is no review as Panel writes it (")
    assert str(caught.value).endswith("restore it, or delete it and run again")


@pytest.mark.parametrize("content", [b"", b"[]", b'{"schema":', b"null", b'"x"'])
@pytest.mark.parametrize("name", ["review", "choices"])
def test_a_file_that_is_no_record_is_refused(store: Store, name: str, content: bytes) -> None:
    """A file of something else in the place of a record or of choices is refused with its name."""
    path = store.folder / "plumb" / f"{name}.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(RecordError) as caught:
        store.review("plumb") if name == "review" else store.choices("plumb")

    assert str(caught.value).startswith(f"{path}: ")


def test_the_record_is_written_after_its_page(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the page can't be written the record is not either: a record says that all of it is there."""
    before = store.save_review(reviewed(tmp_path), "old")[0].read_bytes()

    def no_page(path: Path, content: bytes) -> bool:
        if path.suffix == ".md":
            raise RecordError("full")
        return bool(path.write_bytes(content))

    monkeypatch.setattr(store_module, "write_whole", no_page)
    other = review(changed(tool(tmp_path), tagline="Another line"), [])
    with pytest.raises(RecordError, match="full"):
        store.save_review(other, "new")

    assert before == store.review_path("plumb").read_bytes()


def test_choices_come_back_as_they_were(tmp_path: Path, store: Store) -> None:
    """Choices are read back as they were written, with their notes, and are sorted by persona in the file."""
    seats = {name: choice(2, 3, tool(tmp_path), persona(tmp_path)) for name in ("b", "a")}
    seats["a"] = seats["a"].model_copy(update={"note": "say what it costs"})
    store.save_choices("plumb", Choices().with_seats(seats))
    data: Any = read_json(store.folder / "plumb" / "choices.json")

    assert (seats, ["a", "b"], "panel.choices/1") == (store.choices("plumb").seats, list(data["seats"]), data["schema"])


def test_no_file_is_written_for_no_choice(store: Store) -> None:
    """Where no choice is or was made, no file says so."""
    store.save_choices("plumb", Choices())

    assert not store.folder.exists()


def test_the_last_choice_can_be_dropped(tmp_path: Path, store: Store) -> None:
    """Where the last choice is dropped, the file says that there is none."""
    store.save_choices("plumb", Choices(seats={"a": choice(1, 1, tool(tmp_path), persona(tmp_path))}))
    store.save_choices("plumb", Choices())

    assert Choices() == store.choices("plumb")


@pytest.mark.parametrize(
    ("dossier", "critic", "holds"),
    [
        pytest.param(DOSSIER, PERSONA, True, id="nothing changed"),
        pytest.param(DOSSIER + "links: {home: 'https://example.com'}\n", PERSONA, True, id="link"),
        pytest.param(DOSSIER.replace("slug: plumb", "slug: other"), PERSONA, True, id="slug"),
        pytest.param(DOSSIER + "seats: {x: no}\naliases: [y]\n", PERSONA, True, id="seats and aliases"),
        pytest.param(DOSSIER.replace("no state", "some state"), PERSONA, False, id="description"),
        pytest.param(DOSSIER.replace("31 seconds", "32 seconds"), PERSONA, False, id="source"),
        pytest.param(DOSSIER, PERSONA.replace("plain ones", "short ones"), False, id="voice"),
        pytest.param(DOSSIER, PERSONA.replace("order: 5", "order: 5\nthreshold: 61"), False, id="threshold"),
        pytest.param(DOSSIER, PERSONA.replace("How is the proof?", "Is it proven?"), False, id="question"),
        pytest.param(DOSSIER, PERSONA.replace("order: 5", "order: 5\nmodel: a:b"), False, id="model"),
    ],
)
def test_a_choice_holds_while_dossier_and_persona_are_the_same(
    tmp_path: Path, dossier: str, critic: str, holds: bool
) -> None:
    """A choice holds until something changes that a critic is shown, or the critic itself."""
    made = choice(2, 1, tool(tmp_path), persona(tmp_path))

    assert holds == made.holds(tool(tmp_path, dossier), persona(tmp_path, critic))


@given(sample=st.integers(-3, 0), samples=st.sampled_from([0, 10]))
def test_a_choice_is_of_samples_that_can_be(sample: int, samples: int) -> None:
    """Sample numbers count from 1, and a seat has one to nine of them."""
    for numbers in ({"sample": sample}, {"sample": 1, "samples": samples}):
        with pytest.raises(ValueError, match="should be"):
            Choice.model_validate({**numbers, "seen": "x", "persona_digest": "y"})


def test_a_log_has_a_line_an_event(store: Store) -> None:
    """Each event is one line with its time in UTC, its name and its details, in the order in which they came."""
    store.history("plumb").log("review", label="Ship", asked=["sha256:0"])
    store.history("plumb").log("choice", seat="mason")
    lines = [json.loads(line) for line in (store.folder / "plumb" / "log.jsonl").read_text().splitlines()]

    assert [("review", "Ship", ["sha256:0"]), ("choice", None, None)] == [
        (line["event"], line.get("label"), line.get("asked")) for line in lines
    ]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", line["at"]) for line in lines)


def test_tools_keep_apart(tmp_path: Path, store: Store) -> None:
    """What is kept for one tool is in a folder of its own."""
    whole = reviewed(tmp_path)
    store.save_review(whole, "page")
    store.save_review(whole.model_copy(update={"tool": changed(whole.tool, slug="level")}), "page")
    store.history("level").log("review")

    assert {"plumb/review.json", "plumb/review.md", "level/review.json", "level/review.md", "level/log.jsonl"} == {
        str(path.relative_to(store.folder)) for path in store.folder.rglob("*.*")
    }
