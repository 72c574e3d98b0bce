"""Persona files: what is read of them, every way in which one can be wrong, and the five that are shipped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import ROOT
from made import CRITERIA, PERSONA, persona

from panel.errors import PersonaError
from panel.persona import Persona, read_panel, read_persona
from panel.project import packaged
from panel.record import digest

ANCHORS = "anchors: {0: bad enough to leave, 2: as one expects, 4: good enough to choose}"
FIRST_ANCHORS = f"weight: 27\n    {ANCHORS}"
ORDER = "order: 5"
MANY = "".join(f"  - id: c{n}\n    question: How?\n    weight: {n}\n    {ANCHORS}\n" for n in range(8, 16))
SHIPPED = read_panel(packaged("personas"))


def edited(old: str, new: str, text: str = PERSONA) -> str:
    """Return the sound persona file with one thing in it replaced."""
    assert text.count(old) == 1
    return text.replace(old, new)


def weighing(*weights: int) -> str:
    """Return the sound persona file with other weights."""
    text = PERSONA
    for (_, old), new in zip(CRITERIA, weights, strict=True):
        text = edited(f"weight: {old}\n", f"weight: new {new}\n", text)
    return text.replace("weight: new ", "weight: ")


def written(folder: Path, text: str, name: str = "mason.md") -> Path:
    """Return the path of a persona file written to `folder`, byte for byte."""
    (folder / name).write_bytes(text.encode())
    return folder / name


def refusal(path: Path) -> PersonaError:
    """Return the error with which a persona file is refused."""
    with pytest.raises(PersonaError) as caught:
        read_persona(path)
    return caught.value


def test_a_sound_persona_is_read_whole(tmp_path: Path) -> None:
    """Every key of a persona file is read as what it is, and the voice is its body."""
    more = "order: 7\nversion: 3\nmodel: openai:gpt-x\nthreshold: 75\nwords: [60, 90]"
    seating = "seating: {skip_kinds: [model], skip_categories: [Games], reason: no wall in it}\nnever:"
    read = persona(tmp_path, edited("never:", seating, edited(ORDER, more)))

    assert ("mason", "Mason", "Does the wall stand?") == (read.id, read.name, read.motto)
    assert (7, 3, "openai:gpt-x", 75, (60, 90)) == (read.order, read.version, read.model, read.threshold, read.words)
    assert [*CRITERIA] == [(criterion.id, criterion.weight) for criterion in read.criteria]
    assert ("bad enough to leave", "as one expects", "good enough to choose") == (
        read.criteria[0].anchors.zero,
        read.criteria[0].anchors.two,
        read.criteria[0].anchors.four,
    )
    assert read.voice.startswith("You build walls")
    assert read.voice.endswith("what the brochure calls it.")


def test_a_bare_persona_has_the_defaults(tmp_path: Path) -> None:
    """Without further keys a persona ships from 60, writes 80 to 130 words and is asked of the panel's model."""
    read = persona(tmp_path)

    assert (60, (80, 130), None, 1, None) == (read.threshold, read.words, read.model, read.version, read.seating)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(PERSONA.replace("\n", "\r\n"), id="line breaks of Windows"),
        pytest.param("\ufeff" + PERSONA, id="byte order mark"),
        pytest.param(edited("\n---\nYou", "\n--- \t\nYou"), id="space after the dashes"),
        pytest.param(edited("\n---\nYou", "\n---\n\n\nYou") + "\n\n", id="blank lines"),
        pytest.param(PERSONA.rstrip("\n"), id="no line break at the end"),
    ],
)
def test_the_form_of_the_file_is_no_part_of_the_persona(tmp_path: Path, text: str) -> None:
    """Line breaks, a byte order mark and blank lines change nothing of what a persona is."""
    (tmp_path / "other").mkdir()

    assert digest(persona(tmp_path)) == digest(read_persona(written(tmp_path / "other", text)))


