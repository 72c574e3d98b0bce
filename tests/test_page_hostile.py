"""Hostile pages: whatever stands in a record, nothing of it runs, nothing is asked for, and it is shown as text.

Dossiers and replies are cleaned when they are read. Here they are not: the records are tampered with, field by field,
so that every text reaches the pages as it was meant to do harm.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import made
import pytest
from browsing import Browser, Visit
from host import Host
from markdown_it import MarkdownIt
from markup import dead_links, valid
from selectolax.lexbor import LexborHTMLParser
from shown import APPROVED_AT
from subscriber import atom, json_feed, linked_data, sitemap

from panel.community import Community
from panel.compare import Sided, comparison
from panel.desk.approval import Approval
from panel.files import Json, readable
from panel.markdown import comparison_page
from panel.moderation import Clause, Moderation
from panel.project import Project
from panel.publish.build import build
from panel.publish.edition import Week
from panel.publish.mail import digest_html
from panel.publish.pages import alone
from panel.publish.sources import edition_of
from panel.record import digest
from panel.review import Absence, Review, review
from panel.tables import SiteSettings
from panel.take import Evidence, Outside
from panel.tool import Source

RLO, PDI = "\u202e", "\u2069"
ATTACKS = (
    "<script>canary()</script>",
    "<img src=/canary onerror=canary()>",
    "<svg onload=canary()><a xlink:href=//evil.example>x</a>",
    "</script><script>canary()</script>",
    "</style><style>*{display:none}</style>",
    "<iframe srcdoc='<script>canary()</script>'>",
    "' onmouseover='canary()' x='",
    '" onfocus="canary()" autofocus x="',
    "<a href=javascript:canary()>x</a>",
    "[x](javascript:canary()) ![x](/canary)",
    "[x]: javascript:canary() [x][x] <http://evil.example/>",
    "{{ 7*7 }} {% raw %} {{ cycler.__init__ }} {# x #}",
    "--> <!-- ]]> <![CDATA[ <base href=//evil.example/>",
    f"abc {RLO}def ghi{PDI} \u200ejkl",
    "a\x00b\x07c\x1bd\x7fe\x85f\u2028g",
    "<meta http-equiv=refresh content=0;url=/canary>",
    "**b** _i_ `c` \\<b> &lt;script&gt; &#60;u>",
    "<form action=/canary><button formaction=javascript:canary()>",
    "https://evil.example/canary www.evil.example",
    "<textarea><title><plaintext><noscript><template>",
)
"""None is longer than a page shows of a text in its smallest form."""

URL = "https://evil.example/canary?x=`{{7*7}}&lt;onload=canary()"
SLUGS = ("alpha", "bravo", "charlie", "delta")
PAIRS = ("alpha-vs-bravo", "charlie-vs-delta")
FIXED = {
    *("schema", "rules", "slug", "kind", "entry", "currency", "label", "agreement", "status", "absence", "vote"),
    *("share", "checked_on", "dated", "released", "recorded_at", "given", "rating", "from", "digest", "cost_usd"),
    *("persona_digest", "prompt_digest", "seen", "request", "text"),
}
"""What is no text, or is of a form that is held when a record is read; the text of a take is set by itself."""

HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
HANDLERS = """() => [...document.querySelectorAll("*")].flatMap((each) => {
    for (const kind of ["mouseover", "focus", "error", "load", "click"]) {
        if (!each.matches("a, summary, input, button")) each.dispatchEvent(new Event(kind));
    }
    return [...each.attributes].filter((one) => /^on|^style$|^srcdoc$|^formaction$/.test(one.name));
}).length"""
STRANGE = """() => [...document.querySelectorAll(
    "img, iframe, object, embed, form, base, template, textarea, noscript, math, video, audio, main script, main style"
)].map((each) => each.outerHTML)"""
LINKS = "() => [...document.querySelectorAll('[href]')].map((each) => each.href.baseVal || each.href)"


OUR_LINKS = ("http://127.0.0.1", "https://panel.example/", "data:image/svg+xml,")
SAVE_ALL = "(slugs) => localStorage.setItem('panel-saved', JSON.stringify(slugs.map((slug) => `tools/${slug}/`)))"
MARKDOWN = {*"h1 h2 h3 h4 p ul ol li em strong code a table thead tbody tr th td blockquote hr br".split()}  # noqa: SIM905


def tampered(data: Json, text: Callable[[], str], key: str = "") -> Json:
    """Return data in which every text is another one; addresses stay addresses."""
    if isinstance(data, dict):
        return {name: tampered(value, text, name) for name, value in data.items()}
    if isinstance(data, list):
        return [tampered(value, text, key) for value in data]
    if not isinstance(data, str) or key in FIXED or (key == "id" and data in ("docs", "bench")):
        return data
    return URL if data.startswith("https://") else text()


def sound(slug: str) -> Review:
    """Return a review of five seats: three are heard, one abstained, one was not invited."""
    source = {"title": "A title", "url": "https://docs.example/", "text": "Some words."}
    sources = (Source(id="docs", kind="maker", **source), Source(id="bench", kind="independent", **source))
    links = {"home": "https://home.example/", "docs": "https://docs.example/", "repo": "https://repo.example/"}
    plain = made.plumb().model_dump(by_alias=True)
    tool = type(made.plumb()).model_validate(
        plain | {"slug": slug, "name": slug, "aliases": ("other",), "links": links, "sources": sources}
    )
    quotes = (Evidence(id="e1", source="docs", quote="q"), Evidence(id="e2", source="odd", quote="q"))
    said: dict[str, Any] = {
        "evidence": quotes,
        "outside": (Outside(text="o", kind="rival"), Outside(text="o", kind="forecast")),
        "flags": ({"kind": "never", "text": "f"},),
        "edited_by": "somebody",
        "retakes": 2,
    }
    seats = [
        made.seat(f"mason{place}", made.take([made.rated(score, evidence=("e1",))], **said), asks=(made.ask(),))
        for place, score in enumerate((4, 3, 1))
    ]
    seats.append(made.seat("quiet", None, absence=Absence.ABSTAINED))
    seats.append(made.seat("away", None, status="unseated", absence=None))
    return review(tool, seats)


def hostile(number: int, slug: str) -> Review:
    """Return that review with an attack in every field; over all tools every field gets several ones."""
    turn = count(number * 5)
    whole = tampered(sound(slug).as_json(), lambda: ATTACKS[next(turn) % len(ATTACKS)])
    assert isinstance(whole, dict)
    tool: Any = whole["tool"]
    seats: Any = whole["seats"]
    tool["sources"] = [{**one, "text": ATTACKS[0]} for one in tool["sources"]]
    tool["addressed"] = [{"field": ATTACKS[number], "text": ATTACKS[number + 1]}]
    tool["removed"] = {ATTACKS[number + 2]: 3}
    for place, seat in enumerate(seats):
        seat["persona"] = f"mason{place}" if place < 2 else f"other_{place}"
        if seat["take"]:
            seat["asks"].append({**seat["asks"][0], "recorded_at": ATTACKS[number]})
            seat["take"]["text"] = " ".join(ATTACKS)
            seat["take"]["outside"] = [{"text": attack, "kind": "rival"} for attack in ATTACKS[number * 4 :][:4]]
    return Review.model_validate(whole)


def persona(folder: Path, number: int) -> None:
    """Write a persona with an attack in every field."""
    turn = count(number * 7)

    def text(_: object = None) -> str:
        return json.dumps(HIDDEN.sub("", ATTACKS[next(turn) % len(ATTACKS)]))

    head, _, voice = made.PERSONA.partition("\n---\n")
    head = head.replace("id: mason", f"id: mason{number}").replace("order: 5", f"order: {number}")
    head = re.sub(r"(?<=name: )Mason|(?<=motto: ).+|(?<=question: ).+", text, head)
    head = re.sub(r"0: .+, 2: .+, 4: .+(?=\})", lambda _: f"0: {text()}, 2: {text()}, 4: {text()}", head)
    (folder / f"mason{number}.md").write_text(f"{head}\n---\n{' '.join(ATTACKS[:12])}\n\n{voice}")


def project(folder: Path) -> Project:
    """Make a project of hostile records."""
    (folder / "personas").mkdir(parents=True)
    (folder / "panel.toml").write_text("")
    for number in range(3):
        persona(folder / "personas", number)
    opened = Project.open(folder, {})
    reviews = {slug: hostile(number, slug) for number, slug in enumerate(SLUGS)}
    for number, (slug, record) in enumerate(reviews.items()):
        opened.store.save_review(record, "")
        if slug != "delta":
            approve(opened, record, ATTACKS[number])
    for number, pair in enumerate(PAIRS):
        one, other = (Sided(reviews[slug]) for slug in pair.split("-vs-"))
        whole = comparison(one, other, moderation(pair, number))
        opened.store.save_comparison(whole, comparison_page(whole), alone(whole))
    votes = {"schema": "panel.votes/1", "tools": {"alpha": Community(ship=3).as_json(), ATTACKS[0]: {"ship": 3}}}
    (folder / "runs" / "votes.json").write_text(json.dumps(votes))
    return opened


def moderation(pair: str, number: int) -> Moderation:
    """Return hostile clauses: some cite takes, others what is none."""
    slugs = pair.split("-vs-")
    texts = ATTACKS[number * 6 :][:6]
    clauses = [
        tuple(Clause(text=text, takes=(f"{slug}/mason0", f"{slug}/{text}", text)) for text in texts) for slug in slugs
    ]
    ask = made.ask().model_copy(update={"answered_by": ATTACKS[number]})
    return Moderation(prompt_digest="p", clauses=(clauses[0], clauses[1]), dropped=texts, disclosures=texts, ask=ask)


def approve(opened: Project, record: Review, by: str) -> None:
    """Write a hostile approval of a review, and a hostile log."""
    slug, tool = record.tool.slug, record.tool
    approval = Approval(tool=slug, by=by, at=APPROVED_AT, checked=ATTACKS, review=digest(record), dossier=tool.digest)
    place = opened.store.place(slug)
    (place / "approval.json").write_bytes(readable(approval.as_json()))
    events = [
        {"at": APPROVED_AT, "event": name, "by": text, "persona": text, "before": text, "after": text, "why": text}
        for text in ATTACKS
        for name in ("accept", "edit", "verdict", "approve", "void", text)
    ]
    events += [{"at": text, "event": "verdict", "before": text, "after": text} for text in ATTACKS]
    (place / "log.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in events))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """The site of that project, one a worker; mail and the page of a comparison alone are beside it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        folder = tmp_path_factory.mktemp("hostile")
        opened = project(folder)
        settings = SiteSettings(name=ATTACKS[0], url="https://panel.example/a~b_c.d")
        build(opened, folder / "site", settings, drafts=True)
        (folder / "site" / "mail").mkdir()
        edition = edition_of(opened, drafts=True)
        (folder / "site" / "mail" / "index.html").write_text(digest_html(edition, Week.of(APPROVED_AT)))
        for pair in PAIRS:
            page = opened.store.comparison_path(pair).with_name("index.html")
            (folder / "site" / "mail" / f"{pair}.html").write_bytes(page.read_bytes())
    (folder / "site" / "favicon.ico").write_bytes(b"")  # mail brings none
    with Host(folder / "site") as host:
        yield host


