"""The ledger: nothing asked twice, nothing overwritten, and a file that was changed is never believed."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import DOSSIER, PARAMETERS, PERSONA, persona, prompts, question, tool

from panel.errors import RecordError, RecordingMissing, Transient
from panel.files import read_json, readable
from panel.llm.fake import Fake
from panel.llm.ledger import Ledger, Ledgers, Recorded
from panel.llm.miss import MOST_DIFF_LINES
from panel.llm.recording import Recording
from panel.prompt import Prompts, Question
from panel.request import Attempt, Parameters, Reply, Request, Stop, Usage

REPLY = Reply(
    text='{"take": "one",\n "headline": "Größe"}',
    stop=Stop.TRUNCATED,
    detail="cut off",
    answered_by="fake:panel-2026",
    usage=Usage(input=10, cache_read=20, cache_write=30, output=40),
    cost_usd="0.0123",
    attempts=(Attempt(number=1, waited_s=0, error="429"), Attempt(number=2, waited_s=1.5)),
    recorded_at="2026-05-01T12:00:00Z",
)
OTHER = REPLY.model_copy(update={"text": "two"})


@pytest.fixture
def request_(tmp_path: Path) -> Request:
    """The request that Mason gets about Plumb."""
    return question(tmp_path).request()


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """An empty ledger."""
    return Ledger(tmp_path / "ledger")


def kept(ledger: Ledger, request: Request, reply: Reply = REPLY) -> Path:
    """Return the path of a recording that is kept in a ledger."""
    ledger.keep(request, reply)
    return ledger.path(request.identity)


def tampered(path: Path, change: Callable[[Any], object]) -> None:
    """Change a recording in place, as somebody with an editor would."""
    data = read_json(path)
    change(data)
    path.write_bytes(readable(data))


def missing(ledgers: Ledgers, request: Request) -> list[str]:
    """Return the lines of the error that replay gives for a request."""
    with pytest.raises(RecordingMissing) as caught:
        asyncio.run(Recorded(ledgers, None).ask(request))
    return str(caught.value).splitlines()


def test_what_is_kept_is_found(ledger: Ledger, request_: Request) -> None:
    """A recording comes back with its request, its reply and its label just as they were."""
    kept(ledger, request_)
    found = ledger.find(request_.identity)

    assert found
    assert (REPLY, request_.identity, request_.label) == (found.reply, found.request.identity, found.label)
    assert request_.as_json() == found.request.as_json()


def test_what_was_not_kept_is_not_found(ledger: Ledger, request_: Request) -> None:
    """A ledger without the recording, or without a folder, has nothing to give."""
    assert ledger.find(request_.identity) is None


def test_a_recording_lies_under_the_first_two_digits_of_its_identity(ledger: Ledger, request_: Request) -> None:
    """A recording is named by its identity, and 256 folders share them."""
    digits = request_.identity.removeprefix("sha256:")

    assert ledger.folder / digits[:2] / f"{digits}.json" == kept(ledger, request_)
    assert re.fullmatch("[0-9a-f]{64}", digits)


def test_a_recording_is_never_overwritten(ledger: Ledger, request_: Request) -> None:
    """A second reply to the same request leaves the first one as it is, to the byte."""
    before = kept(ledger, request_).read_bytes()

    assert before == kept(ledger, request_, OTHER).read_bytes()


def test_a_recording_can_be_read_by_people(ledger: Ledger, request_: Request) -> None:
    """Each line of prompt and reply is a line of the file, umlauts and all."""
    lines = [line.strip().rstrip(",") for line in kept(ledger, request_).read_text("utf-8").splitlines()]
    said = [*request_.system.split("\n"), *request_.blocks[0].text.split("\n"), *REPLY.text.split("\n")]

    assert set() == {json.dumps(line, ensure_ascii=False) for line in said} - set(lines)


def test_a_label_is_no_part_of_the_identity(ledger: Ledger, tmp_path: Path, request_: Request) -> None:
    """A tool with another slug finds the recordings that were made under the old one."""
    kept(ledger, request_)
    renamed = tool(tmp_path, DOSSIER.replace("slug: plumb", "slug: plumb-line"))
    again = Question(renamed, persona(tmp_path), prompts(), "fake:panel", PARAMETERS).request()

    assert ("plumb", "plumb-line") == (request_.label.tool, again.label.tool)
    assert REPLY == Ledgers(ledger).find(again.identity)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param(lambda data: data["reply"]["text"].append("more"), "was changed after", id="text"),
        pytest.param(lambda data: data["reply"].update(cost_usd="0"), "was changed after", id="cost"),
        pytest.param(lambda data: data["reply"].update(answered_by="a:b"), "was changed after", id="who answered"),
        pytest.param(lambda data: data["reply"].update(recorded_at="2027"), "was changed after", id="time"),
        pytest.param(lambda data: data["reply"]["usage"].update(output=1), "was changed after", id="usage"),
        pytest.param(lambda data: data["reply"].update(carried_from="sha256:x"), "was changed after", id="carried"),
        pytest.param(lambda data: data.update(digest="sha256:0"), "was changed after", id="digest"),
        pytest.param(lambda data: data["request"]["system"].append("more"), "does not match its name", id="system"),
        pytest.param(lambda data: data["request"].update(sample=2), "does not match its name", id="sample"),
        pytest.param(lambda data: data["request"].update(note="x"), "does not match its name", id="note"),
        pytest.param(lambda data: data["request"]["reply_schema"].clear(), "does not match its name", id="schema"),
        pytest.param(lambda data: data.update(identity="sha256:0"), "does not match its name", id="identity"),
        pytest.param(lambda data: data.pop("reply"), "is no recording", id="no reply"),
        pytest.param(lambda data: data.update(remark="x"), "is no recording", id="unknown key"),
        pytest.param(lambda data: data["reply"].update(remark="x"), "is no recording", id="unknown key inside"),
        pytest.param(lambda data: data.update(schema="panel.recording/2"), "is no recording", id="of another form"),
        pytest.param(lambda data: data["reply"].update(stop="bored"), "is no recording", id="unknown stop"),
    ],
)
def test_a_recording_that_was_changed_is_refused(
    ledger: Ledger, request_: Request, change: Callable[[Any], object], problem: str
) -> None:
    """A recording whose request or reply was changed by hand is refused with the name of its file."""
    path = kept(ledger, request_)
    tampered(path, change)
    with pytest.raises(RecordError) as caught:
        ledger.find(request_.identity)

    assert str(caught.value).startswith(f"{path}: ")
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"null\n", id="null"),
        pytest.param(b"[]\n", id="a list"),
        pytest.param(b'{"schema": "panel.recording/1"', id="torn"),
        pytest.param(b"\xff\xff", id="not UTF-8"),
    ],
)
def test_a_file_that_is_no_recording_is_refused(ledger: Ledger, request_: Request, content: bytes) -> None:
    """A file of something else under the name of a recording is refused with its name."""
    path = kept(ledger, request_)
    path.write_bytes(content)
    with pytest.raises(RecordError) as caught:
        ledger.find(request_.identity)

    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(b'"additionalProperties": false', b'"additionalProperties": NaN', id="no number"),
        pytest.param(b'"additionalProperties": false', b'"additionalProperties": 1e999', id="infinity"),
        pytest.param(b'"additionalProperties": false', b'"additionalProperties": "\\ud800"', id="half a character"),
        pytest.param(b'"waited_s": 1.5', b'"waited_s": NaN', id="no number in the reply"),
        pytest.param(b'"0.0123"', b'"\\ud800"', id="half a character in the reply"),
    ],
)
def test_what_has_no_canonical_spelling_is_refused(ledger: Ledger, request_: Request, old: bytes, new: bytes) -> None:
    """A recording with a value that no hash can be taken over is refused as any other that was changed."""
    path = kept(ledger, request_)
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    with pytest.raises(RecordError) as caught:
        ledger.find(request_.identity)

    assert str(caught.value).startswith(f"{path}: ")


def test_swapped_recordings_are_refused(ledger: Ledger, tmp_path: Path) -> None:
    """Two sound recordings under each other's names are both refused with the name of the file."""
    requests = [question(tmp_path).request(sample) for sample in (1, 2)]
    paths = [kept(ledger, request) for request in requests]
    first, second = (path.read_bytes() for path in paths)
    paths[0].write_bytes(second)
    paths[1].write_bytes(first)

    for request, path in zip(requests, paths, strict=True):
        with pytest.raises(RecordError, match="the request in it does not match its name") as caught:
            ledger.find(request.identity)
        assert str(caught.value).startswith(f"{path}: ")


