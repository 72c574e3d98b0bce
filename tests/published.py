"""Published: a project with a few reviewed tools, the site that is built from it, and what may be asked of both."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import made
from typer.testing import CliRunner, Result

from panel.cli.app import app
from panel.compare import comparison
from panel.desk.approval import Approval
from panel.files import append_line, read_json, readable, write_whole
from panel.markdown import comparison_page
from panel.markdown import page as review_page
from panel.moderation import Clause, Moderation
from panel.project import Project
from panel.publish.build import Report, build
from panel.publish.manifest import NAME
from panel.publish.pages import alone
from panel.publish.sides import sided
from panel.record import digest
from panel.review import Review, review
from panel.store import Store
from panel.tables import SiteSettings
from panel.tool import Tool, as_read

URL = "https://panel.example"
SITE = SiteSettings(name="Panel", url=URL)
ASKED, APPROVED = "2026-05-04T12:00:00Z", "2026-05-06T09:00:00Z"
"""When critics answered, and when somebody approved it: in one week, and where a test says nothing else."""

HOSTILE = "</title><script>alert(1)</script>\x00\x1b[2J\x9b31m\u202e\x07&\"'`*_[x](javascript:1){{7*7}}\ufffe"
"""A text that is markup, an escape sequence, a template and no XML."""


class House:
    """A publishing house: a folder with a project of three masons, and the folder of its site."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, folder / "site"
        made.project(folder, personas=3)
        self.path("panel.toml").write_text(f'model = "fake:panel"\n[site]\nurl = "{URL}"\n')

    def path(self, name: str) -> Path:
        """Return a file of the project."""
        return self.folder / name

    def kept(self, slug: str, name: str = "review.json") -> Path:
        """Return a file that is kept about a tool."""
        return self.folder / "runs" / slug / name

    def project(self) -> Project:
        """Return the project."""
        return Project.open(self.folder, {})

    def reviewed(
        self, slug: str, scores: Sequence[int | None] = (75, 75, 40), *, at: str = ASKED, **fields: object
    ) -> Review:
        """Write the review of a tool: what each mason gives, None for no take; `fields` are those of its dossier."""
        tool = named(slug, **fields)
        seats = [
            made.seat(
                f"mason{number}",
                None if score is None else made.take([made.rated(Fraction(score, 25))]),
                name=f"Mason {number}",
                asks=(made.ask(f"{slug}{number}").model_copy(update={"recorded_at": at}),),
            )
            for number, score in enumerate(scores)
        ]
        return self.wrote(review(tool, seats))

    def wrote(self, record: Review, slug: str | None = None) -> Review:
        """Write a review as it is into the folder of its tool, or into another one."""
        path = self.kept(slug or record.tool.slug)
        write_whole(path.with_suffix(".md"), review_page(record).encode())
        write_whole(path, readable(record.as_json()))
        return record

    def review(self, slug: str) -> Review:
        """Return a review."""
        found = Store(self.path("runs")).review(slug)
        assert found
        return found

    def approved(self, *slugs: str, at: str = APPROVED, by: str = "Ann") -> None:
        """Approve reviews as they stand."""
        for slug in slugs:
            record = self.review(slug)
            held = {"review": digest(record), "dossier": record.tool.digest}
            approval = Approval(tool=slug, by=by, at=at, checked=(), **held)
            write_whole(self.kept(slug, "approval.json"), readable(approval.as_json()))

    def published(self, slug: str, scores: Sequence[int | None] = (75, 75, 40), **more: Any) -> None:
        """Write a review and approve it."""
        at = more.pop("approved", APPROVED)
        self.reviewed(slug, scores, **more)
        self.approved(slug, at=at)

    def logged(self, slug: str, event: str, at: str = ASKED, **details: Any) -> None:
        """Add a line to the log of a tool."""
        append_line(self.kept(slug, "log.jsonl"), {"at": at, "event": event, **details})

    def compared(self, one: str, other: str, moderation: Moderation | None = None) -> None:
        """Write the comparison of two reviews."""
        project = self.project()
        record = comparison(sided(project, one), sided(project, other), moderation)
        project.store.save_comparison(record, comparison_page(record), alone(record))

    def dossier(self, slug: str, **changes: str) -> Path:
        """Write the dossier of a tool as `named` has it, some of its lines changed; return its path."""
        text = made.DOSSIER.replace("name: Plumb", f"name: {slug.title()}").replace("slug: plumb", f"slug: {slug}")
        for key, value in changes.items():
            text = re.sub(rf"(?m)^{key}: .*$", f"{key}: {value}", text)
        path = self.path(f"tools/{slug}.yaml")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    def built(self, site: SiteSettings = SITE, *, out: Path | None = None, **more: Any) -> Report:
        """Return what a build comes to."""
        return build(self.project(), out or self.out, site, **more)

    def type(self, *arguments: str) -> Result:
        """Return what a command prints and how it ends; an error that is not Panel's own is raised."""
        return CliRunner().invoke(app, list(arguments), catch_exceptions=False)

    def done(self, *arguments: str) -> str:
        """Return what a command prints that must end well."""
        ended = self.type(*arguments)
        assert 0 == ended.exit_code, ended.output
        return ended.stdout

    def refused(self, *arguments: str) -> str:
        """Return the one message of a command that must end in exit 2."""
        ended = self.type(*arguments)
        assert (2, False) == (ended.exit_code, "Traceback" in ended.output), ended.output
        return ended.stderr

    def site(self, out: Path | None = None) -> dict[str, bytes]:
        """Return every file of the site with its bytes, but for the manifest."""
        return tree(out or self.out)

    def stamps(self) -> dict[str, int]:
        """Return when each file of the site was written, the manifest among them."""
        return {name: (self.out / name).stat().st_mtime_ns for name in [*self.site(), NAME]}

    def text(self, name: str) -> str:
        """Return a file of the site as text."""
        return (self.out / name).read_text(encoding="utf-8")

    def data(self, name: str) -> Any:
        """Return the JSON in a file of the site."""
        return read_json(self.out / name)

    def pages(self) -> set[str]:
        """Return the pages of tools and comparisons."""
        return {name for name in self.site() if re.fullmatch(r"(tools|compare)/(?!page/)[^/]+/index\.html", name)}

    def links(self, name: str) -> list[str]:
        """Return where the links of a page lead within the site, as files of it."""
        found = re.findall(r'href="((?!https?:|data:|mailto:|#)[^"]*)"', self.text(name))
        paths = [os.path.normpath(self.out / name / ".." / link.split("#")[0]) for link in found]
        files = [f"{path}/index.html" if os.path.isdir(path) else path for path in paths]
        return [os.path.relpath(path, self.out) for path in files]


