"""One tool reviewed: what is asked, in which order, what is written, and what a second run makes of it."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from made import DOSSIER, project, reply, scoring

from panel.errors import GaveUp, InputError, ModelError, RecordError, RecordingMissing, Rejected, Transient
from panel.files import read_json
from panel.llm.fake import Fake
from panel.llm.model import Model
from panel.llm.open import Providers
from panel.pipeline import Reviewed, review_tool
from panel.project import Project
from panel.request import Reply, Request
from panel.tool import read_tool

FAKE = {"model": "fake:panel"}
SHIPS = Reply(text=reply(), answered_by="fake:panel", recorded_at="2026-05-01T12:00:00Z")
Answer = Reply | str | Exception


def noted(done: Reviewed, kind: str) -> list[str]:
    """Return the personas that a run has notes of one kind about."""
    return [note.persona for note in done.notes if note.kind == kind]


def opened(folder: Path, **flags: object) -> Project:
    """Return the project in `folder`, with three masons where it is new, asked of a fake model."""
    if (folder / "panel.toml").exists():
        return Project.open(folder, FAKE | flags)
    return project(folder, personas=3, flags=FAKE | flags)


def run(mine: Project, model: Model | None = None, only: Sequence[str] = ()) -> Reviewed:
    """Review Plumb; `model` answers, or somebody who ships where none is given."""
    tool = read_tool(mine.settings.project / "plumb.yaml", mine.persona_ids)
    providers = Providers(mine.settings, mine.prompts, models={"fake": model or Fake(lambda _: SHIPS)})
    return asyncio.run(review_tool(mine, tool, providers, only))


def tree(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def seats(folder: Path) -> dict[str, str]:
    """Return the seats of the record as they are written, by persona."""
    data: Any = read_json(folder / "runs" / "plumb" / "review.json")
    return {seat["persona"]: json.dumps(seat) for seat in data["seats"]}


def log(folder: Path) -> list[dict[str, Any]]:
    """Return the entries of Plumb's log."""
    path = folder / "runs" / "plumb" / "log.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def answering(**answers: Answer) -> Fake:
    """Return a model that gives some personas another answer, and ships for all others."""
    return Fake(lambda request: answers.get(request.label.persona, SHIPS))


def edit(folder: Path, name: str, old: str, new: str) -> None:
    """Change one thing in a file of the project."""
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1))


def samples(done: Reviewed) -> list[int]:
    """Return the number of the first sample of each seat."""
    return [seat.asks[0].sample for seat in done.review.seats]


def test_a_review_writes_its_files(tmp_path: Path) -> None:
    """A review writes page, record, log, a take and a recording for each seat, and no choices that nobody made."""
    done = run(opened(tmp_path))
    written = tree(tmp_path / "runs")
    recordings = {f"ledger/{ask[7:9]}/{ask[7:]}.json" for ask in done.asked}
    takes = {f"plumb/takes/mason{number}-1.json" for number in range(3)}

    assert {"plumb/review.json", "plumb/review.md", "plumb/log.jsonl", *takes, *recordings} == set(written)
    assert ("Ship", 3, 3) == (done.review.verdict.label, done.review.verdict.heard, len(done.asked))
    assert [tmp_path / "runs" / "plumb" / name for name in ("review.json", "review.md")] == done.paths
    assert [("review", "Ship", [*done.asked], [])] == [
        (entry["event"], entry["label"], entry["asked"], entry["dropped"]) for entry in log(tmp_path)
    ]


@pytest.mark.parametrize("mode", ["auto", "live", "replay"])
def test_a_second_run_asks_nobody_and_changes_nothing(tmp_path: Path, mode: str) -> None:
    """Run again, in whatever mode but fresh, a review is the same bytes, the log and the ledger included."""
    run(opened(tmp_path))
    before = tree(tmp_path / "runs")
    done = run(opened(tmp_path, mode=mode), Fake([]))

    assert ([], before) == (done.asked, tree(tmp_path / "runs"))


