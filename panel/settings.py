"""Settings: flag, environment, panel.toml, default, in that order; and where each came from."""

from __future__ import annotations

import difflib
import errno
import os
import re
import tomllib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

from panel.document import MOST_FAULTS, explain, nearest, read_text
from panel.errors import SettingsError, on_one_line
from panel.provider import Provider, ServerName, ServerUrl, providers
from panel.record import Record, no_truth_value
from panel.request import DEFAULT_MAX_TOKENS, Effort, ModelName
from panel.tables import (
    DEFAULT_RETRY,
    DEFAULT_SITE,
    FIELDS,
    LimitSettings,
    PriceSettings,
    RetrySettings,
    SiteSettings,
    hint,
)

FILE = "panel.toml"
LARGEST = 16_000
"""Bytes of panel.toml; tomllib takes a minute for a key of half a million dots."""

ONE_AT_A_TIME = 1
"""A server on this machine has one model in memory and works on one prompt at a time."""

DEFAULT_MODEL = "anthropic:claude-sonnet-5-5"
Mode = Literal["auto", "live", "replay", "fresh"]


def _possible(folder: Path) -> Path:
    """Return a folder, refusing one that no file system could have."""
    try:
        folder.stat()
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
            raise ValueError(str(error.strerror)) from error
    return folder


Folder = Annotated[Path, AfterValidator(_possible)]
Samples = Annotated[int, Field(ge=1, le=9), BeforeValidator(no_truth_value)] | Literal["auto"]
Asked = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*(?::[!-~]+)?$", max_length=200)]
"""A model, or a provider for all of its models."""

Model = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*:[!-~]+$", max_length=200)]


