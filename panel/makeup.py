"""The makeup of a question: everything that it is made of, a hash for each part, so that a change can be named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Self

from panel.files import Json, short_hash
from panel.persona import Persona
from panel.prompt import Question
from panel.record import Record, once
from panel.tool import Tool

_NO_PART = {"id", "order", "model", "criteria"}
"""Of a persona: its name in files, its place, what is said elsewhere, and what has parts of its own."""


class Makeup(Record):
    """What one seat was asked with, as hashes by part."""

    model: str
    """The model as asked."""

    parameters: Mapping[str, int | str | None]
    """Limits and effort."""

    dossier: Mapping[str, str]
    """Each field that critics see, and each source."""

    persona: Mapping[str, str]
    """Each part of the persona's file, and each criterion."""

    prompts: Mapping[str, str]
    """Each file that a model is asked with or its answer judged with."""

    @classmethod
    def of(cls, question: Question) -> Self:
        """Return the makeup of a question."""
        return cls(
            model=question.model,
            parameters=question.parameters.model_dump(),
            dossier=_dossier(question.tool),
            persona=_persona(question.persona),
            prompts=question.prompts.hashes,
        )

    def changes(self, now: Makeup, persona: str) -> list[str]:
        """Return what is different `now`, in words, the dossier first; `persona` is the id of the seat."""
        return [
            *_changed(self.dossier, now.dossier, ""),
            *_changed(self.persona, now.persona, f"{persona}.md "),
            *_changed(self.prompts, now.prompts, "prompt "),
            *([f"model changed: {self.model} to {now.model}"] if self.model != now.model else []),
            *(
                f"{name} changed: {self.parameters.get(name)} to {value}"
                for name, value in now.parameters.items()
                if value != self.parameters.get(name)
            ),
        ]


@once
def _dossier(tool: Tool) -> Mapping[str, str]:
    fields, sources = {**tool.seen}, tool.seen["sources"]
    del fields["sources"]
    assert isinstance(sources, list)
    parts = {f"source {source['id']}": source for source in sources if isinstance(source, dict)}
    return _hashes(fields | parts)


@once
def _persona(persona: Persona) -> Mapping[str, str]:
    whole = persona.as_json()
    assert isinstance(whole, dict)
    parts = {name: part for name, part in whole.items() if name not in _NO_PART}
    return _hashes(parts | {f"criterion {criterion.id}": criterion.as_json() for criterion in persona.criteria})


def _hashes(parts: Mapping[str, Json]) -> dict[str, str]:
    return {name: short_hash(part) for name, part in parts.items()}


def _changed(before: Mapping[str, str], now: Mapping[str, str], kind: str) -> Iterator[str]:
    """Yield each part that is other than it was, in the order in which it stands now."""
    for name in now:
        if before.get(name) != now[name]:
            yield f"{kind}{name} {'changed' if name in before else 'added'}"
    for name in before:
        if name not in now:
            yield f"{kind}{name} removed"
