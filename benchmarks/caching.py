"""Prompt caches: what vendors keep of a prompt, and whom they let read it. Time is the caller's, in seconds."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

CHARACTERS = 4
"""Characters that make a token here."""


class Part(NamedTuple):
    """One part of a prompt."""

    text: str
    is_marked: bool = False
    """True where a breakpoint stands behind it."""


@dataclass(frozen=True)
class Rules:
    """By which rules a vendor keeps prompts."""

    life_s: float
    """An entry goes when nobody has read it for so long."""

    look_back: int
    """At a breakpoint, an entry counts that ends so many parts before it at most; 1: at the breakpoint itself."""

    fewest: int = 1024
    """Tokens below which nothing is kept."""


@dataclass(frozen=True)
class Spent:
    """The tokens of a prompt; each is in one of the three."""

    fresh: int
    read: int = 0
    written: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.fresh + self.read + self.written


@dataclass
class _Entry:
    readable_at: float
    used_at: float


@dataclass(frozen=True)
class Prefix:
    """A prompt up to the end of one of its parts."""

    digest: bytes
    tokens: int
    is_marked: bool


@dataclass
class Cache:
    """What is kept under one vendor's rules."""

    rules: Rules
    entries: dict[bytes, _Entry] = field(default_factory=dict)

    def spent(self, prefixes: Sequence[Prefix], now: float) -> Spent:
        """Return how the tokens of a prompt would be counted; nothing is kept or refreshed by it."""
        total = prefixes[-1].tokens
        marks = self._marks(prefixes)
        if not marks:
            return Spent(total)
        found = self._found(prefixes, now)
        read, end = found.tokens if found else 0, prefixes[marks[-1]].tokens
        return Spent(fresh=total - max(end, read), read=read, written=max(0, end - read))

    def keep(self, prefixes: Sequence[Prefix], now: float, begins: float) -> None:
        """Refresh what such a prompt reads, and keep it at each breakpoint, readable when its reply begins."""
        found = self._found(prefixes, now)
        if found:
            self.entries[found.digest].used_at = now
        for place in self._marks(prefixes):
            prefix = prefixes[place]
            if not self._is_readable(prefix, now):
                earlier = self.entries.get(prefix.digest)
                pending = earlier is not None and earlier.readable_at > now
                readable = min(begins, earlier.readable_at) if earlier and pending else begins
                self.entries[prefix.digest] = _Entry(readable, begins)

    def _marks(self, prefixes: Sequence[Prefix]) -> list[int]:
        fewest = self.rules.fewest
        return [place for place, one in enumerate(prefixes) if one.is_marked and one.tokens >= fewest]

    def _found(self, prefixes: Sequence[Prefix], now: float) -> Prefix | None:
        """Return the longest prefix that is kept and looked at."""
        for mark in reversed(self._marks(prefixes)):
            for place in range(mark, max(-1, mark - self.rules.look_back), -1):
                if self._is_readable(prefixes[place], now):
                    return prefixes[place]
        return None

    def _is_readable(self, prefix: Prefix, now: float) -> bool:
        entry = self.entries.get(prefix.digest)
        return entry is not None and entry.readable_at <= now <= entry.used_at + self.rules.life_s


def prefixes(scope: str, parts: Sequence[Part]) -> list[Prefix]:
    """Return a prompt up to the end of each part; prompts of different `scope` share nothing."""
    digest, characters, found = hashlib.blake2b(scope.encode(), digest_size=16), 0, []
    for part in parts:
        digest.update(part.text.encode())
        characters += len(part.text)
        found.append(Prefix(digest.digest(), characters // CHARACTERS, part.is_marked))
        digest.update(b"\0")
    return found
