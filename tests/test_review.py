"""A review: what is disclosed, how absences count, and that the record holds all and nothing of its run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import made
import pytest

from panel.files import canonical, digest_of, readable
from panel.makers import ALIASES, MAKERS, maker_of, same_maker
from panel.persona import Persona
from panel.provider import FIXED
from panel.request import Attempt, Usage
from panel.review import Absence, Ask, Review, Seat, disclosures, review, seat, verdict_over
from panel.take import Flag
from panel.tool import Tool
from panel.verdict import RULES, Disclosure

PROMPTS = "sha256:" + "b" * 64
FAILURES = [absence for absence in Absence if absence != Absence.ABSTAINED]


@pytest.fixture(scope="module")
def plumb(tmp_path_factory: pytest.TempPathFactory) -> Tool:
    """Return the tool that all reviews here are of."""
    return made.tool(tmp_path_factory.mktemp("plumb"))


@pytest.fixture(scope="module")
def mason(tmp_path_factory: pytest.TempPathFactory) -> Persona:
    """Return the persona that all seats here are made from."""
    return made.persona(tmp_path_factory.mktemp("mason"))


def by(maker: str) -> Tool:
    """Return the tool as somebody else's."""
    return made.changed(made.plumb(), maker=maker)


def ask(asked: str = "acme:panel", answered_by: str | None = None, **changes: object) -> Ask:
    """Return one ask; whoever was asked answers, if nobody else is named."""
    sound = {"request": "sha256:" + "a" * 64, "kind": "ask", "sample": 1, "note": False, "asked": asked}
    sound |= {"answered_by": answered_by or asked, "attempts": [Attempt(number=1, waited_s=0)], "usage": Usage()}
    return Ask.model_validate({**sound, "cost_usd": "0", "recorded_at": "2026-11-20T10:00:00Z", **changes})


def heard(mason: Persona, name: str, *asks: Ask, score: int = 70, edited_by: str | None = None) -> Seat:
    """Return a seat that was heard, with this score and these asks."""
    take = made.take([made.rated(Fraction(score, 25), 100)], edited_by=edited_by)
    persona = mason.model_copy(update={"id": name, "name": name.title()})
    return seat(persona, made.plumb(), PROMPTS, "heard", take=take, asks=asks or (ask(),))


def absent(mason: Persona, name: str, absence: Absence) -> Seat:
    """Return a seat that was invited and has no take."""
    persona = mason.model_copy(update={"id": name, "name": name.title()})
    return seat(persona, made.plumb(), PROMPTS, "absent", absence=absence, reason="so it was", asks=(ask(),))


def unseated(mason: Persona, name: str) -> Seat:
    """Return a seat that was not invited."""
    return seat(mason.model_copy(update={"id": name}), made.plumb(), PROMPTS, "unseated", reason="no surface to judge")


def table(mason: Persona) -> list[Seat]:
    """Return seats of every kind, with a record as full as it gets."""
    tries = [Attempt(number=1, waited_s=0, error="busy"), Attempt(number=2, waited_s=1.5)]
    told: dict[str, Any] = {
        "attempts": tries,
        "usage": Usage(input=7, cache_read=3, output=9),
        "cost_usd": "0.0123",
        "note": True,
    }
    take = made.take(
        [made.rated(Fraction(8, 3), 60, given=Fraction(10, 3), capped=True), made.rated(None, 40)],
        flags=(Flag(kind="outside", text="it says 9"),),
        evidence=[{"id": "e1", "source": "license", "quote": "MIT"}],
        outside=[{"text": "Kestrel", "kind": "rival"}],
        samples=3,
        spread=12,
    )
    full = heard(mason, "anna", ask("fake:a", **told), ask("fake:a", "sample:panel", kind="sample", sample=2))
    return [
        full.model_copy(update={"take": take}),
        heard(mason, "bert", ask("fake:b", carried_from="sha256:" + "c" * 64), score=42),
        heard(mason, "cora", score=81, edited_by="ed"),
        absent(mason, "dora", Absence.REFUSED),
        absent(mason, "emil", Absence.ABSTAINED),
        unseated(mason, "fred"),
    ]


