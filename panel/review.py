"""A review: the record of one tool. Everything that is published is in it, and everything that checks it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from panel.makers import maker_of, same_maker
from panel.persona import Persona
from panel.provider import has_model
from panel.record import Record, digest
from panel.request import Attempt, ModelName, Usage
from panel.take import Take, score, vote
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

    persona_digest: str | None
    """Content hash of the persona; None where it was not asked."""

    prompt_digest: str | None
    """Content hash of the prompts and the reply schema; None where it was not asked."""

    seen: str | None
    """Content hash of what the dossier showed when this seat was asked; None where it was not."""

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

    @model_validator(mode="after")
    def _has_what_its_status_says(self) -> Self:
        if (self.status == "heard") != (self.take is not None) or (self.status == "absent") != (
            self.absence is not None
        ):
            message = "a seat that is heard has a take, one that is absent an absence, and no other has"
            raise ValueError(message)
        return self

    @property
    def fault(self) -> Literal["score", "vote"] | None:
        """Which of the two does not follow from the ratings, and from the threshold; None where both do."""
        if self.take is None:
            return None
        if self.take.score != score(self.take.ratings):
            return "score"
        return None if self.take.vote == vote(self.take.score, self.threshold) else "vote"

    @property
    def said(self) -> Self:
        """The seat as it was said: without how often it was asked anew, which is counted when it is accepted."""
        return self.model_copy(update={"take": self.take.model_copy(update={"retakes": 0})}) if self.take else self

    @property
    def is_let_down(self) -> bool:
        """True where the seat was invited and has no take for another reason than abstention."""
        return self.absence is not None and self.absence != Absence.ABSTAINED


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

    def seat(self, persona: str) -> Seat | None:
        """Return the seat of a persona, or None where it has none."""
        return next((seat for seat in self.seats if seat.persona == persona), None)


def seat(
    persona: Persona, tool: Tool, prompt_digest: str, status: Literal["heard", "absent", "unseated"], **more: object
) -> Seat:
    """Return a seat of `persona` for `tool`; `more` are the fields that depend on the status."""
    is_asked = status != "unseated"
    return Seat.model_validate(
        {
            "persona": persona.id,
            "name": persona.name,
            "persona_digest": digest(persona) if is_asked else None,
            "prompt_digest": prompt_digest if is_asked else None,
            "seen": tool.seen_digest if is_asked else None,
            "status": status,
            "threshold": persona.threshold,
            **more,
        }
    )


def review(tool: Tool, seats: Sequence[Seat]) -> Review:
    """Return the review that these seats make; it depends on nothing else."""
    return Review(tool=tool, seats=tuple(seats), verdict=verdict_over(tool, seats))


def verdict_over(tool: Tool, seats: Sequence[Seat]) -> Verdict:
    """Return the verdict over the seats of a tool."""
    heard = [seat for seat in seats if seat.take]
    opinions = [
        Opinion(persona=seat.persona, score=seat.take.score, vote=seat.take.vote, threshold=seat.threshold)
        for seat in heard
        if seat.take
    ]
    let_down = sum(seat.is_let_down for seat in seats)
    abstained = sum(seat.absence == Absence.ABSTAINED for seat in seats)
    return verdict(opinions, let_down, abstained, list(disclosures(tool, heard)))


def disclosures(tool: Tool, heard: Sequence[Seat]) -> Iterable[Disclosure]:
    """Yield what a reader should know about the seats heard."""
    yield from _conflicts(tool.maker, heard)
    yield from _one_model(heard)
    if earlier := [seat for seat in heard if seat.seen != tool.seen_digest]:
        yield _about("stale", earlier, "the take is about an earlier dossier; its quotes may not stand in this one")
    if others := _prompted_otherwise(heard):
        yield _about("prompts", others, "the seats were not all asked with the same prompts")
    for kind, text, holds in _OF_REPLIES:
        if seats := [seat for seat in heard if holds(seat)]:
            yield _about(kind, seats, text)


def _prompted_otherwise(heard: Sequence[Seat]) -> Sequence[Seat]:
    """Return the seats whose prompts are not those of most seats; all of them where no prompts are."""
    counts = Counter(seat.prompt_digest for seat in heard)
    most = [digest for digest, count in counts.items() if count == max(counts.values())]
    return [seat for seat in heard if len(counts) > 1 and (len(most) > 1 or seat.prompt_digest != most[0])]


def _one_model(heard: Sequence[Seat]) -> Iterable[Disclosure]:
    answered = {ask.answered_by for seat in heard for ask in seat.asks}
    if len(heard) > 1 and len(answered) == 1 and has_model(_provider(min(answered))):
        text = f"all seats were answered by one model, {min(answered)}: several roles, one mind"
        yield _about("one model", heard, text)


def _conflicts(maker: str, heard: Sequence[Seat]) -> Iterable[Disclosure]:
    judging: dict[str, list[Seat]] = {}
    for seat in heard:
        for made in {maker_of(model) or "" for model in _models(seat) if same_maker(maker, model)}:
            judging.setdefault(made, []).append(seat)
    for made, seats in sorted(judging.items()):
        yield _about("conflict of interest", seats, f"judged by a model of {made}, who makes this tool")


_OF_REPLIES: Sequence[tuple[str, str, Callable[[Seat], bool]]] = (
    (
        "sample",
        "the replies are samples that ship with Panel, not output of the model asked",
        lambda seat: _answered(seat, "sample"),
    ),
    ("rehearsal", "no model was asked, and nothing here is an opinion", lambda seat: _answered(seat, "fake")),
    ("by hand", "the replies were pasted by a person", lambda seat: _answered(seat, "manual")),
    (
        "fallback",
        "the model asked was not to be had, and a fallback answered",
        lambda seat: any(tried.is_fallback for ask in seat.asks for tried in ask.attempts),
    ),
    (
        "carried",
        "the replies were given to an earlier form of the prompt",
        lambda seat: any(ask.carried_from for ask in seat.asks),
    ),
    (
        "retaken",
        "the take was accepted after the seat had been asked anew",
        lambda seat: seat.take is not None and seat.take.retakes > 0,
    ),
    ("edited", "the text was edited by hand", lambda seat: seat.take is not None and seat.take.edited_by is not None),
)


def _answered(seat: Seat, provider: str) -> bool:
    return any(_provider(ask.answered_by) == provider for ask in seat.asks)


def _provider(model: str) -> str:
    return ModelName.parse(model).provider


def _about(kind: str, seats: Sequence[Seat], text: str) -> Disclosure:
    return Disclosure.model_validate({"kind": kind, "personas": sorted(seat.persona for seat in seats), "text": text})


def _models(seat: Seat) -> set[str]:
    return {model for ask in seat.asks for model in (ask.asked, ask.answered_by)}
