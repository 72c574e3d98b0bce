"""Redirects: pages at other names of a page, which lead to it without a server."""

from __future__ import annotations

from panel.publish.entries import Entry
from panel.publish.page import Files
from panel.publish.render import html
from panel.tables import SiteSettings


def files(site: SiteSettings, path: str, entry: Entry) -> Files:
    """Return the page that leads from `path` to where an entry is."""
    target = "../" * path.count("/") + entry.path
    url = f"{site.base}{entry.path}" if site.base else None
    return {
        f"{path}index.html": html("redirect.html.j2", {"target": target, "title": entry.title, "url": url}).encode()
    }
