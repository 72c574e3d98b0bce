"""A tool, read from its dossier `tool.yaml`: what it is called, what is said of it, and by whom."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from panel.document import Document, fit, nearest, read_document, read_text
from panel.errors import ToolError
from panel.files import Json, digest_of
from panel.names import SLUG, Names, folded, names_of, slug_of
from panel.passages import Passage, addressed
from panel.record import Record

Kind = Literal["model", "framework", "app", "api", "service", "library", "dataset", "hardware", "other"]
Entry = Literal["free", "open_source", "freemium", "trial", "usage", "paid", "contact", "unknown"]
Name = Annotated[str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=400, strip_whitespace=True)]
Prose = Annotated[str, StringConstraints(min_length=1, max_length=20_000, strip_whitespace=True)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s<>\"']+$", max_length=2_000)]

RESERVED = {"compare", "ledger", "batches", "inbox", "outbox", "tools", "con", "prn", "aux", "nul"}


def _day(value: object) -> object:
    """Return a date as it was given, refusing everything that pydantic would take for a time stamp."""
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        message = "write a date as 2026-11-20"
        raise ValueError(message)
    return value


Day = Annotated[date, BeforeValidator(_day)]
"""A day, written 2026-11-20."""

SourceId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(?:[-_][a-z0-9]+)*$", max_length=40)]


class Pricing(Record):
    """What it costs to begin, as the maker states it."""

    entry: Entry = "unknown"
    """How one gets in; never guessed from the text."""

    text: Line = "not stated"
    """The price in words."""

    from_: Decimal | None = Field(default=None, alias="from", ge=0)
    """The lowest price, where there is one."""

    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = None
    """ISO 4217 code of `from`."""

    url: Url | None = None
    """Where the price stands."""

    checked_on: Day | None = None
    """When somebody last looked."""


class Links(Record):
    """Where the tool lives."""

    home: Url | None = None
    """Home page."""

    docs: Url | None = None
    """Documentation."""

    repo: Url | None = None
    """Source code."""


class Source(Record):
    """A text about the tool that a critic can quote by its id."""

    id: SourceId
    """The name that quotes use."""

    title: Line
    """What it is called."""

    url: Url | None = None
    """Where it stands."""

    kind: Literal["maker", "independent", "own_test"]
    """Who speaks: the maker, somebody else, or the editors after a test of their own."""

    dated: Day | None = None
    """When it was published or last changed."""

    text: Prose
    """What it says."""


class Dossier(Record):
    """What people write in `tool.yaml`."""

    name: Name
    """What the tool is called."""

    slug: Annotated[str, StringConstraints(max_length=80)] = ""
    """Its name in files and links; made from the name where it is not given."""

    version: Name | None = None
    """Which version is reviewed."""

    aliases: tuple[Name, ...] = ()
    """Other names of the same tool."""

    maker: Name = "not stated"
    """Who makes it; read for conflicts of interest."""

    category: Name
    """The shelf it stands on."""

    kind: Kind
    """What sort of thing it is."""

    tagline: Line
    """The maker's one line."""

    description: Prose
    """The maker's account of it."""

    license: Line = "not stated"
    """SPDX expression, or "not stated"."""

    pricing: Pricing = Pricing()
    """What it costs."""

    links: Links = Links()
    """Where it lives."""

    released: Day | None = None
    """When this version came out."""

    sources: tuple[Source, ...] = Field(default=(), max_length=24)
    """Texts that can be quoted."""

    seats: Mapping[str, Line] = {}
    """Personas that are not invited, each with the reason."""


class Tool(Dossier):
    """A dossier as it was read: cleaned, identified, with what was found in it."""

    digest: str
    """Content hash of the dossier."""

    removed: Mapping[str, int]
    """Hidden things that were taken out of the text, by kind."""

    addressed: tuple[Passage, ...]
    """Passages that address a model; they can't be quoted as evidence."""

    @cached_property
    def quotable(self) -> Mapping[str, str]:
        """The fields that a quote may come from, by the name that quotes use."""
        own = {"tagline": self.tagline, "description": self.description}
        terms = {"license": self.license, "pricing": self.pricing.text}
        return own | terms | {source.id: source.text for source in self.sources}

    @cached_property
    def outside_sources(self) -> frozenset[str]:
        """The ids of the sources that are not the maker's."""
        return frozenset(source.id for source in self.sources if source.kind != "maker")

    @cached_property
    def seen(self) -> Mapping[str, Json]:
        """What critics are shown, as data: a change of anything else can't make a take stale."""
        shown = ("name", "version", "maker", "category", "kind", "tagline", "description", "license", "released")
        whole = self.model_dump(mode="json", by_alias=True)
        price: Json = {"entry": self.pricing.entry, "text": self.pricing.text}
        of_a_source = ("id", "title", "kind", "dated", "text")
        sources: Json = [{key: source[key] for key in of_a_source} for source in whole["sources"]]
        return {key: whole[key] for key in shown} | {"pricing": price, "sources": sources}

    @cached_property
    def seen_digest(self) -> str:
        """Content hash of what critics are shown."""
        return digest_of(dict(self.seen))