def test_dashes_in_the_voice_stay(tmp_path: Path) -> None:
    """A line of dashes in the body is part of the voice."""
    read = persona(tmp_path, PERSONA + "\n---\n\nAnd one thing more.\n")

    assert read.voice.endswith("---\n\nAnd one thing more.")


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        pytest.param(edited("motto: Does", "# Does"), "2: motto", "is missing", id="missing"),
        pytest.param(edited(ORDER, ORDER + "\nmottoes: x"), "6: mottoes", "did you mean motto?", id="typo"),
        pytest.param(edited(ORDER, ORDER + "\nname: x"), "6: name", "stands twice (first on line 3)", id="key twice"),
        pytest.param(edited(ORDER, ORDER + "\nvoice: loud"), "6: voice", "unknown key", id="voice as a key"),
        pytest.param(edited("id: mason\n", "id: joiner\n"), "2: id", "is 'joiner' in a file named mason.md", id="id"),
        pytest.param(edited("id: mason\n", "id: Mason\n"), "2: id", "pattern", id="id with a capital"),
        pytest.param(edited("id: mason\n", "id: ../mason\n"), "2: id", "pattern", id="id that is a path"),
        pytest.param(edited("name: Mason", "name:"), "3: name", "is empty", id="no name"),
        pytest.param(edited(ORDER, "order: first"), "5: order", "should be a valid integer", id="order in words"),
        pytest.param(edited(ORDER, "order: -1"), "5: order", "greater than or equal to 0", id="order below 0"),
        pytest.param(edited(ORDER, "order: 1000"), "5: order", "less than or equal to 999", id="order too high"),
        pytest.param(edited(ORDER, ORDER + "\nversion: 0"), "6: version", "greater than", id="version"),
        pytest.param(edited(ORDER, ORDER + "\nmodel: gpt"), "6: model", "pattern", id="model without provider"),
        pytest.param(edited(ORDER, ORDER + "\nthreshold: 49"), "6: threshold", "equal to 50", id="threshold low"),
        pytest.param(edited(ORDER, ORDER + "\nthreshold: 76"), "6: threshold", "equal to 75", id="threshold high"),
        pytest.param(edited(ORDER, ORDER + "\nthreshold: 60.5"), "6: threshold", "integer", id="threshold broken"),
        pytest.param(edited(ORDER, ORDER + "\nwords: [130, 80]"), "6: words", "the fewest and the most", id="words"),
        pytest.param(edited(ORDER, ORDER + "\nwords: [80, 80]"), "6: words", "the fewest and the most", id="no range"),
        pytest.param(edited(ORDER, ORDER + "\nwords: [19, 80]"), "6: words", "the fewest and the most", id="few"),
        pytest.param(edited(ORDER, ORDER + "\nwords: [80, 401]"), "6: words", "the fewest and the most", id="many"),
        pytest.param(edited(ORDER, ORDER + "\nwords: 80"), "6: words", "should be", id="one number"),
        pytest.param(edited(ORDER, ORDER + "\nwords:\n - 80\n - x"), "8: words[2]", "integer", id="words in words"),
        pytest.param(weighing(28, 23, 19, 18, 13), "6: criteria", "the weights add up to 101; make it 100", id="sum"),
        pytest.param(weighing(26, 23, 19, 18, 13), "6: criteria", "the weights add up to 99; make it 100", id="short"),
        pytest.param(weighing(27, 23, 19, 12, 19), "6: criteria", "two weights are equal", id="equal weights"),
        pytest.param(weighing(30, 25, 20, 15, 10), "6: criteria", "all weights are multiples of five", id="fives"),
        pytest.param(edited("id: start", "id: shape"), "6: criteria", "two criteria have the same id", id="id twice"),
        pytest.param(re.sub(r"(?s)  - id: leave.*choose}\n", "", PERSONA), "6: criteria", "criteria, not 4", id="four"),
        pytest.param(edited("criteria:\n", f"criteria:\n{MANY}"), "6: criteria", "7 criteria, not 13", id="many ids"),
        pytest.param(re.sub("(?s)criteria:.*never", "criteria: []\nnever", PERSONA), "6: criteria", "not 0", id="no"),
        pytest.param(edited("weight: 27", "weight: 0"), "9: criteria[1].weight", "equal to 1", id="weight of 0"),
        pytest.param(edited("weight: 27", "weight: 27.5"), "9: criteria[1].weight", "integer", id="weight broken"),
        pytest.param(edited("weight: 27", "weight: heavy"), "9: criteria[1].weight", "integer", id="weight in words"),
        pytest.param(edited("weight: 23", "wait: 23"), "11: criteria[2].weight", "is missing", id="no weight"),
        pytest.param(edited("id: start", "id: Start"), "11: criteria[2].id", "pattern", id="id of a criterion"),
        pytest.param(edited("question: How is the proof?", "question:"), "16: criteria[3].question", "empty", id="q"),
        pytest.param(edited(FIRST_ANCHORS, "weight: 27\n    anchors: {0: a, 2: b}"), "10: criteria[1].anchors.4",
                     "is missing", id="anchor missing"),
        pytest.param(edited(FIRST_ANCHORS, "weight: 27\n    anchors: {0: a, 2: b, 3: c, 4: d}"),
                     "10: criteria[1].anchors.3", "valid keys: 0, 2, 4", id="anchor too many"),
        pytest.param(edited(FIRST_ANCHORS, "weight: 27\n    anchors: {zero: a, 2: b, 4: d}"),
                     "10: criteria[1].anchors.zero", "valid keys: 0, 2, 4", id="anchor by its name in code"),
        pytest.param(edited("never:", "seating: {skip_kinds: []}\nnever:"), "27: seating.reason", "missing", id="why"),
        pytest.param(edited("never:", "seating: {skip_kind: [model], reason: x}\nnever:"), "27: seating.skip_kind",
                     "did you mean skip_kinds?", id="key of seating"),
        pytest.param(edited("never:", "seating: {skip_kinds: [modle], reason: x}\nnever:"), "27: seating.skip_kinds[1]",
                     "should be", id="no such kind"),
        pytest.param(edited("[solid as a rock]", "solid as a rock"), "27: never", "should be", id="never a text"),
        pytest.param(edited("[solid as a rock]", "[solid, '']"), "27: never[2]", "at least 1", id="never empty"),
    ],
)  # fmt: skip
def test_a_bad_persona_is_refused_with_file_line_and_key(tmp_path: Path, text: str, place: str, problem: str) -> None:
    """Every fault of a persona file is told with file, line and key, and is the writer's to mend."""
    path = written(tmp_path, text)
    error = refusal(path)
    told = [line for line in str(error).splitlines() if line.startswith(f"{path}:{place}: ")]

    assert 1 == len(told)
    assert problem in told[0]
    assert error.exit_code == 2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("weight: 27", "weight: heavy", id="weight"),
        pytest.param("id: start", "id: Start", id="id"),
        pytest.param(FIRST_ANCHORS, "weight: 27\n    anchors: {0: a, 2: b}", id="anchors"),
    ],
)
def test_a_fault_in_a_criterion_is_told_without_false_consequences(tmp_path: Path, old: str, new: str) -> None:
    """One fault in one of five criteria is one fault: nobody is told that there are four of them."""
    path = written(tmp_path, edited(old, new))

    assert 1 == len(str(refusal(path)).splitlines())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("You build walls.\n", id="voice alone"),
        pytest.param("\n" + PERSONA, id="blank line before"),
        pytest.param(PERSONA.replace("---\n", ""), id="no dashes"),
        pytest.param(edited("\n---\nYou", "\nYou"), id="no second dashes"),
        pytest.param(PERSONA.removeprefix("---\n"), id="no first dashes"),
    ],
)
def test_a_persona_without_front_matter_is_refused(tmp_path: Path, text: str) -> None:
    """A file that does not begin with front matter between two lines of dashes is refused, and told how to begin."""
    path = written(tmp_path, text)

    assert str(refusal(path)).startswith(f"{path}:1: must begin with front matter between two lines of ---")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(PERSONA[: PERSONA.index("You build")], id="none"),
        pytest.param(PERSONA[: PERSONA.index("You build")] + "Short.\n", id="short"),
        pytest.param(PERSONA[: PERSONA.index("You build")] + "\u200b" * 300, id="invisible"),
        pytest.param(PERSONA[: PERSONA.index("You build")] + f"<!-- {'x' * 300} -->", id="comment"),
        pytest.param(PERSONA + "x" * 8_000, id="long"),
    ],
)
def test_a_persona_without_a_voice_is_refused(tmp_path: Path, text: str) -> None:
    """A voice of fewer than 200 or more than 8,000 visible characters is refused by that name."""
    path = written(tmp_path, text)

    assert re.fullmatch(
        re.escape(f"{path}:") + r"\d+: voice: String should have at (least 200|most 8000) .*", str(refusal(path))
    )


