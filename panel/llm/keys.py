"""Keys: taking the secrets of the environment out of whatever is written or shown, however they are spelt."""

from __future__ import annotations

import html
import json
import logging
import os
import re
import traceback
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from urllib.parse import parse_qsl, unquote, urlsplit

from panel.provider import FIXED, LOCAL
from panel.text import clean, writable

_SECRET_NAME = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD)$|^PANEL_KEY_")
_ADDRESS_NAME = "DATABASE_URL"
"""How variables end that hold the address of a database, a password in it."""

_SECRET_SHAPE = re.compile(r"\b(?:sk|pk|key)-[A-Za-z0-9_\-*]{6,}|(?i:bearer)\s+\S+")
_SCHEME = re.compile(r"(?:bearer|basic|token)\s+", re.IGNORECASE)
_SHORTEST = 6
"""A shorter value is no secret that could be told from a word."""

_PLACEHOLDERS = {*FIXED, *LOCAL}
"""What people set where a server wants some key and any will do: its own name."""


def scrubbed(text: str) -> str:
    """Return `text` without anything that looks like a key or is a secret of the environment, and printable."""
    return _spotless(clean(_spotless(text)).text)  # what is taken out as hidden may have stood within a key


def without_secrets(text: str) -> str:
    """Return `text` without the secrets of the environment, however they are spelt; the rest stays as it is."""
    secrets = tuple(sorted(set(_secrets()), key=len, reverse=True))
    return writable(_any_of(secrets).sub("[key]", text) if secrets else text)


def scrub_logs() -> None:
    """Let nothing through to the logs that could hold a key: SDKs log what a provider echoes, and what they raise."""
    for each in (*logging.root.handlers, logging.lastResort):
        if each:
            scrub_log(each)


def scrub_log(handler: logging.Handler) -> None:
    """Let nothing through to one log that could hold a key."""
    handler.addFilter(_FILTER)


class _Filter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        """Take the keys out of what is logged, and let it pass."""
        record.msg, record.args = _spotless(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = _spotless("".join(traceback.format_exception(*record.exc_info)).rstrip())
        return True


_FILTER = _Filter()


def _spotless(text: str) -> str:
    return _SECRET_SHAPE.sub("[key]", without_secrets(text))


def _secrets() -> Iterator[str]:
    for name in os.environ:  # to look at values costs more than to look at names
        if name.endswith("_HEADERS"):
            told = [line.partition(":")[2].strip() for line in os.environ[name].split("\n")]
            values = [*told, *(_SCHEME.sub("", each, count=1) for each in told)]
        elif name.endswith(_ADDRESS_NAME):
            values = [*_passwords(os.environ[name])]
        elif _SECRET_NAME.search(name):
            values = [os.environ[name]]
        else:
            continue
        yield from (kept for each in values if len(kept := each.strip()) >= _SHORTEST and kept not in _PLACEHOLDERS)


def _passwords(address: str) -> Iterator[str]:
    """Yield the passwords in the address of a database, as they stand there and as they are meant."""
    with suppress(ValueError):
        parts = urlsplit(address)
        inner = [value for key, value in parse_qsl(parts.query) if "password" in key.lower()]
        for each in (*inner, parts.password or ""):
            yield from (each, unquote(each))


@lru_cache(maxsize=4)
def _any_of(secrets: tuple[str, ...]) -> re.Pattern[str]:
    forms = [form for secret in secrets for form in ("".join(map(_spelt, secret)), *_in_base64(secret))]
    return re.compile("|".join(forms))


def _spelt(char: str) -> str:
    """Return a pattern for the ways in which JSON, a literal, an address or a page spells a character."""
    # Runs are bounded: what a server sends must not keep the search busy.
    code, octets = ord(char), char.encode("utf-8", "surrogateescape")
    plain = re.escape(char) if char.isalnum() else rf"\\{{0,16}}{re.escape(char)}"
    escaped = {json.dumps(char)[2:-1], repr(char)[2:-1], f"x{code:02x}"} - {""}
    spellings = [
        plain,
        rf"\\{{1,16}}(?i:{'|'.join(map(re.escape, sorted(escaped | {f'u{code:04x}'})))})",
        f"(?i:{''.join(f'%{octet:02x}' for octet in octets)})",
        f"&#0{{0,4}}{code};",
        f"(?i:&#x0{{0,4}}{code:x};)",
        re.escape(html.escape(char)),
    ]
    return f"(?:{'|'.join(dict.fromkeys([*spellings, *([re.escape('+')] if char == ' ' else [])]))})"


def _in_base64(secret: str) -> Iterator[str]:
    """Yield the characters that a secret leaves in base64 wherever it begins, those it shares with others left out."""
    raw = secret.encode("utf-8", "surrogateescape")
    for before in range(3):
        shared = -(before + len(raw)) % 3
        coded = b64encode(bytes(before) + raw).decode()[(0, 2, 3)[before] : -shared - 1 if shared else None]
        yield re.escape(coded).replace(r"\+", "[+-]").replace("/", "[/_]")
