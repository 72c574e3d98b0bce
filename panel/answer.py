"""An answer: what a model writes in reply, before anything in it is checked."""

from __future__ import annotations

import json
import re
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import Annotated, Literal, TypeVar

from pydantic import BeforeValidator, Field, JsonValue, ValidationError
from pydantic_core import ErrorDetails

from panel.errors import on_one_line
from panel.record import Record, no_truth_value
from panel.take import Evidence, Outside, Vote
from panel.text import clean

MOST_STARTS = 200
"""So many braces are tried for the beginning of the answer."""

MOST_READ = 4
"""So many times the length of a reply is read in search of the answer: braces within braces are read again."""

MOST_ENTRIES = 100
"""Of quotes, ratings and facts from outside; a sound answer has a dozen of each."""

TELLING_KEYS = 3
"""An object with so many keys of an answer is meant as one."""

_OPEN, _CLOSE = "<think>", "</think>"

MOST_FAULTS = 6
LONGEST_REASON = 600


Form = TypeVar("Form", bound=Record)


class NotAnAnswer(ValueError):
    """A reply does not fit the reply schema; the text says where."""


class Rating(Record):
    """One criterion, as the model rated it."""

    criterion: str
    """The id of the criterion."""

    rating: Annotated[Literal[0, 1, 2, 3, 4], BeforeValidator(no_truth_value)] | None
    """0 to 4; None where the dossier does not tell."""

    why: str
    """The reason in a few words."""

    evidence: tuple[str, ...] = Field(max_length=MOST_ENTRIES)
    """Ids of the quotes that it rests on."""


class Abstain(Record):
    """Why a persona does not vote."""

    reason: str
    """What is missing."""


class Answer(Record):
    """What a model writes: evidence before judgement, judgement before prose."""

    evidence: tuple[Evidence, ...] = Field(max_length=MOST_ENTRIES)
    ratings: tuple[Rating, ...] = Field(max_length=MOST_ENTRIES)
    outside: tuple[Outside, ...] = Field(max_length=MOST_ENTRIES)
    take: str
    headline: str
    best_for: str
    not_for: str
    would_change_my_vote: str
    vote: Vote | None
    abstain: Abstain | None

    @property
    def prose(self) -> dict[str, str]:
        """Everything that is published as running text, by what it is called."""
        named = {"take": self.take, "headline": self.headline, "best_for": self.best_for, "not_for": self.not_for}
        whys = {f"why of {rating.criterion}": rating.why for rating in reversed(self.ratings)}
        return named | {"would_change_my_vote": self.would_change_my_vote} | whys


def read_answer(reply: str) -> Answer:
    """Return the answer in a reply; a code fence, thinking and talk around the JSON object do no harm.

    Raises NotAnAnswer where there is no object or where it does not fit the schema.
    """
    return read_as(Answer, reply)


def read_as(form: type[Form], reply: str) -> Form:
    """Return what a reply holds, as `read_answer` does, in another form."""
    if not reply.strip():
        raise NotAnAnswer("it is empty")
    try:
        return form.model_validate(_cleaned(_json_object(without_thoughts(reply), form.model_fields.keys())))
    except ValidationError as error:
        faults = [_fault(each) for each in error.errors()[:MOST_FAULTS]]
        raise NotAnAnswer(on_one_line("; ".join(faults))[:LONGEST_REASON]) from error
    except RecursionError as error:
        raise NotAnAnswer("it is nested too deeply") from error


def _fault(details: ErrorDetails) -> str:
    """Return a fault in our own words: it becomes part of a request, so no library may have a say in it."""
    place = ".".join(str(step) for step in details["loc"])[:80] or "the object"
    words = {
        "missing": "is missing",
        "extra_forbidden": "is no field of the form",
        "too_long": f"has more than {details.get('ctx', {}).get('max_length')} entries",
    }
    return f"{place}: {words.get(details['type'], 'has a value that the form does not allow')}"


def without_thoughts(reply: str) -> str:
    """Return a reply without what stands between <think> and </think>.

    Thoughts that were opened in the prompt end at the first </think>; those that open a reply and never end are all.
    """
    opened, closed = reply.find(_OPEN), reply.find(_CLOSE)
    if closed >= 0 and not 0 <= opened < closed:
        reply = reply[closed + len(_CLOSE) :]
    said, start = [], 0
    while (begin := reply.find(_OPEN, start)) >= 0 and (end := reply.find(_CLOSE, begin)) >= 0:
        said.append(reply[start:begin])
        start = end + len(_CLOSE)
    rest = reply[start:]
    return "".join([*said, "" if rest.lstrip().startswith(_OPEN) else rest])


def _json_object(text: str, fields: AbstractSet[str]) -> JsonValue:
    """Return the one JSON object in `text` that is meant as an answer: one with enough of its fields."""
    decoder, problem, end = json.JSONDecoder(strict=False), "there is no JSON object in it", 0
    found: list[JsonValue] = []
    left = MOST_READ * len(text)
    for brace in islice(re.finditer(r"\{", text), MOST_STARTS):
        start = brace.start()
        if start < end or left < 0:
            continue
        try:
            data, after = decoder.raw_decode(text, start)
        except ValueError as error:
            problem = "it is not JSON"
            if isinstance(error, json.JSONDecodeError):
                problem += f" (from line {error.lineno}, column {error.colno} on)"
                left -= error.pos - start
        else:
            left -= after - start
            if len(fields & data.keys()) >= min(TELLING_KEYS, len(fields)):
                found.append(data)
                end = after
    if len(found) != 1:
        raise NotAnAnswer("there are several answers in it" if found else on_one_line(problem)[:LONGEST_REASON])
    return found[0]


def _cleaned(data: JsonValue) -> JsonValue:
    match data:
        case str():
            return clean(data).text
        case list():
            return [_cleaned(item) for item in data]
        case dict():
            return {key: _cleaned(value) for key, value in data.items()}
    return data
