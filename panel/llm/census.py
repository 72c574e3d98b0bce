"""Census: what a ledger holds, counted in one pass, however much it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from panel.files import Json
from panel.llm.recording import Held, Recording
from panel.record import is_moment
from panel.request import ModelName

MOST_NAMES = 1_000
"""So many names of one kind are counted each; further ones together, since a stranger may have written them."""

OTHERS = "others"

KINDS: Mapping[str, Callable[[Recording], bool]] = {
    "repairs": lambda one: one.request.is_repair,
    "further_samples": lambda one: one.request.sample > 1,
    "noted": lambda one: one.request.note is not None,
    "shipped": lambda one: ModelName.parse(one.reply.answered_by).provider == "sample",
    "carried": lambda one: one.reply.carried_from is not None,
}
"""Kinds of recordings: repairs, further samples, answers to an editor's note, samples that ship with Panel, carried."""


@dataclass
class Census:
    """The counts of one ledger."""

    recordings: int = 0
    """How many are sound."""

    size: int = 0
    """Bytes of all that is held."""

    unsound: int = 0
    """How many are not."""

    models: Counter[str] = field(default_factory=Counter)
    """By the model that was asked."""

    answerers: Counter[str] = field(default_factory=Counter)
    """By who really answered."""

    personas: Counter[str] = field(default_factory=Counter)
    """By the persona it was for."""

    kinds: Counter[str] = field(default_factory=Counter)
    """By kind; one can be of several."""

    oldest: str | None = None
    """When the first one was answered; None where none says."""

    newest: str | None = None
    """When the last one was answered."""

    def as_json(self) -> dict[str, Json]:
        """Return the counts as data, the most frequent first."""
        return {
            "recordings": self.recordings,
            "bytes": self.size,
            "unsound": self.unsound,
            "models": dict(self.models.most_common()),
            "answered_by": dict(self.answerers.most_common()),
            "personas": dict(self.personas.most_common()),
            **{kind: self.kinds[kind] for kind in KINDS},
            "oldest": self.oldest,
            "newest": self.newest,
        }

    def count(self, held: Held) -> None:
        """Count one more."""
        self.size += held.size
        if held.recording is None:
            self.unsound += 1
            return
        self.recordings += 1
        one = held.recording
        names = (self.models, one.request.model), (self.answerers, one.reply.answered_by)
        for counter, name in (*names, (self.personas, one.label.persona)):
            counter[name if name in counter or len(counter) < MOST_NAMES else OTHERS] += 1
        self.kinds.update(kind for kind, is_one in KINDS.items() if is_one(one))
        at = one.reply.recorded_at
        if is_moment(at):
            self.oldest, self.newest = min(self.oldest or at, at), max(self.newest or at, at)
