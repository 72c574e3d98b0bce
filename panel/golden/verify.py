"""Verify: every review replayed from recordings alone and held against its golden record, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from panel.change import lines_changed, meanings
from panel.errors import RecordError, RecordingMissing, on_one_line
from panel.golden.bench import checked_in, orphans, recordings, tried
from panel.golden.outcome import Difference, Outcome, PairOutcome, changed_page
from panel.golden.pairs import pair_outcomes
from panel.llm.ledger import Ledger, Recorded
from panel.markdown import page
from panel.persona import Persona
from panel.project import Project
from panel.review import Review, Seat
from panel.seating import Asked, Seating
from panel.shelf import Shelved

MOST_LINES = 40
"""So many changed lines of a record are shown."""


@dataclass(frozen=True)
class Verification:
    """What came of all of them."""

    outcomes: Sequence[Outcome] = field(repr=False)
    """Tool by tool; kept out of its printed form, which asyncio makes of every result on its way out."""

    others: Sequence[Difference]
    """Recordings that nothing rests on, and golden records without a dossier."""

    pairs: Sequence[PairOutcome] = field(default=(), repr=False)
    """Comparison by comparison."""

    @property
    def differences(self) -> list[Difference]:
        """Everything that differs, tool by tool."""
        tools = [each for outcome in self.outcomes for each in outcome.differences]
        return [*tools, *(each for pair in self.pairs for each in pair.differences), *self.others]

    @property
    def takes(self) -> int:
        """How many takes were replayed."""
        return sum(seat.take is not None for outcome in self.outcomes for seat in outcome.seats)

    @property
    def counted(self) -> str:
        """How much was replayed, in words: `16 tools, 72 takes replayed, 0 carried; 6 comparisons`."""
        tools, takes, pairs = len(self.outcomes), self.takes, len(self.pairs)
        replayed = f"{takes} {'take' if takes == 1 else 'takes'} replayed"
        beside = f"; {pairs} {'comparison' if pairs == 1 else 'comparisons'}" if pairs else ""
        return f"{tools} {'tool' if tools == 1 else 'tools'}, {replayed}, {self.carried} carried{beside}"

    @property
    def carried(self) -> int:
        """How many seats rest on replies that were given to an earlier form of the prompt."""
        seats = [seat for outcome in self.outcomes for seat in outcome.seats]
        return sum(any(ask.carried_from for ask in seat.asks) for seat in seats)


async def verify(project: Project, shelved: Sequence[Shelved], *, is_whole: bool) -> Verification:
    """Return what replaying these tools gives against their golden records; nobody is asked, nothing is written.

    `project` is one on the bench. Recordings that nothing rests on are looked for where the project `is_whole`.
    Raises RecordError where a history can't be read.
    """
    outcomes = [await outcome(project, one) for one in shelved]
    pairs = await pair_outcomes(project, outcomes) if is_whole else []
    others = [*_unused(project, outcomes, pairs), *_without_dossier(project, shelved)] if is_whole else []
    return Verification(outcomes, others, pairs)


async def outcome(project: Project, shelved: Shelved, personas: Sequence[str] = ()) -> Outcome:
    """Return what replaying one tool gives against its golden record; of these seats alone where some are named."""
    slug, path = shelved.tool.slug, project.store.review_path(shelved.tool.slug)
    try:
        before, seating = project.store.review(slug), Seating.of(project, shelved.tool, ())
    except RecordError as error:
        unread = Difference("unreadable record", slug, None, f"{slug}: {error}", [], path)
        return Outcome(shelved, None, None, [unread], [])
    wanted = [persona for persona in project.panel if not personas or persona.id in personas]
    replays = [await _replayed(project, seating, persona) for persona in wanted]
    seats = [each for each in replays if isinstance(each, Seat)]
    faults = [each for each in replays if isinstance(each, Difference)]
    if personas:
        return Outcome(shelved, before, None, faults, seats)
    after = None if faults else seating.review(seats)
    beside = changed_page(slug, before.tool.name, path, page(before)) if before else ()
    found = [*faults, *_against(path, shelved, before, after), *beside]
    return Outcome(shelved, before, after, found, seats)


async def _replayed(project: Project, seating: Seating, persona: Persona) -> Seat | Difference:
    """Return the seat of a persona, or why the recordings do not give it."""
    slug = seating.tool.slug
    try:
        plan = seating.plan(persona)
        if isinstance(plan, Asked):
            return await plan.answered(Recorded(project.ledgers, None))
        return await seating.replayed(persona)
    except RecordingMissing as error:
        first, *lines = str(error).splitlines()
        meaning = first.partition(";")[0]
        return Difference("missing recording", slug, persona.id, meaning, lines, None)
    except RecordError as error:
        return Difference("unsound recording", slug, persona.id, f"{slug}: {persona.id}: {error}", [], None)


def _against(path: Path, shelved: Shelved, before: Review | None, after: Review | None) -> Iterator[Difference]:
    slug, name = shelved.tool.slug, shelved.tool.name
    if before is None:
        meaning = f"{name}: there is no golden record to hold it against"
        yield Difference("no golden record", slug, None, meaning, [], path)
    elif after is not None and before != after:
        first, *rest = map(on_one_line, meanings(before, after))
        lines = [f"    {line}" for line in [*rest, *lines_changed(before, after, MOST_LINES)]]
        yield Difference("changed", slug, None, first, lines, path)


def _unused(project: Project, outcomes: Sequence[Outcome], pairs: Sequence[PairOutcome]) -> Iterator[Difference]:
    """Yield every recording that no review, no earlier take and no carried reply rests on.

    What rests on those of a tool whose record can't be read is not known.
    """
    unknown, used = _unread(outcomes, pairs), _used(project, outcomes) | _moderated(pairs)
    for ledger in checked_in(project):
        for path in recordings(ledger):
            if f"sha256:{path.stem}" not in used and (found := _of_no_use(ledger, path)).tool not in unknown:
                yield found


def _unread(outcomes: Sequence[Outcome], pairs: Sequence[PairOutcome]) -> set[str]:
    """Return the slugs of records that can't be read."""
    told = [one.differences for one in outcomes] + [one.differences for one in pairs]
    return {each.tool for differences in told for each in differences if each.kind == "unreadable record"}