@pytest.mark.parametrize("line", ["----", "--- the end of it", "---x: 1"])
def test_front_matter_ends_at_a_line_of_three_dashes_alone(tmp_path: Path, line: str) -> None:
    """A line that only begins with three dashes does not end the front matter unsaid."""
    path = written(tmp_path, edited("never:", f"{line}\nnever:"))

    assert "voice" not in str(refusal(path))


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    """A persona file with several faults is refused with all of them, one a line."""
    path = written(tmp_path, edited(ORDER, "order: x\nthreshold: 10\ncolour: red"))

    assert [f"{path}:5: order", f"{path}:6: threshold", f"{path}:7: colour"] == [
        line.rsplit(": ", 1)[0] if "colour" in line else ": ".join(line.split(": ")[:2])
        for line in str(refusal(path)).replace("; valid keys: ", " ").splitlines()
    ]


def test_hidden_characters_are_removed(tmp_path: Path) -> None:
    """Neither the front matter nor the voice of a persona holds hidden characters or comments."""
    text = edited("motto: Does", 'motto: "Does\\u200b" #', edited("You build walls", "You\u202e build<!-- x --> walls"))
    read = persona(tmp_path, text)

    assert "Does" == read.motto
    assert read.voice.startswith("You build walls")


@pytest.mark.parametrize(
    ("kind", "category", "expected"),
    [
        pytest.param("model", "Tools", "no wall", id="kind"),
        pytest.param("app", "games", "no wall", id="category in any case"),
        pytest.param("app", "Tools", None, id="neither"),
    ],
)
def test_seating(tmp_path: Path, kind: str, category: str, expected: str | None) -> None:
    """A persona is not invited to the kinds and categories that its file names, with the reason there."""
    seating = "seating: {skip_kinds: [model], skip_categories: [Games], reason: no wall}\nnever:"

    assert expected == persona(tmp_path, edited("never:", seating)).not_invited(kind, category)


