"""One seat asked: what is heard at once, what is mended, what stays absent, and how samples become one take."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import made
import pytest

from panel.answer import read_answer
from panel.ask import ask_seat
from panel.errors import GaveUp, ModelError, RecordingMissing, Rejected, Transient, Waiting
from panel.gates import check
from panel.llm.fake import Fake, stand_in
from panel.prompt import Question
from panel.request import Attempt, Reply, Stop, Usage
from panel.review import Absence, Seat
from panel.settings import Samples

Said = Reply | str | Exception

SOUND = made.reply()
"""Ships with 69, nothing to mend."""
CAPPED = made.reply(
    evidence=[*made.answer()["evidence"][::2], {"id": "e2", "source": "bench", "quote": "31 hours flat"}]
)
"""Says ship; a bad quote caps a 4, which leaves 59."""
SOFT = made.reply(headline="It beats Kestrel")
"""Ships with 69; one flag."""
CLAIMS = made.reply(headline="I ran it on ten tables")
"""A first-hand claim."""
AGAINST = made.reply(vote="skip")
"""Skips with 69."""
ABSTAINS = made.reply(vote=None, abstain={"reason": "no price is told"}, headline="", take="Too little is told.")
"""Abstains."""
DOWN = GaveUp("overloaded; five tries")


@pytest.fixture
def question(tmp_path: Path) -> Question:
    """Return what is asked in all tests here."""
    return made.question(tmp_path)


def asked(question: Question, *replies: Said, samples: Samples = 1, first: int = 1) -> tuple[Seat, Fake]:
    """Return the seat that these replies make, and the model that gave them."""
    model = Fake(replies)
    return asyncio.run(ask_seat(question, model, samples, first)), model


def refused(reason: str | None = None, text: str = "") -> Reply:
    """Return the reply of a model that declines."""
    return cut_short(text).model_copy(update={"stop": Stop.REFUSED, "detail": reason})


def cut_short(text: str) -> Reply:
    """Return a reply that met the limit of tokens."""
    return Reply(text=text, stop=Stop.TRUNCATED, answered_by="fake:panel", recorded_at="2026-11-20T10:00:00Z")


def scoring(score: int) -> str:
    """Return a sound reply with this score, one of a few."""
    ratings = {
        50: (2, 2, 2, 2, 2),
        54: (2, 2, 1, 4, 2),
        55: (2, 2, 2, 3, 2),
        60: (2, 2, 4, 2, 2),
        65: (2, 3, 2, 4, 2),
        66: (2, 2, 2, 4, 4),
        70: (4, 2, 2, 2, 4),
    }[score]
    marked = {"headline": f"the one with {score}", "outside": [{"text": str(score), "kind": "background"}]}
    return made.reply(**made.scoring(*ratings, vote="ship" if score >= 60 else "skip"), **marked)


def kinds(seat: Seat) -> list[str]:
    """Return of which kinds the asks of a seat are, in their order."""
    return [ask.kind for ask in seat.asks]


def test_a_sound_answer_is_heard_at_once(question: Question) -> None:
    """An answer with nothing to mend takes one ask and becomes the take."""
    seat, model = asked(question, SOUND)
    assert seat.take is not None

    assert ("heard", None, None, 69, "ship") == (
        seat.status,
        seat.absence,
        seat.reason,
        seat.take.score,
        seat.take.vote,
    )
    assert [question.request(1)] == model.asked


def test_the_stand_in_is_heard(question: Question) -> None:
    """The answer that the rehearsal gives without a model passes all gates at once."""
    question = replace(question, model="fake:ship")
    seat = asyncio.run(ask_seat(question, Fake(stand_in), 1))

    assert ("heard", ["ask"]) == (seat.status, kinds(seat))


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(CAPPED, id="a bad quote and a cap"),
        pytest.param(SOFT, id="a soft flag"),
        pytest.param(AGAINST, id="a vote against the score"),
        pytest.param(CLAIMS, id="a first-hand claim"),
        pytest.param("I would rather talk.", id="no JSON"),
        pytest.param(made.reply(score=80), id="a key too many"),
        pytest.param(cut_short(SOUND[:300]), id="cut short"),
    ],
)
def test_a_fault_is_mended_once(question: Question, first: Said) -> None:
    """Whatever is wrong with a first answer, one repair that mends it is heard, and both asks are kept."""
    seat, _ = asked(question, first, SOUND)
    assert seat.take is not None

    assert ("heard", ["ask", "repair"]) == (seat.status, kinds(seat))
    assert (69, ()) == (seat.take.score, seat.take.flags)


def test_a_repair_carries_everything_on(question: Question) -> None:
    """A repair is the first request with two turns more: the reply as it came, and what to mend."""
    _, model = asked(question, CAPPED, SOUND)
    first, repair = model.asked

    assert first == repair.model_copy(update={"turns": ()})
    assert ["assistant", "user"] == [turn.role for turn in repair.turns]
    assert CAPPED == repair.turns[0].text
    assert first.identity != repair.identity


def test_a_repair_names_every_complaint(question: Question) -> None:
    """All complaints stand in the one repair turn, with the capped score, the threshold and the vote that follows."""
    _, model = asked(question, CAPPED, SOUND)
    told = model.asked[1].turns[-1].text
    found = check(read_answer(CAPPED), question.persona, question.tool, made.rules())

    assert (59, 3) == (found.take.score, len(found.complaints))
    assert all(complaint in told for complaint in found.complaints)
    assert "your score is 59 and your threshold is 60: that is a vote to skip" in told


def test_a_repair_of_what_can_not_be_read_names_no_score(question: Question) -> None:
    """Where there are no ratings to count, the repair says what is wrong and nothing of a score."""
    _, model = asked(question, made.reply(score=80), SOUND)
    told = model.asked[1].turns[-1].text

    assert "your score" not in told
    assert "score" in told


@pytest.mark.parametrize(
    ("replies", "absence", "reason"),
    [
        pytest.param([AGAINST, AGAINST], Absence.INCOHERENT, "69", id="still votes against its score"),
        pytest.param([CAPPED, CAPPED], Absence.INCOHERENT, "59", id="still ships on a bad quote"),
        pytest.param(["no", "no"], Absence.UNREADABLE, "JSON", id="still no JSON"),
        pytest.param([AGAINST, "no"], Absence.UNREADABLE, "JSON", id="was incoherent, is no JSON"),
        pytest.param(["no", AGAINST], Absence.INCOHERENT, "69", id="was no JSON, is incoherent"),
        pytest.param([CLAIMS, CLAIMS], Absence.UNREADABLE, "headline", id="still claims to have run it"),
        pytest.param([cut_short("{"), cut_short("{")], Absence.UNREADABLE, "cut off", id="cut short twice"),
        pytest.param(["no", ""], Absence.UNREADABLE, "empty", id="mended with nothing"),
        pytest.param(["no", ABSTAINS], Absence.ABSTAINED, "no price", id="mended to an abstention"),
        pytest.param([AGAINST, refused("not this")], Absence.REFUSED, "not this", id="declined the repair"),
    ],
)
def test_after_one_repair_a_seat_is_absent(
    question: Question, replies: Sequence[Said], absence: Absence, reason: str
) -> None:
    """There is one repair and no second: what the mended answer still is becomes the absence, with its reason."""
    seat, _ = asked(question, *replies)

    assert ("absent", absence, None, ["ask", "repair"]) == (seat.status, seat.absence, seat.take, kinds(seat))
    assert reason in (seat.reason or "")


def test_after_a_repair_the_caps_stay(question: Question) -> None:
    """A quote that is still bad is dropped, its rating stays capped, and the vote that follows is taken."""
    still = json.loads(CAPPED) | {"vote": "skip"}
    seat, _ = asked(question, CAPPED, json.dumps(still))
    assert seat.take is not None

    assert ("heard", 59, "skip") == (seat.status, seat.take.score, seat.take.vote)
    assert ["proof"] == [rated.criterion for rated in seat.take.ratings if rated.capped]
    assert ["e1", "e3"] == [piece.id for piece in seat.take.evidence]


@pytest.mark.parametrize(
    "second",
    [
        pytest.param("no", id="no JSON"),
        pytest.param("", id="nothing"),
        pytest.param(AGAINST, id="a vote against the score"),
        pytest.param(CLAIMS, id="a first-hand claim"),
        pytest.param(refused("not this"), id="a refusal"),
        pytest.param(cut_short("{"), id="a reply cut short"),
    ],
)
def test_a_usable_first_answer_outlives_a_bad_repair(question: Question, second: Said) -> None:
    """Where the first answer had soft faults alone and its repair is unusable, the first stands with its flags."""
    seat, _ = asked(question, SOFT, second)
    assert seat.take is not None

    assert ("heard", "It beats Kestrel", ["ask", "repair"]) == (seat.status, seat.take.headline, kinds(seat))
    assert ["outside"] == [flag.kind for flag in seat.take.flags]


def test_of_two_usable_answers_the_mended_one_stands(question: Question) -> None:
    """A repair that is usable replaces the first answer, with whatever flags it still has."""
    seat, _ = asked(question, SOFT, made.reply(headline="It beats Osprey", vote="ship"))
    assert seat.take is not None

    assert "It beats Osprey" == seat.take.headline
    assert ["Osprey" in flag.text for flag in seat.take.flags] == [True]


@pytest.mark.parametrize(
    ("reply", "absence", "reason"),
    [
        pytest.param(refused("against my rules"), Absence.REFUSED, "against my rules", id="refused with a reason"),
        pytest.param(refused(), Absence.REFUSED, "declined", id="refused without one"),
        pytest.param(refused("not this", SOUND[:90]), Absence.REFUSED, "not this", id="refused after some words"),
        pytest.param(refused("not this", SOUND), Absence.REFUSED, "not this", id="refused after a whole answer"),
        pytest.param("", Absence.UNREADABLE, "empty", id="nothing"),
        pytest.param(" \n\t", Absence.UNREADABLE, "empty", id="white space"),
        pytest.param(ABSTAINS, Absence.ABSTAINED, "no price is told", id="abstained of itself"),
        pytest.param(
            made.reply(**made.scoring(None, None, None, None, 2)), Absence.ABSTAINED, "13 %", id="abstained by weight"
        ),
    ],
)
def test_where_there_is_nothing_to_mend_nothing_more_is_asked(
    question: Question, reply: Said, absence: Absence, reason: str
) -> None:
    """A refusal, an empty reply and an honest abstention leave the seat absent after one ask."""
    seat, model = asked(question, reply)

    assert ("absent", absence, None, ["ask"]) == (seat.status, seat.absence, seat.take, kinds(seat))
    assert 1 == len(model.asked)
    assert reason in (seat.reason or "")


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(Transient("rate limit"), id="transient"),
        pytest.param(Rejected("no such key"), id="rejected"),
        pytest.param(GaveUp("overloaded, five times"), id="gave up"),
        pytest.param(Waiting("nobody has answered"), id="waiting"),
    ],
)
def test_a_provider_that_lets_us_down_fails_the_seat(question: Question, error: ModelError) -> None:
    """A model error on the first ask leaves the seat failed, with its words as the reason and no ask."""
    seat, _ = asked(question, error)

    assert ("absent", Absence.FAILED, str(error), ()) == (seat.status, seat.absence, seat.reason, seat.asks)


def test_what_was_asked_before_a_fault_is_kept(question: Question) -> None:
    """A model error on the repair leaves the seat failed, and the first ask, which was paid for, is in the record."""
    seat, model = asked(question, AGAINST, DOWN)

    assert (Absence.FAILED, str(DOWN), ["ask"]) == (seat.absence, seat.reason, kinds(seat))
    assert model.asked[0].identity == seat.asks[0].request


def test_what_the_user_can_mend_is_raised(question: Question) -> None:
    """A missing recording is no absence: it goes up to whoever asked."""
    with pytest.raises(RecordingMissing, match="no recording"):
        asked(question, RecordingMissing("no recording"))


def test_an_ask_records_its_reply(question: Question) -> None:
    """What a reply cost, who gave it, when and after how many tries is in the ask, as the reply has it."""
    tries = (Attempt(number=1, waited_s=0, error="busy"), Attempt(number=2, waited_s=1.5))
    told = {"answered_by": "sample:panel", "usage": Usage(input=7, output=9), "cost_usd": "0.0123", "attempts": tries}
    told |= {"carried_from": "sha256:" + "a" * 64, "recorded_at": "2026-11-20T10:00:00Z"}
    seat, model = asked(question, Reply.model_validate({"text": SOUND, **told}))
    (ask,) = seat.asks

    assert told == {name: getattr(ask, name) for name in told}
    assert (model.asked[0].identity, "fake:panel", 1, False) == (ask.request, ask.asked, ask.sample, ask.note)


def test_an_ask_with_a_note_says_so(tmp_path: Path) -> None:
    """An editor's note is part of the request; the record says that there was one and not what it said."""
    question = made.question(tmp_path, note="look harder at the exits")
    seat, model = asked(question, SOUND)

    assert "look harder at the exits" in model.asked[0].blocks[-1].text
    assert [True] == [ask.note for ask in seat.asks]
    assert "look harder" not in json.dumps(seat.as_json())


