"""The shipped examples: the panel still says what it said, from the recordings alone."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import combinations

import pytest
from conftest import EXAMPLES
from test_cli import run

from panel.llm.ledger import Ledger
from panel.persona import read_panel
from panel.project import packaged
from panel.pytest_plugin import Replay
from panel.review import Review, verdict_over
from panel.store import read_review
from panel.take import score, vote
from panel.text import fold, words
from panel.tool import read_tool

DOSSIERS = {read_tool(path).slug: path for path in sorted(EXAMPLES.rglob("*.yaml"))}
SLUGS = sorted(DOSSIERS)
FULL = [slug for slug in SLUGS if slug not in ("smartdiff", "skillclaw-hostile")]
"""Dossiers of real tools with their sources: without the thin one and the twin with planted passages."""

PHRASE = 5
"""So many words in a row are a phrase."""

PANEL = {persona.id: persona for persona in read_panel(packaged("personas"))}


def golden(slug: str) -> Review:
    """Return the review that an example is known to give."""
    return read_review(EXAMPLES / "golden" / slug / "review.json")


def takes() -> dict[str, str]:
    """Return the text of every take of every example, by tool and persona."""
    heard = [(slug, seat) for slug in SLUGS for seat in golden(slug).seats]
    return {f"{slug}/{seat.persona}": seat.take.text for slug, seat in heard if seat.take}


@pytest.mark.parametrize("slug", SLUGS)
def test_an_example_gives_its_golden_record(slug: str, panel_replay: Replay) -> None:
    """The recordings of an example, and nothing else, give its golden record."""
    assert golden(slug) == panel_replay.check(DOSSIERS[slug])


def test_the_examples_are_as_recorded() -> None:
    """`panel verify examples` finds no difference: no recording is missing, unsound or unused, and none is carried."""
    done = run("verify", str(EXAMPLES))
    count = len(takes())

    assert 0 == done.exit_code, done.output
    assert f"{len(SLUGS)} tools, {count} takes replayed, 0 carried; 5 comparisons: as recorded.\n" == done.stdout


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
    record, tool = golden(slug), read_tool(DOSSIERS[slug])

    for seat in record.seats:
        for quote in seat.take.evidence if seat.take else ():
            assert fold(quote.quote) in fold(tool.quotable[quote.source])


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
    """No two takes share eight words in a row that are not the dossier's, and no two begin with the same three."""
    runs = {name: runs_of(name, text, 8) for name, text in takes().items()}
    shared = [(a, b) for a, b in combinations(runs, 2) if runs[a] & runs[b]]
    openings = Counter(tuple(plain(text)[:3]) for text in takes().values())

    assert shared == []
    assert 1 == max(openings.values())


def runs_of(name: str, text: str, length: int) -> set[tuple[str, ...]]:
    """Return the runs of so many words of a take that its dossier does not hold: facts come in the same words."""
    tool = read_tool(DOSSIERS[name.partition("/")[0]])
    told = " ".join(plain(" ".join(tool.quotable.values())))
    said = plain(text)
    runs = {tuple(said[at : at + length]) for at in range(len(said) - length + 1)}
    return {run for run in runs if " ".join(run) not in told}


def plain(text: str) -> list[str]:
    """Return the words of a take in lower case."""
    return re.findall(r"[\w']+", text.casefold())


@pytest.mark.parametrize("persona", PANEL)
def test_no_phrase_returns_in_a_critic_s_takes(persona: str) -> None:
    """No five words in a row, but the dossier's, stand in more than one take in ten of one critic."""
    runs = [runs_of(name, text, PHRASE) for name, text in takes().items() if name.endswith(f"/{persona}")]
    counts = Counter(run for found in runs for run in found)
    most = max(1, len(runs) // 10)

    assert [] == [" ".join(run) for run, count in counts.items() if count > most]


@pytest.mark.parametrize("persona", PANEL)
def test_a_critic_ships_some_and_skips_some(persona: str) -> None:
    """Over the shelf each critic ships between 30 and 75 % of what it votes on."""
    seats = [seat for slug in FULL for seat in golden(slug).seats if seat.persona == persona and seat.take]
    share = sum(seat.take.vote == "ship" for seat in seats if seat.take) / len(seats)

    assert 0.30 <= share <= 0.75


def test_the_shelf_is_mixed() -> None:
    """At least eight tools of different categories and kinds have three dated sources each, two of them independent."""
    tools = [read_tool(DOSSIERS[slug]) for slug in FULL]

    assert 8 <= len(tools)
    assert 6 <= len({tool.category for tool in tools})
    assert 6 <= len({tool.kind for tool in tools})
    for tool in tools:
        assert 3 <= sum(source.dated is not None for source in tool.sources), tool.slug
        assert 2 <= len(tool.outside_sources), tool.slug


def test_the_labels_of_the_shelf_are_mixed_too() -> None:
    """Of the shelf some ship, some are mixed, at least two are skipped by every critic, and one has no verdict."""
    verdicts = {slug: golden(slug).verdict for slug in SLUGS}
    labels = Counter(verdict.label for verdict in verdicts.values())

    assert {"Ship", "Mixed", "Skip", "No verdict"} == set(labels)
    assert 2 <= sum(verdict.ship == 0 and verdict.label == "Skip" for verdict in verdicts.values())


def test_a_tool_by_the_maker_of_its_judge_says_so() -> None:
    """Claude Code, whose critics are asked of a model by the same maker, carries the conflict of interest."""
    (conflict,) = [each for each in golden("claude-code").verdict.disclosures if each.kind == "conflict of interest"]

    assert "Anthropic" in conflict.text
    assert set(conflict.personas) == set(PANEL)


def test_the_hostile_twin_is_judged_like_its_clean_one() -> None:
    """Planted passages are listed and counted, no quote rests on them, and the label is the clean dossier's."""
    clean, twin = golden("skillclaw"), golden("skillclaw-hostile")
    quoted = {quote.source for seat in twin.seats if seat.take for quote in seat.take.evidence}

    assert {"description", "readme", "listing"} == {passage.field for passage in twin.tool.addressed}
    assert {"HTML comment": 1, "zero width": 3} == dict(twin.tool.removed)
    assert () == clean.tool.addressed
    assert "listing" not in quoted
    assert clean.verdict.label == twin.verdict.label


def test_golden_records_are_what_panel_writes() -> None:
    """A golden record is valid JSON that carries the schema's name, the rules' version, and no time of a run."""
    for slug in SLUGS:
        data = json.loads((EXAMPLES / "golden" / slug / "review.json").read_text())

        assert (data["schema"], data["rules"]) == ("panel.review/1", "1")
        assert {"schema", "rules", "tool", "seats", "verdict"} == set(data)
