"""The prompt: persona and tool become a Request. The wording is in `prompts/`; none of it is here."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Self

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment
from pydantic import BaseModel, JsonValue

from panel.document import read_text
from panel.errors import PromptError
from panel.files import Json, canonical, digest_of, readable, short_hash
from panel.persona import Criterion, Persona
from panel.record import once
from panel.request import Block, Label, Parameters, Request, Turn
from panel.take import Vote
from panel.text import fold
from panel.tool import Tool

DATA_MARK = "| "
"""Stands before every line that somebody outside wrote."""

SCHEMA = "reply.schema.json"
ASKED_WITH = ("system.md", "dossier.md.j2", "persona.md.j2", "repair.md.j2", SCHEMA)
LINTED_WITH = ("marketing.txt",)
MODERATION = "moderation.schema.json"
MODERATED_WITH = ("moderator.md", "takes.md.j2", MODERATION, "ranking.txt")
"""What the moderator is asked with, and what its answer is judged with."""

_RENDERING_FAULTS = (
    TemplateError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    NameError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)
"""What a template that somebody wrote can end in; Python's own compiler has limits too."""

JUDGED_WITH = ("first-hand.txt", "common-words.txt")
SHOWN_WITH = ("chat.md.j2", "form.md.j2")
"""How a request is put to a person, and to a server that may not hold its model to the schema; no part of it."""

_KNOWN = (*ASKED_WITH, *JUDGED_WITH, *SHOWN_WITH, *LINTED_WITH, *MODERATED_WITH)


LONGEST_REASON = 300
"""Characters of what a template ended in."""


class _Sandbox(SandboxedEnvironment):
    """Runs the templates. They read values and call no method of them: pydantic's load files, and pickles too."""

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:  # noqa: ARG002 - jinja's
        raise SecurityError(f"{operator} is not allowed in a prompt; it could ask for all the memory there is")

    def is_safe_callable(self, obj: object) -> bool:
        owner = getattr(obj, "__self__", None)
        return not isinstance(owner, BaseModel | type) and super().is_safe_callable(obj)


@dataclass(frozen=True)
class Prompts:
    """The texts of `prompts/`: a project's own file goes before the packaged one of the same name."""

    texts: Mapping[str, str]

    @classmethod
    def read(cls, *folders: Path) -> Self:
        """Return the prompts, each from the first of `folders` that has it; the last one is the packaged one.

        Raises PromptError where none has it, and for a file named almost like one: somebody thinks that it is read.
        """
        texts = {}
        for folder in folders[:-1]:
            _refuse_misspelt(folder)
        for name in _KNOWN:
            found = next((folder / name for folder in folders if (folder / name).is_file()), None)
            if found is None:
                raise PromptError.at(folders[-1], None, "", f"{name} is missing; restore it from the package")
            texts[name] = read_text(found, PromptError)
        return cls(texts)

    @cached_property
    def digest(self) -> str:
        """Content hash of everything that a model is asked with and that its answer is judged with."""
        return digest_of({name: self.texts[name] for name in (*ASKED_WITH, *JUDGED_WITH)})

    @cached_property
    def hashes(self) -> Mapping[str, str]:
        """A short hash of each file in `digest`, by its name."""
        return {name: short_hash(self.texts[name]) for name in (*ASKED_WITH, *JUDGED_WITH)}

    @cached_property
    def schema(self) -> Mapping[str, JsonValue]:
        """The JSON Schema of a reply; raises PromptError where the file holds none.

        It keeps to what all providers enforce: every field required, enumerated ratings, nothing by reference.
        """
        return self.schema_in(SCHEMA)

    def schema_in(self, name: str) -> Mapping[str, JsonValue]:
        """Return the JSON Schema in a prompt file; raises PromptError where it holds none."""
        try:
            data: JsonValue = json.loads(self.texts[name])
            canonical(data)
        except (ValueError, RecursionError) as error:
            raise PromptError.at(f"prompts/{name}", None, "", f"is not JSON: {error}") from error
        if not isinstance(data, dict):
            raise PromptError.at(f"prompts/{name}", 1, "", "must be a JSON object")
        return data

    @cached_property
    def common_words(self) -> frozenset[str]:
        """Capitalised words that are no names."""
        return frozenset(word for line in _entries(self.texts["common-words.txt"]) for word in line.split())

    @cached_property
    def first_hand(self) -> tuple[str, ...]:
        """Phrases by which a critic claims to have used the tool, folded to lower case."""
        return tuple(fold(line).casefold() for line in _entries(self.texts["first-hand.txt"]))

    @cached_property
    def moderation_digest(self) -> str:
        """Content hash of what the moderator is asked with and judged with."""
        return digest_of({name: self.texts[name] for name in (*MODERATED_WITH, *JUDGED_WITH)})

    @cached_property
    def ranking(self) -> tuple[str, ...]:
        """Words by which a moderator would name a winner."""
        return tuple(_entries(self.texts["ranking.txt"]))

    @cached_property
    def marketing(self) -> tuple[str, ...]:
        """Words that promise and do not say."""
        return tuple(_entries(self.texts["marketing.txt"]))

    def render(self, name: str, **context: object) -> str:
        """Return a rendered prompt file; raises PromptError, naming the file, where it does not render.

        What a dossier or a persona holds is put in as text and never read as a template.
        """
        try:
            text = _template(self.texts[name]).render(**context).strip()
            text.encode()  # a template can spell half of a surrogate pair, which nothing can send
        except _RENDERING_FAULTS as error:
            line = error.lineno if isinstance(error, TemplateSyntaxError) else None
            raise PromptError.at(f"prompts/{name}", line, "", f"does not render: {error}"[:LONGEST_REASON]) from error
        return text

    def dossier(self, tool: Tool) -> str:
        """Return what all critics are told of a tool, rendered once for it; raises PromptError as `render` does."""
        template, sheets = self.texts["dossier.md.j2"], _sheets(tool)
        if template not in sheets:
            sheets[template] = self.render("dossier.md.j2", tool=tool)
        return sheets[template]

    def form(self, request: Request) -> str:
        """Return the form of the reply in words, for whoever is not held to the schema by other means."""
        schema: Json = dict(request.reply_schema)
        return self.render("form.md.j2", schema=readable(schema).decode().strip())


