"""Rows of a page: every element that a comparison shows comes from its record; change the record, and it changes.

Pages are read with a parser of HTML that is not Panel's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from typing import Any

import made
import pytest
from selectolax.lexbor import LexborHTMLParser, LexborNode

from panel.community import Community
from panel.compare import Sided, comparison
from panel.comparison import Approved, Comparison, Happening
from panel.decision import ENTRIES
from panel.files import readable
from panel.moderation import Clause, Moderation
from panel.publish.entries import pair_entry, tool_entry
from panel.publish.pages import PairPage, ToolPage
from panel.record import digest
from panel.review import Absence, Seat, review
from panel.tables import SiteSettings
from panel.take import Evidence, Outside
from panel.tool import Pricing, Source, Tool

SITE = SiteSettings(name="Bench", url="https://bench.example")
SCORES: tuple[dict[str, int], dict[str, int]] = (
    {"builder": 80, "skeptic": 45, "futurist": 80, "creator": 45},
    {"builder": 87, "skeptic": 78, "futurist": 82, "founder": 52},
)
"""Those of the published page, by slug."""

CRITICS = ("builder", "skeptic", "futurist", "founder", "creator")
BASIS = "section[aria-labelledby=basis]"
WORDS = ("headline", "text", "best_for", "not_for", "would_change_my_vote")


class Read:
    """A page as a parser reads it."""

    def __init__(self, html: bytes) -> None:
        self.html = re.sub(r"<(small|p|h4|li|td)\b", r" <\1", html.decode())
        self.tree = LexborHTMLParser(self.html)

    def all(self, css: str) -> list[str]:
        """Return the text of every element that is meant."""
        return [text_of(node) for node in self.tree.css(css)]

    def one(self, css: str) -> str:
        """Return the text of the only element that is meant."""
        [text] = self.all(css)
        return text

    def attributes(self, css: str, name: str) -> list[str]:
        """Return an attribute of every element that is meant."""
        return [node.attributes.get(name) or "" for node in self.tree.css(css)]


def text_of(node: LexborNode) -> str:
    """Return the words of an element, spaces as one."""
    return " ".join(node.text().split())


def tool(slug: str, **fields: object) -> Tool:
    """Return a tool whose every text names it."""
    said = {key: f"{key} of {slug}" for key in ("version", "maker", "tagline", "description", "license")}
    whole = {"slug": slug, "category": "Developer Tools", "kind": "model", "sources": (), **said, **fields}
    return made.changed(made.plumb(), **whole)


def seats(slug: str, scores: dict[str, int], **changes: object) -> list[Seat]:
    """Return the seats of a panel; who has no score was not invited, for a reason of its own."""
    found = []
    for critic in CRITICS:
        if critic not in scores:
            why = f"{critic} has no business with {slug}"
            found.append(made.seat(critic, None, status="unseated", absence=None, reason=why))
            continue
        words = {key: f"{key} by {critic} on {slug}" for key in WORDS}
        take = made.take([made.rated(Fraction(scores[critic] * 4, 100))], **words, **changes)
        found.append(made.seat(critic, take, asks=(made.ask(),)))
    return found


def sided(place: int, scores: dict[str, int] | None = None, **fields: Any) -> Sided:
    """Return one side: SkillClaw, or SmolLM3."""
    slug, name = (("skillclaw", "SkillClaw"), ("smollm3", "SmolLM3"))[place]
    about = {key: fields.pop(key) for key in ("community", "approval", "history") if key in fields}
    takes = seats(slug, scores or SCORES[place], **fields.pop("takes", {}))
    return Sided(review(tool(slug, **{"name": name, **fields}), takes), **about)


def read(*sides: Sided, moderation: Moderation | None = None) -> Read:
    """Return the page of a comparison as part of a site."""
    pair = sides or (sided(0), sided(1))
    record = comparison(*pair, moderation)
    files = PairPage(record, SITE, entry(record, pair), CRITICS, raw=readable(record.as_json())).files()
    return Read(files[f"compare/{record.slug}/index.html"])


def entry(record: Comparison, sides: Sequence[Sided]) -> Any:
    """Return what lists know of a comparison."""
    tools = [tool_entry(one.review, digest(one.review), one.approval, ()) for one in sides]
    first, second = sorted(tools, key=lambda one: one.slug)
    return pair_entry(record, (first, second), is_unread=False)


def read_tool(one: Sided) -> Read:
    """Return the page of a tool as part of a site."""
    listed = tool_entry(one.review, digest(one.review), one.approval, ())
    return Read(
        ToolPage(SITE, one, listed, (), CRITICS, readable(one.review.as_json())).files()[
            f"tools/{listed.slug}/index.html"
        ]
    )


def row(page: Read, label: str) -> list[str]:
    """Return a row of the decision table."""
    [found] = [node for node in page.tree.css(".dec tbody tr") if text_of(node.css("th")[0]) == label]
    return [text_of(cell) for cell in found.css("td")]


def facts(page: Read, label: str) -> list[str]:
    """Return a fact of both cards."""
    pairs = zip(page.all(".facts dt"), page.all(".facts dd"), strict=True)
    return [text for name, text in pairs if name == label]


# The head


def test_the_breadcrumb_names_the_pair() -> None:
    """It reads Compare, then A vs B, and leads to all comparisons; another name is another breadcrumb."""
    assert ["Compare", "SkillClaw vs SmolLM3"] == read().all(".crumbs li")
    assert ["Compare", "SkillClaw vs Zap"] == read(sided(0), sided(1, name="Zap")).all(".crumbs li")
    assert ["../../compare/"] == read().attributes(".crumbs a", "href")


def test_the_title_names_the_pair() -> None:
    """The heading and the window's title hold both names, that of the window the site's too."""
    page = read(sided(0), sided(1, name="Zap"))

    assert "SkillClaw vs Zap" == page.one("h1")
    assert "SkillClaw vs Zap · Bench" == page.one("title")


def test_the_dek_counts_the_critics() -> None:
    """The line under the title says how many critics there are, and the answer asks what the reader asks."""
    page = read()

    assert page.one(".head .dek").startswith("A panel of 5 critics")
    assert "Which one should you ship with?" == page.one(".answer h2")


@pytest.mark.parametrize(
    ("scores", "says"),
    [
        (SCORES[0], "Pick SmolLM3."),
        ({**SCORES[1], "builder": 88}, "Too close to call."),
        (dict.fromkeys(CRITICS, 99), "Pick SkillClaw."),
        ({"builder": 80, "skeptic": 45}, "Not comparable yet."),
    ],
)
def test_the_answer_comes_first(scores: dict[str, int], says: str) -> None:
    """Before anything else the page answers, with the reason; other scores are another answer."""
    sides = sided(0, scores), sided(1)
    page = read(*sides)

    assert says == page.one(".answer .says")
    why = comparison(*sides).answer.why
    assert page.all(".answer p")[1].lower() == f"{why}.".lower()
    assert page.html.index('class="says"') < page.html.index("<section")


def test_neither_is_an_answer() -> None:
    """Where the panel skips both, the page says neither."""
    low = dict.fromkeys(CRITICS, 20)
    assert "Neither." == read(sided(0, low), sided(1, low)).one(".answer .says")


def test_tools_of_different_kinds_are_no_substitutes() -> None:
    """A note beside the answer says what each is, and is there only where the kinds differ."""
    page = read(sided(0, kind="framework"), sided(1))
    note = [text for text in page.all(".answer p") if "substitutes" in text]

    assert ["Not substitutes: SkillClaw is a framework, SmolLM3 is a model. You may need both."] == note
    assert ("SmolLM3 scores higher.", "Pick SmolLM3.") == (page.one(".says"), read().one(".says"))
    assert "substitutes" not in read().one(".answer")


# The cards


def test_avatars_differ() -> None:
    """Each side has two letters, a shape and a colour of its own, everywhere the same."""
    page = read()
    one, other = page.tree.css(".side .mark")

    assert ["SC", "SL"] == page.all(".side .mark text")
    assert [("circle", "fa"), ("path", "fb")] == [
        (shape.tag, shape.attributes["class"]) for mark in (one, other) for shape in mark.css(".fa, .fb")
    ]
    assert {"na"} == {node.attributes["class"] for node in page.tree.css(".na") if text_of(node) == "SkillClaw"}
    assert not [node for node in page.tree.css(".nb") if text_of(node) == "SkillClaw"]


@pytest.mark.parametrize(
    ("one", "other"),
    [("SmolLM3", "SmolLM2"), ("Alpha", "Alpine"), ("Suno", "Sunny"), ("A", "B"), ("Go", "Go 2"), ("数据", "数学")],
)
def test_avatars_of_like_names_differ(one: str, other: str) -> None:
    """Two names that begin alike have different letters, two at most."""
    letters = read(sided(0, name=one), sided(1, name=other)).all(".side .mark text")

    assert 2 == len({*letters})
    assert all(1 <= len(each) <= 2 for each in letters)


@pytest.mark.parametrize("key", ["name", "version", "maker", "category", "tagline", "description", "license"])
def test_the_card_shows_what_the_dossier_says(key: str) -> None:
    """Name, version, maker, category, tagline, description and license of each side stand on its card."""
    page = read(sided(0, **{key: f"Marker 41 {key}"}), sided(1, **{key: f"Marker 42 {key}"}))

    assert [True, True] == [f"Marker {41 + place} {key}" in card for place, card in enumerate(page.all(".side"))]
    assert [False, False] == [f"Marker {42 - place} {key}" in card for place, card in enumerate(page.all(".side"))]


@pytest.mark.parametrize("key", ["name", "version", "maker", "category", "tagline", "description", "license"])
def test_the_page_of_a_tool_shows_what_the_dossier_says(key: str) -> None:
    """So it does on the page of the tool."""
    page = read_tool(sided(0, **{key: f"Marker 41 {key}"}))

    assert f"Marker 41 {key}" in " ".join([page.one(".head"), *page.all("main section")])


def test_sources_are_listed_with_their_dates() -> None:
    """Each source stands with its title, address, day and who speaks; the counts stand on the card and in the table."""
    source = {"text": "Words.", "title": "Marker 43", "url": "https://marker.example/43", "dated": date(2026, 2, 3)}
    sources = (Source(id="one", kind="independent", **source), Source(id="two", kind="maker", title="T", text="Words."))

    for page in (read(sided(0, sources=sources), sided(1)), read_tool(sided(0, sources=sources))):
        [listed, other] = [text_of(node) for node in page.tree.css(".srcs li[id]")]

        assert "Marker 43 Independent, 3 February 2026" == listed
        assert "T The maker’s own words, no address" == other
        assert "https://marker.example/43" in page.attributes(".srcs a", "href")
    page = read(sided(0, sources=sources), sided(1))
    assert (
        ["2 sources 1 independent", "The maker's own account alone"] == facts(page, "Evidence") == row(page, "Evidence")
    )


def test_the_label_stands_with_its_split() -> None:
    """Label, split, share and how many were heard stand together, on the card and on the page of the tool."""
    assert [
        "Mixed 2–2 50% panel ship, 4 of 4 heard",
        "Ship 3–1 75% panel ship, 4 of 4 heard",
    ] == read().all(".side .verdict")
    assert "Ship 5–0 100% panel ship, 5 of 5 heard" == read_tool(sided(0, dict.fromkeys(CRITICS, 77))).one(".verdict")
    assert "No verdict 1–1 2 of 2 heard" == read_tool(sided(0, {"builder": 70, "creator": 50})).one(".verdict")


@pytest.mark.parametrize(
    ("votes", "told"),
    [
        (None, "No community votes yet"),
        (Community(), "No community votes yet"),
        (Community(ship=1), "1 community vote"),
        (Community(ship=4, skip=5), "9 community votes"),
        (Community(ship=9, skip=1), "90% ship of 10 votes (60 to 98%)"),
    ],
)
def test_the_community_has_one_form(votes: Community | None, told: str) -> None:
    """Votes of readers have the same words in each of the three places, and move no verdict."""
    page = read(sided(0, community=votes), sided(1))

    assert told == facts(page, "Community")[0] == row(page, "Community")[0]
    assert told == facts(read_tool(sided(0, community=votes)), "Community")[0]
    assert read().all(".side .verdict") == page.all(".side .verdict")


@pytest.mark.parametrize("entry", ENTRIES)
def test_the_entry_is_what_the_dossier_says(entry: Any) -> None:
    """How one gets in is the dossier's own word, whatever the text of its price sounds like."""
    text = "Open Source / Research, paid, free of charge"
    price = Pricing(entry=entry, text=text, checked_on=date(2026, 11, 2))
    page = read(sided(0, pricing=price), sided(1))

    assert facts(page, "Entry")[0].startswith(ENTRIES[entry])
    assert (
        f"{ENTRIES[entry]} Open Source / Research, paid, free of charge · checked on 2026-11-02"
        == row(page, "Pricing")[0]
    )
    assert facts(read_tool(sided(0, pricing=price)), "Entry")[0].startswith(ENTRIES[entry])


