"""The benchmarks: the dossiers of a catalogue, its numbers, its tables and its pictures."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from dossiers import write_catalogue, write_prompts
from hypothesis import example, given
from hypothesis import strategies as st
from plot import a_second, busiest, drawn
from table import Row, printed

from panel.llm.open import Providers
from panel.pipeline import review_tool
from panel.project import Project
from panel.tool import read_tool


def test_a_catalogue_is_as_large_as_it_is_said_to_be(tmp_path: Path) -> None:
    """So many dossiers of about so many tokens are written, under names of their own; Panel reads and reviews them."""
    write_catalogue(tmp_path, 11, 4_000, "timeout_s = 2\n")
    prompts = write_prompts(tmp_path)
    paths = sorted(tmp_path.glob("tools/*.yaml"))
    tools = [read_tool(path) for path in (paths[0], paths[-1])]
    project = Project.open(tmp_path, {"model": "fake:ship"})

    async def review() -> list[str]:
        async with Providers(project.settings, project.prompts) as providers:
            return [seat.status for seat in (await review_tool(project, tools[0], providers)).review.seats]

    assert ["Tool No 00001", "Tool No 00011"] == [tool.name for tool in tools]
    assert ["heard"] * 5 == asyncio.run(review())
    assert 11 == len(paths) == len([*prompts.glob("dossiers/*.txt")])
    assert all(3_800 < len(path.read_text()) / 4 < 4_200 for path in prompts.glob("dossiers/*.txt"))
    assert 2 == project.settings.timeout_s
    assert "ratings" in json.loads((prompts / "schema.json").read_text())["properties"]


@given(st.lists(st.integers(0, 200), min_size=1, max_size=60).map(sorted))
@example([0, 60])
def test_the_busiest_minute_is_found_wherever_it_begins(times: list[int]) -> None:
    """No 60 seconds hold more requests than the busiest, and those that begin with some request hold as many."""
    came = [(at, "answered") for at in times]

    each = [sum(begin <= at < begin + 60 for at in times) for begin in times]

    assert max(each) == busiest(came)


def test_a_picture_shows_what_came_in_each_second() -> None:
    """Counts are a second each, from the first request on, and the picture is sound XML that names its runs."""
    came = [(5.0, "answered"), (5.9, "refused"), (6.1, "answered"), (8.0, "answered")]

    picture = ElementTree.fromstring(drawn("All & sundry", {"ours": came, "plain loop": []}, 50))

    assert [2, 1, 0, 1] == a_second(came)
    texts = [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert {"ours", "plain loop", "limit: 50 a second", "All & sundry"} <= {*texts}


@pytest.mark.parametrize(
    ("row", "is_missed"),
    [
        (Row("wall", 19.5, "s", ideal=19, against=19, bar=1.03), False),
        (Row("wall", 19.6, "s", ideal=19, against=19, bar=1.03), True),
        (Row("refused", 2, "%", bar=2), False),
        (Row("refused", 2.1, "%", bar=2), True),
        (Row("calls", 1, "", ideal=0, bar=0), True),
        (Row("told", 7, "s"), False),
    ],
)
def test_a_bar_is_held_or_missed(row: Row, *, is_missed: bool) -> None:
    """The ratio is held against the bar, or the number itself where it has no ratio; the table says which."""
    text = printed("", [row])

    assert is_missed == row.is_missed
    assert is_missed == ("missed" in text)
    assert (row.bar is not None and not is_missed) == ("held" in text)
