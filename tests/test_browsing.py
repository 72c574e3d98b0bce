"""What looks at pages sees: every fault that it is there to find is put before it once, and a sound page passes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import equipment
import pytest
from browsing import Browser, Screen, audit, keyboard_walk, sideways
from host import Host
from markup import dead_links, repeated_ids, valid
from subscriber import Unsound, atom, json_feed, linked_data, sitemap

PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>A page</title>{head}</head>
<body><main><h1>A page</h1>{body}</main></body>
</html>
"""
STRICT = '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">'
ATOM = """<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom">
<title>News &amp; views</title><id>tag:example.org,2026:news</id><updated>2026-11-20T10:00:00Z</updated>
<link rel="self" href="https://example.org/news.atom"/><author><name>Panel</name></author>
<entry><title>One</title><id>tag:example.org,2026:one</id><updated>2026-11-20T09:00:00Z</updated>
<link href="https://example.org/one/"/><content type="html">&lt;p&gt;text&lt;/p&gt;</content></entry></feed>"""
JSON_FEED = """{"version": "https://jsonfeed.org/version/1.1", "title": "News & views",
"home_page_url": "https://example.org/", "feed_url": "https://example.org/news.json", "items": [{"id": "one",
"title": "One", "url": "https://example.org/one/", "content_html": "<p>text</p>",
"date_published": "2026-11-20T09:00:00Z", "date_modified": "2026-11-20T09:00:00Z"}]}"""
SITEMAP = """<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
<url><loc>https://example.org/</loc><lastmod>2026-11-20</lastmod></url>
<url><loc>https://example.org/one/</loc></url></urlset>"""
LINKED = """<script type="application/ld+json">{"@context": "https://schema.org", "@type": "WebPage",
"mainEntity": {"@type": "Review", "author": {"@type": "Organization", "name": "Panel"}}}</script>"""


def write(folder: Path, body: str = "", head: str = "", name: str = "index.html") -> Path:
    """Return a page that was written into a folder."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PAGE.format(head=head, body=body), encoding="utf-8")
    return path


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """Serve the test's folder."""
    with Host(tmp_path) as serving:
        yield serving


SMALL = Screen(320, 640, "dark", script=False, still=True)


@pytest.mark.parametrize("screen", [Screen(), pytest.param(SMALL, marks=pytest.mark.campaign)])
def test_a_sound_page_passes(browser: Browser, host: Host, tmp_path: Path, screen: Screen) -> None:
    """Nothing is held against a page without fault, with script or without, under the strictest policy."""
    write(tmp_path, '<p><a href="#here">Text</a></p><p id="here">Text</p>', STRICT)

    visit = browser.visit(host.url, screen)

    assert [] == visit.faults()
    assert [] == audit(visit)
    assert [] == keyboard_walk(visit).faults()
    assert 0 == sideways(visit)
    assert [host.url] == visit.requested
    assert ["/"] == [path for path in host.asked if path != "/favicon.ico"]


def test_the_screen_is_what_was_asked_for(browser: Browser, host: Host, tmp_path: Path) -> None:
    """Width, colour scheme, reduced motion and forced colours reach the page; a script runs only where script is on."""
    write(tmp_path, "<script>document.title = 'Script ran'</script>")
    queries = ["width: 320px", "prefers-color-scheme: dark", "prefers-reduced-motion: reduce", "forced-colors: active"]
    ask = "(queries) => queries.map((query) => matchMedia(`(${query})`).matches)"

    plain = browser.visit(host.url, Screen(script=False)).page
    other = browser.visit(host.url, Screen(320, 640, "dark", still=True, forced=True)).page

    assert ([False] * 4, "A page") == (plain.evaluate(ask, queries), plain.title())
    assert ([True] * 4, "Script ran") == (other.evaluate(ask, queries), other.title())


def test_what_shuts_somebody_out_is_found(browser: Browser, host: Host, tmp_path: Path) -> None:
    """Axe names a button without a name, and its place, even where the page may run no script."""
    write(tmp_path, '<button type="button" id="mute"></button>', STRICT)

    found = audit(browser.visit(host.url, Screen(script=False)))

    assert [("button-name", "critical", "#mute")] == [(each.rule, each.impact, each.target) for each in found]