def _moderated(pairs: Sequence[PairOutcome]) -> set[str | None]:
    """Return the identities of the requests that the prose of comparisons rests on."""
    records = [record for pair in pairs for record in (pair.before, pair.after) if record]
    return {record.moderation.ask.request for record in records if record.moderation}


def _used(project: Project, outcomes: Sequence[Outcome]) -> set[str | None]:
    """Return the identities of the requests that something rests on."""
    seats = [*tried(project, [each.shelved for each in outcomes])]
    for each in outcomes:
        seats += [*each.seats, *(each.before.seats if each.before else ())]
    asks = [ask for seat in seats for ask in seat.asks]
    return {ask.request for ask in asks} | {ask.carried_from for ask in asks}


def _of_no_use(ledger: Ledger, path: Path) -> Difference:
    where = path.relative_to(ledger.folder.parent)
    try:
        label = ledger.read(path).label
    except RecordError as error:
        return Difference("unsound recording", "", None, str(error), [], path)
    meaning = f"{label.tool}: {label.persona}: no review rests on the recording {where}"
    way = ["    delete it, or review the tool"]
    return Difference("unused recording", label.tool, label.persona, meaning, way, path)


def _without_dossier(project: Project, shelved: Sequence[Shelved]) -> Iterator[Difference]:
    for slug in orphans(project, shelved):
        path = project.store.review_path(slug)
        yield Difference("no dossier", slug, None, f"{slug}: a record of a tool that has no dossier here", [], path)
