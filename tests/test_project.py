"""Projects: which personas, prompts, records and ledgers belong together."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from made import DOSSIER, PARAMETERS, PERSONA, changed, project, tool

from panel.errors import InputError, PersonaError, PromptError, RecordingMissing, SettingsError
from panel.llm.ledger import Recorded
from panel.llm.model import said
from panel.persona import read_panel
from panel.project import Project, packaged
from panel.prompt import ASKED_WITH, JUDGED_WITH, SHOWN_WITH, Prompts
from panel.request import Parameters

FIVE = ["builder", "skeptic", "futurist", "founder", "creator"]
ALL_PROMPTS = (*ASKED_WITH, *JUDGED_WITH, *SHOWN_WITH)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working folder is one that has no panel.toml in it or above it."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")


def own_prompt(folder: Path, name: str, text: str) -> None:
    """Write a prompt of the project's own."""
    (folder / "prompts").mkdir(exist_ok=True)
    (folder / "prompts" / name).write_text(text, encoding="utf-8")


def test_without_personas_of_its_own_a_project_has_the_shipped_panel(tmp_path: Path) -> None:
    """The panel is the five shipped critics where the project has no folder of personas."""
    assert FIVE == project(tmp_path).persona_ids


def test_a_folder_of_personas_is_the_whole_panel(tmp_path: Path) -> None:
    """A project's own personas replace the shipped ones, all of them."""
    assert ["mason0", "mason1"] == project(tmp_path, personas=2).persona_ids


def test_an_empty_folder_of_personas_is_refused(tmp_path: Path) -> None:
    """A project whose folder of personas is empty is refused, and not given the shipped panel unsaid."""
    (tmp_path / "personas").mkdir()
    with pytest.raises(PersonaError) as caught:
        project(tmp_path)

    assert str(tmp_path / "personas") in str(caught.value)


def test_the_personas_belong_to_the_project_and_not_to_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Personas are looked for beside panel.toml, not where the command is run."""
    (tmp_path / "elsewhere" / "personas").mkdir()
    (tmp_path / "elsewhere" / "personas" / "mason.md").write_text(PERSONA)
    monkeypatch.chdir(tmp_path / "elsewhere")

    assert FIVE == project(tmp_path).persona_ids


def test_a_persona_by_its_id(tmp_path: Path) -> None:
    """A persona is found by its id, and an unknown one is refused with the names of those there are."""
    mine = project(tmp_path, personas=2)

    assert mine.panel[1] == mine.persona("mason1")
    with pytest.raises(PersonaError, match=r"^no persona 'skeptic' on the panel; which is mason0, mason1$"):
        mine.persona("skeptic")


@pytest.mark.parametrize("name", ALL_PROMPTS)
def test_a_prompt_is_overridden_file_by_file(tmp_path: Path, name: str) -> None:
    """A prompt file of the project's own goes before the shipped one; all others stay."""
    shipped = Prompts.read(packaged("prompts"))
    own_prompt(tmp_path, name, "of our own\n")

    assert {**shipped.texts, name: "of our own\n"} == project(tmp_path).prompts.texts


@pytest.mark.parametrize("name", [*ASKED_WITH, *JUDGED_WITH])
def test_the_digest_of_the_prompts_is_of_what_models_are_asked_with(tmp_path: Path, name: str) -> None:
    """A change of anything that a model is asked with, or its answer judged with, changes the digest of the prompts."""
    shipped = Prompts.read(packaged("prompts"))
    own_prompt(tmp_path, name, shipped.texts[name] + "\n# and more\n")

    assert shipped.digest != project(tmp_path).prompts.digest


@pytest.mark.parametrize("name", [*SHOWN_WITH, "LOG.md", "notes.txt"])
def test_the_digest_of_the_prompts_is_of_nothing_else(tmp_path: Path, name: str) -> None:
    """The sheet for people and other files leave the digest of the prompts alone."""
    own_prompt(tmp_path, name, "# nothing\n")

    assert Prompts.read(packaged("prompts")).digest == project(tmp_path).prompts.digest