def kinds(told: Sequence[Disclosure]) -> dict[str, tuple[str, ...]]:
    """Return the kinds of disclosures, each with the seats it concerns."""
    return {one.kind: one.personas for one in told}


# Disclosures


@pytest.mark.parametrize(
    ("maker", "asked", "answered_by"),
    [
        pytest.param("Anthropic", "anthropic:claude-sonnet-5-5", None, id="by the provider"),
        pytest.param("OpenAI", "openai:gpt-6.1-sol", None, id="by another provider"),
        pytest.param("Hugging Face", "manual:smollm3-3b", None, id="by the model's prefix"),
        pytest.param("Meta", "manual:groq/llama-4", None, id="by the prefix after a path"),
        pytest.param("Google", "manual:Gemini-4", None, id="by a prefix in another case"),
        pytest.param("Anthropic", "fake:panel", "anthropic:claude-sonnet-5-5", id="by who really answered"),
        pytest.param("huggingface", "manual:smollm3", None, id="by an alias"),
        pytest.param("DeepMind", "manual:gemma-4", None, id="by another alias"),
        pytest.param("GitHub", "manual:phi-5", None, id="by a company under the same roof"),
        pytest.param("anthropic, PBC", "anthropic:x", None, id="with its legal form"),
        pytest.param("Microsoft Corporation", "manual:phi-5", None, id="with its legal form in full"),
        pytest.param("Lead Works and OpenAI", "openai:x", None, id="one of two makers"),
        pytest.param("Meta (FAIR)", "manual:llama-4", None, id="with something in brackets"),
        pytest.param("Alibaba's Qwen team", "manual:qwen3", None, id="with a possessive"),
        pytest.param("Alibaba’s Qwen team", "manual:qwen3", None, id="with a curly apostrophe"),
    ],
)
def test_a_conflict_of_interest_is_disclosed(mason: Persona, maker: str, asked: str, answered_by: str | None) -> None:
    """Where the maker of a seat's model, asked or answering, makes the tool under any of its names, that is told."""
    seats = [heard(mason, "bert", ask("fake:b")), heard(mason, "anna", ask(asked, answered_by))]
    found = kinds(list(disclosures(by(maker), seats)))

    assert ("anna",) == found["conflict of interest"]


@pytest.mark.parametrize(
    ("maker", "asked"),
    [
        pytest.param("Lead Works", "anthropic:claude-sonnet-5-5", id="another maker"),
        pytest.param("OpenAI", "anthropic:claude-sonnet-5-5", id="a rival"),
        pytest.param("not stated", "openai:gpt-6.1-sol", id="no maker stated"),
        pytest.param("Anthropic", "fake:panel", id="a model of nobody"),
        pytest.param("Anthropic", "manual:chat", id="a person"),
        pytest.param("Anthropic", "sample:panel", id="a sample"),
        pytest.param("Metabase", "manual:llama-4", id="a maker whose name begins alike"),
        pytest.param("OpenAI", "anthropic:gpt-like", id="the provider goes before the name"),
    ],
)
def test_no_conflict_of_interest(mason: Persona, maker: str, asked: str) -> None:
    """Where the maker of the tool makes no model of the panel, none is told."""
    assert "conflict of interest" not in kinds(list(disclosures(by(maker), [heard(mason, "anna", ask(asked))])))


def test_a_conflict_names_the_maker_of_the_tool_alone(mason: Persona) -> None:
    """A maker whose model also answered, and who does not make the tool, is not said to make it."""
    told = list(disclosures(by("Anthropic"), [heard(mason, "anna", ask("anthropic:x", "openai:y"))]))
    (conflict,) = [one for one in told if one.kind == "conflict of interest"]

    assert "Anthropic" in conflict.text
    assert "OpenAI" not in conflict.text


