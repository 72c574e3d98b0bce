"""One tool: seats side by side become a Review. The whole story on one screen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from panel.ask import ask_seat
from panel.errors import InputError, RecordingMissing
from panel.llm.ledger import Recorded
from panel.llm.model import Model
from panel.llm.open import Providers
from panel.markdown import page
from panel.mode import answering
from panel.persona import Persona
from panel.project import Project
from panel.review import Review, Seat, review, seat
from panel.store import Choice, choice
from panel.tool import Tool

Watch = Callable[[Persona, Seat | None], None]
"""Told of a persona when its seat is asked, and again with the seat when it is done."""


@dataclass(frozen=True)
class Reviewed:
    """A review, where it was written, and what it took."""

    review: Review
    paths: Sequence[Path]
    asked: Sequence[str]
    """Identities of the requests that were asked in this run; all other replies come from a ledger."""
    dropped: Sequence[str]
    """Personas whose choice no longer holds, since the dossier or the persona changed."""
    stale: Sequence[str]
    """Personas that were not asked and stay as recorded, although what they would be asked now is different."""
    chosen: Sequence[str]
    """Personas whose take is the one that the editor accepted, whatever `samples` says."""
    failed: Mapping[str, str]
    """Personas that were asked anew and gave no take, with the reason; their earlier take stands."""


async def review_tool(
    project: Project, tool: Tool, providers: Providers, only: Sequence[str] = (), watch: Watch = lambda *_: None
) -> Reviewed:
    """Return the review of a tool, and write it.

    `only` names the personas to ask, all where it is empty; the other seats stay as they are recorded.
    Raises InputError where something can't be asked; what was answered by then is in the ledger.
    """
    table = _Table(project, tool, providers, only, watch)
    seats = await side_by_side(project.panel, table.sit)
    result = review(tool, seats)
    project.store.save_choices(tool.slug, table.choices)
    paths = project.store.save_review(result, page(result))
    done = Reviewed(result, paths, table.asked, table.dropped, table.stale, sorted(table.chosen), table.failed)
    if done.asked or done.dropped:
        project.store.log(tool.slug, "review", label=result.verdict.label, asked=[*done.asked], dropped=[*done.dropped])
    return done


async def side_by_side(panel: Sequence[Persona], sit: Callable[[Persona], Awaitable[Seat]]) -> list[Seat]:
    """Return the seats of a panel; all of them finish before anything is raised, and several InputErrors become one."""
    done = await asyncio.gather(*map(sit, panel), return_exceptions=True)
    faults = [each for each in done if isinstance(each, BaseException)]
    for fault in faults:
        if not isinstance(fault, InputError):
            raise fault
    if faults:
        raise type(faults[0])("\n".join(map(str, faults)))
    return [each for each in done if isinstance(each, Seat)]


@dataclass
class _Table:
    """The seats of one review, and what happens at them."""

    project: Project
    tool: Tool
    providers: Providers
    only: Sequence[str]
    watch: Watch
    asked: list[str] = field(default_factory=list)
    choices: dict[str, Choice] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    recorded: Mapping[str, Seat] = field(default_factory=dict)
    chosen: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        before = self.project.store.review(self.tool.slug) if self.only else None
        self.recorded = {seat.persona: seat for seat in before.seats} if before else {}
        chosen = self.project.store.choices(self.tool.slug)
        for persona in self.project.panel:
            if persona.id in chosen and chosen[persona.id].holds(self.tool, persona):
                self.choices[persona.id] = chosen[persona.id]
            elif persona.id in chosen:
                self.dropped.append(persona.id)

    async def sit(self, persona: Persona) -> Seat:
        """Return the seat of a persona: not invited, left as recorded, or asked."""
        reason = self.tool.seats.get(persona.id) or persona.not_invited(self.tool.kind, self.tool.category)
        if reason:
            return self._unseated(persona, reason)
        if self.only and persona.id not in self.only:
            return self._kept(persona) or await self._replayed(persona)
        self.watch(persona, None)
        done = await self._asked(persona)
        self.watch(persona, done)
        return done

    def _kept(self, persona: Persona) -> Seat | None:
        """Return a seat as it is recorded, or None; note it where it no longer answers what would be asked."""
        kept = self.recorded.get(persona.id)
        if kept and kept.status == "unseated":
            return None
        if kept and kept.asks:
            first, chosen = kept.asks[0], self.choices.get(persona.id)
            question = self.project.question(self.tool, persona, chosen.note if chosen else None)
            if first.request != question.request(first.sample).identity:
                self.stale.append(persona.id)
        return kept

    async def _replayed(self, persona: Persona) -> Seat:
        """Return a seat that was not to be asked, from the ledgers where they have it."""
        try:
            return await self._chosen(persona, Recorded(self.project.ledgers, None))
        except RecordingMissing:
            return self._unseated(persona, "not asked yet")

    def _unseated(self, persona: Persona, reason: str) -> Seat:
        return seat(persona, self.tool, self.project.prompts.digest, "unseated", reason=reason)

    async def _asked(self, persona: Persona) -> Seat:
        live = answering(persona, self.project.settings, self.providers)
        model = Recorded(self.project.ledgers, live, self.asked)
        if self.project.settings.mode == "fresh":
            return await self._fresh(persona, model)
        return await self._chosen(persona, model)

    async def _chosen(self, persona: Persona, model: Model) -> Seat:
        """Return the seat as the editor chose it, else from the first sample on."""
        chosen = self.choices.get(persona.id)
        if chosen is None:
            return await ask_seat(self.project.question(self.tool, persona), model, self.project.settings.samples)
        self.chosen.add(persona.id)
        question = self.project.question(self.tool, persona, chosen.note)
        return await ask_seat(question, model, chosen.samples, chosen.sample)

    async def _fresh(self, persona: Persona, model: Model) -> Seat:
        """Return the seat from the next unused samples, which become the choice; where they give none, the earlier one.

        The choice is written at once, so that a run that is stopped keeps what was accepted.
        """
        question = self.project.question(self.tool, persona)
        unused = self.project.ledgers.unused_sample(question.request)
        done = await ask_seat(question, model, self.project.settings.samples, unused)
        if done.is_let_down:
            earlier = await self._replayed(persona)
            if earlier.take:
                self.failed[persona.id] = f"{done.absence}: {done.reason}"
                return earlier
            return done
        samples = len({ask.sample for ask in done.asks})
        self.choices[persona.id] = choice(unused, samples, self.tool, persona)
        self.project.store.save_choices(self.tool.slug, self.choices)
        return done
