"""Settings of the site, and what `panel publish` says: the name and the address, messages and exit codes."""

from __future__ import annotations

import pytest
from office import steering
from published import HOSTILE, House
from pydantic import ValidationError

from panel.files import readable
from panel.tables import SiteSettings

GOOD = {
    "https://panel.example": "https://panel.example/",
    "https://panel.example/": "https://panel.example/",
    "http://127.0.0.1:8000/": "http://127.0.0.1:8000/",
    "https://x.example/a/b": "https://x.example/a/b/",
    "https://xn--e1afmkfd.example/": "https://xn--e1afmkfd.example/",
}
BAD = [
    "",
    "panel.example",
    "ftp://x",
    "https://",
    "https:///x",
    "https://a b",
    'https://a"',
    "https://a<b",
    "https://a?x=1",
]
BAD += ["https://a#b", "https://a\x01b", "https://a\x1b[2J", "https://a\u202eb", "https://a\\b", "javascript:alert(1)"]
BAD += ["https://u:secret@a.example", "https://A.example", "https://[bad/", "https://a.example/../b"]
BAD += ["https://a.example//b", "https://\u043f\u0440\u0438.example/"]


@pytest.mark.parametrize(("url", "base"), GOOD.items())
def test_the_root_of_a_site_ends_with_one_slash(url: str, base: str) -> None:
    """However many slashes an address ends with, the root of the site has one."""
    assert base == SiteSettings(url=url).base


@pytest.mark.parametrize("url", BAD)
def test_what_is_no_address_is_refused(house: House, url: str) -> None:
    """What no link can begin with is refused as a setting, and as an option with exit 2 and one line."""
    with pytest.raises(ValidationError):
        SiteSettings(url=url)
    if url:
        said = house.refused("publish", "--url", url)
        assert ("", 1, True) == (steering(said), said.count("\n"), "--url: write an address in ASCII" in said)


@pytest.mark.parametrize(
    "line", ['name = ""', 'name = "   "', 'nane = "x"', 'url = "x"', "url = 1", f'name = "{"x" * 81}"']
)
def test_a_site_that_is_set_wrongly_is_told(house: House, line: str) -> None:
    """A setting that can't be used is named with its file and key, exit 2."""
    house.path("panel.toml").write_text(f"[site]\n{line}\n")
    said = house.refused("publish")

    assert "panel.toml" in said
    assert "site" in said


def test_the_command_says_what_it_did(house: House) -> None:
    """One line says how much is published and was rendered; drafts are named, and what to do with them."""
    house.published("alpha")
    house.published("beta")
    house.compared("alpha", "beta")
    for name in "cdefgh":
        house.reviewed(f"draft-{name}")
    first = house.done("publish", "--workers", "1").splitlines()
    again = house.done("publish", "--workers", "1").splitlines()

    assert first[0].startswith("site: 2 tools, 1 comparison; ")
    assert "; 0 of " in again[0]
    drafts = "draft-c, draft-d, draft-e, draft-f, draft-g, …"
    assert f"6 drafts left out ({drafts}): panel approve, or --drafts" == first[1] == again[1]
    house.kept("beta").unlink()
    assert "site: 1 tool, 0 comparisons; " in house.done("publish")
    assert "removed" in house.done("publish", "--drafts", "--workers", "1") + house.done("publish", "--workers", "1")


def test_without_an_address_the_command_says_what_is_missing(house: House) -> None:
    """Without an address the command says that there are no feeds, no sitemap and no cards, and how to have them."""
    house.path("panel.toml").write_text("")
    house.published("alpha")

    assert "no feeds, no sitemap, no cards: they need an address" in house.done("publish")
    assert "no feeds" not in house.done("publish", "--url", "https://panel.example")
    assert "https://panel.example/tools/alpha/" in house.text("sitemap.xml")


def test_what_cannot_be_built_is_refused(house: House) -> None:
    """A folder that is none, one that holds something else, and a spoilt record each end in exit 2 and one line."""
    house.published("alpha")
    (house.folder / "full").mkdir()
    (house.folder / "full/notes.txt").write_text("mine")
    assert "nowhere: is no folder; name the folder of a project" in house.refused("publish", "nowhere")
    assert "holds something that no build wrote" in house.refused("publish", "--out", "full")
    house.kept("alpha").write_text("{")
    said = house.refused("publish")

    assert (1, True) == (said.count("\n"), "alpha/review.json: is not JSON" in said)


def test_hostile_records_steer_no_terminal(house: House) -> None:
    """Whatever a record, an approval or a folder is called, what is printed is plain, and the pages hold it as text."""
    house.reviewed("evil", name=HOSTILE, tagline=HOSTILE, maker=HOSTILE, category=HOSTILE, version=HOSTILE)
    house.approved("evil", by=HOSTILE)
    printed = house.done("publish", "--out", "a\x1b[2Jb", "--workers", "1")
    page = (house.folder / "a\x1b[2Jb/tools/evil/index.html").read_text()

    assert ("", 1) == (steering(printed), page.count("<script>"))
    assert "<script>alert" not in page
    house.kept("evil").write_bytes(readable({"schema": HOSTILE, "\x1b[2J": 1}))
    assert "" == steering(house.refused("publish"))
