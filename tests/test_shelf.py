"""The shelf: every dossier of a project, found by path or by slug; which two names are the same."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import made
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from office import STEERING, Office, steering

from panel.errors import ToolError
from panel.names import SLUG, folded, slug_of
from panel.shelf import named, shelf

LEVEL = made.DOSSIER.replace("Plumb", "Level").replace("plumb", "level")


def shelved(office: Office, name: str, text: str = LEVEL) -> Path:
    """Return the path of a dossier that is put on the shelf."""
    path = office.path(name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_every_dossier_is_on_the_shelf_once(office: Office) -> None:
    """Each YAML file of the folders is a tool, by path; hidden files, folders and other endings are none."""
    office.path("panel.toml").write_text('tools = [".", "more", "./more", "nowhere"]\n')
    shelved(office, "more/level.yml")
    for name in (".hidden.yaml", "notes.txt", "level.yaml~", "more/.level.yml.swp"):
        shelved(office, name, "no dossier")
    office.path("folder.yaml").mkdir()

    assert [("more/level.yml", "level"), ("plumb.yaml", "plumb")] == [
        (str(one.path.relative_to(office.folder)), one.tool.slug) for one in shelf(office.project())
    ]


def test_tools_are_named_by_path_and_by_slug(office: Office) -> None:
    """Tools come in the order in which they are named, each with the path of its dossier; by default all of them."""
    shelved(office, "level.yaml")
    both = named(office.project(), ["plumb", "level.yaml", "plumb"])

    assert ["plumb", "level", "plumb"] == [one.tool.slug for one in both]
    assert [office.path("plumb.yaml"), Path("level.yaml"), office.path("plumb.yaml")] == [one.path for one in both]
    assert ["level", "plumb"] == [one.tool.slug for one in named(office.project(), [])]


def test_a_dossier_off_the_shelf_is_named_by_its_path(office: Office) -> None:
    """A path need not be on the shelf, and its own shelf need not be sound for it."""
    shelved(office, "elsewhere/level.yaml")
    office.change("plumb.yaml", "name: Plumb", "nmae: Plumb")

    assert ["level"] == [one.tool.slug for one in named(office.project(), ["elsewhere/level.yaml"])]


UNKNOWN = {
    "plum": "'plum': no dossier has this slug; did you mean plumb?",
    "zzz": "'zzz': no dossier has this slug; there are plumb",
    "Plumb": "'Plumb': no dossier has this slug",
    "../plumb": "'../plumb': no dossier has this slug",
    STEERING: "no dossier has this slug",
    "x" * 5_000: f"'{'x' * 60}…': no dossier has this slug",
    "": "'': no dossier has this slug",
}


@pytest.mark.parametrize("command", ["status", "log", "inbox"])
def test_a_slug_that_nobody_has_is_told(office: Office, command: str) -> None:
    """An unknown slug ends in exit 2 and one line with the nearest one; nothing of a hostile name reaches a path."""
    for name, message in UNKNOWN.items():
        told = office.refused(command, "--", name)

        assert message in told
        assert (1, "") == (len(told.splitlines()), steering(told))


def test_every_fault_of_every_dossier_is_told_at_once(office: Office) -> None:
    """Faults of several dossiers are told together, each with its file, line and key."""
    shelved(office, "level.yaml", LEVEL.replace("license:", "licence:"))
    office.change("plumb.yaml", "kind: library", "kind: wall")
    with pytest.raises(ToolError) as caught:
        shelf(office.project())

    lines = str(caught.value).splitlines()
    assert [f"{office.path('level.yaml')}:11: licence: unknown key; did you mean license?"] == lines[:1]
    assert lines[1].startswith(f"{office.path('plumb.yaml')}:6: kind: ")


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        pytest.param("slug: level", "slug: plumb", "slug", id="slug"),
        pytest.param("name: Level", "name: P-l u_M b", "name", id="name"),
        pytest.param("license: MIT", "license: MIT\naliases: [Rule, PLÜMB]", "aliases", id="alias"),
    ],
)
def test_two_dossiers_of_one_name_are_refused(office: Office, old: str, new: str, key: str) -> None:
    """A slug, name or alias that another dossier has, in another folder too, is told with both files."""
    office.path("panel.toml").write_text('tools = [".", "more"]\n')
    level = shelved(office, "more/level.yaml", LEVEL.replace(old, new))
    with pytest.raises(ToolError) as caught:
        shelf(office.project())

    assert f"{level}:" in str(caught.value)
    assert f": {key}: '" in str(caught.value)
    assert f"is already what {office.path('plumb.yaml')} calls its tool" in str(caught.value)


def test_a_shelf_without_dossiers_says_where_it_looked(office: Office) -> None:
    """Where there is no dossier, the folders and the setting that names them are told."""
    office.path("panel.toml").write_text('tools = ["a", "b"]\n')
    told = office.refused("status")

    assert f"{office.path('a')} or {office.path('b')}: there are no dossiers here" in told
    assert "`tools` in panel.toml" in told


def spelt_otherwise(draw: st.DrawFn, char: str) -> str:
    """Return a letter in another case or with an accent, with spaces or strokes around it."""
    accent = draw(st.sampled_from(["", "\u0301", "\u0308"]))
    other = draw(st.sampled_from([char, char.upper(), char.lower()]))
    form = draw(st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
    around = st.sampled_from(["", "-", " ", "_", " - "])
    return draw(around) + unicodedata.normalize(form, other + accent) + draw(around)


@st.composite
def two_spellings(draw: st.DrawFn) -> tuple[str, str]:
    """Return a name, and the same name spelt otherwise."""
    name = draw(st.text(alphabet="abcxyzABC019.+#", min_size=1, max_size=8))
    return name, "".join(spelt_otherwise(draw, char) for char in name)


@given(two_spellings())
def test_case_accents_spaces_and_strokes_make_no_name(names: tuple[str, str]) -> None:
    """Two names that differ in case, accents, spaces, hyphens and underscores alone are the same name."""
    assert folded(names[0]) == folded(names[1])


@given(st.text(max_size=30))
@example("ŉ ǰ ß ﬃ Ǆ İ K ϓ")
def test_a_folded_name_folds_to_itself(name: str) -> None:
    """What names are compared by is settled: to fold it again changes nothing."""
    assert folded(name) == folded(folded(name))


@pytest.mark.parametrize(
    ("one", "other"),
    [("C", "C++"), ("C#", "C++"), ("GPT 4", "GPT 41"), ("Ab", "Ba"), ("node.js", "nodejs"), ("é", "f")],
)
def test_names_that_differ_stay_apart(one: str, other: str) -> None:
    """Letters, digits and signs other than space and stroke make another name."""
    assert folded(one) != folded(other)


@given(st.text(max_size=60))
@example("x" * 200)
@example("../../etc/passwd\x00")
@example("COM1")
def test_a_slug_is_the_name_of_a_folder(name: str) -> None:
    """A slug made from whatever name is empty or a short name of ASCII letters, digits and single hyphens."""
    slug = slug_of(name)

    assert slug == "" or (SLUG.fullmatch(slug) and len(slug) <= 80)
    assert slug == slug_of(slug)
