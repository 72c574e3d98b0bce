"""Batches of vendors, over the wire: what comes back is what would have been said one by one, and is paid for once."""

from __future__ import annotations

import asyncio
import json
import shutil
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import made
import pytest
from batching import BatchVendor, Visit
from clock import Ticker
from held import Held
from office import Office
from vendor import ANTHROPIC, DROPPED, OPENAI, Answer, Dialect, Said

from panel.batch.desk import Desk
from panel.batch.drafts import Wanted
from panel.batch.trip import Limit, Order, Trip, round_trip
from panel.errors import OverBudget
from panel.files import read_json
from panel.llm.anthropic_batches import AnthropicBatches
from panel.llm.batches import Limits
from panel.llm.ledger import Ledger
from panel.llm.openai_batches import OpenAIBatches
from panel.llm.recording import Recording
from panel.project import Project
from panel.tool import read_tool

VENDORS = pytest.mark.parametrize("dialect", [ANTHROPIC, OPENAI], ids=["anthropic", "openai"])
SUBMIT = ("batch", "submit", "plumb.yaml", "--yes", "--model")


def sound(_: Said) -> str:
    """Say what passes every gate."""
    return made.reply()


def mending(body: Said) -> str:
    """Say something to mend to Mason 1, and mend it."""
    turns = body.get("messages") or body["input"]
    return made.reply(vote="skip") if len(turns) == 1 and "Mason 1" in json.dumps(turns) else made.reply()


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[BatchVendor]:
    """A vendor that all commands of a test turn to, and that is never waited for."""
    with BatchVendor(sound) as started:
        for name, value in started.environment.items():
            monkeypatch.setenv(name, value)
        clock = Ticker().clock
        monkeypatch.setattr(Desk.__init__, "__defaults__", (clock, *(Desk.__init__.__defaults__ or ())[1:]))
        # Root certificates take time to read, and nobody on this machine shows one.
        monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", lambda *_, **__: None)
        yield started


def recordings(office: Office) -> list[Recording]:
    """Return all that the ledger holds, each of them sound."""
    ledger = Ledger(office.path("runs/ledger"))
    held = [each.recording for each in ledger.all()]
    assert None not in held
    return [each for each in held if each]


def manifests(office: Office) -> list[dict[str, Any]]:
    """Return the manifests, the oldest first."""
    paths = sorted(office.path("runs/batches").glob("*.json"))
    return [json.loads(path.read_text()) for path in paths]


def last(office: Office) -> Path:
    """Return the file of the last manifest."""
    return max(office.path("runs/batches").glob("*.json"))


def forget_the_id(office: Office) -> None:
    """Leave the last manifest as a kill between submission and checkpoint leaves it."""
    data = json.loads(last(office).read_text()) | {"id": None, "phase": "intent", "is_presumed": False}
    last(office).write_text(json.dumps(data))


def failing(kind: str, *personas: str) -> Any:
    """Return a vendor's word that fails the requests of some personas."""

    def say(body: Said) -> str | Said:
        is_hit = any(persona in json.dumps(body) for persona in personas)
        return {"type": kind, "message": "no such thing"} if is_hit else made.reply()

    return say


@VENDORS
def test_batches_make_the_record_that_asking_one_by_one_makes(
    dialect: Dialect, office: Office, vendor: BatchVendor, tmp_path: Path
) -> None:
    """With repairs and further samples, the record differs in cost and times alone, and nobody is asked by himself."""
    vendor.say = mending
    office.done("review", "plumb.yaml", "--model", dialect.model, "--samples", "2", "--runs", "alone")
    alone, asked = record(office.path("alone/plumb/review.json")), len(vendor.singles)

    for _ in range(2):
        office.done(*SUBMIT, dialect.model, "--samples", "2")
        office.done("batch", "collect")
    idle = office.done(*SUBMIT, dialect.model, "--samples", "2")
    office.done("review", "plumb.yaml", "--model", dialect.model, "--samples", "2")

    assert "Nothing to submit" in idle
    assert asked == len(vendor.singles)
    assert asked == len(vendor.asked) == len(set(vendor.asked))
    assert [6, 2] == [len(made.requests) for made in vendor.batches]
    assert alone == record(office.path("runs/plumb/review.json"))
    assert [] == list(office.path("runs/batches").glob("*.jsonl"))


