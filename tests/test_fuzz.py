"""Files that anybody could have written, by any hand or none: each is read or refused, soon, and with its place."""

from __future__ import annotations

import json
import os
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import made
import pytest
import yaml
from conftest import EXAMPLES
from hypothesis import given
from hypothesis import strategies as st
from mutated import FEWER, NASTY, VALUES, changed, fault, is_told_well, spoilt

from panel.document import LARGEST_FILE, MOST_VALUES
from panel.errors import InputError, RecordError
from panel.files import LARGEST_RECORD, read_json
from panel.llm.ledger import Ledger
from panel.names import SLUG
from panel.persona import read_persona
from panel.project import packaged
from panel.prompt import ASKED_WITH, Prompts, Question
from panel.request import Request
from panel.settings import Settings
from panel.store import Store, read_review
from panel.tool import read_tool

Read = Callable[[Path], object]
TOML = """\
model = "openai:gpt-6.1-sol"
mode = "replay"
samples = 3
max_tokens = 4000
effort = "low"
timeout_s = 20.5
runs = "out"
ledgers = ["more"]
[retry]
attempts = 2
cap_s = 3
"""
GOLDEN = (EXAMPLES / "golden" / "smollm3" / "review.json").read_bytes()
RECORDING = min((EXAMPLES / "recordings").rglob("*.json"))
CHOICES = {
    "schema": "panel.choices/1",
    "seats": {"mason": {"sample": 2, "samples": 1, "note": None, "seen": "sha256:0", "persona_digest": "sha256:0"}},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that the examples of one module share; the working folder stays another."""
    made_for_it = tmp_path_factory.mktemp("fuzz")
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("elsewhere"))
    yield made_for_it
    os.chdir(before)


def asked(folder: Path) -> Request:
    """Return what Mason is asked with the prompts in a folder, the packaged ones where it has none."""
    prompts = Prompts.read(folder, packaged("prompts"))
    question = Question(made.plumb(), MASON, prompts, "fake:ship", made.PARAMETERS)
    request = question.request()
    repair = question.repair(request, "no", ["mend it"], 50, "skip")
    assert repair.identity != request.identity
    return request


def mason() -> Any:
    """Return the persona of the tests."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as home:
        return made.persona(Path(home))


MASON = mason()
FILES: dict[str, tuple[str, bytes, Read]] = {
    "dossier": ("plumb.yaml", made.DOSSIER.encode(), read_tool),
    "persona": ("mason.md", made.PERSONA.encode(), read_persona),
    "settings": ("panel.toml", TOML.encode(), lambda path: Settings.load(path.parent, {}, {})),
    "review": ("review.json", GOLDEN, read_review),
    "choices": (
        "runs/plumb/choices.json",
        json.dumps(CHOICES).encode(),
        lambda path: Store(path.parent.parent).choices("plumb"),
    ),
    "recording": (
        f"{RECORDING.parent.name}/{RECORDING.name}",
        RECORDING.read_bytes(),
        lambda path: Ledger(path.parent.parent).read(path),
    ),
}
"""Each kind of file: its name, a sound one, and how it is read."""

EACH_KIND = pytest.mark.parametrize("kind", FILES)


def refusal(folder: Path, kind: str, content: bytes) -> str:
    """Return how a file with this content is refused, "" where it is read; it is told with its place."""
    name, _, read = FILES[kind]
    path = folder / kind / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    message = fault(lambda: read(path), InputError)

    assert not message or is_told_well(message, str(path)), message
    return message


@EACH_KIND
def test_a_sound_file_is_read(folder: Path, kind: str) -> None:
    """What is spoilt below is sound before."""
    assert "" == refusal(folder, kind, FILES[kind][1])


@EACH_KIND
@FEWER
@given(data=st.data())
def test_bytes_are_read_or_refused(folder: Path, kind: str, data: st.DataObject) -> None:
    """Whatever bytes stand in a file, the outcome is a value or a message with the file's name, and no other error."""
    refusal(folder, kind, data.draw(st.binary(max_size=60) | spoilt(FILES[kind][1])))


@pytest.mark.parametrize("kind", ["dossier", "review", "choices", "recording"])
@FEWER
@given(data=st.data())
def test_values_are_read_or_refused(folder: Path, kind: str, data: st.DataObject) -> None:
    """Whatever values stand where others belong, the outcome is a value or a message with the file's name."""
    sound = FILES[kind][1]
    wild = data.draw(changed(yaml.safe_load(sound) if kind == "dossier" else json.loads(sound)))
    write = yaml.safe_dump if kind == "dossier" else json.dumps
    refusal(folder, kind, write(wild).encode())


@FEWER
@given(st.dictionaries(st.sampled_from(sorted(yaml.safe_load(made.DOSSIER))) | st.text(max_size=9), VALUES))
def test_documents_of_any_shape_are_read_or_refused(folder: Path, wild: dict[str, Any]) -> None:
    """A mapping of the keys of a dossier to whatever there is has the outcome of any other."""
    refusal(folder, "dossier", yaml.safe_dump(wild, sort_keys=False).encode())


@pytest.mark.parametrize("name", ASKED_WITH)
@FEWER
@given(data=st.data())
def test_prompts_render_or_are_refused(folder: Path, name: str, data: st.DataObject) -> None:
    """Whatever stands in a prompt file, a request with an identity comes of it, or a message that names the file."""
    sound = (packaged("prompts") / name).read_bytes()
    home = folder / name
    home.mkdir(exist_ok=True)
    (home / name).write_bytes(data.draw(st.binary(max_size=40) | spoilt(sound)))
    message = fault(lambda: asked(home).identity, InputError)

    assert not message or name in message.partition(": ")[0]
    assert is_told_well(message, "")


TEMPLATES = {
    "too many loops": "{% for a in [1] %}" * 21 + "{% endfor %}" * 21,
    "too deep for Python": "{% if 1 %}" * 101 + "{% endif %}" * 101,
    "all the memory there is": "{{ 'x' * 10 ** 11 }}",
    "half a character": "{{ '\\ud800' }}",
    "a number that has no name": "{{ 1e999 | int }}",
    "a call of itself": "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
    "code in a pickle": "{{ persona.parse_raw(\"cos\\nmkdir\\n(S'pwned'\\ntR.\", proto='pickle', allow_pickle=True) }}",
    "a file of this machine": "{{ persona.parse_file('/etc/hostname') }}",
    "a method": "{{ persona.model_copy(update={'name': 'x'}).name }}",
}


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_a_template_can_t_leave_its_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, template: str) -> None:
    """A template reads values; it runs no code, opens no file, and one sign in it asks for no endless work."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "persona.md.j2").write_text(template)
    message = fault(lambda: asked(tmp_path), InputError)

    assert message.startswith("prompts/persona.md.j2")
    assert [tmp_path / "persona.md.j2"] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "schema",
    ["[" * 100_000, '{"a": NaN}', '{"a": 1e999}', '{"a": "\\ud800"}', '{"\\ud800": 1}', "9" * 5_000],
    ids=["deep", "NaN", "infinity", "half a character", "half a key", "endless number"],
)
def test_a_reply_schema_without_an_identity_is_refused(tmp_path: Path, schema: str) -> None:
    """JSON that has no canonical spelling is no reply schema."""
    (tmp_path / "reply.schema.json").write_text(schema)

    assert fault(lambda: asked(tmp_path), InputError).startswith("prompts/reply.schema.json: is not JSON: ")


HEAD = "name: x\na: "
DOCUMENTS = {
    "flow lists in each other": "[" * 900_000,
    "flow mappings in each other": "{a: " * 200_000,
    "block lists in each other": "- " * 400_000,
    "keys of keys": "? " * 400_000,
    "aliases": "a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
    "a merge key": "<<: {name: x}\n",
    "a tag": "name: !!python/object/apply:os.system [id]\n",
    "tags of one's own": "%TAG ! tag:x,2000:\n---\n!x {name: x}\n",
    "many keys": "".join(f"k{n}: v\n" for n in range(30_000)),
    "many values": HEAD + "[" + "a," * 60_000 + "]",
    "many lists": HEAD + "[" + "[]," * 60_000 + "]",
    "a huge key": '"' + "k" * 900_000 + '": v\n',
    "a key twice": "name: x\nname: y\n",
    "a line of a megabyte": made.DOSSIER + "x: " + "y " * 400_000,
    "line breaks": "\n" * 900_000,
    "comments in comments": "description: '" + "<!-" * 150_000 + "<!---->" + "->" * 100_000 + "'",
    "many sources": made.DOSSIER + "".join(f"  - {{id: s{n}, title: t, kind: maker, text: x}}\n" for n in range(25)),
    "a zero byte": made.DOSSIER.replace("Plumb", "Pl\0umb"),
    "half a character": made.DOSSIER.replace("Lead Works", '"\\ud800"'),
    "UTF-16": made.DOSSIER.encode("utf-16"),
    "UTF-16 without a mark": made.DOSSIER.encode("utf-16-le"),
    "UTF-32": made.DOSSIER.encode("utf-32"),
    "a document after it": made.DOSSIER + "---\n" * 200_000,
}


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_bombs_are_refused(folder: Path, document: str | bytes) -> None:
    """A dossier that was made to burst whoever reads it is refused, with its file, in seconds and in little memory."""
    tracemalloc.start()
    message = refusal(folder, "dossier", document if isinstance(document, bytes) else document.encode())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert message
    assert peak < 40 * LARGEST_FILE


@pytest.mark.parametrize("breaks", ["\r", "\r\n", "\x85", "\u2028", "\n\ufeff"], ids=ascii)
def test_line_breaks_of_any_kind_are_read(folder: Path, breaks: str) -> None:
    """Each way to end a line that YAML knows makes a dossier, and a mark at its beginning does no harm."""
    whole = breaks != "\n\ufeff"
    text = made.DOSSIER.replace("\n", breaks) if whole else f"\ufeff{made.DOSSIER}"

    assert "" == refusal(folder, "dossier", text.encode())


def test_values_are_counted(folder: Path) -> None:
    """A document may hold so many values and no more, and the line where they are too many is told."""
    text = made.DOSSIER + "aliases:\n" + "- x\n" * MOST_VALUES

    assert f"holds more than {MOST_VALUES:,} values" in refusal(folder, "dossier", text.encode())


LARGEST = dict.fromkeys(("review", "choices", "recording"), LARGEST_RECORD)


@EACH_KIND
def test_a_large_file_is_not_read_whole(folder: Path, kind: str) -> None:
    """Of a file that is too large no more is read than its kind may have."""
    most = LARGEST.get(kind, LARGEST_FILE)
    name, sound, read = FILES[kind]
    path = folder / "large" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(sound)
    os.truncate(path, 10 * most)
    tracemalloc.start()
    message = fault(lambda: read(path), InputError)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    path.unlink()

    assert "is larger than" in message
    assert is_told_well(message, str(path))
    assert peak < 1.2 * most


@pytest.mark.parametrize("name", ["x" * 300, "x" * 5_000, "a/" * 3_000, "a\0b", ".", "loop", "pipe", "new\nline"])
def test_a_name_that_no_file_has_is_told(tmp_path: Path, name: str) -> None:
    """A path that is too long, holds a zero byte, leads in a circle or is no plain file is refused as unreadable."""
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    path = tmp_path / name
    messages = {fault(lambda read=read: read(path), InputError) for read in (read_tool, read_persona, read_json)}  # type: ignore[misc]

    assert 1 == len(messages)
    assert "can't be read: " in messages.pop().splitlines()[-1]


NUMBERS = ["1e999999999", "-1/2", "9/2", 5, 10**30, "1/0", 2.5, True, "1" * 5_000, " 1", "1_0", "٣"]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: ascii(number)[:12])
def test_a_rating_off_the_scale_is_no_record(folder: Path, number: object) -> None:
    """A rating in a record is 0 to 4, exact, and never a text that takes hours to read as a number."""
    data = json.loads(GOLDEN)
    next(seat for seat in data["seats"] if seat["take"])["take"]["ratings"][0]["rating"] = number

    assert "take.ratings.0.rating" in refusal(folder, "review", json.dumps(data).encode())


@FEWER
@given(st.text(max_size=60) | st.sampled_from(NASTY))
def test_a_slug_that_is_accepted_is_a_safe_folder(folder: Path, wild: str) -> None:
    """Whatever stands as name or as slug, a slug that is accepted names a folder on any system."""
    for key in ("name", "slug"):
        data = {k: v for k, v in yaml.safe_load(made.DOSSIER).items() if k != "slug"} | {key: wild, "released": None}
        path = folder / "slugs.yaml"
        path.write_text(yaml.safe_dump(data), encoding="utf-8")
        try:
            slug = read_tool(path).slug
        except InputError:
            continue

        assert SLUG.fullmatch(slug)
        assert len(slug) <= 80
        assert slug not in {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}


@pytest.mark.parametrize(
    "slug",
    ["../x", "..", ".", "/x", "C:", "con", "nul", "nul.txt", "aux", "com1", "x.", "x ", "a<b", "a|b", "a?", "é", "ｘ"],
)
def test_a_slug_that_is_no_safe_folder_is_refused(folder: Path, slug: str) -> None:
    """Paths, names of devices, dots and spaces at the end, and signs that Windows keeps are no slugs."""
    text = made.DOSSIER.replace("slug: plumb", f"slug: {json.dumps(slug)}")

    if slug == "x ":  # spaces around a value are no part of it
        assert "" == refusal(folder, "dossier", text.encode())
    else:
        assert ": slug: " in refusal(folder, "dossier", text.encode())


NAMES = {
    "مرحبا": "",
    "模型": "",
    "🎉": "",
    "x" * 120: "x" * 80,
    "Zoe\u0301": "zoe",
    "Zoé": "zoe",
    "con": None,
    "a" * 10_000: None,
}


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:20])
def test_names_of_all_scripts(folder: Path, name: str) -> None:
    """A name of any script is a name; where no slug can be made from it, one is asked for in words."""
    text = made.DOSSIER.replace("slug: plumb\n", "").replace("name: Plumb", f"name: {name}")
    message = refusal(folder, "dossier", text.encode())

    assert (NAMES[name] == "") == ("write lower-case letters" in message)
    assert (NAMES[name] is None) == ("is reserved" in message or "at most 120 characters" in message)


def test_twins_of_one_name_are_one_name(tmp_path: Path) -> None:
    """A name and its decomposed twin are the same tool."""
    (tmp_path / "a.yaml").write_text(made.DOSSIER.replace("Plumb\n", "Zoé\n").replace("plumb", "a"), encoding="utf-8")
    twin = tmp_path / "b.yaml"
    twin.write_text(made.DOSSIER.replace("Plumb\n", "Zoe\u0301\n").replace("plumb", "b"), encoding="utf-8")

    assert "is already what" in fault(lambda: read_tool(twin), InputError)


@pytest.mark.parametrize("content", [b"\xff", b'{"seats": 1}', b"[" * 100_000, b"9" * 5_000])
def test_a_spoilt_recording_of_another_seat_is_passed_over(tmp_path: Path, content: bytes) -> None:
    """A miss is told although the ledger holds files that are no recordings."""
    request = Request.model_validate_json(json.dumps(json.loads(RECORDING.read_bytes())["request"]))
    (tmp_path / "ab").mkdir()
    (tmp_path / "ab" / "x.json").write_bytes(b'"""plumb""mason"' + content)

    with pytest.raises(RecordError, match="is not JSON"):
        Ledger(tmp_path).read(tmp_path / "ab" / "x.json")
    assert [] == list(Ledger(tmp_path).labelled(request.label))


