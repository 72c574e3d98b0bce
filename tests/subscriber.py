"""Subscriber: reads feeds, the site map and linked data of pages as others do, with parsers that are not Panel's.

What those would forgive is an error here: text that is not well-formed, an entry without an id, a date that is none.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import feedparser  # type: ignore[import-untyped]
import feedparser_rs
from pyld import jsonld  # type: ignore[import-untyped]
from selectolax.lexbor import LexborHTMLParser
from usp.tree import sitemap_from_str


class Unsound(Exception):
    """Why somebody else could not read it."""


@dataclass(frozen=True)
class Entry:
    """One entry of a feed."""

    id: str
    title: str
    updated: str
    link: str
    content: str
    """HTML."""


@dataclass(frozen=True)
class Feed:
    """A feed, as far as readers show it."""

    title: str
    address: str
    """Where the feed itself is."""
    home: str
    updated: str
    """Empty in a JSON feed, which has no such field."""
    entries: list[Entry]


def atom(text: str) -> Feed:
    """Return what feedparser reads in an Atom feed."""
    read = feedparser.parse(text.encode())
    feed = _feed(read, "atom10")
    if not read.feed.get("id"):
        raise Unsound("a feed without an id")
    _dated(feed.updated)
    if not read.feed.get("author") and not all(entry.get("author") for entry in read.entries):
        raise Unsound("an entry without an author, in a feed without one")
    return feed


def json_feed(text: str) -> Feed:
    """Return what feedparser-rs reads in a JSON feed."""
    json.loads(text)
    return _feed(feedparser_rs.parse(text, sanitize_html=False), "json11")


def sitemap(text: str) -> dict[str, str | None]:
    """Return the pages that ultimate-sitemap-parser finds in a site map, each with the day of its last change."""
    complaints = _Complaints()
    log = logging.getLogger("usp")
    log.addHandler(complaints)
    try:
        pages = [*sitemap_from_str(text).all_pages()]
    finally:
        log.removeHandler(complaints)
    if complaints.said or not pages:
        raise Unsound("; ".join(complaints.said) or "a site map without a page")
    return {page.url: page.last_modified.date().isoformat() if page.last_modified else None for page in pages}


def linked_data(html: str) -> list[str]:
    """Return the types of all things that PyLD finds in the JSON-LD of a page, without their vocabulary, in order."""
    scripts = LexborHTMLParser(html).css('script[type="application/ld+json"]')
    nodes = [
        node
        for script in scripts
        for node in jsonld.flatten(json.loads(script.text()), options={"documentLoader": _context})
    ]
    if loose := [node["@id"] for node in nodes if "@type" not in node and len(node) > 1]:
        raise Unsound(f"things without a type: {loose}")
    return [kind.rpartition("/")[2] for node in nodes for kind in node.get("@type", [])]


def _feed(read: Any, version: str) -> Feed:
    """Return what either of the parsers read, which speak alike; a fault of its form is an error."""
    if read.bozo or read.version != version:
        raise Unsound(f"{read.version or 'no feed'}: {read.get('bozo_exception') or f'not {version}'}")
    entries = [_entry(each) for each in read.entries]
    if len({entry.id for entry in entries}) < len(entries):
        raise Unsound("two entries have one id")
    links = {link["rel"]: link["href"] for link in read.feed.links}
    title, address = read.feed.get("title"), links.get("self")
    if not (title and address):
        raise Unsound("a feed without a title, or without its own address")
    return Feed(title, address, read.feed.get("link") or "", read.feed.get("updated") or "", entries)


def _entry(read: Any) -> Entry:
    found = {name: read.get(name) for name in ("id", "title", "updated", "link")}
    if not all(found.values()):
        raise Unsound(f"an entry that lacks something: {found}")
    _dated(found["updated"])
    return Entry(**found, content="".join(part["value"] for part in read.get("content") or []))


def _dated(text: str) -> None:
    """Refuse a date that is none, or that leaves open when that was."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Unsound(str(error)) from error
    if moment.tzinfo is None:
        raise Unsound(f"a date without its zone: {text}")


def _context(url: str, _: object) -> dict[str, Any]:
    """Return a stand-in for the context of schema.org, which lies elsewhere: every name is one of its vocabulary."""
    if url.rstrip("/") not in ("https://schema.org", "http://schema.org"):
        raise Unsound(f"a context of {url}")
    document = {"@context": {"@vocab": "https://schema.org/", "id": "@id", "type": "@type"}}
    return {"contentType": "application/ld+json", "contextUrl": None, "documentUrl": url, "document": document}


class _Complaints(logging.Handler):
    """What a parser that forgives has to say."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.said.append(record.getMessage())
