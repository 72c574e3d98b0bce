"""How long a look-up takes in a ledger of a thousand, 100,000 and a million recordings, in files and in SQLite.

python benchmarks/ledger.py [COUNT...]

A thousand recordings are real and looked up; the others fill their folders, or the table, up to the count. Beside it,
in ledgers of real recordings: how many a second `panel ledger verify` reads, and the most memory it takes.
Medians and the slowest of a hundred, in microseconds. A million files take 4.2 GB while this runs.
"""

from __future__ import annotations

import hashlib
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path

from panel.llm.address import ledger_at
from panel.llm.ledger import Ledger, Recordings
from panel.llm.model import said
from panel.request import Block, Label, Parameters, Request

COUNTS, REAL = (1_000, 100_000, 1_000_000), 1_000
FILLER = b"x" * 3_000


def requests(count: int) -> Iterator[Request]:
    """Yield requests as long as those of a short dossier, each with an identity of its own."""
    label, text = (
        Label(tool="tool", persona="persona"),
        "a line of a prompt or of a dossier, as long as such lines are\n",
    )
    for number in range(1, count + 1):
        yield Request(
            model="fake:panel",
            parameters=Parameters(max_tokens=16_000),
            system=text * 60,
            blocks=(Block(text=text * 60, cache=True),),
            reply_schema={},
            sample=number,
            label=label,
        )


def fill_files(ledger: Ledger, first: int, count: int) -> None:
    """Write files that are no recordings where recordings would be."""
    for number in range(first, count):
        path = ledger.path(f"sha256:{hashlib.sha256(b'%d' % number).hexdigest()}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(FILLER)


def fill_rows(ledger: Recordings, first: int, count: int) -> None:
    """Write rows that are no recordings."""
    insert = "INSERT INTO panel_recordings (identity, tool, persona, recorded_at, recording) VALUES (?, ?, ?, '', ?)"
    database = getattr(ledger, "database")  # noqa: B009 - what a ledger in a database has, and the seam does not
    for start in range(first, count, 10_000):
        numbers = range(start, min(start + 10_000, count))
        rows = [
            (f"sha256:{hashlib.sha256(b'%d' % n).hexdigest()}", f"tool-{n % 200_000}", "persona", FILLER.decode())
            for n in numbers
        ]

        def put(connection: object, rows: list[tuple[str, ...]] = rows) -> None:
            with database.whole(connection):
                connection.exec_driver_sql(insert, rows)  # type: ignore[attr-defined]

        database.call(put)


def timed(act: Callable[[str], object], identities: list[str]) -> str:
    """Return the median time and the slowest, in microseconds."""
    times = []
    for identity in identities:
        began = time.perf_counter()
        act(identity)
        times.append((time.perf_counter() - began) * 1e6)
    return f"{statistics.median(times):6.0f} {max(times):8.0f}"


def look_up(name: str, ledger: Recordings, fill: Callable[[int, int], None], counts: list[int]) -> None:
    """Print what a look-up takes while a ledger grows."""
    for each in requests(REAL):
        ledger.keep(each, said("{}", "fake:panel"))
    hits = [each.identity for each in requests(100)]
    misses = [f"sha256:{hashlib.sha256(b'miss %d' % number).hexdigest()}" for number in range(100)]
    filled = REAL
    for count in counts:
        fill(filled, count)
        filled = count
        ledger.find(hits[0])
        print(
            f"{name:<7} {count:>9,}  found {timed(ledger.find, hits)}  missing {timed(ledger.find, misses)}", flush=True
        )


def read_through(folder: str, count: int) -> None:
    """Print how fast a ledger of real recordings is read, and what memory that takes, of a process of its own."""
    ledger = Ledger(Path(folder))
    began = time.perf_counter()
    read = sum(1 for each in ledger.all() if each.recording)
    rate = read / (time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000
    print(f"verify  {count:>9,}  {rate:,.0f} a second, at most {peak:.0f} MB", flush=True)


def main() -> None:
    """Measure."""
    counts = [int(each) for each in sys.argv[1:]] or list(COUNTS)
    print("                   found: median, slowest; missing: median, slowest")
    with tempfile.TemporaryDirectory(prefix="panel-ledger-") as folder:
        files = Ledger(Path(folder) / "files")
        look_up("files", files, lambda first, count: fill_files(files, first, count), counts)
        largest = max(sum(1 for _ in each.iterdir()) for each in files.folder.iterdir())
        print(f"files   the fullest of 256 folders has {largest:,}")
        with ledger_at(f"sqlite:///{folder}/ledger.db", "here", is_made=True) as rows:
            look_up("SQLite", rows, lambda first, count: fill_rows(rows, first, count), counts)
        for count in (1_000, 10_000):
            real = Ledger(Path(folder) / str(count))
            for each in requests(count):
                real.keep(each, said("{}", "fake:panel"))
            reader = get_context("spawn").Process(target=read_through, args=(str(real.folder), count))
            reader.start()
            reader.join()


if __name__ == "__main__":
    main()
