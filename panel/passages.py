"""Passages that address a model: sentences in a dossier that speak to its reader instead of describing a tool.

Finding them is a net with holes (no list of patterns stops a determined writer). It is here so that an editor
sees them, and so that they can't serve as evidence; what contains an injection is the schema, the score that code
computes and the verdict that one vote can't turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from panel.record import Record
from panel.text import fold, sentences

_WORDS = {
    "reader": r"(?:ai|llm|(?:language )?model|assistant|chatbot|critic|reviewer|judge|grader|evaluator|rater)s?",
    "orders": r"(?:instruction|prompt|rule|guideline|direction|criteri(?:a|on)|rubric|role|constraint|polic)\w*",
    "mark": r"(?:rating|score|mark|grade|vote|verdict)s?",
    "top": r"(?:[0-9]+|four|maximum|highest|highly|top|full|perfect)",
    "must": r"(?:must|should|shall|will|has to|have to|ought to|needs? to|(?:is|are) (?:asked|required|told) to)",
    "judge": r"(?:rate|score|vote|give|award|rank|recommend|answer|reply|respond|ship|approve|output|assign|return)",
    "favour": r"(?:rate|score|vote|recommend|ship|approve|award|praise|endorse)",
    "hidden": r"(?:instruction|prompt|passage|note|text|sentence|weakness\w*|drawback|flaw|rival|competitor)s?",
    "reads": r"(?:reading|reviewing|scoring|judging|evaluating|processing|summari[sz]ing)",
    "give": r"(?:give|assign|award|return|set|grant|rate|score)",
}
_PATTERNS = (
    r"\b(?:ignore|disregard|forget|override|bypass|set aside)\b.{0,40}\b{orders}\b",
    r"\b(?:ignore|disregard|forget)\b.{0,20}\b(?:everything|anything|all)\b.{0,20}\b(?:above|before|previous|prior)\b",
    r"\b(?:ignore|disregard|forget)\s+(?:\w+ ){0,3}above\b",
    r"\b(?:stop|cease|quit)\s+(?:following|obeying|applying)\b",
    r"\b{orders}\b.{0,30}\b(?:no longer|do not|don't|does not|doesn't)\s+appl(?:y|ies)\b",
    r"\b(?:new|updated|revised|real|actual|hidden|following)\s+{orders}\s*(?:for (?:the )?{reader}\s*)?(?::|are\b)",
    r"\bas (?:an? |the )?(?:\w+ )?{reader},?\s+(?:you|your|please|it is your)\b",
    r"\b(?:you are|you're|act as|behave as|pretend to be)\s+(?:now\s+)?(?:an? |the )?(?:\w+ ){0,2}{reader}\b",
    r"\b(?:note|notice|message|attention|instructions?|memo|advice|hint)\s+(?:to|for)\s+(?:\w+ ){0,2}{reader}\b",
    r"^(?:dear|attention|hey|hello),?\s+(?:the )?(?:\w+ )?{reader}\b",
    r"\b{reader}\s+(?:\w+ )?{reads}\s+(?:this|the)\b",
    r"\b{reader}\s+{must}\s+(?:\w+ )?{judge}\b",
    r"\byou\s+{must}\s+(?:\w+ )?{favour}\b",
    r"\b(?:must|should|shall)\s+be\s+(?:rated|scored|graded|marked|ranked)\b",
    r"\b(?:rate|score|grade|mark)\s+(?:this|it|us|the tool|the product|every|each|all|yourself)\b.{0,60}\b{top}\b",
    r"\b{give}\b.{0,40}\b{mark}\b.{0,30}\b{top}\b",
    r"\b{give}\b.{0,30}\b{top}\b.{0,30}\b(?:criteri\w+|{mark})\b",
    r"\b(?:vote|verdict)\s*(?:is|:|for|to|must be|should be|=)?\s*[\"'`]?(?:ship|skip)\b",
    r"\b(?:always|just|only|simply)\s+(?:answer|say|vote|reply|respond|output)\b.{0,15}\b(?:ship|skip|yes)\b",
    r"\b(?:your|the) (?:final )?(?:answer|output|reply|response|{mark})\s+{must}\b",
    r"\b(?:do not|don't|never)\s+(?:mention|reveal|disclose|quote|report|flag|tell)\b.{0,40}\b{hidden}\b",
    r"\b(?:omit|leave out|hide|suppress)\b.{0,30}\b{hidden}\b.{0,30}\byour\b",
    r"\b(?:respond|reply|answer|output)\s+(?:only|just|exactly|with)\b.{0,60}(?:\b(?:json|ship|verbatim|following)\b|\{)",
    r"\byour\s+(?:system|developer|hidden)\s+(?:prompt|message)\b",
    r"(?:<\|?/?\s*(?:system|assistant|user|im_start|im_end|developer|instructions?)\b|\[/?(?:INST|SYS|SYSTEM)\]|<<SYS>>)",
    r"#{2,}\s*(?:system|instruction|response)\b",
    r"^\s*(?:system|assistant|developer|human|user)\s*:\s*\S",
    r"[\"'](?:vote|ratings?|evidence|verdict)[\"']\s*:",
    r"\b(?:end|begin|start)(?:ning)? of (?:the )?(?:dossier|data|document|untrusted|user input|description)\b",
)
"""Shapes of sentences that speak to a model; a word in braces stands for its list above."""


def _compiled() -> re.Pattern[str]:
    whole = "|".join(f"(?:{pattern})" for pattern in _PATTERNS)
    for name, words in _WORDS.items():
        whole = whole.replace(f"{{{name}}}", words)
    return re.compile(whole.replace(" ", r"\s"), re.IGNORECASE | re.MULTILINE | re.DOTALL)


_ADDRESSES = _compiled()
_LONGEST = 400


class Passage(Record):
    """One sentence of a dossier that addresses a model."""

    field: str
    """Where it stands: a key of the dossier or the id of a source."""

    text: str
    """The sentence, folded, its first 400 characters."""


def addressing(text: str) -> list[tuple[int, int]]:
    """Return where in the folded form of `text` the sentences that address a model begin and end."""
    whole, places, start = fold(text), [], 0
    for sentence in _addressing(text):
        start = whole.find(sentence, start)
        places.append((start, start + len(sentence)))
        start += len(sentence)
    return places


def addressed(field: str, text: str) -> list[Passage]:
    """Return the sentences of one field that address a model, in the order of the text."""
    return [Passage(field=field, text=sentence[:_LONGEST]) for sentence in _addressing(text)]


def _addressing(text: str) -> Iterator[str]:
    """Yield the sentences that address a model, folded; of one over several lines only those that do by themselves."""
    for sentence in sentences(text, over_lines=True):
        lines = [fold(line) for line in sentence.split("\n")]
        telling = [line for line in lines if _ADDRESSES.search(line)]
        if not telling and _ADDRESSES.search("\n".join(lines)):
            telling = [fold(sentence)]
        yield from telling
