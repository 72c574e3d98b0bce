"""The past: the log, two takes held against each other, a take brought back; and locks, which nothing gets past."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import made
import pytest
from made import PERSONA
from office import HEADLINES, STEERING, Office, steering

ONE = ("--persona", "mason1")
RETAKE = ("retake", "plumb", *ONE)
DOSSIER = ("plumb.yaml", "Free under MIT", "Free for now")
VOICE = ("personas/mason1.md", "few words", "many words")

FIRST, SECOND = (PERSONA[PERSONA.index(f"  - id: {id}") :].split("\n  - id")[0] for id in ("shape", "start"))
SWAPPED = ("personas/mason1.md", f"{FIRST}\n{SECOND}", f"{SECOND}\n{FIRST}")


def own_prompt(office: Office) -> None:
    """Give the project a prompt file of its own."""
    office.path("prompts").mkdir()
    shutil.copy(Path(__file__).parent.parent / "prompts" / "system.md", office.path("prompts"))
    office.change("prompts/system.md", "\n", "\nMind the rain.\n")


@pytest.fixture
def desk(office: Office) -> Office:
    """A reviewed tool whose mason1 was asked anew; the second take was accepted."""
    office.reviewed()
    office.done(*RETAKE, "--accept", "--note", "shorter")
    office.asked()
    return office


def test_the_log_shows_every_take_and_what_was_done(desk: Office) -> None:
    """Each take has a line with what it came to, a star at the one in the record; each event has one with its parts."""
    desk.done(*RETAKE, "--keep", "--samples", "3")
    desk.done("restore", "plumb", *ONE, "--take", "1")
    lines = desk.done("log", "plumb").splitlines()
    told = [line.split("Z  ")[1] for line in lines if line.startswith("  20")]

    assert [
        "Plumb (plumb)",
        "  mason0     take 1 *  69 ship, sample 1",
        "  mason1     take 1 *  69 ship, sample 1",
        "  mason1     take 2    69 ship, sample 2",
        "  mason1     take 3    69 ship, samples 3 to 5",
        "  mason2     take 1 *  69 ship, sample 1",
    ] == lines[:6]
    assert [
        "review   asked 3, label Ship",
        'retake   mason1, take 2, 69 ship, "shorter"',
        "accept   mason1, take 2",
        "retake   mason1, take 3, 69 ship",
        "keep     mason1, rejected 3",
        "restore  mason1, take 1",
    ] == told


def test_the_log_of_one_seat(desk: Office) -> None:
    """`--persona` shows the takes and the events of that seat alone; `--json` has both as data."""
    lines, data = desk.done("log", "plumb", *ONE).splitlines(), json.loads(desk.done("log", "plumb", *ONE, "--json"))

    assert (1 + 2 + 2, []) == (len(lines), [line for line in lines if "mason0" in line])
    assert [{"persona": "mason1", "take": n, "current": n == 2} for n in (1, 2)] == data["takes"]
    assert [("retake", 2), ("accept", 2)] == [(event["event"], event["take"]) for event in data["events"]]


def test_the_last_two_takes_are_compared(desk: Office) -> None:
    """Without numbers, each critic with two takes is shown: what the change means, then the words that changed."""
    desk.answers["mason0"] = made.reply(**made.scoring(2, 1, 2, 1, 2, vote="skip"))
    desk.done("retake", "plumb", "--persona", "mason0", "--keep")
    printed = desk.done("diff", "plumb")

    assert "Mason 0 flipped 69 to 40: criterion shape 3 to 2, " in printed
    assert "    [-so it is-]" not in printed
    assert "Mason 1 still 69 ship: other headline, retakes" in printed
    assert "    [-A plain check that keeps nothing-]\n    {+A second look at the same wall+}" in printed
    assert "Mason 2" not in printed


def test_two_takes_are_compared_by_their_numbers(desk: Office) -> None:
    """One number is held against the record, two against each other, in the order given; the same is told as such."""
    desk.done(*RETAKE, "--keep")
    shown = {numbers: desk.done("diff", "plumb", *numbers.split(), *ONE) for numbers in ("3", "1 3", "3 1", "2")}

    assert (True, True) == (f"[-{HEADLINES[0]}-]" in shown["1 3"], f"{{+{HEADLINES[2]}+}}" in shown["1 3"])
    assert (True, True) == (f"[-{HEADLINES[2]}-]" in shown["3 1"], f"{{+{HEADLINES[0]}+}}" in shown["3 1"])
    assert (True, True) == (f"[-{HEADLINES[2]}-]" in shown["3"], f"{{+{HEADLINES[1]}+}}" in shown["3"])
    assert "Mason 1: the same" == shown["2"].strip()


NOTHING = {
    "no such take": (["diff", "plumb", "7", *ONE], "plumb: mason1: no take 7; there are 1, 2"),
    "one take": (["diff", "plumb", "--persona", "mason0"], "plumb: mason0: 1 take, so nothing to hold it against"),
    "numbers of nobody": (["diff", "plumb", "1", "2"], "takes are numbered by critic: say whose with --persona"),
    "a number below one": (["diff", "plumb", "0", *ONE], "Invalid value"),
    "nothing to restore": (["restore", "plumb", *ONE, "--take", "3"], "plumb: mason1: no take 3; there are 1, 2"),
    "nobody": (["log", "plumb", "--persona", "mason9"], "no persona 'mason9' on the panel"),
}


@pytest.mark.parametrize(("command", "message"), NOTHING.values(), ids=NOTHING)
def test_what_is_not_there_is_told(desk: Office, command: list[str], message: str) -> None:
    """A take, a pair or a persona that is not there is told with those that are, and nothing is changed."""
    before = desk.tree()

    assert (True, before) == (message in desk.refused(*command), desk.tree())


def test_without_two_takes_there_is_no_difference(office: Office) -> None:
    """Where no critic has two takes, the command says so, also before the first review."""
    assert "plumb: no critic has two takes.\n" == office.done("diff", "plumb")
    assert "there is none yet" in office.refused("restore", "plumb", *ONE, "--take", "1")
    assert "plumb: no critic has two takes.\n" == office.reviewed().done("diff", "plumb")


def test_no_text_of_a_take_steers_the_terminal(desk: Office) -> None:
    """Words that a stranger wrote into a take are shown as plain characters."""
    desk.spoil("takes/mason1-2.json", lambda data: data["seat"]["take"].update(text=STEERING, headline=STEERING))

    assert "" == steering(desk.done("diff", "plumb", "1", "2", *ONE) + desk.done("log", "plumb"))


def test_an_earlier_take_comes_back_as_it_was(desk: Office) -> None:
    """A restored take is in the record as it first was, but for the count of retakes; later reviews keep it."""
    [first, second] = [desk.data(f"takes/mason1-{number}.json")["seat"] for number in (1, 2)]
    others = {id: seat for id, seat in desk.seats().items() if id != "mason1"}
    for number, seat in ((1, first), (2, second), (1, first)):
        desk.done("restore", "plumb", *ONE, "--take", str(number))
        desk.done("review", "plumb.yaml")

        assert seat | {"take": seat["take"] | {"retakes": 1}} == desk.seat("mason1")
        assert others == {id: seat for id, seat in desk.seats().items() if id != "mason1"}
    assert ([], 2) == (desk.asked(), len(desk.project().store.history("plumb").entries("mason1")))


CHANGED = {
    "the dossier": (DOSSIER, "pricing changed", "stale"),
    "the persona": (VOICE, "mason1.md voice changed", None),
    "the persona's version": (
        ("personas/mason1.md", "order: 1", "order: 1\nversion: 2"),
        "mason1.md version changed",
        None,
    ),
    "another criterion": (("personas/mason1.md", "shape", "s_hape"), "criterion s_hape added", None),
    "the order of criteria": (SWAPPED, "mason1.md changed", None),
    "the prompt": (None, "prompt system.md changed", "prompts"),
}


@pytest.mark.parametrize(("change", "why", "disclosed"), CHANGED.values(), ids=CHANGED)
def test_a_take_from_another_question_comes_back_locked(
    desk: Office, change: tuple[str, str, str] | None, why: str, disclosed: str | None
) -> None:
    """A take of another dossier, persona or prompt needs --lock; then it is as it was, locked, and disclosed."""
    if change:
        desk.change(*change)
    else:
        own_prompt(desk)
    desk.done("review", "plumb.yaml")
    before, seats, old = desk.tree(), desk.seats(), desk.data("takes/mason1-1.json")["seat"]
    told = desk.refused("restore", "plumb", *ONE, "--take", "1")

    assert (True, True, before) == (why in told, "add --lock" in told, desk.tree())
    desk.asked()
    desk.done("restore", "plumb", *ONE, "--take", "1", "--lock")
    desk.done("review", "plumb.yaml")
    assert (old, ["mason1"], []) == (desk.seat("mason1"), [*desk.data("choices.json")["locked"]], desk.asked())
    assert ["mason1"] == desk.disclosed().get(disclosed or "", ["mason1"])
    assert {id: seats[id] for id in ("mason0", "mason2")} == {id: desk.seats()[id] for id in ("mason0", "mason2")}

    assert why in desk.stale()["mason1"]
    desk.done("lock", "plumb", "--release")
    desk.done("review", "plumb.yaml")
    assert {} == desk.stale()


def test_seats_of_several_prompts_are_disclosed(desk: Office) -> None:
    """Where prompts changed between seats, the fewer are named; all of them where neither are more."""
    own_prompt(desk)
    desk.done("review", "plumb.yaml", "--persona", "mason0")
    assert ["mason0"] == desk.disclosed()["prompts"]
    desk.done("review", "plumb.yaml", *ONE)
    assert ["mason2"] == desk.disclosed()["prompts"]

    desk.path("personas/mason0.md").unlink()
    desk.done("review", "plumb.yaml", *ONE)
    assert ["mason1", "mason2"] == desk.disclosed()["prompts"]
    desk.done("review", "plumb.yaml")
    assert "prompts" not in desk.disclosed()


def test_a_take_whose_persona_only_moved_comes_back(desk: Office) -> None:
    """Another place at the table is no other question: the take comes back without a lock, at its new place."""
    desk.change("personas/mason1.md", "order: 1", "order: 9")
    desk.done("restore", "plumb", *ONE, "--take", "1")

    assert (HEADLINES[0], "mason1") == (desk.seat("mason1")["take"]["headline"], [*desk.seats()][-1])


def test_a_take_whose_recording_is_gone_costs_no_take(desk: Office) -> None:
    """Where the ledger lost the reply, a take comes back as it was and locked, or not at all; nothing is lost."""
    shutil.rmtree(desk.path("runs/ledger"))
    before = desk.tree()
    told = desk.refused("restore", "plumb", *ONE, "--take", "1")

    assert ("plumb: mason1: no recording of this request" in told, before) == (True, desk.tree())
    desk.done("restore", "plumb", *ONE, "--take", "1", "--lock")
    assert HEADLINES[0] == desk.seat("mason1")["take"]["headline"]


SEAT_KEPT = (
    ["review", "plumb.yaml"], ["review", "plumb.yaml", "--mode", "fresh"],
    ["retake", "plumb", "--persona", "mason0", "--accept"],
)  # fmt: skip
SEAT_REFUSED = (
    ["review", "plumb.yaml", *ONE], ["review", "plumb.yaml", *ONE, "--mode", "fresh"], [*RETAKE, "--accept"],
    [*RETAKE, "--keep"], [*RETAKE, "--preview"], ["edit", "plumb", *ONE], ["restore", "plumb", *ONE, "--take", "1"],
    ["restore", "plumb", *ONE, "--take", "1", "--lock"],
)  # fmt: skip


@pytest.mark.parametrize("change", [None, DOSSIER, VOICE], ids=["same", "dossier", "voice"])
def test_nothing_changes_a_locked_seat(desk: Office, change: tuple[str, str, str] | None) -> None:
    """A locked seat stays byte for byte whatever is run and whatever changed; what names it is refused."""
    before = desk.seats()["mason1"]
    assert "plumb: locked: mason1\n" == desk.done("lock", "plumb", *ONE)
    if change:
        desk.change(*change)
    for command in SEAT_REFUSED:
        tree = desk.tree()
        told = desk.refused(*command)
        assert ("locked" in told or "add --lock" in told, tree) == (True, desk.tree()), command
    for command in SEAT_KEPT:
        desk.done(*command)
        assert before == desk.seats()["mason1"]
    assert "mason1" not in desk.asked()


def test_nothing_changes_a_locked_review(desk: Office) -> None:
    """A review that is locked as a whole stays byte for byte, and nobody is asked, a new persona no more than any."""
    assert "plumb: locked: all of it\n" == desk.done("lock", "plumb")
    names = ("review.json", "review.md", "choices.json")
    before = [desk.kept(name).read_bytes() for name in names]
    desk.change(*DOSSIER)
    text = desk.path("personas/mason1.md").read_text()
    desk.path("personas/stone.md").write_text(text.replace("id: mason1", "id: stone"))
    for command in SEAT_KEPT[:2]:
        desk.done(*command)
    for command in (*SEAT_REFUSED, ["retake", "plumb", "--persona", "stone", "--accept"]):
        desk.refused(*command)

    assert (before, []) == ([desk.kept(name).read_bytes() for name in names], desk.asked())
    assert "not in the record yet" == desk.stale()["stone"]


def test_what_is_let_go_is_reviewed_again(desk: Office) -> None:
    """A seat that is let go is asked anew where it is stale, and its choice is dropped with a word in the log."""
    desk.done("lock", "plumb", *ONE)
    desk.change(*DOSSIER)
    desk.done("review", "plumb.yaml")
    desk.asked()
    assert "plumb: locked: nothing\n" == desk.done("lock", "plumb", *ONE, "--release")
    desk.done("review", "plumb.yaml")

    assert (["mason1"], ["mason1"]) == (desk.asked(), desk.events()[-1]["dropped"])


def test_locks_are_logged_once(desk: Office) -> None:
    """Each lock and release that changes something is one line of the log; one that changes nothing is none."""
    before = len(desk.events())
    for arguments in (ONE, ONE, (), (), ("--release",), ("--release",)):
        desk.done("lock", "plumb", *arguments)

    assert [("lock", ["mason1"]), ("lock", "all"), ("release", "all")] == [
        (event["event"], event["seats"]) for event in desk.events()[before:]
    ]


def test_a_lock_needs_something_to_keep(office: Office) -> None:
    """Without a record, for a persona without a seat, and for one seat of a whole lock, the lock is refused."""
    assert "plumb: there is no review yet" in office.refused("lock", "plumb")
    office.reviewed()
    assert "no persona 'mason9' on the panel" in office.refused("lock", "plumb", "--persona", "mason9")
    office.path("personas/mason2.md").rename(office.path("personas/stone.md"))
    office.change("personas/stone.md", "id: mason2", "id: stone")
    assert "plumb: stone: has nothing to keep in the record" in office.refused("lock", "plumb", "--persona", "stone")
    office.done("lock", "plumb")
    assert "plumb: locked as a whole" in office.refused("lock", "plumb", *ONE, "--release")


def test_an_earlier_take_can_be_read(desk: Office) -> None:
    """`panel show` prints a take of the history, in words and as JSON; of no critic or of several it asks whose."""
    first = desk.data("takes/mason1-1.json")["seat"]

    assert first["take"]["headline"] in desk.done("show", "plumb", *ONE, "--take", "1")
    assert first == json.loads(desk.done("show", "plumb", *ONE, "--take", "1", "--json"))
    assert "no take 9 of mason1; there are 1, 2" in desk.refused("show", "plumb", *ONE, "--take", "9")
    assert "say whose with one --persona" in desk.refused("show", "plumb", "--take", "1")
