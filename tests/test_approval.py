"""Approval: each check of the list fails for its own reason; any later change voids what was approved, and says so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import made
import pytest
from office import STEERING, Office, steering

from panel.desk.approval import Check, NotApproved, approve, price_problems
from panel.record import digest
from panel.tool import Tool, read_tool

APPROVE = ("approve", "plumb", "--by", "Ann")
RETAKE = ("retake", "plumb", "--persona", "mason1")
TODAY = datetime.now(UTC).date()
CHECKS = [
    "the record shows the dossier as it is",
    "every seat is fresh",
    "no take has a flag",
    "no seat is absent but by abstention",
    "the verdict is not provisional",
    "the price was checked within 30 days",
]


def checked(office: Office, day: date | str) -> None:
    """Write into the dossier when somebody last looked at the price."""
    office.change("plumb.yaml", "at all}", f"at all, checked_on: {day}}}")


@pytest.fixture
def desk(office: Office) -> Office:
    """A reviewed tool that can be approved."""
    checked(office, TODAY)
    return office.reviewed()


@pytest.fixture
def approved(desk: Office) -> Office:
    """A tool that Ann approved."""
    desk.done(*APPROVE)
    return desk


def failing(office: Office) -> dict[str, str]:
    """Return the checks that fail, each with its reason, by the message of the command; nothing is written."""
    before = office.tree()
    head, *lines = office.refused(*APPROVE).splitlines()
    assert ("panel: plumb: not approved; this does not hold:", before) == (head, office.tree())
    found: dict[str, list[str]] = {}
    for line in lines:
        if line.startswith("  - "):
            found[line.removeprefix("  - ")] = []
        else:
            found[[*found][-1]].append(line.strip())
    return {what: "; ".join(whys) for what, whys in found.items()}


def voids(office: Office) -> list[Any]:
    """Return what the log says of approvals that were voided."""
    return [event["why"] for event in office.events() if event["event"] == "void"]


def test_an_approval_says_who_when_what_and_of_what(desk: Office) -> None:
    """What is written: who, when, the checks that passed, and the hashes of just this record and this dossier."""
    printed = desk.done(*APPROVE)
    written, project = desk.data("approval.json"), desk.project()
    review = project.store.review("plumb")
    assert review

    assert ["plumb: approved by Ann; checked:", *(f"  {check}" for check in CHECKS)] == printed.splitlines()
    assert ("panel.approval/1", "plumb", "Ann", CHECKS) == tuple(
        written[key] for key in ("schema", "tool", "by", "checked")
    )
    assert (digest(review), review.tool.digest) == (written["review"], written["dossier"])
    assert str(TODAY) <= written["at"][:10] <= str(datetime.now(UTC).date())
    assert ("approve", "Ann", digest(review)) == tuple(desk.events()[-1][key] for key in ("event", "by", "review"))
    assert "plumb · Ship · approved by Ann · fresh" in desk.done("status")


FAILS: dict[str, tuple[Callable[[Office], object], str, str]] = {
    "another name": (
        lambda desk: desk.change("plumb.yaml", "license:", "aliases: [Line]\nlicense:"),
        CHECKS[0],
        "run panel review, which writes it anew",
    ),
    "another voice": (
        lambda desk: desk.change("personas/mason1.md", "few words", "many words"),
        CHECKS[1],
        "Mason 1: mason1.md voice changed",
    ),
    "a critic more": (
        lambda desk: desk.path("personas/stone.md").write_text(made.PERSONA.replace("id: mason", "id: stone")),
        CHECKS[1],
        "Mason: not asked yet",
    ),
    "a critic less": (
        lambda desk: desk.path("personas/mason2.md").unlink(),
        CHECKS[1],
        "Mason 2: not on the panel any more",
    ),
}


@pytest.mark.parametrize(("change", "check", "why"), FAILS.values(), ids=FAILS)
def test_what_changed_since_the_review_fails_one_check(
    desk: Office, change: Callable[[Office], object], check: str, why: str
) -> None:
    """A record that is not of today's dossier, and a seat that is not of today's panel, fail their checks alone."""
    change(desk)

    assert {check: why} == failing(desk)


def test_a_flag_fails_its_check(office: Office) -> None:
    """A take with a flag is not approved; the flag is told, with whose take it is."""
    checked(office, TODAY)
    office.answers["mason1"] = made.reply(best_for="teams that left Gantry")
    office.reviewed()

    told = 'Mason 1: best_for says "Gantry", which is neither in the dossier nor in outside'
    assert {CHECKS[2]: told} == failing(office)


@pytest.mark.parametrize("office", [3, 5], indirect=True)
def test_an_absent_seat_fails_its_check(office: Office) -> None:
    """A seat that gave no take is told with the reason; where its vote could change the label, that is told too."""
    checked(office, TODAY)
    office.answers["mason1"] = "no JSON"
    assert 1 == office.type("review", "plumb.yaml").exit_code
    found = failing(office)

    assert "Mason 1: unreadable (" in found.pop(CHECKS[3])
    of_three = {CHECKS[4]: "a seat that failed could still change the label"}
    assert (of_three if len(office.seats()) == 3 else {}) == found


def test_an_honest_abstention_can_be_approved(office: Office) -> None:
    """A seat that abstains for lack of facts stands in no approval's way."""
    checked(office, TODAY)
    office.answers["mason1"] = made.reply(ratings=[], vote=None, abstain={"reason": "no word on the price"})
    office.reviewed().done(*APPROVE)


