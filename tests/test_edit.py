"""Hand edits: the words of a take in an editor's own; what they change, what refuses them, when they are dropped."""

from __future__ import annotations

import getpass
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import made
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from office import HEADLINES, STEERING, Office, steering

from panel.choices import Edit
from panel.desk.edit import read_sheet, sheet
from panel.errors import Busy, Transient
from panel.review import Seat
from panel.take import Outside, Take
from panel.text import clean

EDIT = ("edit", "plumb", "--persona", "mason1", "--by", "Ada")
LINE = "A plain rule that keeps nothing"


@pytest.fixture
def desk(office: Office, monkeypatch: pytest.MonkeyPatch) -> Office:
    """A reviewed tool, at a desk whose editor makes one word of the headline another."""
    monkeypatch.setenv("EDITOR", "sed -i 's/plain check/plain rule/'")
    monkeypatch.delenv("VISUAL", raising=False)
    office.reviewed().asked()
    return office


def editor(monkeypatch: pytest.MonkeyPatch, *changes: str) -> None:
    """Let the editor be a script of sed."""
    monkeypatch.setenv("EDITOR", " ".join(["sed", "-i", *(f"-e '{change}'" for change in changes)]))


def kept_text(desk: Office, told: str) -> str:
    """Return the text that a message says is kept."""
    line = told.splitlines()[-1]
    assert line.startswith(f"Your text is kept in {desk.folder}/plumb-mason1")
    return Path(line.removeprefix("Your text is kept in ")).read_text()


def test_edited_words_are_published_as_such(desk: Office) -> None:
    """The new words are in record and page with who edited; judgements and the other seats are as they were."""
    before, seats = desk.seat("mason1"), desk.seats()
    desk.done(*EDIT)
    after = desk.seat("mason1")

    assert before["take"] | {"headline": LINE, "edited_by": "Ada"} == after["take"]
    assert before | {"take": None} == after | {"take": None}
    assert {"mason1"} == {id for id, seat in desk.seats().items() if seat != seats[id]}
    assert ([], ["mason1"]) == (desk.asked(), desk.disclosed()["edited"])
    assert LINE in desk.kept("review.md").read_text()
    assert ("edit", "mason1", "Ada") == tuple(desk.events()[-1][key] for key in ("event", "persona", "by"))


def test_the_critic_s_own_words_stay_in_the_history(desk: Office) -> None:
    """An edited take is a take of its own in the history, marked with who edited; the original stays and comes back."""
    before = desk.seats()
    desk.done(*EDIT)
    lines = desk.done("log", "plumb", "--persona", "mason1").splitlines()

    assert [
        "  mason1     take 1    69 ship, sample 1",
        "  mason1     take 2 *  69 ship, sample 1, edited by Ada",
    ] == lines[1:3]
    assert "Mason 1 still 69 ship: other headline, edited by Ada" in desk.done("diff", "plumb")
    desk.done("restore", "plumb", "--persona", "mason1", "--take", "1")
    assert before == desk.seats()
    desk.done("restore", "plumb", "--persona", "mason1", "--take", "2")
    assert LINE == desk.seat("mason1")["take"]["headline"]


def test_only_what_was_changed_is_an_edit(desk: Office) -> None:
    """The choice holds the texts that were changed, and for which take; the rest is the critic's."""
    desk.done(*EDIT)
    edit = desk.data("choices.json")["seats"]["mason1"]["edit"]

    request = desk.seat("mason1")["asks"][0]["request"]
    assert {"by": "Ada", "of": request, "words": {"headline": LINE}, "outside": None} == edit


