"""Mail: the digest of a week as one HTML file that a mail client shows: whole addresses, no script, no picture."""

from __future__ import annotations

from panel.publish.edition import Edition, Week
from panel.publish.render import day, html


def digest_html(edition: Edition, week: Week) -> str:
    """Return the digest of a week as HTML."""
    first, last = week.days
    groups = [{"title": title, "entries": entries} for title, entries in edition.digest(week).items()]
    days = f"{day(first.isoformat())} to {day(last.isoformat())}"
    return html("mail.html.j2", {"site": edition.site, "week": week.name, "days": days, "groups": groups})
