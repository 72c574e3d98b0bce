"""The shelf: every dossier of a project, each file read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from panel.document import MOST_FAULTS, nearest, shown
from panel.errors import ToolError
from panel.names import SLUG, names_of
from panel.project import Project
from panel.tool import Tool, read_dossier, read_tool, tool_of

ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True)
class Shelved:
    """A tool with the file that its dossier is in."""

    path: Path
    tool: Tool


def shelf(project: Project) -> list[Shelved]:
    """Return every tool of a project, by the paths of their dossiers.

    Raises ToolError with every fault of every dossier, and where there is none at all.
    """
    paths = dossiers(project)
    if not paths:
        where = " or ".join(map(str, project.settings.tools))
        raise ToolError(f"{where}: there are no dossiers here; name their folders as `tools` in panel.toml")
    documents = [read_dossier(path) for path in paths]
    taken, tools, faults = names_of(documents), [], []
    for document in documents:
        try:
            tools.append(Shelved(document.path, tool_of(document, project.persona_ids, taken)))
        except ToolError as error:
            faults.append(str(error))
    if faults:
        more = [f"and {len(faults) - MOST_FAULTS} more dossiers"] if len(faults) > MOST_FAULTS else []
        raise ToolError("\n".join([*faults[:MOST_FAULTS], *more]))
    return tools


def dossiers(project: Project) -> list[Path]:
    """Return the files that are dossiers of a project."""
    return sorted({path for folder in project.settings.tools for path in folder.glob("*") if _is_dossier(path)})


def named(project: Project, names: Sequence[str]) -> list[Shelved]:
    """Return the tools that people name, by the path of the dossier or by slug; the whole shelf where none is named."""
    if not names:
        return shelf(project)
    paths = {name: Path(name) for name in names if Path(name).suffix in ENDINGS}
    by_slug = {one.tool.slug: one for one in shelf(project)} if len(paths) < len(names) else {}
    return [_by_path(project, paths[name]) if name in paths else _by_slug(by_slug, name) for name in names]


def _by_path(project: Project, path: Path) -> Shelved:
    return Shelved(path, read_tool(path, project.persona_ids))


def _by_slug(tools: Mapping[str, Shelved], slug: str) -> Shelved:
    if slug not in tools:
        near = nearest(slug, tools, "there are") if SLUG.fullmatch(slug) else ""
        raise ToolError(f"{shown(slug)}: no dossier has this slug{near}")
    return tools[slug]


def _is_dossier(path: Path) -> bool:
    return path.suffix in ENDINGS and not path.name.startswith(".") and path.is_file()