def record(path: Path) -> Any:
    """Return a record without what each ask cost, and when it was."""
    data: Any = read_json(path)
    for seat in data["seats"]:
        for ask in seat["asks"]:
            del ask["cost_usd"], ask["recorded_at"]
    return data


def test_a_recording_of_a_batch_is_whole_and_costs_half(office: Office, vendor: BatchVendor) -> None:
    """It has the batch, half the price and the request as it was submitted, whatever became of the prompt since."""
    office.done("review", "plumb.yaml", "--model", OPENAI.model, "--persona", "mason0")
    [alone] = recordings(office)
    office.done(*SUBMIT, OPENAI.model)
    persona = office.path("personas/mason1.md")
    persona.write_text(persona.read_text().replace("You build walls", "You build high walls"))

    office.done("batch", "collect")

    kept = [each for each in recordings(office) if each.reply.batch]
    assert [vendor.batches[0].id] * 2 == [each.reply.batch for each in kept]
    assert {"mason1", "mason2"} == {each.label.persona for each in kept}
    assert Decimal(alone.reply.cost_usd or 0) / 2 == Decimal(kept[0].reply.cost_usd or 0)
    assert not [each for each in kept if "high walls" in json.dumps(each.request.as_json())]


def trip(office: Office, model: str, ticker: Ticker, limit: Limit | None = None) -> Trip:
    """Return what a round trip over Plumb comes to."""
    project = Project.open(office.folder, {"model": model})
    tools = [read_tool(office.path("plumb.yaml"), project.persona_ids)]

    async def go() -> Trip:
        async with Desk(project, lambda text: None, ticker.clock) as desk:
            return await round_trip(desk, Order(Wanted(tools), limit=limit or Limit()))

    return asyncio.run(go())


@VENDORS
def test_a_round_trip_ends_when_nothing_is_missing(dialect: Dialect, office: Office, vendor: BatchVendor) -> None:
    """It waits 15 s at first and 5 min at last, collects, submits the repairs, and then has nothing left to ask."""
    vendor.say, vendor.looks = mending, 10
    ticker = Ticker()

    done = trip(office, dialect.model, ticker)

    assert (True, 0, 2) == (done.is_whole, done.drafts.requests, len(done.batches))
    assert (15, 300) == (ticker.waits[0], max(ticker.waits))
    assert sorted(ticker.waits[:9]) == ticker.waits[:9]
    assert 4 == len(recordings(office))


def test_a_round_trip_that_brings_nothing_new_ends(office: Office, vendor: BatchVendor) -> None:
    """What a vendor fails again and again is asked once more where others were answered, and then named."""
    vendor.say = failing("api_error", "Mason 2")

    done = trip(office, ANTHROPIC.model, Ticker())

    assert (False, 1) == (done.is_whole, done.drafts.requests)
    assert [3, 1] == [len(made.requests) for made in vendor.batches]


def test_the_budget_holds_for_all_rounds(office: Office, vendor: BatchVendor) -> None:
    """A budget below the worst case refuses before anything is sent, with exit 4; an unknown price does, too."""
    office.path("panel.toml").write_text('[prices."anthropic:dear"]\ninput = 1_000\noutput = 1_000\n')
    for model, budget, said in (("anthropic:dear", "20", "could cost"), ("anthropic:unheard-of", "99", "not known")):
        ended = office.type(*SUBMIT, model, "--budget", budget)

        assert (4, True) == (ended.exit_code, said in ended.stderr)
    with pytest.raises(OverBudget):
        trip(office, "anthropic:dear", Ticker(), Limit(Decimal(20)))
    assert [] == vendor.visits
    assert [] == list(office.path("runs/batches").iterdir())