SETTINGS = {
    "a number of 6000 digits": "max_tokens = 0x" + "f" * 5_000,
    "a number too long to read": "samples = " + "9" * 5_000,
    "a zero byte in a folder": 'runs = "\\u0000"',
    "a zero byte in a ledger": 'ledgers = ["\\u0000"]',
    "a folder too long": f'runs = "{"x" * 9_000}"',
    "a key of 30,000 dots": "a." * 30_000 + "b = 1",
    "many unknown keys": "".join(f"k{n} = 1\n" for n in range(1_000)),
    "a key on two lines": '"a\\nb\\u001b" = 1',
}


@pytest.mark.parametrize("toml", SETTINGS.values(), ids=SETTINGS)
def test_settings_that_no_run_can_have_are_refused(folder: Path, toml: str) -> None:
    """Numbers, folders and keys beyond all measure are refused with the place, one line each, at most twenty."""
    message = refusal(folder, "settings", toml.encode())

    assert message
    assert len(message.split("\n")) <= 20


@pytest.mark.parametrize("change", [{"weight": 0}, {"weight": -1}], ids=str)
def test_a_record_whose_score_can_t_be_computed_is_none(folder: Path, change: dict[str, int]) -> None:
    """Ratings without weight, or no ratings at all, are no take."""
    data = json.loads(GOLDEN)
    take = next(seat["take"] for seat in data["seats"] if seat["take"])
    for rated in take["ratings"]:
        rated.update(change)
    weightless = refusal(folder, "review", json.dumps(data).encode())
    take["ratings"] = []

    assert "take.ratings.0.weight" in weightless
    assert "take.ratings: " in refusal(folder, "review", json.dumps(data).encode())
