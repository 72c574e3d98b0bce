"""Makers of test values: each gives a sound one, with what a test is about as the argument."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from panel.answer import Answer
from panel.files import digest_of
from panel.gates import Rules
from panel.persona import Persona, read_persona
from panel.project import Project, packaged
from panel.prompt import Prompts, Question
from panel.request import Parameters, Usage
from panel.review import Ask, Review, Seat, review
from panel.take import Rated, Take, score, vote
from panel.tool import Tool, as_read, read_tool

DOSSIER = """\
name: Plumb
slug: plumb
version: "2.1"
maker: Lead Works
category: Developer Tools
kind: library
tagline: A plumb line for data pipelines
description: >-
  Plumb checks each row of a table against rules written in plain YAML and stops a pipeline at the first broken rule.
  It runs inside an existing job, keeps no state, and writes one report file per run.
license: MIT
pricing: {entry: open_source, text: Free under MIT with no paid edition at all}
released: 2026-03-02
sources:
  - id: docs
    title: Manual
    kind: maker
    dated: 2026-03-02
    text: Rules are read once at the start of a run and are not reloaded while it lasts.
  - id: bench
    title: A benchmark
    kind: independent
    dated: 2026-05-11
    text: Checking 4 million rows took 31 seconds on one laptop core in our test of May 2026.
"""

PARAMETERS = Parameters(max_tokens=16_000)

CRITERIA = (("shape", 27), ("start", 23), ("proof", 19), ("place", 18), ("leave", 13))

PERSONA = (
    """\
---
id: mason
name: Mason
motto: Does the wall stand?
order: 5
criteria:
"""
    + "".join(
        f"  - id: {name}\n    question: How is the {name}?\n    weight: {weight}\n"
        "    anchors: {0: bad enough to leave, 2: as one expects, 4: good enough to choose}\n"
        for name, weight in CRITERIA
    )
    + """\