def read_tool(path: Path, personas: Collection[str] | None = None) -> Tool:
    """Return the tool of one dossier; `personas` are the ids that its `seats` may name, any where it is None.

    Raises ToolError with file, line and key for every fault in it, and where a dossier
    in the same folder already has its slug, its name or one of its aliases.
    """
    document = read_dossier(path)
    beside = sorted([*path.parent.glob("*.yaml"), *path.parent.glob("*.yml")])
    others = [each for each in beside if each.name != path.name and not each.name.startswith(".")]
    return tool_of(document, personas, names_of(filter(None, map(_readable, others))))


def read_dossier(path: Path) -> Document:
    """Return what is in a dossier's file; raises ToolError where it is no mapping that Panel reads."""
    return read_document(read_text(path, ToolError), path, ToolError)


def tool_of(document: Document, personas: Collection[str] | None, taken: Names) -> Tool:
    """Return the tool of a dossier that was read; `taken` are the names of the dossiers beside it.

    Raises ToolError as `read_tool` does.
    """
    path = document.path
    dossier = fit(document, Dossier, ToolError)
    slug = dossier.slug or slug_of(dossier.name)
    _check(dossier, slug, document)
    for persona in dossier.seats:
        if personas is not None and persona not in personas:
            problem = f"no such persona{nearest(persona, personas, 'the panel is')}"
            raise ToolError.at(path, document.line(("seats", persona)), f"seats.{persona}", problem)
    _check_names(dossier, slug, document, taken)
    return as_read(dossier.model_copy(update={"slug": slug}), document.removed)


def as_read(dossier: Dossier, removed: Mapping[str, int]) -> Tool:
    """Return the tool of a dossier whose text is clean; `removed` says what cleaning took out."""
    fields = {name: getattr(dossier, name) for name in Dossier.model_fields}
    return Tool(
        **fields,
        digest=digest_of(Dossier.model_construct(**fields).as_json()),
        removed=removed,
        addressed=tuple(_passages(dossier)),
    )


def _passages(dossier: Dossier) -> Iterator[Passage]:
    texts = {
        "name": dossier.name,
        "version": dossier.version or "",
        "maker": dossier.maker,
        "category": dossier.category,
    }
    texts |= {"tagline": dossier.tagline, "description": dossier.description, "license": dossier.license}
    texts |= {"pricing": dossier.pricing.text}
    for field, text in texts.items():
        yield from addressed(field, text)
    for source in dossier.sources:
        yield from addressed(source.id, f"{source.title}\n\n{source.text}")


def _check(dossier: Dossier, slug: str, document: Document) -> None:
    path, line = document.path, document.line
    if not SLUG.fullmatch(slug):
        problem = "write lower-case letters, digits and single hyphens, such as my-tool"
        raise ToolError.at(path, line(("slug",)) or line(("name",)), "slug", problem)
    if slug in RESERVED or "-vs-" in f"{slug}-" or slug.startswith("vs-") or re.fullmatch(r"(?:com|lpt)[0-9]", slug):
        raise ToolError.at(path, line(("slug",)) or line(("name",)), "slug", f"'{slug}' is reserved; choose another")
    seen: set[str] = set(Dossier.model_fields)
    for number, source in enumerate(dossier.sources):
        if source.id in seen:
            problem = "is a key of the dossier or the id of another source; choose another"
            raise ToolError.at(path, line(("sources", number, "id")), f"sources[{number + 1}].id", problem)
        seen.add(source.id)


def _check_names(dossier: Dossier, slug: str, document: Document, taken: Names) -> None:
    """Refuse a dossier whose slug, name or alias is that of another one."""
    mine = [("slug", slug, f"#{slug}"), ("name", dossier.name, folded(dossier.name))]
    mine += [("aliases", alias, folded(alias)) for alias in dossier.aliases]
    for key, name, same in mine:
        for path in taken.get(same, ()):
            if path != document.path:
                problem = f"'{name}' is already what {path} calls its tool; rename one, or make them one dossier"
                written = key if (key,) in document.lines else "name"
                raise ToolError.at(document.path, document.line((written,)), written, problem)


def _readable(path: Path) -> Document | None:
    try:
        return read_dossier(path)
    except ToolError:
        return None
