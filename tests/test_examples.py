"""The shipped examples: the panel still says what it said, from the recordings alone."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest
from conftest import EXAMPLES
from test_cli import run

from panel.llm.ledger import Ledger
from panel.persona import read_panel
from panel.project import packaged
from panel.review import Review, verdict_over
from panel.store import read_review
from panel.take import score, vote
from panel.text import fold, words
from panel.tool import read_tool

SLUGS = sorted(path.stem for path in EXAMPLES.glob("*.yaml"))
PANEL = {persona.id: persona for persona in read_panel(packaged("personas"))}


def golden(slug: str) -> Review:
    """Return the review that an example is known to give."""
    return read_review(EXAMPLES / "golden" / f"{slug}.json")


def takes() -> dict[str, str]:
    """Return the text of every take of every example, by tool and persona."""
    heard = [(slug, seat) for slug in SLUGS for seat in golden(slug).seats]
    return {f"{slug}/{seat.persona}": seat.take.text for slug, seat in heard if seat.take}


@pytest.mark.parametrize("slug", SLUGS)
def test_replaying_gives_the_golden_record(slug: str, tmp_path: Path) -> None:
    """The recordings of an example give its golden record, byte for byte."""
    done = run("review", str(EXAMPLES / f"{slug}.yaml"), "--mode", "replay", "--runs", str(tmp_path))

    assert 0 == done.exit_code, done.output
    assert (EXAMPLES / "golden" / f"{slug}.json").read_bytes() == (tmp_path / slug / "review.json").read_bytes()


@pytest.mark.parametrize("slug", SLUGS)
def test_a_verdict_can_be_recomputed_from_its_record(slug: str) -> None:
    """Scores, votes and the verdict of a record follow from its ratings alone."""
    record = golden(slug)

    for seat in record.seats:
        if seat.take:
            assert seat.take.score == score(seat.take.ratings)
            assert seat.take.vote == vote(seat.take.score, seat.threshold)
    assert record.verdict == verdict_over(record.tool, record.seats)


@pytest.mark.parametrize("slug", SLUGS)
def test_every_quote_stands_in_the_dossier(slug: str) -> None:
    """Each piece of evidence of a record is found word for word in the dossier that ships with it."""
    record, tool = golden(slug), read_tool(EXAMPLES / f"{slug}.yaml")

    for seat in record.seats:
        for quote in seat.take.evidence if seat.take else ():
            assert fold(quote.quote) in fold(tool.quotable[quote.source])


def test_no_recording_is_unused() -> None:
    """Every shipped recording answers a request that some example makes, and every one is used."""
    used = {ask.request for slug in SLUGS for seat in golden(slug).seats for ask in seat.asks}
    there = {f"sha256:{path.stem}" for path in (EXAMPLES / "recordings").glob("??/*.json")}

    assert used == there


def test_samples_say_that_they_are_samples() -> None:
    """No shipped reply passes for a vendor's output, and each record with a take discloses it."""
    ledger = Ledger(EXAMPLES / "recordings")
    replies = [ledger.read(path).reply for path in ledger.folder.glob("??/*.json")]

    assert {"sample:panel"} == {reply.answered_by for reply in replies}
    for slug in SLUGS:
        assert "sample" in [disclosure.kind for disclosure in golden(slug).verdict.disclosures]


def test_the_thin_dossier_is_met_with_abstention() -> None:
    """Two sentences without a source make most critics abstain, and give no verdict."""
    record = golden("smartdiff")

    assert "No verdict" == record.verdict.label
    assert sum(seat.absence == "abstained" for seat in record.seats) == 4


def test_the_panel_neither_ships_nor_skips_everything() -> None:
    """Over the examples both votes are cast, and by the Skeptic's neighbours on the same tool too."""
    votes = [(slug, seat.take.vote) for slug in SLUGS for seat in golden(slug).seats if seat.take]

    assert {"ship", "skip"} == {vote for _, vote in votes}
    assert {("smollm3", "ship"), ("smollm3", "skip")} <= set(votes)


def test_takes_keep_their_length_and_their_promises() -> None:
    """Each take has the words its persona asks for, none of its forbidden phrases, and no flag."""
    for slug in SLUGS:
        for seat in golden(slug).seats:
            if seat.take:
                fewest, most = PANEL[seat.persona].words
                assert fewest <= words(seat.take.text) <= most
                assert seat.take.flags == ()
                assert not [phrase for phrase in PANEL[seat.persona].never if phrase in seat.take.text.casefold()]


def test_critics_do_not_sound_alike() -> None:
    """No two takes share a run of eight words, and no two takes begin with the same three."""
    runs = {
        name: {tuple(w[i : i + 8]) for i in range(len(w) - 7)} for name, text in takes().items() if (w := plain(text))
    }
    shared = [(a, b) for a, b in combinations(runs, 2) if runs[a] & runs[b]]
    openings = Counter(tuple(plain(text)[:3]) for text in takes().values())

    assert shared == []
    assert 1 == max(openings.values())


def plain(text: str) -> list[str]:
    """Return the words of a take in lower case."""
    return re.findall(r"[\w']+", text.casefold())


def test_a_changed_persona_asks_only_that_persona(tmp_path: Path) -> None:
    """Editing one persona's file makes one recording miss: the error names that seat alone, and the changed line."""
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    shutil.copytree(packaged("personas"), tmp_path / "examples" / "personas")
    file = tmp_path / "examples" / "personas" / "founder.md"
    file.write_text(file.read_text().replace("You have made payroll", "You have met payroll"))

    done = run("review", str(tmp_path / "examples" / "smollm3.yaml"), "--runs", str(tmp_path / "runs"))

    assert 2 == done.exit_code
    assert re.findall(r"smollm3: (\w+): no recording", done.stderr) == ["founder"]
    assert "+ You have met payroll" in done.stderr


def test_golden_records_are_what_panel_writes() -> None:
    """A golden record is valid JSON that carries the schema's name, the rules' version, and no time of a run."""
    for slug in SLUGS:
        data = json.loads((EXAMPLES / "golden" / f"{slug}.json").read_text())

        assert (data["schema"], data["rules"]) == ("panel.review/1", "1")
        assert {"schema", "rules", "tool", "seats", "verdict"} == set(data)
