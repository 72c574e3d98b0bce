"""What all tests share: no key, no network beyond this machine, no waiting, a project of their own."""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import equipment
import pytest
from forked import STEERING, Forked
from hypothesis import HealthCheck, settings

import panel

if TYPE_CHECKING:  # who hands the tests out runs none, and imports none of this
    from browsing import Browser
    from office import Office
    from postgres import Server
    from published import House
    from shown import Published

pytest_report_header = equipment.pytest_report_header
pytest_terminal_summary = equipment.pytest_terminal_summary

ROOT = Path(panel.__file__).parent.parent
EXAMPLES = ROOT / "examples"

settings.register_profile(
    "suite", deadline=None, max_examples=25, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("fuzz", settings.get_profile("suite"), derandomize=False, max_examples=1_000)
settings.load_profile("suite")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect the tests without looking for garbage; what is there then stays, and is never looked through again."""
    gc.disable()
    collected = yield
    gc.enable()
    gc.freeze()
    return collected


@pytest.fixture(scope="session", autouse=True)
def _spared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Spare each client the certificates of the world, which nobody here shows, and each command its making."""
    from typer.main import get_command

    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SSL_CERT_FILE", raising=False)
        patch.setenv("SSL_CERT_DIR", str(tmp_path_factory.mktemp("certificates")))
        patch.setattr("typer.testing._get_command", cache(get_command))
        yield


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key and no setting of this machine reaches a test."""
    for name in list(os.environ):
        if STEERING.search(name):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture(scope="session")
def forked() -> Iterator[Forked]:
    """A process that starts commands: it takes a second to begin, so one serves all tests."""
    with Forked() as process:
        yield process


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection to anything but this machine fails the test that tries it."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
            message = f"a test reached for the network: {address}"
            raise AssertionError(message)
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Office:
    """A project of three masons, or as many as a test says; it is the working folder, and nothing is reviewed yet."""
    from office import Office, prompts_in

    mine = Office(tmp_path, getattr(request, "param", 3))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("panel.llm.open.stand_in", mine.answer)
    monkeypatch.setattr("panel.prompt.Prompts.read", prompts_in)
    monkeypatch.setattr("os.fsync", lambda _: None)  # no test here outlives a loss of power
    return mine


@pytest.fixture(scope="session")
def _browser() -> Iterator[Browser]:
    """A browser takes a second to begin, so one serves all tests of a worker."""
    from browsing import browsing

    with browsing() as started:
        yield started


@pytest.fixture
def browser(_browser: Browser) -> Iterator[Browser]:
    """A browser in which nothing is open; what a test opens is closed after it."""
    yield _browser
    _browser.rest()


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """A project that publishes a site, with nothing reviewed yet; it is the working folder."""
    from office import prompts_in
    from published import House

    monkeypatch.setattr("panel.prompt.Prompts.read", prompts_in)
    monkeypatch.setattr("os.fsync", lambda _: None)  # no test here outlives a loss of power
    monkeypatch.chdir(tmp_path)
    return House(tmp_path)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Server]:
    """A server takes two seconds to begin, so one serves all tests of all workers."""
    from postgres import serving

    own = tmp_path_factory.getbasetemp()
    with serving(own if worker_id == "master" else own.parent) as server:
        yield server


@pytest.fixture(scope="module")
def database(postgres: Server, worker_id: str, request: pytest.FixtureRequest) -> str:
    """The URL of an empty database of a module's own."""
    return postgres.database(f"{request.path.stem}_{worker_id}")


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    """The site of the examples: it takes some seconds to build, so one serves all tests of a worker."""
    from shown import publish

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        with publish(tmp_path_factory.mktemp("published")) as site:
            yield site
