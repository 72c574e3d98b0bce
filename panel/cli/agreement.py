"""Agreement: nothing that costs money is begun before somebody says yes."""

from __future__ import annotations

import sys

import typer

from panel.errors import InputError


def agreed(yes: bool, what: str) -> bool:
    """Return whether somebody says yes; raises InputError where nobody can."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise InputError("there is no terminal to agree in: add --yes")
    return typer.confirm(f"{what}?")