PRICES = {
    "2026-11-20": [],
    "2026-10-21": [],
    "2026-10-20": ["last checked on 2026-10-20, 31 days ago; look again, then set pricing.checked_on"],
    "2026-11-21": ["pricing.checked_on is 2026-11-21, which is yet to come"],
    None: ["pricing.checked_on is not in the dossier"],
}


@pytest.mark.parametrize(("day", "problems"), PRICES.items(), ids=map(str, PRICES))
def test_a_price_holds_for_thirty_days(day: str | None, problems: list[str]) -> None:
    """The day on which somebody looked at the price is known, not yet to come, and at most thirty days ago."""
    checked_on = None if day is None else date.fromisoformat(day)
    pricing = made.plumb().pricing.model_copy(update={"checked_on": checked_on})

    assert problems == list(price_problems(made.changed(made.plumb(), pricing=pricing), date(2026, 11, 20)))


def test_everything_that_fails_is_told_at_once(office: Office) -> None:
    """Where several checks fail, all of them are told, in the order of the list."""
    office.answers["mason0"] = made.reply(best_for="teams that left Gantry")
    office.answers["mason1"] = "no JSON"
    office.type("review", "plumb.yaml")
    office.change("plumb.yaml", "Free under MIT", "Free for now")

    assert CHECKS == list(failing(office))


def kept_take(desk: Office) -> None:
    """Leave a second take of mason1 in the history."""
    desk.done(*RETAKE, "--keep")


RESTORE = ["restore", "plumb", "--persona", "mason1", "--take", "2"]
VOIDING: dict[str, tuple[Callable[[Office], object], list[str]]] = {
    "a price": (lambda desk: desk.change("plumb.yaml", "under MIT", "for now"), ["review", "plumb.yaml"]),
    "an alias": (
        lambda desk: desk.change("plumb.yaml", "license:", "aliases: [Line]\nlicense:"),
        ["review", "plumb.yaml"],
    ),
    "a voice": (
        lambda desk: desk.change("personas/mason1.md", "few words", "many words"),
        ["review", "plumb.yaml"],
    ),
    "a fresh review": (lambda _: None, ["review", "plumb.yaml", "--mode", "fresh"]),
    "a retake": (lambda _: None, [*RETAKE, "--accept"]),
    "a restored take": (kept_take, RESTORE),
    "a locked take": (kept_take, [*RESTORE, "--lock"]),
    "an edit": (lambda _: None, ["edit", "plumb", "--persona", "mason1", "--by", "Bo"]),
}


@pytest.mark.parametrize(("change", "command"), VOIDING.values(), ids=VOIDING)
def test_a_changed_record_voids_its_approval(
    approved: Office, monkeypatch: pytest.MonkeyPatch, change: Callable[[Office], object], command: list[str]
) -> None:
    """Whatever changes the record says that the approval is void; the log says it once, status and inbox show it."""
    monkeypatch.setenv("VISUAL", "sed -i 's/plain check/plain rule/'")
    why = "the record changed since"
    change(approved)
    assert [] == voids(approved)
    printed = approved.done(*command)
    told = f"the approval by Ann of {approved.data('approval.json')['at'][:10]} is void: {why}"

    assert (1, [why]) == (printed.splitlines().count(f"note: {told}"), voids(approved))
    approved.done("review", "plumb.yaml")
    approved.done("retake", "plumb", "--persona", "mason2", "--accept")
    assert [why] == voids(approved)
    assert f"approved by Ann (void: {why})" in approved.done("status")
    assert f"  plumb: {told}" in approved.done("inbox")


@pytest.mark.parametrize("field", ["tagline: A plumb line", "license: MIT", f"checked_on: {TODAY}"])
def test_a_changed_dossier_voids_its_approval(approved: Office, field: str) -> None:
    """Any change of the dossier voids the approval before a review is run, shown to critics or not."""
    key, value = field.split(": ")
    approved.change("plumb.yaml", field, f"{key}: {'2026-01-02' if key == 'checked_on' else f'{value} x'}")

    assert "approved by Ann (void: the dossier changed since)" in approved.done("status")
    assert "is void: the dossier changed since" in approved.done("inbox")


