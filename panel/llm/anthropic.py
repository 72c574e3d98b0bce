"""Anthropic's Messages API."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import anthropic
from anthropic.types import Message, MessageParam, OutputConfigParam, TextBlockParam
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming

from panel.llm.faults import Errors, Hear, tokens, told, understood
from panel.llm.model import now
from panel.request import Block, ModelName, Reply, Request, Stop, Turn, Usage

ERRORS = Errors(
    status=anthropic.APIStatusError,
    timeout=anthropic.APITimeoutError,
    connection=anthropic.APIConnectionError,
    other=anthropic.AnthropicError,
)
_STOPS = {"refusal": Stop.REFUSED, "max_tokens": Stop.TRUNCATED, "model_context_window_exceeded": Stop.TRUNCATED}


@dataclass(frozen=True)
class AnthropicModel:
    """A Model at Anthropic; structured output by `output_config.format`, the dossier behind a cache breakpoint."""

    client: anthropic.AsyncAnthropic
    hear: Hear = lambda model, headers: None

    async def ask(self, request: Request) -> Reply:
        """Return the reply; raises Transient or Rejected."""
        call = self.client.messages.with_raw_response.create(**wire(request))
        return read(await told(ERRORS, call, partial(self.hear, request.model)))


def wire(request: Request) -> MessageCreateParamsNonStreaming:
    """Return a request as it goes over the wire, alone or in a batch."""
    return {
        "model": ModelName.parse(request.model).name,
        "max_tokens": request.parameters.max_tokens,
        "system": request.system,
        "messages": _messages(request),
        "output_config": _output(request),
    }


def read(message: Message) -> Reply:
    """Return the reply in what came over the wire; raises Transient or Rejected where there is none."""
    return understood(message, "content", _reply)


def _messages(request: Request) -> list[MessageParam]:
    first: MessageParam = {"role": "user", "content": [_block(block) for block in request.blocks]}
    return [first, *map(_turn, request.turns)]


def _turn(turn: Turn) -> MessageParam:
    if turn.role == "assistant":
        return {"role": "assistant", "content": turn.text}
    return {"role": "user", "content": turn.text}


def _block(block: Block) -> TextBlockParam:
    plain: TextBlockParam = {"type": "text", "text": block.text}
    return {**plain, "cache_control": {"type": "ephemeral"}} if block.cache else plain


def _output(request: Request) -> OutputConfigParam:
    config: OutputConfigParam = {"format": {"type": "json_schema", "schema": dict(request.reply_schema)}}
    return {**config, "effort": request.parameters.effort} if request.parameters.effort else config


def _reply(message: Message) -> Reply:
    refusal = message.stop_details
    return Reply(
        text="".join(block.text for block in message.content if block.type == "text"),
        stop=_STOPS.get(message.stop_reason or "", Stop.DONE),
        detail=(refusal.explanation or refusal.category) if refusal else None,
        answered_by=f"anthropic:{message.model}",
        usage=_usage(message.usage),
        recorded_at=now(),
    )


def _usage(used: anthropic.types.Usage | None) -> Usage:
    if used is None:
        return Usage()
    return Usage(
        input=tokens(used.input_tokens),
        cache_read=tokens(used.cache_read_input_tokens),
        cache_write=tokens(used.cache_creation_input_tokens),
        output=tokens(used.output_tokens),
    )