def test_a_persona_without_a_seating_rule_is_always_invited(tmp_path: Path) -> None:
    """Without a rule a persona is invited to every tool."""
    assert persona(tmp_path).not_invited("model", "Games") is None


def _mason(name: str, order: int) -> str:
    return edited("id: mason\n", f"id: {name}\n", edited(ORDER, f"order: {order}"))


def test_a_panel_is_in_order(tmp_path: Path) -> None:
    """The personas of a folder sit by their order, and by their id where it is the same."""
    for name, order in (("zoe", 1), ("ann", 2), ("bob", 1), ("cy", 0)):
        written(tmp_path, _mason(name, order), f"{name}.md")

    assert ["cy", "bob", "zoe", "ann"] == [each.id for each in read_panel(tmp_path)]


def test_the_faults_of_all_files_are_told(tmp_path: Path) -> None:
    """A panel with several bad files is refused with the faults of all of them."""
    for name in ("ann", "bob"):
        written(tmp_path, _mason(name, 5).replace("order: 5", "order: x"), f"{name}.md")
    written(tmp_path, PERSONA)
    with pytest.raises(PersonaError) as caught:
        read_panel(tmp_path)

    assert [f"{tmp_path / name}.md:5" for name in ("ann", "bob")] == [
        line.split(": ")[0] for line in str(caught.value).splitlines()
    ]


def test_a_folder_without_personas_is_refused(tmp_path: Path) -> None:
    """An empty folder is no panel, and its path is told."""
    with pytest.raises(PersonaError) as caught:
        read_panel(tmp_path)

    assert str(caught.value).startswith(f"{tmp_path}: holds no persona files")


DUTIES = {
    "builder": ("what it is without adjectives", "what the first hour holds", "what building it oneself would miss"),
    "skeptic": ("a named alternative", "the case in which it breaks", "what could end it"),
    "futurist": ("a thesis that a date can prove wrong", "the dependency that must hold", "who gains"),
    "founder": ("who signs", "what keeps them", "what a price war does"),
    "creator": ("the task that it enters", "what it replaces", "what it does to taste and ownership"),
}


def test_the_shipped_panel_is_the_five_critics_in_order() -> None:
    """Panel ships Builder, Skeptic, Futurist, Founder and Creator, in this order."""
    assert list(DUTIES) == [each.id for each in SHIPPED]
    assert ["Builder", "Skeptic", "Futurist", "Founder", "Creator"] == [each.name for each in SHIPPED]


@pytest.mark.parametrize("critic", SHIPPED, ids=lambda critic: critic.id)
def test_a_shipped_persona_keeps_to_the_design(critic: Persona) -> None:
    """Five to seven criteria whose unequal weights sum to 100, the usual threshold and length, no model of its own."""
    weights = [criterion.weight for criterion in critic.criteria]

    assert (100, len(weights)) == (sum(weights), len(set(weights)))
    assert 5 <= len(weights) <= 7
    assert any(weight % 5 for weight in weights)
    assert (60, (80, 130), None, None) == (critic.threshold, critic.words, critic.model, critic.seating)
    assert critic.never


@pytest.mark.parametrize("critic", SHIPPED, ids=lambda critic: critic.id)
def test_a_shipped_voice_has_its_duties(critic: Persona) -> None:
    """Each voice names the duties of its seat, of which a take shows at least two in an order of its own."""
    voice = " ".join(critic.voice.split())

    assert all(duty in voice for duty in DUTIES[critic.id])
    assert "show at least two of these" in voice


def test_shipped_personas_share_no_criterion() -> None:
    """No two critics ask the same question or say the same at an anchor."""
    criteria = [criterion for critic in SHIPPED for criterion in critic.criteria]
    anchors = [text for c in criteria for text in (c.anchors.zero, c.anchors.two, c.anchors.four)]

    assert len(criteria) == len({criterion.question for criterion in criteria})
    assert len(anchors) == len(set(anchors))


def test_code_does_not_know_the_five_names() -> None:
    """Nothing in the package names a critic: another panel is as good as the shipped one."""
    names = re.compile(r"skeptic|futurist|['\"](?:builder|founder|creator)['\"]", re.IGNORECASE)

    assert [] == [str(path) for path in (ROOT / "panel").rglob("*.py") if names.search(path.read_text("utf-8"))]
