"""Sources: what is published is what somebody stands behind, and comparisons are made anew where a side changed."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest
from published import ASKED, SITE, House, moderation, named, three

from panel.errors import RecordError, ToolError
from panel.files import read_json
from panel.publish.manifest import NAME
from panel.tool import read_tool


def locations(house: House) -> str:
    """Return the addresses of the sitemap, one a line."""
    return "\n".join(each.text or "" for each in ET.fromstring(house.text("sitemap.xml")).iter() if each.text)


def shown(house: House) -> set[str]:
    """Return the slugs of the tools and comparisons that have a page."""
    return {name.split("/")[1] for name in house.pages()} - {"beta-vs-alpha", "gamma-vs-alpha"}


def test_only_what_somebody_approved_is_published(house: House) -> None:
    """A review has a page where it is approved, a comparison where both of its sides are; the report names the rest."""
    three(house)
    house.kept("gamma", "approval.json").unlink()
    done = house.built()

    assert {"alpha", "beta", "alpha-vs-beta"} == shown(house)
    assert (2, 1, ["gamma"]) == (done.tools, done.pairs, done.left_out)
    assert [] == [name for name, content in house.site().items() if b"gamma" in content.lower()]


def test_drafts_are_marked_and_kept_from_machines(house: House) -> None:
    """With drafts the others are published too: marked, `noindex`, and in no sitemap, feed or llms.txt."""
    three(house)
    house.kept("gamma", "approval.json").unlink()
    done = house.built(drafts=True)

    assert ({"alpha", "beta", "gamma", "alpha-vs-beta", "alpha-vs-gamma"}, []) == (shown(house), done.left_out)
    marked = {name.split("/")[1] for name in house.pages() if "This is a draft" in house.text(name)}
    no_index = '<meta name="robots" content="noindex">'
    hidden = {name.split("/")[1] for name in house.pages() if no_index in house.text(name)}
    assert {"gamma", "alpha-vs-gamma"} == marked == hidden - {"beta-vs-alpha", "gamma-vs-alpha"}
    told = [name for name in house.site() if name.startswith("feeds/") or "/feed." in name]
    for text in [locations(house), house.text("llms.txt"), *map(house.text, told)]:
        assert "gamma" not in text.lower()
    assert "tools/alpha/" in locations(house)
    assert "gamma" in house.text("tools/index.html")


def test_a_draft_leaves_the_site_again(house: House) -> None:
    """A build without drafts after one with them takes their pages away, and nothing of them is left."""
    three(house)
    house.kept("gamma", "approval.json").unlink()
    house.built(drafts=True)
    house.built()
    mixed = house.site()
    house.built(out=house.folder / "fresh")

    assert house.site(house.folder / "fresh") == mixed


def test_what_is_left_out_stands_in_no_file_of_the_site(house: House) -> None:
    """The manifest goes wherever the site goes, so it says nothing of the verdict on a draft."""
    house.published("alpha")
    house.reviewed("secret", (75, 75, 75), tagline="Nobody may know this yet")
    house.built()

    assert "Nobody may know this yet" not in house.text(NAME)
    assert ["alpha"] == [*house.data(NAME)["tools"]]


def test_a_changed_record_is_a_draft_again(house: House) -> None:
    """An approval holds for the record that was approved and for no other."""
    three(house)
    house.built()
    house.reviewed("gamma", (75, 75, 80))
    done = house.built()

    assert ({"alpha", "beta", "alpha-vs-beta"}, ["gamma"]) == (shown(house), done.left_out)


def test_a_changed_dossier_makes_a_draft(house: House) -> None:
    """A review whose dossier changed since it was approved is a draft, and one whose dossier is as it was is not."""
    three(house)
    for slug in ("alpha", "gamma"):
        path = house.dossier(slug)
        house.wrote(house.review(slug).model_copy(update={"tool": read_tool(path)}))
        house.approved(slug)
    house.built()
    before = shown(house)
    house.dossier("gamma", tagline="Another line")
    done = house.built()

    assert {"alpha", "beta", "gamma", "alpha-vs-beta", "alpha-vs-gamma"} == before
    assert ({"alpha", "beta", "alpha-vs-beta"}, ["gamma"]) == (shown(house), done.left_out)
    house.dossier("gamma")
    assert [] == house.built().left_out


@pytest.mark.parametrize("void", ["it was withdrawn", ""])
def test_an_approval_that_was_void_once_stays_void(house: House, void: str) -> None:
    """An approval that says why it is void publishes nothing, whatever came back since."""
    house.published("alpha")
    approval = house.kept("alpha", "approval.json")
    approval.write_text(json.dumps(json.loads(approval.read_text()) | {"void": void or None}))

    assert (["alpha"] if void else []) == house.built().left_out


def test_a_dossier_that_cannot_be_read_stops_the_build(house: House) -> None:
    """Whether an approval holds can't be told where a dossier can't be read: nothing is built, built before or not."""
    house.published("alpha")
    for _ in range(2):
        path = house.dossier("broken", tagline="[")
        with pytest.raises(ToolError, match=r"broken\.yaml"):
            house.built()
        path.unlink()
        house.built()


def test_two_dossiers_of_one_tool_stop_every_build(house: House) -> None:
    """A dossier that is copied beside itself is refused by a later build as by a first one."""
    house.published("alpha")
    path = house.dossier("alpha")
    house.built()
    path.with_name("copy.yaml").write_bytes(path.read_bytes())
    for out in (house.out, house.folder / "fresh"):
        with pytest.raises(ToolError, match="is already what"):
            house.built(out=out)


def test_a_record_in_the_folder_of_another_tool_is_refused(house: House) -> None:
    """A review that says it is of another slug is never published under either."""
    house.published("alpha")
    record = house.review("alpha")
    house.wrote(record.model_copy(update={"tool": named("../../beta")}), slug="alpha")
    with pytest.raises(RecordError, match=r"alpha/review\.json: tool\.slug: is \.\./\.\./beta; move the file"):
        house.built()

    assert {} == house.site()


@pytest.mark.parametrize("name", [".hidden", "Alpha", "a b", "-a", "a--b", "ä", "a.b"])
def test_a_folder_whose_name_is_no_slug_is_no_tool(house: House, name: str) -> None:
    """What lies in a folder that no slug can name is not looked at."""
    house.published("alpha")
    house.kept(name).parent.mkdir(parents=True)
    house.kept(name).write_text("no record")

    assert (1, 0) == (house.built().tools, house.built().pairs)


@pytest.mark.parametrize("name", ["alpha-vs-beta", "beta-vs-alpha", "alpha-vs-alpha", "alpha-vs-beta-vs-gamma", "x"])
def test_a_comparison_is_one_that_has_a_record(house: House, name: str) -> None:
    """A folder without a record, or with the name of no comparison, makes no page and gets no record."""
    house.published("alpha")
    house.published("beta")
    (house.folder / "runs" / "compare" / name).mkdir(parents=True)

    assert 0 == house.built().pairs
    assert [] == list((house.folder / "runs" / "compare" / name).iterdir())


# Comparisons whose sides changed


def test_a_stale_comparison_is_made_again(house: House) -> None:
    """Where a review changed since they were compared, publishing writes the comparison anew, its page as well."""
    three(house)
    house.built()
    house.published("alpha", (10, 20, 30), at="2026-05-20T12:00:00Z")
    house.built()
    record, page = house.data("compare/alpha-vs-beta/index.json"), house.text("compare/alpha-vs-beta/index.html")
    kept = house.folder / "runs" / "compare" / "alpha-vs-beta"

    assert ("neither", "Skip") == (record["answer"]["kind"], record["sides"][0]["verdict"]["label"])
    assert "Neither." in page
    assert record == read_json(kept / "comparison.json")
    assert "Neither" in (kept / "comparison.md").read_text()
    assert "Neither" in (kept / "index.html").read_text()


def test_an_approval_reaches_the_comparison(house: House) -> None:
    """Who stands behind a side is in the record of the comparison as soon as it is published."""
    three(house)
    house.kept("beta", "approval.json").unlink()
    house.compared("alpha", "beta")
    house.built()
    house.approved("beta", by="Bo")
    house.built()

    assert ["Ann", "Bo"] == [side["approval"]["by"] for side in house.data("compare/alpha-vs-beta/index.json")["sides"]]


def test_a_comparison_that_is_as_it_would_be_is_left_alone(house: House) -> None:
    """Publishing does not touch the record of a comparison whose sides are what it holds."""
    three(house)
    files = [path for path in (house.folder / "runs" / "compare").rglob("*") if path.is_file()]
    before = [path.stat().st_mtime_ns for path in files]
    house.built()

    assert before == [path.stat().st_mtime_ns for path in files]


def said(house: House) -> list[str]:
    """Return the clauses on the page of the first comparison."""
    told = house.data("compare/alpha-vs-beta/index.json")["moderation"]
    return [clause["text"] for clauses in told["clauses"] for clause in clauses] if told else []


def moderated(house: House) -> None:
    """Publish two tools with a comparison that a moderator wrote about."""
    three(house)
    house.compared("alpha", "beta", moderation("alpha/mason0", "beta/mason1"))
    house.built()
    assert ["you need what it says"] * 2 == said(house)


def test_the_moderator_is_kept_while_the_takes_are_what_it_saw(house: House) -> None:
    """Another approval leaves the words of the moderator as they are."""
    moderated(house)
    house.approved("alpha", by="Cleo")
    house.built()

    assert ["you need what it says"] * 2 == said(house)
    assert "Approved by Cleo" in house.text("compare/alpha-vs-beta/index.html")


def test_the_moderator_is_dropped_where_the_takes_changed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words about takes that changed since are left out where no recording has new ones; nobody is asked."""
    asked: list[object] = []
    monkeypatch.setattr("panel.llm.open.stand_in", asked.append)
    moderated(house)
    house.published("alpha", (75, 80, 95))
    house.built()

    assert ([], []) == (said(house), asked)
    assert "you need what it says" not in house.text("compare/alpha-vs-beta/index.html")