# The decision table


def test_the_table_has_every_row() -> None:
    """The rows are those of the design, in its order, and the columns are the two tools."""
    page = read()
    labels = ["Panel verdict", "Community", "Pricing", "License", "Best for", "Not for"]

    assert [*labels, "Category", "Kind", "Released", "Evidence"] == page.all(".dec tbody th")
    assert ["SkillClaw", "SmolLM3"] == page.all(".dec thead th")


def test_the_row_of_the_verdict_has_its_split() -> None:
    """It holds label, votes, panel score and how many were heard."""
    assert [
        "Mixed · 2 ship / 2 skip panel score 62.5, 4 of 4 heard",
        "Ship · 3 ship / 1 skip panel score 80, 4 of 4 heard",
    ] == row(read(), "Panel verdict")


def test_best_for_is_said_by_a_critic() -> None:
    """Whom a tool suits is the word of its highest critic, whom it does not that of its lowest, each with the name."""
    page = read()

    assert "best_for by builder on smollm3 says the Builder" == row(page, "Best for")[1]
    assert "not_for by founder on smollm3 says the Founder" == row(page, "Not for")[1]
    other = read(sided(0), sided(1, {**SCORES[1], "futurist": 99, "skeptic": 1}))
    assert "best_for by futurist on smollm3 says the Futurist" == row(other, "Best for")[1]
    assert "not_for by skeptic on smollm3 says the Skeptic" == row(other, "Not for")[1]


