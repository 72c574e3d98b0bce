"""Sources: what is published is what somebody stands behind, and comparisons are made anew where a side changed."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from published import APPROVED, ASKED, House, moderation, named, three, tree

from panel.errors import RecordError
from panel.files import LARGEST_RECORD, read_json
from panel.publish.build import _Build
from panel.publish.entries import ToolEntry
from panel.publish.manifest import NAME
from panel.publish.sources import Raw, Sources
from panel.tool import read_tool


@pytest.fixture(autouse=True)
def _without_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    """No cards are drawn."""
    monkeypatch.setattr("panel.publish.build.has_letters", lambda: False)


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
    marked = {name.split("/")[1] for name in house.pages() if '<aside class="draft"' in house.text(name)}
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


def test_the_manifest_names_dossiers_of_what_is_published_alone(house: House) -> None:
    """Not even the slug of a draft stands in the manifest, whether its dossier was read or not."""
    from_dossiers(house, "alpha", "secret")
    house.kept("secret", "approval.json").unlink()
    house.dossier("unasked")
    house.built()
    dossiers = house.data(NAME)["dossiers"].values()

    assert [["alpha", house.review("alpha").tool.digest]] == [*dossiers]
    assert ("secret" in house.text(NAME), "unasked" in house.text(NAME)) == (False, False)


def test_a_changed_record_is_a_draft_again(house: House) -> None:
    """An approval holds for the record that was approved and for no other."""
    three(house)
    house.built()
    house.reviewed("gamma", (75, 75, 80))
    done = house.built()

    assert ({"alpha", "beta", "alpha-vs-beta"}, ["gamma"]) == (shown(house), done.left_out)


def from_dossiers(house: House, *slugs: str) -> None:
    """Publish reviews of tools whose dossiers are there."""
    for slug in slugs:
        house.reviewed(slug)
        house.wrote(house.review(slug).model_copy(update={"tool": read_tool(house.dossier(slug))}))
        house.approved(slug)


def test_a_changed_dossier_makes_a_draft(house: House) -> None:
    """A review whose dossier changed since it was approved is a draft, and one whose dossier is as it was is not."""
    three(house)
    from_dossiers(house, "alpha", "beta", "gamma")
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


UNREADABLE: dict[str, Callable[[Path], object]] = {
    "no YAML": lambda path: path.write_text("["),
    "no dossier": lambda path: path.write_text("name: Alpha"),
    "nothing": lambda path: path.write_bytes(b""),
    "bytes": lambda path: path.write_bytes(b"\xff\x00"),
    "too large": lambda path: os.truncate(path, LARGEST_RECORD + 1),
    "gone": Path.unlink,
}


@pytest.mark.parametrize("spoil", UNREADABLE.values(), ids=UNREADABLE)
def test_a_dossier_that_cannot_be_read_makes_a_draft(house: House, spoil: Callable[[Path], object]) -> None:
    """Nobody stands behind a tool whose dossier is spoilt or gone while there are others, which are as they were."""
    from_dossiers(house, "alpha", "beta")
    assert [] == house.built().left_out
    path = house.path("tools/alpha.yaml")
    kept = path.read_bytes()
    spoil(path)

    assert ["alpha"] == house.built().left_out == house.built(out=house.folder / "fresh").left_out
    assert {"beta"} == shown(house)
    path.write_bytes(kept)
    assert [] == house.built().left_out


def test_a_project_without_dossiers_goes_by_its_records(house: House) -> None:
    """Where there is no dossier at all, what was approved stays approved: records can be published alone."""
    from_dossiers(house, "alpha", "beta")
    house.built()
    shutil.rmtree(house.folder / "tools")

    assert [] == house.built().left_out


def test_two_dossiers_of_one_tool_have_to_say_the_same(house: House) -> None:
    """A copy of a dossier changes nothing; where it says something else, nobody can tell which one was approved."""
    from_dossiers(house, "alpha", "beta")
    for name in ("a-copy", "z-copy"):
        copy = house.path(f"tools/{name}.yaml")
        copy.write_bytes(house.path("tools/alpha.yaml").read_bytes())
        assert [] == house.built().left_out
        copy.write_text(re.sub("tagline: .*", "tagline: Another line", copy.read_text()))
        assert ["alpha"] == house.built().left_out == house.built(out=house.folder / "fresh").left_out
        copy.unlink()


@pytest.mark.parametrize(("spoil", "is_held"), [("", True), ("gone", False), ("no YAML", False)])
def test_compare_goes_by_the_same_rule(house: House, spoil: str, is_held: bool) -> None:
    """A comparison that is written names who approved a side just where publishing it would."""
    from_dossiers(house, "alpha", "beta")
    if spoil:
        UNREADABLE[spoil](house.path("tools/alpha.yaml"))
    house.done("compare", "alpha", "beta", "--no-moderator")
    record = read_json(house.folder / "runs/compare/alpha-vs-beta/comparison.json")
    house.built()

    assert [is_held, True] == [bool(side["approval"]) for side in record["sides"]]
    assert is_held == ("alpha" in shown(house))


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


def compared(house: House) -> dict[str, bytes]:
    """Return every file that is kept of comparisons."""
    return tree(house.folder / "runs" / "compare")


def test_a_stale_comparison_is_made_anew_for_the_site(house: House) -> None:
    """Where a review changed since they were compared, the site has what is true now, and the record stays as it is."""
    three(house)
    house.built()
    kept, before = compared(house), house.site()
    house.published("alpha", (10, 20, 30), at="2026-05-20T12:00:00Z")
    house.built()
    record, page = house.data("compare/alpha-vs-beta/index.json"), house.text("compare/alpha-vs-beta/index.html")

    assert ("neither", "Skip") == (record["answer"]["kind"], record["sides"][0]["verdict"]["label"])
    assert ("Neither." in page, "Neither" in house.text("compare/alpha-vs-beta/index.md")) == (True, True)
    assert kept == compared(house)
    house.published("alpha", (75, 80, 90), category="Builders")
    house.built()
    assert before == house.site()


def test_an_approval_reaches_the_comparison(house: House) -> None:
    """Who stands behind a side is in the record of the comparison as soon as it is published."""
    three(house)
    house.kept("beta", "approval.json").unlink()
    house.compared("alpha", "beta")
    house.built()
    house.approved("beta", by="Bo")
    house.built()

    assert ["Ann", "Bo"] == [side["approval"]["by"] for side in house.data("compare/alpha-vs-beta/index.json")["sides"]]


def test_nothing_is_written_where_records_are_kept(house: House) -> None:
    """Publishing and the digest touch no file in `runs`, whatever became of the records since they were compared."""
    moderated(house)
    house.published("alpha", (10, 20, 30))
    house.kept("gamma", "approval.json").unlink()
    before = stamps(house.folder / "runs")
    house.done("publish", "--workers", "1")
    house.done("publish", "--drafts", "--workers", "1")
    house.done("digest", "--week", "2026-W19")

    assert before == stamps(house.folder / "runs")


def stamps(folder: Path) -> dict[str, int]:
    """Return when everything in a folder was written."""
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*")}


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


def test_the_moderator_is_left_out_where_the_takes_changed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words about takes that changed since are left out; nobody is asked, and the command names the comparison."""
    asked: list[object] = []
    monkeypatch.setattr("panel.llm.open.stand_in", asked.append)
    moderated(house)
    assert [] == house.built().unread
    house.published("alpha", (75, 80, 95))
    printed = house.done("publish", "--workers", "1")

    assert ([], [], ["alpha-vs-beta"]) == (said(house), asked, house.built().unread)
    assert not [name for name, content in house.site().items() if b"you need what it says" in content]
    assert "takes changed since the moderator read them; to ask again: panel compare alpha beta\n" in printed


