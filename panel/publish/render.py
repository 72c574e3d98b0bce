"""Render: templates and records become HTML in one request: style inline, a strict policy, and nothing can run."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path

import nh3
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from panel.decision import ENTRIES
from panel.files import Json, canonical
from panel.markdown import a_kind, rating, sentence

FOLDER = Path(__file__).parent / "templates"
PACKAGE = Path(__file__).parent.parent
LARGEST_PAGE = 60_000
"""Bytes of a comparison page or a tool page, style and all."""

MONTHS = "January February March April May June July August September October November December"

_UNSEEN = re.compile(
    "[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)
"""What no page, no picture and no feed may hold: control characters, and those that turn the direction of text."""

_INLINE = MarkdownIt("zero").enable(["emphasis", "backticks", "escape"])
_BETWEEN_BLOCKS = re.compile(
    r"(?<=>)\n(?=</?(?:article|blockquote|body|d[dlt]|details|div|footer|h[1-6]|head|header|li|link|main|meta|nav|ol|p"
    r"|section|summary|t[dhr]|table|tbody|thead|title|ul)\b)"
)
_WIDE = dict.fromkeys("&<>\"'", 5) | dict.fromkeys("*_`\N{NO-BREAK SPACE}", 7)
"""Bytes of characters that are spelt out, or may become markup, on a page."""

_WIDEST = 7

_ALLOWED = {"em", "strong", "code"}


def prose(text: str) -> Markup:
    """Return a critic's words as HTML: emphasis and code of inline Markdown, and nothing else."""
    return Markup(nh3.clean(_INLINE.renderInline(text), tags=_ALLOWED, attributes={}))  # noqa: S704 - cleaned here


def day(at: str | date | None) -> str:
    """Return a day as people read it: `21 November 2026`; what is no date comes back as it is."""
    found = re.fullmatch(r"(\d{4})-(\d{2})-(\d{2}).*", str(at or ""))
    if not found or not 1 <= int(found[2]) <= 12:
        return str(at or "")
    return f"{int(found[3])} {MONTHS.split()[int(found[2]) - 1]} {found[1]}"


def clip(text: str, most: int) -> str:
    """Return a text of at most so many characters, and twice as many bytes on a page, cut between words."""
    if len(text) <= most and len(text.encode("utf-8", "replace")) + _WIDEST * sum(map(text.count, _WIDE)) <= 2 * most:
        return text
    end, left = 0, 2 * most
    for char in text[:most]:
        left -= _WIDE.get(char) or len(char.encode("utf-8", "replace"))
        if left < 0:
            break
        end += 1
    cut = text[:end].rstrip()
    return text if end == len(text) else f"{cut.rpartition(' ')[0] or cut} …"


def initials(name: str) -> str:
    """Return two letters that stand for a name: its first two capitals, else its first two letters."""
    words = re.findall(r"[^\W_]+", name)
    letters = [char for char in name if char.isupper()]
    if len(letters) < 2 and len(words) > 1:
        letters = [word[0] for word in words]
    return "".join(letters[:2] if len(letters) > 1 else [*"".join(words)][:2]).upper() or "?"


def marks(one: str, other: str) -> tuple[str, str]:
    """Return letters that stand for two names; where two would be the same, the second is where the names part."""
    first, second = initials(one), initials(other)
    if first != second:
        return first, second
    names = ["".join(re.findall(r"[^\W_]+", name)).upper() or "?" for name in (one, other)]
    shared = next(
        (place for place, pair in enumerate(zip(*names, strict=False)) if len({*pair}) > 1), min(map(len, names))
    )
    if not shared:
        return names[0][:2], names[1][:2]
    return names[0][0] + names[0][shared : shared + 1], names[1][0] + names[1][shared : shared + 1]


def as_script(data: Json) -> Markup:
    """Return data as JSON that can't end the script element that it stands in."""
    text = canonical(data).decode()
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup(text)  # noqa: S704 - no character of markup is left


def policy(*, asks_site: bool) -> str:
    """Return the content security policy of a page; `asks_site` is true where its script loads the search file."""
    parts = {
        "default-src": "'none'",
        "style-src": _hashed(_asset("style.css")),
        "script-src": _hashed(_asset("site.js")),
        "img-src": "'self' data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    parts |= {"connect-src": "'self'"} if asks_site else {}
    return "; ".join(f"{key} {value}" for key, value in parts.items())


def _hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _asset(name: str) -> str:
    """Return the style or the script, without indentation, empty lines and comments."""
    text = re.sub(r"/\*.*?\*/", "", (FOLDER / name).read_text(encoding="utf-8"), flags=re.DOTALL)
    lines = "\n".join(line.strip() for line in text.splitlines() if line.strip())
    return re.sub(r"\s*([{};,])\s*|(:)\s+", r"\1\2", lines) if name.endswith(".css") else lines


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
    )
    environment.filters |= {
        "a_kind": a_kind,
        "as_script": as_script,
        "clip": clip,
        "day": day,
        "last_of": lambda items, most: items[len(items) - most :] if most < len(items) else items,
        "prose": prose,
        "rating": rating,
        "sentence": sentence,
    }
    style, script = _asset("style.css"), _asset("site.js")
    environment.globals |= {"style": Markup(style), "script": Markup(script), "policy": policy, "entries": ENTRIES}  # noqa: S704
    return environment


@cache
def version() -> str:
    """Return a hash of Panel itself, code and templates: everything is made again where another one made it."""
    files = sorted(path for path in PACKAGE.rglob("*") if path.suffix in (".py", ".j2", ".css", ".js"))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


def html(template: str, context: Mapping[str, object]) -> str:
    """Return a page; lines that hold nothing are left out."""
    text = visible(_templates().get_template(template).render(**context))
    return _BETWEEN_BLOCKS.sub("", re.sub(r"\n\s*\n+", "\n", text)).strip() + "\n"


def svg(template: str, context: Mapping[str, object]) -> str:
    """Return a picture."""
    return visible(_templates().get_template(template).render(**context))


def visible(text: str) -> str:
    """Return a text without control characters, and without those that turn the direction of what follows."""
    return _UNSEEN.sub("", text)
