"""The editor's note: asked of one critic, kept in what brings the take back, and never published."""

from __future__ import annotations

import pytest
from office import STEERING, Office, steering

ONE = ("retake", "plumb", "--persona", "mason1")


def test_the_note_is_asked_and_never_published(office: Office) -> None:
    """The editor's note is in the request and in the choice that repeats it; neither record nor page has its words."""
    office.reviewed()
    office.done(*ONE, "--accept", "--note", "Mind the zebras.")
    request = office.requests[-1]
    published = office.kept("review.json").read_text() + office.kept("review.md").read_text()

    assert ("Mind the zebras.", True) == (request.note, "Mind the zebras." in request.blocks[-1].text)
    assert ("Mind the zebras.", False) == (
        office.data("choices.json")["seats"]["mason1"]["note"],
        "zebra" in published,
    )
    assert [True] == [ask["note"] for ask in office.seat("mason1")["asks"]]


@pytest.mark.parametrize("note", ["", "  \n", "\x1b\x07", "\udcff", "<!-- -->"])
def test_an_empty_note_is_none(office: Office, note: str) -> None:
    """A note of nothing, or of nothing that can be read, is no note: the request is the same as without."""
    office.reviewed()
    office.done(*ONE, "--accept", "--note", note)

    assert (2, None) == (office.requests[-1].sample, office.requests[-1].note)
    assert [False] == [ask["note"] for ask in office.seat("mason1")["asks"]]


def test_a_note_can_t_steer_the_terminal(office: Office) -> None:
    """Escape sequences in a note are taken out before anybody is asked, and are shown nowhere."""
    office.reviewed()
    printed = office.done(*ONE, "--accept", "--note", f"Mind {STEERING}\udcff the rain.")
    printed += office.done("log", "plumb") + office.done("diff", "plumb")

    assert ("Mind [2J31m the rain.", "") == (office.requests[-1].note, steering(printed))
