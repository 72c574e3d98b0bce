"""Figures: the page that tells how the critics vote, how far they agree, and how alike they write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from panel.files import Json, readable
from panel.markdown import plain
from panel.publish.edition import Edition
from panel.publish.entries import ToolEntry
from panel.publish.page import TWINS, Files, Job, files, page
from panel.publish.render import clip
from panel.statistics.catalogue import bin_named, figures, has_numpy
from panel.statistics.figures import Agreement, CriticFigures, Figure, Statistics
from panel.statistics.observed import Observed

PATH = "statistics/"
MOST_CARDS = 12
"""So many critics have a card with a chart; the data beside the page has all."""

LONGEST_NAME = 60


@dataclass(frozen=True)
class Bar:
    """A bar of a chart."""

    start: int
    count: int
    height: int
    ships: bool


@dataclass(frozen=True)
class Chart:
    """A histogram."""

    bars: Sequence[Bar]

    line: int | None
    """Where the dashed line stands from which a critic ships; None where it is not known."""

    told: str
    """What it shows, in words."""


@dataclass(frozen=True)
class Row:
    """A coefficient as the page shows it."""

    name: str
    value: str
    range: str
    meaning: str


def drawn(counts: Sequence[int], threshold: int | None) -> Chart:
    """Return a histogram in bins of ten points."""
    most = max([*counts, 1])
    bars = [
        Bar(10 * bin, count, round(104 * count / most), threshold is None or 10 * bin >= threshold)
        for bin, count in enumerate(counts)
    ]
    parts = [f"{count} from {bin_named(bin)}" for bin, count in enumerate(counts) if count]
    line = None if threshold is None else 4 + 4 * threshold
    return Chart(bars, line, f"Scores: {', '.join(parts) or 'none yet'}.")


def figures_page(edition: Edition) -> Job:
    """Return the page of figures over what is published."""
    kept = [Observed(one.slug, one.label, one.seats, one.alike) for one in edition.tools]
    depends: list[Json] = [has_numpy(), *(_told(one) for one in edition.tools)]
    return Job(PATH, depends, lambda: _made(edition, kept))


def _told(entry: ToolEntry) -> Json:
    """Return everything of an entry that the page depends on."""
    kept = entry.model_dump(mode="json", include={"slug", "name", "label", "is_draft", "seats", "alike"})
    told: Json = kept
    return told


def _made(edition: Edition, kept: Sequence[Observed]) -> Files:
    found = figures(kept, {persona.id: persona.name for persona in edition.panel}, None)
    dek = f"Over {found.takes} takes on {found.tools} tools: how the critics vote, and how far they agree."
    head = page(
        edition.site,
        PATH,
        "Figures",
        dek,
        twins=TWINS,
        is_hidden=any(one.is_draft for one in edition.tools),
        crumbs=((edition.site.name, ""), ("Figures", None)),
    )
    names = {critic.persona: clip(critic.name, LONGEST_NAME) for critic in found.critics}
    tools = {one.slug: clip(one.name, LONGEST_NAME) for one in edition.tools}
    context = {
        "site": edition.site,
        "heading": "Figures",
        "dek": dek,
        "found": found,
        "cards": [_card(edition, critic, names) for critic in _in_order(edition, found)[:MOST_CARDS]],
        "more": max(0, len(found.critics) + found.others - MOST_CARDS),
        "rows": [*_rows(found.agreement)],
        "likeness": found.likeness,
        "names": names,
        "tools": tools,
    }
    return files(head, "statistics.html.j2", context, _as_text(found, dek), readable(found.as_json()))


def _in_order(edition: Edition, found: Statistics) -> list[CriticFigures]:
    """Return the critics in the order of the panel; those who have left it come last."""
    order = [persona.id for persona in edition.panel]
    return sorted(found.critics, key=lambda one: order.index(one.persona) if one.persona in order else len(order))


def _card(edition: Edition, critic: CriticFigures, names: Mapping[str, str]) -> dict[str, object]:
    threshold = next((persona.threshold for persona in edition.panel if persona.id == critic.persona), None)
    value, range = critic.harshness.told("+.1f")
    return {
        "name": names[critic.persona],
        "path": f"critics/{critic.persona}/" if threshold is not None else None,
        "critic": critic,
        "chart": drawn(critic.histogram, threshold),
        "lean": Row("", value, range, ""),
    }


def _rows(agreement: Agreement) -> Iterator[Row]:
    alpha = "1 is perfect agreement, 0 what chance would give."
    worth = (
        f"What the votes of {agreement.seats} critics so correlated are worth as independent ones (Kish 1965). "
        "A lower bound: that all like a good tool is correlation too."
    )
    told: Sequence[tuple[str, Figure, str]] = (
        ("Scores, Krippendorff’s alpha", agreement.scores_alpha, alpha),
        ("Votes, Krippendorff’s alpha", agreement.votes_alpha, alpha),
        ("Votes, Gwet’s AC1", agreement.votes_ac1, "The same, and it does not sink where nearly all votes are alike."),
        ("Mean correlation of scores", agreement.correlation, "Pearson’s, over all pairs of critics."),
        ("Effective votes", agreement.effective_votes, worth),
    )
    for name, figure, meaning in told:
        yield Row(name, *figure.told(".2f"), meaning)


def _as_text(found: Statistics, dek: str) -> str:
    lines = ["# Figures", "", dek, "", *(f"- {label}: {count}" for label, count in found.labels.items()), ""]
    for critic in found.critics:
        value, range = critic.harshness.told("+.1f")
        lines += [f"## {plain(critic.name)}", ""]
        lines += [f"- heard on {critic.heard} tools, ships {critic.ships} of them ({critic.percent}%)"]
        lines += [f"- mean {critic.mean:.1f}, median {critic.median:g}. {drawn(critic.histogram, None).told}"]
        lines += [f"- points above the other critics on the same tools: {_with(value, range)}"]
        lines += [*(f"- alarm: {alarm}" for alarm in critic.alarms), ""]
    rows = (f"- {row.name}: {_with(row.value, row.range)}" for row in _rows(found.agreement))
    lines += ["## Agreement", "", *rows, ""]
    if likeness := found.likeness:
        shares = f"{likeness.mean:.1%} in the mean, {likeness.highest:.1%} at most ({plain(likeness.tool)})"
        lines += ["## Alike", "", f"- five-word runs that two takes on one tool share: {shares}", ""]
    return "\n".join(lines)


def _with(value: str, more: str) -> str:
    return f"{value} ({more})" if value and more else value or more