def test_a_replay_in_another_place_is_the_same_bytes(tmp_path: Path) -> None:
    """The whole of `runs/` is the same wherever the project lies and whenever it is replayed."""
    (tmp_path / "a").mkdir()
    run(opened(tmp_path / "a"))
    shutil.copytree(tmp_path / "a", tmp_path / "b" / "c")
    for name in ("review.json", "review.md"):
        (tmp_path / "b" / "c" / "runs" / "plumb" / name).unlink()
    run(opened(tmp_path / "b" / "c", mode="replay"))

    assert tree(tmp_path / "a" / "runs") == tree(tmp_path / "b" / "c" / "runs")


def test_the_order_of_files_is_no_part_of_a_review(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In whatever order the folder lists its personas, everything that is written is the same."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    run(opened(tmp_path / "a"))
    real = Path.glob

    def shuffled(self: Path, pattern: str, **settings: Any) -> Iterator[Path]:
        return iter(random.Random(7).sample(found := list(real(self, pattern, **settings)), len(found)))

    monkeypatch.setattr(Path, "glob", shuffled)
    run(opened(tmp_path / "b"))
    trees = [{k: v for k, v in tree(tmp_path / name / "runs").items() if "log" not in k} for name in "ab"]

    assert trees[0] == trees[1]


@pytest.mark.parametrize("order", [(1, 2, 0), (2, 1, 0), (0, 2, 1)])
def test_the_order_of_seats_changes_no_take_and_no_verdict(tmp_path: Path, order: tuple[int, ...]) -> None:
    """Asked in another order, every seat says the same, the same is recorded, and the verdict is the same."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    skips = SHIPS.model_copy(update={"text": reply(**scoring(2, 1, 2, 1, 2, vote="skip"))})
    first = run(opened(tmp_path / "a"), answering(mason1=skips))
    mine = opened(tmp_path / "b")
    second = run(replace(mine, panel=tuple(mine.panel[n] for n in order)), answering(mason1=skips))

    assert first.review.verdict == second.review.verdict
    assert seats(tmp_path / "a") == seats(tmp_path / "b")
    assert tree(tmp_path / "a" / "runs" / "ledger") == tree(tmp_path / "b" / "runs" / "ledger")


@dataclass
class Staged:
    """A model at which all but the first seat wait for each other, so that only seats asked at once get through."""

    first: str
    others: int
    events: list[str] = field(default_factory=list)
    barrier: asyncio.Barrier | None = None

    async def ask(self, request: Request) -> Reply:
        """Answer the first seat after a while, the others when all of them have asked."""
        self.barrier = self.barrier or asyncio.Barrier(self.others)
        persona = request.label.persona
        self.events.append(f"{persona} asked")
        if persona == self.first:
            for _ in range(50):
                await asyncio.sleep(0)
        else:
            await asyncio.wait_for(self.barrier.wait(), 5)
        self.events.append(f"{persona} answered")
        return SHIPS


def test_the_first_seat_is_answered_before_the_others_are_asked(tmp_path: Path) -> None:
    """The first seat writes the provider's cache alone; then all others are asked at once."""
    model = Staged("mason0", others=2)
    done = run(opened(tmp_path), model)

    assert ["mason0 asked", "mason0 answered", "mason1 asked", "mason2 asked"] == model.events[:4]
    assert 3 == done.review.verdict.heard


@pytest.mark.parametrize("case", ["not invited", "recorded", "not to be asked"])
def test_the_first_seat_that_is_asked_is_asked_alone(tmp_path: Path, case: str) -> None:
    """Where the first of the panel is not asked, the next one writes the provider's cache before the others."""
    mine = project(tmp_path, personas=4, flags=FAKE)
    if case == "not invited":
        (tmp_path / "plumb.yaml").write_text(DOSSIER + "seats: {mason0: no wall in it}\n")
    if case == "recorded":
        run(mine, only=["mason0"])
    model = Staged("mason1", others=2)
    run(mine, model, only=["mason1", "mason2", "mason3"] if case == "not to be asked" else [])

    assert ["mason1 asked", "mason1 answered", "mason2 asked", "mason3 asked"] == model.events[:4]


def test_the_watcher_is_told_when_a_seat_is_asked_and_when_it_is_done(tmp_path: Path) -> None:
    """Each seat that is asked is told of twice, the second time with what came of it; others are not told of."""
    mine, told = opened(tmp_path), []
    (tmp_path / "plumb.yaml").write_text(DOSSIER + "seats: {mason2: no wall in it}\n")
    tool = read_tool(tmp_path / "plumb.yaml")
    providers = Providers(mine.settings, mine.prompts, models={"fake": Fake(lambda _: SHIPS)})
    asyncio.run(review_tool(mine, tool, providers, watch=lambda p, seat: told.append((p.id, seat and seat.status))))

    assert [("mason0", None), ("mason1", None), ("mason0", "heard"), ("mason1", "heard")] == sorted(
        told, key=lambda one: (one[1] or "", one[0])
    )


def test_a_seat_that_is_not_invited_is_not_asked(tmp_path: Path) -> None:
    """A seat with a reason in the dossier is not asked, and the record gives the reason."""
    mine, model = opened(tmp_path), answering()
    (tmp_path / "plumb.yaml").write_text(DOSSIER + "seats: {mason1: no wall in it}\n")
    done = run(mine, model)

    assert ["mason0", "mason2"] == [request.label.persona for request in model.asked]
    assert ("unseated", "no wall in it", ()) == (
        done.review.seats[1].status,
        done.review.seats[1].reason,
        done.review.seats[1].asks,
    )
    assert (2, 2) == (done.review.verdict.invited, done.review.verdict.heard)


def test_only_the_named_persona_is_asked(tmp_path: Path) -> None:
    """With one persona named, only it is asked, and the other seats stay in the record byte for byte."""
    run(opened(tmp_path))
    before = seats(tmp_path)
    edit(tmp_path, "personas/mason1.md", "few words", "many words")
    model = answering()
    done = run(opened(tmp_path), model, only=["mason1"])
    after = seats(tmp_path)

    assert ["mason1"] == [request.label.persona for request in model.asked]
    assert [True, False, True] == [before[name] == after[name] for name in ("mason0", "mason1", "mason2")]
    assert ((), ()) == (tuple(noted(done, "dropped")), tuple(noted(done, "stale")))


def test_only_the_changed_persona_is_asked_without_naming_it(tmp_path: Path) -> None:
    """After one persona file changed, a plain run asks that persona alone: what is recorded is not paid for again."""
    run(opened(tmp_path))
    edit(tmp_path, "personas/mason1.md", "few words", "many words")
    model = answering()
    run(opened(tmp_path), model)

    assert ["mason1"] == [request.label.persona for request in model.asked]


def test_a_kept_seat_that_would_be_asked_otherwise_is_told(tmp_path: Path) -> None:
    """A seat that stays as recorded although its persona or the dossier changed since is told as stale."""
    run(opened(tmp_path))
    edit(tmp_path, "personas/mason2.md", "few words", "many words")

    assert ["mason2"] == noted(run(opened(tmp_path), only=["mason1"]), "stale")
    edit(tmp_path, "plumb.yaml", "31 seconds", "32 seconds")
    assert ["mason0", "mason2"] == noted(run(opened(tmp_path), only=["mason1"]), "stale")


def test_a_seat_that_was_never_asked_is_told_as_such(tmp_path: Path) -> None:
    """With one persona named and no record yet, the other seats say that they were not asked."""
    done = run(opened(tmp_path), only=["mason1"])

    assert [("unseated", "not asked yet"), ("heard", None), ("unseated", "not asked yet")] == [
        (seat.status, seat.reason) for seat in done.review.seats
    ]


def test_a_seat_that_is_not_asked_is_taken_from_the_ledger(tmp_path: Path) -> None:
    """With one persona named and the record lost, the other seats come from the ledger as they were."""
    run(opened(tmp_path))
    before = seats(tmp_path)
    (tmp_path / "runs" / "plumb" / "review.json").unlink()
    run(opened(tmp_path), Fake([]), only=["mason1"])

    assert before == seats(tmp_path)


def test_a_seat_that_is_taken_from_the_ledger_is_the_accepted_one(tmp_path: Path) -> None:
    """With the record lost, a seat that is not asked comes back as its choice says, not as its first sample."""
    run(opened(tmp_path))
    run(opened(tmp_path, mode="fresh"), only=["mason2"])
    before = seats(tmp_path)
    (tmp_path / "runs" / "plumb" / "review.json").unlink()
    run(opened(tmp_path), Fake([]), only=["mason1"])

    assert before == seats(tmp_path)


def test_fresh_takes_the_next_unused_sample_and_keeps_what_was(tmp_path: Path) -> None:
    """Asked anew, a seat gets the next sample number, and every earlier recording stays as it is."""
    run(opened(tmp_path))
    before = tree(tmp_path / "runs" / "ledger")
    numbers = [samples(run(opened(tmp_path, mode="fresh"), only=["mason1"])) for _ in range(2)]
    after = tree(tmp_path / "runs" / "ledger")

    assert [[1, 2, 1], [1, 3, 1]] == numbers
    assert before == {name: after[name] for name in before}
    assert len(before) + 2 == len(after)


def test_what_was_asked_anew_is_there_at_the_next_plain_run(tmp_path: Path) -> None:
    """The take that a fresh run gave survives the next plain run, which asks nobody and changes nothing."""
    run(opened(tmp_path))
    run(opened(tmp_path, mode="fresh"), only=["mason1"])
    before = tree(tmp_path / "runs")
    done = run(opened(tmp_path), Fake([]))

    assert ([1, 2, 1], before) == (samples(done), tree(tmp_path / "runs"))


def test_several_fresh_samples_are_one_choice(tmp_path: Path) -> None:
    """Asked anew for three samples, a seat gets the next three, and the next plain run takes all of them."""
    run(opened(tmp_path))
    run(opened(tmp_path, mode="fresh", samples="3"), only=["mason0"])
    done = run(opened(tmp_path), Fake([]))

    assert [2, 3, 4] == [ask.sample for ask in done.review.seats[0].asks]
    assert done.review.seats[0].take
    assert 3 == done.review.seats[0].take.samples


def test_a_fresh_run_that_fails_costs_no_take(tmp_path: Path) -> None:
    """Where the provider fails in a fresh run, the accepted take is still there for the next replay."""
    run(opened(tmp_path))
    before = seats(tmp_path)
    run(opened(tmp_path, mode="fresh"), answering(mason1=Transient("overloaded")), only=["mason1"])
    run(opened(tmp_path, mode="replay"))

    assert before == seats(tmp_path)


def test_a_fresh_run_that_fails_where_nothing_was_said_before_is_a_failure(tmp_path: Path) -> None:
    """A seat that was never heard and fails in a fresh run is absent, and no choice is made for it."""
    done = run(opened(tmp_path, mode="fresh"), answering(mason1=Transient("overloaded")))

    assert ["heard", "absent", "heard"] == [seat.status for seat in done.review.seats]
    assert ["mason0", "mason2"] == sorted(opened(tmp_path).store.choices("plumb").seats)
    assert not done.is_whole


def test_a_kept_seat_whose_score_was_changed_is_refused(tmp_path: Path) -> None:
    """A seat is not kept where its score was changed by hand: the record is named with the way out."""
    run(opened(tmp_path))
    path = tmp_path / "runs" / "plumb" / "review.json"
    data: Any = read_json(path)
    data["seats"][0]["take"]["score"] += 1
    path.write_text(json.dumps(data))
    with pytest.raises(RecordError) as caught:
        run(opened(tmp_path), only=["mason1"])

    assert str(caught.value).startswith(f"{path}: the score of mason0 does not follow from its ratings")


def test_a_fresh_run_that_fails_in_part_can_be_replayed(tmp_path: Path) -> None:
    """Where one of several fresh samples fails, the choice names no sample that was never answered."""
    run(opened(tmp_path))
    model = Fake(lambda request: Transient("busy") if request.sample == 3 else SHIPS)
    run(opened(tmp_path, mode="fresh", samples="2"), model, only=["mason1"])
    done = run(opened(tmp_path, mode="replay"))

    assert ["heard", "heard", "heard"] == [seat.status for seat in done.review.seats]


@pytest.mark.parametrize(
    ("name", "old", "new", "dropped"),
    [
        pytest.param("plumb.yaml", "31 seconds", "32 seconds", ["mason0", "mason1"], id="dossier"),
        pytest.param("personas/mason1.md", "few words", "many words", ["mason1"], id="persona"),
    ],
)
def test_a_choice_is_dropped_where_dossier_or_persona_changes(
    tmp_path: Path, name: str, old: str, new: str, dropped: list[str]
) -> None:
    """After the dossier or its persona changed, a choice is dropped, the seat asked from 1 on, and the log says so."""
    run(opened(tmp_path))
    run(opened(tmp_path, mode="fresh"), only=["mason0", "mason1"])
    edit(tmp_path, name, old, new)
    done = run(opened(tmp_path))
    numbers = [1 if persona in dropped else 2 for persona in ("mason0", "mason1")]

    logged = [line["dropped"] for line in log(tmp_path) if "dropped" in line][-1]
    assert (dropped, dropped) == (noted(done, "dropped"), logged)
    assert numbers == samples(done)[:2]
    assert {"mason0", "mason1"} - {*dropped} == set(opened(tmp_path).store.choices("plumb").seats)


def test_a_choice_survives_what_critics_are_not_shown(tmp_path: Path) -> None:
    """A new link or alias drops no choice and asks nobody."""
    run(opened(tmp_path))
    run(opened(tmp_path, mode="fresh"), only=["mason1"])
    (tmp_path / "plumb.yaml").write_text(DOSSIER + "aliases: [Line]\nlinks: {home: 'https://example.com'}\n")
    done = run(opened(tmp_path), Fake([]))

    assert ([], [], [1, 2, 1]) == (noted(done, "dropped"), done.asked, samples(done))


def test_missing_recordings_are_reported_together(tmp_path: Path) -> None:
    """A replay that lacks several seats names all of them at once, and writes nothing."""
    run(opened(tmp_path), only=["mason1"])
    before = tree(tmp_path / "runs")
    with pytest.raises(RecordingMissing) as caught:
        run(opened(tmp_path, mode="replay"))

    assert [f"plumb: {name}: no recording of this request" for name in ("mason0", "mason2")] == (
        str(caught.value).splitlines()
    )
    assert before == tree(tmp_path / "runs")


@pytest.mark.parametrize("error", [Transient("busy"), Rejected("no such key"), GaveUp("five times"), ModelError("odd")])
@pytest.mark.parametrize("name", ["mason0", "mason2"], ids=["first", "last"])
def test_a_failing_seat_does_not_stop_the_others(tmp_path: Path, name: str, error: ModelError) -> None:
    """Where the provider fails one seat, it is absent with the reason, the others are heard, and all is written."""
    done = run(opened(tmp_path), answering(**{name: error}))
    by_name = {seat.persona: seat for seat in done.review.seats}
    failed = by_name.pop(name)

    assert ("absent", "failed", str(error)) == (failed.status, failed.absence, failed.reason)
    assert ["heard", "heard"] == [seat.status for seat in by_name.values()]
    assert (2, 3, True) == (done.review.verdict.heard, done.review.verdict.invited, done.paths[0].exists())


def test_the_next_run_asks_the_failed_seat_alone(tmp_path: Path) -> None:
    """After a seat failed, the next run asks it and no other, and the verdict stands."""
    run(opened(tmp_path), answering(mason1=Transient("busy")))
    model = answering()
    done = run(opened(tmp_path), model)

    assert ["mason1"] == [request.label.persona for request in model.asked]
    assert ("Ship", False) == (done.review.verdict.label, done.review.verdict.provisional)


@pytest.mark.parametrize("error", [RecordError("disk full"), ZeroDivisionError("a bug")], ids=["user", "bug"])
@pytest.mark.parametrize("name", ["mason0", "mason2"], ids=["first", "last"])
def test_what_was_answered_before_an_error_is_kept(tmp_path: Path, name: str, error: Exception) -> None:
    """Where one seat ends the run, the others are finished first, and what they said is in the ledger."""
    with pytest.raises(type(error), match=str(error)):
        run(opened(tmp_path), answering(**{name: error}))

    assert 2 == len(tree(tmp_path / "runs" / "ledger"))
    assert not (tmp_path / "runs" / "plumb").exists()


def test_faults_of_several_seats_are_one_error(tmp_path: Path) -> None:
    """Where several seats find something for the user to mend, all of it is told at once."""
    with pytest.raises(InputError) as caught:
        run(opened(tmp_path), answering(mason0=RecordError("one"), mason2=RecordError("two")))

    assert "one\ntwo" == str(caught.value)


def chat(folder: Path) -> Project:
    """Return a project of two masons who are asked by way of a person."""
    if (folder / "panel.toml").exists():
        return Project.open(folder, {"model": "manual:chat"})
    return project(folder, personas=2, flags={"model": "manual:chat"})


def sheets(folder: Path) -> list[Path]:
    """Return the sheets in the outbox."""
    return sorted((folder / "runs" / "outbox").iterdir())


def paste(folder: Path, sheet: Path, text: str, ending: str = ".md") -> None:
    """Save what a chat answered to a sheet, where the sheet says that it belongs."""
    answer = folder / "runs" / "inbox" / sheet.name
    assert str(answer) in sheet.read_text()
    answer.with_suffix(ending).write_text(text)


def test_a_person_is_asked_by_way_of_files(tmp_path: Path) -> None:
    """Without a provider each request is a sheet in the outbox, and its seat waits with a word on what to do."""
    done = run(chat(tmp_path))
    found = sheets(tmp_path)

    assert ["plumb-mason0-ask", "plumb-mason1-ask"] == [sheet.stem.rsplit("-", 1)[0] for sheet in found]
    for seat, sheet in zip(done.review.seats, found, strict=True):
        assert ("absent", "failed") == (seat.status, seat.absence)
        assert f"outbox/{sheet.name}" in str(seat.reason)
        assert str(tmp_path) not in str(seat.reason)
    assert [] == list((tmp_path / "runs" / "inbox").iterdir())


@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(
            lambda text: f"Here is my take:\n\n```json\n{text}\n```\n\nTell me if you need more.\n", id="fence"
        ),
        pytest.param(lambda text: f"\ufeff{text}\r\n", id="bare"),
        pytest.param(lambda text: f"<think>{{}}</think>{text}", id="thoughts"),
    ],
)
def test_a_review_goes_on_when_replies_are_pasted(tmp_path: Path, wrap: Callable[[str], str]) -> None:
    """A pasted reply, with a code fence and talk around it, is heard; the review goes on seat by seat."""
    run(chat(tmp_path))
    heard = []
    for sheet in sheets(tmp_path):
        paste(tmp_path, sheet, wrap(reply()))
        heard.append([seat.status for seat in run(chat(tmp_path)).review.seats])

    assert [["heard", "absent"], ["heard", "heard"]] == heard
    before = tree(tmp_path / "runs" / "plumb")
    shutil.rmtree(tmp_path / "runs" / "inbox")
    assert ([], before) == (run(chat(tmp_path)).asked, tree(tmp_path / "runs" / "plumb"))