def test_what_was_left_as_it_is_changes_nothing(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """An editor that is left, and one that only breaks lines otherwise, change no file."""
    before = desk.tree()
    for change in ("true", "sed -i 's/ is / is  /'", "sed -i 's/^  \\(.*\\) that /  \\1\\n  that /'"):
        monkeypatch.setenv("EDITOR", change)

        assert ("Nothing was changed.\n", before) == (desk.done(*EDIT), desk.tree())


@st.composite
def takes(draw: st.DrawFn) -> Take:
    """Return a take with any texts that a reply can have."""
    letters = st.characters(exclude_characters="\ufffe\uffff", exclude_categories=("Cs",))
    texts = (st.text(letters, max_size=60) | st.sampled_from(["- a", "# a", "a: b", "---", "|", "'", '"\\', "~"])).map(
        lambda raw: clean(raw).text
    )
    named = {name: draw(texts) for name in ("text", "headline", "best_for", "not_for", "would_change_my_vote")}
    outside = draw(st.lists(st.builds(Outside, text=texts, kind=st.sampled_from(["rival", "forecast"])), max_size=3))
    ratings = [made.rated(3, why=draw(texts)), made.rated(None, criterion="start", why=draw(texts))]
    return made.take(ratings, outside=tuple(outside), **named)


@given(takes())
@example(made.take([made.rated(3)], text="word " * 700, headline="x" * 300))
def test_a_sheet_that_is_left_alone_is_no_edit(take: Take) -> None:
    """Whatever a critic wrote, its sheet can be read, and read unchanged it says that nothing was changed."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "plumb-mason.yaml"
        path.write_text(sheet(seat(take), take), encoding="utf-8")

        assert read_sheet(path, seat(take), take, "Ada") is None


def seat(take: Take) -> Seat:
    """Return a seat with a take."""
    return made.seat("mason", take, asks=(made.ask(),))


def test_each_text_can_be_edited(tmp_path: Path) -> None:
    """Texts, reasons and marks from outside are read from the sheet; a reason that was taken out stays as it was."""
    take = made.take([made.rated(3), made.rated(2, criterion="start")])
    text = (
        sheet(seat(take), take).replace("as the take says", "as it is").replace('start: "so it is"', "start: why not")
    )
    text = text.replace('  shape: "so it is"\n', "").replace("outside: []", "outside: [{text: Level, kind: rival}]")
    (tmp_path / "sheet.yaml").write_text(text)
    same = dict.fromkeys(("headline", "best_for", "not_for", "would_change_my_vote"), "as it is")

    assert Edit(
        by="Ada", of="one", words={**same, "why of start": "why not"}, outside=(Outside(text="Level", kind="rival"),)
    ) == read_sheet(tmp_path / "sheet.yaml", seat(take), take, "Ada")


def test_new_names_are_flagged_unless_they_are_marked(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that the dossier lacks is flagged as in a reply; listed under `outside`, the page marks it instead."""
    editor(monkeypatch, "s/teams that own/teams that left Gantry for/")
    desk.done(*EDIT)
    assert ['best_for says "Gantry", which is neither in the dossier nor in outside'] == [
        flag["text"] for flag in desk.seat("mason1")["take"]["flags"]
    ]

    editor(monkeypatch, "s/^outside: .*/outside: [{text: Gantry, kind: rival}]/")
    desk.done(*EDIT)
    assert ([], "teams that left Gantry for their pipelines") == tuple(
        desk.seat("mason1")["take"][key] for key in ("flags", "best_for")
    )
    assert "Not from the dossier: Gantry (rival)" in desk.kept("review.md").read_text()


REFUSED = {
    "a first-hand claim": ("s/^  Rules in/  I ran it, and rules in/", ": take claims to have used the tool"),
    "no YAML": ("s/^headline: >-/headline: [/", ".yaml:11: is not YAML: "),
    "an unknown key": ("s/^best_for:/best_fro:/", ".yaml:17: best_fro: unknown key; did you mean best_for?"),
    "a missing key": ('s/^why:/#why:/;/^  [a-z]*: "/d', ".yaml:9: why: is missing"),
    "another criterion": (
        "s/^  proof:/  prof:/",
        "why.prof: is no criterion of this seat; they are shape, start, proof",
    ),
    "a key that stands twice": ("s/^not_for:/take:/", "take: stands twice (first on line "),
    "a rating": ("s/^why:/score: 99\\nwhy:/", "score: unknown key"),
    "another kind": ("s/^outside: .*/outside: [{text: a, kind: b}]/", "outside[1].kind: "),
    "no UTF-8": ("s/teams/\\xff/", ".yaml:18: is not UTF-8; save it as UTF-8"),
    "an anchor": ("s/^headline: >-/headline: \\&a >-/", "anchors and aliases are not read"),
}


@pytest.mark.parametrize(("change", "message"), REFUSED.values(), ids=REFUSED)
def test_a_sheet_that_can_t_stand_is_told_and_kept(
    desk: Office, monkeypatch: pytest.MonkeyPatch, change: str, message: str
) -> None:
    """What is wrong is told with line and key in exit 2; the text is kept beside, and nothing about Plumb changes."""
    editor(monkeypatch, "s/plain check/plain rule/", change)
    before = desk.tree()
    told = desk.refused(*EDIT)

    assert (True, before, "") == (message in told, desk.tree(), steering(told)), told
    line = told.splitlines()[-1].removeprefix("Your text is kept in ")
    assert b"plain rule" in Path(line).read_bytes()


def test_each_text_that_is_kept_has_a_file_of_its_own(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that was refused again does not go over the one that was kept before."""
    texts = []
    for words in ("I ran it", "I tried it", "I used it"):
        editor(monkeypatch, f"s/^  Rules in/  {words}, and rules in/")
        texts.append(kept_text(desk, desk.refused(*EDIT)))

    assert [True] * 3 == [words in text for words, text in zip(("ran it", "tried it", "used it"), texts, strict=True)]
    assert 3 == len(list(desk.folder.glob("*.edited")))


@pytest.mark.parametrize("change", ["rm", "truncate -s 0"])
def test_an_editor_that_leaves_no_text_is_told(desk: Office, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    """Where the file is gone or empty, that is told in exit 2, and nothing is changed."""
    monkeypatch.setenv("EDITOR", change)
    before = desk.tree()

    assert "plumb-mason1.yaml" in desk.refused(*EDIT)
    assert before == desk.tree()


def test_a_second_edit_goes_on_from_the_first(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Edited again, a take keeps the words of both edits, and both names."""
    desk.done(*EDIT)
    editor(monkeypatch, "s/jobs that last/work that lasts/")
    desk.done(*EDIT[:-1], "Bo")
    take = desk.seat("mason1")["take"]

    assert (LINE, "work that lasts for days", "Ada, Bo") == (take["headline"], take["not_for"], take["edited_by"])


def test_an_edit_survives_until_the_take_changes(desk: Office) -> None:
    """Later reviews keep the words; another accepted take has its own, and so has another dossier's."""
    desk.done(*EDIT)
    before = desk.seats()
    desk.kept("review.json").unlink()
    desk.done("review", "plumb.yaml")
    desk.done("review", "plumb.yaml", "--samples", "3", "--persona", "mason1")
    assert before["mason1"] == desk.seats()["mason1"]

    desk.done("retake", "plumb", "--persona", "mason1", "--accept")
    assert (HEADLINES[1], None) == tuple(desk.seat("mason1")["take"][key] for key in ("headline", "edited_by"))
    assert "edited" not in desk.disclosed()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(("plumb.yaml", "Free under MIT", "Free for now"), id="dossier"),
        pytest.param(("panel.toml", "fake:panel", "fake:other"), id="model"),
    ],
)
def test_an_edit_is_dropped_with_its_question(desk: Office, change: tuple[str, str, str]) -> None:
    """Asked something else, or of somebody else, a critic speaks in its own words; the edit stays in the history."""
    desk.done(*EDIT)
    desk.change(*change)
    desk.done("review", "plumb.yaml")

    assert (HEADLINES[0], None) == tuple(desk.seat("mason1")["take"][key] for key in ("headline", "edited_by"))
    assert LINE in desk.kept("takes/mason1-2.json").read_text()