@VENDORS
def test_a_batch_holds_no_more_than_its_vendor_takes(
    dialect: Dialect, office: Office, vendor: BatchVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three requests are split where two fill a batch, by number or by bytes; each is asked once."""
    kind = AnthropicBatches if dialect is ANTHROPIC else OpenAIBatches
    office.done(*SUBMIT, dialect.model, "--persona", "mason0")
    whole = manifests(office)[0]["bytes"]
    for samples, limits in (("2", Limits(2, 10**9)), ("4", Limits(100, 2 * whole + 100))):
        monkeypatch.setattr(kind, "limits", limits)
        office.done(*SUBMIT, dialect.model, "--samples", samples)

    wired = [*vendor.files.values()] or [each.raw for each in vendor.visits]
    envelope = 0 if vendor.files else len(b'{"requests":[]}') - 1
    assert [each["bytes"] + envelope for each in manifests(office)] == [*map(len, wired)]
    assert [1, 2, 2, 1, 2, 2, 2] == [len(made.requests) for made in vendor.batches]
    assert 12 == len(vendor.asked) == len(set(vendor.asked))
    monkeypatch.setattr(kind, "limits", Limits(100, 1_000))
    assert "shorten the dossier" in office.refused(*SUBMIT, dialect.model, "--samples", "9")


@VENDORS
def test_what_a_vendor_would_not_have_is_not_asked_again(dialect: Dialect, office: Office, vendor: BatchVendor) -> None:
    """An invalid request is named with the reason, left out of the next submission, and asked with --again."""
    vendor.say = failing("invalid_request_error", "Mason 0", "Mason 2")
    office.done(*SUBMIT, dialect.model)
    collected = office.type("batch", "collect")

    assert 1 == collected.exit_code
    assert "plumb: mason2: rejected (invalid_request_error: no such thing)" in collected.stdout
    assert "note: 2 requests left out" in office.done(*SUBMIT, dialect.model)
    vendor.say = sound
    office.done(*SUBMIT, dialect.model, "--again")
    office.done("batch", "collect")
    assert [3, 2] == [len(made.requests) for made in vendor.batches]
    assert 3 == len(recordings(office))


@pytest.mark.parametrize(
    ("fate", "dialect"),
    [("errored", OPENAI), ("expired", OPENAI), ("expired", ANTHROPIC), ("cancelled", ANTHROPIC)],
    ids=["errored", "expired-openai", "expired-anthropic", "cancelled"],
)
def test_what_was_not_answered_is_asked_again(fate: str, dialect: Dialect, office: Office, vendor: BatchVendor) -> None:
    """Expired, failed and cancelled requests are listed; the next submission asks for them and for nothing else."""
    if fate == "errored":
        vendor.say = failing("api_error", "Mason 0")
    elif fate == "expired":
        vendor.answers = 2
    office.done(*SUBMIT, dialect.model)
    if fate == "cancelled":
        office.done("batch", "cancel", manifests(office)[0]["name"])
    collected = office.type("batch", "collect")
    kept = {each.request.identity.removeprefix("sha256:") for each in recordings(office)}

    vendor.say, vendor.answers = sound, None
    office.done(*SUBMIT, dialect.model)

    assert (1, True) == (collected.exit_code, f": {fate}" in collected.stdout)
    first, second = ({custom_id for custom_id, _ in made.requests} for made in vendor.batches)
    assert first - kept == second
    assert {"errored": 2, "expired": 2, "cancelled": 0}[fate] == len(kept)


@VENDORS
def test_refusals_and_replies_cut_short_are_answers(dialect: Dialect, office: Office, vendor: BatchVendor) -> None:
    """They arrive as succeeded, are recorded as what they are, and are told as counts."""
    whole = dialect.body(made.reply())
    refusal, short = whole | dialect.refusal(whole, "I will not"), whole | dialect.truncation(whole)
    vendor.say = lambda body: refusal if "Mason 0" in json.dumps(body) else short
    office.done(*SUBMIT, dialect.model)

    collected = office.done("batch", "collect")

    assert "3 answered, 1 refused, 2 cut short" in collected
    assert ["refused", "truncated", "truncated"] == sorted(each.reply.stop for each in recordings(office))


def test_lines_that_are_no_results_spoil_no_others(office: Office, vendor: BatchVendor) -> None:
    """Unknown and doubled ids, lines that are torn, odd or too long are named and skipped; all others are recorded."""
    office.done(*SUBMIT, ANTHROPIC.model)
    odd = [b'{"custom_id": "' + b"0" * 64 + b'"}', b'{"custom_id": 7}', b"[1]", b'{"cust', b"[" * 100_000]
    vendor.order = lambda lines: [
        *odd,
        lines[0],
        b'{"a": "' + b"x" * 16_000_001 + b'"}',
        *lines,
        b'{"custom_id": "\\ud800"}',
    ]

    collected = office.type("batch", "collect")

    assert 1 == collected.exit_code
    assert 3 == len(recordings(office))
    for said in ("2 unknown", "1 doubled", "5 broken", "line 4 is no result", "line 7 is longer than"):
        assert said in collected.stdout


@VENDORS
def test_odd_replies_are_named_and_free_to_be_asked_again(
    dialect: Dialect, office: Office, vendor: BatchVendor
) -> None:
    """A result of another form than is documented is nobody's opinion, and does not end the collection."""
    key = "content" if dialect is ANTHROPIC else "output"
    vendor.say = lambda body: {key: "a page", "_fields_set": 1} if "Mason 0" in json.dumps(body) else made.reply()
    office.done(*SUBMIT, dialect.model)

    collected = office.type("batch", "collect")

    assert (1, 2) == (collected.exit_code, len(recordings(office)))
    assert "plumb: mason0: broken" in collected.stdout
    office.done(*SUBMIT, dialect.model)
    assert 1 == len(vendor.batches[1].requests)


@VENDORS
def test_a_submission_whose_answer_is_lost_is_not_paid_twice(
    dialect: Dialect, office: Office, vendor: BatchVendor
) -> None:
    """The line drops after the vendor took the batch, or it says 500 then: it is looked for till the list is told."""
    for spoilt in (DROPPED, dialect.fault(500, "so sorry"), Answer.page("<html>")):
        shutil.rmtree(office.path("runs"), ignore_errors=True)
        vendor.batches.clear()

        once = {"POST": [spoilt], "GET": [Answer.page("<html>")]}

        def spoil(visit: Visit, answer: Answer, once: dict[str, list[Answer]] = once) -> Answer:
            is_batches = visit.path.partition("?")[0].endswith("/batches")
            return once[visit.method].pop() if is_batches and once[visit.method] else answer

        vendor.spoil = spoil
        office.done(*SUBMIT, dialect.model)

        assert 1 == len(vendor.batches)
        assert vendor.batches[0].id == manifests(office)[0]["id"]


@VENDORS
def test_who_is_turned_away_comes_back(dialect: Dialect, office: Office, vendor: BatchVendor) -> None:
    """429 at submission, a look that fails and results that break off are tried again; all is paid once."""
    spoilt = {"/batches": [dialect.fault(429, "busy", {"retry-after": "3"})], "001": [dialect.fault(500, "so sorry")]}
    cuts = ["cut", "cut"]
    vendor.fault = lambda visit: (spoilt.get(visit.path[-8:]) or spoilt.get(visit.path[-3:]) or [None]).pop()

    def spoil(visit: Visit, answer: Answer) -> Answer:
        is_result = visit.method == "GET" and visit.path.endswith(("results", "content"))
        return replace(answer, ending="cut") if is_result and cuts and cuts.pop() else answer

    vendor.spoil = spoil
    office.done(*SUBMIT, dialect.model)
    office.done("batch", "collect")

    assert (1, 3) == (len(vendor.batches), len(recordings(office)))
    assert ([], {"/batches": [], "001": []}) == (cuts, spoilt)


def test_results_that_end_too_early_are_not_taken_for_all(office: Office, vendor: BatchVendor) -> None:
    """Fewer lines than the vendor counts replies: exit 1; what came is recorded, the rest is not asked anew."""
    office.done(*SUBMIT, OPENAI.model)
    vendor.order = lambda lines: lines[:1]

    assert "hold 1 of 3 replies" in office.type("batch", "collect").stdout
    assert 1 == len(recordings(office))
    assert "2 requests under way" in office.done(*SUBMIT, OPENAI.model)
    vendor.order = lambda lines: lines
    office.done("batch", "collect")
    assert 3 == len(recordings(office))


@VENDORS
def test_an_intent_is_looked_for_before_it_is_submitted_again(
    dialect: Dialect, office: Office, vendor: BatchVendor
) -> None:
    """After a kill between submission and checkpoint the batch is found among others, also behind a slow clock."""
    vendor.clock = lambda: datetime.now(UTC) - timedelta(minutes=5)
    strangers = [(f"{number:064}", {}) for number in range(3)]
    vendor.make(dialect, strangers, "somebody-else")
    office.done(*SUBMIT, dialect.model)
    forget_the_id(office)
    vendor.make(dialect, strangers[:2], "somebody-else")
    for made_by_others in vendor.batches[::2]:
        made_by_others.looks = 1

    office.done(*SUBMIT, dialect.model)

    assert 3 == len(vendor.batches)
    assert vendor.batches[1].id == manifests(office)[0]["id"]
    office.done("batch", "collect")
    assert 3 == len(recordings(office))


def test_an_intent_that_the_vendor_never_had_is_forgotten(office: Office, vendor: BatchVendor) -> None:
    """A kill before the submission costs nothing: the requests are gathered anew, as they are by then."""
    office.done(*SUBMIT, ANTHROPIC.model)
    forget_the_id(office)
    vendor.batches.clear()

    said = office.done(*SUBMIT, ANTHROPIC.model)

    assert "never came to be" in said
    assert (1, 1) == (len(vendor.batches), len(manifests(office)))


def test_somebody_else_s_batch_is_put_aside(office: Office, vendor: BatchVendor) -> None:
    """Anthropic keeps no names: a batch as large that still works is taken for ours, and its results tell otherwise."""
    vendor.looks = 1
    office.done(*SUBMIT, ANTHROPIC.model)
    forget_the_id(office)
    ours = vendor.batches.pop()
    stranger = vendor.make(ANTHROPIC, [(f"{number:064}", {}) for number in range(3)])
    stranger.id = "msgbatch_elsewhere"

    assert "msgbatch_elsewhere" in office.done("batch", "status")
    vendor.batches.append(ours)
    assert "is somebody else's" in office.done("batch", "collect")
    office.done("batch", "collect")

    assert (2, 3) == (len(vendor.batches), len(recordings(office)))
    assert ["msgbatch_elsewhere"] == manifests(office)[0]["not_ours"]


def test_a_batch_that_the_vendor_lost_is_let_go_by_hand(office: Office, vendor: BatchVendor) -> None:
    """404 is exit 1 and lets nothing go, since another key would see it too; after `cancel` it is asked again."""
    office.done(*SUBMIT, OPENAI.model)
    vendor.batches[0].is_gone = True
    ended = office.type("batch", "collect", "--wait")

    assert (1, True) == (ended.exit_code, "is the key the one" in ended.stderr)
    assert "3 requests under way" in office.done(*SUBMIT, OPENAI.model)
    office.done("batch", "cancel", manifests(office)[0]["name"])
    assert "3 requests of 1 tool" in office.done(*SUBMIT, OPENAI.model)


@VENDORS
def test_results_that_are_no_longer_kept_free_their_requests(
    dialect: Dialect, office: Office, vendor: BatchVendor
) -> None:
    """Past its 29 days a batch ends in exit 1 and in the phase `lost`, and its requests can be asked again."""
    office.done(*SUBMIT, dialect.model)
    vendor.fault = lambda visit: dialect.fault(404, "gone") if visit.path.endswith(("results", "content")) else None
    ended = office.type("batch", "collect")

    assert (1, True) == (ended.exit_code, "29 days" in ended.stderr)
    assert "lost" == manifests(office)[0]["phase"]
    assert "3 requests of 1 tool" in office.done(*SUBMIT, dialect.model)


def test_a_batch_that_fails_as_a_whole_is_named(office: Office, vendor: BatchVendor) -> None:
    """OpenAI can fail a whole file, for a quota, say: exit 1 with its words, and the requests are free."""
    office.done(*SUBMIT, OPENAI.model)
    error = {"code": "token_limit_exceeded", "message": "too many enqueued"}
    failed = {"status": "failed", "errors": {"data": [error]}, "failed_at": 1_795_000_000}
    vendor.spoil = lambda visit, answer: Answer.of(json.loads(answer.body) | failed) if "001" in visit.path else answer

    ended = office.type("batch", "collect", "--wait")

    assert (1, True) == (ended.exit_code, "token_limit_exceeded: too many enqueued" in ended.stderr)
    assert "3 requests of 1 tool" in office.done(*SUBMIT, OPENAI.model)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"project": "0" * 32}, "belongs to another project"),
        ({"requests": 0}, "is no manifest as Panel writes it"),
        ({"name": "20260101-000000-00000000"}, "give it its name back"),
        (None, "is not JSON"),
    ],
)
def test_a_manifest_that_is_not_ours_is_refused(
    change: dict[str, object] | None, said: str, office: Office, vendor: BatchVendor
) -> None:
    """A manifest of another project, one that was changed, one that is torn: exit 2 with the file, nothing sent."""
    office.done(*SUBMIT, ANTHROPIC.model)
    path, visits = last(office), len(vendor.visits)
    text = path.read_text()
    path.write_text(text[:80] if change is None else json.dumps(json.loads(text) | change))

    for command in (("submit", "plumb.yaml", "--yes"), ("status",), ("collect",), ("list",), ("cancel", path.stem)):
        refusal = office.refused("batch", *command)
        assert said in refusal
        assert path.name in refusal
    assert visits == len(vendor.visits)
    path.write_text(text)
    office.done("batch", "collect")
    assert 3 == len(recordings(office))


