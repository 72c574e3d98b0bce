"""Modes: where replies come from in a run, and how to say so."""

from __future__ import annotations

from panel.errors import SettingsError
from panel.llm.model import Model
from panel.llm.open import Providers, key_of
from panel.project import Project
from panel.provider import Provider
from panel.settings import Settings


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

    Raises SettingsError where `live` or `fresh` was asked for and the provider has no key.
    """
    settings = project.settings
    models = {persona.id: project.own_model(persona) for persona in project.panel}
    own = [f"{id} {model}" for id, model in models.items() if model != settings.model]
    also = f" Models of their own: {', '.join(own)}." if own else ""
    return f"{_mode(settings)}{also}"


def _mode(settings: Settings) -> str:
    name = settings.model
    provider, where = settings.provider(name), settings.origins.get("mode", "default")
    asked_for = {"flag": "--mode", "environment": "PANEL_MODE"}.get(where, where)
    if settings.mode == "replay":
        return f"Panel replays recordings, as {asked_for} says; nothing is asked and nothing is paid."
    if key_of(provider) is None and settings.mode in ("live", "fresh"):
        raise _no_key(name, settings)
    if key_of(provider) is None:
        live = f"set {provider.key}, or name a model with --model (see the README, Going live)"
        return f"Panel replays recordings, since {provider.key} is not set; nothing is paid. To go live: {live}."
    if settings.mode == "fresh":
        return f"Panel asks {name} anew, as {asked_for} says; earlier replies are kept."
    return f"Panel is live with {name}, since {_why_live(provider)}; only what no ledger holds is asked."


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
    ways = [f"  - set {asked.key} and run it again"] if asked.needs_key else []
    for provider in settings.providers.values():
        if provider.example and provider != asked:
            has = "is set" if key_of(provider) else "set"
            ways.append(f"  - ask another model: --model {provider.example} ({provider.key} {has})")
    ways.append("  - with a model on this machine: --model ollama:NAME (panel doctor shows which servers listen)")
    ways.append("  - with no key at all: --model manual:chat writes each request to runs/outbox/ for a chat window")
    ways.append("  - see a finished review first: panel review examples/smollm3.yaml")
    return "\n".join(["Ways forward:", *ways])
