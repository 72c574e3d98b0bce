"""Dissent: who among the critics sees it otherwise than the answer, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from panel.comparison import Comparison
from panel.markdown import sentence


def dissent(record: Comparison) -> str:
    """Return which critics score the other tool higher, or ship what the panel skips."""
    higher = _higher(record)
    match record.answer.kind:
        case "pick":
            other = 1 if record.answer.winner == record.sides[0].slug else 0
            return _scoring(higher[other], record.sides[other].name) or "No critic sees it the other way round."
        case "neither":
            return sentence(", ".join(_ships(record)) or "no critic ships either")
    told = (_scoring(names, side.name) for names, side in zip(higher, record.sides, strict=True))
    return " ".join(filter(None, told))


def _higher(record: Comparison) -> tuple[list[str], list[str]]:
    """Return which of the critics heard on both tools score each of them higher."""
    found: tuple[list[str], list[str]] = ([], [])
    for row in record.scorecard:
        one, other = (cell.take for cell in row.cells)
        if one and other and one.score != other.score:
            found[0 if one.score > other.score else 1].append(row.name)
    return found


def _ships(record: Comparison) -> list[str]:
    return [
        f"the {row.name} ships {side.name}"
        for row in record.scorecard
        for side, cell in zip(record.sides, row.cells, strict=True)
        if cell.take and cell.take.vote == "ship"
    ]


def _scoring(names: Sequence[str], tool: str) -> str:
    """Return who scores a tool higher, in one sentence; nothing where nobody does."""
    listed = " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
    return f"{listed} {'scores' if len(names) == 1 else 'score'} {tool} higher." if names else ""
