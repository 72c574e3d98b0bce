"""Miss: a request that no ledger holds, explained by what changed since the nearest recording of its seat."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from itertools import zip_longest

from panel.files import Json, readable
from panel.llm.recording import Recording
from panel.request import Request

MOST_DIFF_LINES, LONGEST_LINE, CONTEXT = 16, 160, 40
"""Of what a miss shows: lines, characters a line, characters before a change."""

MOST_LINES = 3_000
"""So many lines of a request are compared for a miss."""


def seat_missing(request: Request) -> str:
    """Return in one line whose request is not recorded."""
    what = "this request (a repair)" if request.is_repair else "this request"
    return f"{request.label.tool}: {request.label.persona}: no recording of {what}"


def nearest(similar: Sequence[Recording], request: Request) -> Recording:
    """Return the recording whose request shares the most lines with this one."""
    lines = _lines(request)
    return max(similar, key=lambda one: difflib.SequenceMatcher(None, _lines(one.request), lines, False).quick_ratio())


def changed_lines(before: Request, after: Request) -> list[str]:
    """Return the lines in which two requests differ, each with its sign; the longest of both cut short."""
    return _changes(_lines(before), _lines(after))


def _lines(request: Request) -> list[str]:
    """Return what a request says, a line for each line that a person could have changed; a mended reply comes last."""
    head = [f"model: {request.model}", f"sample: {request.sample}", f"parameters: {request.parameters.as_json()}"]
    told = [turn.text for turn in sorted(request.turns, key=lambda turn: turn.role, reverse=True)]
    schema: Json = dict(request.reply_schema)
    texts = [request.system, *(block.text for block in request.blocks), readable(schema).decode(), *told]
    return (head + [line for text in texts for line in text.split("\n")])[:MOST_LINES]


def _changes(before: list[str], after: list[str]) -> list[str]:
    """Return the changed lines, each with its sign, from a little before the place where it changed."""
    changed: list[str] = []
    for _, start, end, new_start, new_end in difflib.SequenceMatcher(None, before, after, False).get_opcodes():
        old, new = before[start:end], after[new_start:new_end]
        if old != new:
            changed += [*_signed("-", old, new), *_signed("+", new, old)]
    if before != after and not changed:
        changed = ["(in empty lines alone)"]
    shown, rest = changed[:MOST_DIFF_LINES], len(changed) - MOST_DIFF_LINES
    return [f"    {line}" for line in ([*shown, f"… and {rest} more lines"] if rest > 0 else shown)]


def _signed(sign: str, lines: list[str], twins: list[str]) -> list[str]:
    pairs = zip_longest(lines, twins)
    return [f"{sign} {_around(line, twin)}" for line, twin in pairs if line and line.strip()]


def _around(line: str, twin: str | None) -> str:
    """Return the part of a long line in which it differs from the line that it was or became."""
    pairs = zip(line, twin or "", strict=False)
    same = next((place for place, (one, other) in enumerate(pairs) if one != other), 0)
    start = max(0, same - CONTEXT) if len(line) > LONGEST_LINE else 0
    note = " (other spaces)" if twin and line.split() == twin.split() else ""
    return f"{'…' if start else ''}{line[start : start + LONGEST_LINE].strip()}{note}"
