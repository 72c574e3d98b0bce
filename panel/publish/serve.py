"""Serve: a preview of the site, on this machine alone."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

from panel.errors import InputError

HOST = "127.0.0.1"


class _Files(SimpleHTTPRequestHandler):
    """Files of the site, with its own page for what is missing."""

    extensions_map = {  # noqa: RUF012 - the base class has it as one that instances share
        **SimpleHTTPRequestHandler.extensions_map,
        ".atom": "application/atom+xml",
        ".json": "application/json",
        ".md": "text/markdown; charset=utf-8",
        ".txt": "text/plain; charset=utf-8",
        ".xml": "application/xml",
    }

    def parse_request(self) -> bool:
        """Return whether a request can be answered: one that a page elsewhere sent under its own name is not."""
        if not super().parse_request():
            return False
        host = self.headers.get("Host", HOST).rpartition(":")[0] or self.headers.get("Host", HOST)
        if host in (HOST, "localhost"):
            return True
        self.send_error(HTTPStatus.FORBIDDEN, "This preview is for this machine alone")
        return False

    def translate_path(self, path: str) -> str:
        """Return the file that is asked for; one out of the folder, a link that leads there too, is missing."""
        root, nowhere = Path(self.directory), str(Path(self.directory) / "404.html" / "nowhere")
        with suppress(ValueError):  # a zero byte
            found = super().translate_path(path)
            is_shown = Path(os.path.realpath(found)).is_relative_to(root) and not Path(found).name.startswith(".")
            return found if is_shown else nowhere
        return nowhere

    def end_headers(self) -> None:
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def list_directory(self, path: str) -> None:  # type: ignore[override]  # noqa: ARG002 - a folder is never listed
        self.send_error(HTTPStatus.NOT_FOUND)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        missing = Path(self.directory) / "404.html"
        if code != HTTPStatus.NOT_FOUND or not missing.is_file():
            super().send_error(code, message, explain)
            return
        content = missing.read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a preview is read in a browser."""


class Preview:
    """A server of one folder on loopback."""

    def __init__(self, folder: Path, port: int) -> None:
        """Take the port; raises InputError where it is taken."""
        folder = Path(os.path.realpath(folder))
        try:
            self._server = ThreadingHTTPServer((HOST, port), partial(_Files, directory=str(folder)))
        except OSError as error:
            raise InputError(
                f"--port {port}: {error.strerror or error}; name another one, or 0 for a free one"
            ) from error

    @property
    def url(self) -> str:
        """Where the site is shown."""
        return f"http://{HOST}:{self._server.server_address[1]}/"

    def run(self) -> None:
        """Serve until somebody presses Ctrl-C."""
        with suppress(KeyboardInterrupt):
            self._server.serve_forever()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.server_close()
