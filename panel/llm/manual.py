"""Manual: a Model that is a person with a chat window. Requests go to an outbox, replies come from an inbox."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from panel.document import read_text
from panel.errors import InputError, Waiting
from panel.files import write_whole
from panel.llm.model import said
from panel.request import Reply, Request

ENDINGS = (".md", ".txt", ".json")


@dataclass(frozen=True)
class Manual:
    """A Model whose replies somebody pastes."""

    folder: Path
    """Holds `outbox/` and `inbox/`."""

    sheet: Callable[[Request, str], str]
    """Renders a request for a person; the second argument is where the answer belongs."""

    async def ask(self, request: Request) -> Reply:
        """Return the pasted reply; raises Waiting, after writing the request to the outbox, where there is none yet."""
        kind = "repair" if request.is_repair else "ask"
        name = f"{request.label.tool}-{request.label.persona}-{kind}-{request.identity.removeprefix('sha256:')[:8]}"
        inbox, outbox = self.folder / "inbox", self.folder / "outbox" / f"{name}.md"
        for path in (inbox / f"{name}{ending}" for ending in ENDINGS):
            if path.is_file():
                text = read_text(path, InputError).strip()
                if text:
                    return said(text, request.model)
        answer = inbox / f"{name}.md"
        write_whole(outbox, f"{self.sheet(request, str(answer))}\n".encode())
        inbox.mkdir(parents=True, exist_ok=True)
        again = ", since the first reply needs mending" if request.is_repair else ""
        raise Waiting(f"waiting for a person{again}: answer outbox/{outbox.name} in inbox/{answer.name}")
