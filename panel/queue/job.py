"""Job: one review to be made, with everything that decides what is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from pydantic import Field

from panel.choices import Choice, Choices
from panel.document import read_document, read_text
from panel.errors import RecordError, SettingsError, ToolError
from panel.files import Json, short_hash
from panel.history import Entry
from panel.makeup import Makeup
from panel.markdown import page
from panel.names import Names, slug_of
from panel.pipeline import Reviewed
from panel.project import Project
from panel.record import Record
from panel.review import Review
from panel.tool import Tool, tool_of
from panel.verdict import RULES
from panel.version import DISTRIBUTION, installed

FLAGS = ("model", "samples", "mode")
"""Settings that a job carries where an option or a variable made them: the machine that works has others."""


class Job(Record):
    """The input of one workflow."""

    schema_: Literal["panel.job/1"] = Field(default="panel.job/1", alias="schema")
    """What this is."""

    slug: str
    """The tool."""

    name: str
    """What the dossier's file is called, for messages about it."""

    dossier: str
    """The text of the dossier."""

    choices: Choices = Choices()
    """What the editors accepted and locked."""

    record: Review | None = None
    """The record, where seats of it are locked."""

    project: Mapping[str, str]
    """A short hash of each part of the project that decides what is asked."""

    flags: Mapping[str, str] = {}
    """Settings that were made for this job."""

    @classmethod
    def of(cls, project: Project, path: Path, taken: Names) -> Self:
        """Return the job of a dossier; raises InputError where it, or what was chosen for it, can't be read."""
        text = read_text(path, ToolError)
        tool = tool_of(read_document(text, path, ToolError), project.persona_ids, taken)
        choices = project.store.choices(tool.slug)
        return cls(
            slug=tool.slug,
            name=path.name,
            dossier=text,
            choices=choices,
            record=project.store.review(tool.slug) if choices.locked else None,
            project=digests(project),
            flags=flags_of(project),
        )

    def tool(self, project: Project) -> Tool:
        """Return the tool that the dossier is about; raises ToolError where this version reads it otherwise."""
        return tool_of(read_document(self.dossier, Path(self.name), ToolError), project.persona_ids, {})

    def refuse_other(self, project: Project) -> None:
        """Raise SettingsError where a project would ask something else than the one that the job was added from."""
        here = digests(project)
        if others := [part for part in self.project if self.project[part] != here.get(part)]:
            problem = f"was added from another checkout: its {', '.join(others)} differ from those here"
            raise SettingsError(f"{self.slug}: {problem}; nothing was asked; run a worker in that checkout")

    def prepare(self, project: Project, tool: Tool) -> None:
        """Put choices, and a record with locked seats, where a review looks for them.

        Raises RecordError where this machine has other choices: neither side's are lost.
        """
        store = project.store
        here = store.choices(self.slug)
        if here == Choices():
            if self.record and store.review(self.slug) is None:
                store.save_review(self.record, page(self.record))
            store.save_choices(self.slug, self.choices)
        elif _binding(here, project, tool) != _binding(self.choices, project, tool):
            problem = "is not what the job was added with; add it again, or name other --runs"
            raise RecordError.at(store.place(self.slug) / "choices.json", None, "", problem)


class Made(Record):
    """What the history says of a seat beside the seat itself."""

    choice: Choice
    """What brings it back."""

    makeup: Makeup
    """What it was asked with."""


class Done(Record):
    """The output of one workflow: what `export` writes."""

    schema_: Literal["panel.done/1"] = Field(default="panel.done/1", alias="schema")
    """What this is."""

    review: Review
    """The record."""

    made: Mapping[str, Made]
    """What goes into the history with each seat that was answered."""

    choices: Choices
    """What the record rests on."""

    is_whole: bool
    """False where an invited seat has no take for another reason than abstention."""

    @classmethod
    def of(cls, project: Project, done: Reviewed) -> Self:
        """Return what came of a job, once it is written."""
        store, slug = project.store, done.review.tool.slug
        history, made = store.history(slug), {}
        for seat in done.review.seats:
            for entry in history.entries(seat.persona).values():
                if entry.seat == seat:
                    made[seat.persona] = Made(choice=entry.choice, makeup=entry.makeup)
        return cls(review=done.review, made=made, choices=store.choices(slug), is_whole=done.is_whole)

    @property
    def entries(self) -> list[Entry]:
        """What goes into the history."""
        seats = [seat for seat in self.review.seats if seat.persona in self.made]
        of = {seat.persona: self.made[seat.persona] for seat in seats}
        return [Entry(choice=of[seat.persona].choice, makeup=of[seat.persona].makeup, seat=seat) for seat in seats]

    @property
    def requests(self) -> list[str]:
        """The identities of what the record rests on."""
        return [ask.request for seat in self.review.seats for ask in seat.asks]


def digests(project: Project) -> Mapping[str, str]:
    """Return a short hash of each part of a project that decides what is asked and what counts."""
    settings = project.settings
    fixed: Json = [*settings.fallbacks, settings.max_tokens, settings.effort]
    models: Json = {persona.id: project.own_model(persona) for persona in project.panel}
    return {
        "personas": short_hash([persona.as_json() for persona in project.panel]),
        "prompts": short_hash(project.prompts.digest),
        "rules": short_hash(RULES),
        "settings": short_hash(fixed),
        "models": short_hash([settings.model, models, settings.samples]),
    }


def flags_of(project: Project) -> dict[str, str]:
    """Return the settings that an option or a variable made; raises SettingsError for what no queue can do."""
    settings = project.settings
    if settings.mode == "fresh":
        raise SettingsError(f"{settings.place('mode')}: a queue can't ask anew; panel retake and panel review can")
    made = {key for key in FLAGS if settings.origins.get(key) in ("flag", "environment")}
    return {key: str(getattr(settings, key)) for key in FLAGS if key in made}


@dataclass(frozen=True)
class Named:
    """The id of a workflow, in its parts; the same job has the same one, whoever adds it and how often."""

    batch: str
    slug: str
    content: str
    queue: str
    version: str

    @classmethod
    def of(cls, batch: str, job: Job) -> Self:
        """Return the id of a job in a batch."""
        return cls(batch, job.slug, short_hash(job.as_json()), _queue(job.project), installed(DISTRIBUTION))

    @classmethod
    def parse(cls, id: str) -> Self | None:
        """Return the parts of an id, or None where it is none of Panel's."""
        parts = id.split("/")
        return cls(*parts) if len(parts) == len(cls.__dataclass_fields__) else None

    @cached_property
    def id(self) -> str:
        """The id."""
        return f"{self.batch}/{self.slug}/{self.content}/{self.queue}/{self.version}"


def queue_of(project: Project) -> str:
    """Return the queue that a project's workers listen to: jobs of another checkout are in another one."""
    return _queue(digests(project))


def _queue(parts: Mapping[str, str]) -> str:
    # Models may be those of one job, by an option; all else is the same for all jobs of a checkout.
    return f"reviews-{short_hash({part: parts[part] for part in sorted(parts) if part != 'models'})[:12]}"


def batch_of(project: Project, name: str | None) -> str:
    """Return what a batch is called: as given, or as the project's folder."""
    return slug_of(name or project.settings.project.name)[:40] or "panel"


def _binding(choices: Choices, project: Project, tool: Tool) -> object:
    """Return what of the choices decides over a review: what still holds, but for how many samples count."""
    seats = [(persona, choices.seats.get(persona.id)) for persona in project.panel]
    return [(persona.id, one) for persona, one in seats if one and not one.is_plain and one.holds(tool, persona)], {
        "locked": choices.locked
    }
