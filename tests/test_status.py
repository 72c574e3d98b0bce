"""Status: which seats are stale and why, what a refresh would cost, and that a review then asks for just these."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

import made
import pytest
from office import STEERING, Office, steering

from panel.choices import choice
from panel.errors import Transient
from panel.estimate import estimate
from panel.files import readable
from panel.project import packaged

ALL, ONE = ("mason0", "mason1", "mason2"), ("mason1",)
ANCHOR = "{0: bad enough to leave, 2: as one expects, 4: good enough to choose}"
NEWS = "  - {id: news, title: News, kind: independent, text: Lead Works was bought.}\n"

CHANGES: dict[str, tuple[str, str, str, tuple[str, ...], str]] = {
    "the price": ("plumb.yaml", "Free under MIT", "Free for now", ALL, "pricing changed"),
    "the kind": ("plumb.yaml", "kind: library", "kind: service", ALL, "kind changed"),
    "a source": ("plumb.yaml", "title: A b", "title: The b", ALL, "source bench changed"),
    "a new source": ("plumb.yaml", "sources:\n", f"sources:\n{NEWS}", ALL, "source news added"),
    "a criterion": ("personas/mason1.md", ANCHOR, ANCHOR.upper(), ONE, "mason1.md criterion shape changed"),
    "the voice": ("personas/mason1.md", "few words", "many words", ONE, "mason1.md voice changed"),
    "the motto": ("personas/mason1.md", "the wall stand", "it stand", ONE, "mason1.md motto changed"),
    "the threshold": ("personas/mason1.md", "order: 1", "order: 1\nthreshold: 65", ONE, "mason1.md threshold changed"),
    "the limit": ("panel.toml", "model", "max_tokens = 8000\nmodel", ALL, "max_tokens changed: 16000 to 8000"),
    "the effort": ("panel.toml", "model", 'effort = "high"\nmodel', ALL, "effort changed: None to high"),
    "the model": ("panel.toml", "fake:panel", "fake:other", ALL, "model changed: fake:panel to fake:other"),
    "a seat's model": (
        *("panel.toml", '["."]', '["."]\n[models]\nmason1 = "fake:other"', ONE),
        "model changed: fake:panel to fake:other",
    ),
    "a persona's model": (
        *("personas/mason1.md", "order: 1", "order: 1\nmodel: fake:other", ONE),
        "model changed: fake:panel to fake:other",
    ),
}

FREE: dict[str, tuple[str, str, str, tuple[str, ...], str]] = {
    "the version": ("personas/mason1.md", "order: 1", "order: 1\nversion: 2", ONE, "mason1.md version changed"),
    "the place": ("personas/mason1.md", "order: 1", "order: 9", ONE, "mason1.md changed"),
}
"""What changes the record of a seat, and nothing that it would be asked with."""


@pytest.mark.parametrize(("name", "old", "new", "stale", "why"), (CHANGES | FREE).values(), ids=CHANGES | FREE)
def test_each_change_makes_its_seats_stale(
    office: Office, name: str, old: str, new: str, stale: tuple[str, ...], why: str
) -> None:
    """A change makes exactly its seats stale, for just its reason; a review asks for these, and leaves the others."""
    before = office.reviewed().seats()
    office.asked()
    office.change(name, old, new)
    is_asked = (name, old, new, stale, why) not in FREE.values()

    assert dict.fromkeys(stale, why) == office.stale()
    office.done("review", "plumb.yaml")
    assert [*stale] * is_asked == office.asked()
    assert {id for id, seat in office.seats().items() if before[id] != seat} == set(stale)
    assert {} == office.stale()


@pytest.mark.parametrize("name", ["system.md", "persona.md.j2", "repair.md.j2", "first-hand.txt"])
def test_a_prompt_file_of_one_s_own_is_named(office: Office, name: str) -> None:
    """A project's own prompt file makes every seat stale with its name; only what is asked with it is asked for."""
    office.reviewed().asked()
    office.path("prompts").mkdir()
    text = (packaged("prompts") / name).read_text()
    office.path(f"prompts/{name}").write_text(text + "\nMind the rain.\n")

    assert dict.fromkeys(ALL, f"prompt {name} changed") == office.stale()
    office.done("review", "plumb.yaml")
    assert ([*ALL] if name in ("system.md", "persona.md.j2") else []) == office.asked()
    assert {} == office.stale()