def test_the_moderator_comes_back_with_the_takes(house: House) -> None:
    """A review that is brought back brings back what the moderator said of it: the record held it all the while."""
    moderated(house)
    before, kept = house.site(), house.review("alpha")
    house.published("alpha", (75, 80, 95))
    house.built()
    assert [] == said(house)
    house.wrote(kept)
    house.approved("alpha")
    done = house.built()

    assert (["you need what it says"] * 2, []) == (said(house), done.unread)
    assert before == house.site()


def test_the_moderator_is_heard_again_once_it_is_compared_anew(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command that is named asks the moderator; what it said of the takes as they are is published."""
    moderated(house)
    house.published("alpha", (75, 80, 95))
    clauses = [[{"takes": [f"{slug}/mason0"], "text": "rows have to be checked"}] for slug in ("alpha", "beta")]
    reply = json.dumps({"first": clauses[0], "second": clauses[1]})
    monkeypatch.setattr("panel.llm.open.stand_in", lambda _: reply)
    house.built()
    house.done("compare", "alpha", "beta")
    done = house.built()

    assert (["rows have to be checked"] * 2, []) == (said(house), done.unread)


# Records that change while a site is built


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("file", ["review.json", "approval.json", "log.jsonl"])
def test_what_changes_under_a_build_ends_it(
    house: House, monkeypatch: pytest.MonkeyPatch, workers: int, file: str
) -> None:
    """A tool that is another one when it is rendered ends the build; nothing is published that nobody approved."""
    three(house)
    house.built()
    house.approved("alpha", "beta", "gamma", by="Bo")
    render = _Build._pairs

    def changed(self: _Build, tools: Mapping[str, ToolEntry]) -> object:
        if file == "review.json":
            house.reviewed("alpha", (75, 80, 90), tagline="Unapproved words")
        elif file == "approval.json":
            house.kept("alpha", file).unlink()
        else:
            house.logged("alpha", "edit", persona="mason0", by="Unapproved words")
        return render(self, tools)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(_Build, "_pairs", changed)
        with pytest.raises(RecordError, match=r"runs/alpha: was changed while the site was built; build it again"):
            house.built(workers=workers)

    assert not [name for name, content in house.site().items() if b"Unapproved words" in content]
    if file == "log.jsonl":
        house.kept("alpha", file).unlink()
    house.built()
    mixed = house.site()
    house.built(out=house.folder / "fresh")
    assert house.site(house.folder / "fresh") == mixed


def test_a_tool_is_read_at_one_moment(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A review that changes between the two looks at its tool is not paired with the approval of the earlier one."""
    three(house)
    look = Sources.look
    seen: list[str] = []

    def looked(self: Sources, slug: str) -> Raw:
        seen.append(slug)
        if seen.count("alpha") == 2:
            house.reviewed("alpha", (75, 80, 90), tagline="Unapproved words")
        return look(self, slug)

    monkeypatch.setattr(Sources, "look", looked)
    with pytest.raises(RecordError, match="was changed while the site was built"):
        house.built()

    assert not [name for name, content in house.site().items() if b"Unapproved words" in content]


# Times


@pytest.mark.parametrize(
    ("events", "published"),
    [
        ([], APPROVED),
        ([("approve", "2026-05-09T00:00:00Z"), ("approve", "2026-05-07T00:00:00Z")], "2026-05-07T00:00:00Z"),
        ([("approve", "soon"), ("approve", "2026-05-08T00:00:00Z"), ("void", ASKED)], "2026-05-08T00:00:00Z"),
    ],
)
def test_a_review_is_published_when_it_is_first_approved(
    house: House, events: list[tuple[str, str]], published: str
) -> None:
    """The first approval of the log is when readers could first see it; without one it is that of the approval."""
    house.published("alpha")
    for event, at in events:
        house.logged("alpha", event, at, by="Ann")
    house.built()

    assert [published] == [one["date_published"] for one in house.data("feeds/all.json")["items"]]


def test_a_verdict_turned_where_readers_could_see_it(house: House) -> None:
    """Labels that changed before the first approval are nobody's news; those since then are, at that moment too."""
    house.published("alpha")
    for day in (5, 7, 8):
        house.logged("alpha", "verdict", f"2026-05-0{day}T00:00:00Z", before=f"Mixed 1-{day}", after=f"Ship {day}-0")
    house.logged("alpha", "verdict", "2026-05-09T00:00:00Z", before="Ship 2-1", after="Ship 3-0")
    house.logged("alpha", "approve", "2026-05-07T00:00:00Z", by="Ann")
    house.built()

    assert ["the verdict went from Mixed 1-8 to Ship 8-0", "the verdict went from Mixed 1-7 to Ship 7-0"] == [
        one["content_text"] for one in house.data("feeds/changes.json")["items"]
    ]


@pytest.mark.parametrize(
    "at", ["soon", "", "2026-13-40T99:00:00Z", "2026-05-04", "\x1b[2J", "９９９９-01-01T00:00:00Z"]
)
def test_a_time_that_is_none_is_no_time(house: House, at: str) -> None:
    """An event or a reply of no time that Panel writes stops nothing and is never the latest; no approval has one."""
    house.published("alpha", at=ASKED)
    house.logged("alpha", "approve", at=at, by="Ann")
    house.logged("alpha", "accept", at=at, persona="mason0")
    house.logged("alpha", "verdict", at=at, before="Mixed 1-2", after="Ship 2-1")
    house.published("beta", at=at)
    house.published("gamma", approved=at)
    done = house.built()
    entries = {item["title"]: item["date_modified"] for item in house.data("feeds/all.json")["items"]}

    assert {"Alpha": ASKED, "Beta": "1970-01-01T00:00:00Z"} == entries
    assert ([], ["gamma"]) == (house.data("feeds/changes.json")["items"], done.left_out)
