"""Pipes: what becomes of output that nobody reads any more."""

from __future__ import annotations

import os
from typing import IO


def silence(stream: IO[str]) -> None:
    """Send what is still written to `stream` nowhere, so that the program ends without a complaint about it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