def test_several_changes_are_named_together(office: Office) -> None:
    """A seat that is stale for several reasons has all of them, the dossier's first."""
    office.reviewed()
    for name in ("the model", "the voice", "the price"):
        office.change(*CHANGES[name][:3])

    model = "model changed: fake:panel to fake:other"
    assert (
        dict.fromkeys(ALL, f"pricing changed; {model}")
        | {"mason1": f"pricing changed; mason1.md voice changed; {model}"}
        == office.stale()
    )


UNSEEN = {
    "an alias": ("license:", "aliases: [Line]\nlicense:"),
    "a link": ("license:", "links: {home: 'https://example.org'}\nlicense:"),
    "the day of the price": ("at all}", "at all, checked_on: 2026-11-20}"),
    "the price's address": ("at all}", "at all, url: 'https://example.org/price'}"),
    "the lowest price": ("at all}", "at all, from: 3, currency: EUR}"),
    "a source's address": ("kind: maker", "kind: maker\n    url: https://example.org/docs"),
    "a comment": ("license:", "# as on the page\nlicense:"),
}


@pytest.mark.parametrize(("old", "new"), UNSEEN.values(), ids=UNSEEN)
def test_what_no_reply_saw_makes_nothing_stale(office: Office, old: str, new: str) -> None:
    """Fields of the dossier that critics are not shown make no seat stale, and a review asks nobody."""
    before = office.reviewed().seats()
    office.asked()
    office.change("plumb.yaml", old, new)

    assert {} == office.stale()
    office.done("review", "plumb.yaml")
    assert ([], before) == (office.asked(), office.seats())


def test_a_flag_that_another_name_takes_away_is_told(office: Office) -> None:
    """Where a take says a name that becomes an alias, that seat alone is stale, for that reason, at no cost."""
    office.answers["mason1"] = made.reply(best_for="teams that know Plumbline well")
    office.reviewed()
    assert office.seat("mason1")["take"]["flags"]
    office.asked()
    office.change("plumb.yaml", "license:", "aliases: [Plumbline]\nlicense:")

    assert {"mason1": "aliases changed"} == office.stale()
    assert "takes nothing that is paid for" in office.done("status")
    office.done("review", "plumb.yaml")
    assert ([], []) == (office.asked(), office.seat("mason1")["take"]["flags"])


@pytest.mark.parametrize("office", [5], indirect=True)
def test_one_word_in_one_of_five_files(office: Office) -> None:
    """One changed word in one persona's file leaves the other four seats byte for byte, and asks for one reply."""
    before = office.reviewed().seats()
    assert 5 == len(office.asked())
    office.change("personas/mason3.md", "brochure", "leaflet")

    assert {"mason3": "mason3.md voice changed"} == office.stale()
    assert "4 replies from the ledger, 1 asked now" in office.done("review", "plumb.yaml")
    assert ["mason3"] == office.asked()
    assert {"mason3"} == {id for id, seat in office.seats().items() if before[id] != seat}


def test_status_asks_nobody_and_writes_nothing(office: Office) -> None:
    """However stale the seats are, status leaves every file as it is; it says the reason once where all share it."""
    office.reviewed().asked()
    office.change(*CHANGES["the price"][:3])
    before = office.tree()
    printed = office.done("status")

    assert ["plumb · Ship", "  mason0, mason1, mason2: pricing changed"] == printed.splitlines()[:2]
    assert "3 stale seats: a refresh takes 3 requests, about $0.000." == printed.splitlines()[-1]
    assert ([], before) == (office.asked(), office.tree())


