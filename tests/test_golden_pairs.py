"""Golden comparisons: each is made again from what the recordings give, and every difference is told once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from goldens import Data, copied, recording, resealed, rewritten, seat_of, verified, voting
from test_cli import run
from vendor import CHAT, Vendor

from panel.files import readable
from panel.llm.ledger import Ledger
from panel.markdown import comparison_page
from panel.project import Project, packaged
from panel.store import Store

PAIR = "claude-code-vs-uv"
TOOLS = ("claude-code", "uv", "smartdiff", "smollm3")
AS_RECORDED = "4 tools, 15 takes replayed, 0 carried; 2 comparisons"


def few(folder: Path) -> Path:
    """Return a copy of the examples with the four tools that two comparisons need, and nothing else."""
    return copied(folder, tools=TOOLS)


def record(home: Path, pair: str = PAIR) -> Path:
    """Return the file of a golden comparison."""
    return home / "golden" / "compare" / pair / "comparison.json"


def moderated(home: Path) -> Path:
    """Return the recording of what the moderator said."""
    ask = json.loads(record(home).read_bytes())["moderation"]["ask"]
    return Ledger(home / "recordings").path(ask["request"])


def spelt(data: Data, *path: str | int, value: object) -> None:
    """Set what is at a place in plain data."""
    place: Any = data
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value


def test_an_answer_that_was_changed_by_hand_is_told(tmp_path: Path) -> None:
    """The difference says which answer stands there, and which one the reviews give."""
    home = few(tmp_path)
    rewritten(record(home), lambda data: spelt(data, "answer", "kind", value="too close"))
    done = verified(home)

    assert (3, ["Claude Code vs uv: Too close to call to Pick uv"]) == (done.code, done.meanings)
    assert f"{AS_RECORDED}: 1 changed comparison." == done.counts


def test_a_clause_that_was_changed_by_hand_is_told(tmp_path: Path) -> None:
    """Words that the moderator did not write are a difference."""
    home = few(tmp_path)
    rewritten(record(home), lambda data: spelt(data, "moderation", "clauses", 1, 0, "text", value="you like speed."))
    done = verified(home)

    assert (3, ["Claude Code vs uv: moderation changed"]) == (done.code, done.meanings)


def test_a_review_that_flips_the_answer_is_told_with_the_comparison(tmp_path: Path) -> None:
    """A lower score on one side is told of that tool, and of each comparison whose answer it changes."""
    home = few(tmp_path)
    resealed(recording(home, "uv", "skeptic"), voting("skip", rival=2, proof=2))
    score = seat_of(home, "uv", "skeptic")["take"]["score"]
    first, second = verified(home).meanings

    assert first.startswith("uv: ")
    assert f"Skeptic flipped {score} to " in first
    assert "Claude Code vs uv: Pick uv to Too close to call" == second


def test_a_review_that_leaves_the_answer_is_told_once(tmp_path: Path) -> None:
    """Where the answer stays, the change is told of the tool and not of its comparisons; accepting takes in both."""
    home = few(tmp_path)
    resealed(recording(home, "smartdiff", "founder"), voting("skip", hold=0))
    done, accepted = verified(home), verified(home, "--accept")

    assert 1 == len(done.meanings), done.meanings
    assert done.meanings[0].startswith("Smartdiff: ")
    assert "accepted: smartdiff, smartdiff-vs-smollm3" in accepted.text
    assert (0, f"{AS_RECORDED}: as recorded.\n") == (verified(home).code, verified(home).text)


def test_a_reply_of_the_moderator_that_is_missing_is_named_and_asked_for(tmp_path: Path) -> None:
    """Its absence names the comparison; `panel record` counts that one request, asks for it, and nobody else."""
    home = few(tmp_path)
    reply = Ledger(home / "recordings").read(moderated(home)).reply
    moderated(home).unlink()
    assert [f"{PAIR}: moderator: no recording of this request"] == verified(home).meanings

    with Vendor([CHAT.said(reply.text)]) as vendor:
        (home / "panel.toml").write_text(f'{(home / "panel.toml").read_text()}[servers]\nlab = "{vendor.url}/v1"\n')
        rewritten(record(home), lambda data: spelt(data, "moderation", "ask", "asked", value=CHAT.model))
        told = run("record", str(home), "--yes")
        asked = len(vendor.calls)

    assert (0, 1) == (told.exit_code, asked), told.output
    assert ", 1 to ask" in told.stdout
    assert ["Claude Code vs uv: moderation changed"] == verified(home).meanings


def test_a_changed_word_of_its_prompt_is_shown(tmp_path: Path) -> None:
    """After a word of the moderator's prompt changed, the missing reply is named with the lines that changed."""
    home = few(tmp_path)
    prompt = packaged("prompts") / "moderator.md"
    (home / "prompts").mkdir()
    (home / "prompts" / "moderator.md").write_text(prompt.read_text().replace("rank nothing", "rank no tool"))
    done = verified(home)

    assert [f"{PAIR}: moderator: no recording of this request"] == done.meanings
    old, new = done.changes
    assert ("rank nothing" in old, "rank no tool" in new) == (True, True)


