"""Shown: the site of the shipped examples, one pair of them approved, as a host serves it; every type of its pages.

site = publish(tmp_path)  # `published` is a fixture, one site a worker
site.url("tools/smollm3/"), site.folder
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from host import Host

import panel
from panel.community import Community, Votes
from panel.desk.approval import Approval
from panel.files import readable
from panel.project import Project
from panel.publish.build import build
from panel.publish.pages import alone
from panel.record import digest
from panel.review import Review
from panel.tables import SiteSettings

EXAMPLES = Path(panel.__file__).parent.parent / "examples"
BASE = "https://panel.example/"
PAIR, DRAFT_PAIR, DRAFT = "skillclaw-vs-smollm3", "devin-vs-skillclaw", "skillclaw-hostile"
APPROVED = ("skillclaw", "smollm3")
APPROVER, FIRST_APPROVED_AT, APPROVED_AT = "Ada Lovelace", "2026-11-20T09:00:00Z", "2026-11-21T09:00:00Z"
WEEK = "2026-W47"

PAGES = {
    "home": "",
    "comparisons": "compare/",
    "comparison": f"compare/{PAIR}/",
    "tools": "tools/",
    "tool": f"tools/{DRAFT}/",
    "critics": "critics/",
    "critic": "critics/skeptic/",
    "category": "categories/developer-tools/",
    "method": "method/",
    "figures": "statistics/",
    "feeds": "feeds/",
    "digests": "digest/",
    "digest": f"digest/{WEEK}/",
    "saved": "saved/",
    "missing": "404.html",
    "redirect": "beside/redirect/",
    "alone": "beside/alone/",
}
"""Where each type of page is; beside the site that of a comparison without one, and a redirect that stays."""


@dataclass(frozen=True)
class Published:
    """A site with its host."""

    host: Host

    @property
    def folder(self) -> Path:
        """Where the site is."""
        return self.host.folder

    def url(self, path: str) -> str:
        """Return the address of a page."""
        return f"{self.host.url}{path}"

    def file(self, path: str) -> Path:
        """Return the file of a page."""
        return self.folder / path / ("" if path.endswith(".html") else "index.html")

    @property
    def pages(self) -> list[Path]:
        """Every page."""
        return sorted(self.folder.rglob("*.html"))


@contextmanager
def publish(folder: Path) -> Iterator[Published]:
    """Give the site of the examples."""
    project = Project.open(EXAMPLES, {"runs": folder / "runs"})
    shutil.copytree(EXAMPLES / "golden", folder / "runs")
    for slug in APPROVED:
        approve(project, slug)
    counted = {"smollm3": Community(ship=31, skip=9), "skillclaw": Community(ship=3, skip=2)}
    (folder / "runs" / "votes.json").write_bytes(readable(Votes(tools=counted).as_json()))
    build(project, folder / "site", SiteSettings(name="Panel", url=BASE), drafts=True)
    record = project.store.comparison("smartdiff-vs-smollm3")
    assert record
    site = folder / "site"
    moved = (site / "compare" / "smollm3-vs-skillclaw" / "index.html").read_text()
    stays = re.sub('<meta http-equiv="refresh"[^>]*>', "", moved)
    for name, page in {"alone": alone(record), "redirect": stays}.items():
        (site / "beside" / name).mkdir(parents=True)
        (site / "beside" / name / "index.html").write_text(page)
    with Host(site) as host:
        yield Published(host)


def approve(project: Project, slug: str, by: str = APPROVER) -> None:
    """Write an approval of a review as it is recorded, and its log: it was approved before, with another verdict."""
    review = project.store.review(slug)
    assert review
    place, told = project.store.place(slug), review.verdict
    (place / "approval.json").write_bytes(readable(_approval(review, by).as_json()))
    events = [
        {"at": FIRST_APPROVED_AT, "event": "approve", "by": by},
        {"at": "2026-11-21T08:00:00Z", "event": "accept", "persona": "founder"},
        {
            "at": "2026-11-21T08:00:01Z",
            "event": "verdict",
            "before": "Ship 3-0",
            "after": f"{told.label} {told.ship}-{told.skip}",
        },
        {"at": APPROVED_AT, "event": "approve", "by": by},
    ]
    (place / "log.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in events))


def _approval(review: Review, by: str) -> Approval:
    tool = review.tool
    return Approval(tool=tool.slug, by=by, at=APPROVED_AT, checked=("all",), review=digest(review), dossier=tool.digest)
