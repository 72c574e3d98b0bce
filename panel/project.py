"""A project: settings, personas, prompts, records and ledgers that belong together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from panel.document import nearest
from panel.errors import PersonaError, SettingsError
from panel.files import Json, digest_of
from panel.llm.ledger import Ledger, Ledgers
from panel.makers import same_maker
from panel.persona import Persona, read_panel
from panel.prompt import Prompts, Question
from panel.request import Parameters
from panel.settings import Settings
from panel.store import Store
from panel.tool import Tool
from panel.verdict import RULES
from panel.version import DISTRIBUTION, installed


@dataclass(frozen=True)
class Project:
    """Everything that stays the same from tool to tool."""

    settings: Settings
    panel: tuple[Persona, ...]
    prompts: Prompts
    store: Store
    ledgers: Ledgers

    @classmethod
    def open(cls, near: Path, flags: Mapping[str, object]) -> Self:
        """Return the project that the folder `near` belongs to; `flags` are the options that were given.

        A `personas/` folder of its own is the whole panel; a prompt of its own replaces the packaged one.
        Raises InputError for whatever in it can't be used.
        """
        settings = Settings.load(near, flags)
        panel = read_panel(personas_folder(settings.project))
        check_models(settings, panel)
        for folder in settings.ledgers:
            if not folder.is_dir():
                raise SettingsError(f"{settings.origins['ledgers']}: ledgers: there is no folder {folder}")
        return cls(
            settings=settings,
            panel=panel,
            prompts=Prompts.read(settings.project / "prompts", packaged("prompts")),
            store=Store(settings.runs),
            ledgers=Ledgers(Ledger(settings.own_ledger), tuple(Ledger(folder) for folder in settings.ledgers)),
        )

    @cached_property
    def digest(self) -> str:
        """Content hash of everything that decides what is asked about a tool, and how the answers are judged."""
        settings = self.settings.model_dump(mode="json", include={"model", "models", "fallbacks", "samples"})
        personas = [persona.as_json() for persona in self.panel]
        version = installed(DISTRIBUTION)
        parts: list[Json] = [version, RULES, self.prompts.digest, self.parameters.as_json(), *personas]
        return digest_of([*parts, settings, self.settings.is_for_all])

    @property
    def parameters(self) -> Parameters:
        """What a provider is told beside the text."""
        return Parameters(max_tokens=self.settings.max_tokens, effort=self.settings.effort)

    def question(self, tool: Tool, persona: Persona, note: str | None = None) -> Question:
        """Return what is asked of a persona about a tool."""
        return Question(tool, persona, self.prompts, self.model_for(tool, persona), self.parameters, note)

    def model_for(self, tool: Tool, persona: Persona) -> str:
        """Return the model of a seat: its own, or another of the panel where that is by the tool's maker."""
        own = self.own_model(persona)
        others = [*filter(None, map(self._named, self.panel)), *self.settings.fallbacks]
        return next((model for model in (own, self.settings.model, *others) if not same_maker(tool.maker, model)), own)

    def moderator_model(self, tools: Sequence[Tool]) -> str:
        """Return the model of the moderator: the panel's, or another one of it where that is by a maker of these."""
        known = (self.settings.model, *filter(None, map(self._named, self.panel)), *self.settings.fallbacks)
        makers = [tool.maker for tool in tools]
        free = (model for model in known if not any(same_maker(maker, model) for maker in makers))
        return next(free, self.settings.model)

    def own_model(self, persona: Persona) -> str:
        """Return the model that a persona is asked of, whatever the tool; a flag or the environment speaks for all."""
        named = None if self.settings.is_for_all else self._named(persona)
        return named or self.settings.model

    def _named(self, persona: Persona) -> str | None:
        """Return the model that panel.toml or else the persona's file names for this seat, or None."""
        return self.settings.models.get(persona.id) or persona.model

    def persona(self, id: str) -> Persona:
        """Return a persona of the panel; raises PersonaError, naming those there are, where there is no such one."""
        found = next((persona for persona in self.panel if persona.id == id), None)
        if found is None:
            raise PersonaError(f"no persona '{id}' on the panel{nearest(id, self.persona_ids, 'which is')}")
        return found

    @property
    def persona_ids(self) -> Collection[str]:
        """The ids of the panel, in its order."""
        return [persona.id for persona in self.panel]


def check_models(settings: Settings, panel: Sequence[Persona]) -> None:
    """Refuse models of personas that are not there, of providers that are not, and fallbacks that give no opinion."""
    ids = [persona.id for persona in panel]
    for id in settings.models:
        if id not in ids:
            problem = f"no such persona{nearest(id, ids, 'the panel is')}"
            raise SettingsError(f"{settings.place('models')}.{id}: {problem}")
    for place, model in _named_models(settings, panel):
        _check_model(settings, model, place)
    for model in settings.fallbacks:
        if not settings.provider(model).has_model:
            raise SettingsError(f"{settings.place('fallbacks')}: {model} can't stand in for a model; leave it out")


def _named_models(settings: Settings, panel: Sequence[Persona]) -> Iterator[tuple[str, str]]:
    """Yield every model that somebody named, behind the place where it was named."""
    yield settings.place("model"), settings.model
    for id, model in settings.models.items():
        yield f"{settings.place('models')}.{id}", model
    for model in settings.fallbacks:
        yield settings.place("fallbacks"), model
    for persona in panel:
        if persona.model:
            yield f"personas/{persona.id}.md: model", persona.model


def _check_model(settings: Settings, model: str, place: str) -> None:
    try:
        settings.provider(model)
    except SettingsError as error:
        raise SettingsError(f"{place}: {error}") from error


def personas_folder(project: Path) -> Path:
    """Return the folder of the panel: the project's own, or the packaged one."""
    own = project / "personas"
    return own if own.is_dir() else packaged("personas")


def packaged(folder: str) -> Path:
    """Return `personas` or `prompts` as Panel ships them: inside the package, or beside it in a checkout."""
    package = Path(__file__).parent
    return package / folder if (package / folder).is_dir() else package.parent / folder