def test_a_reply_of_the_moderator_that_was_changed_is_named(tmp_path: Path) -> None:
    """A recording with a word changed is a difference like any other, and the rest is verified still."""
    home = few(tmp_path)
    moderated(home).write_text(moderated(home).read_text().replace("your chores are git", "your chores are all git"))
    done = verified(home)

    assert 3 == done.code
    assert done.meanings[0].startswith(f"{PAIR}: moderator: ")
    assert "was changed after it was written; restore it" in done.meanings[0]
    assert f"{AS_RECORDED}: 1 unsound recording" in done.counts


def test_new_takes_wait_for_the_moderator(tmp_path: Path) -> None:
    """After a new take was accepted its reply is missing and asked for; the comparison is not accepted without it."""
    home = few(tmp_path)
    resealed(recording(home, "uv", "skeptic"), lambda answer: answer.update(headline="Quick, with a caveat to read"))
    before, first, accepted = record(home).read_bytes(), verified(home), verified(home, "--accept")

    assert 1 == len(first.meanings), first.meanings
    assert "accepted: uv\n" in accepted.text
    assert before == record(home).read_bytes()
    assert [f"{PAIR}: moderator: no recording of this request"] == verified(home).meanings


def test_a_comparison_that_can_not_be_read_or_lost_its_tool_is_told(tmp_path: Path) -> None:
    """A torn record and one whose dossier is gone are differences of their own; what they rest on is left alone."""
    home = few(tmp_path)
    record(home).write_bytes(record(home).read_bytes()[:200])
    (home / "smartdiff.yaml").unlink()
    kinds = verified(home).text

    assert f"{PAIR}: " in kinds
    assert "smartdiff-vs-smollm3: a comparison with smartdiff, which has no dossier here" in kinds
    assert "moderator: no review rests on" not in kinds


def test_the_page_beside_a_golden_comparison_is_held_too(tmp_path: Path) -> None:
    """A changed page is a difference, and accepting writes it from the record."""
    home = few(tmp_path)
    page = record(home).with_suffix(".md")
    page.write_text("# Claude Code wins\n")
    done, accepted = verified(home), verified(home, "--accept")

    assert [f"{PAIR}: comparison.md says something else than the record"] == done.meanings
    assert f"accepted: {PAIR}" in accepted.text
    written = Store(home / "golden").comparison(PAIR)
    assert written
    assert comparison_page(written) == page.read_text()


def test_one_comparison_is_recomputed(tmp_path: Path) -> None:
    """An audit passes what Panel wrote, and names a score, an answer or bytes that do not follow."""
    home = few(tmp_path)
    whole = run("verify", str(record(home)))
    rewritten(record(home), lambda data: spelt(data, "scorecard", 0, "cells", 0, "take", "score", value=99))
    wrong = run("verify", str(record(home)))

    assert (0, 3) == (whole.exit_code, wrong.exit_code)
    assert "nothing differs in 13 recomputations." in whole.stdout
    assert "differs: Builder on Claude Code: score and vote follow from the ratings" in wrong.stdout
    assert "scorecard would be other" in wrong.stdout


def test_a_comparison_alone_says_what_could_not_be_recomputed(tmp_path: Path) -> None:
    """Without its reviews an audit checks what the record holds, and says what it could not."""
    home = few(tmp_path)
    alone = tmp_path / "elsewhere" / "comparison.json"
    alone.parent.mkdir()
    alone.write_bytes(record(home).read_bytes() + b"\n")
    done = run("verify", str(alone))

    assert 3 == done.exit_code
    assert "differs: the file is written as Panel writes it: its bytes are others" in done.stdout
    assert "not here: the reviews and the moderator's reply give this comparison" in done.stdout


def test_the_golden_comparisons_are_what_the_command_writes(tmp_path: Path) -> None:
    """`panel compare` on the examples writes the golden bytes."""
    home = few(tmp_path)
    one, other = (str(home / f"{slug}.yaml") for slug in ("uv", "claude-code"))
    done = run("compare", one, other, "--runs", str(tmp_path / "runs"))
    written = Store(tmp_path / "runs").comparison(PAIR)

    assert 0 == done.exit_code, done.output
    assert written
    assert record(home).read_bytes() == readable(written.as_json())
    assert Project.open(home, {}).settings.golden
