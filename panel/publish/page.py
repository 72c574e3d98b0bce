"""Page: what every page has in its head, and the files that make one page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from panel.files import Json
from panel.publish.render import clip, html
from panel.tables import SiteSettings

Files = Mapping[str, bytes]
"""What is written, by its path from the root of the site."""


@dataclass(frozen=True)
class Job:
    """A page that is made from entries alone: what it depends on, and how it is made."""

    path: str
    depends_on: Json
    """Everything that decides over its content."""

    make: Callable[[], Files]


@dataclass(frozen=True)
class Twin:
    """The same content in another form."""

    type: str
    title: str
    href: str
    shown: str


@dataclass(frozen=True)
class Page:
    """What stands around the content of a page."""

    path: str
    title: str
    description: str
    root: str
    url: str | None = None
    image: str | None = None
    twins: Sequence[Twin] = ()
    draft: str | None = None
    is_hidden: bool = False
    asks_site: bool = False
    crumbs: Sequence[tuple[str, str | None]] = ()
    ld: Json = None


TWINS = (
    Twin("text/markdown", "This page as text", "index.md", "This page as Markdown"),
    Twin("application/json", "This page as data", "index.json", "This page as JSON"),
)


def page(site: SiteSettings | None, path: str, title: str, description: str, **more: object) -> Page:
    """Return the head of a page; `more` are the fields that not every page has."""
    url = f"{site.base}{path}" if site and site.base else None
    root = "../" * path.count("/") or "./"
    named = {"path": path, "title": title, "description": clip(description, 300), "root": root, "url": url}
    return Page(**{**named, **more})  # type: ignore[arg-type]


def breadcrumb(site: SiteSettings, crumbs: Sequence[tuple[str, str | None]]) -> Json:
    """Return a breadcrumb as linked data."""
    items: list[Json] = []
    for number, (name, path) in enumerate(crumbs, start=1):
        item: dict[str, Json] = {"@type": "ListItem", "position": number, "name": name}
        items.append(item | ({"item": f"{site.base}{path}"} if path is not None else {}))
    return {"@type": "BreadcrumbList", "itemListElement": items}


def files(page: Page, template: str, context: Mapping[str, object], text: str | None, data: bytes | None) -> Files:
    """Return a page with its twins."""
    made = {f"{page.path}index.html": html(template, {"page": page, **context}).encode()}
    made |= {f"{page.path}index.md": text.encode()} if text is not None else {}
    return made | ({f"{page.path}index.json": data} if data is not None else {})
