"""Mail: the digest of a week as plain text, and as one HTML file: whole addresses, no script, no picture."""

from __future__ import annotations

from panel.errors import on_one_line
from panel.publish.edition import Edition, Week
from panel.publish.render import day, html


def digest_html(edition: Edition, week: Week) -> str:
    """Return the digest of a week as HTML."""
    groups = [{"title": title, "entries": entries} for title, entries in edition.digest(week).items()]
    return html("mail.html.j2", {"site": edition.site, "week": week.name, "days": days(week), "groups": groups})


def days(week: Week) -> str:
    """Return the days of a week as people read them."""
    first, last = week.days
    return f"{day(first.isoformat())} to {day(last.isoformat())}"


def digest_text(edition: Edition, week: Week) -> str:
    """Return the digest of a week as plain text, with nothing in it that could steer a terminal."""
    lines = [on_one_line(f"{edition.site.name}: week {week.name}, {days(week)}"), ""]
    for title, entries in edition.digest(week).items():
        if entries:
            lines += [title, ""]
            lines += [
                f"- {on_one_line(f'{one.title}: {one.line}')}\n  {edition.site.base}{one.path}" for one in entries
            ]
            lines += [""]
    return "\n".join(lines if len(lines) > 2 else [*lines, "Nothing was reviewed in this week.", ""])