def test_status_as_json_has_a_shape(office: Office) -> None:
    """`--json` is a list of tools with every seat of the panel: persona, stale, why, lock, requests and cost."""
    office.reviewed()
    office.change(*CHANGES["the voice"][:3])
    [tool] = json.loads(office.done("status", "plumb", "--json"))
    fresh = {"stale": False, "why": None, "locked": False, "asks": 0, "cost_usd": "0"}
    stale = {"stale": True, "why": "mason1.md voice changed", "locked": False, "asks": 1, "cost_usd": "0"}

    assert ("plumb", "Plumb", "Ship", []) == (tool["tool"], tool["name"], tool["label"], tool["comparisons"])
    assert str(office.path("plumb.yaml")) == tool["path"]
    assert [{"persona": f"mason{n}", "name": f"Mason {n}"} | (stale if n == 1 else fresh) for n in range(3)] == tool[
        "seats"
    ]


def test_a_refresh_costs_what_an_estimate_says(office: Office) -> None:
    """Each stale seat has its share of the estimate, as a decimal; the last line has the sum; a locked one is free."""
    office.reviewed()
    office.change("panel.toml", "fake:panel", "anthropic:claude-sonnet-5-5")
    office.done("lock", "plumb", "--persona", "mason2")
    [tool] = json.loads(office.done("status", "--json"))
    project, costs = office.project(), [Decimal(seat["cost_usd"]) for seat in tool["seats"]]
    likely = estimate(project, made.tool(office.folder), datetime.now(UTC)).likely

    assert [(1, False), (1, False), (0, True)] == [(seat["asks"], seat["locked"]) for seat in tool["seats"]]
    assert (likely, Decimal(0)) == (sum(costs), costs[2])
    assert f"a refresh takes 2 requests, about ${likely:.3f}." in office.done("status")


def test_a_price_that_nobody_knows_is_not_zero(office: Office) -> None:
    """Where the price of a model is not known, the cost of a seat is null, and the sum says so."""
    office.reviewed()
    office.change("panel.toml", "fake:panel", "openai:nobody-knows")
    [tool] = json.loads(office.done("status", "--json"))

    assert [None] * 3 == [seat["cost_usd"] for seat in tool["seats"]]
    assert "3 requests, about $0.000 and an unknown price." in office.done("status")


def test_what_was_never_asked_is_told(office: Office) -> None:
    """Before the first review every seat is stale, and the tool has no label."""
    assert ["plumb · not reviewed", "  mason0, mason1, mason2: not asked yet"] == office.done("status").splitlines()[:2]


def test_an_outage_is_told_with_its_reason(office: Office) -> None:
    """A seat that the provider failed is stale with what the provider said; the next review asks for it alone."""
    office.answers["mason1"] = Transient(f"busy{STEERING}")
    assert 1 == office.type("review", "plumb.yaml").exit_code
    assert ["mason1"] == [*office.stale()]
    assert office.stale()["mason1"].startswith("the provider failed it: busy")
    assert "" == steering(office.done("status") + office.done("status", "--json"))

    office.answers.clear()
    office.asked()
    office.done("review", "plumb.yaml")
    assert ["mason1"] == office.asked()


@pytest.mark.parametrize(("first", "then", "asked"), [("1", "3", 6), ("3", "1", 0)])
def test_another_number_of_samples_is_told(office: Office, first: str, then: str, asked: int) -> None:
    """Where a seat is to be asked more or less often than it was, that is the reason, not a lost recording."""
    office.change("panel.toml", "model", f"samples = {first}\nmodel")
    office.done("review", "plumb.yaml")
    office.asked()
    office.change("panel.toml", f"samples = {first}", f"samples = {then}")

    assert dict.fromkeys(ALL, f"samples changed: {first} to {then}") == office.stale()
    office.done("review", "plumb.yaml")
    assert asked == len(office.asked())


def test_a_lost_recording_is_told(office: Office) -> None:
    """Where the ledger lost the replies and all else is as it was, that is the reason."""
    office.reviewed()
    shutil.rmtree(office.path("runs/ledger"))

    assert dict.fromkeys(ALL, "its recording is gone from the ledger") == office.stale()


def test_a_lost_record_is_told(office: Office) -> None:
    """Where the record is gone and the ledger has the replies, a refresh takes nothing that is paid for."""
    office.reviewed()
    office.kept("review.json").unlink()

    assert dict.fromkeys(ALL, "answered, and not in the record yet") == office.stale()
    assert "3 stale seats: a refresh takes nothing that is paid for." in office.done("status")


