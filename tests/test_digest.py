"""Digest: what happened in a week, in a terminal, as a mail and on the site, from the same records."""

from __future__ import annotations

import html
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from office import steering
from published import HOSTILE, URL, House, three

from panel.publish.edition import Week
from panel.publish.render import visible

WEEK, NEXT = "2026-W19", "2026-W20"
"""In the first Alpha and Gamma were approved, in the second Beta."""


@pytest.fixture
def shop(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """Three published tools and two comparisons; no cards are drawn."""
    monkeypatch.setattr("panel.publish.build.has_letters", lambda: False)
    return three(house)


def told(text: str) -> dict[str, list[str]]:
    """Return the groups of a digest as text: the titles of their entries."""
    found: dict[str, list[str]] = {}
    for block in text.split("\n\n")[1:]:
        lines = block.strip().splitlines()
        if len(lines) == 1 and not lines[0].startswith("- "):
            found[lines[0]] = []
        elif found:
            found[[*found][-1]] += [line[2:].split(":")[0] for line in lines if line.startswith("- ")]
    return {title: entries for title, entries in found.items() if entries}


def shown(page: str) -> dict[str, list[str]]:
    """Return the groups of a digest as HTML: the titles of their entries."""
    body = page.split("<h1>")[1]
    groups = re.split(r"<h2>(.*?)</h2>", body)[1:]
    return {
        title: [html.unescape(name) for name in re.findall(r'dir="auto">(.*?)</', content, re.DOTALL)]
        for title, content in zip(groups[::2], groups[1::2], strict=True)
    }


# Weeks


@pytest.mark.parametrize(
    ("day", "name"),
    [
        ("2026-01-01", "2026-W01"),
        ("2025-12-29", "2026-W01"),
        ("2025-12-28", "2025-W52"),
        ("2027-01-03", "2026-W53"),
        ("2027-01-04", "2027-W01"),
        ("2021-01-03", "2020-W53"),
        ("2024-12-30", "2025-W01"),
    ],
)
def test_weeks_are_those_of_the_calendar(day: str, name: str) -> None:
    """A day over New Year belongs to the week that has its Thursday, as ISO 8601 has it."""
    assert name == Week.of(f"{day}T23:59:59Z").name


@given(st.dates(min_value=date(1000, 1, 1), max_value=date(9998, 12, 31)))
def test_a_week_holds_its_seven_days(day: date) -> None:
    """Every day is in its own week, which goes from Monday to Sunday, and in neither of those beside it."""
    week = Week.of(f"{day.isoformat()}T00:00:00Z")
    first, last = week.days

    assert (0, 6, True) == (first.weekday(), last.weekday(), first <= day <= last)
    assert week.holds(f"{last.isoformat()}T23:59:59Z")
    for outside in (first - timedelta(days=1), last + timedelta(days=1)):
        assert not week.holds(f"{outside.isoformat()}T12:00:00Z")
    assert not week.holds("")


# What is told


def test_a_week_tells_new_reviews_and_comparisons(shop: House) -> None:
    """A week tells what was approved in it, the widest split of these, and nothing of other weeks."""
    shop.built()

    assert {
        "New reviews": ["Alpha", "Gamma"],
        "Widest split": ["Gamma"],
        "New comparisons": ["Alpha vs Gamma"],
    } == told(shop.done("digest", "--week", WEEK))
    assert {"New reviews": ["Beta"], "Widest split": ["Beta"], "New comparisons": ["Alpha vs Beta"]} == told(
        shop.done("digest", "--week", NEXT)
    )


def test_a_week_tells_changed_verdicts(shop: House) -> None:
    """A verdict that became another one is told in the week in which it did."""
    shop.logged("alpha", "verdict", "2026-05-31T23:59:59Z", before="Mixed 1-2", after="Ship 3-0")
    shop.built()
    printed = shop.done("digest", "--week", "2026-W22")

    assert {"Changed verdicts": ["Alpha"]} == told(printed) == shown(shop.text("digest/2026-W22/index.html"))
    assert "the verdict went from Mixed 1-2 to Ship 3-0" in printed


def test_the_widest_split_is_one(shop: House) -> None:
    """Of tools whose critics are equally far apart one is told; none where no two critics were heard."""
    shop.published("delta", (None, None, 80), approved="2026-06-03T00:00:00Z")
    assert "Widest split" not in told(shop.done("digest", "--week", "2026-W23"))
    shop.published("epsilon", (20, 75, 75), approved="2026-05-06T00:00:00Z")

    assert ["Gamma"] == told(shop.done("digest", "--week", WEEK))["Widest split"]
    assert "55 points between the critics" in shop.done("digest", "--week", WEEK)


def test_a_week_in_which_nothing_happened_says_so(shop: House) -> None:
    """A week without anything is told in one sentence, and has no page."""
    shop.built()
    printed = shop.done("digest", "--week", "2025-W01", "--out", "mail")

    assert "Nothing was reviewed in this week." in printed
    assert "Nothing was reviewed in this week." in (shop.folder / "mail/2025-W01.html").read_text()
    assert not (shop.out / "digest/2025-W01").exists()


def test_a_digest_is_the_same_in_every_form(shop: House) -> None:
    """The terminal, the text file, the mail and the page of the site tell the same entries of the same records."""
    shop.built()
    printed = shop.done("digest", "--week", WEEK, "--out", "mail")
    text, mail = (shop.folder / f"mail/{WEEK}.txt").read_text(), (shop.folder / f"mail/{WEEK}.html").read_text()

    assert told(printed) == told(text) == shown(mail) == shown(shop.text(f"digest/{WEEK}/index.html"))
    assert text == shop.text(f"digest/{WEEK}/index.txt")
    assert printed == f"{text}mail/{WEEK}.html\nmail/{WEEK}.txt\n"


def test_a_mail_asks_nothing_of_anybody(shop: House) -> None:
    """A mail has whole addresses and no script, picture, form or third party."""
    shop.done("digest", "--week", WEEK, "--out", "mail")
    mail = (shop.folder / f"mail/{WEEK}.html").read_text()
    links = re.findall(r'(?:href|src)="([^"]*)"', mail)

    assert links
    assert all(link.startswith(f"{URL}/") for link in links)
    assert not re.findall(r"<(?:script|img|form|link|iframe)", mail)


def test_without_an_address_a_mail_has_no_links(shop: House) -> None:
    """Where the address of the site is not set, a mail names what it tells, and links to nothing."""
    shop.path("panel.toml").write_text("")
    shop.done("digest", "--week", WEEK, "--out", "mail")
    mail = (shop.folder / f"mail/{WEEK}.html").read_text()

    assert '<b dir="auto">Alpha</b>' in mail
    assert "href" not in mail


def test_drafts_are_told_only_where_they_are_asked_for(shop: House) -> None:
    """What nobody approved is left out; with --drafts it is told, as one, in the week in which it was answered."""
    shop.reviewed("secret")

    assert "Secret" not in shop.done("digest", "--week", WEEK)
    assert "- Secret: Draft: Mixed" in shop.done("digest", "--week", WEEK, "--drafts")


def test_a_digest_tells_of_the_reviews_as_they_are(shop: House) -> None:
    """A comparison is told as its reviews are now, not as its record was written, and the record stays as it is."""
    record = shop.folder / "runs/compare/alpha-vs-gamma/comparison.json"
    before = record.read_bytes()
    assert "Alpha vs Gamma: Pick Alpha." in shop.done("digest", "--week", WEEK)
    shop.published("alpha", (10, 20, 30), category="Builders")
    printed = shop.done("digest", "--week", WEEK)

    assert ("Pick Alpha." in printed, "Alpha: Skip 0–3" in printed) == (False, True)
    assert before == record.read_bytes()
    shop.built()
    assert told(printed) == shown(shop.text(f"digest/{WEEK}/index.html"))


def test_without_a_week_this_one_is_told(shop: House) -> None:
    """The week of today is told where none is named."""
    assert f"Panel: week {Week.of(datetime.now(UTC).date().isoformat()).name}, " in shop.done("digest")


def test_the_site_lists_its_weeks(shop: House) -> None:
    """Every week in which something was published has a page, the latest first in their list."""
    shop.built()
    weeks = re.findall(r"digest/(\d{4}-W\d\d)/", shop.text("digest/index.html"))

    assert [NEXT, WEEK] == weeks
    assert all((shop.out / f"digest/{week}/index.html").is_file() for week in weeks)


# What is refused, and what is inert


BAD = ["2026-47", "2026-W60", "2026-W00", "2025-W53", "W47", "2026-W4", "0000-W01", "9999-W52", "x", "2026-W47\n"]
BAD += ["٢٠٢٦-W٤٧", "\x1b[2J"]


@pytest.mark.parametrize("week", BAD)
def test_a_week_of_no_calendar_is_refused(shop: House, week: str) -> None:
    """What is no week is refused with exit 2 and one line that shows how to write it."""
    said = shop.refused("digest", "--week", week)

    assert said.startswith("panel: --week: write it as 2026-W47, not")
    assert (1, "") == (said.count("\n"), steering(said))


def test_a_folder_that_is_none_is_refused(shop: House) -> None:
    """A project that is not there is named with exit 2."""
    assert "nowhere: is no folder; name the folder of a project" in shop.refused("digest", "nowhere")


def test_hostile_names_are_inert(shop: House) -> None:
    """In a terminal and in a text file a name is plain characters on its own line, in HTML it is text."""
    forged = f"Evil\n\nNew reviews\n\n- Forged: Ship{HOSTILE[:60]}"
    shop.published("evil", name=forged, tagline=HOSTILE)
    shop.path("panel.toml").write_text(f'[site]\nurl = "{URL}"\nname = "A\\u001b[2J\\u202e<script>"\n')
    printed = shop.done("digest", "--week", WEEK, "--out", "mail")
    text, mail = (shop.folder / f"mail/{WEEK}.txt").read_text(), (shop.folder / f"mail/{WEEK}.html").read_text()

    assert ("", "") == (steering(printed), steering(text))
    assert not [line for line in printed.splitlines() if line.startswith("- Forged")]
    assert 1 == printed.splitlines().count("New reviews")
    assert "<script" not in mail
    assert visible(forged.replace("\n\n", "\n")) in shown(mail)["New reviews"]
