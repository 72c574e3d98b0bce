"""A review: the record of one tool. Everything that is published is in it, and everything that checks it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import Literal

from pydantic import Field

from panel.makers import maker_of, same_maker
from panel.persona import Persona
from panel.record import Record, digest
from panel.request import Attempt, ModelName, Usage
from panel.take import Take
from panel.tool import Tool
from panel.verdict import RULES, Disclosure, Opinion, Verdict, verdict


class Absence(StrEnum):
    """Why a seat that was invited has no take."""

    ABSTAINED = "abstained"
    """The dossier does not tell enough; an honest answer."""

    REFUSED = "refused"
    """The model declined."""

    FAILED = "failed"
    """The provider let us down."""

    UNREADABLE = "unreadable"
    """The reply is no take, even after repair."""

    INCOHERENT = "incoherent"
    """The vote goes against the score, even after repair."""


class Ask(Record):
    """One request with its reply: the first, a repair, or a further sample."""

    request: str
    """Identity of the request, under which the ledger holds the recording."""

    kind: Literal["ask", "repair", "sample"]
    """Which of the three it is."""

    sample: int
    """The sample number."""

    note: bool
    """True where an editor's note was part of it."""

    asked: str
    """The model as asked."""

    answered_by: str
    """Who really answered."""

    carried_from: str | None = None
    """The identity under which the reply was first given, where it was carried over a change of form."""

    attempts: tuple[Attempt, ...]
    """Every try."""

    usage: Usage
    """Tokens."""

    cost_usd: str | None
    """US dollars as a decimal string; None where the price is not known."""

    recorded_at: str
    """When it was answered: UTC, ISO 8601."""


class Seat(Record):
    """A persona at the table for one tool."""

    persona: str
    """The id of the persona."""

    name: str
    """Its name on the page."""

    persona_digest: str
    """Content hash of the persona."""

    prompt_digest: str
    """Content hash of the prompts and the reply schema."""

    status: Literal["heard", "absent", "unseated"]
    """Whether there is a take, none although invited, or no invitation."""

    absence: Absence | None = None
    """Why an invited seat has no take."""

    reason: str | None = None
    """The reason in words, where there is no take."""

    threshold: int
    """The score from which this persona ships."""

    take: Take | None = None
    """What it says."""

    asks: tuple[Ask, ...] = ()
    """Every request that the take rests on, in order."""


class Review(Record):
    """The record of one tool. It holds no time and no mode of its own run: a replay gives the same bytes."""

    schema_: Literal["panel.review/1"] = Field(default="panel.review/1", alias="schema")
    """What this file is; the number is raised when the meaning of a field changes."""

    rules: str = RULES
    """The version of the rules."""

    tool: Tool
    """The dossier as it was read."""

    seats: tuple[Seat, ...]
    """Every persona of the panel, in its order."""

    verdict: Verdict
    """What the panel says."""


def seat(persona: Persona, prompt_digest: str, status: Literal["heard", "absent", "unseated"], **more: object) -> Seat:
    """Return a seat of `persona`; `more` are the fields that depend on the status."""
    return Seat.model_validate(
        {
            "persona": persona.id,
            "name": persona.name,
            "persona_digest": digest(persona),
            "prompt_digest": prompt_digest,
            "status": status,
            "threshold": persona.threshold,
            **more,
        }
    )


def review(tool: Tool, seats: Sequence[Seat]) -> Review:
    """Return the review that these seats make; it depends on nothing else."""
    return Review(tool=tool, seats=tuple(seats), verdict=verdict_over(tool.maker, seats))


def verdict_over(maker: str, seats: Sequence[Seat]) -> Verdict:
    """Return the verdict over seats; `maker` is the tool's, for conflicts of interest."""
    opinions = [
        Opinion(persona=seat.persona, score=seat.take.score, vote=seat.take.vote, threshold=seat.threshold)
        for seat in seats
        if seat.take
    ]
    absent = [seat for seat in seats if seat.status == "absent"]
    abstained = sum(seat.absence == Absence.ABSTAINED for seat in absent)
    heard = [seat for seat in seats if seat.take]
    return verdict(opinions, len(absent) - abstained, abstained, list(disclosures(maker, heard)))


def disclosures(maker: str, heard: Sequence[Seat]) -> Iterable[Disclosure]:
    """Yield what a reader should know about the seats heard; `maker` is the tool's."""
    yield from _conflicts(maker, heard)
    asked = {ask.asked for seat in heard for ask in seat.asks}
    if len(heard) > 1 and len(asked) == 1:
        yield _about("one model", heard, f"all seats were asked of one model, {asked.pop()}: several roles, one mind")
    for kind, text, holds in _OF_REPLIES:
        if seats := [seat for seat in heard if holds(seat)]:
            yield _about(kind, seats, text)


def _conflicts(maker: str, heard: Sequence[Seat]) -> Iterable[Disclosure]:
    judging = {seat.persona: model for seat in heard for model in _models(seat) if same_maker(maker, model)}
    if judging:
        made = maker_of(next(iter(judging.values())))
        judges = [seat for seat in heard if seat.persona in judging]
        yield _about("conflict of interest", judges, f"judged by a model of {made}, who makes this tool")


_OF_REPLIES: Sequence[tuple[str, str, Callable[[Seat], bool]]] = (
    (
        "sample",
        "the replies are samples that ship with Panel, not output of the model asked",
        lambda seat: any(ModelName.parse(ask.answered_by).provider == "sample" for ask in seat.asks),
    ),
    (
        "carried",
        "the replies were given to an earlier form of the prompt",
        lambda seat: any(ask.carried_from for ask in seat.asks),
    ),
    ("edited", "the text was edited by hand", lambda seat: seat.take is not None and seat.take.edited_by is not None),
)


def _about(kind: str, seats: Sequence[Seat], text: str) -> Disclosure:
    return Disclosure.model_validate({"kind": kind, "personas": sorted(seat.persona for seat in seats), "text": text})


def _models(seat: Seat) -> set[str]:
    return {model for ask in seat.asks for model in (ask.asked, ask.answered_by)}
