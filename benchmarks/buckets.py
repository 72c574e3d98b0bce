"""Buckets: how a vendor's rate limits empty and fill again. Time is the caller's, in seconds, and never runs back."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

_NOTHING = 1e-9
"""What sums of floats may lose of a token."""


@dataclass
class Bucket:
    """Tokens that come back steadily, so many a minute, up to `most`; the bucket is full when it is first looked at."""

    per_minute: float
    most: float
    level: float = field(init=False)
    at: float | None = None

    def __post_init__(self) -> None:
        self.level = self.most

    def filled(self, now: float) -> float:
        """Return how many tokens there are now; below zero where more was taken than there was."""
        passed = 0 if self.at is None else now - self.at
        self.level, self.at = min(self.most, self.level + passed * self.per_minute / 60), now
        return self.level

    def wait(self, tokens: float, now: float) -> float:
        """Return the seconds until so many tokens are there: 0 where they are, `inf` where the bucket is too small."""
        short = tokens - self.filled(now)
        if short <= _NOTHING:
            return 0
        return short * 60 / self.per_minute if tokens <= self.most else inf

    def take(self, tokens: float, now: float) -> None:
        """Take tokens out, whether they are there or not."""
        self.level = self.filled(now) - tokens

    def until_full(self, now: float) -> float:
        """Return the seconds until the bucket is full."""
        return (self.most - self.filled(now)) * 60 / self.per_minute


@dataclass(frozen=True)
class Limits:
    """What one model of an account may be asked; None is no limit. Two of them may be one and the same bucket."""

    requests: Bucket | None = None
    prompt: Bucket | None = None
    """Tokens of prompts, taken when a request is let in."""

    output: Bucket | None = None
    """Tokens of replies, taken when they are sent; a request is let in while one is left."""

    def wait(self, tokens: int, now: float) -> float:
        """Return the seconds until a request whose prompt counts so many tokens is let in; 0 is now."""
        needs = ((self.requests, 1), (self.prompt, tokens), (self.output, 1))
        return max(bucket.wait(need, now) if bucket else 0 for bucket, need in needs)

    def let_in(self, tokens: int, now: float) -> None:
        """Take what a request takes that is let in."""
        if self.requests:
            self.requests.take(1, now)
        if self.prompt:
            self.prompt.take(tokens, now)

    def said(self, tokens: int, now: float) -> None:
        """Take what a reply takes."""
        if self.output:
            self.output.take(tokens, now)