@pytest.mark.parametrize("maker", sorted(MAKERS))
def test_the_tables_of_makers_fit_together(maker: str) -> None:
    """Every maker of models has names to be called by, folded, and is found by its own name and its own models."""
    models = [f"manual:{start}x" for start in MAKERS[maker]]
    models += [f"{name}:x" for name, provider in FIXED.items() if provider.maker == maker]

    assert {maker} == {maker_of(model) for model in models}
    assert all(same_maker(name, model) for name in (maker, *ALIASES[maker]) for model in models)
    assert list(ALIASES[maker]) == [alias.casefold() for alias in ALIASES[maker]]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param(["acme:a", "acme:a", "acme:a"], ("anna", "bert", "cora"), id="one model"),
        pytest.param(["acme:a", "acme:a", "acme:b"], None, id="two models"),
        pytest.param(["acme:a"], None, id="one seat"),
        pytest.param([], None, id="no seat"),
    ],
)
def test_one_model_in_all_seats_is_disclosed(
    mason: Persona, asked: Sequence[str], expected: tuple[str, ...] | None
) -> None:
    """Where several seats were heard and all asked of one model, that is told, with the model's name."""
    names = ("anna", "bert", "cora")
    told = list(
        disclosures(made.plumb(), [heard(mason, n, ask(model)) for n, model in zip(names, asked, strict=False)])
    )

    assert expected == kinds(told).get("one model")
    assert all("acme:a" in one.text for one in told if one.kind == "one model")


@pytest.mark.parametrize(
    ("changes", "edited_by", "kind"),
    [
        pytest.param({"answered_by": "sample:panel"}, None, "sample", id="a sample"),
        pytest.param({"carried_from": "sha256:" + "c" * 64}, None, "carried", id="carried over"),
        pytest.param({}, "ed", "edited", id="edited by hand"),
    ],
)
def test_replies_that_are_not_what_was_asked_are_disclosed(
    mason: Persona, changes: dict[str, Any], edited_by: str | None, kind: str
) -> None:
    """Samples, replies that were carried and texts that were edited are told with the seats they concern, in order."""
    plain, odd = ask("acme:a"), ask(**{"asked": "acme:b", **changes})
    seats = [heard(mason, name, plain, odd, edited_by=edited_by) for name in ("dora", "bert")]
    told = kinds(list(disclosures(made.plumb(), [*seats, heard(mason, "anna", plain)])))

    assert {kind: ("bert", "dora")} == told


def test_a_take_on_an_earlier_dossier_is_disclosed(mason: Persona) -> None:
    """A seat that was asked about another dossier than the record's is told of, and no other."""
    later = made.changed(made.plumb(), tagline="Another line")
    old, new = heard(mason, "anna", ask("acme:a")), heard(mason, "bert", ask("acme:b"))
    new = new.model_copy(update={"seen": digest_of(later.seen)})

    assert {"stale": ("anna",)} == kinds(list(disclosures(later, [old, new])))


@pytest.mark.parametrize(("model", "kind"), [("fake:ship", "rehearsal"), ("manual:chat", "by hand")])
def test_a_rehearsal_and_a_person_are_disclosed(mason: Persona, model: str, kind: str) -> None:
    """Where no model answered, that is told, and not that one model sat in all seats."""
    seats = [heard(mason, name, ask(model)) for name in ("anna", "bert")]

    assert {kind: ("anna", "bert")} == kinds(list(disclosures(made.plumb(), seats)))


def test_makers_of_two_judges_are_told_apart(mason: Persona) -> None:
    """A tool of two makers, judged by a model of each, has a disclosure for each, in the order of their names."""
    seats = [heard(mason, "anna", ask("openai:x")), heard(mason, "bert", ask("anthropic:y"))]
    told = [(one.personas, one.text.split()[5]) for one in disclosures(by("Anthropic and OpenAI"), seats)][:2]

    assert [(("bert",), "Anthropic,"), (("anna",), "OpenAI,")] == told


def test_nothing_is_disclosed_where_there_is_nothing(mason: Persona) -> None:
    """Seats of several models, none of them the maker's, need no disclosure."""
    seats = [heard(mason, "anna", ask("acme:a")), heard(mason, "bert", ask("acme:b"))]

    assert () == verdict_over(by("Lead Works"), seats).disclosures