@pytest.mark.parametrize("torn", ["end", "line", "gone"])
def test_requests_that_are_torn_are_named(torn: str, office: Office, vendor: BatchVendor) -> None:
    """Without the requests no recording could be written: exit 2 with the file, and whole again they are collected."""
    office.done(*SUBMIT, ANTHROPIC.model)
    path = last(office).with_suffix(".jsonl")
    whole = path.read_bytes()
    change = {"end": whole[:-40], "line": whole.replace(b"You build walls", b"You build roads", 1), "gone": b""}
    path.write_bytes(change[torn])

    assert path.name in office.refused("batch", "collect")
    path.write_bytes(whole)
    office.done("batch", "collect")
    assert 3 == len(recordings(office))


def test_a_disk_that_is_full_loses_nothing(
    office: Office, vendor: BatchVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that can't be noted is not submitted; one that can't be recorded waits at its vendor. Both are exit 2."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", full)
        assert "No space left" in office.refused(*SUBMIT, ANTHROPIC.model)
    assert [] == vendor.batches
    office.done(*SUBMIT, ANTHROPIC.model)
    with monkeypatch.context() as patch:
        patch.setattr("os.link", full)
        assert "No space left" in office.refused("batch", "collect")
    office.done("batch", "collect")

    assert (1, 3) == (len(vendor.batches), len(recordings(office)))
    office.path("elsewhere").write_text("")
    assert "is no folder" in office.refused(*SUBMIT, OPENAI.model, "--runs", "elsewhere")


