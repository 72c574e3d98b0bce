"""Splitting into batches, and results read a line at a time: nothing is lost, doubled or held in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import made
import pytest
from clock import Ticker
from hypothesis import given
from hypothesis import strategies as st

from panel.batch.desk import Desk
from panel.batch.drafts import Drafts, drafting
from panel.errors import GaveUp, Rejected, Transient
from panel.llm.batches import Limits, lines
from panel.llm.retry import patient
from panel.project import Project
from panel.request import Block, Label, Parameters, Request
from panel.tables import RetrySettings

LARGEST = 12


@given(st.lists(st.binary(max_size=20)), st.lists(st.integers(1, 9), min_size=1))
def test_a_stream_has_the_same_lines_however_it_is_cut(content: list[bytes], cuts: list[int]) -> None:
    """Whatever parts they arrive in: each line once, in order, and a mark in the place of each that is too long."""
    whole = b"".join(line.replace(b"\n", b"?") + b"\n" for line in content)
    expected = [None if len(line) > LARGEST else line for line in whole.split(b"\n")[:-1]]

    async def parts() -> AsyncIterator[bytes]:
        left, turn = whole, 0
        while left:
            size = cuts[turn % len(cuts)]
            yield left[:size]
            left, turn = left[size:], turn + 1

    async def read() -> list[bytes | None]:
        return [line async for line in lines(parts(), LARGEST)]

    assert expected == asyncio.run(read())


@dataclass
class Scales:
    """A vendor whose lines are as long as the sample number of a request says."""

    limits: Limits

    names = True

    def line(self, custom_id: str, request: Request) -> bytes:
        """Return so many bytes, one less than they take with the end of the line."""
        return b"x" * (request.sample - 1)

    def write(self, lines: Iterable[bytes], file: BinaryIO) -> None:
        """Write nothing: nobody submits here."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project to be drafted in."""
    return made.project(tmp_path_factory.mktemp("project"))


def asking(model: str, size: int, number: int) -> Request:
    """Return a request of a size, unlike every other."""
    label = Label(tool=f"tool{number // 5}", persona="mason")
    parameters, blocks = Parameters(max_tokens=256), (Block(text=str(number)),)
    return Request(
        model=model, parameters=parameters, system="", blocks=blocks, reply_schema={}, sample=size, label=label
    )


def drafted(project: Project, scales: Scales, requests: Sequence[Request]) -> tuple[Drafts, list[list[bytes]]]:
    """Return the drafts of some requests, and what is in the file of each."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        settings = project.settings.model_copy(update={"runs": Path(folder)})
        own: Any = Project(settings, project.panel, project.prompts, project.store, project.ledgers)
        desk = Desk(own, lambda text: None)
        patch.setattr(desk, "batches", lambda model: scales)
        with drafting(desk) as drafting_:
            for request in requests:
                drafting_._take(request, set(), set())
            for draft in drafting_.drafts.ready:
                draft.file.file.flush()
            held = [draft.file.part.read_bytes().splitlines() for draft in drafting_.drafts.ready]
            return drafting_.drafts, held


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 40)), max_size=30), st.integers(1, 6), st.integers(10, 60)
)
def test_requests_are_split_into_batches_that_fit(
    project: Project, sizes: list[tuple[str, int]], most: int, most_bytes: int
) -> None:
    """Each request is in one batch of its model, in order; none holds too much, and none is begun without need."""
    limits = Limits(most, most_bytes)
    requests = [asking(f"fake:{name}", size, number) for number, (name, size) in enumerate(sizes)]
    fitting = [request for request in requests if request.sample <= most_bytes]

    drafts, held = drafted(project, Scales(limits), requests)

    assert len(requests) - len(fitting) == len(drafts.faults)
    assert len(fitting) == drafts.requests == sum(map(len, held))
    for model in ("fake:a", "fake:b"):
        ids = [request.identity[7:].encode() for request in fitting if request.model == model]
        mine = [(draft, file) for draft, file in zip(drafts.ready, held, strict=True) if draft.model == model]
        assert ids == [line[14:78] for _, file in mine for line in file]
        for draft, file in mine:
            assert len(file) == draft.requests <= most
            assert draft.bytes <= most_bytes
        for (draft, _), (_, after) in pairwise(mine):
            first = next(request for request in fitting if request.identity[7:].encode() == after[0][14:78])
            assert not draft.has_room(first.sample, limits)


@pytest.mark.parametrize(
    ("faults", "raised", "waits"),
    [
        ([Transient("busy", wait_s=3)], None, [3]),
        ([Transient("busy", wait_s=99)], "above the cap of 60 s", []),
        ([Transient("odd")] * 3, "gave up after 3 attempts", [0.25, 0.5]),
        ([Rejected("no")], "no", []),
    ],
)
def test_patience_is_the_policy_of_single_requests(
    faults: list[Exception], raised: str | None, waits: list[float]
) -> None:
    """What passes is waited for, as long as asked for or ever longer, within cap and count; the rest is raised."""
    ticker, left = Ticker(), list(faults)

    async def act() -> str:
        if left:
            raise left.pop(0)
        return "done"

    async def go() -> str:
        return await patient(act, RetrySettings(attempts=3), ticker.clock)

    if raised is None:
        assert "done" == asyncio.run(go())
    else:
        with pytest.raises((GaveUp, Rejected), match=raised):
            asyncio.run(go())
    assert waits == ticker.waits