# Samples


def test_samples_are_asked_one_by_one_and_combined(question: Question) -> None:
    """Three samples are three requests with identities of their own, and their mean is the take."""
    seat, model = asked(question, scoring(50), scoring(70), scoring(66), samples=3)
    assert seat.take is not None

    assert [1, 2, 3] == [request.sample for request in model.asked]
    assert 3 == len({request.identity for request in model.asked})
    assert ["ask", "sample", "sample"] == kinds(seat)
    assert (62, "ship", 3, 20) == (seat.take.score, seat.take.vote, seat.take.samples, seat.take.spread)
    assert "the one with 66" == seat.take.headline


def test_samples_count_from_the_first_number(question: Question) -> None:
    """A retake takes the sample numbers from the one it is given on."""
    seat, model = asked(question, SOUND, SOUND, samples=2, first=4)

    assert ([4, 5], ["ask", "sample"]) == ([request.sample for request in model.asked], kinds(seat))


def test_each_sample_has_its_own_repair(question: Question) -> None:
    """A sample with a fault is mended under its own number before the next one is asked."""
    seat, model = asked(question, SOUND, AGAINST, SOUND, SOUND, samples=3)

    assert ["ask", "sample", "repair", "sample"] == kinds(seat)
    assert [1, 2, 2, 3] == [request.sample for request in model.asked] == [ask.sample for ask in seat.asks]


