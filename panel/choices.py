"""Choices: which take of each seat the editors accepted, in which words, and what no run may change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints

from panel.errors import Locked, RecordError
from panel.gates import Rules, flags, unpublishable
from panel.persona import Persona
from panel.prompt import Question
from panel.record import Record, digest, once
from panel.review import Seat
from panel.take import Outside, Take
from panel.tool import Tool

ContentHash = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


class Edit(Record):
    """Words that a person put in place of a critic's; ratings, quotes and vote stay the critic's."""

    by: str
    """Who edited."""

    of: str
    """Identity of the first request of the take that was edited; the words belong to no other."""

    words: Mapping[str, str]
    """The new texts, by what they are called, such as `headline` or `why of moat`."""

    outside: tuple[Outside, ...] | None = None
    """What the text says that the dossier does not; None where that stayed as it was."""


class Choice(Record):
    """Which ask of one seat the editor accepted, and for which dossier and persona that holds."""

    sample: int = Field(ge=1)
    """The sample number; the first one where there are several."""

    samples: int = Field(default=1, ge=1, le=9)
    """How many samples, counted on from that number."""

    note: str | None = None
    """The editor's note that was part of the request."""

    retakes: int = Field(default=0, ge=0)
    """How many times the seat had been asked anew when this was accepted."""

    edit: Edit | None = None
    """What was put in other words by hand."""

    seen: str
    """Content hash of what the dossier showed."""

    persona_digest: str
    """Content hash of the persona, its place at the table left out."""

    def holds(self, tool: Tool, persona: Persona) -> bool:
        """Return whether dossier and persona are still those that the choice was made for."""
        return self.seen == tool.seen_digest and self.persona_digest == _standing(persona)

    def follows(self, other: Choice) -> bool:
        """Return whether this one was made for the same dossier and persona as the other."""
        return (self.seen, self.persona_digest) == (other.seen, other.persona_digest)

    @property
    def is_plain(self) -> bool:
        """True where it says no more than how many samples count, from the first on."""
        return (self.sample, self.retakes, self.note, self.edit) == (1, 0, None, None)

    def applied(self, seat: Seat, question: Question) -> Seat:
        """Return the seat as it is published: the retakes counted, and the edit made if it belongs to these asks."""
        if seat.take is None:
            return seat
        take = seat.take.model_copy(update={"retakes": self.retakes})
        if self.edit and self.edit.of == seat.asks[0].request:
            take = edited(take, self.edit, question)
        return seat.model_copy(update={"take": take})


@once
def _standing(persona: Persona) -> str:
    return digest(persona.model_copy(update={"order": 0}))


def choice(sample: int, samples: int, tool: Tool, persona: Persona, note: str | None = None) -> Choice:
    """Return the choice of `samples` samples from number `sample` on, for this dossier and persona."""
    seen = tool.seen_digest
    return Choice(sample=sample, samples=samples, note=note, seen=seen, persona_digest=_standing(persona))


def edited(take: Take, edit: Edit, question: Question) -> Take:
    """Return the take in an editor's words; the gates for prose flag it anew.

    Raises RecordError where the words are such that no page may show them.
    """
    words = {**take.prose, **edit.words}
    outside = take.outside if edit.outside is None else edit.outside
    rules = Rules(question.prompts.common_words, question.prompts.first_hand)
    if faults := list(unpublishable(words, question.tool, rules)):
        raise RecordError(f"{question.tool.slug}: {question.persona.id}: the edit can't stand: {'; '.join(faults)}")
    ratings = [rated.model_copy(update={"why": words[f"why of {rated.criterion}"]}) for rated in take.ratings]
    return take.model_copy(
        update={
            "text": words["take"],
            "headline": words["headline"],
            "best_for": words["best_for"],
            "not_for": words["not_for"],
            "would_change_my_vote": words["would_change_my_vote"],
            "ratings": tuple(ratings),
            "outside": outside,
            "flags": tuple(flags(words, outside, question.persona, question.tool, rules)),
            "edited_by": edit.by,
        }
    )


class Choices(Record):
    """The choices for one tool."""

    schema_: Literal["panel.choices/1"] = Field(default="panel.choices/1", alias="schema")
    """What this file is."""

    seats: Mapping[str, Choice] = {}
    """By persona."""

    locked: Mapping[str, ContentHash] | ContentHash = Field(default_factory=dict)
    """By persona, the content hash of the seat that no run changes; one hash alone: that of the whole review."""

    @property
    def is_locked(self) -> bool:
        """True where no run changes anything of the review."""
        return isinstance(self.locked, str)

    def locks(self, persona: str) -> bool:
        """Return whether no run changes the seat of this persona."""
        return self.is_locked or persona in self.locked

    def refuse_locked(self, slug: str, personas: Iterable[str]) -> None:
        """Raise Locked where one of these seats is."""
        if self.is_locked:
            raise Locked(f"{slug}: is locked; to let go of it: panel lock {slug} --release")
        for id in personas:
            if id in self.locked:
                raise Locked(f"{slug}: {id}: is locked; to let go of it: panel lock {slug} --persona {id} --release")

    def unlocked(self, seats: Mapping[str, Choice]) -> Mapping[str, Choice]:
        """Return those of these, by persona, that concern no locked seat."""
        return {id: one for id, one in seats.items() if not self.locks(id)}

    def with_seats(self, seats: Mapping[str, Choice]) -> Self:
        """Return the choices with these in place of those of the same personas."""
        return self.model_copy(update={"seats": dict(sorted({**self.seats, **seats}.items()))})

    def with_locks(self, seats: Iterable[Seat]) -> Self:
        """Return the choices with these seats locked as they are; a review that is locked as a whole stays so."""
        if isinstance(self.locked, str):
            return self
        locked = {**self.locked, **{seat.persona: digest(seat) for seat in seats}}
        return self.model_copy(update={"locked": dict(sorted(locked.items()))})

    def released(self, personas: Iterable[str]) -> Self:
        """Return the choices with these seats let go; a review that was locked as a whole is let go as a whole."""
        if isinstance(self.locked, str):
            return self
        gone = {*personas}
        return self.model_copy(update={"locked": {id: one for id, one in self.locked.items() if id not in gone}})

    def without(self, personas: Sequence[str]) -> Self:
        """Return the choices but for those of these personas."""
        return self.model_copy(update={"seats": {id: one for id, one in self.seats.items() if id not in personas}})
