"""How long commands take to start, as ratios against `python -c "import typer"` run in turn with them.

    python benchmarks/start.py [RUNS]

Prints the median of each command and its ratio, pair by pair, so that a machine whose speed drifts does not matter.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parent.parent
BASELINE = [sys.executable, "-c", "import typer"]
COMMANDS = {
    "panel --help": ["--help"],
    "panel show": ["show", "examples/golden/smollm3/review.json"],
    "panel review, replayed": ["review", "examples/smollm3.yaml", "--mode", "replay"],
}


def seconds(call: list[str]) -> float:
    """Return the wall time of one process, in seconds."""
    start = time.perf_counter()
    subprocess.run(call, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main(runs: int) -> None:
    """Print one line a command: median, and the median of its ratios to the baseline."""
    for name, arguments in COMMANDS.items():
        call = [sys.executable, "-m", "panel", *arguments]
        seconds(call)
        pairs = [(seconds(BASELINE), seconds(call)) for _ in range(runs)]
        ratio = median(own / base for base, own in pairs)
        print(f"{name:<24} {median(own for _, own in pairs) * 1000:5.0f} ms  {ratio:4.1f} x import typer")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
