"""Sides: a review with who stands behind it now, what readers voted, and what was done: a side of a comparison."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from panel.community import Community, votes
from panel.compare import Sided
from panel.comparison import Approved, Happening
from panel.desk.approval import Approval, approval_of, void
from panel.document import nearest, shown
from panel.errors import RecordError, ToolError
from panel.files import digest_of, hash_of, is_there, names_in
from panel.history import Event
from panel.names import SLUG
from panel.project import Project
from panel.publish.render import version
from panel.record import is_moment
from panel.review import Review
from panel.shelf import dossiers
from panel.tool import read_dossier, tool_of


def sided(project: Project, slug: str) -> Sided:
    """Return one side: the record of a tool and what was done about it; raises RecordError where it has none."""
    review = project.store.review(slug) if SLUG.fullmatch(slug) else None
    if review is None:
        reviewed = [name for name in names_in(project.store.folder) if is_there(project.store.review_path(name))]
        hint = nearest(slug, reviewed, "reviewed are") if reviewed else ""
        problem = f"no review of {shown(slug)} in {project.store.folder}; review it first, or name its dossier"
        raise RecordError(f"{problem}{hint}")
    refuse_moved(project, slug, review)
    approval = approval_of(project, slug)
    now = as_they_are(dossiers_read(project, {})) if approval else None
    events = project.store.history(slug).events()
    return side_of(review, approval, events, votes(project.store.folder).get(slug), now)


def refuse_moved(project: Project, slug: str, review: Review) -> None:
    """Raise RecordError where a review lies in the folder of another tool."""
    if review.tool.slug != slug:
        path = project.store.review_path(slug)
        raise RecordError.at(path, None, "tool.slug", f"is {review.tool.slug}; move the file to its folder")


def side_of(
    review: Review,
    approval: Approval | None,
    events: Sequence[Event],
    community: Community | None,
    dossiers: Mapping[str, str] | None,
) -> Sided:
    """Return one side of what was read; `dossiers` are the digests of the dossiers as they are, None without any.

    Nobody stands behind a review that is not the one approved, or whose dossier is another one now, or gone.
    """
    holds = approval is not None and is_moment(approval.at) and void(approval, review, review.tool) is None
    if approval and holds and (dossiers is None or dossiers.get(review.tool.slug) == approval.dossier):
        signed = Approved(by=approval.by, at=approval.at)
    else:
        signed = None
    return Sided(review, community, signed, tuple(happenings(events, review)))


Dossiers = Mapping[str, tuple[str, str]]
"""Slug and digest of each dossier, by the hash of its file."""


def dossiers_read(project: Project, known: Dossiers) -> Dossiers | None:
    """Return the dossiers of a project as they are, None where it has none; those that are `known` are not read again.

    One that can't be read is left out: nobody stands behind what is said of it.
    """
    paths = dossiers(project)
    found: dict[str, tuple[str, str]] = {}
    for path in paths:
        with suppress(RecordError, ToolError):
            name = digest_of([version(), hash_of(path)])
            found[name] = known[name] if name in known else _named(path)
    return found if paths else None


def _named(path: Path) -> tuple[str, str]:
    tool = tool_of(read_dossier(path), None, {})
    return tool.slug, tool.digest


def as_they_are(read: Dossiers | None) -> Mapping[str, str] | None:
    """Return the digest of each dossier by slug; a slug that two different ones have is left out."""
    if read is None:
        return None
    told = {*read.values()}
    counts = Counter(slug for slug, _ in told)
    return {slug: digest for slug, digest in told if counts[slug] == 1}


_WORDS: Mapping[str, str] = {
    "accept": "another take of {persona} was accepted",
    "restore": "an earlier take of {persona} was brought back",
    "edit": "the words of {persona} were edited by {by}",
    "verdict": "the verdict went from {before} to {after}",
    "approve": "approved by {by}",
    "void": "the approval by {by} lost its hold: {why}",
}
"""What of the log a reader should know, in words."""


def happenings(events: Sequence[Event], review: Review) -> Iterator[Happening]:
    """Yield what a reader should know of what was done with a review; what was said twice in a row once."""
    names = {seat.persona: f"the {seat.name}" for seat in review.seats}
    last = None
    for event in events:
        if not is_moment(event.at):
            continue
        details = {key: str(value) for key, value in event.details.items()}
        details["persona"] = names.get(details.get("persona", ""), "a critic")
        if (words := _WORDS.get(event.name)) and (what := _filled(words, details)) != last:
            last = what
            yield Happening(at=event.at, what=what)


def _filled(words: str, details: Mapping[str, str]) -> str:
    for key in ("persona", "by", "before", "after", "why"):
        words = words.replace(f"{{{key}}}", details.get(key, "somebody" if key == "by" else "?"))
    return words