def test_a_retake_of_several_samples_can_be_edited(desk: Office) -> None:
    """An accepted retake keeps its note, numbers and count when its words are edited."""
    desk.answers["mason1"] = made.reply()
    desk.done("retake", "plumb", "--persona", "mason1", "--samples", "3", "--note", "shorter", "--accept")
    desk.done(*EDIT)
    seat, chosen = desk.seat("mason1"), desk.data("choices.json")["seats"]["mason1"]

    assert ([2, 3, 4], 1, LINE) == (
        [ask["sample"] for ask in seat["asks"]],
        seat["take"]["retakes"],
        seat["take"]["headline"],
    )
    assert (2, 3, "shorter") == (chosen["sample"], chosen["samples"], chosen["note"])


def test_what_can_t_be_edited_is_told_before_the_editor_opens(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """No take, a stale one, a locked one, nobody's and no name: each is told in exit 2, and no editor opens."""
    monkeypatch.setenv("EDITOR", "touch opened")
    desk.answers["mason0"] = Transient("busy")
    desk.change("personas/mason0.md", "few words", "many words")
    desk.kept("review.json").unlink()
    desk.type("review", "plumb.yaml")
    desk.change("personas/mason2.md", "few words", "many words")
    before = desk.tree()
    for arguments, message in (
        (["plumb", "--persona", "mason0"], "plumb: mason0: has no take to edit"),
        (["plumb", "--persona", "mason2"], "plumb: mason2: is stale (panel status); review it before you edit it"),
        (["plumb", "--persona", "mason9"], "no persona 'mason9' on the panel"),
        (["plumb", "--persona", "mason1", "--by", " \x1b"], "--by: write your name"),
    ):
        assert message in desk.refused("edit", *arguments)
    monkeypatch.setattr(getpass, "getuser", lambda: (_ for _ in ()).throw(OSError("no username")))
    assert "--by: your account has no name here; write yours" in desk.refused("edit", "plumb", "--persona", "mason1")
    desk.kept("review.json").unlink()
    assert "plumb: there is no review yet" in desk.refused(*EDIT)

    assert {name: before[name] for name in before if "review.json" not in name} == desk.tree()
    assert not any(path.name == "opened" for path in desk.folder.iterdir())


@pytest.mark.parametrize(
    ("command", "message"),
    [
        pytest.param("nowhere-to-be-found", "can't be started", id="none"),
        pytest.param("'unclosed", "can't be started", id="quotes"),
        pytest.param("false", "ended with exit code 1; nothing was changed", id="failed"),
    ],
)
def test_an_editor_that_fails_changes_nothing(
    desk: Office, monkeypatch: pytest.MonkeyPatch, command: str, message: str
) -> None:
    """Where the editor can't be started or ends in an error, that is told in exit 2; $VISUAL goes before $EDITOR."""
    monkeypatch.setenv("VISUAL", command)
    before = desk.tree()

    assert (True, before) == (f"$EDITOR ({command}): {message}" in desk.refused(*EDIT), desk.tree())


def test_the_name_of_the_account_is_written_down(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --by an edit is by whoever is logged in."""
    monkeypatch.setenv("LOGNAME", "ada")
    desk.done(*EDIT[:-2])

    assert "ada" == desk.seat("mason1")["take"]["edited_by"]


def test_a_desk_that_is_busy_costs_no_text(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another run holds the records for too long, exit 1 says so, and where the text is kept."""

    async def busy(*_: object) -> None:
        raise Busy("another run has been writing here")

    monkeypatch.setattr("panel.cli.edit.edit", busy)
    done = desk.type(*EDIT)

    assert (1, True) == (done.exit_code, LINE in kept_text(desk, done.stderr))


def test_a_take_that_changed_meanwhile_is_not_edited(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another take was accepted while the editor was open, the words are for one that is gone: they are kept."""

    def opened(path: Path) -> None:
        path.write_text(path.read_text().replace(HEADLINES[0], LINE))
        desk.done("retake", "plumb", "--persona", "mason1", "--accept")

    monkeypatch.setattr("panel.cli.edit._opened", opened)
    told = desk.refused(*EDIT)

    assert "plumb: mason1: another run changed the take meanwhile; edit it again" in told
    assert (True, HEADLINES[1]) == (LINE in kept_text(desk, told), desk.seat("mason1")["take"]["headline"])


def test_an_edit_without_its_recording_costs_no_take(desk: Office) -> None:
    """Where the ledger lost the reply, the edit is refused, its text is kept, and the record stands."""
    shutil.rmtree(desk.path("runs/ledger"))
    before = desk.tree()
    told = desk.refused(*EDIT)

    assert ("no recording of this request; bring the recording back" in told, before) == (True, desk.tree())
    assert LINE in kept_text(desk, told)


def test_an_edit_can_t_steer_the_terminal(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Escape sequences in the words and in the name of an editor reach neither terminal nor record."""
    monkeypatch.setenv("EDITOR", f"cp {desk.path('sheet')}")
    [mine] = [each for each in desk.project().store.review("plumb").seats if each.persona == "mason1"]
    text = sheet(mine, mine.take).replace(f">-\n  {HEADLINES[0]}", '"A \\e[2J\\u202ewall"')
    desk.path("sheet").write_text(text)
    printed = desk.done(*EDIT[:-1], f"Ada{STEERING}\nof the desk")
    printed += desk.done("log", "plumb") + desk.done("show", "plumb")

    assert ("", "A [2Jwall", "Ada[2J31m of the desk") == (
        steering(printed),
        *(desk.seat("mason1")["take"][key] for key in ("headline", "edited_by")),
    )