def test_a_choice_that_is_not_in_the_record_is_told(office: Office) -> None:
    """Where an accept was stopped between choices and record, the seat is stale, and a review completes it for free."""
    office.reviewed()
    office.done("retake", "plumb", "--persona", "mason1", "--keep")
    office.asked()
    chosen = choice(2, 1, made.plumb(), office.project().panel[1])
    office.leave("choices.json", readable({"seats": {"mason1": chosen.as_json()}}).decode())

    assert {"mason1": "another take was accepted"} == office.stale()
    office.done("review", "plumb.yaml")
    assert ([], {}) == (office.asked(), office.stale())


OTHERS: Mapping[str, tuple[str, str]] = {
    "the price": ("mason1", "dossier changed"),
    "the voice": ("mason1", "mason1.md changed"),
    "the model": ("mason1", "model changed: fake:panel to fake:other"),
}


@pytest.mark.parametrize("change", OTHERS)
def test_without_a_history_the_reason_is_told_in_the_rough(office: Office, change: str) -> None:
    """A record without takes beside it, as earlier versions wrote it, still says whether it was dossier or persona."""
    office.reviewed()
    shutil.rmtree(office.kept("takes"))
    office.change(*CHANGES[change][:3])
    persona, why = OTHERS[change]

    assert why == office.stale()[persona]


def test_seats_that_come_and_go_are_told(office: Office) -> None:
    """A persona that is new, one that left and one that is no longer invited are told as such."""
    office.reviewed()
    office.path("personas/mason0.md").rename(office.path("personas/stone.md"))
    office.change("personas/stone.md", "id: mason0", "id: stone")
    office.change("plumb.yaml", "released:", "seats: {mason1: no wall in it}\nreleased:")
    found = office.stale()

    assert {"stone": "not asked yet", "mason0": "not on the panel any more"} == {
        id: why for id, why in found.items() if id != "mason1"
    }
    assert found["mason1"].startswith("not invited")
    office.done("review", "plumb.yaml")
    assert {} == office.stale()


@pytest.mark.parametrize("silence", ["not invited", "failed"])
def test_a_locked_review_has_a_status(office: Office, silence: str) -> None:
    """Seats that a locked review keeps without a take are no trouble; what is stale in it costs nothing to leave."""
    if silence == "failed":
        office.answers["mason0"] = Transient("busy")
    else:
        office.change("plumb.yaml", "released:", "seats: {mason0: no wall in it}\nreleased:")
    office.type("review", "plumb.yaml")
    office.done("lock", "plumb")
    assert {} == office.stale()

    office.change(*CHANGES["the price"][:3])
    assert {"mason1": "pricing changed", "mason2": "pricing changed"} == office.stale()
    assert "2 stale seats: a refresh takes nothing that is paid for." in office.done("status")


def test_comparisons_that_a_change_touches_are_named(office: Office) -> None:
    """The comparisons of a stale tool are named; folders whose names are none, or another tool's, are not."""
    office.reviewed()
    others = ("level-vs-plumbline", "plumb", "plumb-vs-", f"plumb-vs-{STEERING}", "plumb-vs-a\n  b", "../plumb-vs-a")
    for name in ("level-vs-plumb", "plumb-vs-ruler", *others[:5], os.fsdecode(b"plumb-vs-\xff")):
        (office.path("runs/compare") / name).mkdir(parents=True)
    touched = ["level-vs-plumb", "plumb-vs-ruler"]

    assert touched == json.loads(office.done("status", "--json"))[0]["comparisons"]
    assert "touches" not in office.done("status")
    office.change(*CHANGES["the price"][:3])
    assert f"  touches {', '.join(touched)}" in office.done("status").splitlines()


def test_a_broken_file_is_told_with_its_name(office: Office) -> None:
    """A record, a take or a recording that can't be read ends in exit 2 and one line that names it."""
    office.reviewed()
    [*recordings] = office.path("runs/ledger").rglob("*.json")
    for path in (recordings[0], office.kept("review.json")):
        path.write_text("{")
        told = office.refused("status")

        assert (True, 1) == (str(path) in told, len(told.splitlines()))
