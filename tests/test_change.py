"""A change between two records: which words stayed, what a seat's change means, what is told first."""

from __future__ import annotations

import re
from fractions import Fraction

import made
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from made import changed, plumb, rated, take
from mutated import within

from panel.change import (
    SeatChange,
    Span,
    lines_changed,
    meanings,
    prose_changed,
    ratings,
    seat_changes,
    split,
    standing,
    words_changed,
)
from panel.files import readable
from panel.review import Review, Seat, review
from panel.take import Rated

LETTERS = st.text(alphabet="ab \n\t\u2003.", max_size=40) | st.text(max_size=40)


def seat(id: str, *given_ratings: Rated, threshold: int = 60, **changes: object) -> Seat:
    """Return a heard seat with these ratings."""
    return made.seat(id, take(given_ratings, threshold, **changes), threshold=threshold)


def record(*seats: Seat) -> Review:
    """Return the record that these seats make of Plumb."""
    return review(plumb(), seats)


def joined(spans: list[Span], *kinds: str) -> list[str]:
    """Return the words of some kinds of span."""
    return "".join(span.text for span in spans if span.kind in kinds).split()


SHIPS, SKIPS = rated(3), rated(2)


@given(LETTERS, LETTERS)
@example("", "")
@example(" a", "a ")
@example("x " * 250, "y x " * 250)
def test_no_word_is_lost_or_made_up(before: str, after: str) -> None:
    """What stayed and went gives the old words, what stayed and came the new ones, in their order."""
    spans = words_changed(before, after)

    assert (before.split(), after.split()) == (joined(spans, "same", "gone"), joined(spans, "same", "new"))


@given(st.lists(st.sampled_from("abcdefghijkl"), min_size=4, max_size=12, unique=True), st.data())
def test_one_changed_word_is_shown_alone(words: list[str], data: st.DataObject) -> None:
    """Where one word of a text is another, that word alone went, and the other alone came."""
    place = data.draw(st.integers(0, len(words) - 1))
    spans = words_changed(" ".join(words), " ".join([*words[:place], "other", *words[place + 1 :]]))

    assert ([words[place]], ["other"]) == (joined(spans, "gone"), joined(spans, "new"))


def test_texts_that_are_the_same_have_one_run() -> None:
    """Where nothing changed, everything stayed."""
    assert [Span("same", "a b c")] == words_changed("a b c", "a b c")


def test_texts_that_share_little_stand_one_after_the_other() -> None:
    """Two texts with less than half of their words in common are not mixed."""
    old, new = "one two three four", "five six three seven"

    assert [Span("gone", old), Span("new", new)] == words_changed(old, new)


def test_long_texts_are_compared_soon() -> None:
    """Two texts of a million words each, in a take that a stranger wrote, are shown one after the other at once."""
    old, new = "a " * 1_000_000, "a b " * 500_000
    with within(5):
        spans = words_changed(old, new)

    assert ["gone", "new"] == [span.kind for span in spans]


def test_only_the_texts_that_differ_are_shown() -> None:
    """Of two takes, the texts that differ are named, the reasons of ratings among them; a lost take loses all."""
    old, new = take([SHIPS]), take([rated(3, why="because of it")], headline="another line")
    shown = prose_changed(old, new)

    assert {"headline", "why of shape"} == set(shown)
    assert {"gone"} == {span.kind for spans in prose_changed(old, None).values() for span in spans if span.text}
    assert {} == prose_changed(None, None)


MEANINGS = {
    "a flip": (seat("moat", SHIPS), seat("moat", SKIPS), "Moat flipped 75 to 50: criterion shape 3 to 2"),
    "a move": (seat("moat", SHIPS), seat("moat", rated(4)), "Moat moved 75 to 100: criterion shape 3 to 4"),
    "a cap": (
        seat("moat", SHIPS),
        seat("moat", rated(2, given=4, capped=True)),
        "Moat flipped 75 to 50: criterion shape 3 to 2 (capped)",
    ),
    "a mean": (
        seat("moat", SHIPS),
        seat("moat", rated(Fraction(8, 3))),
        "Moat moved 75 to 67: criterion shape 3 to 2.7",
    ),
    "a silence": (seat("moat", SKIPS), seat("moat", rated(None)), "Moat still 50 skip: criterion shape 2 to not told"),
    "a weight": (
        seat("moat", SHIPS),
        seat("moat", rated(3, 30)),
        "Moat still 75 ship: criterion shape weighs 20 to 30",
    ),
    "a threshold": (
        seat("moat", SHIPS),
        seat("moat", SHIPS, threshold=80),
        "Moat flipped 75 to 75: threshold 60 to 80",
    ),
    "words": (
        seat("moat", SHIPS),
        seat("moat", SHIPS, headline="new", outside=({"text": "Ruler", "kind": "rival"},)),
        "Moat still 75 ship: other headline, outside",
    ),
    "an edit": (
        seat("moat", SHIPS),
        seat("moat", SHIPS, text="new", edited_by="Ada"),
        "Moat still 75 ship: other take, edited by Ada",
    ),
    "a retake": (seat("moat", SHIPS), seat("moat", SHIPS, retakes=2), "Moat still 75 ship: other retakes"),
    "an abstention": (seat("moat", SHIPS), made.seat("moat", None), "Moat 75 ship to abstained (no price)"),
    "no invitation": (
        seat("moat", SHIPS),
        made.seat("moat", None, status="unseated", absence=None, reason="no wall"),
        "Moat 75 ship to not invited (no wall)",
    ),
    "a newcomer": (None, seat("moat", SHIPS), "Moat not at the table to 75 ship"),
    "somebody who left": (seat("moat", SHIPS), None, "Moat 75 ship to not at the table"),
}


