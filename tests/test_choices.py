"""Choices: what an editor accepted, for how long that holds, in which words it is published, and what is locked."""

from __future__ import annotations

import json
from pathlib import Path

import made
import pytest
from office import STEERING, Office, steering

from panel.choices import Choice, Choices, Edit, choice, edited
from panel.errors import RecordError
from panel.prompt import Question
from panel.record import digest
from panel.review import Seat, seat
from panel.store import Store
from panel.take import Outside, Take

NEW_LINE = "A plumb line, plainly read"


@pytest.fixture
def asked(tmp_path: Path) -> Question:
    """What Mason is asked about Plumb."""
    return made.question(tmp_path)


NOUGHT = "sha256:" + 64 * "0"


def chosen(asked: Question, **changes: object) -> Choice:
    """Return the choice of the second sample, for the dossier and the persona as they are."""
    return choice(2, 1, asked.tool, asked.persona).model_copy(update=changes)


def edit(**changes: object) -> Edit:
    """Return an edit of the headline of the take that rests on `one`."""
    return Edit.model_validate({"by": "Ada", "of": "one", "words": {"headline": NEW_LINE}, **changes})


def heard(request: str = "one") -> Seat:
    """Return a seat that says something, resting on one request."""
    return made.seat("mason", take(), asks=(made.ask(request),))


def take() -> Take:
    """Return a take with two criteria."""
    return made.take([made.rated(3, 60), made.rated(2, 40, criterion="start")])


def test_a_choice_holds_for_its_dossier_and_its_persona(asked: Question) -> None:
    """A choice holds until something that critics see, or the persona, changes; its place at the table is no part."""
    one = chosen(asked)
    critic = asked.persona

    assert one.holds(asked.tool, critic)
    assert one.holds(made.changed(asked.tool, aliases=("Line",), seats={"other": "no wall"}), critic)
    assert one.holds(asked.tool, critic.model_copy(update={"order": 9}))
    assert not one.holds(made.changed(asked.tool, tagline="Another line"), critic)
    assert not one.holds(asked.tool, critic.model_copy(update={"version": 2}))
    assert not one.holds(asked.tool, critic.model_copy(update={"motto": "Does it lean?"}))


def test_a_choice_follows_those_made_for_the_same_question(asked: Question) -> None:
    """Two choices belong together where dossier and persona are the same, whatever number, note or edit they have."""
    one, other = chosen(asked), chosen(asked, sample=7, note="shorter", retakes=3, edit=edit())
    elsewhere = choice(2, 1, made.changed(asked.tool, tagline="Another line"), asked.persona)

    assert (True, False) == (one.follows(other), one.follows(elsewhere))


def test_a_published_take_counts_its_retakes(asked: Question) -> None:
    """The seat as it is published says how often it was asked anew; a seat that is silent stays as it is."""
    done = chosen(asked, retakes=3).applied(heard(), asked)
    silent = seat(asked.persona, asked.tool, "", "unseated", reason="no wall")

    assert done.take
    assert 3 == done.take.retakes
    assert silent == chosen(asked, retakes=3).applied(silent, asked)


@pytest.mark.parametrize(("request_id", "headline"), [("one", NEW_LINE), ("other", "as the take says")])
def test_an_edit_belongs_to_one_take(asked: Question, request_id: str, headline: str) -> None:
    """The words of an edit are put into the take that was edited, and into no other of the same seat."""
    done = chosen(asked, edit=edit()).applied(heard(request_id), asked)

    assert done.take
    assert (headline, "Ada" if headline == NEW_LINE else None) == (done.take.headline, done.take.edited_by)


def test_an_edit_changes_words_and_nothing_else(asked: Question) -> None:
    """Every text can be edited; ratings, weights, quotes, score and vote stay the critic's."""
    words = {name: f"other words for the {name}" for name in take().prose}
    outside = (Outside(text="Level", kind="rival"),)
    done = edited(take(), edit(words=words, outside=outside), asked)
    same = ("score", "vote", "evidence", "samples", "spread", "retakes")

    assert words == done.prose
    assert outside == done.outside
    assert [getattr(take(), name) for name in same] == [getattr(done, name) for name in same]
    assert [(r.criterion, r.rating, r.weight) for r in take().ratings] == [
        (r.criterion, r.rating, r.weight) for r in done.ratings
    ]


def test_edited_words_are_flagged_anew(asked: Question) -> None:
    """New names and numbers are flagged, unless the edit marks them; flags of words that are gone are gone."""
    words = {"best_for": "teams that left Gantry in 1997"}
    bare = edited(take(), edit(words=words), asked)
    marked = (Outside(text="Gantry in 1997", kind="rival"),)

    assert ['best_for says "Gantry", which is', 'best_for says "1997", which is'] == [
        flag.text[: flag.text.index("is") + 2] for flag in bare.flags if flag.kind == "outside"
    ]
    assert () == edited(take(), edit(words=words, outside=marked), asked).flags
    assert () == edited(bare, edit(words={"best_for": "teams that own their walls"}), asked).flags


def test_words_that_no_page_may_show_are_refused(asked: Question) -> None:
    """A claim to have used the tool is refused, with tool, seat, text and phrase, however it got into the choices."""
    with pytest.raises(RecordError) as caught:
        edited(take(), edit(words={"take": "I ran it for a week and it held."}), asked)

    assert str(caught.value).startswith("plumb: mason: the edit can't stand: take claims to have used the tool")


