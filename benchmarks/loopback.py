"""Loopback: a server on this machine that stands in for both vendors, with latency, limits, faults and prompt caches.

    python benchmarks/loopback.py --latency 0.2 --rpm 3000 --burst 50 --told whole

It prints its address and serves until its standard input ends. `GET /counts` tells what it saw, as JSON, and
`POST /reset` forgets it, limits and caches included. Anthropic's messages, OpenAI's responses and chat completions are
answered with takes that pass Panel's gates and say nothing. Connections are kept; requests on one come one by one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, fields
from http.client import HTTPConnection, responses
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from account import Account, Terms
from wire import Headers

ROOT = Path(__file__).parent.parent
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Connection(asyncio.Protocol):
    """One connection of a client: takes requests apart and puts answers together."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.buffer = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """Forget the way back."""
        self.transport = None

    def data_received(self, data: bytes) -> None:
        """Go on once a request is whole."""
        self.buffer += data
        head, gap, rest = self.buffer.partition(b"\r\n\r\n")
        found = _LENGTH.search(head)
        length = int(found[1]) if found else 0
        if gap and len(rest) >= length:
            self.buffer = rest[length:]
            self.account.request(self, head.split(b" ", 2)[1].decode(), rest[:length])

    def send(self, status: int, body: object, headers: Headers | None = None, part: float = 1) -> None:
        """Send an answer: text, or anything else as JSON. Of one sent in part, the rest never comes."""
        if self.transport is None:
            return
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        kind = "text/html" if isinstance(body, str) else "application/json"
        given = {"content-type": kind, "content-length": len(data), **(headers or {})}
        lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        head = f"HTTP/1.1 {status} {responses.get(status, 'Overloaded')}\r\n{lines}\r\n"
        self.transport.write(head.encode() + data[: int(len(data) * part)])
        if part < 1:
            self.transport.close()

    def hang_up(self) -> None:
        """Close the connection without a word."""
        if self.transport:
            self.transport.abort()


async def serving(account: Account) -> tuple[asyncio.Server, str]:
    """Begin to serve on a port of this machine that is free; return what can be closed, and the address."""
    listener = await asyncio.get_running_loop().create_server(lambda: Connection(account), "127.0.0.1", 0)
    return listener, f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"


async def serve(terms: Terms) -> None:
    """Serve until standard input ends."""
    listener, url = await serving(Account(terms))
    print(url, flush=True)
    async with listener:
        await asyncio.to_thread(sys.stdin.read)


class Loopback:
    """The server in a process of its own."""

    def __init__(self, terms: Terms) -> None:
        options = [f"--{name.replace('_', '-')}={value}" for name, value in asdict(terms).items()]
        self.process = subprocess.Popen(
            [sys.executable, __file__, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=with_panel(os.environ),
        )

    def __enter__(self) -> Self:
        assert self.process.stdout
        self.url = self.process.stdout.readline().strip()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.communicate()

    def counts(self) -> dict[str, Any]:
        """Return what the server saw."""
        return self._said("GET", "/counts")

    def reset(self) -> None:
        """Have the server forget what it saw."""
        self._said("POST", "/reset")

    def _said(self, method: str, path: str) -> dict[str, Any]:
        line = HTTPConnection(self.url.removeprefix("http://"))
        line.request(method, path)
        said: dict[str, Any] = json.loads(line.getresponse().read())
        line.close()
        return said


def with_panel(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which `import panel` finds this tree."""
    return {**environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), environ.get("PYTHONPATH"))))}


def main() -> None:
    """Read the terms and serve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for each in fields(Terms):
        parser.add_argument(f"--{each.name.replace('_', '-')}", type=type(each.default), default=each.default)
    asyncio.run(serve(Terms(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