def named(slug: str, **fields: object) -> Tool:
    """Return a tool like Plumb with another name."""
    return as_read(made.plumb().model_copy(update={"slug": slug, "name": slug.title(), **fields}), {})


def tree(folder: Path) -> dict[str, bytes]:
    """Return every file in a folder with its bytes, but for a manifest."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != NAME]
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(files)}


def empty_folders(folder: Path) -> list[str]:
    """Return the folders that hold nothing."""
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_dir() and not any(path.iterdir())]


def moderation(first: str, second: str) -> Moderation:
    """Return what a moderator wrote: one clause for each side, resting on these two takes."""
    clauses = ((_clause(first),), (_clause(second),))
    ask = made.ask("moderator").model_copy(update={"asked": "fake:panel"})
    return Moderation(prompt_digest="sha256:0", clauses=clauses, dropped=(), disclosures=(), ask=ask)


def _clause(take: str) -> Clause:
    return Clause(text="you need what it says", takes=(take,))


_THREE: dict[str, bytes] = {}
"""The records of the three tools, once they were made: they are the same in every folder."""


def three(house: House) -> House:
    """Publish three tools, and compare the first with both others."""
    if not _THREE:
        _THREE.update(tree(_made_three(house).path("runs")))
    for name, content in _THREE.items():
        house.path(f"runs/{name}").parent.mkdir(parents=True, exist_ok=True)
        house.path(f"runs/{name}").write_bytes(content)
    return house


def _made_three(house: House) -> House:
    house.published("alpha", (75, 80, 90), category="Builders")
    house.published("beta", (40, 30, 45), category="Builders", approved="2026-05-13T09:00:00Z")
    house.published("gamma", (75, 75, 20), category="Tables")
    house.compared("alpha", "beta")
    house.compared("alpha", "gamma")
    return house


def changes(before: Mapping[str, object], after: Mapping[str, object]) -> set[str]:
    """Return the names that are new, gone, or have another value."""
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


def lines(path: Path) -> list[Any]:
    """Return the lines of a log."""
    return [json.loads(line) for line in path.read_text().splitlines()]
