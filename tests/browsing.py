"""Browsing: a real browser that never leaves this machine, and visits of pages in it that miss nothing.

with Host(folder) as host:
    visit = browser.visit(host.url, Screen(width=320, scheme="dark"))  # `browser` is a fixture
    visit.page  # what Playwright calls a page
    visit.faults()  # whatever went wrong
    audit(visit), keyboard_walk(visit), sideways(visit)
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any, Literal
from urllib.parse import urlsplit

from equipment import WEB, chromium, module
from playwright.sync_api import Browser as Started
from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Error, Page, Request, Response, sync_playwright

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
"""The last one keeps the browser on this machine: nothing else has an address."""

PATIENCE_MS = 10_000
FROM: Mapping[str, Any] = {"locale": "en-GB", "timezone_id": "UTC"}
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice")
VIOLATIONS = "async (options) => (await axe.run(document, options)).violations"
MOST_STOPS = 3_000
LOUD = ("error", "warning")


@dataclass(frozen=True)
class Screen:
    """What somebody reads a page on, and how."""

    width: int = 1280
    height: int = 800
    scheme: Literal["light", "dark"] = "light"
    script: bool = True
    still: bool = False
    """Whether motion is to be reduced."""

    forced: bool = False
    """Whether the reader's colours are forced on the page."""


class Window:
    """A window of the browser, for one reader after another: to open one costs more than to read a page in it."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.visit: Visit
        context.expose_binding("__report", self._report)
        context.add_init_script(path=WEB / "canary.js")
        self.page = context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.session = context.new_cdp_session(self.page)
        self._listen()

    def _listen(self) -> None:
        self.context.on("console", self._console)
        self.context.on("request", self._request)
        self.context.on("requestfailed", lambda asked: self.visit.failed.append(f"{asked.failure} {asked.url}"))
        self.context.on("response", self._response)
        self.context.on("weberror", lambda each: self.visit.errors.append(str(each.error)))
        self.context.on("dialog", self._dialog)
        self.context.on("page", lambda page: self.visit.canary.append(f"window {page.url}"))

    def _report(self, _: object, kind: str, words: str) -> None:
        (self.visit.canary if kind == "canary" else self.visit.violations).append(words)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in LOUD:
            self.visit.console.append(message.text)

    def _request(self, request: Request) -> None:
        if not request.url.startswith("data:"):
            self.visit.requested.append(request.url)
        if urlsplit(request.url).path.startswith("/canary"):
            self.visit.canary.append(f"request {request.url}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.visit.failed.append(f"{response.status} {response.url}")

    def _dialog(self, dialog: Dialog) -> None:
        self.visit.canary.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def dress(self, screen: Screen) -> None:
        """Make it a window on this screen."""
        self.page.set_viewport_size({"width": screen.width, "height": screen.height})
        self.page.emulate_media(
            media="null",
            color_scheme=screen.scheme,
            reduced_motion="reduce" if screen.still else "no-preference",
            forced_colors="active" if screen.forced else "none",
        )
        self.allow(script=screen.script)

    def allow(self, *, script: bool) -> None:
        """Let the page run script, or not."""
        self.session.send("Emulation.setScriptExecutionDisabled", {"value": not script})

    def empty(self) -> None:
        """Leave nothing of a reader in it: no page, no other window, nothing that was saved."""
        for page in self.context.pages:
            if page != self.page:
                page.close()
        self.allow(script=True)
        self.page.unroute_all()
        self.page.evaluate("window.name = ''")
        self.page.mouse.move(0, 0)
        self.page.goto("about:blank")
        for home in {"://".join(urlsplit(url)[:2]) for url in self.visit.requested}:
            self.session.send("Storage.clearDataForOrigin", {"origin": home, "storageTypes": "all"})
        self.session.send("Network.clearBrowserCache")
        self.session.send("Page.resetNavigationHistory")


class Visit:
    """One reader's visit, with nothing in the window from before; what happens in it is kept in lists."""

    def __init__(self, window: Window, screen: Screen) -> None:
        self.window, self.screen, self.page = window, screen, window.page
        self.console: list[str] = []
        """Errors and warnings."""
        self.errors: list[str] = []
        """Exceptions that script did not catch."""
        self.failed: list[str] = []
        """Requests that came to nothing, or to a status of 400 and above."""
        self.violations: list[str] = []
        """What the content-security policy held back; without script, the console says it."""
        self.canary: list[str] = []
        """Signs that script ran that nobody meant to run."""
        self.requested: list[str] = []
        """Every URL, in its order; `data:` is none."""
        window.visit = self
        window.dress(screen)

    def open(self, url: str) -> Visit:
        """Return the visit with a page in it that has loaded."""
        self.page.goto(url, wait_until="load")
        self.settle()
        return self

    def turn(self, width: int, height: int = 800, scheme: Literal["light", "dark"] = "light") -> Visit:
        """Return the visit with the page on another screen; it is not loaded again."""
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(color_scheme=scheme)
        return self

    def settle(self) -> None:
        """Let what the page has begun come to its end, as far as one turn of its loop goes, and be reported."""
        self.page.evaluate("() => new Promise((done) => setTimeout(done))" if self.screen.script else "0")

    def strangers(self) -> list[str]:
        """Return what was requested from elsewhere than the page."""
        home = urlsplit(self.page.url)[:2]
        return [url for url in self.requested if urlsplit(url)[:2] != home and not url.startswith("blob:")]

    def faults(self) -> list[str]:
        """Return all that went wrong, each with its kind; [] is a page without fault."""
        self.settle()
        kinds = {
            "console": self.console,
            "error": self.errors,
            "failed": self.failed,
            "violation": self.violations,
            "canary": self.canary,
            "stranger": self.strangers(),
        }
        return [f"{kind}: {each}" for kind, found in kinds.items() for each in found]

    @contextmanager
    def looked_at(self) -> Iterator[Page]:
        """Give the page for script that looks at it; the page's own, where it was off, has had its chance."""
        if self.screen.script:
            yield self.page
            return
        self.window.allow(script=True)
        try:
            yield self.page
        finally:
            self.window.allow(script=False)


