"""Modes: where replies come from in a run, and how to say so."""

from __future__ import annotations

from collections.abc import Sequence

from panel.errors import SettingsError
from panel.llm.model import Model
from panel.llm.open import EXAMPLES, KEYS, Providers, key_of, provider_of
from panel.persona import Persona
from panel.settings import Settings


def answering(name: str, settings: Settings, providers: Providers) -> Model | None:
    """Return who is asked where the ledgers are silent, or None where only they may answer; `name` is the model.

    Raises SettingsError where `live` or `fresh` was asked for and the provider has no key.
    """
    if settings.mode == "replay":
        return None
    model = providers.open(name)
    if model is None and settings.mode in ("live", "fresh"):
        raise SettingsError(f"mode {settings.mode} needs {_keys(name)} for {name}\n{ways_forward(name)}")
    return model


def announcement(settings: Settings, panel: Sequence[Persona]) -> str:
    """Return the first line of a run: which mode, and why; seats with a model of their own are named.

    Raises SettingsError where `live` or `fresh` was asked for and the provider has no key.
    """
    own = [f"{persona.id} {persona.model}" for persona in panel if persona.model]
    also = f" Models of their own: {', '.join(own)}." if own else ""
    return f"{_mode(settings)}{also}"


def _mode(settings: Settings) -> str:
    name = settings.model
    provider, where = provider_of(name), settings.origins.get("mode", "default")
    asked_for = {"flag": "--mode", "environment": "PANEL_MODE"}.get(where, where)
    if settings.mode == "replay":
        return f"Panel replays recordings, as {asked_for} says; nothing is asked and nothing is paid."
    if key_of(provider) is None and settings.mode in ("live", "fresh"):
        raise SettingsError(f"mode {settings.mode} needs {_keys(name)} for {name}\n{ways_forward(name)}")
    if key_of(provider) is None:
        live = f"set {_keys(name)}, or name a model with --model (see the README, Going live)"
        return f"Panel replays recordings, since {_keys(name)} is not set; nothing is paid. To go live: {live}."
    if settings.mode == "fresh":
        return f"Panel asks {name} anew, as {asked_for} says; earlier replies are kept."
    why = f"{_keys(name)} is set" if KEYS[provider] else f"{provider} needs no key"
    return f"Panel is live with {name}, since {why}; only what no ledger holds is asked."


def ways_forward(name: str) -> str:
    """Return what somebody can do who has neither a key for this model nor a recording."""
    ways = [f"  - set {_keys(name)} and run it again"] if KEYS[provider_of(name)] else []
    for provider, example in EXAMPLES.items():
        if provider != provider_of(name):
            has = "is set" if key_of(provider) else "set"
            ways.append(f"  - ask another model: --model {example} ({KEYS[provider][0]} {has})")
    ways.append("  - with no key at all: --model manual:chat writes each request to runs/outbox/ for a chat window")
    ways.append("  - see a finished review first: panel review examples/smollm3.yaml")
    return "\n".join(["Ways forward:", *ways])


def _keys(name: str) -> str:
    return " or ".join(KEYS[provider_of(name)]) or "no key"
