"""Fake: a Model with no model behind it, for tests and for a dry run of everything but the opinions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from panel.errors import SettingsError
from panel.llm.model import said
from panel.request import ModelName, Reply, Request

Answerer = Callable[[Request], Reply | str | Exception]


@dataclass
class Fake:
    """A Model that answers from a function, or from a list of replies in their order.

    What it is given may be a reply, the text of one, or an error, which it raises.
    """

    replies: Answerer | Sequence[Reply | str | Exception]
    asked: list[Request] = field(default_factory=list)

    async def ask(self, request: Request) -> Reply:
        """Return the next reply; raises IndexError where a list of replies has run out."""
        self.asked.append(request)
        replies = self.replies
        answer = replies(request) if callable(replies) else replies[len(self.asked) - 1]
        if isinstance(answer, Exception):
            raise answer
        return said(answer, request.model) if isinstance(answer, str) else answer


def stand_in(request: Request) -> str:
    """Return an answer that passes the gates and says nothing: middling ratings, one real quote, a vote that follows.

    The name of the model decides the vote: `fake:ship` or `fake:skip`. Raises SettingsError for another one.
    """
    name = ModelName.parse(request.model).name
    if name not in ("ship", "skip"):
        raise SettingsError(f"model '{request.model}': write fake:ship or fake:skip")
    if "ratings" not in str(request.reply_schema):  # a moderator rates nothing
        return _moderation(request.blocks[0].text)
    dossier, seat = request.blocks[0].text, request.blocks[-1].text
    criteria = re.findall(r"^([a-z][a-z0-9_-]*) \(weight \d+\):", seat, re.MULTILINE)
    ships = name == "ship"
    prose = (
        "This text stands in for a take. No model was asked, and nothing here is an opinion about the tool. "
        "It is written so that everything around a take can be tried: the request is rendered, the reply is read and "
        "checked, the quote is looked up in the dossier, the score is computed from the ratings, the vote follows from "
        "the score, and the record is written just as it would be for a real answer. To have one, name a real model."
    )
    rating = {"rating": 3 if ships else 2, "why": "stands in for a reason", "evidence": ["e1"]}
    later = {"rating": 3 if ships else 1, "why": "stands in for a reason", "evidence": ["e2"]}
    last = {"rating": 2, "why": "stands in for a reason", "evidence": []}
    shapes = [rating, rating, later, later]
    return json.dumps(
        {
            "evidence": [
                {"id": "e1", "source": "description", "quote": _opening(dossier, "description", 8)},
                {"id": "e2", "source": "tagline", "quote": _opening(dossier, "tagline", 40)},
            ],
            "ratings": [
                {"criterion": name, **(shapes[place] if place < len(shapes) else last)}
                for place, name in enumerate(criteria)
            ],
            "outside": [],
            "take": prose,
            "headline": "a stand-in, not an opinion",
            "best_for": "trying the panel without a model",
            "not_for": "anyone who wants to know about the tool",
            "would_change_my_vote": "a real model in this seat",
            "vote": "ship" if ships else "skip",
            "abstain": None,
        }
    )


def _moderation(takes: str) -> str:
    """Return a moderator's answer that cites the first take on each tool and says nothing."""
    ids = re.findall(r"^Take `((\S+)/\S+)`", takes, re.MULTILINE)
    first = list({slug: id for id, slug in reversed(ids)}.values())
    clauses = [[{"takes": [id], "text": "you are trying the panel without a model."}] for id in reversed(first)]
    return json.dumps(dict(zip(("first", "second"), clauses, strict=False)))


def _opening(dossier: str, field: str, most: int) -> str:
    """Return the first words of one field of a rendered dossier."""
    found = re.search(rf"^{field}\n\| (.*)$", dossier, re.MULTILINE)
    return " ".join(found[1].split()[:most]) if found else ""
