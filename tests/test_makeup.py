"""The makeup of a question: each part that changed is named, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import reduce
from pathlib import Path
from tempfile import TemporaryDirectory

import made
import pytest
from hypothesis import given
from hypothesis import strategies as st

from panel.makeup import Makeup
from panel.persona import Anchors, Criterion
from panel.prompt import Question
from panel.request import Parameters
from panel.tool import Links, Source

Change = Callable[[Question], Question]

with TemporaryDirectory() as folder:
    ASKED = made.question(Path(folder))
NEWS = Source(id="news", title="News", kind="independent", text="Lead Works was bought in May.")


def dossier(**fields: object) -> Change:
    """Return a change of fields of the dossier."""
    return lambda asked: replace(asked, tool=made.changed(asked.tool, **fields))


def pricing(**fields: object) -> Change:
    """Return a change of the price."""
    return lambda asked: dossier(pricing=asked.tool.pricing.model_copy(update=fields))(asked)


def source(number: int, **fields: object) -> Change:
    """Return a change of one source."""

    def change(asked: Question) -> Question:
        sources = list(asked.tool.sources)
        sources[number] = sources[number].model_copy(update=fields)
        return dossier(sources=tuple(sources))(asked)

    return change


def persona(**fields: object) -> Change:
    """Return a change of the persona."""
    return lambda asked: replace(asked, persona=asked.persona.model_copy(update=fields))


def criterion(number: int, **fields: object) -> Change:
    """Return a change of one criterion."""

    def change(asked: Question) -> Question:
        criteria = list(asked.persona.criteria)
        criteria[number] = criteria[number].model_copy(update=fields)
        return persona(criteria=tuple(criteria))(asked)

    return change


def prompt(name: str) -> Change:
    """Return a change of a prompt file."""

    def change(asked: Question) -> Question:
        texts = {**asked.prompts.texts, name: asked.prompts.texts[name] + "\nMind the rain."}
        return replace(asked, prompts=replace(asked.prompts, texts=texts))

    return change


def parameters(**fields: object) -> Change:
    """Return a change of limits."""
    return lambda asked: replace(asked, parameters=asked.parameters.model_copy(update=fields))


ANCHORS = Anchors.model_validate({"0": "it falls", "2": "it stands", "4": "it carries"})
CHANGES: Mapping[str, Change] = {
    "name changed": dossier(name="Plumb Two"),
    "version changed": dossier(version="2.2"),
    "maker changed": dossier(maker="Tin Works"),
    "category changed": dossier(category="Data"),
    "kind changed": dossier(kind="service"),
    "tagline changed": dossier(tagline="A level for data"),
    "description changed": dossier(description="Plumb checks each row."),
    "license changed": dossier(license="GPL-3.0"),
    "released changed": dossier(released=date(2026, 3, 3)),
    "pricing changed": pricing(text="Free for one wall"),
    "source docs changed": source(0, title="The manual"),
    "source bench changed": source(1, kind="own_test"),
    "source news added": lambda asked: dossier(sources=(*asked.tool.sources, NEWS))(asked),
    "mason.md name changed": persona(name="Bricklayer"),
    "mason.md motto changed": persona(motto="Does it lean?"),
    "mason.md version changed": persona(version=2),
    "mason.md threshold changed": persona(threshold=65),
    "mason.md words changed": persona(words=(60, 90)),
    "mason.md never changed": persona(never=()),
    "mason.md voice changed": lambda asked: persona(voice=f"{asked.persona.voice} Mind the rain.")(asked),
    "mason.md criterion shape changed": criterion(0, question="What shape?"),
    "mason.md criterion leave changed": criterion(4, anchors=ANCHORS),
    "prompt system.md changed": prompt("system.md"),
    "prompt dossier.md.j2 changed": prompt("dossier.md.j2"),
    "prompt persona.md.j2 changed": prompt("persona.md.j2"),
    "prompt repair.md.j2 changed": prompt("repair.md.j2"),
    "prompt first-hand.txt changed": prompt("first-hand.txt"),
    "prompt common-words.txt changed": prompt("common-words.txt"),
    "model changed: fake:panel to fake:other": lambda asked: replace(asked, model="fake:other"),
    "max_tokens changed: 16000 to 8000": parameters(max_tokens=8_000),
    "effort changed: None to high": parameters(effort="high"),
}
"""Every part, with a change of it."""

UNSEEN: Mapping[str, Change] = {
    "aliases": dossier(aliases=("Line",)),
    "links": dossier(links=Links(home="https://example.org")),
    "seats": dossier(seats={"other": "no wall"}),
    "the price's address": pricing(url="https://example.org/price"),
    "when the price was checked": pricing(checked_on=date(2026, 11, 20)),
    "the lowest price": pricing(from_=Decimal(3), currency="EUR"),
    "a source's address": source(0, url="https://example.org/docs"),
    "a note": lambda asked: replace(asked, note="Mind the rain."),
    "the place at the table": persona(order=9),
    "the form for a chat window": prompt("chat.md.j2"),
    "the words of marketing": prompt("marketing.txt"),
}
"""What no seat is asked with, or what a makeup leaves to others."""


def changed(*changes: Change) -> Question:
    """Return the question after changes, one after another."""
    return reduce(lambda asked, change: change(asked), changes, ASKED)


def told(now: Question) -> list[str]:
    """Return what is different in a question."""
    return Makeup.of(ASKED).changes(Makeup.of(now), ASKED.persona.id)


@given(st.sets(st.sampled_from(sorted(CHANGES))), st.sets(st.sampled_from(sorted(UNSEEN))))
def test_exactly_what_changed_is_named(names: set[str], unseen: set[str]) -> None:
    """Whatever is changed together, just these parts are named, each once, and nothing that nobody was asked with."""
    now = changed(*(CHANGES[name] for name in sorted(names)), *(UNSEEN[name] for name in sorted(unseen)))

    assert sorted(names) == sorted(told(now))


@pytest.mark.parametrize("name", CHANGES)
def test_a_moved_identity_has_a_name(name: str) -> None:
    """Each part but those that only judge, or say how to mend, moves the identity of the request; it is named."""
    without_a_request = ("version", "repair", "first-hand", "common-words")
    is_asked_with = name == "version changed" or not any(part in name for part in without_a_request)
    now = changed(CHANGES[name])

    assert is_asked_with == (ASKED.request().identity != now.request().identity)
    assert [name] == told(now)


@pytest.mark.parametrize("name", [name for name in UNSEEN if name != "a note"])
def test_what_no_reply_saw_moves_no_identity(name: str) -> None:
    """What a makeup leaves out is in no request."""
    assert ASKED.request().identity == changed(UNSEEN[name]).request().identity


def test_what_is_gone_is_named() -> None:
    """A source and a criterion that are gone are told as removed, and what came as added."""
    bare = changed(dossier(sources=ASKED.tool.sources[:1]))
    six = Criterion(id="rain", question="Does it hold?", weight=5, anchors=ANCHORS)
    more = changed(persona(criteria=(*ASKED.persona.criteria[1:], six)))

    assert ["source bench removed"] == told(bare)
    assert ["mason.md criterion rain added", "mason.md criterion shape removed"] == told(more)
    assert ["source bench added"] == Makeup.of(bare).changes(Makeup.of(ASKED), "mason")


def test_the_dossier_is_named_first() -> None:
    """Changes are told in one order: dossier, persona, prompts, model, limits."""
    names = ["pricing changed", "mason.md voice changed", "prompt system.md changed"]
    last = ["model changed: fake:panel to fake:other", "max_tokens changed: 16000 to 8000"]

    assert names + last == told(changed(*(CHANGES[name] for name in reversed(names + last))))


def test_a_makeup_is_read_as_it_was_written() -> None:
    """A makeup comes back from its file the same, and so do the changes since."""
    makeup = Makeup.of(ASKED)

    assert makeup == Makeup.model_validate(makeup.as_json())


def test_a_makeup_of_an_older_version_names_what_it_did_not_know() -> None:
    """Parts that an earlier version of Panel did not write down are told as added; none is passed over."""
    makeup = Makeup.of(ASKED)
    parameters = {"max_tokens": 16_000}
    older = makeup.model_copy(update={"parameters": parameters, "persona": {**makeup.persona} | {"gone": "0"}})

    assert ["mason.md gone removed"] == older.changes(makeup, "mason")
    assert Parameters(**parameters).model_dump() == makeup.parameters
