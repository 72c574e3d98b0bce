"""The doctor: what this machine and this project have, and what is wrong with it."""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from panel.errors import InputError, RecordError
from panel.llm.keys import scrubbed
from panel.llm.ledger import MOST_LOOKED_THROUGH, Ledger
from panel.llm.open import key_of
from panel.persona import read_panel
from panel.project import check_models, packaged, personas_folder
from panel.prompt import Prompts
from panel.provider import Provider
from panel.record import Record
from panel.settings import Settings
from panel.version import DISTRIBUTION, installed

PACKAGES = ("anthropic", "openai", "httpx2", "pydantic", "tenacity", "jinja2", "typer", "genai-prices")
PROBE_S = 1.0
"""Seconds that a server on this machine has for saying which models it holds."""

_WANTS_A_KEY = {401, 403}
MOST_FAULTS = 10
"""So many unsound recordings of one ledger are named."""


class Key(Record):
    """Whether there is a key; never the key."""

    provider: str
    """Whose."""

    variable: str
    """Where it is looked for."""

    state: Literal["set", "not set", "unusable"]
    """What was found."""


class Server(Record):
    """A server on this machine that speaks OpenAI's protocol."""

    name: str
    """What its models' names begin with."""

    url: str
    """Where it would listen."""

    state: Literal["listens", "wants a key", "not there"]
    """What was found."""

    models: tuple[str, ...] = ()
    """What it says it can serve."""


class Setting(Record):
    """One setting with its origin."""

    key: str
    """Its name in panel.toml."""

    value: str
    """What it is."""

    origin: str
    """Where it came from: a flag, the environment, the path of panel.toml, or default."""


class Holdings(Record):
    """One ledger."""

    folder: str
    """Where it is."""

    recordings: int
    """Sound recordings in it."""

    is_written: bool
    """True for the project's own; the others are only read."""

    is_whole: bool = True
    """False where there are more recordings than were looked at; `panel ledger verify` looks at all."""


class Checkup(Record):
    """Everything that the doctor found."""

    versions: Mapping[str, str]
    """Of Python, of Panel and of what it rests on; "not installed" where it is missing."""

    project: str
    """The folder that settings, personas and prompts belong to."""

    personas: tuple[str, ...]
    """Who sits on the panel."""

    settings: tuple[Setting, ...]
    """Every setting."""

    keys: tuple[Key, ...]
    """Every provider that has or could have a key."""

    servers: tuple[Server, ...]
    """Every server that could be on this machine."""

    ledgers: tuple[Holdings, ...]
    """Where replies are found."""

    faults: tuple[str, ...]
    """What is wrong, each with its place and what to do."""


async def examine(near: Path, environ: Mapping[str, str] = os.environ) -> Checkup:
    """Return what is to be known about the project that the folder `near` belongs to.

    Raises SettingsError where its settings can't be read; all other faults are in what is returned.
    """
    settings = Settings.load(near, {}, environ)
    known = settings.providers.values()
    faults: list[str] = []
    holdings = [_holdings(folder, settings, faults) for folder in (settings.own_ledger, *settings.ledgers)]
    return Checkup(
        versions=_versions(),
        project=str(settings.project),
        personas=tuple(_personas(settings, faults)),
        settings=tuple(_settings(settings)),
        keys=tuple(_key(provider, environ, faults) for provider in known if provider.key),
        servers=tuple(await _servers([provider for provider in known if provider.is_here], environ)),
        ledgers=tuple(holdings),
        faults=tuple(faults),
    )


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "panel": installed(DISTRIBUTION)}
    return found | {package: installed(package) for package in PACKAGES}


def _settings(settings: Settings) -> Iterable[Setting]:
    for key, value in settings.model_dump(mode="json").items():
        yield Setting(key=key, value=_told(value), origin=settings.origins[key])


def _told(value: object) -> str:
    match value:
        case None:
            return "not set"
        case dict():
            return ", ".join(f"{key} {_told(each)}" for key, each in value.items()) or "none"
        case list():
            return ", ".join(map(str, value)) or "none"
    return str(value)


def _personas(settings: Settings, faults: list[str]) -> Sequence[str]:
    try:
        Prompts.read(settings.project / "prompts", packaged("prompts"))
        panel = read_panel(personas_folder(settings.project))
        check_models(settings, panel)
        return [persona.id for persona in panel]
    except InputError as error:
        faults.extend(str(error).splitlines())
        return []


def _key(provider: Provider, environ: Mapping[str, str], faults: list[str]) -> Key:
    variable = provider.key or ""
    try:
        state: Literal["set", "not set", "unusable"] = "set" if key_of(provider, environ) else "not set"
    except InputError as error:
        faults.append(str(error))
        state = "unusable"
    return Key(provider=provider.name, variable=variable, state=state)


def _holdings(folder: Path, settings: Settings, faults: list[str]) -> Holdings:
    own = folder == settings.own_ledger
    if not own and not folder.is_dir():
        faults.append(f"{settings.origins['ledgers']}: ledgers: there is no folder {folder}; make it, or leave it out")
    sound, unsound, is_whole = 0, list[str](), True
    try:
        for number, held in enumerate(Ledger(folder).all()):
            is_whole = number < MOST_LOOKED_THROUGH
            if not is_whole:
                break
            sound += held.fault is None
            unsound += [str(held.fault)] if held.fault else []
    except RecordError as error:
        unsound.append(str(error))
    faults.extend(unsound[:MOST_FAULTS])
    if len(unsound) > MOST_FAULTS:
        faults.append(f"{folder}: and {len(unsound) - MOST_FAULTS} more recordings that are not sound")
    return Holdings(folder=str(folder), recordings=sound, is_written=own, is_whole=is_whole)


async def _servers(here: Sequence[Provider], environ: Mapping[str, str]) -> Sequence[Server]:
    import httpx2

    async with httpx2.AsyncClient(timeout=PROBE_S, trust_env=False) as http:

        async def probe(provider: Provider) -> Server:
            key = environ.get(provider.key or "", "").strip()
            try:
                reply = await http.get(
                    f"{provider.url}/models", headers={"authorization": f"Bearer {key}"} if key else {}
                )
                told = None if reply.status_code in _WANTS_A_KEY else reply.json()
            except (httpx2.HTTPError, ValueError):
                return _server(provider, "not there")
            return _server(provider, "wants a key") if reply.status_code in _WANTS_A_KEY else _told_by(provider, told)

        return await asyncio.gather(*map(probe, here))


def _told_by(provider: Provider, told: object) -> Server:
    """Return the server that answered so: one that speaks OpenAI's protocol lists its models, and no other is meant."""
    models = told.get("data") if isinstance(told, dict) else None
    if not isinstance(models, list):
        return _server(provider, "not there")
    names = [scrubbed(str(model["id"])) for model in models if isinstance(model, dict) and "id" in model]
    return _server(provider, "listens", names)


def _server(
    provider: Provider, state: Literal["listens", "wants a key", "not there"], models: Sequence[str] = ()
) -> Server:
    return Server(name=provider.name, url=provider.url or "", state=state, models=tuple(models))
