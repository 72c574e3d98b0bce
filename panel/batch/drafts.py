"""Drafts: what would be submitted, split into batches that a vendor takes, with its price; nothing is sent yet."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property

from panel.batch.desk import Desk
from panel.batch.lines import LineFile
from panel.batch.manifest import Manifest, open_identities, rejected_identities
from panel.errors import InputError
from panel.estimate import at_most, likely
from panel.gathering import gathered
from panel.llm.batches import Limits
from panel.llm.model import now
from panel.money import plain
from panel.project import Project
from panel.request import Request
from panel.tool import Tool


@dataclass(frozen=True)
class Cost:
    """What something costs, in US dollars; None where a price is not known."""

    likely: Decimal | None = Decimal(0)
    most: Decimal | None = Decimal(0)

    def __add__(self, other: Cost) -> Cost:
        """Return both together."""
        return Cost(_both(self.likely, other.likely), _both(self.most, other.most))


@dataclass(frozen=True)
class Wanted:
    """Which requests a draft takes."""

    tools: Iterable[Tool]
    """The tools; looked through once for each round, so what a generator yields will not do for several."""

    only: Sequence[str] = ()
    """The personas to ask, all where it is empty."""

    again: bool = False
    """True where that is asked too which a vendor would not have before."""


@dataclass
class Draft:
    """One batch that is not submitted yet."""

    name: str
    model: str
    file: LineFile
    requests: int = 0
    bytes: int = 0
    slugs: set[str] = field(default_factory=set)
    cost: Cost = Cost()

    def has_room(self, size: int, limits: Limits) -> bool:
        """Return whether a request of so many bytes still fits."""
        return self.requests < limits.requests and self.bytes + size <= limits.bytes

    def add(self, request: Request, size: int, cost: Cost) -> None:
        """Add a request that takes so many bytes on the wire."""
        label, identity = request.label, request.identity.removeprefix("sha256:")
        self.file.add({"custom_id": identity, "label": label.as_json(), "request": request.as_json()})
        self.requests += 1
        self.bytes += size
        self.slugs.add(label.tool)
        self.cost += cost

    def manifest(self, project: str) -> Manifest:
        """Return the manifest of the intent to submit it."""
        return Manifest(
            name=self.name,
            project=project,
            model=self.model,
            requests=self.requests,
            tools=len(self.slugs),
            bytes=self.bytes,
            likely_usd=None if self.cost.likely is None else plain(self.cost.likely),
            most_usd=None if self.cost.most is None else plain(self.cost.most),
            created_at=now(),
        )


@dataclass
class Drafts:
    """All that would be submitted now."""

    ready: list[Draft] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """What can't be asked, and why: a line a tool, or a request."""

    under_way: int = 0
    """Requests that are left out since a batch that is under way asks them."""

    rejected: int = 0
    """Requests that are left out since their vendor would not have them before."""

    @property
    def requests(self) -> int:
        """How many requests there are."""
        return sum(draft.requests for draft in self.ready)

    @property
    def tools(self) -> int:
        """How many tools they are about."""
        return len({slug for draft in self.ready for slug in draft.slugs})

    @property
    def cost(self) -> Cost:
        """What they cost, at half the price."""
        return sum((draft.cost for draft in self.ready), Cost())


@contextmanager
def drafting(desk: Desk) -> Iterator[_Drafting]:
    """Let drafts be made; what is not submitted by the end is taken away. To be held in a turn of the folder."""
    desk.folder.sweep()
    with ExitStack() as stack:
        yield _Drafting(desk, stack)


@dataclass
class _Drafting:
    """The making of drafts: one file is open a model."""

    desk: Desk
    stack: ExitStack
    drafts: Drafts = field(default_factory=Drafts)
    open: dict[str, Draft] = field(default_factory=dict)
    """The draft of each model that takes the next request."""

    @cached_property
    def alone(self) -> Project:
        """The project without fallbacks, since none is asked in a batch."""
        project = self.desk.project
        return replace(project, settings=project.settings.model_copy(update={"fallbacks": ()}))

    async def of(self, wanted: Wanted) -> Drafts:
        """Return the drafts of all that is wanted and lacking; a tool that can't be asked does not stop the others.

        Raises InputError where a seat is asked of a model whose provider has no batches, or has no key.
        """
        under_way = set(open_identities(self.desk.folder))
        rejected = set() if wanted.again else set(rejected_identities(self.desk.folder))
        for tool in wanted.tools:
            try:
                lacking = await gathered(self.desk.project, tool, wanted.only)
            except InputError as error:
                self.drafts.faults.append(f"{tool.slug}: {error}")
                continue
            for request in lacking:
                self._take(request, under_way, rejected)
        return self.drafts

    def _take(self, request: Request, under_way: set[bytes], rejected: Collection[bytes]) -> None:
        """Put a request into a draft, unless something speaks against it."""
        identity = bytes.fromhex(request.identity.removeprefix("sha256:"))
        if identity in under_way:
            self.drafts.under_way += 1
        elif identity in rejected:
            self.drafts.rejected += 1
        elif self._put(request):
            under_way.add(identity)

    def _put(self, request: Request) -> bool:
        batches = self.desk.batches(request.model)
        limits, size = batches.limits, len(batches.line(request.identity.removeprefix("sha256:"), request)) + 1
        if size > limits.bytes:
            problem = f"takes {size:,} bytes, and a batch at most {limits.bytes:,}; shorten the dossier"
            self.drafts.faults.append(f"{request.label.tool}: {request.label.persona}: {problem}")
            return False
        draft = self.open.get(request.model)
        if draft is None or not draft.has_room(size, limits):
            draft = self.open[request.model] = self._begun(request.model)
        draft.add(request, size, cost_of(self.alone, request))
        return True

    def _begun(self, model: str) -> Draft:
        name = _name(datetime.now(UTC))
        path = self.desk.folder.path / f"{name}.jsonl"
        draft = Draft(name, model, self.stack.enter_context(LineFile(path)))
        self.drafts.ready.append(draft)
        return draft


def _name(at: datetime) -> str:
    """Return a name for a batch that is made at a moment: names sort by time, and no other project has the same."""
    return f"{at:%Y%m%d-%H%M%S}-{at.microsecond:05x}{secrets.token_hex(2)[:3]}"


def cost_of(project: Project, request: Request) -> Cost:
    """Return what a request costs in a batch."""
    at = datetime.now(UTC)
    usual = likely(project, [request], at, is_batched=True)
    return Cost(usual, at_most(project, [request], at, is_batched=True))


def _both(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else one + other