def test_a_record_that_is_gone_voids_its_approval(approved: Office) -> None:
    """Without its record an approval is void."""
    approved.kept("review.json").unlink()

    assert "approved by Ann (void: the record is gone)" in approved.done("status")


@pytest.mark.parametrize(
    "command",
    [
        ["review", "plumb.yaml"],
        ["review", "plumb.yaml", "--mode", "replay"],
        [*RETAKE, "--keep"],
        [*RETAKE, "--preview"],
        ["lock", "plumb"],
        ["status"],
    ],
)
def test_what_leaves_the_record_leaves_the_approval(approved: Office, command: list[str]) -> None:
    """A run that changes neither record nor dossier says nothing of the approval, which holds."""
    assert "void" not in approved.done(*command)
    assert ([], True) == (voids(approved), "approved by Ann · fresh" in approved.done("status"))


def test_another_approval_can_be_void_again(approved: Office) -> None:
    """After a new approval the next change voids it, and the log says that too."""
    for _ in range(2):
        approved.done(*RETAKE, "--accept")
        approved.done(*RETAKE, "--accept")
        approved.done("approve", "plumb", "--by", "Bo")

    assert ["Ann", "Bo"] == [event["by"] for event in approved.events() if event["event"] == "void"]
    assert "approved by Bo · fresh" in approved.done("status")


def test_a_record_that_changed_meanwhile_is_not_approved(desk: Office) -> None:
    """Where the record is not the one that was checked, nothing is approved."""
    project, review = desk.project(), desk.project().store.review("plumb")
    tool: Tool = read_tool(desk.path("plumb.yaml"))
    assert review
    desk.done(*RETAKE, "--accept")
    with pytest.raises(NotApproved, match="another run changed the record meanwhile; look at it again"):
        asyncio.run(approve(project, tool, "Ann", [Check("x", [])], review))

    assert not desk.kept("approval.json").exists()


@pytest.mark.parametrize("name", ["", "  ", "\x1b\u202e"])
def test_an_approval_needs_a_name(desk: Office, name: str) -> None:
    """Nobody can approve without a name."""
    assert "--by: write your name" in desk.refused("approve", "plumb", "--by", name)
    assert not desk.kept("approval.json").exists()


def test_without_a_review_there_is_nothing_to_approve(office: Office) -> None:
    """A tool that was never reviewed can't be approved."""
    assert "plumb: there is no review yet; begin with panel review" in office.refused(*APPROVE)


SPOILT = {
    "no JSON": ("{", "is not JSON"),
    "a list": ("[]", "is no approval as Panel writes it"),
    "no name": ('{"tool": "plumb"}', "by: is no approval as Panel writes it"),
    "a key that steers": ('{"\\u001b[2J\\u009b": 1}', "is no approval as Panel writes it"),
    "a list of names": ('{"tool": "plumb", "by": ["Ann"], "at": "", "checked": []}', "by: is no approval as"),
    "too much": ('"' + "x" * 16_000_000 + '"', "is larger than 16,000,000 bytes"),
}


@pytest.mark.parametrize(("text", "message"), SPOILT.values(), ids=SPOILT)
def test_a_spoilt_approval_is_told_in_one_line(office: Office, text: str, message: str) -> None:
    """An approval that Panel did not write ends status and inbox in exit 2 and one line that names the file."""
    office.leave("approval.json", text)
    for command in ("status", "inbox"):
        told = office.refused(command)

        assert told.startswith(f"panel: {office.kept('approval.json')}: ")
        assert (True, 1, "") == (message in told, len(told.splitlines()), steering(told))


def test_an_approval_by_a_stranger_steers_no_terminal(approved: Office) -> None:
    """A name with escape sequences and line breaks comes out as plain characters on one line, and approves nothing."""
    forged = f"{STEERING}\nplumb · Ship · approved by Ann"
    approved.spoil("approval.json", lambda data: data.update(by=forged, at=STEERING, review="sha256:0"))
    printed = [approved.done(command) for command in ("status", "inbox")]

    assert ("", 2) == (steering("".join(printed)), len(printed[0].splitlines()))
    assert "(void: the record changed since)" in printed[0]
    assert "" == steering(approved.done("inbox", "--json") + approved.done(*RETAKE, "--accept"))
    assert forged == next(event["by"] for event in approved.events() if event["event"] == "void")
    assert "" == steering(approved.done("log", "plumb"))
    assert json.loads(approved.done("inbox", "--json"))
