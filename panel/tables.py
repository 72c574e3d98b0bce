"""Tables: the parts of panel.toml that are tables of their own."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from panel.record import Record


class RetrySettings(Record):
    """How long a fault that passes by itself is waited for."""

    attempts: int = Field(default=5, ge=1, le=20)
    """Most tries of one request."""

    cap_s: float = Field(default=60, ge=0, le=3_600)
    """A provider that asks for a longer wait, in seconds, is given up on."""

    deadline_s: float = Field(default=600, gt=0, le=86_400)
    """Seconds after which one request is given up on, waits included."""


_ADDRESS = r"^https?://[^\s\p{C}<>\"'?#/\\]+(?:/[^\s\p{C}<>\"'?#\\]*)?$"


_ADDRESS = r"^https?://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?$"
"""A host in lower case, perhaps a port and folders; no password, no query, nothing that leads upwards."""


class SiteSettings(Record):
    """The site that `panel publish` makes."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True)] = "Panel"
    """What the site is called."""

    url: Annotated[str, StringConstraints(pattern=_ADDRESS, max_length=400)] | None = None
    """Where it will stand; without it there are no feeds, no sitemap and no cards, which need whole addresses."""

    @property
    def base(self) -> str:
        """The address of the root, with a slash at its end; empty where it is not set."""
        return f"{self.url.rstrip('/')}/" if self.url else ""


DEFAULT_RETRY = RetrySettings()
DEFAULT_SITE = SiteSettings()
FIELDS = {"retry": list(RetrySettings.model_fields), "site": list(SiteSettings.model_fields)}
"""The keys of each table whose keys are fixed."""
