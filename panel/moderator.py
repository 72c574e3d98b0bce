"""The moderator: a model that sees the takes on two tools, and writes when to pick which. Code checks each clause."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import Field

from panel.answer import NotAnAnswer, read_as
from panel.ask import asked
from panel.compare import answer
from panel.comparison import Answer
from panel.gates import Rules, unpublishable
from panel.llm.model import Model
from panel.makers import same_maker
from panel.moderation import Clause, Moderation
from panel.names import pair_slug
from panel.prompt import MODERATION, Prompts
from panel.prose import names_and_numbers, never_used, told, unknown_to
from panel.record import Record
from panel.request import Block, Label, ModelName, Parameters, Reply, Request, Stop
from panel.review import Review, Seat
from panel.text import words

SEAT = "moderator"
"""Whom its requests are labelled for."""

MOST_CLAUSES = 3
_SPELT = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen"
    r"|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|dozens?|hundreds?|thousands?|millions?|billions?|trillions?"
    r"|half|twice|thrice|double|triple|quarter|percent)\b"
)
"""Numbers that are written as words."""

_ADDRESS = re.compile(r"://|\bwww\.|\bmailto:|[^\s@]@[^\s@]|\b[a-z0-9-]+\.[a-z]{2,}/", re.IGNORECASE)

MOST_WORDS = 30
"""Of a clause; the prompt asks for fewer."""


class Written(Record):
    """One clause as the moderator wrote it."""

    takes: tuple[str, ...] = Field(max_length=20)
    text: str


class Moderated(Record):
    """What the moderator writes."""

    first: tuple[Written, ...] = Field(max_length=12)
    second: tuple[Written, ...] = Field(max_length=12)


@dataclass(frozen=True)
class Pair:
    """Two reviews in the order of their slugs, as the moderator gets them."""

    first: Review
    second: Review

    @classmethod
    def of(cls, one: Review, other: Review) -> Pair:
        """Return two reviews in the order of their slugs."""
        return cls(*sorted((one, other), key=lambda review: review.tool.slug))

    @property
    def reviews(self) -> tuple[Review, Review]:
        """Both of them."""
        return self.first, self.second

    @property
    def takes(self) -> Mapping[str, Seat]:
        """Every seat heard, by the id of its take."""
        seats = ((review.tool.slug, seat) for review in self.reviews for seat in review.seats if seat.take)
        return {f"{slug}/{seat.persona}": seat for slug, seat in seats}

    def request(self, prompts: Prompts, model: str, parameters: Parameters, sample: int = 1) -> Request:
        """Return what the moderator is asked; raises PromptError where the prompt does not render."""
        sides = [
            {"name": review.tool.name, "slug": review.tool.slug, "heard": [seat for seat in review.seats if seat.take]}
            for review in self.reviews
        ]
        return Request(
            model=model,
            parameters=parameters,
            system=prompts.texts["moderator.md"].strip(),
            blocks=(Block(text=prompts.render("takes.md.j2", sides=sides)),),
            reply_schema=prompts.schema_in(MODERATION),
            sample=sample,
            label=Label(tool=pair_slug(*(review.tool.slug for review in self.reviews)), persona=SEAT),
        )


async def moderation(pair: Pair, prompts: Prompts, request: Request, model: Model) -> Moderation:
    """Return what the moderator made of the takes; clauses that do not hold are left out, with the reason.

    Raises ModelError where the provider let us down, RecordingMissing where only recordings may answer.
    """
    reply = await model.ask(request)
    clauses, dropped = _checked(pair, prompts, reply)
    if not all(clauses):
        clauses, dropped = ((), ()), (*dropped, *_silent(pair, clauses))
    return Moderation(
        prompt_digest=prompts.moderation_digest,
        clauses=clauses,
        dropped=dropped,
        disclosures=tuple(_disclosures(pair, request, reply)),
        ask=asked(request, reply, "ask"),
    )


def _disclosures(pair: Pair, request: Request, reply: Reply) -> Iterator[str]:
    """Yield what a reader should know of who wrote the clauses."""
    if ModelName.parse(reply.answered_by).provider == "sample":
        yield "the reply is a sample that ships with Panel, not output of the model asked"
    models = {request.model, reply.answered_by}
    for tool in (review.tool for review in pair.reviews):
        if any(same_maker(tool.maker, model) for model in models):
            yield f"asked of a model by the maker of {tool.name}"


def _silent(pair: Pair, clauses: tuple[Sequence[Clause], Sequence[Clause]]) -> Iterator[str]:
    """Yield which tool no clause speaks for, where one speaks for the other: one of them alone would be a pick."""
    for review, held in zip(pair.reviews, clauses, strict=True):
        if any(clauses) and not held:
            yield f"{review.tool.slug}: no clause holds, and those for the other tool do not stand alone"


def _checked(
    pair: Pair, prompts: Prompts, reply: Reply
) -> tuple[tuple[tuple[Clause, ...], tuple[Clause, ...]], tuple[str, ...]]:
    """Return the clauses that hold, and what is wrong with the others."""
    if reply.stop != Stop.DONE:
        return ((), ()), (f"the reply can't be used: {reply.detail or reply.stop}",)
    try:
        said = read_as(Moderated, reply.text)
    except NotAnAnswer as error:
        return ((), ()), (f"the reply can't be used: {error}",)
    check, dropped = _Check(pair, prompts, answer(pair.first, pair.second)), list[str]()
    first = tuple(check.holding(pair.first, said.first, dropped))
    return (first, tuple(check.holding(pair.second, said.second, dropped))), tuple(dropped)


@dataclass(frozen=True)
class _Check:
    """What a clause is held against."""

    pair: Pair
    prompts: Prompts
    answer: Answer

    def holding(self, of: Review, written: Sequence[Written], dropped: list[str]) -> Iterator[Clause]:
        """Yield the clauses for one tool that hold; what is wrong with the others goes into `dropped`."""
        for number, clause in enumerate(written, start=1):
            problem = next(self._problems(of, number, clause), None)
            if problem:
                dropped.append(f"{of.tool.slug}, clause {number}: {problem}")
            else:
                yield Clause(text=" ".join(clause.text.split()), takes=tuple(dict.fromkeys(clause.takes)))

    def _problems(self, of: Review, number: int, clause: Written) -> Iterator[str]:
        if number > MOST_CLAUSES:
            yield f"there are {MOST_CLAUSES} at most"
        yield from self._misled(of, clause)
        if not 0 < (count := words(clause.text)) <= MOST_WORDS:
            yield f"it has {count} words; it needs 1 to {MOST_WORDS}"
        yield from self._partial(of, clause)
        yield from self._unpublishable(clause)
        yield from (f'"{token}" is in none of its takes' for token in self._invented(clause))

    def _misled(self, of: Review, clause: Written) -> Iterator[str]:
        """Yield what is wrong with the takes that a clause cites."""
        if not clause.takes:
            yield "it rests on no take"
        yield from (f"there is no take '{id[:80]}'" for id in clause.takes if id not in self.pair.takes)
        if not any(id.startswith(f"{of.tool.slug}/") for id in clause.takes):
            yield "it rests on no take on this tool"

    def _partial(self, of: Review, clause: Written) -> Iterator[str]:
        """Yield how a clause ranks the tools against the rule, or speaks of the other one."""
        if of.tool.slug != self.answer.winner:
            yield from (f'it ranks the tools ("{word}")' for word in never_used(clause.text, self.prompts.ranking))
        other = next(review.tool for review in self.pair.reviews if review is not of)
        names = never_used(clause.text, [other.name, *other.aliases])
        yield from (f'it names the other tool ("{name}")' for name in names)

    def _invented(self, clause: Written) -> Iterator[str]:
        """Yield the names and numbers that none of the cited takes holds."""
        known = self._known(clause.takes)
        # A clause goes on from "Pick it if", so its first word opens no sentence and may be a name.
        yield from unknown_to([*map(told, known)], names_and_numbers(f"if {clause.text}", self.prompts.common_words))
        spelt = {*_SPELT.findall(" ".join(known).casefold())}
        yield from (word for word in _SPELT.findall(clause.text.casefold()) if word not in spelt)

    def _unpublishable(self, clause: Written) -> Iterable[str]:
        if _ADDRESS.search(clause.text):
            yield "it holds an address"
        rules = Rules(self.prompts.common_words, self.prompts.first_hand)
        for review in self.pair.reviews:
            yield from unpublishable({"it": clause.text}, review.tool, rules)

    def _known(self, cited: Sequence[str]) -> list[str]:
        """Return what a clause may name: the two tools, and what stands in the takes that it cites."""
        tools = [review.tool.name for review in self.pair.reviews]
        prose = [text for id in cited if (take := self.pair.takes[id].take) for text in take.prose.values()]
        return [*tools, *prose]
