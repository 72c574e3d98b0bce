"""Chat completions: every server that speaks OpenAI's older protocol, on this machine or behind a gateway."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from functools import partial

import httpx2
import openai
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam

from panel.answer import without_thoughts
from panel.errors import Transient
from panel.llm.faults import Errors, Hear, Raw, tokens, told, understood
from panel.llm.model import now
from panel.request import ModelName, Reply, Request, Stop, Usage

_ERRORS = Errors(
    status=openai.APIStatusError,
    timeout=openai.APITimeoutError,
    connection=openai.APIConnectionError,
    other=openai.OpenAIError,
)
_STOPS = {"length": Stop.TRUNCATED, "content_filter": Stop.REFUSED}
_OF_THE_FORM = re.compile(r"response_format|json_schema|json_object|\bschema\b|\bgrammar\b|structured", re.IGNORECASE)
_REFUSED = {400, 415, 422, 501}
"""Statuses by which a server refuses a form that it does not know, often without saying so."""

_BROKEN = {404, 500}
"""Statuses that mean it only where the server speaks of the form."""

LOOSE = 2
"""After so many replies that are no JSON a server is taken not to hold its models to the form it was given."""


NO_KEY = "none"
"""What a server without a key is sent in its place, since the SDK wants one."""


class Server(openai.AsyncOpenAI):
    """OpenAI's client for a server of somebody else: nothing that the environment holds for OpenAI goes there."""

    def __init__(self, url: str | None, key: str, http: httpx2.AsyncClient) -> None:
        super().__init__(api_key=key or NO_KEY, base_url=url, http_client=http, max_retries=0, timeout=http.timeout)
        self.organization = self.project = self.admin_api_key = None
        self._custom_headers = {}


class Rung(IntEnum):
    """How the form of the reply is asked for: each rung asks less of a server than the one before."""

    SCHEMA = 1
    OBJECT = 2
    TEXT = 3


@dataclass(frozen=True)
class ChatModel:
    """A Model at an OpenAI-compatible server. The form stands in the text too, whatever the server makes of it."""

    client: openai.AsyncOpenAI
    server: str
    form: Callable[[Request], str]
    hear: Hear = lambda model, headers: None
    rungs: dict[str, Rung] = field(default_factory=dict)
    """The rung that each model of this server turned out to need."""

    loose: Counter[str] = field(default_factory=Counter)
    """How many replies on its rung were no JSON, by model."""

    async def ask(self, request: Request) -> Reply:
        """Return the reply; raises Transient or Rejected. A form that the server does not know is no fault."""
        name = ModelName.parse(request.model).name
        rungs: list[Rung] = []
        call = self._climbed_down(request, name, rungs)
        completion = await told(_ERRORS, call, partial(self.hear, request.model))
        rung = rungs[-1]
        reply = understood(completion, "choices", lambda sound: self._reply(sound, name))
        if reply.stop == Stop.DONE and not _is_json(reply.text):
            self._note_loose(name, rung)
        return reply

    async def _climbed_down(self, request: Request, name: str, tried: list[Rung]) -> Raw[ChatCompletion]:
        """Return the completion from the first rung that the server knows; the rungs that were `tried` are noted."""
        while True:
            rung = self.rungs.get(name, Rung.SCHEMA)
            tried.append(rung)
            try:
                return await self._create(request, name, rung)
            except openai.APIStatusError as error:
                if not _is_of_the_form(error):
                    raise
                if rung is Rung.TEXT:
                    self.rungs.pop(name, None)  # without a form it is refused too: the form was not the reason
                    raise
                self._step(name, rung)

    def _step(self, name: str, rung: Rung) -> None:
        """Go one rung down from `rung`, unless somebody else went there already."""
        self.rungs[name] = max(self.rungs.get(name, Rung.SCHEMA), Rung(rung + 1))
        del self.loose[name]

    def _note_loose(self, name: str, rung: Rung) -> None:
        """Count a reply that is no JSON against the rung that it was asked on; others may have gone further since."""
        if rung is not self.rungs.get(name, Rung.SCHEMA):
            return
        self.loose[name] += 1
        if self.loose[name] >= LOOSE and rung is not Rung.TEXT:
            self._step(name, rung)

    async def _create(self, request: Request, name: str, rung: Rung) -> Raw[ChatCompletion]:
        effort = request.parameters.effort
        return await self.client.chat.completions.with_raw_response.create(
            model=name,
            messages=self._messages(request),
            max_tokens=request.parameters.max_tokens,
            extra_body=_response_format(request, rung) | ({"reasoning_effort": effort} if effort else {}),
        )

    def _messages(self, request: Request) -> list[ChatCompletionMessageParam]:
        first = "\n\n".join([*(block.text for block in request.blocks), self.form(request)])
        messages: list[ChatCompletionMessageParam] = [
            {"role": "system", "content": request.system},
            {"role": "user", "content": first},
        ]
        for turn in request.turns:
            if turn.role == "assistant":
                messages.append({"role": "assistant", "content": turn.text})
            else:
                messages.append({"role": "user", "content": turn.text})
        return messages

    def _reply(self, completion: ChatCompletion, name: str) -> Reply:
        choice = completion.choices[0]
        if str(choice.finish_reason) == "error":
            raise Transient("the model behind the server failed", may_be_charged=True)
        refusal = choice.message.refusal
        return Reply(
            text=without_thoughts(choice.message.content or "").strip(),
            stop=Stop.REFUSED if refusal else _STOPS.get(choice.finish_reason, Stop.DONE),
            detail=refusal or (choice.finish_reason if choice.finish_reason in _STOPS else None),
            answered_by=f"{self.server}:{completion.model or name}",
            usage=_usage(completion.usage),
            recorded_at=now(),
        )


def _response_format(request: Request, rung: Rung) -> dict[str, object]:
    schema: dict[str, object] = dict(request.reply_schema)
    if rung is Rung.SCHEMA:
        form: dict[str, object] = {"name": "take", "strict": True, "schema": schema}
        return {"response_format": {"type": "json_schema", "json_schema": form}}
    return {"response_format": {"type": "json_object", "schema": schema}} if rung is Rung.OBJECT else {}


def _is_of_the_form(error: openai.APIStatusError) -> bool:
    """Return whether a server may have refused the form that the reply was asked for in."""
    if error.status_code in _REFUSED:
        return True
    return error.status_code in _BROKEN and bool(_OF_THE_FORM.search(error.response.text))


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text, strict=False), dict)
    except (ValueError, RecursionError):
        return False


def _usage(used: CompletionUsage | None) -> Usage:
    """Return the usage, none where the server tells none; cached tokens are a part of the prompt's."""
    if used is None:
        return Usage()
    cached = tokens(getattr(used.prompt_tokens_details, "cached_tokens", 0))
    return Usage(
        input=tokens(tokens(used.prompt_tokens) - cached), cache_read=cached, output=tokens(used.completion_tokens)
    )
