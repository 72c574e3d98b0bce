"""Modes: where replies come from in a run, and how to say so."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from panel.errors import SettingsError
from panel.llm.model import Model
from panel.llm.open import Providers, key_of
from panel.project import Project
from panel.provider import Provider
from panel.settings import Settings

FIRST = "examples/smollm3.yaml"
"""The first example, as somebody in a checkout would name it."""


def answering(name: str, settings: Settings, providers: Providers) -> Model | None:
    """Return who is asked where the ledgers are silent, or None where only they may answer; `name` is the model.

    Raises SettingsError where `live` or `fresh` was asked for and the provider has no key.
    """
    if settings.mode == "replay":
        return None
    model = providers.open(name)
    if model is None and settings.mode in ("live", "fresh"):
        raise _no_key(name, settings)
    return model


def announcement(project: Project) -> str:
    """Return the first line of a run: which mode, and why; seats with a model of their own are named.

    Raises SettingsError where `live` or `fresh` was asked for and a seat's provider has no key.
    """
    settings = project.settings
    models = {persona.id: project.own_model(persona) for persona in project.panel}
    own = [f"{id} {model}" for id, model in models.items() if model != settings.model]
    also = f" Models of their own: {', '.join(own)}." if own else ""
    return f"{_mode(settings, dict.fromkeys(models.values()))}{also}"


def _mode(settings: Settings, models: Iterable[str]) -> str:
    where = settings.origins.get("mode", "default")
    asked_for = {"flag": "--mode", "environment": "PANEL_MODE"}.get(where, where)
    if settings.mode == "replay":
        return f"Panel replays recordings, as {asked_for} says; nothing is asked and nothing is paid."
    silent = [model for model in models if key_of(settings.provider(model)) is None]
    live = [model for model in models if model not in silent]
    if silent and settings.mode in ("live", "fresh"):
        raise _no_key(silent[0], settings)
    if live and settings.mode == "fresh":
        return f"Panel asks {live[0]} anew, as {asked_for} says; earlier replies are kept."
    return _by_keys(settings, live, silent)


def _by_keys(settings: Settings, live: Sequence[str], silent: Sequence[str]) -> str:
    """Return the line where the keys decide: who is asked, and who is only replayed."""
    keys = ", ".join(dict.fromkeys(settings.provider(model).key or "" for model in silent))
    if not live:
        how = f"set {keys}, or name a model with --model (see the README, Going live)"
        return f"Panel replays recordings, since {keys} is not set; nothing is paid. To go live: {how}."
    rest = f" {keys} is not set: {', '.join(silent)} replays recordings." if silent else ""
    why = _why_live(settings.provider(live[0]))
    return f"Panel is live with {live[0]}, since {why}; only what no ledger holds is asked.{rest}"


def _why_live(provider: Provider) -> str:
    if provider.needs_key:
        return f"{provider.key} is set"
    return f"{provider.name} needs no key" + (f" (at {provider.url})" if provider.url else "")


def _no_key(name: str, settings: Settings) -> SettingsError:
    needs = f"mode {settings.mode} needs {settings.provider(name).key} for {name}"
    return SettingsError(f"{needs}\n{ways_forward(settings)}")


def ways_forward(settings: Settings) -> str:
    """Return what somebody can do who has neither a key for the model nor a recording."""
    asked = settings.provider(settings.model)
    if settings.mode == "replay":
        return "Ways forward:\n  - leave out --mode replay, and what is missing is asked"
    ways = [f"  - set {asked.key} and run it again"] if asked.needs_key and not _is_set(asked) else []
    for provider in settings.providers.values():
        if provider.example and provider != asked:
            has = "is set" if _is_set(provider) else "is not set"
            ways.append(f"  - ask another model: --model {provider.example} ({provider.key} {has})")
    ways.append("  - with a model on this machine: --model ollama:NAME (panel doctor shows which servers listen)")
    ways.append("  - with no key at all: --model manual:chat writes each request to runs/outbox/ for a chat window")
    ways.append("  - to rehearse without an opinion: --model fake:ship")
    if Path(FIRST).is_file():
        ways.append(f"  - see a finished review first: panel review {FIRST}")
    return "\n".join(["Ways forward:", *ways])


def _is_set(provider: Provider) -> bool:
    return bool(os.environ.get(provider.key or "", "").strip())
