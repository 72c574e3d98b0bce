"""Documents that people write: strict YAML in which every value knows its line.

Read through libyaml's events, in one pass and without recursion. Every scalar stays text
(`version: 3.0` is "3.0", `name: no` is "no"); the schema decides what is a number or a date.
Anchors, aliases, tags, several documents and duplicate keys are refused.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from panel.errors import InputError, on_one_line
from panel.files import read_bytes
from panel.text import clean

Text: TypeAlias = "dict[str, Text] | list[Text] | str | None"
"""What a document holds: mappings, lists, texts and nothing."""

Place = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)

LARGEST_FILE = 1_000_000
DEEPEST = 12
MOST_VALUES = 5_000
MOST_FAULTS = 20
_NULLS = {"", "~", "null", "Null", "NULL"}
_MISSING = "is missing"


@dataclass(frozen=True)
class Document:
    """The content of one file, cleaned; the line of every place in it; what cleaning took out, by kind."""

    path: Path
    content: Mapping[str, Text]
    lines: Mapping[Place, int]
    removed: Mapping[str, int]

    def line(self, place: Place) -> int | None:
        """Return the line, from 1, of the nearest place that is in the file; None where nothing is known."""
        while place not in self.lines and place:
            place = place[:-1]
        return self.lines.get(place)


def read_text(path: Path, error: type[InputError], largest: int = LARGEST_FILE) -> str:
    """Return the text of a file that people write; raises `error` where it can't be read, is too large or not UTF-8."""
    raw = read_bytes(path, largest, error)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as reason:
        line = raw[: reason.start].count(b"\n") + 1
        raise error.at(path, line, "", "is not UTF-8; save it as UTF-8") from reason


def read_document(text: str, path: Path, error: type[InputError], first_line: int = 1) -> Document:
    """Return the YAML mapping in `text`; `first_line` is where in the file it begins.

    Raises `error`, with file and line, for anything that is not one plain mapping.
    """
    builder = _Builder(path, error, first_line - 1)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            builder.take(event)
    except yaml.MarkedYAMLError as reason:
        line = reason.problem_mark.line + first_line if reason.problem_mark else None
        raise error.at(path, line, "", f"is not YAML: {reason.problem}") from reason
    except yaml.reader.ReaderError as reason:
        line = text.encode()[: reason.position].count(b"\n") + first_line
        raise error.at(path, line, "", f"is not YAML: {reason.reason}") from reason
    except yaml.YAMLError as reason:
        raise error.at(path, None, "", f"is not YAML: {str(reason).splitlines()[0]}") from reason
    if not isinstance(builder.root, dict):
        raise error.at(path, first_line, "", "must be a mapping of keys to values")
    return Document(path, builder.root, builder.lines, dict(sorted(builder.removed.items())))


@dataclass
class _Open:
    """A mapping or list that is being filled."""

    place: Place
    value: dict[str, Text] | list[Text]
    key: str | None = None


@dataclass
class _Builder:
    """Makes values out of YAML events."""

    path: Path
    error: type[InputError]
    offset: int
    root: Text = None
    lines: dict[Place, int] = field(default_factory=dict)
    stack: list[_Open] = field(default_factory=list)
    removed: Counter[str] = field(default_factory=Counter)
    documents: int = 0

    def take(self, event: yaml.Event) -> None:
        line = self.offset + (event.start_mark.line + 1 if event.start_mark else 0)
        self._refuse_cleverness(event, line)
        match event:
            case yaml.MappingStartEvent():
                self._open({}, line)
            case yaml.SequenceStartEvent():
                self._open([], line)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self.stack.pop()
            case yaml.ScalarEvent():
                self._scalar(event, line)

    def _refuse_cleverness(self, event: yaml.Event, line: int) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
        problem = None
        if self.documents > 1:
            problem = "holds more than one document; remove what follows the second ---"
        elif isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            problem = "anchors and aliases are not read; write the value out"
        elif tag := getattr(event, "tag", None):
            problem = f"tag {shown(tag)} is not read; remove it"
        elif len(self.stack) > DEEPEST:
            problem = f"is nested deeper than {DEEPEST} levels"
        elif len(self.lines) > MOST_VALUES:
            problem = f"holds more than {MOST_VALUES:,} values; shorten it"
        if problem:
            raise self.error.at(self.path, line, "", problem)

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        inside = self.stack[-1] if self.stack else None
        if inside and isinstance(inside.value, dict) and inside.key is None:
            self._key(inside, event.value, line)
        else:
            self._put(None if event.implicit[0] and event.value in _NULLS else self._cleaned(event.value), line)

    def _cleaned(self, raw: str) -> str:
        result = clean(raw)
        self.removed.update(result.removed)
        return result.text

    def _key(self, inside: _Open, key: str, line: int) -> None:
        assert isinstance(inside.value, dict)
        if key in inside.value:
            first = self.lines[*inside.place, key]
            raise self.error.at(self.path, line, dotted((*inside.place, key)), f"stands twice (first on line {first})")
        inside.key = key
        self.lines[*inside.place, key] = line

    def _open(self, value: dict[str, Text] | list[Text], line: int) -> None:
        inside = self.stack[-1] if self.stack else None
        if inside and isinstance(inside.value, dict) and inside.key is None:
            raise self.error.at(self.path, line, "", "a key must be plain text; put it in quotes")
        self.stack.append(_Open(self._put(value, line), value))

    def _put(self, value: Text, line: int) -> Place:
        if not self.stack:
            self.root = value
            self.lines[()] = line
            return ()
        inside = self.stack[-1]
        if isinstance(inside.value, list):
            place: Place = (*inside.place, len(inside.value))
            inside.value.append(value)
            self.lines[place] = line
            return place
        assert inside.key is not None
        place, inside.key = (*inside.place, inside.key), None
        inside.value[str(place[-1])] = value
        return place


