"""An audit: one published record, recomputed from what it holds and from the recordings that it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from panel.change import meanings
from panel.choices import Choice, Choices, Edit, choice
from panel.errors import RecordError, RecordingMissing
from panel.files import LARGEST_RECORD, is_file, read_bytes, readable
from panel.golden.bench import is_page_other
from panel.llm.ledger import Recorded
from panel.markdown import page
from panel.persona import Persona
from panel.project import Project
from panel.quotes import verified
from panel.record import digest, read_record
from panel.review import Review, Seat, verdict_over
from panel.review import seat as seat_of
from panel.seating import Asked
from panel.take import SILENT, Take, score, vote
from panel.tool import Tool, as_read
from panel.verdict import RULES


@dataclass(frozen=True)
class Finding:
    """One thing that was recomputed."""

    what: str
    """What was looked at."""

    problem: str | None
    """How the record differs from it; None where it does not."""

    unchecked: str | None = None
    """Why it could not be recomputed here; None where it was."""


async def audit(project: Project, path: Path) -> list[Finding]:
    """Return what recomputing a record gives, offline: its bytes, dossier, quotes, scores, verdict, replies, page.

    Raises RecordError where the file is no record.
    """
    review = read_record(path, Review)
    return [
        Finding("the file is written as Panel writes it", _bytes(path, review)),
        _rules(review),
        Finding("the dossier hashes to its digest", _dossier(review.tool)),
        _table(project, review),
        *(finding for seat in review.seats if seat.take for finding in _take(review, seat, seat.take)),
        Finding("the verdict follows from the seats", _verdict(review)),
        *[await _seat(project, review, seat, path) for seat in review.seats],
        *page_beside(path, page(review)),
    ]


def _bytes(path: Path, review: Review) -> str | None:
    same = read_bytes(path, LARGEST_RECORD, RecordError) == readable(review.as_json())
    return None if same else "its bytes are others; keys, numbers or spaces were changed by hand"


def _rules(review: Review) -> Finding:
    other = None if review.rules == RULES else f"it was made by rules {review.rules}, and these are rules {RULES}"
    return Finding("it was made by the rules of this version", None, other)


def _table(project: Project, review: Review) -> Finding:
    """Return whether somebody was left out, or moved."""
    what, panel = "the seats are those of the panel, in its order", {persona.id: persona for persona in project.panel}
    ids = [seat.persona for seat in review.seats]
    if len({*ids}) < len(ids):
        return Finding(what, "a persona has two seats")
    if ids == [*panel]:
        return Finding(what, None)
    if any(id not in panel for id in ids) or any(_is_other(panel[seat.persona], seat) for seat in review.seats):
        return Finding(what, None, "the panel here is another one")
    return Finding(what, f"they are {', '.join(ids)}, and the panel is {', '.join(panel)}")


def _is_other(persona: Persona, seat: Seat) -> bool:
    """Return whether a seat was asked by another version of its persona; one that was not asked is of none."""
    return seat.persona_digest not in (None, digest(persona))


def _dossier(tool: Tool) -> str | None:
    again = as_read(tool, tool.removed)
    if again.digest != tool.digest:
        return f"it says {tool.digest}, and is {again.digest}"
    return None if again == tool else "the passages that address a reviewer are not the ones that are found in it"


def _take(review: Review, seat: Seat, take: Take) -> Iterator[Finding]:
    total = score(take.ratings)
    wrong = None
    if (total, vote(total, seat.threshold)) != (take.score, take.vote):
        wrong = f"it says {take.score} {take.vote}, and they give {total} {vote(total, seat.threshold)}"
    yield Finding(f"{seat.name}: score and vote follow from the ratings", wrong)
    if seat.seen != review.tool.seen_digest:
        yield Finding(f"{seat.name}: every quote stands in the dossier", None, "the take is about an earlier dossier")
        return
    bad = verified(take.evidence, review.tool)[1]
    yield Finding(f"{seat.name}: every quote stands in the dossier", "; ".join(bad) or None)
    high = [rated.criterion for rated in take.ratings if rated.rating is not None and rated.rating > SILENT]
    bare = [rated.criterion for rated in take.ratings if rated.criterion in high and not rated.evidence]
    if take.samples == 1:
        problem = f"{', '.join(bare)} has none" if bare else None
        yield Finding(f"{seat.name}: every rating above {SILENT} rests on a quote", problem)


def _verdict(review: Review) -> str | None:
    again = review.model_copy(update={"verdict": verdict_over(review.tool, review.seats)})
    return None if again.verdict == review.verdict else "; ".join(meanings(again, review))


async def _seat(project: Project, review: Review, seat: Seat, path: Path) -> Finding:
    """Return whether a seat is what it would be now, nobody asked."""
    persona = next((each for each in project.panel if each.id == seat.persona), None)
    if seat.status == "unseated":
        return _unseated(project, review.tool, seat, persona)
    return await _replayed(project, review, seat, persona, path)


def _unseated(project: Project, tool: Tool, seat: Seat, persona: Persona | None) -> Finding:
    """Return whether the dossier, or else the persona as it is here, says that a seat is not asked, and why."""
    what, told = f"{seat.name}: it was not asked for this reason", tool.seats.get(seat.persona)
    if told not in (None, seat.reason):
        return Finding(what, f"the dossier says: {told}")
    if persona is None:
        return Finding(what, None, f"there is no persona {seat.persona} here")
    reason = told or persona.not_invited(tool.kind, tool.category)
    again = reason and seat_of(persona, tool, project.prompts.digest, "unseated", reason=reason)
    return Finding(what, None, None if again == seat else f"{persona.id}.md does not say so here")


async def _replayed(project: Project, review: Review, seat: Seat, persona: Persona | None, path: Path) -> Finding:
    """Return whether asking the same again, of the recordings, gives the same seat."""
    what = f"{seat.name}: the recorded replies give this seat"
    why = _elsewhere(project, persona, seat, review.tool)
    if why or persona is None:
        return Finding(what, None, why)
    known = _choices(path).get(persona.id)
    try:
        asked = _asked(project, persona, review.tool, seat, known) if seat.asks else None
        if asked is None:
            return Finding(what, None, "its recordings are not here")
        again = await asked.answered(Recorded(project.ledgers, None, is_brief=True))
    except RecordingMissing:
        return Finding(what, None, "its recordings are not all here")
    except RecordError as error:
        return Finding(what, str(error))
    if again == seat:
        return Finding(what, None, _unknown_words(seat, asked.choice == known))
    old, new = (review.model_copy(update={"seats": (each,)}) for each in (again, seat))
    return Finding(what, "; ".join(meanings(old, new)))


def _unknown_words(seat: Seat, is_known: bool) -> str | None:
    """Return why the words of a take can't be told from the critic's own, or None where they can."""
    is_edited = seat.take is not None and seat.take.edited_by is not None
    return "its words were edited, and what was edited is not here" if is_edited and not is_known else None


def _elsewhere(project: Project, persona: Persona | None, seat: Seat, tool: Tool) -> str | None:
    """Return why the request of a seat can't be rendered again with what is here, or None where it can."""
    if persona is None:
        return f"there is no persona {seat.persona} here"
    if digest(persona) != seat.persona_digest:
        return f"{persona.id}.md is another version here"
    if project.prompts.digest != seat.prompt_digest:
        return "the prompts are another version here"
    return None if seat.seen == tool.seen_digest else "the take is about an earlier dossier"