@pytest.mark.parametrize(
    ("ending", "text", "status"),
    [
        pytest.param(".txt", reply(), "heard", id="text"),
        pytest.param(".json", reply(), "heard", id="JSON"),
        pytest.param(".md", " \n", "absent", id="empty"),
        pytest.param(".docx", reply(), "absent", id="another ending"),
    ],
)
def test_which_files_are_answers(tmp_path: Path, ending: str, text: str, status: str) -> None:
    """An answer is a file of text under the name of its sheet; an empty one is none yet."""
    run(chat(tmp_path))
    paste(tmp_path, sheets(tmp_path)[0], text, ending)

    assert status == run(chat(tmp_path)).review.seats[0].status


def test_a_person_is_asked_to_mend(tmp_path: Path) -> None:
    """A pasted reply that goes against its own ratings leads to a sheet of its own, and what comes back counts."""
    run(chat(tmp_path))
    paste(tmp_path, sheets(tmp_path)[0], reply(vote="skip"))
    run(chat(tmp_path))
    repair = next(sheet for sheet in sheets(tmp_path) if "-repair-" in sheet.name)
    paste(tmp_path, repair, reply())
    seat = run(chat(tmp_path)).review.seats[0]

    assert "# What to mend" in repair.read_text()
    assert ("heard", ["ask", "repair"]) == (seat.status, [ask.kind for ask in seat.asks])
    assert ["manual:chat", "manual:chat"] == [ask.answered_by for ask in seat.asks]
