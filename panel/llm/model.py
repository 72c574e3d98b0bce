"""Model: whatever answers a request."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from panel.request import Reply, Request, Usage


class Model(Protocol):
    """One method: so a provider, a person, a ledger and a retry policy are the same kind of thing."""

    async def ask(self, request: Request) -> Reply:
        """Return the reply. A refusal or a reply cut short is a reply.

        Raises ModelError where the provider let us down, RecordingMissing where only recordings may answer.
        """
        ...


def now() -> str:
    """Return the time as replies carry it: UTC, ISO 8601, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def said(text: str, by: str) -> Reply:
    """Return a reply that nobody is paid for; its output tokens are guessed at four characters each."""
    return Reply(text=text, answered_by=by, usage=Usage(output=len(text) // 4), cost_usd="0", recorded_at=now())