def pages(site: Host) -> list[str]:
    """Return the path of every page but of those that lead on at once."""
    found = (path for path in sorted(site.folder.rglob("*.html")) if b'"refresh"' not in path.read_bytes())
    return [path.relative_to(site.folder).as_posix() for path in found]


def shown(text: str) -> str:
    """Return a text as a page can show it: without what is not to be seen, spaces as one."""
    return " ".join(HIDDEN.sub("", text).split())


def assert_is_inert(visit: Visit, path: str) -> None:
    """Assert that nothing of a page was meant to run, or leads where no template leads."""
    page = visit.page
    assert 0 == page.evaluate(HANDLERS), path
    assert [] == page.evaluate(STRANGE), path
    led = [link for link in page.evaluate(LINKS) if not link.startswith(OUR_LINKS)]
    assert [] == [link for link in led if not link.startswith("https://evil.example/canary?x=")], path


def test_nothing_runs_and_nothing_is_asked_for(browser: Browser, site: Host) -> None:
    """On every page no canary sings, no policy is hurt, nobody else is asked, and there is no element of theirs."""
    paths = pages(site)
    visit = browser.visit(site.url)
    for path in paths:
        visit.open(f"{site.url}{path}")
        visit.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
        assert_is_inert(visit, path)

    assert 24 < len(paths)
    assert [] == visit.faults()
    assert [] == [path for path in site.asked if path.startswith("/canary")]


