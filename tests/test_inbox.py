"""The inbox: what needs an eye, by reason, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from fractions import Fraction

import made
import pytest
from office import STEERING, Office, steering

from panel.desk.inbox import Matter, matters
from panel.desk.status import ToolStatus
from panel.errors import Transient
from panel.review import Seat, review

TODAY = datetime.now(UTC).date()
FRESH = ToolStatus(tool="plumb", name="Plumb", path="plumb.yaml", label="Ship", seats=(), comparisons=())


def found(*seats: Seat) -> list[Matter]:
    """Return what needs an eye in a fresh record of these seats, whose price was looked at on the day."""
    pricing = made.plumb().pricing.model_copy(update={"checked_on": date(2026, 11, 20)})
    tool = made.changed(made.plumb(), pricing=pricing)
    return matters(FRESH, review(tool, seats), tool, None, date(2026, 11, 20))


def scoring(score: int, **changes: object) -> Seat:
    """Return a seat with this score."""
    return made.seat("mason", made.take([made.rated(Fraction(score, 25))], **changes))


@pytest.fixture
def desk(office: Office) -> Office:
    """A project of a tool whose price was looked at today; nothing is reviewed yet."""
    office.change("plumb.yaml", "at all}", f"at all, checked_on: {TODAY}}}")
    return office


def reasons(office: Office) -> list[tuple[str | None, str]]:
    """Return the seat and the reason of each matter, by the command."""
    return [(matter["persona"], matter["reason"]) for matter in json.loads(office.done("inbox", "--json"))]


@pytest.mark.parametrize("score", range(52, 69))
def test_near_the_threshold_is_within_five(score: int) -> None:
    """A score from 55 to 65 needs an eye where the critic ships from 60, and no other does."""
    vote = "ship" if score >= 60 else "skip"
    near = [("near the threshold", f"{score} {vote}, ships from 60")] if 55 <= score <= 65 else []

    assert near == [(matter.reason, matter.text) for matter in found(scoring(score))]


def test_each_seat_has_its_own_threshold() -> None:
    """What is near is near to the threshold of that seat."""
    take = made.take([made.rated(3)], 75)

    assert ["75 ship, ships from 75"] == [each.text for each in found(made.seat("mason", take, threshold=75))]


def test_capped_ratings_and_flags_are_told_one_by_one() -> None:
    """Each rating that its quotes did not carry, and each flag, is a matter of its seat, in the seat's order."""
    ratings = [made.rated(2, given=4, capped=True), made.rated(4, 60, criterion="proof")]
    flags = ({"kind": "length", "text": "the take is long"}, {"kind": "never", "text": "the take uses a phrase"})

    assert [
        ("mason", "capped rating", "shape: 2 (gave 4)"),
        ("mason", "flag", "the take is long"),
        ("mason", "flag", "the take uses a phrase"),
    ] == [(m.persona, m.reason, m.text) for m in found(made.seat("mason", made.take(ratings, flags=flags)))]


def test_silence_needs_an_eye_where_it_is_no_abstention() -> None:
    """A seat that failed or refused is told with the reason; one that abstained, or is not invited, is not."""
    silent = {kind: made.seat(kind, None, absence=kind, reason="why") for kind in ("failed", "refused", "abstained")}
    uninvited = made.seat("guest", None, status="unseated", absence=None, reason="no wall")
    heard = [made.seat(f"mason{n}", made.take([made.rated(4)])) for n in range(9)]

    assert [("failed", "absent seat", "failed (why)"), ("refused", "absent seat", "refused (why)")] == [
        (m.persona, m.reason, m.text) for m in found(*heard, *silent.values(), uninvited)
    ]


def test_nothing_needs_an_eye(desk: Office) -> None:
    """A fresh review far from every threshold, with a price of today, is not in the inbox; nobody is asked for that."""
    desk.reviewed().asked()
    before = desk.tree()

    assert ("Nothing needs an eye.\n", "[]\n") == (desk.done("inbox"), desk.done("inbox", "--json"))
    assert ([], before) == (desk.asked(), desk.tree())


def test_what_was_never_reviewed_is_told_once(desk: Office) -> None:
    """A tool without a record is one matter, not one for each seat."""
    assert "stale\n  plumb: not reviewed yet\n" == desk.done("inbox")


