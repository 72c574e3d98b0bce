"""A retake: one seat asked once more, shown beside the old take, then accepted or left; and what that leaves behind."""

from __future__ import annotations

import asyncio
import json
import shutil

import made
import pytest
from office import HEADLINES, STEERING, Office, steering

from panel.desk.retake import accept, planned, retake
from panel.errors import InputError, Rejected, Transient
from panel.llm.fake import Fake
from panel.llm.model import said
from panel.llm.open import Providers
from panel.request import Reply, Request, Stop

ONE = ("retake", "plumb", "--persona", "mason1")
SKIPS = made.reply(**made.scoring(2, 1, 2, 1, 2, vote="skip"), headline="It leans after all")
ABSTAINS = made.reply(ratings=[], vote=None, abstain={"reason": "no word on the price"})


def near(request: Request) -> str:
    """Return an answer whose score is within five of the threshold."""
    return made.reply(**made.scoring(3, 3, 2, 2, 2))


def test_an_accepted_take_stands_in_the_record(office: Office) -> None:
    """The retake of one seat is in record, page and choices, counted and disclosed; the other seats are the same."""
    before = office.reviewed().seats()
    office.asked()
    office.done(*ONE, "--accept")
    after, take = office.seats(), office.seat("mason1")["take"]

    assert (["mason1"], {"mason1"}) == (office.asked(), {id for id in after if after[id] != before[id]})
    assert (HEADLINES[1], 1, None) == (take["headline"], take["retakes"], take["edited_by"])
    assert ["mason1"] == office.disclosed()["retaken"]
    assert HEADLINES[1] in office.kept("review.md").read_text()
    assert {"mason1"} == set(office.data("choices.json")["seats"])
    assert [("review", None), ("retake", 2), ("accept", 2)] == [(e["event"], e.get("take")) for e in office.events()]


def test_what_would_change_is_shown(office: Office) -> None:
    """Words, score with its criteria, vote, verdict, pages and cost are shown, each before and after."""
    office.reviewed()
    (office.path("runs/compare") / "level-vs-plumb").mkdir(parents=True)
    office.answers["mason1"] = SKIPS
    lines = [line.strip() for line in office.done(*ONE, "--keep").splitlines()]

    assert "Plumb (plumb) · Mason 1 once more: sample 2" in lines
    assert ["[-A plain check that keeps nothing-]", "{+It leans after all+}"] == lines[
        lines.index("headline") + 1 : lines.index("headline") + 3
    ]
    moved = ("shape 3 to 2", "start 3 to 1", "proof 4 to 2", "place 2 to 1", "leave 1 to 2")
    for line in (
        f"score    69 to 40: {', '.join(f'criterion {each}' for each in moved)}",
        "vote     ship to skip",
        "verdict  Ship 3-0 to Mixed 2-1",
        "pages    plumb/review.md, compare/level-vs-plumb",
        "cost     0 replies from the ledger, 1 asked now, $0 paid",
    ):
        assert line in lines


def test_the_verdict_that_was_shown_is_the_one_that_is_written(office: Office) -> None:
    """With another seat that the provider failed, an accept leaves it failed, and the verdict provisional."""
    office.answers["mason0"] = Transient("busy")
    assert 1 == office.type("review", "plumb.yaml").exit_code
    before = office.seats()["mason0"]
    printed = office.done(*ONE, "--accept")

    assert "verdict  No verdict 2-0, as before" in printed
    assert (before, True) == (office.seats()["mason0"], office.data()["verdict"]["provisional"])


def test_a_kept_take_stays_byte_for_byte(office: Office) -> None:
    """`--keep` leaves record, page and choices as they are; the new take is in the history, the ledger and the log."""
    office.reviewed()
    before = office.tree("log.jsonl")
    office.done(*ONE, "--keep")
    after = office.tree("log.jsonl")
    new = sorted(after.keys() - before.keys())

    assert before == {name: after[name] for name in before}
    assert (2, ["runs/plumb/takes/mason1-2.json"]) == (len(new), [name for name in new if "takes" in name])
    assert [("retake", 2), ("keep", None)] == [(e["event"], e.get("take")) for e in office.events()[1:]]
    assert 2 == office.events()[-1]["rejected"]