@pytest.mark.parametrize(
    ("replies", "asks"),
    [
        pytest.param([scoring(66)], 1, id="66 is far enough"),
        pytest.param([scoring(54)], 1, id="54 is far enough"),
        pytest.param([scoring(65), scoring(70), scoring(70)], 3, id="65 is near, the mean of three is not"),
        pytest.param([scoring(55), scoring(50), scoring(50)], 3, id="55 is near, the mean of three is not"),
        pytest.param([scoring(60)] * 5, 5, id="near after one and after three"),
        pytest.param(
            [scoring(60), scoring(70), scoring(50), scoring(66), scoring(66)], 5, id="far ones with a near mean"
        ),
        pytest.param([ABSTAINS], 1, id="an abstention"),
        pytest.param([DOWN], 1, id="a fault"),
        pytest.param([scoring(60), ABSTAINS, *[scoring(70)] * 3], 5, id="near without the one that abstains"),
        pytest.param([scoring(60), DOWN, *[scoring(50)] * 3], 5, id="near without the one that failed"),
    ],
)
def test_auto_goes_on_while_the_score_is_near(question: Question, replies: Sequence[Said], asks: int) -> None:
    """Auto asks once, then up to three, then up to five times, each step only from within 5 of the threshold."""
    _, model = asked(question, *replies, samples="auto")

    assert asks == len(model.asked)


