"""Build: only what changed is rendered, what is gone is taken away, and a site is the same however it came about."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from published import SITE, URL, House, changes, empty_folders, three
from typer.testing import Result

from panel.cli.publish import _built
from panel.errors import RecordError
from panel.project import Project
from panel.publish import render
from panel.publish.build import Press, Report, build
from panel.publish.cards import Card
from panel.publish.manifest import NAME
from panel.tables import SiteSettings
from panel.turn import turn


@pytest.fixture
def shop(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """Three published tools, the first compared with both others, and a fourth that stands alone."""
    monkeypatch.setattr("panel.publish.build.has_letters", lambda: True)
    monkeypatch.setattr(Card, "drawn", lambda self: self.svg.encode())
    three(house).published("delta", category="Chairs")
    house.compared("beta", "gamma")
    return house


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """No cards are drawn."""
    monkeypatch.setattr("panel.publish.build.has_letters", lambda: False)


def from_scratch(house: House, site: SiteSettings = SITE, **more: Any) -> dict[str, bytes]:
    """Return the site as a first build into an empty folder makes it."""
    shutil.rmtree(house.folder / "fresh", ignore_errors=True)
    house.built(site, out=house.folder / "fresh", **more)
    return house.site(house.folder / "fresh")


# What is rendered again


def test_a_build_that_changes_nothing_touches_nothing(shop: House) -> None:
    """The second build renders no page and writes no file, not even the manifest."""
    first = shop.built()
    before = shop.stamps()
    second = shop.built()

    assert (first.pages, first.pages, 0, 0) == (first.rendered, second.pages, second.rendered, second.removed)
    assert before == shop.stamps()


def test_a_changed_review_changes_its_pages_alone(shop: House) -> None:
    """The pages of its tool and its comparisons are rendered, and lists that show it; no file else is touched."""
    shop.built()
    content, stamps = shop.site(), shop.stamps()
    shop.published("alpha", (100, 80, 90), category="Builders")
    done = shop.built()
    touched = {name for name in changes(stamps, shop.stamps()) if name != NAME and not name.startswith("cards/")}

    assert {"tools/alpha/index.html", "compare/alpha-vs-beta/index.html", "compare/alpha-vs-gamma/index.html"} == (
        touched & shop.pages()
    )
    own = ("tools/alpha", "compare/alpha-vs-beta", "compare/alpha-vs-gamma")
    pages = {f"{path}/index.{kind}" for path in own for kind in ("html", "md", "json")}
    lists = ("critics/mason0", "statistics")
    assert touched == pages | {f"{path}/index.{kind}" for path in lists for kind in ("html", "md", "json")}
    assert touched == {name for name in changes(content, shop.site()) if not name.startswith("cards/")}
    assert 5 == done.rendered


def test_a_changed_verdict_changes_every_list_that_tells_it(shop: House) -> None:
    """Each list that names the verdict says the new one; a tool that stands alone keeps its page."""
    shop.built()
    stamps = shop.stamps()
    shop.published("alpha", (10, 20, 30), category="Builders")
    shop.built()
    touched = changes(stamps, shop.stamps())
    told = ["index.html", "tools/index.html", "compare/index.html", "categories/builders/index.html", "search.json"]

    assert {*told, "feeds/all.atom", "llms.txt", "digest/2026-W19/index.html", "tools/beta/index.html"} <= touched
    assert not {name for name in touched if "delta" in name or "chairs" in name or "beta-vs-gamma" in name}
    assert all("0 ship / 3 skip" in shop.text(name) for name in told if name != "compare/index.html")
    assert shop.site() == from_scratch(shop)


def test_another_alias_is_found_and_redirects(shop: House) -> None:
    """Where nothing but other names of a tool changed, search finds it by them, and they lead to it."""
    shop.built()
    shop.published("delta", category="Chairs", aliases=("Stool",))
    shop.built()

    assert "stool" in next(one["k"] for one in shop.data("search.json") if one["u"] == "tools/delta/")
    assert "../../tools/delta/" in shop.text("tools/stool/index.html")
    assert shop.site() == from_scratch(shop)


def test_votes_change_the_pages_that_show_them(shop: House) -> None:
    """Votes of readers reach the page of the tool and of its comparison."""
    shop.built()
    votes = {"schema": "panel.votes/1", "tools": {"alpha": {"ship": 3, "skip": 1}}}
    (shop.folder / "runs" / "votes.json").write_text(json.dumps(votes))
    shop.built()

    assert "4 community votes" in shop.text("tools/alpha/index.html")
    assert "4 community votes" in shop.text("compare/alpha-vs-beta/index.html")
    assert shop.site() == from_scratch(shop)


OTHER_SITES = {
    "name": SiteSettings(name="Other", url=URL),
    "address": SiteSettings(url="https://other.example/x"),
    "none": SiteSettings(),
}


@pytest.mark.parametrize("site", OTHER_SITES.values(), ids=OTHER_SITES)
def test_another_site_is_rendered_whole(shop: House, site: SiteSettings) -> None:
    """A site of another name or at another address has every page rendered, as from the beginning."""
    shop.built()
    done = shop.built(site)

    assert done.pages == done.rendered
    assert from_scratch(shop, site) == shop.site()


@pytest.mark.parametrize("name", ["page.html.j2", "look.css", "act.js", "rules.py"])
def test_another_panel_renders_the_site_whole(
    shop: House, plain: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    """Where templates, style, script or code are not those of the last build, every page is rendered again."""
    package = tmp_path / "package" / "deep"
    package.mkdir(parents=True)
    monkeypatch.setattr(render, "PACKAGE", tmp_path / "package")
    (package / name).write_text("one")
    render.version.cache_clear()
    shop.built()
    (package / name).write_text("two")
    render.version.cache_clear()
    done = shop.built()
    monkeypatch.undo()
    render.version.cache_clear()

    assert done.pages - 1 == done.rendered, "all but what machines read, which tells nothing else"


def test_another_voice_renders_the_pages_that_link_to_it(shop: House, plain: None) -> None:
    """A critic that left the panel has no page, and no page leads to it."""
    shop.built()
    shop.path("personas/mason2.md").unlink()
    shop.built()

    assert not [name for name in shop.site() if name.startswith("critics/mason2")]
    assert "critics/mason2" not in shop.text("tools/alpha/index.html")
    assert from_scratch(shop) == shop.site()


# What is taken away


def test_a_deleted_review_takes_its_pages_along(shop: House) -> None:
    """With a review go its pages, those of its comparisons, redirects, cards and folders that are empty then."""
    shop.built()
    before = shop.site()
    shutil.rmtree(shop.kept("gamma").parent)
    done = shop.built()
    gone = {*before} - {*shop.site()}

    assert [] == [name for name, content in shop.site().items() if b"gamma" in content.lower() or "gamma" in name]
    assert 3 == len([name for name in gone if name.startswith("cards/")])
    assert (len(gone), []) == (done.removed, empty_folders(shop.out))
    assert from_scratch(shop) == shop.site()


def test_a_deleted_comparison_takes_its_page_along(shop: House) -> None:
    """Without its record a comparison has no page, even where its other files are still there."""
    shop.built()
    (shop.folder / "runs/compare/alpha-vs-beta/comparison.json").unlink()
    shop.built()

    assert not [name for name in shop.site() if "alpha-vs-beta" in name or "beta-vs-alpha" in name]
    assert from_scratch(shop) == shop.site()


def test_the_last_review_leaves_an_empty_site(shop: House) -> None:
    """Without its folder of records a site is left alone; with an empty one it says that nothing is published."""
    shop.built()
    shutil.rmtree(shop.folder / "runs")
    with pytest.raises(RecordError, match="there are no records; review a tool first, or name --runs"):
        shop.built()
    (shop.folder / "runs").mkdir()
    shop.built()

    assert set() == shop.pages()
    assert "Nothing is published yet" in shop.text("index.html")
    assert from_scratch(shop) == shop.site()


def test_whatever_is_missing_is_written_again(shop: House) -> None:
    """Every file of a site that was deleted stands there again after a build, though others of its page are there."""
    shop.built()
    before, project = shop.site(), shop.project()
    for kind in {name.rsplit(".", 1)[1] for name in before}:
        for name in before:
            if name.endswith(f".{kind}"):
                (shop.out / name).unlink()
        build(project, shop.out, SITE)

        assert (kind, before) == (kind, shop.site())


def test_a_build_that_was_killed_leaves_nothing_behind(
    shop: House, plain: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a killed build wrote before it could note it goes where the next build does not publish it."""
    shop.built()
    tool = Press.tool
    monkeypatch.setattr(Press, "tool", lambda self, task: killed(tool(self, task)))
    shop.published("new")
    with pytest.raises(KeyboardInterrupt):
        shop.built()
    monkeypatch.setattr(Press, "tool", tool)
    (shop.out / "tools" / ".half_done1.part").write_text("half")
    assert (shop.out / "tools/new/index.html").is_file()
    shutil.rmtree(shop.kept("new").parent)
    shop.built()

    assert not (shop.out / "tools/new").exists()
    assert from_scratch(shop) == shop.site()