def test_seats_that_were_not_heard_disclose_nothing(mason: Persona) -> None:
    """What stands behind a seat without a take had no part in the verdict."""
    told = {"asks": (ask("anthropic:x", carried_from="sha256:" + "c" * 64),)}
    silent = absent(mason, "anna", Absence.REFUSED).model_copy(update=told)

    assert () == verdict_over(by("Anthropic"), [silent]).disclosures


# Absences


def test_seats_are_counted(mason: Persona) -> None:
    """Heard and absent seats were invited, seats that are not at the table were not, and nothing is dropped."""
    found = verdict_over(by("x"), table(mason))

    assert (3, 5, 2, 1) == (found.heard, found.invited, found.ship, found.skip)
    assert (42, 81) == found.range


@pytest.mark.parametrize("absence", FAILURES)
def test_a_failure_makes_a_verdict_provisional(mason: Persona, absence: Absence) -> None:
    """A seat absent for any reason but abstention, whose vote could change the label, makes it provisional."""
    seats = [heard(mason, name, score=score) for name, score in (("anna", 70), ("bert", 70), ("cora", 40))]

    assert verdict_over(by("x"), [*seats, absent(mason, "dora", absence)]).provisional


@pytest.mark.parametrize(
    "more",
    [
        pytest.param([], id="nobody else"),
        pytest.param([Absence.ABSTAINED], id="one abstained"),
        pytest.param([Absence.ABSTAINED] * 3, id="three abstained"),
        pytest.param([None], id="one was not invited"),
    ],
)
def test_an_abstention_leaves_a_verdict_as_it_is(mason: Persona, more: Sequence[Absence | None]) -> None:
    """Seats that abstained or were not invited do not make a verdict provisional."""
    seats = [heard(mason, name, score=score) for name, score in (("anna", 70), ("bert", 70), ("cora", 40))]
    seats += [absent(mason, f"d{n}", a) if a else unseated(mason, f"d{n}") for n, a in enumerate(more)]
    found = verdict_over(by("x"), seats)

    assert ("Mixed", False) == (found.label, found.provisional)


def test_a_failure_that_can_change_nothing_is_not_provisional(mason: Persona) -> None:
    """Where neither vote of the failed seat would change the label, the verdict stands."""
    seats = [heard(mason, f"p{n}") for n in range(4)]
    found = verdict_over(by("x"), [*seats, absent(mason, "dora", Absence.FAILED)])

    assert ("Ship", False) == (found.label, found.provisional)


def test_no_verdict_for_want_of_seats_is_provisional_until_they_are_heard(mason: Persona) -> None:
    """Two heard and one failed make no verdict yet; two heard and one that abstained make none at all."""
    seats = [heard(mason, "anna"), heard(mason, "bert")]
    found = [verdict_over(by("x"), [*seats, absent(mason, "cora", a)]) for a in (Absence.FAILED, Absence.ABSTAINED)]

    assert [("No verdict", True), ("No verdict", False)] == [(one.label, one.provisional) for one in found]


def test_each_seat_votes_by_its_own_threshold(mason: Persona) -> None:
    """The threshold in a seat is its persona's, and swing is measured from it."""
    strict = mason.model_copy(update={"threshold": 69})
    seats = [heard(strict, "zoe", score=70), heard(mason, "anna", score=65), heard(mason, "bert", score=66)]

    assert 69 == seats[0].threshold
    assert "zoe" == verdict_over(by("x"), seats).swing


def test_the_order_of_seats_changes_no_verdict(plumb: Tool, mason: Persona) -> None:
    """Seats in another order make the same verdict, disclosures included."""
    seats = table(mason)

    assert review(plumb, seats).verdict == review(plumb, seats[::-1]).verdict


# The record


def test_a_review_survives_json(plumb: Tool, mason: Persona) -> None:
    """A review that is written as JSON and read again is equal, and is written as the same bytes."""
    whole = review(plumb, table(mason))
    written = readable(whole.as_json())
    again = Review.model_validate(json.loads(written))

    assert whole == again
    assert written == readable(again.as_json())


