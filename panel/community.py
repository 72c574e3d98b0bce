"""Community: what readers voted on a tool. It is shown beside the panel and never merged with it."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import sqrt
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from panel.errors import RecordError
from panel.files import is_there, read_json
from panel.record import Record
from panel.take import halves_up

ENOUGH = 10
"""Fewer votes than this are counted; only from here on their share says something."""

MOST = 1_000_000_000
"""Of either vote; there are not that many readers."""

_Z = 1.959964
"""The normal quantile of a 95 % interval."""


class Community(Record):
    """Votes of readers on one tool."""

    ship: int = Field(default=0, ge=0, le=MOST)
    """Votes to ship."""

    skip: int = Field(default=0, ge=0, le=MOST)
    """Votes to skip."""

    @property
    def votes(self) -> int:
        """How many voted."""
        return self.ship + self.skip

    @property
    def interval(self) -> tuple[int, int] | None:
        """The range of the ship share in percent, 95 % confidence; None for fewer than ten votes.

        Wilson's score interval: E. B. Wilson, JASA 22 (1927), 209-212.
        """
        if self.votes < ENOUGH:
            return None
        share, spread = self.ship / self.votes, _Z**2 / self.votes
        middle = (share + spread / 2) / (1 + spread)
        half = _Z * sqrt(share * (1 - share) / self.votes + spread / (4 * self.votes)) / (1 + spread)
        return max(0, round(100 * (middle - half))), min(100, round(100 * (middle + half)))

    @property
    def told(self) -> str:
        """The votes in words: none, a count, or from ten on a share with its range."""
        if self.interval is None:
            return f"{self.votes} community {'vote' if self.votes == 1 else 'votes'}" if self.votes else NO_VOTES
        low, high = self.interval
        return f"{halves_up(Fraction(100 * self.ship, self.votes))}% ship of {self.votes} votes ({low} to {high}%)"


NO_VOTES = "No community votes yet"


class Votes(Record):
    """The file `runs/votes.json`, which whoever counts votes writes."""

    schema_: Literal["panel.votes/1"] = Field(default="panel.votes/1", alias="schema")
    """What this file is."""

    tools: Mapping[str, Community]
    """The votes on each tool, by slug."""


def votes(runs: Path) -> Mapping[str, Community]:
    """Return the votes on each tool, none where nobody counts; raises RecordError where they can't be read."""
    path = runs / "votes.json"
    if not is_there(path):
        return {}
    try:
        return Votes.model_validate(read_json(path)).tools
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))[:120]
        problem = f"is not what `panel schema votes` describes ({first['msg']}); mend it"
        raise RecordError.at(path, None, place, problem) from error