def _choices(path: Path) -> Mapping[str, Choice]:
    beside = path.parent / "choices.json"
    return read_record(beside, Choices).seats if is_file(beside) else {}


def _asked(project: Project, persona: Persona, tool: Tool, seat: Seat, known: Choice | None) -> Asked | None:
    """Return what the seat was asked, as its first recording has it; None where that is not here.

    How often it was asked anew, and what was edited, is what was chosen; where that is not here, what the record says.
    """
    recording = project.ledgers.recording(seat.asks[0].request)
    if recording is None:
        return None
    old, drawn = recording.request, len({ask.sample for ask in seat.asks})
    if known is None or (known.sample, known.note) != (old.sample, old.note):
        said = {"retakes": seat.take.retakes, "edit": _edit(seat, seat.take)} if seat.take else {}
        known = choice(old.sample, drawn, tool, persona, old.note).model_copy(update=said)
    question = replace(project.question(tool, persona, old.note), model=old.model, parameters=old.parameters)
    return Asked(question, samples=drawn, first=old.sample, choice=known, is_live=False)


def _edit(seat: Seat, take: Take) -> Edit | None:
    """Return the edit that would give a take its words; None where it says that there was none."""
    if take.edited_by is None:
        return None
    return Edit(by=take.edited_by, of=seat.asks[0].request, words=take.prose, outside=take.outside)


def page_beside(record: Path, text: str) -> Iterator[Finding]:
    """Yield whether the page beside a record is the `text` that is rendered from it, where there is a page."""
    is_other = is_page_other(record, text)
    if is_other is not None:
        problem = f"{record.with_suffix('.md').name} says something else" if is_other else None
        yield Finding("the page beside it is rendered from it", problem)
