"""Panel: an accountable panel of critics for tools, played by language models.

    project = Project.open(Path("."), {})
    tool = read_tool(Path("tool.yaml"), project.persona_ids)
    async with Providers(project.settings, project.prompts) as providers:
        done = await review_tool(project, tool, providers)
    done.review.verdict.label

Names are loaded when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from panel.errors import InputError, ModelError, PanelError
    from panel.llm.open import Providers
    from panel.persona import Persona, read_panel
    from panel.pipeline import review_tool
    from panel.project import Project
    from panel.review import Review
    from panel.tool import Tool, read_tool

_HOMES = {
    "InputError": "panel.errors",
    "ModelError": "panel.errors",
    "PanelError": "panel.errors",
    "Persona": "panel.persona",
    "Project": "panel.project",
    "Providers": "panel.llm.open",
    "Review": "panel.review",
    "Tool": "panel.tool",
    "read_panel": "panel.persona",
    "read_tool": "panel.tool",
    "review_tool": "panel.pipeline",
}

__all__ = [
    "InputError",
    "ModelError",
    "PanelError",
    "Persona",
    "Project",
    "Providers",
    "Review",
    "Tool",
    "read_panel",
    "read_tool",
    "review_tool",
]


def __getattr__(name: str) -> object:
    """Return a public name from the module where it lives."""
    if name not in _HOMES:
        message = f"module 'panel' has no attribute '{name}'"
        raise AttributeError(message)
    return getattr(import_module(_HOMES[name]), name)
