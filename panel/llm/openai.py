"""OpenAI's Responses API."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial

import openai
from openai.types.responses import (
    EasyInputMessageParam,
    Response,
    ResponseInputParam,
    ResponseInputTextParam,
    ResponseTextConfigParam,
    ResponseUsage,
)
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming

from panel.errors import Transient
from panel.llm.faults import Errors, Hear, tokens, told, understood
from panel.llm.keys import scrubbed
from panel.llm.model import now
from panel.request import Block, ModelName, Reply, Request, Stop, Usage

ERRORS = Errors(
    status=openai.APIStatusError,
    timeout=openai.APITimeoutError,
    connection=openai.APIConnectionError,
    other=openai.OpenAIError,
)
_NO_BREAKPOINTS = re.compile(r"(?:gpt-(?:[34]|5(?:\.[0-5])?(?![.\d]))|o\d|chatgpt|ft:)")
"""Models before gpt-5.6 cache by themselves and know no breakpoints."""


@dataclass(frozen=True)
class OpenAIModel:
    """A Model at OpenAI; structured output by `text.format`, the dossier behind a cache breakpoint."""

    client: openai.AsyncOpenAI
    hear: Hear = lambda model, headers: None

    async def ask(self, request: Request) -> Reply:
        """Return the reply; raises Transient or Rejected."""
        call = self.client.responses.with_raw_response.create(**wire(request))
        return read(await told(ERRORS, call, partial(self.hear, request.model)))


def wire(request: Request) -> ResponseCreateParamsNonStreaming:
    """Return a request as it goes over the wire, alone or in a batch."""
    name, effort = ModelName.parse(request.model).name, request.parameters.effort
    sent: ResponseCreateParamsNonStreaming = {
        "model": name,
        "instructions": request.system,
        "input": _input(request),
        "max_output_tokens": request.parameters.max_tokens,
        "text": _form(request),
        "prompt_cache_key": request.prefix.removeprefix("sha256:")[:32],
        "store": False,
    }
    if _has_breakpoints(name):
        sent["prompt_cache_options"] = {"mode": "explicit"}
    if effort:
        sent["reasoning"] = {"effort": effort}
    return sent


def read(response: Response) -> Reply:
    """Return the reply in what came over the wire; raises Transient or Rejected where there is none."""
    return understood(response, "output", _reply)


def _has_breakpoints(model: str) -> bool:
    return not _NO_BREAKPOINTS.match(model)


def _input(request: Request) -> ResponseInputParam:
    breakpoints = _has_breakpoints(ModelName.parse(request.model).name)
    first: EasyInputMessageParam = {"role": "user", "content": [_block(block, breakpoints) for block in request.blocks]}
    turns: list[EasyInputMessageParam] = [{"role": turn.role, "content": turn.text} for turn in request.turns]
    return [first, *turns]


def _form(request: Request) -> ResponseTextConfigParam:
    schema: dict[str, object] = dict(request.reply_schema)
    return {"format": {"type": "json_schema", "name": "take", "strict": True, "schema": schema}}


def _block(block: Block, breakpoints: bool) -> ResponseInputTextParam:
    plain: ResponseInputTextParam = {"type": "input_text", "text": block.text}
    return {**plain, "prompt_cache_breakpoint": {"mode": "explicit"}} if block.cache and breakpoints else plain


def _reply(response: Response) -> Reply:
    if response.status == "failed":
        reason = response.error.message if response.error else "no reason"
        raise Transient(f"the provider failed ({scrubbed(reason)})", may_be_charged=True)
    parts = [part for item in response.output if item.type == "message" for part in item.content]
    refusals = [part.refusal for part in parts if part.type == "refusal"]
    stop, detail = _ending(response)
    return Reply(
        text="".join(part.text for part in parts if part.type == "output_text"),
        stop=Stop.REFUSED if refusals else stop,
        detail=" ".join(refusals) or detail,
        answered_by=f"openai:{response.model}",
        usage=_usage(response.usage),
        recorded_at=now(),
    )


def _ending(response: Response) -> tuple[Stop, str | None]:
    if response.status != "incomplete":
        return Stop.DONE, None
    reason = response.incomplete_details.reason if response.incomplete_details else None
    return (Stop.REFUSED if reason == "content_filter" else Stop.TRUNCATED), reason


def _usage(used: ResponseUsage | None) -> Usage:
    """Return the usage with each prompt token counted once: the vendor's `input_tokens` holds all of them."""
    if used is None:
        return Usage()
    cached = tokens(getattr(used.input_tokens_details, "cached_tokens", 0))
    written = tokens(getattr(used.input_tokens_details, "cache_write_tokens", 0))
    fresh = tokens(tokens(used.input_tokens) - cached - written)
    return Usage(input=fresh, cache_read=cached, cache_write=written, output=tokens(used.output_tokens))