def test_search_and_what_is_saved_are_text(browser: Browser, site: Host) -> None:
    """What script writes into a page is text too: the results of a search, and the list of what was saved."""
    visit = browser.visit(site.url)
    page = visit.page
    page.evaluate(SAVE_ALL, SLUGS)
    page.locator("#q").fill("canary")
    page.locator("#found li").first.wait_for()
    assert_is_inert(visit, "search")
    found = page.locator("#found").inner_text()
    visit.open(f"{site.url}saved/")
    page.locator("#mine li").nth(3).wait_for()
    assert_is_inert(visit, "saved")

    names = {shown(hostile(number, slug).tool.name) for number, slug in enumerate(SLUGS)}
    assert names == {shown(text) for text in page.locator("#mine h2").all_inner_texts()}
    assert "canary()" in found
    assert [] == visit.faults()


@pytest.mark.parametrize("number", range(len(SLUGS)))
def test_texts_are_shown_as_they_stand(site: Host, number: int) -> None:
    """The page of a tool says its hostile name, maker, tagline, reasons and approver letter by letter."""
    record = hostile(number, SLUGS[number])
    page = LexborHTMLParser((site.folder / "tools" / SLUGS[number] / "index.html").read_text())
    text = shown("".join(part.text() for part in page.css("main")))
    tool, seats = record.tool, record.seats
    takes = [seat.take for seat in seats if seat.take]
    said = [tool.name, tool.version or "", tool.maker, tool.category, tool.tagline, tool.description, tool.license]
    said += [tool.pricing.text, *(source.title for source in tool.sources), *(seat.name for seat in seats)]
    said += [seat.reason or "" for seat in seats]
    said += [part for take in takes for part in (take.headline, take.best_for, take.not_for, take.would_change_my_vote)]
    said += [rated.why for take in takes for rated in take.ratings]
    said += [take.edited_by or "" for take in takes]
    said += [quote.quote for take in takes for quote in take.evidence[:1]]

    assert [] == [each for each in said if shown(each).lower() not in text.lower()]
    assert HIDDEN.search(text) is None


