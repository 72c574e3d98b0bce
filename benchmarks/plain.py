"""Plain: the floor. Tasks, a semaphore and a vendor's SDK with its own retries; replies go into one file at the end.

    python benchmarks/plain.py PROMPTS anthropic|openai [--at-once 50] [--retries 1000]

Prompts are rendered beforehand, nothing is checked, nothing survives a crash, and no reply is found again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

MODELS = {"anthropic": "claude-sonnet-5-5", "openai": "gpt-6.1-sol"}
MOST = 16_000


@dataclass(frozen=True)
class Prompts:
    """What is sent, as text."""

    folder: Path

    @cached_property
    def system(self) -> str:
        """The instructions."""
        return (self.folder / "system.txt").read_text()

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The form of a reply."""
        data: dict[str, Any] = json.loads((self.folder / "schema.json").read_text())
        return data

    def pairs(self) -> list[tuple[str, str]]:
        """Return dossier and seat of every request."""
        seats = [path.read_text() for path in sorted(self.folder.glob("seats/*.txt"))]
        return [(path.read_text(), seat) for path in sorted(self.folder.glob("dossiers/*.txt")) for seat in seats]


def anthropic(prompts: Prompts, retries: int) -> Callable[[str, str], Awaitable[str]]:
    """Return what asks Anthropic."""
    from anthropic import AsyncAnthropic

    client = AsyncAnthropic(max_retries=retries)

    async def ask(dossier: str, seat: str) -> str:
        message = await client.messages.create(
            model=MODELS["anthropic"],
            max_tokens=MOST,
            system=prompts.system,
            messages=[
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": dossier, "cache_control": {"type": "ephemeral"}},
                        {"type": "text", "text": seat},
                    ],
                }
            ],
            output_config={"format": {"type": "json_schema", "schema": prompts.schema}},
        )
        return "".join(block.text for block in message.content if block.type == "text")

    return ask


def openai(prompts: Prompts, retries: int) -> Callable[[str, str], Awaitable[str]]:
    """Return what asks OpenAI."""
    from openai import AsyncOpenAI

    client = AsyncOpenAI(max_retries=retries)

    async def ask(dossier: str, seat: str) -> str:
        response = await client.responses.create(
            model=MODELS["openai"],
            max_output_tokens=MOST,
            instructions=prompts.system,
            input=[
                {
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": dossier, "prompt_cache_breakpoint": {"mode": "explicit"}},
                        {"type": "input_text", "text": seat},
                    ],
                }
            ],
            text={"format": {"type": "json_schema", "name": "take", "strict": True, "schema": prompts.schema}},
            prompt_cache_options={"mode": "explicit"},
            store=False,
        )
        return response.output_text

    return ask


async def main(folder: Path, vendor: str, at_once: int, retries: int) -> None:
    """Ask everything, and write the replies beside the prompts."""
    prompts = Prompts(folder)
    ask = {"anthropic": anthropic, "openai": openai}[vendor](prompts, retries)
    places = asyncio.Semaphore(at_once)

    async def one(dossier: str, seat: str) -> str:
        async with places:
            return await ask(dossier, seat)

    replies = await asyncio.gather(*(one(*pair) for pair in prompts.pairs()))
    (folder / "replies.jsonl").write_text("".join(json.dumps(reply) + "\n" for reply in replies))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prompts", type=Path)
    parser.add_argument("vendor", choices=MODELS)
    parser.add_argument("--at-once", type=int, default=50)
    parser.add_argument("--retries", type=int, default=1000)
    given = parser.parse_args()
    asyncio.run(main(given.prompts, given.vendor, given.at_once, given.retries))