def test_each_retake_takes_the_next_number(office: Office) -> None:
    """Accepted or left, with whatever note or none, each retake has the next sample number and the next take's."""
    office.reviewed()
    for note, answer in (("shorter", "--keep"), ("shorter", "--accept"), ("", "--keep"), ("longer", "--keep")):
        office.done(*ONE, answer, "--note", note)
    office.done(*ONE, "--keep")
    asked = [(request.sample, request.note) for request in office.requests[3:]]

    assert [(2, "shorter"), (3, "shorter"), (4, None), (5, "longer"), (6, None)] == asked
    assert [*range(1, 7)] == [*office.project().store.history("plumb").entries("mason1")]
    assert 2 == office.seat("mason1")["take"]["retakes"]


LATER = {
    "a plain review": ["review", "plumb.yaml"],
    "a replay": ["review", "plumb.yaml", "--mode", "replay"],
    "more samples": ["review", "plumb.yaml", "--samples", "3"],
    "another seat": ["review", "plumb.yaml", "--persona", "mason0"],
    "another seat anew": ["review", "plumb.yaml", "--persona", "mason0", "--mode", "fresh"],
    "another retake": ["retake", "plumb", "--persona", "mason2", "--accept"],
    "a retake that is left": [*ONE, "--keep"],
}


@pytest.mark.parametrize("command", LATER.values(), ids=LATER)
def test_an_accepted_take_survives(office: Office, command: list[str]) -> None:
    """Whatever is run later over the same dossier and persona, the accepted take stays byte for byte."""
    office.reviewed()
    office.done(*ONE, "--accept", "--note", "shorter")
    before = office.seats()["mason1"]
    office.kept("review.json").unlink() if "review" in command and "--persona" not in command else None
    office.done(*command)

    assert before == office.seats()["mason1"]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        pytest.param("plumb.yaml", "Free under MIT", "Free for now", id="dossier"),
        pytest.param("personas/mason1.md", "few words", "many words", id="persona"),
        pytest.param("personas/mason1.md", "order: 1", "order: 1\nversion: 2", id="version"),
    ],
)
def test_an_accepted_take_is_dropped_with_its_question(office: Office, name: str, old: str, new: str) -> None:
    """After dossier or persona changed, note and number are dropped, in so many words and once in the log."""
    office.reviewed()
    office.done(*ONE, "--accept", "--note", "shorter")
    office.change(name, old, new)
    printed = [office.done("review", "plumb.yaml") for _ in range(2)]
    asks = [(ask["sample"], ask["note"]) for ask in office.seat("mason1")["asks"]]

    told = "  note: mason1: the take that was accepted no longer holds: dossier or persona changed since"
    assert [1, 0] == [text.splitlines().count(told) for text in printed]
    assert [["mason1"]] == [event["dropped"] for event in office.events() if event.get("dropped")]
    assert ([(1, False)], 0) == (asks, office.seat("mason1")["take"]["retakes"])
    assert "retaken" not in office.disclosed()


def test_an_accepted_take_is_asked_again_of_another_model(office: Office) -> None:
    """A choice outlives a change of model or prompt: its number and note are asked, and it still counts."""
    office.reviewed()
    office.done(*ONE, "--accept", "--note", "shorter")
    office.change("panel.toml", "fake:panel", "fake:other")
    office.done("review", "plumb.yaml")
    [asked] = [request for request in office.requests[4:] if request.label.persona == "mason1"]

    assert ((2, "shorter", "fake:other"), 1) == (
        (asked.sample, asked.note, asked.model),
        office.seat("mason1")["take"]["retakes"],
    )


@pytest.mark.parametrize(
    "last", [[*ONE, "--accept"], ["review", "plumb.yaml", "--persona", "mason1", "--mode", "fresh"]]
)
def test_asking_until_it_is_liked_shows(office: Office, last: list[str]) -> None:
    """Each time that a seat was asked anew counts, left or accepted, by retake or fresh review; the page says it."""
    office.reviewed()
    for _ in range(2):
        office.done(*ONE, "--keep")
    assert "retaken" not in office.disclosed()
    office.done(*last)

    assert (3, ["mason1"]) == (office.seat("mason1")["take"]["retakes"], office.disclosed()["retaken"])
    assert "Retaken: the take was accepted after the seat had been asked anew" in office.kept("review.md").read_text()