def test_a_first_build_that_was_killed_is_taken_up_again(shop: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the first build of a site left when it was killed is no strange folder to the next one."""
    with monkeypatch.context() as once:
        once.setattr(Press, "tool", lambda self, task: killed(task))
        with pytest.raises(KeyboardInterrupt):
            shop.built()
    assert shop.pages()
    assert {"tools": {}, "pairs": {}, "dossiers": {}, "pages": {}} == {
        key: value for key, value in shop.data(NAME).items() if key != "schema"
    }
    shop.built()

    assert from_scratch(shop) == shop.site()


def test_a_killed_build_leaves_no_page_that_passes_for_an_earlier_one(
    shop: House, plain: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages that a killed build wrote are written again where the records are brought back, however long they are."""
    shop.built()
    kept = shop.review("alpha")
    shop.published("alpha", (75, 80, 90), category="Builders", tagline=kept.tool.tagline[::-1])
    lengths = {name: len(content) for name, content in shop.site().items()}
    with monkeypatch.context() as once:
        once.setattr("panel.publish.manifest.sweep", lambda *_: killed(None))
        with pytest.raises(KeyboardInterrupt):
            shop.built()
    own = ("tools/alpha/index.html", "compare/alpha-vs-beta/index.html", "index.html")
    assert all(kept.tool.tagline[::-1] in shop.text(name) for name in own)
    assert [lengths[name] for name in own] == [len(shop.site()[name]) for name in own]
    shop.wrote(kept)
    shop.approved("alpha")
    shop.built()

    assert from_scratch(shop) == shop.site()


def test_a_torn_file_is_written_again(shop: House) -> None:
    """A file of another length than was written is written again, whatever it is."""
    shop.built()
    before = shop.site()
    for name in (
        "tools/alpha/index.html",
        "compare/alpha-vs-beta/index.json",
        "index.html",
        "feeds/all.atom",
        "404.html",
    ):
        (shop.out / name).write_bytes(before[name][:-9])
    shop.built()

    assert before == shop.site()


def test_what_was_half_written_is_swept_wherever_it_lies(shop: House, plain: None) -> None:
    """Temporary files of a killed build go, in whichever folder; what others named like them stays."""
    shop.built()
    before = shop.site()
    for name in (".a1.part", "tools/alpha/.b2.part", "saved/.c3.part", "own/.d4.part", "own/notes.part"):
        (shop.out / name).parent.mkdir(exist_ok=True)
        (shop.out / name).write_text("half")
    done = shop.built()

    assert (4, {"own/notes.part"}) == (done.removed, {*shop.site()} - {*before})


def test_the_manifest_holds_what_is_published_in_order(shop: House) -> None:
    """The manifest names every file with its length, pages and slugs in order, and nothing of a draft."""
    shop.reviewed("secret")
    shop.built()
    data, site = shop.data(NAME), shop.site()

    assert all([*data[key]] == sorted(data[key]) for key in ("tools", "pairs", "dossiers", "pages"))
    assert {name: len(content) for name, content in site.items()} == {
        name: size for page in data["pages"].values() for name, size in page["files"].items()
    }
    assert "secret" not in shop.text(NAME)


# Two builds at once


def test_a_build_waits_for_another_one_and_gives_up_in_time(shop: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another run builds into the folder nothing is touched: exit 1, with what to do; then it goes on."""
    monkeypatch.setattr("panel.cli.publish.PATIENCE_S", 0.02)
    shop.done("publish", "--workers", "1")
    before = shop.stamps()
    shop.published("alpha", (10, 20, 30))

    async def meanwhile() -> Result:
        async with turn(shop.out / NAME):
            return await asyncio.to_thread(shop.type, "publish", "--workers", "1")

    ended = asyncio.run(meanwhile())

    problem = "another run has been writing here for more than 0.02 s; nothing was changed; let it end"
    assert (1, f"panel: site: {problem}, then run this again\n") == (ended.exit_code, ended.stderr)
    assert before == shop.stamps()
    shop.done("publish", "--workers", "1")
    assert "Skip" in shop.text("tools/alpha/index.html")


def test_two_builds_into_one_folder_come_one_after_the_other(shop: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two builds that begin at once the second begins when the first is done, and neither spoils the site."""
    inside: list[str] = []

    def noted(project: Project, out: Path, site: SiteSettings, **more: Any) -> Report:
        inside.append("begins")
        done = build(project, out, site, **more)
        inside.append("ends")
        return done

    monkeypatch.setattr("panel.cli.publish.build", noted)

    async def both() -> None:
        run = partial(_built, shop.project(), shop.out, SITE, drafts=False, workers=1)
        await asyncio.gather(*(asyncio.to_thread(lambda: asyncio.run(run())) for _ in range(2)))

    asyncio.run(both())

    assert ["begins", "ends"] * 2 == inside
    assert from_scratch(shop) == shop.site()


def killed(_: object) -> Any:
    """End as Ctrl-C does."""
    raise KeyboardInterrupt


# Manifests and folders that are not as a build left them

TORN: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda _: b"",
    "half": lambda text: text[: len(text) // 2],
    "a list": lambda _: b"[]",
    "bytes": lambda _: b"\xff\x00",
    "another file": lambda text: text.replace(b"panel.site/1", b"panel.site/2"),
    "crossed": lambda text: text.replace(b'"slug": "alpha"', b'"slug": "../../canary"'),
    "an empty one": lambda _: b"{}",
}


@pytest.mark.parametrize("tear", TORN.values(), ids=TORN)
def test_a_torn_manifest_costs_a_rendering_and_nothing_else(
    shop: House, plain: None, tear: Callable[[bytes], bytes]
) -> None:
    """Without a manifest that can be read all is rendered, what is no longer published goes all the same."""
    shop.built()
    shutil.rmtree(shop.kept("gamma").parent)
    manifest = shop.out / NAME
    manifest.write_bytes(tear(manifest.read_bytes()))
    done = shop.built()

    assert done.pages == done.rendered
    assert from_scratch(shop) == shop.site()
    assert [] == empty_folders(shop.out)


OUTSIDE = [
    "../canary",
    "../../canary",
    "tools/../../canary",
    "/CANARY",
    "link/canary",
    "a\0b",
    "",
    ".",
    "..",
    "x" * 5_000,
]


def test_a_hostile_manifest_deletes_nothing_outside(shop: House, plain: None) -> None:
    """Whatever a manifest says that was written, nothing outside of the site is deleted, and nothing is counted."""
    shop.built()
    outside = shop.folder / "outside"
    outside.mkdir()
    canaries = [shop.folder / "canary", outside / "canary"]
    for canary in canaries:
        canary.write_text("sings")
    (shop.out / "link").symlink_to(outside)
    data = shop.data(NAME)
    for number, name in enumerate(OUTSIDE):
        named = name.replace("/CANARY", str(canaries[0]))
        data["pages"][f"forged-{number}"] = {"key": "sha256:0", "files": {named: len("sings")}}
        data["pages"]["tools/alpha/"]["files"][named] = 0
    (shop.out / NAME).write_text(json.dumps(data))
    done = shop.built()

    assert ["sings", "sings"] == [canary.read_text() for canary in canaries]
    assert (0, True) == (done.removed, (shop.out / "link").is_symlink())
    (shop.out / "link").unlink()
    assert from_scratch(shop) == shop.site()


def test_what_others_put_into_a_site_stays(shop: House, plain: None) -> None:
    """A file that no build writes, such as the name of a domain, is left alone wherever it lies."""
    shop.built()
    names = ["CNAME", ".nojekyll", "tools/notes.txt", "cards/logo.png", "own/index.html", "critics/photo.jpg"]
    for name in names:
        (shop.out / name).parent.mkdir(exist_ok=True)
        (shop.out / name).write_text("mine")
    shutil.rmtree(shop.folder / "runs")
    (shop.folder / "runs").mkdir()
    shop.built()

    assert ["mine"] * len(names) == [shop.text(name) for name in names]


FOREIGN = ["notes.txt", ".hidden", "deep/notes.txt", "index.html"]


@pytest.mark.parametrize("name", FOREIGN)
def test_a_folder_with_something_else_is_refused(shop: House, name: str) -> None:
    """A folder that no build wrote to is left as it is, and the message says what to do."""
    path = shop.out / name
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    with pytest.raises(RecordError, match="holds something that no build wrote; name an empty folder with --out"):
        shop.built()

    assert {name: b"mine"} == shop.site()


@pytest.mark.parametrize("make", [Path.touch, lambda path: path.symlink_to("nowhere")], ids=["a file", "a link"])
def test_what_is_no_folder_is_refused(shop: House, make: Callable[[Path], None]) -> None:
    """A site is not written over a file, nor where a link leads nowhere."""
    make(shop.out)
    with pytest.raises(RecordError, match="holds something that no build wrote"):
        shop.built()


def test_a_link_within_the_site_leads_no_page_outside(shop: House) -> None:
    """Where a folder of the site is a link to another place, the build is refused and that place stays empty."""
    shop.built()
    outside = shop.folder / "outside"
    outside.mkdir()
    shutil.rmtree(shop.out / "tools")
    (shop.out / "tools").symlink_to(outside)
    with pytest.raises(RecordError, match="would be written outside of it"):
        shop.built()

    assert [] == list(outside.iterdir())


@pytest.mark.parametrize("workers", [1, 2])
def test_a_spoilt_comparison_is_told_with_its_file(shop: House, workers: int) -> None:
    """A record that can't be read ends the build with its name, whoever renders it; the earlier site stands."""
    shop.built()
    before = shop.site()
    for pair in ("alpha-vs-beta", "alpha-vs-gamma"):
        (shop.folder / f"runs/compare/{pair}/comparison.json").write_text("{")
    with pytest.raises(RecordError, match=r"runs/compare/alpha-vs-beta/comparison\.json: is not JSON"):
        shop.built(workers=workers)

    assert before == shop.site()


# The same site, however it came about


@pytest.mark.parametrize("workers", [2, 3])
def test_the_number_of_workers_changes_nothing(shop: House, workers: int) -> None:
    """Several processes make the same files, and the same manifest, as one does."""
    for name in "efghij":
        shop.published(f"tool-{name}")
    one = from_scratch(shop)
    alone = (shop.folder / "fresh" / NAME).read_bytes()

    assert one == from_scratch(shop, workers=workers)
    assert alone == (shop.folder / "fresh" / NAME).read_bytes()


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_folders_changes_nothing(
    shop: House, plain: None, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """In whatever order a system lists what is in a folder, the site and its manifest are the same."""
    for name in ("one", "two", "three"):
        shop.dossier(name)
    one = from_scratch(shop)
    alone = (shop.folder / "fresh" / NAME).read_bytes()
    order, listed = random.Random(seed), os.listdir

    def shuffled(path: Any = ".") -> list[str]:
        return sorted(listed(path), key=lambda _: order.random())

    monkeypatch.setattr(os, "listdir", shuffled)
    assert list(Path(shop.folder / "runs").iterdir()) != sorted(Path(shop.folder / "runs").iterdir())

    assert one == from_scratch(shop)
    assert alone == (shop.folder / "fresh" / NAME).read_bytes()


def test_another_machine_makes_the_same_site(shop: House, plain: None, tmp_path: Path) -> None:
    """A copy of the project in another folder makes the same site: no path of a machine is in it."""
    one = from_scratch(shop)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    other = House(folder)
    shutil.rmtree(other.folder / "personas")
    for name in ("runs", "personas"):
        shutil.copytree(shop.folder / name, other.folder / name)
    other.built()

    assert one == other.site()


def test_a_font_that_comes_later_brings_the_cards(shop: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a machine had no font when the site was built, the next build after it has one draws the cards."""
    with monkeypatch.context() as bare:
        bare.setattr("panel.publish.build.has_letters", lambda: False)
        assert not shop.built().has_cards
    assert not [name for name in shop.site() if name.startswith("cards/")]
    shop.built()

    assert from_scratch(shop) == shop.site()


SLUGS = ("alpha", "beta", "gamma", "delta", "page")


def step(house: House, chance: random.Random) -> str:
    """Change one thing in the records, and return what it was."""
    slug, other = chance.sample(SLUGS, 2)
    there = house.kept(slug).exists()
    what = chance.choice(["review", "approve", "withdraw", "delete", "compare", "log", "vote", "dossier", "undo"])
    if what == "review":
        scores = [chance.choice([None, 20, 50, 60, 75, 100]) for _ in range(3)]
        aliases = tuple(chance.sample(["Beta", "Old Name", "Page", "Ωmega"], chance.randrange(3)))
        category = chance.choice(["Builders", "builders!", "Шкафы", "Tables"])
        house.reviewed(
            slug, scores, at=f"2026-05-{chance.randrange(1, 29):02}T00:00:00Z", aliases=aliases, category=category
        )
    elif what == "approve" and there:
        house.approved(slug, at=f"2026-06-{chance.randrange(1, 29):02}T00:00:00Z")
    elif what == "withdraw" and there:
        house.kept(slug, "approval.json").unlink(missing_ok=True)
    elif what == "delete" and there:
        shutil.rmtree(house.kept(slug).parent)
    elif what == "compare" and there and house.kept(other).exists():
        house.compared(slug, other)
    elif what == "log" and there:
        house.logged(slug, "verdict", before="Mixed 1-1", after="Ship 2-0", at="2026-07-01T00:00:00Z")
    elif what == "vote":
        votes = {slug: {"ship": chance.randrange(30), "skip": 1}}
        (house.folder / "runs").mkdir(exist_ok=True)
        (house.folder / "runs/votes.json").write_text(json.dumps({"schema": "panel.votes/1", "tools": votes}))
    elif what == "dossier":
        house.dossier(slug, tagline=f"Line {chance.randrange(3)}")
    elif what == "undo":
        shutil.rmtree(house.folder / "tools", ignore_errors=True)
    return f"{what} {slug}"


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.campaign) for seed in range(2, 20))])
def test_a_site_forgets_how_it_came_about(house: House, plain: None, seed: int) -> None:
    """After any series of changes the site is, byte for byte, the one that a first build makes of the records."""
    chance, story = random.Random(seed), []
    for slug in SLUGS:
        house.published(slug)
    for _ in range(8):
        story += [step(house, chance) for _ in range(chance.randrange(1, 4))]
        drafts = chance.random() < 0.5
        house.built(drafts=drafts, workers=chance.choice([1, 1, 2]))

        assert (story, {}) == (story, differing(house.site(), from_scratch(house, drafts=drafts)))
        assert [] == empty_folders(house.out)


def differing(one: dict[str, bytes], other: dict[str, bytes]) -> dict[str, tuple[bytes | None, bytes | None]]:
    """Return what two sites do not have in common."""
    return {name: (one.get(name), other.get(name)) for name in changes(one, other)}
