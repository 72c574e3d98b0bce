"""Passages that address a model: sentences in a dossier that speak to its reader instead of describing a tool.

Finding them is a net with holes (no list of patterns stops a determined writer). It is here so that an editor
sees them, and so that they can't serve as evidence; what contains an injection is the schema, the score that code
computes and the verdict that one vote can't turn.
"""

from __future__ import annotations

import re

from panel.record import Record
from panel.text import fold, sentences

_READER = r"(?:ai|llm|language model|model|assistant|chatbot|critic|reviewer|judge|grader|evaluator|rater|panel(?:ist)?|persona)s?"
_ORDERS = r"(?:instruction|prompt|rule|guideline|direction|guidance|criteri(?:a|on)|rubric|persona|role|constraint|polic(?:y|ies))s?"
_PATTERNS = [
    rf"\b(?:ignore|disregard|forget|override|bypass|set aside|skip over)\b.{{0,40}}\b{_ORDERS}\b",
    r"\b(?:ignore|disregard|forget)\b.{0,20}\b(?:everything|anything|all)\b.{0,20}\b(?:above|before|previous|prior|said|told)\b",
    rf"\b(?:new|updated|revised|real|actual|hidden|following)\s+{_ORDERS}\s*(?:for (?:the )?{_READER}\s*)?(?::|are\b|follow)",
    rf"\bas (?:an? |the )?(?:\w+ )?{_READER},?\s+(?:you|your|please|it is your)\b",
    rf"\b(?:you are|you're|act as|behave as|pretend to be|respond as)\s+(?:now\s+)?(?:an? |the )?(?:\w+ ){{0,2}}{_READER}\b",
    rf"\b(?:note|notice|message|attention|instructions?|memo|advice|hint)\s+(?:to|for)\s+(?:the |any |all |every )?(?:\w+ )?{_READER}\b",
    rf"^(?:dear |attention,? |hey,? |hello,? )(?:the )?(?:\w+ )?{_READER}\b",
    rf"\b{_READER}\s+(?:reading|reviewing|scoring|judging|evaluating|processing|summari[sz]ing)\s+(?:this|the)\b",
    rf"\b{_READER}\s+(?:must|should|shall|has to|have to|ought to|need to|are (?:asked|required|instructed) to|is (?:asked|required|instructed) to)"
    r"\s+(?:\w+ )?(?:rate|score|vote|give|award|rank|recommend|answer|reply|respond|ship|approve|output|conclude|treat|assign|return|write)\b",
    r"\b(?:rate|score|grade|mark)\s+(?:this|it|us|the tool|the product|every|each|all|yourself)\b.{0,60}"
    r"(?:\b[0-9]+(?:/[0-9]+)?\b|\bfour\b|\bhighest\b|\bhighly\b|\btop\b|\bfull\b|\bmaximum\b|\bperfect\b)",
    r"\b(?:give|assign|award|return)\b.{0,40}\b(?:rating|score|mark|grade|vote)s?\b.{0,30}(?:\b(?:of |to )?[0-9]+\b|\bfour\b|\bmaximum\b|\bhighest\b|\btop\b|\bperfect\b)",
    r"\bvote\s*(?:is|:|for|to|must be|should be|=)?\s*[\"'`]?(?:ship|skip)\b",
    r"\b(?:your|the) (?:final )?(?:vote|verdict|rating|score|answer|output|reply|response)\s+(?:must|should|shall|has to|is to|will)\b",
    r"\b(?:do not|don't|never)\s+(?:mention|reveal|disclose|quote|report|flag|tell)\b.{0,40}\b(?:instruction|prompt|passage|note|text|sentence|paragraph|weakness|drawback|flaw|rival|competitor|this)s?\b",
    r"\b(?:respond|reply|answer|output)\s+(?:only|just|exactly|with)\b.{0,60}(?:\bjson\b|\bship\b|\bverbatim\b|\bexactly\b|\bfollowing\b|\{)",
    r"\b(?:system|developer|hidden)\s+(?:prompt|message)\b",
    r"(?:<\|?/?\s*(?:system|assistant|user|im_start|im_end|developer|instructions?)\b|\[/?(?:INST|SYS|SYSTEM)\]|<<SYS>>|#{2,}\s*(?:system|instruction|response)\b)",
    r"^\s*(?:system|assistant|developer|human|user)\s*:\s*\S",
    r"[\"'](?:vote|rating|ratings|evidence|verdict)[\"']\s*:",
    r"\b(?:end|begin|start)(?:ning)? of (?:the )?(?:dossier|data|document|untrusted|user input|description)\b",
]  # fmt: skip
_ADDRESSES = re.compile("|".join(f"(?:{pattern})" for pattern in _PATTERNS), re.IGNORECASE)
_LONGEST = 400


class Passage(Record):
    """One sentence of a dossier that addresses a model."""

    field: str
    """Where it stands: a key of the dossier or the id of a source."""

    text: str
    """The sentence, folded, its first 400 characters."""


def addressed(field: str, text: str) -> list[Passage]:
    """Return the sentences of one field that address a model, in the order of the text."""
    found = []
    for sentence in sentences(text):
        plain = fold(sentence)
        if _ADDRESSES.search(plain):
            found.append(Passage(field=field, text=plain[:_LONGEST]))
    return found