@dataclass(frozen=True)
class Question:
    """Who is asked about what: everything of a request but its sample number."""

    tool: Tool
    persona: Persona
    prompts: Prompts
    model: str
    parameters: Parameters
    note: str | None = None

    def request(self, sample: int = 1) -> Request:
        """Return the first request of one sample.

        Shared instructions and the dossier come first and are the same bytes for all personas, so that a provider
        reads them from its cache; the persona comes last.
        """
        dossier = self.prompts.dossier(self.tool)
        criteria = shuffled(self.persona.criteria, f"{self.tool.name}/{self.persona.id}/{sample}")
        seat = self.prompts.render("persona.md.j2", persona=self.persona, criteria=criteria, note=self.note)
        return Request(
            model=self.model,
            parameters=self.parameters,
            system=self.prompts.texts["system.md"].strip(),
            blocks=(Block(text=dossier, cache=True), Block(text=seat)),
            reply_schema=self.prompts.schema,
            sample=sample,
            note=self.note,
            label=Label(tool=self.tool.slug, persona=self.persona.id),
        )

    def repair(
        self, request: Request, reply: str, complaints: Sequence[str], score: int | None, vote: Vote | None
    ) -> Request:
        """Return the request that asks to mend `reply`; `score` and `vote` are None where it could not be read."""
        threshold = self.persona.threshold
        mend = self.prompts.render("repair.md.j2", complaints=complaints, score=score, vote=vote, threshold=threshold)
        turns = (Turn(role="assistant", text=reply), Turn(role="user", text=mend))
        return request.model_copy(update={"turns": (*request.turns, *turns)})


def chat_sheet(prompts: Prompts, request: Request, inbox: str) -> str:
    """Return a request as one Markdown text for a person with a chat window; the answer belongs into `inbox`."""
    return prompts.render(
        "chat.md.j2",
        label=request.label,
        repair=request.is_repair,
        system=request.system,
        blocks=[block.text for block in request.blocks],
        turns=request.turns,
        form=prompts.form(request),
        inbox=inbox,
    )


@lru_cache(maxsize=32)
def _template(text: str) -> Template:
    """Return the template that a prompt file holds; the same text is compiled once, whichever project it is in."""
    environment = _Sandbox(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["data"] = marked
    return environment.from_string(text)


def marked(text: str) -> str:
    """Return `text` with the data mark before every line, so that no line of it can pass for an instruction."""
    return "\n".join(f"{DATA_MARK}{line}".rstrip() for line in text.splitlines())


def shuffled(criteria: Sequence[Criterion], seed: str) -> list[Criterion]:
    """Return the criteria in an order fixed by `seed`: no criterion gains from always being first."""
    return sorted(criteria, key=lambda criterion: hashlib.sha256(f"{seed}/{criterion.id}".encode()).digest())


@once
def _sheets(_: Tool) -> dict[str, str]:
    """Return what a dossier was rendered as, by the text of the template."""
    return {}


def _refuse_misspelt(folder: Path) -> None:
    for name in sorted(path.name for path in folder.glob("[!._]*")):
        if name not in _KNOWN and not name.endswith("~") and (meant := difflib.get_close_matches(name, _KNOWN, n=1)):
            problem = f"is no prompt; did you mean {meant[0]}? A name that begins with _ is left alone"
            raise PromptError.at(folder / name, None, "", problem)


def _entries(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
