"""Strict YAML: what is read, what is refused, and on which line each fault is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panel.document import DEEPEST, LARGEST_FILE, Document, fit, nearest, read_document, read_text, shown
from panel.errors import PersonaError, ToolError
from panel.record import Record
from panel.text import clean

FILE = Path("tool.yaml")
SIGNS = [*":-[]{}#&*!|>'\"%@`?, \n\tab~0", "---\n", "...\n", "<<: ", "\n  - ", "<!--", "\x85", "é"]
ALIASED = "anchors and aliases are not read; write the value out"
NO_KEY = "a key must be plain text; put it in quotes"
PLAIN_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cn"]))


class Part(Record):
    """Something inside a whole."""

    id: str
    size: int = 0


class Whole(Record):
    """What the small documents here are read as."""

    name: str
    parts: tuple[Part, ...] = ()
    spare: Part | None = None
    labels: Mapping[str, str] = {}


def read(text: str, first_line: int = 1) -> Document:
    """Return the document of a text."""
    return read_document(text, FILE, ToolError, first_line)


def refusal(text: str, first_line: int = 1) -> str:
    """Return the message with which a text is refused."""
    with pytest.raises(ToolError) as caught:
        read(text, first_line)
    return str(caught.value)


def faults(text: str) -> list[str]:
    """Return the faults of a text that is read as a whole, one a line."""
    with pytest.raises(ToolError) as caught:
        fit(read(text), Whole, ToolError)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("no", "no", id="no"),
        pytest.param("yes", "yes", id="yes"),
        pytest.param("on", "on", id="on"),
        pytest.param("true", "true", id="true"),
        pytest.param("3.0", "3.0", id="version"),
        pytest.param("0x1F", "0x1F", id="hexadecimal"),
        pytest.param("010", "010", id="octal"),
        pytest.param("1e3", "1e3", id="exponent"),
        pytest.param("12:30:45", "12:30:45", id="sexagesimal"),
        pytest.param("2026-03-02", "2026-03-02", id="date"),
        pytest.param(".nan", ".nan", id="not a number"),
        pytest.param("=", "=", id="equals"),
        pytest.param("'null'", "null", id="quoted null"),
        pytest.param('"~"', "~", id="quoted tilde"),
        pytest.param('""', "", id="quoted nothing"),
        pytest.param("nULL", "nULL", id="no spelling of null"),
        pytest.param("", None, id="nothing"),
        pytest.param("~", None, id="tilde"),
        pytest.param("null", None, id="null"),
        pytest.param("Null", None, id="Null"),
        pytest.param("NULL", None, id="NULL"),
    ],
)
def test_a_scalar_is_text_or_nothing(written: str, expected: str | None) -> None:
    """Every scalar stays the text that was written, and only an unquoted null is nothing."""
    document = read(f"key: {written}\nlist: [{written}]\n" if written else "key:\nlist: [~]\n")

    assert {"key": expected, "list": [expected]} == document.content


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param("a: 1\nb: &x 2\n", "2: " + ALIASED, id="anchor"),
        pytest.param("a: 1\n\nb: *x\n", "3: " + ALIASED, id="alias"),
        pytest.param("a:\n  - &x [1]\n", "2: " + ALIASED, id="list"),
        pytest.param("a:\n  &x {b: 1}\n", "2: " + ALIASED, id="map"),
        pytest.param("a: 1\n&k b: 1\n", "2: " + ALIASED, id="key"),
        pytest.param("a: !py 1\n", "1: tag '!py' is not read; remove it", id="tag"),
        pytest.param("a: ! 1\n", "1: tag '!' is not read; remove it", id="bare tag"),
        pytest.param("a: 1\nb: !!int 1\n", "2: tag 'tag:yaml.org,2002:int' is not read; remove it", id="int"),
        pytest.param("a:\n - 1\n - !!set {b}\n", "3: tag 'tag:yaml.org,2002:set' is not read; remove it", id="set"),
        pytest.param(
            "a: 1\n---\nb: 1\n",
            "2: holds more than one document; remove what follows the second ---",
            id="second document",
        ),
        pytest.param("a: 1\nb: 2\na: 3\n", "3: a: stands twice (first on line 1)", id="key twice"),
        pytest.param("a:\n  b: 1\n\n  b: 2\n", "4: a.b: stands twice (first on line 2)", id="inner key twice"),
        pytest.param("a:\n- b: 1\n- b: 1\n  b: 2\n", "4: a[2].b: stands twice (first on line 3)", id="in a list"),
        pytest.param("no: 1\n'no': 2\n", "2: no: stands twice (first on line 1)", id="key twice, quoted once"),
        pytest.param("a: {b: 1,\n  b: 2}\n", "2: a.b: stands twice (first on line 1)", id="twice in braces"),
        pytest.param("a: 1\n? [b]\n: 2\n", "2: " + NO_KEY, id="list as key"),
        pytest.param("a: 1\n{b: 1}: 2\n", "2: " + NO_KEY, id="map as key"),
        pytest.param("- a\n- b\n", "1: must be a mapping of keys to values", id="a list"),
        pytest.param("just text\n", "1: must be a mapping of keys to values", id="a text"),
        pytest.param("", "1: must be a mapping of keys to values", id="empty"),
        pytest.param("# nothing\n", "1: must be a mapping of keys to values", id="comments alone"),
    ],
)  # fmt: skip
def test_what_is_not_plain_is_refused_with_its_line(text: str, fault: str) -> None:
    """Whatever is not one plain mapping is refused with its line, and a key that stands twice with both lines."""
    assert f"{FILE}:{fault}" == refusal(text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param("a: 1\nb: 'open\n", "tool.yaml:3: is not YAML: ", id="open quote"),
        pytest.param("a: 1\nb: [1, 2\n", "tool.yaml:3: is not YAML: ", id="open bracket"),
        pytest.param("a: 1\n\tb: 2\n", "tool.yaml:2: is not YAML: ", id="tab as indentation"),
        pytest.param("a: b: c\n", "tool.yaml:1: is not YAML: ", id="two colons"),
        pytest.param("a: 1\n  b: 2\n", "tool.yaml:2: is not YAML: ", id="wrong indentation"),
        pytest.param("a: 1\nb: @x\n", "tool.yaml:2: is not YAML: ", id="reserved sign"),
        pytest.param('a: "\\ud800"\n', "tool.yaml:1: is not YAML: ", id="half a character"),
        pytest.param("a: 1\nb: x\x07y\n", "tool.yaml:2: is not YAML: ", id="bell"),
        pytest.param("a: 1\nb: x\x00y\n", "tool.yaml:2: is not YAML: ", id="zero byte"),
        pytest.param("a: 1\nb: \x1b[2J\n", "tool.yaml:2: is not YAML: ", id="escape sequence"),
        pytest.param("a: 1\n\nb: x\x7fy\n", "tool.yaml:3: is not YAML: ", id="delete"),
    ],
)
def test_broken_yaml_is_refused_with_its_line(text: str, place: str) -> None:
    """What is not YAML is refused with file and line."""
    assert place == refusal(text)[: len(place)]


def test_lines_count_from_where_the_document_begins_in_its_file() -> None:
    """Front matter that begins on line 2 of a file is refused with the lines of the file."""
    assert "tool.yaml:4: a: stands twice (first on line 2)" == refusal("a: 1\nb: 2\na: 3\n", first_line=2)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "{? "], ids=["lists", "maps", "dashes", "keys"])
def test_a_deep_nest_is_refused(opening: str) -> None:
    """Nesting beyond the limit is refused, or is no YAML at all, however deep it goes."""
    message = refusal("a: " + opening * 200_000)

    assert message.startswith("tool.yaml:")


def test_the_deepest_nest_that_is_read() -> None:
    """Nesting is read down to the limit, and refused one level below it."""
    within = read("a: " + "[" * (DEEPEST - 1) + "]" * (DEEPEST - 1))

    assert ["a"] == list(within.content)
    assert f"tool.yaml:1: is nested deeper than {DEEPEST} levels" == refusal("a: " + "[" * 14 + "]" * 14)


def test_a_bomb_of_aliases_is_refused_at_its_first_anchor() -> None:
    """A document that would unfold a billion times is refused where its first anchor stands."""
    layers = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 10)]

    assert refusal("\n".join(["l0: &l0 lol", *layers])).startswith("tool.yaml:1: anchors and aliases")


def test_a_merge_key_merges_nothing() -> None:
    """`<<` is a key like any other, so the schema refuses it by name."""
    assert "tool.yaml:2: <<: unknown key; valid keys: name, parts, spare, labels" in faults("name: x\n<<: {size: 1}\n")


def test_every_place_has_its_line() -> None:
    """Keys, list entries and what stands in them know the line that they are on."""
    document = read("name: x\nparts:\n  - id: one\n    size: 1\n\n  # a remark\n  - {id: two,\n     size: 2}\n")
    places = [("name",), ("parts",), ("parts", 0), ("parts", 0, "size"), ("parts", 1), ("parts", 1, "size")]

    assert [1, 2, 3, 4, 7, 8] == [document.line(place) for place in places]


def test_an_unknown_place_has_the_line_of_what_it_is_in() -> None:
    """The line of a place that is not in the file is that of the nearest one that is."""
    document = read("# a remark\nname: x\nparts:\n  - id: one\n")

    assert [4, 3, 2] == [document.line(place) for place in [("parts", 0, "size"), ("parts", 7), ("nowhere",)]]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=20))
def test_blank_lines_move_lines(gaps: list[int]) -> None:
    """The line of a key is right whatever blank lines and remarks stand before it."""
    text = "".join("\n# remark\n" * gap + f"k{place}: v\n" for place, gap in enumerate(gaps))
    expected = {(f"k{place}",): 2 * sum(gaps[: place + 1]) + place + 1 for place in range(len(gaps))}

    assert expected == {place: line for place, line in read(text).lines.items() if place}


@settings(max_examples=300)
@given(st.one_of(st.text(), st.lists(st.sampled_from(SIGNS), max_size=40).map("".join)))
def test_no_text_raises_anything_but_the_error_that_was_asked_for(text: str) -> None:
    """Reading any text gives a mapping or the error type given, which names the file."""
    outcome: object
    try:
        outcome = read_document(text, FILE, PersonaError).content
    except PersonaError as error:
        outcome = str(error)

    assert isinstance(outcome, dict) or str(outcome).startswith("tool.yaml")


@given(PLAIN_TEXT)
def test_a_quoted_text_is_read_as_it_was_written(text: str) -> None:
    """A text in quotes comes back as it was, but for what cleaning takes out of it, which is counted."""
    document, cleaned = read(f"key: {json.dumps(text, ensure_ascii=False)}"), clean(text)

    assert (cleaned.text, cleaned.removed) == (document.content["key"], document.removed)


def test_hidden_characters_are_counted_over_the_whole_document() -> None:
    """What cleaning takes out of all texts is added up by kind."""
    document = read('a: "x\\u200by"\nb: ["\\u200b", "\\u202ez <!-- note -->"]\n')

    assert {"a": "xy", "b": ["", "z"]} == document.content
    assert {"HTML comment": 1, "bidi control": 1, "zero width": 2} == document.removed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("nmae: x\nname: y\n", "1: nmae: unknown key; did you mean name?", id="near"),
        pytest.param(
            "name: y\nzzz: x\n",
            "2: zzz: unknown key; valid keys: name, parts, spare, labels",
            id="far",
        ),
        pytest.param(
            "name: y\nparts:\n  - id: a\n  - id: b\n    sise: 3\n",
            "5: parts[2].sise: unknown key; did you mean size?",
            id="in a list",
        ),
        pytest.param(
            "name: y\nspare:\n  id: a\n  names: 3\n",
            "4: spare.names: unknown key; valid keys: id, size",
            id="in an optional part, not near a key of the whole",
        ),
        pytest.param("# remark\nparts: []\n", "2: name: is missing", id="missing"),
        pytest.param("name: y\nparts:\n  - size: 3\n", "3: parts[1].id: is missing", id="missing in a list"),
        pytest.param("name:\n", "1: name: is empty; write a value or remove the key", id="empty"),
        pytest.param("name: [a]\n", "1: name: should be a valid string, not '['a']'", id="list for text"),
        pytest.param(
            "name: y\nlabels:\n  a: b\n  c: {}\n", "4: labels.c: should be a valid string, not '{}'", id="in a map"
        ),
    ],
)
def test_a_fault_names_file_line_key_and_the_nearest_valid_key(text: str, expected: str) -> None:
    """Whatever does not fit the schema is told with file, line, key and a hint at the nearest valid key."""
    assert [f"{FILE}:{expected}"] == faults(text)


def test_all_faults_are_told_at_once() -> None:
    """A document with several faults is refused with all of them, one a line."""
    told = faults("nmae: x\nparts:\n  - {size: big}\n  - 3\nspare: text\n")

    assert ["tool.yaml:1", "tool.yaml:3", "tool.yaml:3", "tool.yaml:4", "tool.yaml:5", "tool.yaml:1"] == [
        fault.split(": ")[0] for fault in told
    ]


def test_a_message_quotes_little_and_steers_no_terminal() -> None:
    """A value or key in a message is cut short and holds no control characters."""
    told = "\n".join(faults(f'"k\\e[31m{"x" * 500}": 1\nname: [{"y" * 500}]\n'))

    assert "\x1b" not in told
    assert max(map(len, told.splitlines())) < 300


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("short", "'short'", id="short"),
        pytest.param("x" * 60, f"'{'x' * 60}'", id="just fits"),
        pytest.param("x" * 61, f"'{'x' * 60}…'", id="too long"),
        pytest.param("a\nb\x1bc", "'a b c'", id="not printable"),
    ],
)
def test_shown(value: str, expected: str) -> None:
    """A value is quoted on one line, at most sixty characters of it."""
    assert expected == shown(value)


def test_the_nearest_key() -> None:
    """The hint names the one key that is like the wrong one, and all of them where none is."""
    assert "; did you mean license?" == nearest("licence", ["name", "license"])
    assert "; valid keys: name, license" == nearest("qqq", ["name", "license"])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"\xef\xbb\xbfname: x\n", "name: x\n", id="byte order mark"),
        pytest.param("name: Zoë\n".encode(), "name: Zoë\n", id="UTF-8"),
        pytest.param(b"x" * LARGEST_FILE, "x" * LARGEST_FILE, id="largest"),
        pytest.param(b"", "", id="empty"),
    ],
)
def test_a_file_is_read_as_utf_8(tmp_path: Path, content: bytes, expected: str) -> None:
    """A file up to the limit is read as UTF-8, a byte order mark left out."""
    (tmp_path / "tool.yaml").write_bytes(content)

    assert expected == read_text(tmp_path / "tool.yaml", ToolError)


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        pytest.param(b"name: x\nmaker: Zo\xeb\n", ":2", "is not UTF-8; save it as UTF-8", id="Latin-1"),
        pytest.param("name: x\n".encode("utf-16"), ":1", "is not UTF-8; save it as UTF-8", id="UTF-16"),
        pytest.param(b"a: 1\n\n\nb: \xed\xa0\x80\n", ":4", "is not UTF-8; save it as UTF-8", id="surrogate"),
        pytest.param(b"x" * (LARGEST_FILE + 1), "", "is larger than 1,000,000 bytes; shorten it", id="one byte more"),
        pytest.param(b"name: x\n" * 1_250_000, "", "is larger than 1,000,000 bytes; shorten it", id="10 MB"),
    ],
)
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes, line: str, problem: str) -> None:
    """A file that is not UTF-8 is refused with the line of the first wrong byte, and a large one with the limit."""
    path = tmp_path / "tool.yaml"
    path.write_bytes(content)
    with pytest.raises(ToolError) as caught:
        read_text(path, ToolError)

    assert f"{path}{line}: {problem}" == str(caught.value)


@pytest.mark.parametrize(
    ("name", "problem"),
    [("nowhere.yaml", "No such file or directory"), (".", "it is a folder; move it away and run again")],
    ids=["none", "folder"],
)
def test_a_file_that_can_not_be_read_is_named(tmp_path: Path, name: str, problem: str) -> None:
    """A file that is not there, or is a folder, is told with its path."""
    with pytest.raises(PersonaError) as caught:
        read_text(tmp_path / name, PersonaError)

    assert f"{tmp_path / name}: can't be read: {problem}" == str(caught.value)
