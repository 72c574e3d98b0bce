"""Secrets: whatever a provider echoes, and however a run ends, no key reaches a file, a screen or a log."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import sys
import traceback
from base64 import b64encode, urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, quote_plus

import made
import pytest
from conftest import ROOT
from test_cli import run
from test_doctor import Shelf
from test_wire import once, turned_to
from vendor import ANTHROPIC, CHAT, DIALECTS, DROPPED, OPENAI, Answer, Call, Dialect, Vendor

from panel.errors import PanelError
from panel.llm.keys import without_secrets

PLANTED: Mapping[str, str] = {
    "ANTHROPIC_API_KEY": "Anth7/pic+Qm3=&Zx9",
    "OPENAI_API_KEY": "sk-" + "proj-Op3nA1/Kd8vR",
    "OPENAI_ADMIN_KEY": "0penAdm1n+Lw5/Tq2",
    "OPENROUTER_API_KEY": "R0uter'Hs6\"Bn4<Yc>",
    "PANEL_KEY_LAB": "Lab=Gt1\\Uf5%Ej0",
    "MY_DB_PASSWORD": "Pa\u00df w\u00f6rd & Vk2/Xd7",
    "GITHUB_TOKEN": "ghp_Mz4Ra8Wy1",
}
ANTHROPIC_HEADER, OPENAI_HEADER = "Hd3Anthr/Oe6", "Hd9Op3n+Iu2"
HEADERS: Mapping[str, str] = {
    "ANTHROPIC_CUSTOM_HEADERS": f"X-Gateway: {ANTHROPIC_HEADER}",
    "OPENAI_CUSTOM_HEADERS": f"X-Title: panel\nX-Gateway: Bearer {OPENAI_HEADER}",
}
VALUES: Mapping[str, str] = {
    **PLANTED,
    "ANTHROPIC_CUSTOM_HEADERS": ANTHROPIC_HEADER,
    "OPENAI_CUSTOM_HEADERS": OPENAI_HEADER,
}
Spelling = Callable[[str], str]
SPELLINGS: Mapping[str, Spelling] = {
    "plain": str,
    "json": lambda value: json.dumps(value)[1:-1],
    "json in json": lambda value: json.dumps(json.dumps(value)[1:-1])[1:-1],
    "json with slashes": lambda value: json.dumps(value)[1:-1].replace("/", "\\/"),
    "json of ascii": lambda value: "".join(f"\\u{ord(char):04x}" for char in value),
    "json as it is": lambda value: json.dumps(value, ensure_ascii=False)[1:-1],
    "repr": lambda value: repr(value)[1:-1],
    "html": html.escape,
    "html in numbers": lambda value: "".join(f"&#{ord(char)};" for char in value),
    "url": lambda value: quote(value, safe=""),
    "form": quote_plus,
    "base64": lambda value: b64encode(value.encode()).decode().rstrip("="),
    "base64 in an address": lambda value: urlsafe_b64encode(value.encode()).decode().rstrip("="),
    "base64 behind a name": lambda value: b64encode(f"user:{value}".encode()).decode().rstrip("="),
}
EVERY_SPELLING = {spelling(value): name for name, value in VALUES.items() for spelling in SPELLINGS.values()}

every = pytest.mark.parametrize("dialect", [pytest.param(dialect, id=dialect.name) for dialect in DIALECTS])


@pytest.fixture(autouse=True)
def _planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test runs with the secrets set, and nothing waits."""
    for name, value in {**PLANTED, **HEADERS}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("panel.llm.retry.FIRST_WAIT_S", 0.001)


def leaks(text: str) -> set[str]:
    """Return the names of the secrets that stand in a text, in any spelling."""
    return {name for spelt, name in EVERY_SPELLING.items() if spelt in text}


def written(folder: Path) -> Mapping[str, str]:
    """Return every file under a folder by its path, whatever its bytes."""
    return {str(path): path.read_bytes().decode("utf-8", "replace") for path in folder.rglob("*") if path.is_file()}


def spilt(folder: Path, *outputs: str) -> list[tuple[str, set[str]]]:
    """Return where secrets stand: files under a folder, their names, and outputs."""
    places = {**written(folder), "names": "\n".join(written(folder)), "outputs": "\n".join(outputs)}
    return [(place, found) for place, text in places.items() if (found := leaks(text))]