def test_the_other_rows_are_the_dossiers() -> None:
    """License, category, kind and release come from the dossier; what is not there is said to be so."""
    own = {"license": "X-44", "category": "Music", "kind": "hardware", "released": date(2025, 7, 8)}
    page = read(sided(0, **own), sided(1, released=None))

    assert ["X-44", "Music", "Hardware", "8 July 2025"] == [
        row(page, label)[0] for label in ("License", "Category", "Kind", "Released")
    ]
    assert "Not stated" == row(page, "Released")[1]
    assert "Not stated" == row(read(sided(0, license="not stated"), sided(1)), "License")[0]


def test_rows_that_do_not_differ_are_marked() -> None:
    """Only rows with two different cells stay where a reader asks for what differs."""
    page = read(sided(0, kind="api"), sided(1))
    same = [text_of(node.css("th")[0]) for node in page.tree.css(".dec tr.same")]

    assert {"Community", "Category", "Released"} <= {*same}
    assert not {"Kind", "Panel verdict", "Best for", "License"} & {*same}


# The scorecard


def test_persona_score_and_vote_are_text_beside_every_take() -> None:
    """Beside each take stand the critic, the tool, the score and the vote, on the comparison and on the tool's page."""
    said = read().all(".critic .who")

    assert "Builder on SkillClaw 80/100 · ship" == said[0]
    assert "Builder on SmolLM3 87/100 · ship" == said[1]
    assert "Founder on SmolLM3 52/100 · skip" in said
    assert 8 == len(said)
    assert "Builder on SkillClaw 61/100 · ship" == read_tool(sided(0, {**SCORES[0], "builder": 61})).all(".who")[0]