@pytest.mark.parametrize("name", ALL_PROMPTS)
def test_a_missing_prompt_is_named(tmp_path: Path, name: str) -> None:
    """A prompt file that is in no folder is refused with its name and the folder."""
    shutil.copytree(packaged("prompts"), tmp_path / "prompts")
    (tmp_path / "prompts" / name).unlink()
    with pytest.raises(PromptError) as caught:
        Prompts.read(tmp_path / "prompts")

    assert f"{tmp_path / 'prompts'}: {name} is missing; restore it from the package" == str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        pytest.param("persona.md.j2", "{{ persona.nmae }}", "persona.md.j2", id="unknown name"),
        pytest.param("dossier.md.j2", "one\n{% if %}\n", "dossier.md.j2:2", id="syntax"),
        pytest.param("persona.md.j2", "{{ persona.__class__.__mro__ }}", "persona.md.j2", id="out of the sandbox"),
        pytest.param("dossier.md.j2", "{{ 1 // 0 }}", "dossier.md.j2", id="division by zero"),
        pytest.param("persona.md.j2", "{{ persona.name + 1 }}", "persona.md.j2", id="text and number"),
        pytest.param("persona.md.j2", "{% for n in range(999999) %}{% endfor %}", "persona.md.j2", id="endless"),
        pytest.param("dossier.md.j2", "{{ tool.name | nofilter }}", "dossier.md.j2:1", id="unknown filter"),
        pytest.param("dossier.md.j2", "{% include 'system.md' %}", "dossier.md.j2", id="another file"),
    ],
)
def test_a_prompt_that_does_not_render_is_named(tmp_path: Path, name: str, text: str, place: str) -> None:
    """A template of the project's own that fails is refused as the user's to mend, with its file."""
    own_prompt(tmp_path, name, text)
    mine = project(tmp_path, personas=1)
    with pytest.raises(PromptError) as caught:
        mine.question(tool(tmp_path), mine.panel[0]).request()

    assert place in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("text", ["{", "[]", ""])
def test_a_bad_reply_schema_is_named(tmp_path: Path, text: str) -> None:
    """A reply schema that is no JSON object is refused with the name of its file."""
    own_prompt(tmp_path, "reply.schema.json", text)
    mine = project(tmp_path, personas=1)
    with pytest.raises(PromptError) as caught:
        mine.question(tool(tmp_path), mine.panel[0]).request()

    assert str(caught.value).startswith("prompts/reply.schema.json")


def test_a_persona_is_asked_of_its_own_model(tmp_path: Path) -> None:
    """A persona that names a model is asked of it, every other of the panel's; limits are the settings'."""
    (tmp_path / "personas").mkdir()
    for name, model in (("ann", "\nmodel: openai:gpt-x"), ("bob", "")):
        text = PERSONA.replace("id: mason\n", f"id: {name}\n").replace("order: 5", f"order: 5{model}")
        (tmp_path / "personas" / f"{name}.md").write_text(text)
    project(tmp_path)
    (tmp_path / "panel.toml").write_text('model = "fake:ship"\n')
    mine = Project.open(tmp_path, {"samples": "2"})
    questions = [mine.question(tool(tmp_path), persona, "be brief") for persona in mine.panel]

    assert ["openai:gpt-x", "fake:ship"] == [question.model for question in questions]
    assert [(PARAMETERS, "be brief")] * 2 == [(question.parameters, question.note) for question in questions]


MIXED = 'model = "fake:ship"\nfallbacks = ["openai:z"]\n[models]\nmason0 = "openai:x"\nmason1 = "lab:q"\n'
SERVER = '[servers]\nlab = "http://127.0.0.1:9/v1"\n'


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        pytest.param({}, ["openai:x", "lab:q", "fake:ship"], id="panel.toml"),
        pytest.param({"model": "fake:skip"}, ["fake:skip"] * 3, id="a flag"),
    ],
)
def test_a_panel_can_mix_models(tmp_path: Path, flags: dict[str, object], expected: list[str]) -> None:
    """`models` in panel.toml names the model of single seats; a model that a flag names is for all of them."""
    project(tmp_path, personas=3)
    (tmp_path / "panel.toml").write_text(MIXED + SERVER)
    mine = Project.open(tmp_path, flags)

    assert expected == [mine.question(tool(tmp_path), persona).model for persona in mine.panel]


def test_panel_toml_goes_before_the_persona_s_file(tmp_path: Path) -> None:
    """A seat's model in panel.toml counts where its persona's file names another."""
    project(tmp_path, personas=1)
    (tmp_path / "panel.toml").write_text('[models]\nmason0 = "openai:x"\n')
    mine = Project.open(tmp_path, {})

    assert "openai:x" == mine.own_model(mine.panel[0].model_copy(update={"model": "openai:y"}))


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        pytest.param('[models]\nmason = "openai:x"\n', "models.mason: no such persona; did you mean mason0?", id="id"),
        pytest.param('[models]\nmason0 = "opnai:x"\n', "model 'opnai:x': write provider:name", id="models"),
        pytest.param('fallbacks = ["lab:x"]\n', "or a server that panel.toml names under [servers]", id="fallbacks"),
    ],
)
def test_a_model_that_cannot_be_asked_is_told_when_the_project_opens(tmp_path: Path, toml: str, problem: str) -> None:
    """A seat that is not there, and a provider that is not there, are told before anything is asked."""
    project(tmp_path, personas=1)
    (tmp_path / "panel.toml").write_text(toml)
    with pytest.raises(SettingsError) as caught:
        Project.open(tmp_path, {})

    assert problem in str(caught.value)