class Browser:
    """The browser of one worker."""

    def __init__(self, started: Started) -> None:
        self.started = started
        self._loop = asyncio.get_running_loop()
        self._busy: list[Window] = []
        self._empty: list[Window] = []
        asyncio._set_running_loop(None)

    def visit(self, url: str, screen: Screen | None = None) -> Visit:
        """Return a visit of a page by somebody who was never here before."""
        asyncio._set_running_loop(self._loop)
        window = self._empty.pop() if self._empty else Window(self.started.new_context(**FROM))
        self._busy.append(window)
        return Visit(window, screen or Screen()).open(url)

    def rest(self) -> None:
        """End all visits; asyncio is then the test's again, for Playwright takes its loop as running in between."""
        if self._busy:
            asyncio._set_running_loop(self._loop)
        while self._busy:
            window = self._busy.pop()
            window.empty()
            self._empty.append(window)
        asyncio._set_running_loop(None)

    def close(self) -> None:
        """End the browser."""
        self.rest()
        asyncio._set_running_loop(self._loop)
        self.started.close()


@contextmanager
def browsing() -> Iterator[Browser]:
    """Give a browser with an empty profile of its own."""
    path = chromium()
    with TemporaryDirectory() as home, sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS], env={"HOME": home})
        browser = Browser(started)
        try:
            yield browser
        finally:
            browser.close()


@dataclass(frozen=True)
class Violation:
    """What axe holds against a part of a page."""

    rule: str
    impact: str
    target: str
    summary: str


def audit(visit: Visit) -> list[Violation]:
    """Return what axe finds by WCAG 2.0 to 2.2, A and AA, and its best practices, whatever policy the page has.

    Where colours are forced, axe computes contrast from colours that nobody sees.
    """
    source = module("axe-core/axe.min.js")
    options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
    with visit.looked_at() as page:
        if not page.evaluate("'axe' in window"):
            page.evaluate(f"() => {{ {source.read_text(encoding='utf-8')} }}")
        found: list[dict[str, Any]] = page.evaluate(VIOLATIONS, options)
    return [
        Violation(each["id"], each["impact"], " ".join(map(str, node["target"])), node["failureSummary"])
        for each in found
        for node in each["nodes"]
    ]


@dataclass(frozen=True)
class Stop:
    """What has the focus after some presses of Tab."""

    name: str
    box: tuple[float, float, float, float]
    """x, y, width and height in the window; of the label where the label draws it."""
    visible: bool
    covered: str
    """What lies over its middle; empty where nothing does."""
    whole: bool
    """Whether its corners are to be seen too."""


@dataclass(frozen=True)
class Walk:
    """A walk with Tab from the top of a page until the focus leaves it."""

    stops: list[Stop]
    missed: list[str]
    """What can have the focus and was not reached."""

    def faults(self) -> list[str]:
        """Return the stops where a reader sees no focus, and what was not reached."""
        unseen = [f"not visible: {stop.name}" for stop in self.stops if not stop.visible]
        hidden = [f"under {stop.covered}: {stop.name}" for stop in self.stops if stop.visible and stop.covered]
        return [*unseen, *hidden, *(f"not reached: {name}" for name in self.missed)]


def keyboard_walk(visit: Visit) -> Walk:
    """Return what the keyboard reaches."""
    with visit.looked_at() as page:
        page.evaluate((WEB / "walk.js").read_text(encoding="utf-8"))
        page.evaluate("__walk.start()")
        stops: list[Stop] = []
        while len(stops) < MOST_STOPS:
            page.keyboard.press("Tab")
            here = page.evaluate("__walk.here()")
            if here is None:
                return Walk(stops, page.evaluate("__walk.missed()"))
            stops.append(Stop(**{**here, "box": tuple(here["box"])}))
    raise Error(f"the focus is still on its way after {MOST_STOPS} stops")


def sideways(visit: Visit) -> int:
    """Return the pixels by which a page is wider than its window."""
    return int(visit.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