def test_a_focus_under_a_bar_is_found(browser: Browser, host: Host, tmp_path: Path) -> None:
    """Of three links the one that a fixed bar covers is named with the bar; the two others are in sight."""
    bar = '<div id="bar" style="position: fixed; inset: 0 0 auto 0; height: 60px; background: white"></div>'
    links = [f'<a id="l{top}" href="#" style="position: absolute; top: {top}px">Link</a>' for top in (10, 100, 3000)]
    write(tmp_path, "".join(links) + bar)

    walk = keyboard_walk(browser.visit(host.url))

    assert ["under div#bar: a#l10 Link"] == walk.faults()
    assert [("a#l10 Link", True), ("a#l100 Link", True), ("a#l3000 Link", True)] == [
        (stop.name, stop.visible) for stop in walk.stops
    ]
    assert 100 == walk.stops[1].box[1]


def test_what_the_keyboard_misses_is_found(browser: Browser, host: Host, tmp_path: Path) -> None:
    """A link that script takes out of the order when its turn comes is not reached; a transparent one is not seen.

    What cannot have the focus is not missed: a disabled button, a closed disclosure, the second of two radio buttons.
    """
    write(
        tmp_path,
        '<a href="#" onfocus="late.tabIndex = -1; setTimeout(() => { late.tabIndex = 0 }, 400)">First</a>'
        '<a href="#" id="late">Late</a><a href="#" style="opacity: 0">Ghost</a><button disabled>Off</button>'
        '<details><summary>More</summary><a href="#">Inside</a></details>'
        '<input type="radio" name="r" aria-label="a" checked><input type="radio" name="r" aria-label="b">'
        '<div inert><a href="#">Inert</a></div><a href="#">Last</a>',
    )
    visit = browser.visit(host.url)
    visit.page.evaluate("() => { late.addEventListener('focus', () => late.blur()) }")

    walk = keyboard_walk(visit)

    assert ["a First", "a Ghost", "summary More", "input a", "a Last"] == [stop.name for stop in walk.stops]
    assert ["not visible: a Ghost"] == [fault for fault in walk.faults() if "late" not in fault]


def test_a_page_that_is_too_wide_is_found(browser: Browser, host: Host, tmp_path: Path) -> None:
    """The pixels by which a page must be moved sideways are counted."""
    write(tmp_path, '<div style="position: absolute; left: 0; width: 500px; height: 1px"></div>')

    assert 180 == sideways(browser.visit(host.url, Screen(width=320)))


def test_what_a_policy_holds_back_is_found(browser: Browser, host: Host, tmp_path: Path) -> None:
    """A script in the page and a style on an element, both against its policy, are two violations and run not."""
    write(tmp_path, '<p style="color: red">Text</p><script>canary(1)</script>', STRICT)

    visit = browser.visit(host.url)

    visit.settle()
    assert ["style-src-attr: inline", "script-src-elem: inline"] == visit.violations
    assert [] == visit.canary


def test_a_request_to_a_stranger_is_found(browser: Browser, host: Host, tmp_path: Path) -> None:
    """A picture from elsewhere is counted as a stranger and as failed, for the browser never leaves this machine."""
    write(tmp_path, '<img src="https://stranger.example/pixel.png" alt="">')

    visit = browser.visit(host.url)

    assert ["https://stranger.example/pixel.png"] == visit.strangers()
    assert ["net::ERR_NAME_NOT_RESOLVED https://stranger.example/pixel.png"] == visit.failed


def test_script_that_nobody_meant_to_run_is_noticed(browser: Browser, host: Host, tmp_path: Path) -> None:
    """The canary hears its name, the dialogs, windows, and requests for its path, from handlers and frames as well."""
    write(
        tmp_path,
        "<script>canary(1)</script><img src='/canary?2' alt='' onerror='alert(3)'>"
        '<iframe title="f" srcdoc="<script>parent.confirm(4); prompt(5)</script>"></iframe>'
        "<script>open('/six')</script>",
    )

    visit = browser.visit(host.url)

    heard = [*visit.faults(), *visit.canary]
    said = {"canary 1", f"request {host.url}canary?2", "alert 3", "confirm 4", "prompt 5", "open /six"}
    assert said <= set(heard)
    assert "/canary?2" in host.asked


