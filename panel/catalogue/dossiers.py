"""Dossiers: the files of a catalogue, and the names that its tools take."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from glob import has_magic
from pathlib import Path

from panel.errors import InputError, ToolError
from panel.files import is_file, is_folder
from panel.names import Names, names_in
from panel.settings import FILE, Settings, find
from panel.shelf import ENDINGS
from panel.tool import Tool, read_dossier, tool_of


@dataclass(frozen=True)
class Catalogue:
    """Dossiers that are reviewed in one run. Of each no more than its path and its names is kept."""

    paths: Sequence[Path]
    """The dossiers that can be read, each once, in the order they were named."""

    taken: Names
    """Who has which name, those beside them included."""

    faults: Mapping[Path, str]
    """What is wrong with files that can't be read."""

    @property
    def home(self) -> Path:
        """The folder by which their project is found; raises ToolError, naming every fault, where there is none."""
        if not self.paths:
            raise ToolError("\n".join(self.faults.values()))
        return self.paths[0].parent

    def read(self, path: Path, personas: Collection[str]) -> Tool:
        """Return the tool of one dossier; raises ToolError where it is not as it must be."""
        return tool_of(read_dossier(path), personas, self.taken)


@dataclass(frozen=True)
class Tools:
    """The tools of a catalogue, read one at a time, as often as they are gone through."""

    catalogue: Catalogue
    personas: Collection[str]
    """The ids that a dossier may name."""

    faults: dict[Path, str] = field(default_factory=dict)
    """What is wrong with those that are left out."""

    def __iter__(self) -> Iterator[Tool]:
        for path in self.catalogue.paths:
            try:
                yield self.catalogue.read(path, self.personas)
            except ToolError as error:
                self.faults[path] = str(error)


def catalogue(places: Sequence[str]) -> Catalogue:
    """Return the dossiers in folders, files and patterns; a place that holds none is among the faults.

    Raises InputError where they belong to several projects.
    """
    faults: dict[Path, str] = {}
    named = list(_each_once(_named(places, faults)))
    folders = list(dict.fromkeys(path.parent for path in named))
    _refuse_strangers(folders)
    beside = [path for folder in folders for path in _in_folder(folder)]
    taken: dict[str, list[Path]] = {}
    for path in _each_once([*named, *beside]):
        try:
            names = names_in(read_dossier(path).content)
        except ToolError as error:
            faults[path] = str(error)
        else:
            for name in names:
                taken.setdefault(name, []).append(path)
    unwanted = frozenset(beside) - frozenset(named)
    return Catalogue(
        [path for path in named if path not in faults],
        taken,
        {path: fault for path, fault in faults.items() if path not in unwanted},
    )


def is_several(place: str) -> bool:
    """Return whether a place is a folder or a pattern, and no file of its own."""
    return not is_file(Path(place)) and (is_folder(Path(place)) or has_magic(place))


def _named(places: Sequence[str], faults: dict[Path, str]) -> Iterator[Path]:
    for place in places:
        try:
            yield from dossiers_at(place)
        except ToolError as error:
            faults[Path(place)] = str(error)


def _each_once(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the paths, each file under the first of the names that it was given."""
    seen: set[str] = set()
    for path in paths:
        if (real := os.path.realpath(path)) not in seen:
            seen.add(real)
            yield path


def dossiers_at(place: str) -> Sequence[Path]:
    """Return the dossiers in a folder, in a file, or that a pattern names; raises ToolError where there are none."""
    path = Path(place)
    if is_file(path):
        return [path]
    found = _of_folder(path) if is_folder(path) else list(_by_pattern(place))
    if not found:
        raise ToolError.at(
            place, None, "", f"there is no dossier here; name files that end with {' or '.join(ENDINGS)}"
        )
    return found


def _of_folder(folder: Path) -> Sequence[Path]:
    """Return the dossiers in a folder, or where its panel.toml says that they are."""
    named = Settings.load(folder, {}).tools if is_file(folder / FILE) else ()
    elsewhere = [path for each in named if is_folder(each) for path in _in_folder(each)]
    return elsewhere or list(_in_folder(folder))


def _in_folder(folder: Path) -> Iterator[Path]:
    try:
        found = sorted(folder.iterdir())
    except OSError as error:
        raise ToolError.at(folder, None, "", f"can't be looked into: {error.strerror}") from error
    return (path for path in found if _is_dossier(path))


def _by_pattern(pattern: str) -> Iterator[Path]:
    anchor = Path(pattern).anchor
    try:
        found = sorted(Path(anchor).glob(pattern.removeprefix(anchor)))
    except (ValueError, OSError) as error:
        raise ToolError.at(pattern, None, "", f"is no pattern ({error})") from error
    return (path for path in found if _is_dossier(path))


def _is_dossier(path: Path) -> bool:
    return path.suffix in ENDINGS and not path.name.startswith(".") and is_file(path)


def _refuse_strangers(folders: Sequence[Path]) -> None:
    """Raise InputError where two folders belong to two projects: each has a panel of its own."""
    projects = {_project(folder): folder for folder in reversed(folders)}
    if len(projects) > 1:
        *_, other, one = projects.values()
        told = "by their panel.toml or personas; review them one after another"
        raise InputError(f"{one} and {other} belong to two projects, {told}")


def _project(folder: Path) -> Path | None:
    """Return what tells the project of a folder: a panel.toml, or personas of its own; None: the working folder."""
    return find(folder) or find(Path.cwd()) or (folder.resolve() if is_folder(folder / "personas") else None)