def test_the_moderator_is_replayed_where_a_recording_knows_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words about the takes as they are now come from a recording, where there is one."""
    moderated(house)
    stale = house.folder / "runs" / "compare" / "alpha-vs-beta" / "comparison.json"
    earlier = stale.read_bytes()
    house.published("alpha", (75, 80, 95))
    clauses = [[{"takes": [f"{slug}/mason0"], "text": "rows have to be checked"}] for slug in ("alpha", "beta")]
    reply = json.dumps({"first": clauses[0], "second": clauses[1]})
    monkeypatch.setattr("panel.llm.open.stand_in", lambda _: reply)
    house.done("compare", "alpha", "beta")
    stale.write_bytes(earlier)
    house.built()

    assert ["rows have to be checked"] * 2 == said(house)


@pytest.mark.parametrize(
    "at", ["soon", "", "2026-13-40T99:00:00Z", "2026-05-04", "\x1b[2J", "９９９９-01-01T00:00:00Z"]
)
def test_a_time_that_is_none_is_no_time(house: House, at: str) -> None:
    """An approval, an event or a reply of no time that Panel writes stops nothing, and is never the latest."""
    house.published("alpha", at=ASKED)
    house.approved("alpha", at=at)
    house.logged("alpha", "accept", at=at, persona="mason0")
    house.logged("alpha", "verdict", at=at, before="Mixed 1-2", after="Ship 2-1")
    house.published("beta", at=at)
    house.built(SITE)
    entries = {item["title"]: item["date_modified"] for item in house.data("feeds/all.json")["items"]}

    assert {"Alpha": ASKED, "Beta": "1970-01-01T00:00:00Z"} == entries
    assert [] == house.data("feeds/changes.json")["items"]