@pytest.mark.parametrize(
    ("replies", "status", "samples"),
    [
        pytest.param([SOUND, ABSTAINS, SOUND], "heard", 2, id="two of three"),
        pytest.param([ABSTAINS, SOUND, refused()], "absent", None, id="one of three"),
        pytest.param([SOUND, ABSTAINS], "heard", 1, id="one of two is half"),
        pytest.param([refused(), ABSTAINS], "absent", None, id="none of two"),
        pytest.param(["", SOUND, refused(), SOUND], "heard", 2, id="two of four"),
        pytest.param(["", SOUND, refused(), SOUND, ABSTAINS], "absent", None, id="two of five"),
    ],
)
def test_half_of_the_samples_make_a_seat(
    question: Question, replies: Sequence[Said], status: str, samples: int | None
) -> None:
    """A seat is heard where at least half of its samples are takes, and its take is made of those."""
    seat, model = asked(question, *replies, samples=len(replies))

    assert (status, samples) == (seat.status, seat.take and seat.take.samples)
    assert len(replies) == len(model.asked)


@pytest.mark.parametrize("place", range(3))
def test_a_sample_that_failed_fails_the_seat(question: Question, place: int) -> None:
    """Where a provider failed one sample the seat is failed, whatever the others say: asking again completes it."""
    replies: list[Said] = [SOUND, SOUND]
    seat, _ = asked(question, *replies[:place], DOWN, *replies[place:], samples=3)

    assert ("absent", Absence.FAILED, str(DOWN), None) == (seat.status, seat.absence, seat.reason, seat.take)
    assert 2 == len(seat.asks)


def test_the_first_absent_sample_gives_the_reason(question: Question) -> None:
    """Where too few samples are takes, the seat is absent as its first absent sample is."""
    seat, _ = asked(question, SOUND, refused("not this"), ABSTAINS, samples=3)

    assert ("absent", Absence.REFUSED, "not this") == (seat.status, seat.absence, seat.reason)


def test_a_seat_knows_what_it_was_asked_with(question: Question) -> None:
    """Heard or absent, a seat carries the digests of persona and prompts and the persona's threshold."""
    heard, absent = asked(question, SOUND)[0], asked(question, refused())[0]
    facts = [(seat.persona, seat.persona_digest, seat.prompt_digest, seat.threshold) for seat in (heard, absent)]

    assert facts[0] == facts[1]
    assert ("mason", question.prompts.digest, 60) == (heard.persona, heard.prompt_digest, heard.threshold)