class Settings(Record):
    """What a run goes by. Paths are resolved."""

    model: Model = DEFAULT_MODEL
    """The model that seats are asked of, `provider:name`."""

    models: Mapping[str, Model] = {}
    """Models of single seats, by persona; they go before what a persona's file says."""

    fallbacks: tuple[Model, ...] = Field(default=(), max_length=8)
    """Models that are asked, in this order, where the one of a seat can't be had."""

    servers: Mapping[ServerName, ServerUrl] = {}
    """Addresses of OpenAI-compatible servers, by the name that their models begin with."""

    parallel: int | None = Field(default=None, ge=1, le=64)
    """Most requests to one model at once, where `limits` says nothing of it; None: one to a server on this machine,
    as many as it bears to others."""

    limits: Mapping[Asked, LimitSettings] = {}
    """What may be asked of a model or of a provider's models; what is left out is learned."""

    prices: Mapping[Asked, PriceSettings] = {}
    """What a model costs where it is not what the price list says, or is not on it."""

    mode: Mode = "auto"
    """Where replies come from: `live` (ledger, then provider), `replay` (ledger only), `fresh` (ask anew),
    `auto` (live where a provider is configured, else replay)."""

    samples: Samples = 1
    """How often each seat is asked: 1 to 9, or "auto"."""

    max_tokens: int = Field(default=DEFAULT_MAX_TOKENS, ge=256, le=128_000)
    """Most tokens of a reply, thinking included."""

    effort: Effort | None = None
    """How hard the model should think."""

    timeout_s: float = Field(default=300, gt=0, le=3_600)
    """Seconds that one call may take."""

    retry: RetrySettings = DEFAULT_RETRY
    """How faults are waited for."""

    runs: Folder = Path("runs")
    """Where records and the project's ledger are."""

    ledgers: tuple[Folder, ...] = ()
    """Further ledgers, which are only read; but golden tests with a folder of their own record into the first one."""

    tools: tuple[Folder, ...] = (Path("tools"),)
    """Where the dossiers are: folders, of which every YAML file is one."""

    golden: Folder | None = None
    """Where the records are that `verify` holds the recordings against; None: in `runs`."""

    site: SiteSettings = DEFAULT_SITE
    """The site that `panel publish` makes."""

    origins: Mapping[str, str] = Field(default={}, exclude=True)
    """Where each setting came from: flag, environment, the path of panel.toml, or default."""

    project: Path = Field(default=Path(), exclude=True)
    """The folder that relative paths, `personas/` and `prompts/` belong to."""

    @property
    def own_ledger(self) -> Path:
        """The folder of the project's own ledger."""
        return self.runs / "ledger"

    @property
    def is_for_all(self) -> bool:
        """True where a flag or the environment named the model: then every seat is asked of it."""
        return self.origins.get("model") in ("flag", "environment")

    def provider(self, model: str) -> Provider:
        """Return the provider of a model; raises SettingsError where there is no such provider or no name after it."""
        known, (provider, name) = self.providers, ModelName.parse(model)
        if provider not in known or not name:
            names = [each for each in known if known[each].speaks != "nothing"]
            meant = nearest(provider, names, "the provider is one of")
            problem = f"write provider:name{meant}, or a server that panel.toml names under [servers]"
            raise SettingsError(f"model '{model}': {problem}")
        return known[provider]

    def limit(self, model: str) -> LimitSettings:
        """Return what may be asked of a model."""
        provider = self.provider(model)
        most = self.parallel or (ONE_AT_A_TIME if provider.is_here else None)
        named = self.limits.get(model) or self.limits.get(provider.name) or LimitSettings()
        return named if named.concurrency else named.model_copy(update={"concurrency": most})

    def place(self, key: str) -> str:
        """Return where a setting was made, as a person would write it: an option, a variable, or file and key."""
        return _place(key, self.origins.get(key, "default"))

    @cached_property
    def providers(self) -> Mapping[str, Provider]:
        """Every provider by name, the servers of this project among them."""
        return providers(self.servers)

    @classmethod
    def load(cls, near: Path, flags: Mapping[str, object], environ: Mapping[str, str] = os.environ) -> Self:
        """Return the settings for a dossier in the folder `near`.

        `flags` are the options that were given; those that are None were not.
        Raises SettingsError with the place and the key of every setting that can't be used.
        """
        near = _real(near)
        _refuse_misspelt(environ)
        file = find(near) or find(Path.cwd())
        project = (file.parent if file else near if (near / "personas").is_dir() else Path.cwd()).resolve()
        layers: list[tuple[str, Mapping[str, object]]] = [
            (str(file), _read(file) if file else {}),
            ("environment", {key: environ[_variable(key)] for key in _FROM_ENVIRONMENT if environ.get(_variable(key))}),
            ("flag", {key: value for key, value in flags.items() if value is not None}),
        ]
        values: dict[str, object] = {}
        origins = dict.fromkeys(cls.model_fields, "default")
        for origin, layer in layers:
            values |= layer
            origins |= dict.fromkeys(layer, origin)
        try:
            settings = cls.model_validate(values)
        except ValidationError as error:
            raise SettingsError("\n".join(_faults(error, file, origins))) from error
        return settings.resolved(project, origins)

    def resolved(self, project: Path, origins: Mapping[str, str]) -> Self:
        """Return the settings with absolute paths: a flag's from the working folder, a file's from the project."""
        runs = Path.cwd() if origins["runs"] in ("flag", "environment") else project
        return self.model_copy(
            update={
                "runs": Path(os.path.realpath(runs / self.runs)),
                "ledgers": tuple(Path(os.path.realpath(project / ledger)) for ledger in self.ledgers),
                "tools": tuple(Path(os.path.realpath(project / folder)) for folder in self.tools),
                "golden": self.golden and Path(os.path.realpath(project / self.golden)),
                "origins": origins,
                "project": project,
            }
        )


_FROM_ENVIRONMENT = ("model", "mode", "samples", "effort", "runs")
_DATABASE = "database_url"
"""Read by the commands of the queue: it may hold a password, so panel.toml has no such key."""

_OUR_OWN = {"origins", "project"}
_TABLES = {"retry", "models", "servers", "site", "limits", "prices"}