never: [solid as a rock]
---
You build walls and you judge tools the way you judge walls: by what they carry, by what happens in the rain,
and by how much of them you would have to take down to change one stone. You like few words and plain ones.
You say what holds, you say what does not, and you do not care what the brochure calls it.
"""
)

TAKE = (
    "Rules in plain YAML go in, rows come past, and the run stops where a rule breaks. That is the whole of it, and it "
    "is enough: nothing is kept between runs, so nothing has to be looked after, and the report is one file that "
    "anybody can open. The manual admits that rules are read once at the start, which matters for jobs that last for "
    "days. One laptop core handled 4 million rows in 31 seconds in an independent test, which is quick for its kind."
)


def tool(folder: Path, text: str = DOSSIER) -> Tool:
    """Return the tool of a dossier written to `folder`."""
    path = folder / "plumb.yaml"
    path.write_text(text, encoding="utf-8")
    return read_tool(path)


@cache
def plumb() -> Tool:
    """Return the tool of the dossier as it stands, for tests that need no file."""
    with TemporaryDirectory() as folder:
        return tool(Path(folder))


def persona(folder: Path, text: str = PERSONA) -> Persona:
    """Return the persona of a file written to `folder`."""
    path = folder / "mason.md"
    path.write_text(text, encoding="utf-8")
    return read_persona(path)


def prompts() -> Prompts:
    """Return the prompts as shipped."""
    return Prompts.read(packaged("prompts"))


def rules() -> Rules:
    """Return the word lists as shipped."""
    shipped = prompts()
    return Rules(shipped.common_words, shipped.first_hand)


def question(folder: Path, model: str = "fake:panel", note: str | None = None) -> Question:
    """Return what Mason is asked about Plumb."""
    return Question(tool(folder), persona(folder), prompts(), model, PARAMETERS, note)


def answer(**changes: Any) -> dict[str, Any]:
    """Return an answer about Plumb that passes every gate: it ships with 69."""
    sound: dict[str, Any] = {
        "evidence": [
            {"id": "e1", "source": "description", "quote": "stops a pipeline at the first broken rule"},
            {"id": "e2", "source": "bench", "quote": "Checking 4 million rows took 31 seconds"},
            {"id": "e3", "source": "docs", "quote": "are not reloaded while it lasts"},
        ],
        "ratings": [
            {"criterion": "shape", "rating": 3, "why": "one clear operation", "evidence": ["e1"]},
            {"criterion": "start", "rating": 3, "why": "runs inside an existing job", "evidence": ["e1"]},
            {"criterion": "proof", "rating": 4, "why": "measured by somebody else", "evidence": ["e2"]},
            {"criterion": "place", "rating": 2, "why": "the usual", "evidence": []},
            {"criterion": "leave", "rating": 1, "why": "rules are its own dialect", "evidence": ["e3"]},
        ],
        "outside": [],
        "take": TAKE,
        "headline": "A plain check that keeps nothing",
        "best_for": "teams that own their pipelines",
        "not_for": "jobs that last for days",
        "would_change_my_vote": "rules that can't be read without it",
        "vote": "ship",
        "abstain": None,
    }
    return sound | changes


def read(**changes: Any) -> Answer:
    """Return that answer as it is read from a reply."""
    return Answer.model_validate(answer(**changes))


def reply(**changes: Any) -> str:
    """Return that answer as the text of a reply."""
    return json.dumps(answer(**changes))


def project(folder: Path, *, personas: int = 0, flags: dict[str, object] | None = None) -> Project:
    """Return a project in `folder` with a dossier `plumb.yaml`; with `personas`, a panel of that many masons."""
    (folder / "panel.toml").write_text("", encoding="utf-8")
    (folder / "plumb.yaml").write_text(DOSSIER, encoding="utf-8")
    for number in range(personas):
        home = folder / "personas"
        home.mkdir(exist_ok=True)
        text = PERSONA.replace("id: mason", f"id: mason{number}").replace("name: Mason", f"name: Mason {number}")
        text = text.replace("order: 5", f"order: {number}")
        (home / f"mason{number}.md").write_text(text, encoding="utf-8")
    return Project.open(folder, flags or {})


def changed(tool: Tool, **fields: object) -> Tool:
    """Return the tool with other fields, and with what is found in them on reading."""
    return as_read(tool.model_copy(update=fields), {})


def scoring(*given: int | None, vote: str | None = "ship") -> dict[str, Any]:
    """Return the changes that give an answer these five ratings, each on an independent quote, and this vote."""
    quotes = ("Checking 4 million rows", "took 31 seconds on one", "laptop core in our test")
    return {
        "evidence": [{"id": f"e{n}", "source": "bench", "quote": quote} for n, quote in enumerate(quotes)],
        "ratings": [
            {"criterion": name, "rating": rating, "why": "as the test says", "evidence": [f"e{place // 2}"]}
            for place, ((name, _), rating) in enumerate(zip(CRITERIA, given, strict=True))
        ],
        "vote": vote,
    }


def rated(rating: Fraction | int | None, weight: int = 20, **changes: object) -> Rated:
    """Return one criterion that counts as it was given."""
    sound = {"criterion": "shape", "weight": weight, "given": rating, "rating": rating, "capped": False}
    return Rated.model_validate({**sound, "why": "so it is", "evidence": (), **changes})


def take(ratings: Sequence[Rated], threshold: int = 60, **changes: object) -> Take:
    """Return a take with these ratings and the score and vote that follow from them."""
    total = score(ratings)
    prose = dict.fromkeys(("headline", "best_for", "not_for", "would_change_my_vote"), "as the take says")
    whole = {"score": total, "vote": vote(total, threshold), "text": TAKE, "ratings": tuple(ratings), **prose}
    return Take.model_validate({**whole, "evidence": (), "outside": (), **changes})


def ask(request: str = "one", sample: int = 1) -> Ask:
    """Return an ask of the stand-in, answered at the first try."""
    made = {"request": request, "kind": "ask", "sample": sample, "note": False, "attempts": (), "usage": Usage()}
    told = {"asked": "fake:x", "answered_by": "fake:x", "cost_usd": "0", "recorded_at": "2026-05-01T12:00:00Z"}
    return Ask.model_validate(made | told)


def seat(id: str, said: Take | None, **changes: object) -> Seat:
    """Return the seat of a persona that said something, or that abstained for lack of a price."""
    state = {"status": "heard"} if said else {"status": "absent", "absence": "abstained", "reason": "no price"}
    whole = {"persona": id, "name": id.title(), "persona_digest": "p", "prompt_digest": "q", "seen": "s"}
    return Seat.model_validate({**whole, "threshold": 60, "take": said, **state, **changes})


def vote_of(score: int, threshold: int = 60) -> str:
    """Return the vote that a score means."""
    return "ship" if score >= threshold else "skip"


def scored_take(score: int, threshold: int = 60, **changes: object) -> Take:
    """Return a take with this very score, whose two criteria are averages that come to it."""
    ratings = [rated(Fraction(score, 25), weight) for weight in (60, 40)]
    return take(ratings, threshold, **changes)


def scored_seat(id: str, score: int | None, threshold: int = 60, **changes: object) -> Seat:
    """Return a seat that gave this score, or that abstained; with the ask that it rests on."""
    said = None if score is None else scored_take(score, threshold)
    return seat(id, said, **{"threshold": threshold, "asks": (ask(id),), **changes})


def scored_review(slug: str, scores: Mapping[str, int | None], **fields: object) -> Review:
    """Return the review of a tool like Plumb under another name, by what each critic scored; None: it abstained."""
    subject = changed(plumb(), slug=slug, name=slug.title(), **fields)
    return review(subject, [scored_seat(id, score, seen=digest_of(subject.seen)) for id, score in scores.items()])
