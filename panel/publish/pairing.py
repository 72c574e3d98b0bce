"""Pairing: two sides become a comparison, with the moderator's words where it has read these very takes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from panel.compare import Sided, comparison
from panel.comparison import Comparison
from panel.errors import ModelError, RecordError, RecordingMissing
from panel.llm.ledger import Recorded
from panel.llm.model import Model
from panel.markdown import comparison_page
from panel.moderation import Moderation
from panel.moderator import Pair, moderation
from panel.names import pair_slug
from panel.project import Project
from panel.publish.pages import alone
from panel.record import digest
from panel.request import Request


@dataclass(frozen=True)
class Paired:
    """A comparison, and what making it took."""

    comparison: Comparison
    asked: Sequence[str]
    """Identities of the requests that were asked in this run."""

    silent: str | None
    """Why the moderator says nothing, or None."""


@dataclass(frozen=True)
class Moderator:
    """Who writes when to pick which, where the ledgers do not know it."""

    model: Model | None
    """Who is asked; None: nobody, only recordings answer."""

    name: str | None = None
    """The model as asked; None for the project's."""


async def paired(project: Project, one: Sided, other: Sided, moderator: Moderator | None) -> Paired:
    """Return the comparison of two reviewed tools; without a `moderator` it has no prose.

    Its absence never blocks a record: a provider that fails, or a recording that is missing, leaves it out.
    """
    asked: list[str] = []
    pair = Pair.of(one.review, other.review)
    written = _written(project, pair)
    unheard = [review.tool.name for review in pair.reviews if not review.verdict.heard]
    said, silent = None, f"nobody was heard on {unheard[0]}" if unheard and moderator else None
    if moderator and not unheard:
        try:
            said = await _moderation(project, pair, moderator, written, asked)
        except RecordingMissing:
            silent = "no recording has its reply, and nobody is asked"
        except ModelError as error:
            silent = str(error).splitlines()[0]
        said = said or _standing(pair, written)
    return Paired(comparison(one, other, said), asked, None if said else silent)


def _written(project: Project, pair: Pair) -> Comparison | None:
    """Return the record that stands; None where there is none, or one that can't be read and is written anew."""
    with suppress(RecordError):
        return project.store.comparison(pair_slug(*(review.tool.slug for review in pair.reviews)))
    return None


def _standing(pair: Pair, written: Comparison | None) -> Moderation | None:
    """Return what the moderator said of these very reviews, as the record that stands has it; None where it has not."""
    is_read = written and [side.review for side in written.sides] == [*map(digest, pair.reviews)]
    return written.moderation if written and is_read else None


async def kept(project: Project, record: Comparison) -> list[Path]:
    """Write a comparison with its page, while no other run does; return what was written, the record first."""
    async with project.store.comparing(record.slug):
        return project.store.save_comparison(record, comparison_page(record), alone(record))


async def _moderation(
    project: Project, pair: Pair, moderator: Moderator, written: Comparison | None, asked: list[str]
) -> Moderation:
    name = moderator.name or project.moderator_model([review.tool for review in pair.reviews])
    number = written.moderation.ask.sample if written and written.moderation else 1
    request = _next(project, pair.request(project.prompts, name, project.parameters, number))
    model = Recorded(project.ledgers, moderator.model, asked, is_brief=True)
    return await moderation(pair, project.prompts, request, model)


def _next(project: Project, request: Request) -> Request:
    """Return the request; asked anew, with the next unused sample number."""
    while project.settings.mode == "fresh" and project.ledgers.find(request.identity):
        request = request.model_copy(update={"sample": request.sample + 1})
    return request
