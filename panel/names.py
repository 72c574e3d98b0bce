"""Names of tools: slugs, and which two names are the same."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from panel.document import Document, Text

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
"""A slug is the name of a folder on any system."""


def slug_of(name: str) -> str:
    """Return the slug made from a name: ASCII letters and digits, single hyphens; empty where none remain."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall("[a-z0-9]+", plain))[:80].strip("-")


def pair_slug(one: str, other: str) -> str:
    """Return the name of a comparison: both slugs, in alphabetical order."""
    return "-vs-".join(sorted((one, other)))


def folded(name: str) -> str:
    """Return the form under which two names are the same: case, accents, spaces, hyphens and underscores ignored."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(char for char in plain if not unicodedata.combining(char) and char not in " -_")


Names = Mapping[str, Sequence[Path]]
"""Which dossiers have a slug or a folded name; slugs are marked by a # before them."""


def names_of(documents: Iterable[Document]) -> Names:
    """Return the slugs and folded names of dossiers that were read; a file that is no dossier has none."""
    names: dict[str, list[Path]] = {}
    for document in documents:
        for name in names_in(document.content):
            names.setdefault(name, []).append(document.path)
    return names


def names_in(content: Mapping[str, Text]) -> set[str]:
    """Return the slug, marked, and the folded names in a file; nothing where it is no dossier."""
    name, aliases, slug = content.get("name"), content.get("aliases"), content.get("slug")
    if not isinstance(name, str):
        return set()
    others = [alias for alias in aliases if isinstance(alias, str)] if isinstance(aliases, list) else []
    own = slug if isinstance(slug, str) else slug_of(name)
    return {f"#{own}", *(folded(each) for each in (name, *others))}