@pytest.mark.parametrize(("before", "after", "meaning"), MEANINGS.values(), ids=MEANINGS)
def test_the_change_of_a_seat_is_told_in_words(before: Seat | None, after: Seat | None, meaning: str) -> None:
    """What became of a seat is one line: the name, the scores, and the criteria that are the reason."""
    assert meaning == SeatChange(before, after).meaning


def test_criteria_that_came_and_went_are_told() -> None:
    """A criterion that one of two takes lacks is told as absent there."""
    old, new = take([rated(3, criterion="moat")]), take([rated(2, criterion="wall")])

    assert ["criterion moat 3 to absent", "criterion wall absent to 2"] == list(ratings(old, new))


def test_the_seats_that_changed_are_found() -> None:
    """Of two records only the seats that differ are named, in the order of the table now, who left at the end."""
    before = record(seat("left", SHIPS), seat("same", SHIPS), seat("moved", SHIPS))
    after = record(seat("new", SHIPS), seat("moved", SKIPS), seat("same", SHIPS))

    assert ["new", "moved", "left"] == [change.seat.persona for change in seat_changes(before, after)]


def test_a_changed_label_is_told_first_with_the_votes_that_did_it() -> None:
    """The first line names both labels and the flipped seats; seats that only moved come after it."""
    before = record(seat("one", SHIPS), seat("two", SHIPS), seat("three", SHIPS))
    after = record(seat("one", SKIPS), seat("two", rated(4)), seat("three", SKIPS))

    flips = "; ".join(f"{name} flipped 75 to 50: criterion shape 3 to 2" for name in ("One", "Three"))
    moved = "Plumb: Two moved 75 to 100: criterion shape 3 to 4"
    assert [f"Plumb: Ship to Mixed because {flips}", moved] == meanings(before, after)


def test_a_flip_that_changes_no_label_is_told_with_the_split() -> None:
    """Where the label stays, the line says so, with the votes as they are now."""
    ships, skips = seat("one", SHIPS), seat("one", SKIPS)
    before, after = (record(first, *(seat(id, SHIPS) for id in ("two", "three", "four"))) for first in (ships, skips))

    assert ["Plumb: stays Ship 3-1; One flipped 75 to 50: criterion shape 3 to 2"] == meanings(before, after)
    assert "Ship 3-1" == split(after.verdict)


def test_a_label_changes_when_too_few_are_heard() -> None:
    """A seat that fell silent is told as the reason for the label that it cost."""
    before = record(*(seat(id, SHIPS) for id in ("one", "two", "three")))
    after = record(seat("one", SHIPS), seat("two", SHIPS), made.seat("three", None))

    assert ["Plumb: Ship to No verdict because Three 75 ship to abstained (no price)"] == meanings(before, after)


def test_a_changed_dossier_and_changed_rules_are_named() -> None:
    """Where no seat changed, the fields of the dossier that did are named, and the rules where those did."""
    before = record(seat("one", SHIPS))
    after = review(changed(plumb(), license="GPL-3.0", tagline="Another line"), before.seats)
    told = meanings(before, after.model_copy(update={"rules": "2"}))

    assert "Plumb: the dossier changed: tagline, license, digest" in told
    assert f"Plumb: the rules changed: {before.rules} to 2" in told


def test_a_verdict_that_alone_differs_is_told_by_its_parts() -> None:
    """A record whose verdict was changed by hand is told with the part of it that differs."""
    before = record(*(seat(id, SHIPS) for id in ("one", "two", "three")))
    after = before.model_copy(update={"verdict": before.verdict.model_copy(update={"margin": 3})})

    assert ["Plumb: margin of the verdict changed"] == meanings(before, after)
    assert [] == meanings(before, before)


def test_the_changed_lines_are_those_of_the_files() -> None:
    """Lines that went and came stand in the files as they are shown; of many, the first and how many are left."""
    before, after = record(seat("one", SHIPS)), record(seat("one", SKIPS))
    files = [readable(each.as_json()).decode().splitlines() for each in (before, after)]
    lines = lines_changed(before, after, 1_000)

    assert {line[1:] for line in lines if line.startswith("-")} <= set(files[0]) - set(files[1])
    assert any(re.fullmatch(r'\+ +"score": 50,', line) for line in lines)
    assert [*lines[:2], f"… and {len(lines) - 2} more lines"] == lines_changed(before, after, 2)
    assert [] == lines_changed(before, before, 2)


def test_what_a_seat_comes_to_is_told() -> None:
    """A seat comes to score and vote, to its kind of silence with the reason, or to nothing where there is none."""
    assert ("75 ship", "abstained (no price)", "not at the table") == (
        standing(seat("one", SHIPS)),
        standing(made.seat("one", None)),
        standing(None),
    )