@pytest.mark.parametrize("key", ["headline", "text", "would_change_my_vote"])
def test_takes_are_shown_in_their_words(key: str) -> None:
    """Headline, take and what would change the vote stand in the take of the critic that wrote them."""
    page = read()

    for place, slug in enumerate(("skillclaw", "smollm3")):
        for critic in SCORES[place]:
            assert f"{key} by {critic} on {slug}" in page.one(f"#{'ab'[place]}-{critic}")


def test_no_panel_take_has_its_reason() -> None:
    """An empty cell says so, who is missing, and why: not invited, abstained or failed."""
    whole = sided(0)
    absent = made.seat("skeptic", None, absence=Absence.FAILED, reason="the Marker 45 server was down")
    others = [absent if seat.persona == "skeptic" else seat for seat in whole.review.seats]
    page = read(Sided(review(whole.review.tool, others)), sided(1))

    assert "No panel take on SmolLM3 Creator: not invited. Creator has no business with smollm3." == page.one(
        "#b-creator"
    )
    assert "No panel take on SkillClaw Skeptic: failed. The Marker 45 server was down." == page.one("#a-skeptic")
    assert 10 == len(page.all(".critic > article"))


def test_quotes_and_what_was_brought_along_are_marked() -> None:
    """What a take rests on is quoted with its source, and what the dossier does not say is set apart."""
    takes = {
        "evidence": (Evidence(id="e", source="one", quote="Marker 46 words"),),
        "outside": (Outside(text="Marker 47", kind="rival"),),
        "edited_by": "Marker 48",
    }
    source = Source(id="one", kind="independent", title="T", text="Marker 46 words")
    page = read(sided(0, sources=(source,), takes=takes), sided(1)).tree.css("#a-builder")[0]

    assert ["Marker 46 words"] == [text_of(node) for node in page.css("q")]
    assert "#a1" == page.css(".quotes a")[0].attributes["href"]
    assert "Not from the dossier: Marker 47 (rival)." in text_of(page)
    assert "Words edited by Marker 48." in text_of(page)