def test_limits_are_part_of_what_is_asked(tmp_path: Path) -> None:
    """Tokens and effort of panel.toml go into every request."""
    (tmp_path / "panel.toml").write_text('max_tokens = 5000\neffort = "high"\n')

    assert Parameters(max_tokens=5000, effort="high") == Project.open(tmp_path, {}).parameters


def test_records_and_ledgers_are_where_the_settings_say(tmp_path: Path) -> None:
    """Records are in `runs`, the project's ledger in `runs/ledger`, and the ledgers beside it are only read."""
    (tmp_path / "panel.toml").write_text('runs = "out"\nledgers = ["theirs"]\n')
    (tmp_path / "theirs").mkdir()
    mine = Project.open(tmp_path, {})
    folders = [ledger.folder for ledger in mine.ledgers.all]

    assert (tmp_path / "out", [tmp_path / "out" / "ledger", tmp_path / "theirs"]) == (mine.store.folder, folders)


def test_a_ledger_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A further ledger whose folder is missing is refused with the file that names it."""
    (tmp_path / "panel.toml").write_text('ledgers = ["theirs"]\n')
    with pytest.raises(SettingsError) as caught:
        Project.open(tmp_path, {})

    assert f"{tmp_path / 'panel.toml'}: ledgers: there is no folder {tmp_path / 'theirs'}" == str(caught.value)


def test_a_ledger_beside_the_own_one_is_never_written(tmp_path: Path) -> None:
    """What is asked is recorded in the project's own ledger and nowhere else; what others hold is read."""
    theirs = project(tmp_path, personas=1)
    question = theirs.question(tool(tmp_path), theirs.panel[0])
    theirs.ledgers.own.keep(question.request(1), said("theirs", "fake:x"))
    (tmp_path / "panel.toml").write_text('runs = "mine"\nledgers = ["runs/ledger"]\n')
    mine = Project.open(tmp_path, {})
    before = sorted((tmp_path / "runs").rglob("*"))

    assert "theirs" == asyncio.run(Recorded(mine.ledgers, None).ask(question.request(1))).text
    with pytest.raises(RecordingMissing):
        asyncio.run(Recorded(mine.ledgers, None).ask(question.request(2)))
    assert (before, False) == (sorted((tmp_path / "runs").rglob("*")), (tmp_path / "mine").exists())


@pytest.mark.parametrize(
    ("path", "text", "kind"),
    [
        pytest.param("panel.toml", "modle = 1\n", SettingsError, id="settings"),
        pytest.param("personas/mason.md", "no front matter\n", PersonaError, id="persona"),
        pytest.param("prompts/system.md", b"\xff\xfe", PromptError, id="prompt"),
    ],
)
def test_whatever_in_a_project_can_not_be_used_is_named(
    tmp_path: Path, path: str, text: str | bytes, kind: type[InputError]
) -> None:
    """A project with a bad file is refused with the path of that file."""
    (tmp_path / "panel.toml").write_text("")
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(kind) as caught:
        Project.open(tmp_path, {})

    assert str(caught.value).startswith(f"{tmp_path / path}:")


def test_what_is_packaged_is_found() -> None:
    """The shipped personas and prompts are found wherever the package is."""
    assert FIVE == [persona.id for persona in read_panel(packaged("personas"))]
    assert set(ALL_PROMPTS) <= {path.name for path in packaged("prompts").iterdir()}


def test_a_dossier_is_no_part_of_a_project(tmp_path: Path) -> None:
    """Opening a project writes nothing and reads no dossier."""
    (tmp_path / "panel.toml").write_text("")
    (tmp_path / "torn.yaml").write_text(DOSSIER[:40] + "[")
    before = sorted(tmp_path.rglob("*"))
    Project.open(tmp_path, {})

    assert before == sorted(tmp_path.rglob("*"))


@pytest.mark.parametrize(
    ("maker", "own", "other", "expected"),
    [
        pytest.param("Lead Works", None, "openai:x", "anthropic:y", id="no conflict"),
        pytest.param("Anthropic", None, "openai:x", "openai:x", id="another persona's model"),
        pytest.param("OpenAI", "openai:x", "openai:z", "anthropic:y", id="the panel's model"),
        pytest.param("Anthropic", None, "anthropic:z", "anthropic:y", id="nobody to move to"),
        pytest.param("Anthropic", None, None, "anthropic:y", id="one model for all"),
    ],
)
def test_a_seat_is_not_asked_of_the_tool_s_own_maker(
    tmp_path: Path, maker: str, own: str | None, other: str | None, expected: str
) -> None:
    """A seat whose model has the tool's maker is asked of another model of the panel, where one has not."""
    mine = project(tmp_path, personas=2, flags={"model": "anthropic:y"})
    first, second = (p.model_copy(update={"model": m}) for p, m in zip(mine.panel, (own, other), strict=True))
    mine = replace(mine, panel=(first, second))

    assert expected == mine.question(changed(tool(tmp_path), maker=maker), first).model
