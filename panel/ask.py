"""One seat asked: render, ask, read, check, repair once, and combine samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from panel.answer import NotAnAnswer, read_answer
from panel.errors import ModelError
from panel.gates import Checked, Rules, check
from panel.llm.model import Model
from panel.prompt import Question
from panel.request import Reply, Request, Stop
from panel.review import Absence, Ask, Seat, seat
from panel.settings import Samples
from panel.take import Take, combine

AUTO_STEPS = (1, 3, 5)
"""How many samples `auto` has drawn after each step."""

NEAR = 5
"""A score within this of the threshold makes `auto` go on."""


@dataclass(frozen=True)
class Sampled:
    """What one sample came to: a take, or an absence with its reason; and the asks it took."""

    asks: tuple[Ask, ...]
    take: Take | None = None
    absence: Absence | None = None
    reason: str | None = None


async def ask_seat(question: Question, model: Model, samples: Samples, first: int = 1) -> Seat:
    """Return the seat of one persona, heard or absent; sample numbers count from `first`.

    Raises InputError for what the user can mend: a missing recording, a prompt that does not render, a full disk.
    """
    persona = question.persona
    sampled: list[Sampled] = []
    for goal in AUTO_STEPS if samples == "auto" else (samples,):
        while len(sampled) < goal:
            sampled.append(await _sample(question, model, first + len(sampled), is_first=not sampled))
        takes = [each.take for each in sampled if each.take]
        if not takes or abs(combine(takes, persona.threshold).score - persona.threshold) > NEAR:
            break
    return _seat(question, sampled)


def _seat(question: Question, sampled: Sequence[Sampled]) -> Seat:
    """Return the seat that its samples make: heard where at least half of them are takes.

    A sample that the provider failed makes the seat fail: what came is in the ledger, and asking again completes it.
    """
    asks = tuple(ask for each in sampled for ask in each.asks)
    takes = [each.take for each in sampled if each.take]
    digest = question.prompts.digest
    failed = next((each for each in sampled if each.absence == Absence.FAILED), None)
    if 2 * len(takes) >= len(sampled) and not failed:
        take = combine(takes, question.persona.threshold)
        return seat(question.persona, question.tool, digest, "heard", take=take, asks=asks)
    absent = failed or next(each for each in sampled if not each.take)
    return seat(
        question.persona, question.tool, digest, "absent", absence=absent.absence, reason=absent.reason, asks=asks
    )


async def _sample(question: Question, model: Model, number: int, *, is_first: bool) -> Sampled:
    request = question.request(number)
    asks: list[Ask] = []
    try:
        return await _asked_and_mended(question, model, request, asks, is_first=is_first)
    except ModelError as error:
        return Sampled(tuple(asks), absence=Absence.FAILED, reason=str(error))


async def _asked_and_mended(
    question: Question, model: Model, request: Request, asks: list[Ask], *, is_first: bool
) -> Sampled:
    """Ask, and ask once more where the answer needs mending; the better of the two answers stands."""
    rules = Rules(question.prompts.common_words, question.prompts.first_hand)
    reply = await model.ask(request)
    asks.append(asked(request, reply, "ask" if is_first else "sample"))
    first = _judge(question, reply, rules)
    if reply.stop == Stop.REFUSED or not first.complaints or not reply.text.strip():
        return first.outcome(asks)
    mend = question.repair(request, reply.text, first.complaints, first.score, first.vote)
    mended = await model.ask(mend)
    asks.append(asked(mend, mended, "repair"))
    second = _judge(question, mended, rules)
    return (first if first.makes_a_take and not second.makes_a_take else second).outcome(asks)


@dataclass(frozen=True)
class _Judged:
    """One reply, judged: what the gates found, or why it could not be read."""

    checked: Checked | None
    absence: Absence | None = None
    reason: str | None = None
    """Part of a repair, so the model reads it."""

    advice: str = ""
    """What somebody at the keyboard can do about it."""

    @property
    def complaints(self) -> list[str]:
        return self.checked.complaints if self.checked else [f"the reply can't be used: {self.reason}"]

    @property
    def makes_a_take(self) -> bool:
        return self.checked is not None and self.checked.is_usable and self.checked.abstains is None

    @property
    def score(self) -> int | None:
        return self.checked.take.score if self.checked and not self.checked.abstains else None

    @property
    def vote(self) -> Literal["ship", "skip"] | None:
        return self.checked.take.vote if self.checked else None

    def outcome(self, asks: Sequence[Ask]) -> Sampled:
        done = tuple(asks)
        if self.checked is None:
            return Sampled(done, absence=self.absence, reason=f"{self.reason}{self.advice}")
        if self.checked.unusable:
            return Sampled(done, absence=Absence.UNREADABLE, reason="; ".join(self.checked.unusable))
        if self.checked.abstains:
            return Sampled(done, absence=Absence.ABSTAINED, reason=self.checked.abstains)
        if self.checked.incoherent:
            return Sampled(done, absence=Absence.INCOHERENT, reason=self.checked.incoherent)
        return Sampled(done, take=self.checked.take)


def _judge(question: Question, reply: Reply, rules: Rules) -> _Judged:
    if reply.stop == Stop.REFUSED:
        return _Judged(None, Absence.REFUSED, reply.detail or "the model declined without a reason")
    if reply.stop == Stop.TRUNCATED:
        most = question.parameters.max_tokens
        reason = f"it was cut off ({reply.usage.output} of {most} tokens); write less"
        return _Judged(None, Absence.UNREADABLE, reason, "; or raise max_tokens in panel.toml")
    try:
        answer = read_answer(reply.text)
    except NotAnAnswer as error:
        return _Judged(None, Absence.UNREADABLE, str(error))
    return _Judged(check(answer, question.persona, question.tool, rules))


def asked(request: Request, reply: Reply, kind: Literal["ask", "repair", "sample"]) -> Ask:
    """Return what a record keeps of a request and its reply."""
    return Ask(
        request=request.identity,
        kind=kind,
        sample=request.sample,
        note=request.note is not None,
        asked=request.model,
        answered_by=reply.answered_by,
        carried_from=reply.carried_from,
        attempts=reply.attempts,
        usage=reply.usage,
        cost_usd=reply.cost_usd,
        recorded_at=reply.recorded_at,
    )