def fit(document: Document, model: type[Model], error: type[InputError], **more: object) -> Model:
    """Return the document as a `model`; `more` are fields that stand elsewhere than in the document.

    Raises `error` with every fault, one a line: file, line, key, what is wrong, the nearest valid key.
    """
    keys = _Keys(model, frozenset(more))
    for key in set(more) & set(document.content):
        raise error.at(document.path, document.line((key,)), key, f"unknown key{nearest(key, keys.valid(()))}")
    try:
        return model.model_validate({**document.content, **more})
    except ValidationError as reason:
        details = reason.errors(include_url=False)
        told = dict.fromkeys(_fault(document, keys, each, error) for each in details[:MOST_FAULTS])
        rest = [f"{document.path}: and {len(details) - MOST_FAULTS} more"] if len(details) > MOST_FAULTS else []
        raise error("\n".join([*told, *rest])) from reason


def _fault(document: Document, keys: _Keys, details: ErrorDetails, error: type[InputError]) -> str:
    place = tuple(details["loc"])
    problem = explain(details)
    if details["type"] == "extra_forbidden":
        problem = f"unknown key{nearest(str(place[-1]), keys.valid(place[:-1]))}"
    line = document.line(place[:-1] if problem == _MISSING else place)
    return str(error.at(document.path, line, dotted(place), problem))


def explain(details: ErrorDetails) -> str:
    """Return what is wrong with a value, in words for the person who wrote it."""
    if details["type"] == "missing":
        return _MISSING
    if details["type"] == "string_type" and details["input"] is None:
        return "is empty; write a value or remove the key"
    if details["type"] == "string_pattern_mismatch" and "https?" in details["ctx"]["pattern"]:
        return f"write an address such as https://example.org/page, not {shown(details['input'])}"
    message = details["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return f"{message}, not {shown(details['input'])}" if message.startswith("should be") else message


def shown(value: object) -> str:
    """Return a value as an error message quotes it: short and printable."""
    try:
        text = on_one_line(str(value))
    except ValueError:  # Python writes out no number of more than 4300 digits
        text = "a number of thousands of digits"
    return f"'{text[:60]}…'" if len(text) > 60 else f"'{text}'"


def dotted(place: Iterable[str | int]) -> str:
    """Return a place as people write it: `sources[2].kind`."""
    text = ""
    for step in place:
        text += f"[{step + 1}]" if isinstance(step, int) else f".{step}"
    return on_one_line(text.removeprefix("."))[:120]


def nearest(key: str, valid: Iterable[str], otherwise: str = "valid keys:") -> str:
    """Return a hint that names the valid key most like `key`, or all of them where none is like it."""
    keys = list(valid)
    close = difflib.get_close_matches(key[:60], keys, n=1)
    return f"; did you mean {close[0]}?" if close else f"; {otherwise} {', '.join(keys)}"


@dataclass(frozen=True)
class _Keys:
    """Which keys a document may have, and where."""

    model: type[BaseModel]
    elsewhere: frozenset[str]
    """Fields that are not written in the document."""

    def valid(self, place: Place) -> list[str]:
        """Return the keys of the mapping at `place`."""
        inner = self.model
        for step in place:
            inner = (_model_under(inner, step) if isinstance(step, str) else None) or inner
        names = [info.alias or name for name, info in inner.model_fields.items()]
        return [name for name in names if name not in self.elsewhere]


def _model_under(model: type[BaseModel], key: str) -> type[BaseModel] | None:
    info = next((info for name, info in model.model_fields.items() if key in (name, info.alias)), None)
    candidates = [info.annotation, *getattr(info.annotation, "__args__", ())] if info else []
    return next((kind for kind in candidates if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