# What a provider echoes


def echo(number: int) -> str:
    """Return all secrets in one spelling, begun with another one each time: a message is cut after 300 characters."""
    spelling = [*SPELLINGS.values()][number % len(SPELLINGS)]
    values = [*VALUES.values()]
    turn = number % len(values)
    return " ".join(map(spelling, values[turn:] + values[:turn]))


def shouted(answer: Answer, number: int) -> Answer:
    """Return the answer with the secrets in its headers, and asking to be tried again at once."""
    said = {f"x-echo-{place}": value.encode("ascii", "ignore").decode() for place, value in enumerate(VALUES.values())}
    ids = {"request-id": PLANTED["ANTHROPIC_API_KEY"], "x-request-id": PLANTED["OPENAI_API_KEY"]}
    return replace(answer, headers={**answer.headers, **said, **ids, "retry-after-ms": "1"})


def sound(dialect: Dialect, number: int) -> Answer:
    """Return a take that holds the secrets in its prose, in the reply's model and where the usage is told."""
    values, headline = [*VALUES.values()], echo(number)
    text = made.reply(headline=headline, best_for=f"Authorization: Bearer {values[number % 9]}", not_for=values[1][:5])
    spelt = text.replace("as one", echo(number)) if number % 2 else text.replace("/", "\\/")
    body = dialect.body(spelt) | {"model": f"m-{values[number % 9]}", "id": values[2], "system_fingerprint": values[3]}
    body["usage"] = body["usage"] | {"service_tier": values[4], "speed": values[5], "output_tokens_details": None}
    return Answer.of(body | {"usage": body["usage"] | dict.fromkeys(list(body["usage"])[:1], values[0])})


def fields(status: int) -> Callable[[Dialect, int], Answer]:
    """Return the maker of an error that holds the secrets in a message, or in fields that are no message."""

    def answer(dialect: Dialect, number: int) -> Answer:
        if number % 3:
            return dialect.fault(status, f"Authorization: Bearer {echo(number)}", code=echo(number + 1))
        halves = {f"half{place}": value[:9] for place, value in enumerate(VALUES.values())}
        rest = {f"rest{place}": value[9:] for place, value in enumerate(VALUES.values())}
        return Answer.of({"detail": echo(number), **halves, **rest}, status)

    return answer


def _refused(dialect: Dialect, number: int) -> Answer:
    return dialect.refused(f"I may not judge {echo(number)}")


def _page(dialect: Dialect, number: int) -> Answer:
    text = f"<html><pre>Authorization: Bearer {html.escape(echo(number))}</pre><!-- {echo(0)} --></html>"
    return Answer((200, 403, 502)[number % 3], text.encode(), {"content-type": "text/html"})


def _malformed(dialect: Dialect, number: int) -> Answer:
    return Answer.page(f'{{"id": "{echo(number)}", "content": [{{"ty', "application/json")


def _odd(dialect: Dialect, number: int) -> Answer:
    spoilt = {"model": {"echo": echo(number)}, "status": "failed", "error": {"message": echo(number)}}
    refusal = {"stop_details": {"explanation": [echo(number)]}, "stop_reason": echo(number)}
    return Answer.of(dialect.body(echo(number)) | spoilt | refusal)


Echo = Callable[[Dialect, int], Answer]
ECHOES: Mapping[str, Echo] = {
    "200": sound,
    **{str(status): fields(status) for status in (400, 401, 403, 404, 429, 500)},
    "refused": _refused,
    "dropped": lambda dialect, number: DROPPED,
    "page": _page,
    "malformed": _malformed,
    "odd": _odd,
}
echoed = pytest.mark.parametrize("echoing", [pytest.param(each, id=name) for name, each in ECHOES.items()])


class Parrot(Vendor):
    """A vendor that echoes secrets to each seat in a way of its own, and answers its second request with a take."""

    def __init__(self, *echoes: Echo) -> None:
        super().__init__(self._echo)
        self.echoes = echoes
        self.asked: Counter[int] = Counter()

    def _echo(self, call: Call) -> Answer:
        number, seat = len(self.calls), int(re.findall(r"Mason (\d+)", json.dumps(call.body))[0])
        self.asked[seat] += 1
        echoing = sound if self.asked[seat] == 2 else self.echoes[seat]
        return shouted(echoing(call.dialect, number), number)


