"""`panel retake`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

import typer
from rich.text import Text

from panel.change import SeatChange, prose_changed, ratings, split
from panel.cli.desk import Named, Runs, found, show_words, tell
from panel.cli.exits import INTERRUPTED
from panel.cli.screen import Screen, paid
from panel.desk.retake import Retake, accept, leave, planned, record_of, retake
from panel.desk.retake import pages as pages_of
from panel.errors import InputError, RecordingMissing
from panel.estimate import estimate_of
from panel.llm.open import Providers
from panel.mode import announcement, ways_forward
from panel.pipeline import Reviewed
from panel.project import Project
from panel.seating import Asked
from panel.take import Take
from panel.tool import Tool

app = typer.Typer(rich_markup_mode=None)
Answer = Literal["accept", "keep", "try again"]
_ANSWERS: dict[str, Answer] = {"a": "accept", "k": "keep", "t": "try again"}
SHOWN = ("headline", "take")
"""Texts of which the words are shown; of the others it is said that they changed."""


@app.command(name="retake")
def retake_command(
    tool: Named,
    persona: Annotated[str, typer.Option(help="Which critic is asked once more.")],
    note: Annotated[str | None, typer.Option(help="What to mind; part of the request, never published.")] = None,
    samples: Annotated[str | None, typer.Option(help="How often the seat is asked: 1 to 9, or auto.")] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Show what would be asked and paid, and ask nobody.")
    ] = False,
    accepts: Annotated[bool, typer.Option("--accept", help="Accept what comes, without being asked.")] = False,
    keeps: Annotated[bool, typer.Option("--keep", help="Keep the old take, without being asked.")] = False,
    model: Annotated[str | None, typer.Option(help="provider:name.")] = None,
    runs: Runs = None,
) -> None:
    """Ask one critic once more; accept what comes, or keep the old take."""
    answer = _decided(accepts, keeps, preview)
    project, subject = found(tool, model=model, samples=samples, runs=runs)
    record_of(project, subject)
    screen = Screen()
    screen.say(announcement(project))
    session = _Session(project, subject, screen, answer)
    asked = planned(project, subject, project.persona(persona), note, None)
    if preview:
        return session.preview(asked)
    try:
        code = session.run(asked)
    except RecordingMissing as error:
        raise RecordingMissing(f"{error}\n{ways_forward(project.settings)}") from error
    except (KeyboardInterrupt, typer.Abort):
        screen.say("Interrupted. The old take stands; what was answered is in the ledger.")
        code = INTERRUPTED
    raise typer.Exit(code)


def _decided(accepts: bool, keeps: bool, preview: bool) -> Answer | None:
    """Return what was decided beforehand, or None; raises InputError where nobody could be asked."""
    if accepts and keeps:
        raise InputError("--accept and --keep: choose one")
    if not (accepts or keeps or preview or sys.stdin.isatty()):
        raise InputError("there is no terminal to answer in: say --accept or --keep, or look first with --preview")
    if accepts:
        return "accept"
    return "keep" if keeps else None


@dataclass(frozen=True)
class _Session:
    """One sitting over one seat: asked, looked at, decided, perhaps asked again."""

    project: Project
    tool: Tool
    screen: Screen
    answer: Answer | None
    """What was decided before; None: it is asked for."""

    def preview(self, asked: Asked) -> None:
        """Print what a retake would ask and cost."""
        cost = estimate_of(self.project, [asked], datetime.now(UTC))
        self._head(asked)
        price = "of unknown price" if cost.likely is None else f"about ${cost.likely:.3f}"
        self.screen.say(f"  cost     {price if cost.asked else 'nothing: a ledger holds it'}")
        self.screen.say(f"  pages    {', '.join(pages_of(self.project, self.tool.slug))}")
        self.screen.say("Nobody was asked.")

    def run(self, asked: Asked) -> int:
        """Ask until something is decided; return the exit code."""
        while True:
            self._head(asked)
            taken = asyncio.run(self._retaken(asked))
            self._show(taken)
            try:
                answer = self._answer(taken)
            except typer.Abort:
                return self._undecided(taken)
            if answer == "accept":
                return self._accepted(taken)
            asyncio.run(leave(self.project, self.tool, taken))
            if answer == "keep":
                kept = "" if taken.number is None else "; the new one is in the history (panel log)"
                self.screen.say(f"The old take stands{kept}.")
                return 0 if taken.can_be_accepted else 1
            note = typer.prompt("note to the critic (empty: none)", default="", show_default=False).strip() or None
            asked = planned(self.project, self.tool, asked.question.persona, note, asked.samples)

    def _undecided(self, taken: Retake) -> int:
        """Say what became of a take that nobody decided on; return the exit code."""
        kept = f"; the new one is take {taken.number}: panel restore brings it in" if taken.number else ""
        self.screen.say(f"\nInterrupted. The old take stands{kept}.")
        return INTERRUPTED

    def _accepted(self, taken: Retake) -> int:
        """Accept a take; return the exit code."""
        try:
            tell(self.screen, self.project, self.tool, asyncio.run(self._accept(taken)))
        except KeyboardInterrupt:
            self.screen.say("Interrupted while the take was being accepted; panel log shows how far it came.")
            return INTERRUPTED
        return 0

    async def _accept(self, taken: Retake) -> Reviewed:
        return await accept(self.project, self.tool, taken, unseen=self.answer is not None)

    async def _retaken(self, asked: Asked) -> Retake:
        async with Providers(self.project.settings, self.project.prompts, self.screen.notice) as providers:
            return await retake(self.project, self.tool, asked, providers)

    def _answer(self, taken: Retake) -> Answer:
        if not taken.can_be_accepted and (self.answer or not sys.stdin.isatty()):
            return "keep"
        if self.answer:
            return self.answer
        offered = "accept (a), keep the old take (k)" if taken.can_be_accepted else "keep the old take (k)"
        while True:
            typed = typer.prompt(f"{offered}, try again (t)").strip().lower()[:1]
            if typed in _ANSWERS and (typed != "a" or taken.can_be_accepted):
                return _ANSWERS[typed]

    def _head(self, asked: Asked) -> None:
        note = f', note "{asked.question.note}"' if asked.question.note else ""
        more = "" if asked.samples == 1 else f" ({asked.samples} samples)"
        name = asked.question.persona.name
        self.screen.say(f"{self.tool.name} ({self.tool.slug}) · {name} once more: sample {asked.first}{more}{note}")

    def _show(self, taken: Retake) -> None:
        old, after = taken.before.seat(taken.persona.id), taken.seat.take
        before = old.take if old else None
        self._show_prose(before, after)
        if before and after:
            changed = ", ".join(ratings(before, after)) or "no rating changed"
            self.screen.say(f"  score    {_to(str(before.score), str(after.score))}: {changed}")
            self.screen.say(f"  vote     {_to(before.vote, after.vote)}")
        else:
            self.screen.say(f"  seat     {SeatChange(old, taken.seat).meaning}")
        self.screen.say(f"  verdict  {_to(split(taken.before.verdict), split(taken.after.verdict))}")
        for flag in after.flags if after else ():
            self.screen.say(f"  to check {flag.text}")
        self.screen.say(f"  pages    {', '.join(taken.pages)}")
        self.screen.say(f"  cost     {paid([*taken.seat.asks], taken.asked)}")

    def _show_prose(self, before: Take | None, after: Take | None) -> None:
        self.screen.say("")
        changed_prose = prose_changed(before, after) if after else {}
        for name in (each for each in SHOWN if each in changed_prose):
            show_words(self.screen, name, changed_prose[name])
        if others := _others(changed_prose):
            self.screen.indented(Text(f"and in {', '.join(others)} (panel diff shows them)"), 2)
        self.screen.say("")


def _others(changed: Iterable[str]) -> list[str]:
    """Return the texts that changed and are not shown, by name; the reasons of ratings as one."""
    names = [name for name in changed if name not in SHOWN]
    reasons = ["the reasons of ratings"] if any(name.startswith("why of ") for name in names) else []
    return [*(name.replace("_", " ") for name in names if not name.startswith("why of ")), *reasons]


def _to(old: str, new: str) -> str:
    return f"{new}, as before" if old == new else f"{old} to {new}"
