"""Who makes which model: the table behind the conflict-of-interest check."""

from __future__ import annotations

import re
from collections.abc import Mapping

from panel.provider import FIXED
from panel.text import fold

MAKERS: Mapping[str, tuple[str, ...]] = {
    "Anthropic": ("claude",),
    "OpenAI": ("gpt-", "o1", "o3", "o4", "chatgpt", "codex"),
    "Google": ("gemini", "gemma"),
    "Meta": ("llama", "meta-llama"),
    "Mistral AI": ("mistral", "mixtral", "ministral", "codestral", "magistral", "devstral"),
    "Alibaba": ("qwen", "qwq"),
    "DeepSeek": ("deepseek",),
    "Microsoft": ("phi-", "phi3", "phi4"),
    "xAI": ("grok",),
    "Hugging Face": ("smollm", "zephyr"),
    "Cohere": ("command-", "aya"),
    "NVIDIA": ("nemotron",),
    "Zhipu AI": ("glm",),
    "Moonshot AI": ("kimi", "moonshot"),
}
"""Each maker with the beginnings of its models' names."""

ALIASES: Mapping[str, tuple[str, ...]] = {
    "Anthropic": ("anthropic", "anthropic pbc"),
    "OpenAI": ("openai", "open ai"),
    "Google": ("google", "google deepmind", "deepmind", "alphabet", "google research"),
    "Meta": ("meta", "meta ai", "facebook", "meta platforms"),
    "Mistral AI": ("mistral ai", "mistral"),
    "Alibaba": ("alibaba", "alibaba cloud", "qwen", "amap-ml", "amap", "ant group", "tongyi"),
    "DeepSeek": ("deepseek", "deepseek ai"),
    "Microsoft": ("microsoft", "microsoft research", "github"),
    "xAI": ("xai", "x ai"),
    "Hugging Face": ("hugging face", "huggingface"),
    "Cohere": ("cohere", "cohere labs"),
    "NVIDIA": ("nvidia",),
    "Zhipu AI": ("zhipu ai", "zhipu", "z.ai"),
    "Moonshot AI": ("moonshot ai", "moonshot"),
}
"""Each maker with the names, folded, that a dossier may call it by; companies under one roof share a row."""


def maker_of(model: str) -> str | None:
    """Return who makes a model, named `provider:name`; None where the table does not know."""
    provider, _, name = model.casefold().partition(":")
    if provider in FIXED and FIXED[provider].maker:
        return FIXED[provider].maker
    plain = name.rsplit("/", 1)[-1]
    return next((maker for maker, starts in MAKERS.items() if plain.startswith(starts)), None)


def same_maker(tool_maker: str, model: str) -> bool:
    """Return whether the maker of a tool, as its dossier names it, also makes this model."""
    maker = maker_of(model)
    plain = fold(tool_maker).casefold()
    called = re.sub(r"[\s,.]+(?:inc|llc|ltd|gmbh|pbc|corp|corporation|sas)\.?$", "", plain)
    parts = {called, *(part.strip() for part in re.split(r"[,/&()]|\band\b|'s\b", called))}
    return maker is not None and not parts.isdisjoint(ALIASES[maker])