@given(st.integers(min_value=0))
def test_a_torn_recording_is_refused(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    """Wherever a recording is cut off, it is refused with the name of its file."""
    folder = tmp_path_factory.mktemp("torn")
    request, ledger = question(folder).request(), Ledger(folder / "ledger")
    path = kept(ledger, request)
    whole = path.read_bytes()
    path.write_bytes(whole[: cut % (len(whole) - 1)])
    with pytest.raises(RecordError) as caught:
        ledger.find(request.identity)

    assert str(caught.value).startswith(f"{path}: ")


@given(place=st.integers(min_value=0), byte=st.integers(0, 255))
def test_one_wrong_byte_never_passes(tmp_path_factory: pytest.TempPathFactory, place: int, byte: int) -> None:
    """A recording with one byte changed says what it said before, or is refused with the name of its file."""
    folder = tmp_path_factory.mktemp("byte")
    request, ledger = question(folder).request(), Ledger(folder / "ledger")
    path = kept(ledger, request)
    content = bytearray(path.read_bytes())
    content[place % len(content)] = byte
    path.write_bytes(content)
    outcome: object
    try:
        outcome = Ledgers(ledger).find(request.identity)
    except RecordError as error:
        outcome = str(error)

    assert REPLY == outcome or str(outcome).startswith(f"{path}: ")


def test_replay_asks_nobody(ledger: Ledger, request_: Request) -> None:
    """What is recorded is answered from the ledger, and no model is needed."""
    kept(ledger, request_)
    recorded = Recorded(Ledgers(ledger), None)

    assert (REPLY, []) == (asyncio.run(recorded.ask(request_)), recorded.asked)


def test_what_is_missing_is_asked_once_and_kept(ledger: Ledger, request_: Request) -> None:
    """A request that no ledger holds is asked, noted as asked, and never asked again."""
    model = Fake([REPLY])
    for expected in ([request_.identity], []):
        recorded = Recorded(Ledgers(ledger), model)

        assert (REPLY, expected) == (asyncio.run(recorded.ask(request_)), recorded.asked)
    assert 1 == len(model.asked)


def test_a_fault_is_not_recorded(ledger: Ledger, request_: Request) -> None:
    """Where the provider lets us down nothing is kept, so the request is asked again next time."""
    model = Fake([Transient("overloaded"), REPLY])
    recorded = Recorded(Ledgers(ledger), model)
    with pytest.raises(Transient):
        asyncio.run(recorded.ask(request_))

    assert ([], None) == (recorded.asked, ledger.find(request_.identity))
    assert REPLY == asyncio.run(recorded.ask(request_))


@pytest.mark.parametrize("text", ["half a \ud83d character", "zero \x00 byte", "", "\r\n \u2028 lines \x85"])
def test_a_reply_of_any_text_is_kept(ledger: Ledger, request_: Request, text: str) -> None:
    """What was paid for is kept whatever characters are in it, and is replayed as it was given."""
    given = asyncio.run(Recorded(Ledgers(ledger), Fake([REPLY.model_copy(update={"text": text})])).ask(request_))

    assert given == asyncio.run(Recorded(Ledgers(ledger), None).ask(request_))


def test_the_own_ledger_goes_before_the_others(tmp_path: Path, request_: Request) -> None:
    """Of several recordings of one request the project's own counts, then the others in their order."""
    own, one, two = (Ledger(tmp_path / name) for name in ("own", "one", "two"))
    kept(two, request_, REPLY.model_copy(update={"text": "two"}))
    kept(one, request_, REPLY.model_copy(update={"text": "one"}))
    ledgers = Ledgers(own, (one, two))
    first = ledgers.find(request_.identity)
    kept(own, request_)

    assert ("one", REPLY) == (first and first.text, ledgers.find(request_.identity))


def asked(folder: Path, dossier: str = DOSSIER, critic: str = PERSONA, **system: str) -> Question:
    """Return what a critic is asked about a dossier, with another line in the system text where one is given."""
    texts = dict(prompts().texts)
    for old, new in system.items():
        texts["system.md"] = texts["system.md"].replace(old, new)
    return Question(tool(folder, dossier), persona(folder, critic), Prompts(texts), "fake:panel", PARAMETERS)


def test_a_miss_without_anything_like_it_names_tool_and_persona(ledger: Ledger, request_: Request) -> None:
    """A request for a seat that was never recorded is told with tool and persona."""
    assert ["plumb: mason: no recording of this request"] == missing(Ledgers(ledger), request_)


@pytest.mark.parametrize(
    ("dossier", "critic", "system", "expected"),
    [
        pytest.param(
            DOSSIER.replace("Rules are read", "Rules are kept"), PERSONA, {},
            ["- | Rules are read once", "+ | Rules are kept once"],
            id="dossier",
        ),
        pytest.param(
            DOSSIER, PERSONA.replace("You like few words", "You like many words"), {},
            ["- and by how much of them", "+ and by how much of them"],
            id="persona",
        ),
        pytest.param(DOSSIER, PERSONA, {"Prose": "Style"}, ["- # Prose", "+ # Style"], id="system text"),
    ],
)  # fmt: skip
def test_a_miss_shows_what_changed(
    ledger: Ledger, tmp_path: Path, dossier: str, critic: str, system: dict[str, str], expected: list[str]
) -> None:
    """A request whose text was changed is told with the old line and the new one, and no others."""
    kept(ledger, asked(tmp_path).request())
    head, *changes = missing(Ledgers(ledger), asked(tmp_path, dossier, critic, **system).request())

    assert "plumb: mason: no recording of this request; the nearest one differs in:" == head
    assert len(expected) == len(changes)
    assert all(line.strip().startswith(start) for line, start in zip(changes, expected, strict=True))


def test_a_miss_shows_a_change_far_in_a_long_line(ledger: Ledger, tmp_path: Path) -> None:
    """A description is one long line; what changed at its end can be seen."""
    kept(ledger, asked(tmp_path).request())
    later = asked(tmp_path, DOSSIER.replace("one report file per run", "two report files per run"))
    changes = missing(Ledgers(ledger), later.request())[1:]

    assert [True, True] == ["one report file" in changes[0], "two report files" in changes[1]]


@pytest.mark.parametrize(
    ("update", "expected"),
    [
        pytest.param({"sample": 3}, ["- sample: 1", "+ sample: 3"], id="sample"),
        pytest.param({"model": "openai:gpt"}, ["- model: fake:panel", "+ model: openai:gpt"], id="model"),
        pytest.param(
            {"parameters": Parameters(max_tokens=16_000, effort="low")},
            ["- parameters: ", "+ parameters: "],
            id="effort",
        ),
    ],
)
def test_a_miss_shows_what_is_asked_otherwise(
    ledger: Ledger, request_: Request, update: dict[str, object], expected: list[str]
) -> None:
    """A request for another model, sample or effort is told with both."""
    kept(ledger, request_)
    changes = missing(Ledgers(ledger), request_.model_copy(update=update))[1:]

    assert len(expected) == len(changes)
    assert all(line.strip().startswith(start) for line, start in zip(changes, expected, strict=True))


def test_a_miss_is_compared_with_the_nearest_recording_of_its_seat(ledger: Ledger, tmp_path: Path) -> None:
    """Of several recordings of a seat, in whatever ledger, the one with the fewest changes is shown."""
    other = Ledger(tmp_path / "other")
    kept(ledger, asked(tmp_path, DOSSIER.replace("Rules are read", "Settings are looked up")).request(2))
    kept(other, asked(tmp_path).request())
    changes = missing(Ledgers(ledger, (other,)), asked(tmp_path, DOSSIER.replace("31 sec", "32 sec")).request())[1:]

    assert ["-", "+"] == [line.strip()[0] for line in changes]
    assert [True, True] == ["31 sec" in changes[0], "32 sec" in changes[1]]


def test_a_miss_is_not_compared_with_another_seat(ledger: Ledger, request_: Request) -> None:
    """A recording of another persona or another tool is nothing to compare with."""
    for label in ({"tool": "plumb", "persona": "joiner"}, {"tool": "level", "persona": "mason"}):
        other = request_.label.model_copy(update=label)
        kept(ledger, request_.model_copy(update={"label": other, "note": str(label)}))

    assert 1 == len(missing(Ledgers(ledger), request_))


def test_a_miss_with_many_changes_shows_the_first_and_counts_the_rest(ledger: Ledger, tmp_path: Path) -> None:
    """Of many changed lines the first sixteen are shown, and the number of the others is right."""
    texts = dict(prompts().texts)
    kept(ledger, asked(tmp_path).request())
    texts["system.md"] += "".join(f"\n\nnew line {number}" for number in range(40))
    new = Question(tool(tmp_path), persona(tmp_path), Prompts(texts), "fake:panel", PARAMETERS).request()
    *shown, rest = missing(Ledgers(ledger), new)[1:]

    assert [f"+ new line {number}" for number in range(MOST_DIFF_LINES)] == [line.strip() for line in shown]
    assert f"… and {40 - MOST_DIFF_LINES} more lines" == rest.strip()


def test_a_recording_is_of_its_request_and_reply(request_: Request) -> None:
    """The content hash of a recording changes with its request and its reply, and not with its label."""
    whole = Recording.of(request_, REPLY)
    label = request_.label.model_copy(update={"tool": "other"})

    assert whole.digest == Recording.of(request_.model_copy(update={"label": label}), REPLY).digest
    assert whole.digest != Recording.of(request_, OTHER).digest
    assert whole.digest != Recording.of(request_.model_copy(update={"sample": 2}), REPLY).digest


def test_of_two_replies_that_come_at_once_the_first_stands(
    ledger: Ledger, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where two processes answer one request at once, both go on with the reply that was written first."""
    first, second = (REPLY.model_copy(update={"text": text}) for text in ("first", "second"))
    assert first == ledger.keep(request_, first)
    monkeypatch.setattr(Path, "exists", lambda _: False)

    assert first == ledger.keep(request_, second)
    assert first == Ledgers(ledger).find(request_.identity)
