"""How long a site takes: CPU a page from scratch, an unchanged rebuild, and memory as the site grows.

    python benchmarks/publish.py

A shelf of 200 tools with 1,000 comparisons is made from the golden records of the examples, under other names.
Cards are drawn once and cached by content; they are timed apart, by a build with an address after one without.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from itertools import combinations, cycle, islice
from pathlib import Path

from panel.compare import Sided, comparison
from panel.markdown import comparison_page
from panel.project import Project
from panel.publish.build import build
from panel.publish.pages import alone
from panel.record import read_record
from panel.review import Review
from panel.store import Store
from panel.tables import SiteSettings

ROOT = Path(__file__).parent.parent
GOLDEN = ROOT / "examples" / "golden"


def shelf(folder: Path, tools: int, pairs: int) -> None:
    """Write the records of so many tools and comparisons."""
    store, reviews = Store(folder / "runs"), []
    models = [read_record(path, Review) for path in sorted(GOLDEN.glob("*/review.json"))]
    for number, review in enumerate(islice(cycle(models), tools)):
        tool = review.tool.model_copy(
            update={"slug": f"tool-{number:03}", "name": f"{review.tool.name} {number}", "aliases": ()}
        )
        reviews.append(review.model_copy(update={"tool": tool}))
        store.save_review(reviews[-1], "")
    every = [*combinations(reviews, 2)]
    for one, other in every[:: len(every) // pairs][:pairs]:
        record = comparison(Sided(one), Sided(other))
        store.save_comparison(record, comparison_page(record), alone(record))
    (folder / "panel.toml").write_text("")


def built(folder: Path, site: SiteSettings) -> dict[str, float]:
    """Return what a build took, in a process of its own."""
    call = [sys.executable, __file__, "build", str(folder), site.url or ""]
    out = subprocess.run(call, capture_output=True, text=True, check=True).stdout
    found: dict[str, float] = json.loads(out)
    return found


def run(folder: Path, url: str) -> dict[str, float]:
    """Build the site in this process; return CPU seconds, pages, and the peak of memory in MB."""
    project = Project.open(folder, {})
    start, wall = time.process_time(), time.perf_counter()
    report = build(project, folder / "site", SiteSettings(url=url or None), drafts=True)
    spent = time.process_time() - start
    return {
        "cpu": spent,
        "wall": time.perf_counter() - wall,
        "pages": report.pages,
        "rendered": report.rendered,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """Print the numbers."""
    with tempfile.TemporaryDirectory() as small, tempfile.TemporaryDirectory() as large:
        shelf(Path(small), 20, 100)
        few = built(Path(small), SiteSettings())
        shelf(Path(large), 200, 1_000)
        whole, again = built(Path(large), SiteSettings()), built(Path(large), SiteSettings())
        carded = built(Path(large), SiteSettings(url="https://panel.example"))
    told = whole["pages"]
    print(f"{told:.0f} pages (200 tools, 1,000 comparisons): {whole['cpu']:.1f} s CPU, {whole['wall']:.1f} s")
    print(f"a page: {1000 * whole['cpu'] / told:.1f} ms CPU; a tool or comparison: {1000 * whole['cpu'] / 1200:.1f} ms")
    part, growth = again["cpu"] / whole["cpu"], whole["peak"] / few["peak"]
    print(f"unchanged: {again['cpu']:.2f} s CPU, {part:.3f} of it; {again['rendered']:.0f} rendered")
    print(f"peak: {few['peak']:.0f} MB with 100 comparisons, {whole['peak']:.0f} MB with 1,000: {growth:.2f} times")
    print(f"with cards, all pages again: {carded['cpu']:.1f} s CPU")


if __name__ == "__main__":
    if sys.argv[1:2] == ["build"]:
        print(json.dumps(run(Path(sys.argv[2]), sys.argv[3])))
    else:
        main()
