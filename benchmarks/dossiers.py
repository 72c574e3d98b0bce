"""Dossiers: a catalogue of any size, made from the examples under other names; and its prompts as plain text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import yaml
from caching import CHARACTERS

from panel.project import Project, packaged
from panel.prompt import Prompts, Question
from panel.tool import Tool, read_dossier, tool_of

ROOT = Path(__file__).parent.parent
TEMPLATES = ("blender", "devin", "duckdb", "excalidraw", "obsidian", "rabbit-r1", "suno", "typst", "uv")
"""Examples to which all five critics are invited, by makers of no model."""

NAME, SLUG = "Name-of-this-tool", "slug-of-this-tool"


def write_catalogue(folder: Path, tools: int, tokens: int, toml: str = "") -> None:
    """Make a project with so many dossiers, each of about so many tokens as it is put to a critic; raises OSError."""
    (folder / "tools").mkdir(parents=True)
    (folder / "panel.toml").write_text(toml)
    prompts = Prompts.read(packaged("prompts"))
    models = [_template(folder, prompts, name, tokens) for name in TEMPLATES]
    for number, model in enumerate(islice(cycle(models), tools), start=1):
        text = model.replace(NAME, f"Tool No {number:05}").replace(SLUG, f"tool-{number:05}")
        (folder / "tools" / f"tool-{number:05}.yaml").write_text(text)


def _template(folder: Path, prompts: Prompts, name: str, tokens: int) -> str:
    """Return the dossier of an example without a name of its own, lengthened to so many tokens."""
    data = {key: value for key, value in _example(name).items() if key != "aliases"} | {"name": NAME, "slug": SLUG}
    path = folder / "template.yaml"
    path.write_text(_yaml(data))
    short = tokens * CHARACTERS - len(prompts.render("dossier.md.j2", tool=_tool(path)))
    path.unlink()
    if short > 100:
        notes = {"id": "field-notes", "title": "Notes from the field", "kind": "independent"}
        text = "".join(islice(_characters(), short - 60)).rpartition(".")[0] + "."
        data["sources"] = [*data["sources"], {**notes, "text": text}]
    return _yaml(data)


@cache
def _example(name: str) -> dict[str, Any]:
    """Return what is in the dossier of an example."""
    data: dict[str, Any] = yaml.load((ROOT / "examples" / f"{name}.yaml").read_bytes(), Loader=yaml.CSafeLoader)
    return data


def _yaml(data: object) -> str:
    return yaml.dump(data, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=110)


def _characters() -> Iterator[str]:
    """Yield the characters of all sources of the templates, one after the other."""
    for name in cycle(TEMPLATES):
        for source in _example(name)["sources"]:
            yield from f"{source['text']} "


def write_prompts(folder: Path) -> Path:
    """Write what critics would be sent about each dossier of a project as plain files; return their folder."""
    project, prompts = Project.open(folder, {}), folder / "prompts-as-text"
    (prompts / "seats").mkdir(parents=True)
    (prompts / "dossiers").mkdir()
    for path in sorted((folder / "tools").glob("*.yaml")):
        text = project.prompts.render("dossier.md.j2", tool=_tool(path))
        (prompts / "dossiers" / f"{path.stem}.txt").write_text(text)
    tool = _tool(next((folder / "tools").glob("*.yaml")))
    for persona in project.panel:
        request = Question(tool, persona, project.prompts, project.settings.model, project.parameters).request()
        (prompts / "seats" / f"{persona.id}.txt").write_text(request.blocks[-1].text)
    (prompts / "system.txt").write_text(project.prompts.texts["system.md"].strip())
    (prompts / "schema.json").write_text(json.dumps(dict(project.prompts.schema)))
    return prompts


def _tool(path: Path) -> Tool:
    """Return the tool of a dossier; those beside it are not looked at, since all names here differ."""
    return tool_of(read_dossier(path), None, {})