def flagged(desk: Office) -> None:
    """Let a critic name something that the dossier lacks."""
    desk.answers["mason1"] = made.reply(best_for="teams that left Gantry")


def capped(desk: Office) -> None:
    """Let a critic give a rating that its quotes don't carry."""
    ratings = made.answer()["ratings"]
    ratings[3] |= {"rating": 4}
    desk.answers["mason1"] = made.reply(ratings=ratings)


def near(desk: Office) -> None:
    """Let a critic be in doubt."""
    desk.answers["mason1"] = made.reply(**made.scoring(3, 3, 2, 2, 2))


def failed(desk: Office) -> None:
    """Let the provider fail a critic."""
    desk.answers["mason1"] = Transient("busy")


def unpriced(desk: Office) -> None:
    """Take the day of the price out of the dossier."""
    desk.change("plumb.yaml", f", checked_on: {TODAY}", "")


BEFORE: dict[str, tuple[Callable[[Office], None], list[tuple[str | None, str]]]] = {
    "a flag": (flagged, [("mason1", "flag")]),
    "a cap": (capped, [("mason1", "capped rating")]),
    "a doubt": (near, [("mason1", "near the threshold")]),
    "an outage": (failed, [("mason1", "stale"), ("mason1", "absent seat"), (None, "provisional")]),
    "no price": (unpriced, [(None, "price")]),
}


@pytest.mark.parametrize(("change", "told"), BEFORE.values(), ids=BEFORE)
def test_what_a_review_came_to_is_told(
    desk: Office, change: Callable[[Office], None], told: list[tuple[str | None, str]]
) -> None:
    """What was odd about a review is in the inbox, for its reason and no other."""
    change(desk)
    desk.type("review", "plumb.yaml")

    assert told == reasons(desk)


def test_what_changed_since_is_told(desk: Office) -> None:
    """Stale seats come with their reason, locked ones as such; a void approval comes with who gave it."""
    desk.reviewed().done("approve", "plumb", "--by", "Ann")
    desk.done("lock", "plumb", "--persona", "mason1")
    desk.change("plumb.yaml", "Free under MIT", "Free for now")
    day = desk.data("approval.json")["at"][:10]

    assert [
        "stale",
        "  plumb, mason0: pricing changed",
        "  plumb, mason1: pricing changed (locked)",
        "  plumb, mason2: pricing changed",
        "approval",
        f"  plumb: the approval by Ann of {day} is void: the dossier changed since",
    ] == desk.done("inbox").splitlines()


def test_tools_are_told_together_by_reason(desk: Office) -> None:
    """With several tools each reason stands once, with all that it concerns; tools can be named."""
    level = made.DOSSIER.replace("Plumb", "Level").replace("plumb", "level")
    desk.path("level.yaml").write_text(level)
    unpriced(desk)
    desk.reviewed()
    looked = "pricing.checked_on is not in the dossier"

    lines = ["stale", "  level: not reviewed yet", "price", f"  level: {looked}", f"  plumb: {looked}"]
    assert lines == desk.done("inbox").splitlines()
    assert ["price", f"  plumb: {looked}"] == desk.done("inbox", "plumb").splitlines()
    assert lines == desk.done("inbox", "level", "plumb.yaml").splitlines()


def test_the_inbox_as_json_has_a_shape(desk: Office) -> None:
    """`--json` is a list of matters: tool, seat or null, reason, text."""
    unpriced(desk)
    desk.reviewed()

    assert [
        {"tool": "plumb", "persona": None, "reason": "price", "text": "pricing.checked_on is not in the dossier"}
    ] == json.loads(desk.done("inbox", "--json"))


def test_no_matter_steers_the_terminal(desk: Office) -> None:
    """What strangers wrote into a record comes out as plain characters, a line for each matter."""
    desk.reviewed()
    forged = f"{STEERING}\nprice\n  plumb: all is well"
    flag = {"kind": "length", "text": forged}
    desk.spoil("review.json", lambda data: data["seats"][0]["take"].update(flags=[flag]))
    printed = desk.done("inbox")

    assert ("", "") == (steering(printed), steering(desk.done("inbox", "--json")))
    assert [line for line in printed.splitlines() if line.startswith("price")] == []
    assert forged in [matter["text"] for matter in json.loads(desk.done("inbox", "--json"))]