def test_errors_of_a_page_are_found(browser: Browser, host: Host, tmp_path: Path) -> None:
    """A warning, an exception and a file that is not there are each in their list, and all are faults."""
    write(tmp_path, "<script>console.warn('hm'); setTimeout(() => { throw new Error('oh') })</script><img src=x alt>")

    visit = browser.visit(host.url)

    assert f"failed: 404 {host.url}x" in visit.faults()
    assert "hm" in visit.console
    assert ["oh"] == [error.partition("\n")[0].removeprefix("Error: ") for error in visit.errors]


def test_asyncio_is_free_after_a_visit(browser: Browser, host: Host, tmp_path: Path) -> None:
    """A command that runs an event loop can run between visits."""
    write(tmp_path)
    browser.visit(host.url)

    browser.rest()

    assert 1 == asyncio.run(asyncio.sleep(0, 1))
    assert "A page" == browser.visit(host.url).page.title()


def test_a_reader_finds_nothing_of_the_one_before(browser: Browser, tmp_path: Path) -> None:
    """Whatever one reader saved, opened, switched or did wrong, the next one was never here before."""
    write(tmp_path)
    saved = "() => { localStorage.k = sessionStorage.k = document.cookie = window.name = 'x' }"
    screen = "innerWidth, matchMedia('print').matches, matchMedia('(prefers-color-scheme: dark)').matches"
    found = f"[localStorage.length, sessionStorage.length, document.cookie, window.name, {screen}]"
    with Host(tmp_path, {"cache-control": "max-age=3600"}) as host:
        one = browser.visit(host.url, Screen(320, 640, "dark"))
        one.page.evaluate(saved)
        one.page.emulate_media(media="print")
        one.page.context.new_page().goto(f"{host.url}gone")
        left = one.page.evaluate(found)
        browser.rest()

        other = browser.visit(host.url)

        assert [1, 1, "x", "x", 320, True, True] == left
        assert [0, 0, "", "", 1280, False, False] == other.page.evaluate(found)
        assert ([host.url], []) == (other.requested, other.faults())
        assert (1, 2) == (len(other.page.context.pages), host.asked.count("/"))


def test_the_host_does_as_hosts_do(browser: Browser, host: Host, tmp_path: Path) -> None:
    """A folder is its index, a feed has its type, what is missing is 404.html, and no path leads out."""
    write(tmp_path, name="sub/index.html")
    write(tmp_path, "Lost", name="404.html")
    (tmp_path / "news.atom").write_text(ATOM, encoding="utf-8")

    visit = browser.visit(f"{host.url}sub")

    assert f"{host.url}sub/" == visit.page.url
    assert [f"404 {host.url}gone"] == visit.open(f"{host.url}gone").failed
    assert (200, "application/atom+xml") == host.answer("/news.atom")[:2]
    assert 404 == host.answer("/..%2f..%2f..%2f..%2fetc%2fpasswd")[0]


def test_html_that_is_not_valid_is_reported(tmp_path: Path) -> None:
    """Of a sound page nothing is said; of one with a list item outside a list and an id twice, both, in one call."""
    sound = write(tmp_path, name="sound.html")
    unsound = write(tmp_path, '<li>x</li><p id="a">x</p><p id="a">x</p>', name="unsound.html")

    assert [] == valid([sound])
    assert {"unsound.html element-permitted-parent:", "unsound.html no-dup-id:"} <= {
        f"{line.partition(':')[0]} {line.split()[1]}" for line in valid([sound, unsound])
    }
    assert ["unsound.html: a"] == repeated_ids(tmp_path)


