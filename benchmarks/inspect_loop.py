"""Inspect: the same requests through inspect_ai, where it is installed: its own retries, limits and log.

python benchmarks/inspect_loop.py PROMPTS [--at-once 50]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from inspect_ai import Task
from inspect_ai import eval as evaluate
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageSystem, ChatMessageUser, GenerateConfig
from inspect_ai.solver import generate
from plain import MODELS, MOST, Prompts


def main(folder: Path, at_once: int) -> None:
    """Ask Anthropic everything."""
    prompts = Prompts(folder)
    system = ChatMessageSystem(content=prompts.system)
    samples = [
        Sample(input=[system, ChatMessageUser(content=f"{dossier}\n\n{seat}")]) for dossier, seat in prompts.pairs()
    ]
    task = Task(dataset=MemoryDataset(samples), solver=generate(), config=GenerateConfig(max_tokens=MOST))
    with tempfile.TemporaryDirectory() as logs:
        done = evaluate(
            task,
            model=f"anthropic/{MODELS['anthropic']}",
            model_args={"streaming": False},
            max_connections=at_once,
            max_samples=len(samples),
            log_dir=logs,
            display="none",
        )
    assert done[0].status == "success", done[0].error


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prompts", type=Path)
    parser.add_argument("--at-once", type=int, default=50)
    given = parser.parse_args()
    main(given.prompts, given.at_once)
