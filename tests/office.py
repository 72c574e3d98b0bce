"""Office: a project with one tool, the commands that an editor types in it, and a panel that says what a test wants."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import made
from typer.testing import CliRunner, Result

from panel.cli.app import app
from panel.files import read_json
from panel.project import Project
from panel.prompt import Prompts
from panel.request import Reply, Request

Said = Reply | str | Exception
HEADLINES = ("A plain check that keeps nothing", "A second look at the same wall", "A third look, and no further")
_REVIEWS: dict[object, tuple[dict[str, bytes], list[Request]]] = {}
"""What first reviews wrote and asked, by all files of the project."""

STEERING = "\x1b[2J\x9b31m\u202e\x07"
"""Characters by which a text could steer a terminal."""


PACKAGED, _read = made.prompts(), Prompts.read


def prompts_in(own: Path, packaged: Path) -> Prompts:
    """Return the prompts of a project; those of all that have none of their own are compiled once for all tests."""
    return _read(own, packaged) if own.is_dir() else PACKAGED


def steering(text: str) -> str:
    """Return the characters of what was printed that could steer a terminal."""
    return "".join(char for char in text if not char.isprintable() and char != "\n")


class Office:
    """A folder with a project of a few masons and the dossier of Plumb."""

    def __init__(self, folder: Path, personas: int = 3) -> None:
        self.folder = folder
        self.requests: list[Request] = []
        """Everything that was asked of the panel."""
        self.answers: dict[str, Said | Callable[[Request], Said]] = {}
        """What some personas say; all others ship, with another headline for each sample."""
        made.project(folder, personas=personas)
        self.path("panel.toml").write_text('model = "fake:panel"\ntools = ["."]\n')

    def answer(self, request: Request) -> Said:
        """Return what the persona that is asked says."""
        self.requests.append(request)
        sound = made.reply(headline=HEADLINES[min(request.sample, len(HEADLINES)) - 1])
        said = self.answers.get(request.label.persona, sound)
        return said(request) if callable(said) else said

    def type(self, *arguments: str, stdin: str | None = None) -> Result:
        """Return what a command prints and how it ends; an error that is not Panel's own is raised."""
        return CliRunner().invoke(app, list(arguments), input=stdin, catch_exceptions=False)

    def done(self, *arguments: str) -> str:
        """Return what a command prints that must end well."""
        ended = self.type(*arguments)
        assert 0 == ended.exit_code, ended.output
        return ended.stdout

    def refused(self, *arguments: str) -> str:
        """Return the one message of a command that must end in exit 2."""
        ended = self.type(*arguments)
        assert (2, False) == (ended.exit_code, "Traceback" in ended.output), ended.output
        return ended.stderr

    def shelve(self, slug: str, text: str = made.DOSSIER) -> None:
        """Put the dossier of one more tool on the shelf: Plumb's, or another text that speaks of Plumb, renamed."""
        self.path(f"{slug}.yaml").write_text(text.replace("plumb", slug).replace("Plumb", slug.title()))

    def reviewed(self) -> Office:
        """Return the office after a first review, which is run once for all tests that begin alike."""
        files = {str(path.relative_to(self.folder)): path for path in self.folder.rglob("*") if path.is_file()}
        key = tuple((name, path.read_bytes()) for name, path in sorted(files.items()))
        if self.answers or key not in _REVIEWS:
            first = len(self.requests)
            self.done("review", "plumb.yaml")
            if not self.answers:
                _REVIEWS[key] = (self.tree(), self.requests[first:])
            return self
        written, requests = _REVIEWS[key]
        for name, content in written.items():
            self.path(name).parent.mkdir(parents=True, exist_ok=True)
            self.path(name).write_bytes(content)
        self.requests += requests
        return self

    def asked(self) -> list[str]:
        """Return the personas that were asked since this was last looked at."""
        names = [request.label.persona for request in self.requests]
        self.requests.clear()
        return names

    def path(self, name: str) -> Path:
        """Return a file of the project."""
        return self.folder / name

    def kept(self, name: str) -> Path:
        """Return a file that is kept about Plumb."""
        return self.folder / "runs" / "plumb" / name

    def change(self, name: str, old: str, new: str) -> None:
        """Change one thing in a file of the project."""
        text = self.path(name).read_text()
        assert old in text
        self.path(name).write_text(text.replace(old, new, 1))

    def leave(self, name: str, text: str) -> None:
        """Put a file of somebody else's making among those about Plumb."""
        self.kept(name).parent.mkdir(parents=True, exist_ok=True)
        self.kept(name).write_text(text)

    def spoil(self, name: str, change: Callable[[Any], object]) -> None:
        """Change the JSON in a file about Plumb as a stranger would."""
        data = read_json(self.kept(name))
        change(data)
        self.kept(name).write_text(json.dumps(data))

    def data(self, name: str = "review.json") -> Any:
        """Return the JSON in a file about Plumb."""
        return read_json(self.kept(name))

    def seat(self, persona: str) -> Any:
        """Return a seat of the record."""
        return next(seat for seat in self.data()["seats"] if seat["persona"] == persona)

    def seats(self) -> dict[str, str]:
        """Return the seats of the record as they are written, by persona."""
        return {seat["persona"]: json.dumps(seat) for seat in self.data()["seats"]}

    def stale(self) -> dict[str, str]:
        """Return why seats are stale, by persona."""
        [tool] = json.loads(self.done("status", "--json"))
        return {seat["persona"]: seat["why"] for seat in tool["seats"] if seat["stale"]}

    def events(self) -> list[Any]:
        """Return the lines of the log."""
        return [json.loads(line) for line in self.kept("log.jsonl").read_text().splitlines()]

    def disclosed(self) -> dict[str, list[str]]:
        """Return the personas that each disclosure of the record is about."""
        return {each["kind"]: each["personas"] for each in self.data()["verdict"]["disclosures"]}

    def tree(self, *without: str) -> dict[str, bytes]:
        """Return every file that Panel keeps with its bytes, but for those of some names."""
        files = [path for path in (self.folder / "runs").rglob("*") if path.is_file() and path.name not in without]
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in files}

    def project(self) -> Project:
        """Return the project."""
        return Project.open(self.folder, {})