def test_links_that_lead_nowhere_are_found(tmp_path: Path) -> None:
    """A missing file, a missing id, a folder without its slash and a way out are dead; what leaves the site is not."""
    live = ("#a", "sub/", "/site/sub/#a", "sub/index.html#:~:text=x", "mailto:a@example.org", "https://example.com/x")
    dead = ("gone.html", "#gone", "sub", "sub/#gone", "/elsewhere", "https://example.org/site/gone")
    write(tmp_path, "".join(f'<a href="{link}">x</a>' for link in (*live, *dead)) + '<p id="a">x</p>')
    write(tmp_path, '<p id="a">x</p><a href="../">x</a><img srcset="x.png 2x" alt="">', name="sub/index.html")
    write(tmp_path, '<a href="/site/sub/">x</a><a href="sub/">x</a><a href="#no">x</a>', name="404.html")

    found = dead_links(tmp_path, "https://example.org/site/")

    expected = ["404.html: sub/", "404.html: #no", *(f"index.html: {link}" for link in dead)]
    assert [*expected, "sub/index.html: x.png"] == found


def test_feeds_are_read_as_others_read_them() -> None:
    """Title, address, ids, dates, links and content come out of both forms; so do pages and types."""
    feed, other = atom(ATOM), json_feed(JSON_FEED)
    [entry], [item] = feed.entries, other.entries

    assert ("News & views", "https://example.org/news.atom") == (feed.title, feed.address)
    assert ("News & views", "https://example.org/news.json") == (other.title, other.address)
    assert ("tag:example.org,2026:one", "one") == (entry.id, item.id)
    assert ("<p>text</p>", "<p>text</p>") == (entry.content, item.content)
    assert "https://example.org/one/" == entry.link == item.link
    assert "2026-11-20T09:00:00Z" == entry.updated == item.updated
    assert {"https://example.org/": "2026-11-20", "https://example.org/one/": None} == sitemap(SITEMAP)
    assert ["WebPage", "Review", "Organization"] == linked_data(PAGE.format(head=LINKED, body=""))


@pytest.mark.parametrize(("old", "new"), [("</entry>", ""), ("<id>tag:example.org,2026:one</id>", ""), ("T09", "x")])
def test_an_unsound_atom_feed_is_refused(old: str, new: str) -> None:
    """An element without its end, an entry without its id and a date that is none are not forgiven."""
    with pytest.raises(Unsound):
        atom(ATOM.replace(old, new))


@pytest.mark.parametrize(("old", "new"), [('"id": "one",', ""), ("version/1.1", "x"), ("2026-11-20T09", "x")])
def test_an_unsound_json_feed_is_refused(old: str, new: str) -> None:
    """An item without its id, another version and a date that is none are not forgiven."""
    with pytest.raises(Unsound):
        json_feed(JSON_FEED.replace(old, new))


@pytest.mark.parametrize(("old", "new"), [("</urlset>", ""), ("loc>", "lok>"), ("schemas/sitemap", "x")])
def test_an_unsound_site_map_is_refused(old: str, new: str) -> None:
    """An element without its end, pages without an address and another namespace are not forgiven."""
    with pytest.raises(Unsound):
        sitemap(SITEMAP.replace(old, new))


def test_what_is_not_tested_is_said_aloud(tmp_path: Path) -> None:
    """Without a browser a test is skipped and the run says so at both ends; where pages must be tested, it fails."""
    (tmp_path / "test_it.py").write_text("import equipment\ndef test_it(): equipment.chromium()\n")
    call = [sys.executable, "-m", "pytest", "-p", "equipment", "-p", "no:cacheprovider", str(tmp_path)]
    clean = {"PATH": "", "PYTHONPATH": str(equipment.WEB.parent), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    runs = [
        subprocess.Popen(call, cwd=tmp_path, env=clean | {"PANEL_TEST_WEB": web}, stdout=subprocess.PIPE, text=True)
        for web in ("", "required")
    ]

    (skipped, _), (failed, _) = (run.communicate() for run in runs)

    line = f"{equipment.NOT_TESTED}: pages in a browser: no chromium; apt-get install chromium"
    assert f"\n{line}\n" in skipped
    assert f"\n{line} (1 skipped)\n" in skipped
    assert f"\n{line}\n" in failed.partition("FAILURES")[2]
    assert [0, 1] == [run.returncode for run in runs]
