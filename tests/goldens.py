"""Goldens: projects with golden records, for tests to change: copies of the examples, and small ones of their own."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import made
from conftest import EXAMPLES
from hypothesis import strategies as st
from test_cli import run
from vendor import CHAT

from panel.files import digest_of, readable
from panel.llm.ledger import Ledger
from panel.project import packaged

Data = dict[str, Any]
STAND_IN = "fake:ship"
FOUR = ("obsidian", "smartdiff", "smollm3", "typst")
"""Examples with five seats, one and four; two of them are compared."""

SETTINGS = f'model = "{STAND_IN}"\ntools = ["."]\ngolden = "golden"\nledgers = ["recordings"]\n'


def copied(folder: Path, *own: str, tools: Sequence[str] = ()) -> Path:
    """Return a copy of the examples; `own` are the packaged folders, personas or prompts, that it gets as its own.

    With `tools` it holds these, the comparisons between them, and what both rest on.
    """
    home = folder / "examples"
    for name, content in _examples(frozenset(tools)).items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(content)
    for name in own:
        shutil.copytree(packaged(name), home / name)
    return home


@cache
def _examples(tools: frozenset[str]) -> dict[str, bytes]:
    """Return the files of the examples."""
    pairs = {path.name: set(path.name.split("-vs-")) for path in (EXAMPLES / "golden" / "compare").iterdir()}
    kept = {"", *tools, *(pair for pair, both in pairs.items() if both <= tools)}
    return {name: text for name, text in files(EXAMPLES).items() if not tools or _about(name, text) in kept}


def _about(name: str, text: bytes) -> str:
    """Return the slug of the tool or of the comparison that a file of the examples is about; empty where of none."""
    match Path(name).parts:
        case ("golden", "compare", slug, *_) | ("golden", slug, *_):
            return slug
        case ("recordings", *_):
            return str(json.loads(text)["label"]["tool"])
        case _ if name.endswith(".yaml"):
            slug = re.search(rb"^slug: (\S+)", text, re.MULTILINE)
            return slug[1].decode() if slug else Path(name).stem
    return ""


def small(folder: Path, *others: str, personas: int = 3) -> Path:
    """Return a project of a few masons and the tool Plumb, and `others` like it, each with its golden record.

    A stand-in has answered: all of them ship.
    """
    for name, content in _recorded(others, personas).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@cache
def _recorded(others: Sequence[str], personas: int) -> dict[str, bytes]:
    """Return the files of such a project; what it is made of is recorded once."""
    with TemporaryDirectory() as home:
        folder = Path(home)
        made.project(folder, personas=personas)
        (folder / "panel.toml").write_text(SETTINGS)
        (folder / "recordings").mkdir()
        for name in others:
            (folder / f"{name.lower()}.yaml").write_text(dossier(name))
        done = run("record", home, "--yes")
        assert 0 == done.exit_code, done.output
        return files(folder)


def dossier(name: str) -> str:
    """Return a dossier like Plumb's of a tool with another name."""
    return made.DOSSIER.replace("Plumb", name).replace("slug: plumb", f"slug: {name.lower()}")


def served(home: Path, url: str) -> None:
    """Have the seats of a small project asked of a server on this machine, which needs no key."""
    (home / "panel.toml").write_text(f'{SETTINGS.replace(STAND_IN, CHAT.model)}[servers]\nlab = "{url}/v1"\n')


def golden(home: Path, slug: str) -> Path:
    """Return the file of a golden record."""
    return home / "golden" / slug / "review.json"


def seat_of(home: Path, slug: str, persona: str) -> Data:
    """Return a seat of a golden record as plain data."""
    seats: list[Data] = json.loads(golden(home, slug).read_bytes())["seats"]
    return next(seat for seat in seats if seat["persona"] == persona)


def recording(home: Path, slug: str, persona: str) -> Path:
    """Return the file of the first recording that a golden seat rests on."""
    return Ledger(home / "recordings").path(seat_of(home, slug, persona)["asks"][0]["request"])


def rewritten(path: Path, change: Callable[[Data], object]) -> None:
    """Change a file of JSON, and leave it as Panel would have written it."""
    data = json.loads(path.read_bytes())
    change(data)
    path.write_bytes(readable(data))


def resealed(path: Path, change: Callable[[Data], object]) -> None:
    """Change the answer in a recording and make its digest fit, as somebody would who wants it to pass."""

    def seal(data: Data) -> None:
        answer = json.loads("\n".join(data["reply"]["text"]))
        change(answer)
        data["reply"]["text"] = json.dumps(answer, indent=1).split("\n")
        data["digest"] = digest_of({"request": data["request"], "reply": data["reply"]})

    rewritten(path, seal)


def voting(vote: str, **ratings: int) -> Callable[[Data], None]:
    """Return the change that gives an answer another vote and other ratings of these criteria."""

    def change(answer: Data) -> None:
        answer["vote"] = vote
        for rating in answer["ratings"]:
            rating["rating"] = ratings.get(rating["criterion"], rating["rating"])

    return change


@dataclass(frozen=True)
class Verified:
    """What `panel verify` says and how it ends."""

    code: int
    text: str

    @property
    def meanings(self) -> list[str]:
        """The lines before the first empty one; none where nothing differs."""
        return self.text.split("\n\n")[0].splitlines() if self.code else []

    @property
    def changes(self) -> list[str]:
        """The lines that went or came, without the spaces around them."""
        return [line.strip() for line in self.text.splitlines() if line.strip().startswith(("+ ", "- "))]

    @property
    def counts(self) -> str:
        """The line that counts what was replayed and what differs."""
        return next(line for line in self.text.splitlines() if re.match(r"\d+ tools?, ", line))


def verified(home: Path, *options: str) -> Verified:
    """Return what `panel verify` says of a project."""
    done = run("verify", str(home), *options)
    return Verified(done.exit_code, done.stdout)


def files(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder by its path in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@st.composite
def altered(draw: st.DrawFn, sound: Any) -> Any:
    """Return plain data in which one value is another of its kind, or one entry of a list is gone, doubled or moved."""
    data = json.loads(json.dumps(sound))
    inside, key = draw(st.sampled_from(list(_places(data))))
    value = inside[key]
    if isinstance(value, list) and value:
        number = draw(st.integers(0, len(value) - 1))
        moved = value.pop(number)
        value[:] = draw(st.sampled_from([value, [*value, moved, moved], [moved, *value], [*value, moved]]))
    else:
        inside[key] = draw(st.sampled_from(_others(value)))
    return data


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every value in plain data that is no mapping, with what it is in."""
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        if not isinstance(value, dict):
            yield data, key
        if isinstance(value, dict | list):
            yield from _places(value)


def _others(value: Any) -> list[Any]:
    match value:
        case bool():
            return [not value]
        case int() | float():
            return [value + 1, 0]
        case str():
            return [f"{value}.", value[1:], "2/3"]
        case _:
            return ["another", 1, None]