def project(folder: Path, vendor: Parrot, *models: str) -> Path:
    """Return the dossier of a project with a seat for each echo and one retry, whose server `lab` is the vendor.

    The seats ask the models in turn.
    """
    made.project(folder, personas=len(vendor.echoes))
    seats = "".join(f'mason{seat} = "{models[seat % len(models)]}"\n' for seat in range(len(vendor.echoes)))
    head = f'model = "{models[0]}"\nparallel = 8\n[retry]\nattempts = 2\n'
    (folder / "panel.toml").write_text(f'{head}[servers]\nlab = "{vendor.url}/v1"\n[models]\n{seats}')
    return folder / "plumb.yaml"


@every
def test_no_echo_is_kept_or_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dialect: Dialect) -> None:
    """Whatever a provider echoes, in whatever form, a live run and a fresh one keep and print no secret.

    Some seats are heard at once, some after a retry, some in the fresh run only, and some never.
    """
    monkeypatch.chdir(tmp_path)
    with Parrot(*ECHOES.values()) as vendor, turned_to(vendor):
        dossier = str(project(tmp_path, vendor, dialect.model))
        done = [run("review", dossier), run("--debug", "review", dossier, "--mode", "fresh", "--json")]
    done += [run("show", "plumb"), run("show", "plumb", "--json")]

    assert set(range(len(ECHOES))) == set(vendor.asked)
    assert {f"Bearer {PLANTED[dialect.key]}"} == {call.headers["authorization"] for call in vendor.calls}
    assert [] == spilt(tmp_path, *(each.output for each in done))
    assert {"review.json", "review.md", "log.jsonl", "choices.json"} <= {path.name for path in tmp_path.rglob("*")}
    assert "[key]" in done[0].output + "".join(written(tmp_path / "runs" / "ledger").values())


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error with all that hangs on it, shown in a traceback or not."""
    if error:
        yield error
        yield from chain(error.__cause__)
        yield from chain(error.__context__)


@every
@echoed
def test_no_error_holds_an_echo(monkeypatch: pytest.MonkeyPatch, dialect: Dialect, echoing: Echo) -> None:
    """Neither the error that a model raises, nor one that it hangs on, nor a traceback of them, holds a secret."""
    for number in range(1, 4):
        error = once(dialect, [shouted(echoing(dialect, number), number)]).outcome
        if isinstance(error, PanelError):
            told = [f"{each!s} {each!r} {vars(each)}" for each in chain(error)]

            assert set() == leaks("\n".join([*told, *traceback.format_exception(error)]))


# What is sent


@every
def test_a_vendor_is_sent_its_own_secrets_and_no_others(tmp_path: Path, dialect: Dialect) -> None:
    """A request carries the key in its header, its vendor's own custom headers, and no other secret anywhere."""
    with Parrot(sound) as vendor, turned_to(vendor):
        run("review", str(project(tmp_path, vendor, dialect.model)))
    own = {ANTHROPIC: "ANTHROPIC_CUSTOM_HEADERS", OPENAI: "OPENAI_CUSTOM_HEADERS"}.get(dialect)

    for call in vendor.calls:
        assert f"Bearer {PLANTED[dialect.key]}" == call.headers["authorization"]
        assert {dialect.key, own} - {None} == leaks("\n".join(call.headers.values()))
        assert set() == leaks(json.dumps(call.body))


# Commands


