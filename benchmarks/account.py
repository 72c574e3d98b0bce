"""Account: what vendors grant one account: limits, prompt caches, faults, replies; and what it used of them."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from math import ceil, inf
from random import Random
from typing import Any, Protocol

from buckets import Bucket, Limits
from caching import CHARACTERS, Cache, Prefix, Spent, prefixes
from wire import VENDORS, Asked, Headers, Vendor

from panel.llm.fake import stand_in
from panel.money import LISTED
from panel.request import Block, Request, Usage

FAULTS = ("429", "500", "503", "529", "drop", "hang", "garbage", "cut")
"""Statuses; `drop` hangs up without a word, `hang` says nothing, `garbage` is a page with status 200, and `cut` sends
half of what it promises."""


class Line(Protocol):
    """The way back to who asked."""

    def send(self, status: int, body: object, headers: Headers | None = None, part: float = 1) -> None:
        """Send an answer: text, or anything else as JSON. Of one sent in part, the rest never comes."""

    def hang_up(self) -> None:
        """Close the connection without a word."""


@dataclass(frozen=True)
class Terms:
    """What the server does; each is an option of the command. A limit of 0 is none."""

    latency: float = 0.0
    """Seconds until a reply begins; refusals are sent at once."""

    spread: float = 0.0
    """Sigma of a log-normal distribution whose median is the latency; 0: each reply takes as long."""

    rpm: float = 0.0
    """Requests a minute, for each model."""

    burst: float = 0.0
    """Requests that can come at once; 0: as many as a minute has."""

    input_tpm: float = 0.0
    """Tokens of prompts a minute, of which as many can come at once; at OpenAI tokens of replies count too."""

    output_tpm: float = 0.0
    """Tokens of replies a minute, at Anthropic."""

    told: str = "whole"
    """What headers tell: `none`, Retry-After in `whole` seconds or `exact` ones, in `ms`, or `full`: the limits too."""

    faults: float = 0.0
    """The part of the requests let in that are met with a fault."""

    kinds: str = ",".join(FAULTS)
    """Which faults, drawn with equal chance."""

    seed: int = 1
    """Of latencies and of faults."""

    def limits(self, vendor: Vendor) -> Limits:
        """Return full buckets for one model of a vendor."""
        requests, prompt, output = (
            Bucket(rate, most or rate) if rate else None
            for rate, most in ((self.rpm, self.burst), (self.input_tpm, 0), (self.output_tpm, 0))
        )
        return Limits(requests, prompt, prompt if vendor.pools_tokens else output)


@dataclass
class Seen:
    """What came and what went; times are in seconds since the server began or was reset."""

    requests: list[tuple[float, str]] = field(default_factory=list)
    """Each request with what was decided on it: answered, refused, or a fault."""

    last: float = 0.0
    """When the last reply was sent."""

    waiting: int = 0
    most_at_once: int = 0
    tries: Counter[bytes] = field(default_factory=Counter)
    """How often each prompt came, by its digest."""

    tokens: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """What replies used, by model as `vendor:name`."""

    def as_json(self) -> dict[str, Any]:
        """Return it as the client reads it."""
        met = Counter(what for _, what in self.requests)
        first = self.requests[0][0] if self.requests else 0.0
        models = {name: {**used, **_billed(name, used)} for name, used in self.tokens.items()}
        return {
            "requests": len(self.requests),
            "answered": met.pop("answered", 0),
            "refused": met.pop("refused", 0),
            "faults": dict(met),
            "span_s": max(0.0, self.last - first),
            "most_at_once": self.most_at_once,
            "most_tries": max(self.tries.values(), default=0),
            "models": models,
            "came": self.requests,
            "cpu_s": time.process_time(),
        }


def _billed(name: str, used: Mapping[str, int]) -> dict[str, float | None]:
    """Return the tokens of prompts as billed: each at the vendor's price of its kind over that of a fresh one."""
    prices = [_price(name, kind) for kind in ("input", "cache_read", "cache_write")]
    if not all(prices):
        return {"billed": None}
    weights = [float(price / prices[0]) for price in prices if price and prices[0]]
    counts = (used["fresh"], used["read"], used["written"])
    return {"billed": sum(count * weight for count, weight in zip(counts, weights, strict=True))}


def _price(name: str, kind: str) -> Decimal | None:
    price = LISTED.cost(name, Usage(**{kind: 1000}), datetime.now(UTC))
    return Decimal(price) if price else None