def test_a_preview_asks_and_writes_nothing(office: Office) -> None:
    """`--preview` shows sample and note, what it would cost and which pages it touches, and leaves all as it is."""
    office.reviewed().asked()
    before = office.tree()
    printed = office.done(*ONE, "--preview", "--note", "shorter", "--model", "anthropic:claude-sonnet-5-5")

    assert ([], before) == (office.asked(), office.tree())
    assert 'Mason 1 once more: sample 2, note "shorter"' in printed
    assert "  cost     about $0.0" in printed
    assert "  pages    plumb/review.md" in printed
    assert "Nobody was asked." == printed.splitlines()[-1]


def test_a_preview_knows_what_was_paid_for(office: Office) -> None:
    """Where a ledger holds what would be asked, as after a crash, the preview says so, and the retake asks nobody."""
    office.reviewed()
    office.done(*ONE, "--keep")
    office.kept("takes/mason1-2.json").unlink()
    office.asked()

    assert "cost     nothing: a ledger holds it" in office.done(*ONE, "--preview")
    assert "1 reply from the ledger, 0 asked now" in office.done(*ONE, "--accept")
    assert ([], HEADLINES[1]) == (office.asked(), office.seat("mason1")["take"]["headline"])


REFUSED = {
    "no terminal": (["--persona", "mason1"], "there is no terminal to answer in: say --accept or --keep"),
    "both answers": (["--persona", "mason1", "--accept", "--keep"], "--accept and --keep: choose one"),
    "nobody": (["--persona", "masson1", "--accept"], "no persona 'masson1' on the panel; did you mean mason1?"),
    "not invited": (["--persona", "mason2", "--accept"], "plumb: mason2: is not invited: no wall in it"),
    "samples": (["--persona", "mason1", "--accept", "--samples", "10"], "--samples: write a number from 1 to 9"),
    "no key": (["--persona", "mason1", "--accept", "--model", "openai:x", "--samples", "1"], "set OPENAI_API_KEY"),
}


@pytest.mark.parametrize(("arguments", "message"), REFUSED.values(), ids=REFUSED)
def test_what_can_t_be_retaken_is_told_before_anybody_is_asked(
    office: Office, arguments: list[str], message: str
) -> None:
    """Whatever is wrong is told in exit 2, before anything is asked or written."""
    office.change("plumb.yaml", "released:", "seats: {mason2: no wall in it}\nreleased:")
    office.reviewed().asked()
    before = office.tree()

    assert message in office.refused("retake", "plumb", *arguments)
    assert ([], before) == (office.asked(), office.tree())


def test_a_retake_needs_a_review(office: Office) -> None:
    """Without a record there is nothing to hold a retake against, and nobody is asked."""
    assert "plumb: there is no review yet; begin with panel review" in office.refused(*ONE, "--accept")
    assert [] == office.asked()


@pytest.mark.parametrize("answer", ["--accept", "--keep"])
@pytest.mark.parametrize("error", [Transient("busy"), Rejected(f"no such key{STEERING}")], ids=["busy", "key"])
def test_an_outage_leaves_all_as_it_was(office: Office, error: Exception, answer: str) -> None:
    """Where the provider fails, exit 1 says why, every file is as it was, and the next retake takes the same number."""
    office.reviewed()
    before = office.tree()
    office.answers["mason1"] = error
    done = office.type(*ONE, answer)

    assert (1, before, "") == (done.exit_code, office.tree(), steering(done.output))
    assert f"failed ({str(error)[:4]}" in done.stdout
    office.answers.clear()
    office.done(*ONE, "--accept")
    assert 2 == office.requests[-1].sample


@pytest.mark.parametrize(
    ("answer", "absence"),
    [
        pytest.param("no JSON at all", "unreadable", id="unreadable"),
        pytest.param(made.reply(vote="skip"), "incoherent", id="incoherent"),
        pytest.param(said("", "fake:x").model_copy(update={"stop": Stop.REFUSED}), "refused", id="refused"),
    ],
)
def test_a_reply_that_is_no_take_is_not_accepted(office: Office, answer: str | Reply, absence: str) -> None:
    """A reply that makes no take leaves the record as it is, with exit 1; it keeps its number in the history."""
    before = office.reviewed().tree("log.jsonl")
    office.answers["mason1"] = answer
    assert 1 == office.type(*ONE, "--accept").exit_code

    after = office.tree("log.jsonl")
    assert (before, absence) == (
        {name: after[name] for name in before},
        office.data("takes/mason1-2.json")["seat"]["absence"],
    )
    office.answers.clear()
    office.done(*ONE, "--accept")
    assert (3, 2) == (office.requests[-1].sample, office.seat("mason1")["take"]["retakes"])