def unseated(id: str) -> Seat:
    """Return a seat that nobody was asked for."""
    nothing = dict.fromkeys(["persona_digest", "prompt_digest", "seen"])
    return Seat.model_validate({"persona": id, "name": id, "status": "unseated", "threshold": 60, **nothing})


def test_locks_are_added_and_let_go() -> None:
    """Seats are locked and let go one by one; a review that is locked as a whole is let go as a whole alone."""
    a, b, c = map(unseated, "abc")
    two = Choices().with_locks([b]).with_locks([a, b])
    whole = two.model_copy(update={"locked": digest(a)})

    assert ({"a": digest(a), "b": digest(b)}, True, False) == (two.locked, two.locks("a"), two.locks("c"))
    assert ({"a": digest(a)}, False) == (two.released(["b", "c"]).locked, two.is_locked)
    assert (True, True, digest(a), digest(a)) == (
        whole.is_locked,
        whole.locks("c"),
        whole.with_locks([c]).locked,
        whole.released(["a"]).locked,
    )


def test_seats_are_kept_in_one_order(asked: Question) -> None:
    """Choices are written by persona, in whatever order they were made, and taken away one by one."""
    one, two = chosen(asked), chosen(asked, sample=3)
    both = Choices().with_seats({"b": one}).with_seats({"a": two, "b": two})

    assert [("a", two), ("b", two)] == list(both.seats.items())
    assert ["b"] == list(both.without(["a", "c"]).seats)


def test_choices_are_read_as_they_were_written(asked: Question, tmp_path: Path) -> None:
    """Whatever was chosen comes back from its file the same; where nothing was ever chosen there is no file."""
    store = Store(tmp_path / "runs")
    store.save_choices("plumb", Choices())
    assert not (tmp_path / "runs").exists()

    full = Choices(
        seats={"mason": chosen(asked, samples=3, note="\u201ckürzer\u201d", retakes=2, edit=edit())},
        locked={"mason": NOUGHT},
    )
    store.save_choices("plumb", full)
    assert full == store.choices("plumb")

    store.save_choices("plumb", Choices())
    assert Choices() == store.choices("plumb")


SPOILT: dict[str, tuple[str, str]] = {
    "no JSON": ("{", "is not JSON"),
    "nothing": ("", "is not JSON"),
    "another kind of value": ("[]", "is no choices as Panel writes it"),
    "another schema": ('{"schema": "panel.review/1"}', "schema: is no choices as Panel writes it"),
    "an unknown key": ('{"schema": "panel.choices/1", "\\u001b[2J": 1}', "is no choices as Panel writes it"),
    "seats that are a list": ('{"seats": []}', "seats: is no choices as Panel writes it"),
    "locks that are no list": ('{"locked": "some"}', "is no choices as Panel writes it"),
    "a choice without a number": ('{"seats": {"mason1": {"seen": "", "persona_digest": ""}}}', "seats.mason1.sample: "),
    "number zero": (
        '{"seats": {"mason1": {"sample": 0, "seen": "", "persona_digest": ""}}}',
        "seats.mason1.sample: is no choices",
    ),
    "a number of five thousand digits": ('{"seats": {"m": {"sample": ' + "9" * 5_000 + "}}}", "is not JSON"),
    "half a surrogate pair": ('{"seats": {"\\ud800": 1}}', "is not JSON"),
    "deep nests": ("[" * 100_000, "is not JSON"),
    "too much": ('{"locked": ["' + "x" * 16_000_000 + '"]}', "is larger than 16,000,000 bytes"),
}


@pytest.mark.parametrize(("text", "message"), SPOILT.values(), ids=SPOILT)
def test_spoilt_choices_are_told_in_one_line(office: Office, text: str, message: str) -> None:
    """Choices that Panel did not write end a command in exit 2 and one line that names the file and what is wrong."""
    office.leave("choices.json", text)
    for command in (["status"], ["review", "plumb.yaml"]):
        told = office.refused(*command)

        assert told.startswith(f"panel: {office.kept('choices.json')}: ")
        assert (1, "") == (len(told.splitlines()), steering(told))
        assert message in told


def test_choices_for_strangers_do_no_harm(office: Office) -> None:
    """Choices and locks of personas that are not on the panel, slashes in their names, touch no file and no seat."""
    office.reviewed()
    before = office.tree()
    one = json.loads(choice(4, 1, made.plumb(), office.project().panel[0]).model_dump_json())
    odd = {"../mason0": one, STEERING: one}
    office.leave(
        "choices.json",
        json.dumps({"seats": odd, "locked": dict.fromkeys(odd, NOUGHT)}),
    )
    for command in (["status"], ["review", "plumb.yaml"], ["lock", "plumb", "--persona", "mason0"], ["log", "plumb"]):
        assert "" == steering(office.done(*command))

    changed = {name for name, content in office.tree().items() if before.get(name) != content}
    assert {"runs/plumb/choices.json", "runs/plumb/log.jsonl"} == changed


def test_an_edit_that_a_stranger_wrote_is_judged_too(office: Office) -> None:
    """Words that somebody put into the choices by hand pass the same gates: a review that would publish them ends."""
    office.reviewed()
    office.done("retake", "plumb", "--persona", "mason1", "--accept")
    request = office.seat("mason1")["asks"][0]["request"]
    words = {"take": "I ran it for a week and it held."}
    office.spoil(
        "choices.json", lambda d: d["seats"]["mason1"].update(edit={"by": "Eve", "of": request, "words": words})
    )

    assert "plumb: mason1: the edit can't stand: take claims to have used the tool" in office.refused("status")
    assert "the edit can't stand" in office.refused("review", "plumb.yaml")