class Account:
    """Decides on each request; what it knows of time comes from `clock`, in seconds."""

    def __init__(self, terms: Terms, clock: Callable[[], float] = time.monotonic) -> None:
        self.terms, self.clock = terms, clock
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.began = self.clock()
        self.seen = Seen()
        self.limits: dict[tuple[str, str], Limits] = {}
        self.caches = {path: Cache(vendor.rules) for path, vendor in VENDORS.items()}
        self.delays, self.chances = Random(f"{self.terms.seed} delays"), Random(f"{self.terms.seed} faults")

    def request(self, line: Line, path: str, body: bytes) -> None:
        """Decide on one request, and see to it that it is answered."""
        vendor = VENDORS.get(path)
        if path == "/counts":
            line.send(200, self.seen.as_json())
        elif path == "/reset":
            self.reset()
            line.send(200, {})
        elif vendor is None:
            line.send(404, {"error": {"message": f"no such path: {path}"}})
        else:
            self._decide(line, vendor, body)

    def _decide(self, line: Line, vendor: Vendor, body: bytes) -> None:
        now = self.clock() - self.began
        try:
            given = json.loads(body)
            asked = vendor.read(given)
            if given.get("stream"):
                raise ValueError("streams are not spoken here")  # noqa: TRY301 - told as the other faults are
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            line.send(400, vendor.error(400, f"can't be understood: {error}"))
            return
        parts = prefixes(asked.scope, asked.parts)
        self.seen.tries[parts[-1].digest] += 1
        spent = self.caches[vendor.path].spent(parts, now)
        limits = self.limits.setdefault((vendor.name, asked.model), self.terms.limits(vendor))
        counted = spent.total if vendor.pools_tokens else spent.total - spent.read
        if wait := limits.wait(counted, now):
            self.seen.requests.append((now, "refused"))
            told = self.told(vendor, limits, now)
            line.send(429, vendor.error(429, "rate limited"), {**told, **waits(self.terms.told, wait)})
            return
        limits.let_in(counted, now)
        call = _Call(self, line, vendor, asked, spent, limits)
        call.take(parts, now)

    def told(self, vendor: Vendor, limits: Limits, now: float) -> dict[str, str]:
        """Return the headers that tell of limits, where these terms have any."""
        return dict(vendor.told(limits, now)) if self.terms.told == "full" else {}

    def chance(self) -> str:
        """Return what becomes of the next request that is let in."""
        if self.chances.random() < self.terms.faults:
            return self.chances.choice(self.terms.kinds.split(","))
        return "answered"

    def delay(self) -> float:
        """Return the seconds until the next reply begins."""
        return self.terms.latency * self.delays.lognormvariate(0, self.terms.spread)


@dataclass(frozen=True)
class _Call:
    """One request that was let in."""

    by: Account
    line: Line
    vendor: Vendor
    asked: Asked
    spent: Spent
    limits: Limits

    def take(self, parts: list[Prefix], now: float) -> None:
        """Draw what becomes of it, and when."""
        seen, fate, delay = self.by.seen, self.by.chance(), self.by.delay()
        seen.requests.append((now, fate))
        if fate in ("answered", "cut"):
            self.by.caches[self.vendor.path].keep(parts, now, now + delay)
        if fate != "hang":
            seen.waiting += 1
            seen.most_at_once = max(seen.most_at_once, seen.waiting)
            asyncio.get_running_loop().call_later(delay, self.end, seen, fate)

    def end(self, seen: Seen, fate: str) -> None:
        """Do what was drawn."""
        seen.waiting -= 1
        if fate == "drop":
            self.line.hang_up()
        elif fate == "garbage":
            self.line.send(200, "<html><body>It works!</body></html>")
        elif fate in ("answered", "cut"):
            self._reply(seen, fate)
        else:
            headers = waits(self.by.terms.told, 1) if fate == "429" else {}
            self.line.send(int(fate), self.vendor.error(int(fate), "a fault that was drawn"), headers)

    def _reply(self, seen: Seen, fate: str) -> None:
        text = take_on(self.asked)
        output = len(text) // CHARACTERS
        used = {"fresh": self.spent.fresh, "read": self.spent.read, "written": self.spent.written, "output": output}
        seen.tokens[f"{self.vendor.name}:{self.asked.model}"].update(used)
        now = self.by.clock() - self.by.began
        self.limits.said(output, now)
        told = self.by.told(self.vendor, self.limits, now)
        body = self.vendor.reply(self.asked.model, text, self.spent, output)
        self.line.send(200, body, told, part=0.5 if fate == "cut" else 1)
        if fate == "answered":
            seen.last = now


def take_on(asked: Asked) -> str:
    """Return a take that passes the gates, by the dossier and the seat of the prompt; a moderation for two tools."""
    form, texts = asked.parts[0].text, [part.text for part in asked.parts[1:]]
    rates = form == "{}" or "ratings" in form
    first = next((text for text in texts if text.startswith("# Dossier" if rates else "# The first")), "")
    seat = next((text for text in reversed(texts) if "(weight " in text), "")
    blocks = tuple(Block.model_construct(text=text) for text in (first, seat))
    return stand_in(
        Request.model_construct(model="fake:ship", blocks=blocks, reply_schema={"ratings": {}} if rates else {})
    )


def waits(told: str, seconds: float) -> Headers:
    """Return the headers that say how long to wait; nothing tells of a wait without end."""
    if told == "none" or seconds == inf:
        return {}
    if told == "ms":
        return {"retry-after-ms": str(ceil(seconds * 1000))}
    return {"retry-after": f"{ceil(seconds * 1e6) / 1e6:f}" if told == "exact" else str(ceil(seconds))}