def test_an_outage_can_t_be_accepted(office: Office) -> None:
    """Whoever calls it, what is no take is not put into the record."""
    project, tool, error = office.reviewed().project(), made.tool(office.folder), Transient("busy")
    providers = Providers(project.settings, project.prompts, models={"fake": Fake(lambda _: error)})
    asked = planned(project, tool, project.panel[1], None, None)
    taken = asyncio.run(retake(project, tool, asked, providers))
    before = office.tree()
    with pytest.raises(InputError, match="plumb: mason1: nothing to accept: failed"):
        asyncio.run(accept(project, tool, taken))

    assert (before, taken.before) == (office.tree(), project.store.review("plumb"))


def test_an_honest_abstention_can_be_accepted(office: Office) -> None:
    """A critic that abstains when asked anew is taken at its word, and the record has the reason."""
    office.reviewed()
    office.answers["mason1"] = ABSTAINS
    assert "seat     Mason 1 69 ship to abstained (no word on the price)" in office.done(*ONE, "--accept")

    assert ("abstained", None) == (office.seat("mason1")["absence"], office.seat("mason1")["take"])
    office.asked()
    office.done("review", "plumb.yaml")
    assert ([], "abstained") == (office.asked(), office.seat("mason1")["absence"])


@pytest.mark.parametrize(("samples", "numbers"), [("3", [2, 3, 4]), ("auto", [2, 3, 4, 5, 6])])
def test_a_retake_of_several_samples_is_one_take(office: Office, samples: str, numbers: list[int]) -> None:
    """A seat asked anew for several samples draws the next ones, as many as it takes; they come and go together."""
    office.reviewed()
    office.answers["mason1"] = near
    office.done(*ONE, "--accept", "--samples", samples)
    office.answers.clear()
    before = office.seats()
    office.done("review", "plumb.yaml")

    assert (numbers, before) == ([ask["sample"] for ask in office.seat("mason1")["asks"]], office.seats())
    assert (len(numbers), 1) == (office.seat("mason1")["take"]["samples"], office.seat("mason1")["take"]["retakes"])
    office.done(*ONE, "--keep")
    assert numbers[-1] + 1 == office.requests[-1].sample


def test_a_stale_seat_is_asked_for_the_first_time(office: Office) -> None:
    """After the dossier changed, a retake is the first ask of the new question: number one, and nothing to disclose."""
    office.reviewed()
    office.done(*ONE, "--accept", "--note", "shorter")
    office.change("plumb.yaml", "Free under MIT", "Free for now")
    office.done(*ONE, "--accept")

    assert ((1, None), 0) == (
        (office.requests[-1].sample, office.requests[-1].note),
        office.seat("mason1")["take"]["retakes"],
    )
    assert ("retaken" in office.disclosed(), ["mason0", "mason2"]) == (False, office.disclosed()["stale"])


def test_a_record_without_a_history_counts_too(office: Office) -> None:
    """Where the takes of a record were never kept, as in earlier versions, a retake goes on from its number."""
    office.done("review", "plumb.yaml", "--samples", "3")
    shutil.rmtree(office.kept("takes"))
    office.done(*ONE, "--accept")

    assert (4, 1) == (office.requests[-1].sample, office.seat("mason1")["take"]["retakes"])


def test_a_seat_that_the_record_lacks_can_be_asked(office: Office) -> None:
    """A persona that is new since the review gets its seat by a retake; the others stay byte for byte."""
    before = office.reviewed().seats()
    text = office.path("personas/mason1.md").read_text()
    office.path("personas/stone.md").write_text(text.replace("id: mason1", "id: stone").replace("order: 1", "order: 0"))
    printed = office.done("retake", "plumb", "--persona", "stone", "--accept")

    assert "verdict  Ship 3-0 to Ship 4-0" in printed
    assert ["mason0", "stone", "mason1", "mason2"] == [*office.seats()]
    assert before == {id: seat for id, seat in office.seats().items() if id != "stone"}
    assert 0 == json.loads(office.seats()["stone"])["take"]["retakes"]
