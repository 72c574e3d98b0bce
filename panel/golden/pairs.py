"""Comparisons, made again from the reviews that the recordings give, and held against their golden records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from panel.compare import Sided, comparison
from panel.comparison import Comparison
from panel.errors import RecordError, RecordingMissing, on_one_line
from panel.files import is_file, names_in
from panel.golden.outcome import Difference, Outcome, PairOutcome, changed_page
from panel.llm.ledger import Recorded
from panel.markdown import answer_line, comparison_page
from panel.moderation import Moderation
from panel.moderator import SEAT, Pair, moderation
from panel.project import Project
from panel.request import Request
from panel.review import Review


async def pair_outcomes(project: Project, outcomes: Sequence[Outcome]) -> list[PairOutcome]:
    """Return what becomes of every comparison that is recorded, from what replaying the tools gave."""
    reviews = {one.shelved.tool.slug: one for one in outcomes}
    names = names_in(project.store.folder / "compare")
    return [await _outcome(project, name, reviews) for name in names if is_file(project.store.comparison_path(name))]


def unmoderated(project: Project) -> list[Request]:
    """Return what golden comparisons lack of a moderator: the requests whose replies are not recorded."""
    found = []
    for name in names_in(project.store.folder / "compare"):
        record = project.store.comparison(name) if is_file(project.store.comparison_path(name)) else None
        reviews = [project.store.review(side.slug) for side in record.sides] if record else []
        if record and record.moderation and reviews[0] and reviews[1]:
            pair = Pair.of(reviews[0], reviews[1])
            ask = record.moderation.ask
            found.append(pair.request(project.prompts, ask.asked, project.parameters, ask.sample))
    return [request for request in found if project.ledgers.find(request.identity) is None]


async def _outcome(project: Project, slug: str, reviews: Mapping[str, Outcome]) -> PairOutcome:
    path = project.store.comparison_path(slug)
    try:
        before = project.store.comparison(slug)
        assert before
    except RecordError as error:
        return _told(slug, None, Difference("unreadable record", slug, None, f"{slug}: {error}", [], path))
    if lacking := [side.slug for side in before.sides if side.slug not in reviews]:
        meaning = f"{slug}: a comparison with {lacking[0]}, which has no dossier here"
        return _told(slug, before, Difference("no dossier", slug, None, meaning, [], path))
    one, other = (reviews[side.slug] for side in before.sides)
    if one.after is None or other.after is None:
        return _told(slug, before)
    is_consequence = bool(one.differences or other.differences)
    return await _made(project, before, (one.after, other.after), is_consequence=is_consequence)


async def _made(
    project: Project, before: Comparison, reviews: tuple[Review, Review], *, is_consequence: bool
) -> PairOutcome:
    """Return what becomes of a comparison; while a review of it differs nobody is asked for a moderator's new words."""
    slug = before.slug
    try:
        after = await again(project, before, reviews)
    except RecordingMissing as error:
        if is_consequence:
            without = beside(before, reviews, None)
            return _told(slug, before, *_against(project, before, without, is_consequence=True))
        first, *lines = str(error).splitlines()
        meaning = first.partition(";")[0]
        return _told(slug, before, Difference("missing recording", slug, SEAT, meaning, lines, None))
    except RecordError as error:
        meaning = f"{slug}: {SEAT}: {error}"
        return _told(slug, before, Difference("unsound recording", slug, SEAT, meaning, [], None))
    path, text = project.store.comparison_path(slug), comparison_page(before)
    found = [*_against(project, before, after, is_consequence=is_consequence), *changed_page(slug, slug, path, text)]
    return PairOutcome(slug, before, after, found)


def _told(slug: str, before: Comparison | None, *differences: Difference) -> PairOutcome:
    """Return a comparison that could not be made again."""
    return PairOutcome(slug, before, None, differences)


async def again(project: Project, before: Comparison, reviews: tuple[Review, Review]) -> Comparison:
    """Return a comparison as it would be made now of these reviews; nobody is asked.

    Who approved, what readers voted and what was done stays as the record says.
    Raises RecordingMissing where the reply of the moderator is not among the recordings.
    """
    said = await _said(project, before.moderation, Pair.of(*reviews)) if before.moderation else None
    return beside(before, reviews, said)


def beside(before: Comparison, reviews: tuple[Review, Review], said: Moderation | None) -> Comparison:
    """Return two reviews as a comparison with what was done about them until `before`."""
    sides = [
        Sided(review, side.community, side.approval, side.history)
        for review, side in zip(reviews, before.sides, strict=True)
    ]
    return comparison(sides[0], sides[1], said)


async def _said(project: Project, before: Moderation, pair: Pair) -> Moderation:
    request = pair.request(project.prompts, before.ask.asked, project.parameters, before.ask.sample)
    return await moderation(pair, project.prompts, request, Recorded(project.ledgers, None))


def _against(project: Project, before: Comparison, after: Comparison, *, is_consequence: bool) -> Iterator[Difference]:
    """Yield what changed; where a review of it changed, which is told there, only another answer is told here too."""
    if before == after or (is_consequence and before.answer == after.answer):
        return
    names = " vs ".join(side.name for side in after.sides)
    yield Difference(
        "changed comparison",
        after.slug,
        None,
        on_one_line(f"{names}: {', '.join(_meanings(before, after))}"),
        [],
        project.store.comparison_path(after.slug),
    )


def _meanings(before: Comparison, after: Comparison) -> Iterator[str]:
    if before.answer != after.answer:
        told = answer_line(before).rstrip("."), answer_line(after).rstrip(".")
        yield f"{told[0]} to {told[1]}" if told[0] != told[1] else f"{told[0]}, for another reason: {after.answer.why}"
        return
    parts = [key for key in type(after).model_fields if getattr(before, key) != getattr(after, key)]
    yield f"{', '.join(part.rstrip('_') for part in parts)} changed"