def test_one_run_at_a_time_submits_and_collects(
    office: Office, vendor: BatchVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While another run holds the batches nothing is submitted: exit 1. Ctrl-C is exit 130, and says how to go on."""
    monkeypatch.setattr("panel.batch.manifest.PATIENCE_S", 0.01)
    office.path("runs/batches").mkdir(parents=True)
    with Held(office.path("runs/batches")):
        ended = office.type(*SUBMIT, ANTHROPIC.model)

    assert (1, True, []) == (ended.exit_code, "another run" in ended.stderr, vendor.visits)

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("panel.cli.batch.submit", interrupted)
    ended = office.type(*SUBMIT, ANTHROPIC.model)
    assert (130, True) == (ended.exit_code, "panel batch collect" in ended.stdout)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--model", "manual:chat"), "'manual:chat': manual has no batches"),
        (("--model", "ollama:qwen3:8b"), "'ollama:qwen3:8b': ollama has no batches"),
        (("--model", "fake:ship"), "'fake:ship': fake has no batches"),
    ],
)
def test_who_has_no_batches_is_named(flags: Sequence[str], said: str, office: Office, vendor: BatchVendor) -> None:
    """A person, a stand-in and a server that speaks chat alone have no batches: exit 2, and nothing is left behind."""
    assert said in office.refused("batch", "submit", "plumb.yaml", "--yes", *flags)
    assert [] == list(office.path("runs/batches").iterdir())


def test_modes_that_batches_can_t_serve_are_refused(
    office: Office, vendor: BatchVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fresh asks anew and replay asks nobody; without a key nobody can be asked, and without --yes nobody agreed."""
    for mode in ("fresh", "replay"):
        monkeypatch.setenv("PANEL_MODE", mode)
        assert f"PANEL_MODE: {mode}" in office.refused(*SUBMIT, ANTHROPIC.model)
    monkeypatch.delenv("PANEL_MODE")
    assert "add --yes" in office.refused("batch", "submit", "plumb.yaml", "--model", ANTHROPIC.model)
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    assert "needs ANTHROPIC_API_KEY" in office.refused(*SUBMIT, ANTHROPIC.model)
    assert [] == vendor.visits


def test_a_key_that_is_refused_leaves_no_intent(office: Office, vendor: BatchVendor) -> None:
    """What a vendor turned away for good is not looked for there: with the right key it is simply submitted."""
    vendor.fault = lambda visit: ANTHROPIC.fault(401, "no such key")
    ended = office.type(*SUBMIT, ANTHROPIC.model)

    assert (1, True) == (ended.exit_code, "the key is wrong" in ended.stderr)
    assert [] == manifests(office)


@VENDORS
def test_a_key_that_comes_back_as_an_id_is_kept_nowhere(dialect: Dialect, office: Office, vendor: BatchVendor) -> None:
    """What stands on the way can echo anything: an id that is a key is none, and the batch is looked for instead."""
    key = vendor.environment["ANTHROPIC_API_KEY"]

    def spoil(visit: Visit, answer: Answer) -> Answer:
        is_made = visit.method == "POST" and visit.path.endswith("/batches")
        return Answer.of(json.loads(answer.body) | {"id": key}) if is_made else answer

    vendor.spoil = spoil
    office.done(*SUBMIT, dialect.model)

    assert vendor.batches[0].id == manifests(office)[0]["id"]
    assert 1 == len(vendor.batches)
    assert not [path for path in office.path("runs").rglob("*") if path.is_file() and key in path.read_text()]


def test_one_bad_dossier_does_not_stop_the_rest(office: Office, vendor: BatchVendor) -> None:
    """A folder, a glob and files name dossiers; those that can't be read are listed at the end, with exit 2."""
    office.shelve("level")
    office.path("torn.yaml").write_text("name: [\n")
    ended = office.type("batch", "submit", "*l*.yaml", "torn.yaml", ".", "--yes", "--model", ANTHROPIC.model)

    assert (2, True) == (ended.exit_code, "torn.yaml:2" in ended.stderr)
    assert "6 requests of 2 tools in 1 batch" in ended.stdout
    assert 6 == len(vendor.asked)


def test_manifests_are_told_as_json(office: Office, vendor: BatchVendor) -> None:
    """`list --json` and `status --json` print the manifests, and nothing else, on stdout."""
    office.done(*SUBMIT, OPENAI.model)

    listed, status = (json.loads(office.done("batch", command, "--json")) for command in ("list", "status"))

    assert ("working", "ended") == (listed[0]["phase"], status[0]["phase"])
    assert manifests(office) == status
    assert "panel.batch/1" == status[0]["schema"]