def test_the_split_is_told_in_words_too() -> None:
    """The chart has a row a critic with both scores and its line as text."""
    page = read(sided(0, {**SCORES[0], "skeptic": 33}), sided(1))

    assert ["Builder", "Skeptic", "Futurist", "Founder", "Creator"] == page.all(".chart tbody th")
    assert "SkillClaw 33, SmolLM3 78; ships from 60" == page.all(".chart .line > .vh")[2]
    assert "SmolLM3 52; ships from 60" == page.all(".chart .line > .vh")[4]


# What stands around it


def test_feeds_and_digest_are_linked() -> None:
    """In place of a box for an address stand the feeds and the digest, and no page asks for anything."""
    for page in (read(), read_tool(sided(0))):
        links = dict(zip(page.all(".foot a"), page.attributes(".foot a", "href"), strict=True))

        assert ("../../feeds/", "../../digest/") == (links["Feeds"], links["Digest"])
        assert [] == page.tree.css("form, input[type=email]")


def test_a_bookmark_has_one_state() -> None:
    """Each tool has one button with one word, which a page without script does not show."""
    page = read(sided(0, name="Marker"), sided(1))

    assert ["Save Marker", "Save SmolLM3"] == page.all("button")
    assert ["tools/skillclaw/", "tools/smollm3/"] == page.attributes("button", "data-save")
    assert ["ghost script"] * 2 == page.attributes("button", "class")
    assert re.search(r"\.script\{display:none", page.one("style"))
    assert ["ghost script"] == read_tool(sided(0)).attributes("button", "class")


def test_the_day_of_the_review_is_shown() -> None:
    """The page says when the later of the two reviews was made, in words and for machines."""
    late = sided(0)
    asked = made.ask().model_copy(update={"recorded_at": "2026-09-30T08:00:00Z"})
    others = [seat.model_copy(update={"asks": (asked,)}) if seat.take else seat for seat in late.review.seats]
    page = read(Sided(review(late.review.tool, others)), sided(1))

    assert "30 September 2026" == page.all(".head time")[0]
    assert "2026-09-30" == page.attributes(".head time", "datetime")[0]
    assert "1 May 2026" == read().all(".head time")[0]


def test_the_approver_is_named() -> None:
    """Who stands behind a page, and since when, stands beside the answer and below; a draft says that it is one."""
    signed = {"approval": Approved(by="Marker 49", at="2026-11-20T10:00:00Z")}
    page, draft = read(sided(0, **signed), sided(1, **signed)), read(sided(0, **signed), sided(1))

    assert page.all(".answer .by")[0].startswith("Approved by Marker 49 on 20 November 2026.")
    assert 2 == page.one(BASIS).count("Approved by Marker 49 on 20 November 2026.")
    assert [] == page.all(".draft")
    assert draft.all(".answer .by")[0].startswith("The review of SmolLM3 is a draft.")
    assert "The review of SmolLM3 is a draft." == draft.one(".draft")
    assert ["noindex"] == draft.attributes("meta[name=robots]", "content")
    assert "Approved by Marker 49" in read_tool(sided(0, **signed)).one(".answer .by")