def test_a_verdict_can_be_recomputed_from_its_record(plumb: Tool, mason: Persona) -> None:
    """The seats and the maker in a record give the verdict in it."""
    read = Review.model_validate(json.loads(readable(review(plumb, table(mason)).as_json())))

    assert read.verdict == verdict_over(read.tool, read.seats) == review(read.tool, read.seats).verdict


def test_the_same_seats_make_the_same_bytes(plumb: Tool, mason: Persona, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two reviews of the same seats, made at different times and places, are the same bytes."""
    first = canonical(review(plumb, table(mason)).as_json())
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    monkeypatch.setattr("panel.llm.model.now", lambda: "2031-01-01T00:00:00Z")
    second = canonical(review(plumb, table(mason)).as_json())

    assert first == second


def places(data: object, of: str, at: str = "") -> Iterator[str]:
    """Yield where in JSON data a text is a value or a part of one."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from places(value, of, f"{at}.{key}")
    elif isinstance(data, list):
        for value in data:
            yield from places(value, of, f"{at}[]")
    elif of in str(data):
        yield at


def test_a_record_holds_no_time_and_no_mode_of_its_run(plumb: Tool, mason: Persona) -> None:
    """The only clock times in a record are those of its recordings, and no key of it names a run, a mode or a host."""
    data: Any = review(plumb, table(mason)).as_json()

    assert {".seats[].asks[].recorded_at"} == set(places(data, "T10:00:00Z")) | set(places(data, ":00Z"))
    assert {"schema", "rules", "tool", "seats", "verdict"} == set(data)


def test_a_record_has_the_keys_of_the_contract(plumb: Tool, mason: Persona) -> None:
    """Every key that DESIGN 11 shows is in a record, at its place."""
    data: Any = review(plumb, table(mason)).as_json()
    first = data["seats"][0]
    shown = {
        "persona persona_digest prompt_digest status absence reason threshold take asks": first,
        "score vote headline text best_for not_for would_change_my_vote ratings evidence outside": first["take"],
        "flags samples spread edited_by": first["take"],
        "criterion weight given rating capped why evidence": first["take"]["ratings"][0],
        "id source quote": first["take"]["evidence"][0],
        "text kind": first["take"]["outside"][0],
        "request kind sample note asked answered_by carried_from attempts usage cost_usd": first["asks"][0],
        "recorded_at": first["asks"][0],
        "number waited_s error": first["asks"][0]["attempts"][0],
        "input cache_read cache_write output": first["asks"][0]["usage"],
        "label ship skip heard invited share percent score range margin swing agreement": data["verdict"],
        "provisional disclosures": data["verdict"],
        "slug name digest": data["tool"],
    }

    assert [] == [key for keys, part in shown.items() for key in keys.split() if key not in part]
    assert ("panel.review/1", RULES) == (data["schema"], data["rules"])


def test_values_stand_in_a_record_as_the_contract_shows_them(plumb: Tool, mason: Persona) -> None:
    """Costs are decimal text, shares and means are exact text, and a seat without a take says why."""
    data: Any = review(plumb, table(mason)).as_json()
    anna, *_, dora, emil, fred = data["seats"]
    (rated, missing) = anna["take"]["ratings"]

    assert ("0.0123", "2/3", "8/3", "10/3", None) == (
        anna["asks"][0]["cost_usd"],
        data["verdict"]["share"],
        rated["rating"],
        rated["given"],
        missing["rating"],
    )
    assert ("refused", "so it was", None) == (dora["absence"], dora["reason"], dora["take"])
    assert ("abstained", "absent") == (emil["absence"], emil["status"])
    assert ("unseated", "no surface to judge", None, []) == (
        fred["status"],
        fred["reason"],
        fred["take"],
        fred["asks"],
    )


def test_a_record_is_read_straight_from_its_bytes(plumb: Tool, mason: Persona) -> None:
    """A program that reads the record with pydantic's own JSON reader gets the same review."""
    whole = review(plumb, table(mason))

    assert whole == Review.model_validate_json(readable(whole.as_json()))