def test_no_page_is_turned_around(site: Host) -> None:
    """No page holds a control character, or one that turns the direction of what follows."""
    assert [] == [path for path in pages(site) if HIDDEN.search((site.folder / path).read_text().replace("\n", ""))]


def test_pages_stay_sound(site: Host) -> None:
    """Hostile pages are valid HTML whose links lead somewhere, within their budget, with linked data that is read."""
    found = [site.folder / path for path in pages(site)]
    types = [
        path for path in found if re.search("/site/(?:index|tools/|compare/|critics/mason0|digest/|mail/)", f"{path}")
    ]

    assert [] == valid(types)
    assert [] == dead_links(site.folder, "https://panel.example/a~b_c.d/")
    assert [] == [path for path in found if path.stat().st_size > 60_000]
    assert {"WebPage"} <= {kind for path in found for kind in linked_data(path.read_text())}


def test_feeds_stay_sound(site: Host) -> None:
    """Feeds and the site map are read by others, and their titles are the hostile names."""
    for path in site.folder.rglob("*.atom"):
        one, other = atom(path.read_text()), json_feed(path.with_suffix(".json").read_text())

        assert [entry.id for entry in one.entries] == [entry.id for entry in other.entries]
        assert "<script>canary()</script>" in other.title
    assert sitemap((site.folder / "sitemap.xml").read_text())


def test_markdown_is_inert(site: Host) -> None:
    """The twins of pages, read by a reader of Markdown that lets HTML through, hold no HTML and lead nowhere else."""
    for path in [*site.folder.rglob("*.md"), site.folder / "llms.txt"]:
        read = LexborHTMLParser(MarkdownIt("commonmark", {"html": True, "linkify": True}).render(path.read_text()))
        kinds = {node.tag for node in read.css("body *")}
        links = [node.attributes.get("href") or "" for node in read.css("a")]

        assert MARKDOWN >= kinds, path
        assert [] == [
            each for each in links if ":" in each and not each.startswith(("https://panel.example/", URL[:20]))
        ]


def test_nothing_leaves_its_folder(site: Host) -> None:
    """Every file of the site is in it, under a name that any system takes; beside it is nothing new."""
    names = [path.relative_to(site.folder).as_posix() for path in site.folder.rglob("*")]

    assert [] == [name for name in names if not re.fullmatch(r"[A-Za-z0-9._/-]+", name) or ".." in name]
    assert {"panel.toml", "personas", "runs", "site"} == {path.name for path in site.folder.parent.iterdir()}