def _place(key: str, origin: str) -> str:
    return {"flag": f"--{key}", "environment": _variable(key), "default": key}.get(origin, f"{origin}: {key}")


def _variable(key: str) -> str:
    return f"PANEL_{key.upper()}"


def _real(folder: Path) -> Path:
    try:
        (folder / FILE).exists()
        return folder.resolve()
    except (OSError, RuntimeError, ValueError) as error:  # too long, a loop of links, a zero byte
        reason = error.strerror if isinstance(error, OSError) else error
        raise SettingsError.at(folder, None, "", f"can't be looked into: {reason}") from error


def _refuse_misspelt(environ: Mapping[str, str]) -> None:
    """Raise SettingsError for a variable named almost like one of ours; other programs have PANEL_ variables too."""
    ours = [_variable(key) for key in _FROM_ENVIRONMENT]
    for name in sorted(environ.keys() - {*ours, _variable(_DATABASE), "PANEL_DEBUG"}):
        if not name.startswith("PANEL_") or name.startswith("PANEL_KEY_"):
            continue
        key = name.removeprefix("PANEL_").lower()
        if key in _keys():
            raise SettingsError(f"{on_one_line(name)}: is not read; write {key} in {FILE}")
        if meant := difflib.get_close_matches(key[:60], (*_FROM_ENVIRONMENT, _DATABASE), n=1):
            raise SettingsError(f"{on_one_line(name)}: is not read; did you mean {_variable(meant[0])}?")


def find(folder: Path) -> Path | None:
    """Return the nearest panel.toml in `folder` or above it, or None."""
    for place in (folder.resolve(), *folder.resolve().parents):
        if (place / FILE).is_file():
            return place / FILE
    return None


def _read(file: Path) -> Mapping[str, object]:
    text = read_text(file, SettingsError, LARGEST)
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        line = re.search(r"at line (\d+)", str(error))
        raise SettingsError.at(file, int(line[1]) if line else None, "", f"is not TOML: {error}") from error
    for key in _OUR_OWN & set(data):
        raise SettingsError.at(file, _line(text, key), key, f"unknown key{nearest(key, _keys())}")
    return data


def _keys() -> list[str]:
    return [key for key in Settings.model_fields if key not in _OUR_OWN]


def _line(text: str, *keys: str) -> int | None:
    """Return the line on which the last of `keys` is set, each looked for after the one before it."""
    end = 0
    for key in keys:
        found = re.compile(rf"(?:^|[\s{{,.\[\"'])({re.escape(key)})[\"']?\s*[=.\]]", re.MULTILINE).search(
            text, max(0, end - 1)
        )
        if not found:
            break
        end = found.end(1)
    return text.count("\n", 0, end) + 1 if end else None


def _faults(error: ValidationError, file: Path | None, origins: Mapping[str, str]) -> list[str]:
    """Return each fault once, in the order of the settings: a union reports one for each of its members."""
    return list(dict.fromkeys(_fault(details, file, origins) for details in error.errors()[:MOST_FAULTS]))


def _fault(details: ErrorDetails, file: Path | None, origins: Mapping[str, str]) -> str:
    place = [str(step) for step in details["loc"] if step != "[key]"]
    key, inner = place[0], place[1:] if place[0] in _TABLES else []
    problem = _problem(details, key, inner)
    origin = origins.get(key, "default")
    if origin in ("flag", "environment"):
        return f"{_place(key, origin)}: {problem}"
    line = _line(file.read_text(encoding="utf-8-sig"), key, *inner) if file else None
    return str(SettingsError.at(file or FILE, line, ".".join([key, *inner])[:120], problem))


def _problem(details: ErrorDetails, key: str, inner: list[str]) -> str:
    if details["type"] == "extra_forbidden":
        return f"unknown key{nearest([key, *inner][-1], FIELDS.get(key, []) if inner else _keys())}"
    return (hint(key, details["type"]) if len(inner) < 2 else None) or explain(details)