def test_the_history_is_told() -> None:
    """What was done with a review stands on the comparison and on the page of the tool, with its day."""
    done = {"history": (Happening(at="2026-10-01T10:00:00Z", what="marker 50 was done"),)}

    assert ["1 October 2026 Marker 50 was done."] == read(sided(0, **done), sided(1)).all(".log li")
    assert ["1 October 2026 Marker 50 was done."] == read_tool(sided(0, **done)).all(".log li")
    assert [] == read().all(".log li")


def test_the_method_is_linked_with_its_version() -> None:
    """The rules, by their version, and the page that explains them are one click away; differences are named."""
    page = read()
    basis = page.one(BASIS)
    other = sided(0)
    whole = Sided(other.review.model_copy(update={"rules": "51"}))

    assert "rules (version 1)" in basis
    assert "../../method/" in page.attributes(f"{BASIS} a", "href")
    assert "Not made alike. Rules 51 on one side, 1 on the other." in read(whole, sided(1)).one(BASIS)


def test_models_are_disclosed() -> None:
    """That language models play the critics stands on every page, and which answered on that of each review."""
    page, alone = read(), Read(PairPage(comparison(sided(0), sided(1))).files()["index.html"])

    for each in (page, alone, read_tool(sided(0))):
        assert each.one(".foot").startswith("The critics are roles played by language models, not people.")
    assert 2 == page.one(BASIS).count("Answered by fake:x on 1 May 2026.")
    assert "Answered by fake:x, last on 1 May 2026." in read_tool(sided(0)).one(BASIS)


def test_disclosures_of_the_verdict_are_shown() -> None:
    """What a reader should know of how a verdict came to be stands below it, with whom it concerns."""
    asked = made.ask().model_copy(update={"asked": "anthropic:claude-x", "answered_by": "anthropic:claude-x"})
    judged = sided(0, maker="Anthropic")
    others = [seat.model_copy(update={"asks": (asked,)}) if seat.take else seat for seat in judged.review.seats]
    whole = Sided(review(judged.review.tool, others))

    for page in (read(whole, sided(1)), read_tool(whole)):
        told = "Conflict of interest: judged by a model of Anthropic, who makes this tool"
        assert f"{told} (Builder, Creator, Futurist, Skeptic)." in page.one(BASIS)


def test_the_twins_are_linked_and_hold_the_record() -> None:
    """Beside the page stand its record as JSON and its text as Markdown, and the page leads to both."""
    record = comparison(sided(0), sided(1))
    raw = readable(record.as_json())
    files = PairPage(record, SITE, entry(record, (sided(0), sided(1))), raw=raw).files()

    assert raw == files["compare/skillclaw-vs-smollm3/index.json"]
    assert b"Founder on SmolLM3: 52/100, skip" in files["compare/skillclaw-vs-smollm3/index.md"]
    assert ["index.md", "index.json"] == read().attributes("link[rel=alternate]", "href")
    assert {"index.md", "index.json"} <= {*read().attributes(".foot a", "href")}
    assert {"../../tools/skillclaw/index.json", "../../tools/smollm3/index.json"} <= {
        *read().attributes("section a", "href")
    }


def test_the_moderators_clauses_cite_takes() -> None:
    """Each clause stands under its tool and leads to every take that it rests on; without a moderator there is none."""
    clauses = tuple(
        (Clause(text=f"you need marker {slug}", takes=(f"{slug}/builder", "smollm3/founder")),)
        for slug in ("skillclaw", "smollm3")
    )
    more = {"dropped": (), "disclosures": ("marker 52 was told",), "ask": made.ask()}
    said = Moderation(prompt_digest="p", clauses=(clauses[0], clauses[1]), **more)
    page = read(moderation=said)

    assert ["Pick SkillClaw if", "Pick SmolLM3 if"] == page.all(".if h3")
    assert [
        "you need marker skillclaw Builder on SkillClaw, Founder on SmolLM3",
        "you need marker smollm3 Builder on SmolLM3, Founder on SmolLM3",
    ] == page.all(".if li")
    led = page.attributes(".if li a", "href")
    assert ["#a-builder", "#b-founder", "#b-builder"] == list(dict.fromkeys(led))
    assert all(page.tree.css(link) for link in led)
    assert "It was fake:x. Marker 52 was told." in page.one(".if + .more")
    assert [] == read().all(".if")
