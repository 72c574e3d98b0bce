"""Markup: whether files of HTML are valid, and whether every link in a folder of them leads somewhere."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryFile
from urllib.parse import unquote, urljoin, urlsplit

import playwright
from equipment import WEB, module
from selectolax.lexbor import LexborHTMLParser, LexborNode

NODE = Path(playwright.__file__).parent / "driver" / "node"
"""The one that Playwright brings: the same on every machine."""

LINKS = ("href", "src", "poster", "action", "formaction", "data", "cite")
NOWHERE = "https://nowhere.invalid/"
"""Where a folder stands that was not told where."""


def valid(paths: Iterable[Path]) -> list[str]:
    """Return what html-validate holds against files: place, rule and message; they are read in one go.

    Its recommended rules hold, but for three of style: how a void element is closed and where a line ends change no
    page, and how long a title may be is not a matter of validity.
    """
    checker = module("html-validate/bin/html-validate.mjs")
    files = [str(path) for path in paths]
    assert files, "nothing to validate"
    call = [NODE, checker, "--config", WEB / "htmlvalidate.json", "--formatter", "json", *files]
    with TemporaryFile("w+") as told:  # into a pipe node writes no more than its first part
        done = subprocess.run(call, stdout=told, stderr=subprocess.PIPE, text=True, check=False)
        told.seek(0)
        found = json.load(told) if done.returncode in (0, 1) else []
    assert done.returncode in (0, 1), done.stderr
    return [
        f"{Path(file['filePath']).name}:{each['line']}:{each['column']} {each['ruleId']}: {each['message']}"
        for file in found
        for each in file["messages"]
    ]


def dead_links(folder: Path, base: str = NOWHERE) -> list[str]:
    """Return the links of all pages in a folder that lead to no file of it, or to no id in one.

    Those that leave `base`, where the folder will stand, by a whole URL are not looked at.
    """
    pages = {path: _Page(path) for path in sorted(folder.resolve().rglob("*.html"))}
    assert pages, "no page"
    return [
        f"{path.relative_to(folder.resolve())}: {link}"
        for path, page in pages.items()
        for link in dict.fromkeys(page.links)
        if not _leads_somewhere(link, page, folder.resolve(), base, pages)
    ]


def repeated_ids(folder: Path) -> list[str]:
    """Return the ids that stand twice in a page of a folder."""
    return [
        f"{path.relative_to(folder)}: {each}"
        for path in sorted(folder.rglob("*.html"))
        for each, count in Counter(_Page(path).ids).items()
        if count > 1
    ]


class _Page:
    """What a parser of HTML finds in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tree = LexborHTMLParser(path.read_text(encoding="utf-8"))

    @cached_property
    def ids(self) -> list[str]:
        """Every id."""
        return [node.attributes["id"] or "" for node in self._tree.css("[id]")]

    @cached_property
    def links(self) -> list[str]:
        """Everything that names another file, or a place in one."""
        return [link.strip() for node in self._tree.css("*") for link in _links(node)]

    def address(self, folder: Path, base: str) -> str:
        """Return its URL; 404.html is shown anywhere, so that a link from where it lies would lead astray."""
        if self.path == folder / "404.html":
            return urljoin(base, "any/where/at/all")
        return urljoin(base, self.path.relative_to(folder).as_posix())


def _links(node: LexborNode) -> Iterator[str]:
    attributes = node.attributes
    yield from (attributes[name] or "" for name in LINKS if name in attributes)
    yield from (part.split()[0] for part in (attributes.get("srcset") or "").split(",") if part.strip())
    content = attributes.get("content") or ""
    if node.tag == "meta" and attributes.get("http-equiv", "") == "refresh":
        yield from re.findall(r"url=(.+)", content, re.IGNORECASE)
    if node.tag == "meta" and content.startswith(("http://", "https://")):
        yield content


def _leads_somewhere(link: str, page: _Page, folder: Path, base: str, pages: dict[Path, _Page]) -> bool:
    url = urljoin(page.address(folder, base), link)
    path, fragment = urlsplit(url).path, urlsplit(url).fragment
    if not url.startswith(base):
        elsewhere = urlsplit(link)
        return bool(elsewhere.scheme or elsewhere.netloc)
    file = page.path if link.startswith("#") else folder / unquote(path[len(urlsplit(base).path) :])
    if file.is_dir() and path.endswith("/"):
        file /= "index.html"
    place = unquote(fragment.partition(":~:")[0])
    return file.is_file() and (place in ("", "top") or file not in pages or place in pages[file].ids)