def test_no_command_prints_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Doctor, prompt, init, persona, tool, a sheet for a person: none of them prints or writes a secret.

    The doctor's server echoes them as the names of its models.
    """
    made.project(tmp_path, personas=1)
    monkeypatch.chdir(tmp_path)
    models = [{"id": spelling(value)} for value in VALUES.values() for spelling in SPELLINGS.values()]
    with Shelf(json.dumps({"data": models}).encode()) as url:
        (tmp_path / "panel.toml").write_text(f'[servers]\nlab = "{url}"\n')
        done = [run("doctor"), run("doctor", "--json"), run("doctor", "plumb.yaml", "--model", OPENAI.model)]
    done += [run("prompt", "plumb.yaml", "--persona", "mason0", *more) for more in ([], ["--json"])]
    done += [run("review", "plumb.yaml", "--model", "manual:chat"), run("init", "mine"), run("persona", "list")]
    done += [run("tool", "check", "plumb.yaml"), run("schema", "review"), run("review", "none.yaml")]

    assert "lab listens" in done[0].output
    assert (tmp_path / "runs" / "outbox").is_dir()
    assert [] == spilt(tmp_path, *(each.output for each in done))


@pytest.mark.parametrize("arguments", [["--debug"], []], ids=["debug", "plain"])
def test_a_fault_that_nobody_foresaw_shows_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    """An error from anywhere that holds every secret, its cause and its context too, is told without them."""

    def break_down(*_: object) -> None:
        raise RuntimeError(echo(1), PLANTED) from ValueError(echo(0))

    monkeypatch.setattr("panel.doctor._versions", break_down)
    monkeypatch.chdir(tmp_path)

    done = run(*arguments, "doctor")

    assert (1, bool(arguments)) == (done.exit_code, "in break_down" in done.stderr)
    assert "RuntimeError" in done.stderr
    assert set() == leaks(done.output)


# Processes of their own: logs, developer mode, tracebacks

LOUD = {"ANTHROPIC_LOG": "debug", "OPENAI_LOG": "debug", "PANEL_DEBUG": "1", "PYTHONPATH": str(ROOT)}


def started(folder: Path, vendor: Parrot, *models: str, **environment: str) -> subprocess.Popen[str]:
    """Start a live review, with everything that makes it talk, as a process of its own."""
    folder.mkdir()
    call = [sys.executable, "-X", "dev", "-m", "panel", "--debug", "review", str(project(folder, vendor, *models))]
    variables = {**os.environ, **LOUD, **vendor.environment, **environment}
    pipe = subprocess.PIPE
    return subprocess.Popen(call, env=variables, cwd=folder, text=True, stdout=pipe, stderr=pipe)


def test_logs_and_tracebacks_of_a_loud_process_hold_no_secret(tmp_path: Path) -> None:
    """With the SDKs' logs, --debug and Python's developer mode a process says much, and no secret.

    In one process two SDKs hear echoes and a third call breaks on a custom header that no header may hold, with the
    SDK's traceback in the log; the other process ends in Panel's own, since its key holds what no key may.
    """
    broken = f"{HEADERS['OPENAI_CUSTOM_HEADERS']}\nX-Odd: {ANTHROPIC_HEADER}\x0b{OPENAI_HEADER}"
    models = ANTHROPIC.model, CHAT.model, OPENAI.model
    with Parrot(fields(401), _malformed, sound) as vendor:
        processes = [
            started(tmp_path / "talks", vendor, *models, OPENAI_CUSTOM_HEADERS=broken),
            started(tmp_path / "ends", vendor, OPENAI.model, OPENAI_API_KEY=f"{PLANTED['OPENAI_API_KEY']}\u00e9"),
        ]
        talks, ends = ("".join(process.communicate()) for process in processes)

    assert {ANTHROPIC, CHAT} == {call.dialect for call in vendor.calls}
    assert all(f"DEBUG] {mark}" in talks for mark in ("request_id: [key]", "HTTP Response", "Encountered"))
    assert "Illegal header value" in talks
    assert "Traceback" in ends
    assert [] == spilt(tmp_path, talks, ends)


# The search itself


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_search_finds_what_is_planted_and_the_product_takes_it_out(
    tmp_path: Path, name: str, spelling: str
) -> None:
    """A secret in a file, in any spelling, is found by the search of these tests, and taken out by the product."""
    text = f'{{"a": "{SPELLINGS[spelling](VALUES[name])}"}}'
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(b"\xff" + text.encode())

    assert [(str(tmp_path / "deep" / "file"), {name})] == spilt(tmp_path)
    assert name in spilt(tmp_path / "none", text)[0][1]
    assert set() == leaks(without_secrets(text))
