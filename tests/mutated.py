"""Mutated: strategies that spoil sound files, byte by byte and value by value, and what must hold of any outcome."""

from __future__ import annotations

import copy
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

NASTY = (
    "\x00", "\x1b[2J", "\r", "\r\n", "\x85", "\u2028", "\ufeff", "\u202e", "\u200b", "\ue000", "\U0001f600", "e\u0301",
    "---\n", "...\n", "&a ", "*a", "!!python/object:os.system ", "<<: *a\n", "%YAML 1.1\n", "? ", "- ", ": ", "{", "[",
    "}", "]", "|\n", ">\n", "#", "'", '"', "\\", '"\\ud800"', "\t", "\n", "~", "null", "true", "NaN", "1e999999999",
    "9" * 5_000, "0x" + "f" * 5_000, "<think>", "</think>", "```", "<!--", "-->", "../", "%", "{{ 1 }}",
    "{% for x in y %}",
)  # fmt: skip
"""Pieces of text that mean something to some reader."""

FEWER = settings(max_examples=settings().max_examples // 2)
"""For what takes long; the profile `fuzz` (pytest --hypothesis-profile=fuzz) tries many more of everything."""

TEXTS = st.text(max_size=20) | st.sampled_from(NASTY) | st.sampled_from(["", "\ud800", "\udcff\x1b", "x" * 10_000])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 200)
    | st.sampled_from([10**4_200, -(10**30), 10**18, 1e308, 0.5, "8/3", "1/0", "1e999999999"])
    | TEXTS
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3))


@st.composite
def spoilt(draw: st.DrawFn, sound: bytes) -> bytes:
    """Return `sound` with up to four slices of it replaced, removed, repeated or pushed apart."""
    content = sound
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 40)))
        piece = draw(st.sampled_from(NASTY).map(str.encode) | st.binary(max_size=6))
        what = draw(st.sampled_from(["replaced", "removed", "repeated"]))
        middle = {"replaced": piece, "removed": b"", "repeated": content[start:end] * 3}[what]
        content = content[:start] + middle + content[end:]
    return content


@st.composite
def changed(draw: st.DrawFn, sound: Any) -> Any:
    """Return plain data with up to three of its values swapped, removed, nested, doubled or under another key."""
    data = copy.deepcopy(sound)
    for _ in range(draw(st.integers(1, 3))):
        holders = list(_holders(data))
        if not holders:
            break
        inside = draw(st.sampled_from(holders))
        key = draw(st.sampled_from(sorted(inside) if isinstance(inside, dict) else range(len(inside))))
        what = draw(st.sampled_from(["swapped", "swapped", "removed", "nested", "doubled", "renamed"]))
        _change(inside, key, what, draw(VALUES), draw(TEXTS))
    return data


def _holders(data: Any) -> Iterator[Any]:
    """Yield every mapping and list in plain data that holds something."""
    if isinstance(data, dict | list) and data:
        yield data
        for inner in data.values() if isinstance(data, dict) else data:
            yield from _holders(inner)


def _change(inside: Any, key: Any, what: str, value: Any, name: str) -> None:
    match what:
        case "swapped":
            inside[key] = value
        case "removed":
            del inside[key]
        case "nested":
            inside[key] = {name: [inside[key]]}
        case "doubled" if isinstance(inside, list):
            inside.append(copy.deepcopy(inside[key]))
        case _ if isinstance(inside, dict):
            inside[name] = inside.pop(key) if what == "renamed" else copy.deepcopy(inside[key])


class Late(BaseException):
    """Something took too long; no code under test catches this, as pydantic does an AssertionError."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fail where what is inside takes longer: a hang must not hang the tests."""

    def late(signal: int, frame: FrameType | None) -> None:
        message = f"took more than {seconds} seconds"
        raise Late(message)

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def fault(read: Callable[[], object], kind: type[Exception]) -> str:
    """Return the message with which `read` refuses, "" where it has a value; any other error, and a hang, gets out."""
    with within(10):
        try:
            read()
        except kind as error:
            return str(error)
    return ""


def is_told_well(message: str, place: str) -> bool:
    """Return whether each line of a message begins with `place`, is short, and can't steer a terminal."""
    return all(line.startswith(place) and line.isprintable() and len(line) < 2_000 for line in message.split("\n"))
