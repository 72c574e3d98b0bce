"""Host: serves a folder of files on this machine as hosts of static pages do, and keeps every path it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Self
from urllib.parse import unquote, urlsplit

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".atom": "application/atom+xml",
    ".xml": "application/xml",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}


class Host:
    """The server; a folder is its index.html, and what is not there is 404.html."""

    def __init__(self, folder: Path, headers: Mapping[str, str] | None = None) -> None:
        self.folder = folder.resolve()
        self.headers = headers or {}
        """Sent with everything."""

        self.asked: list[str] = []
        """Every path that was asked for, in its order."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True)

    @property
    def url(self) -> str:
        """Where it listens, with a slash at its end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, target: str) -> tuple[HTTPStatus, str, bytes]:
        """Return the status, the type and the content of what is asked for; of a folder without its slash, where it is.

        Nothing outside the folder is served.
        """
        self.asked.append(target)
        path = unquote(urlsplit(target).path)
        file = (self.folder / path.lstrip("/")).resolve()
        if file.is_dir() and not path.endswith("/"):
            return HTTPStatus.MOVED_PERMANENTLY, "text/plain", f"{urlsplit(target).path}/".encode()
        file = file / "index.html" if file.is_dir() else file
        if file.is_file() and file.is_relative_to(self.folder):
            return HTTPStatus.OK, TYPES.get(file.suffix, "application/octet-stream"), file.read_bytes()
        missing = self.folder / "404.html"
        return HTTPStatus.NOT_FOUND, TYPES[".html"], missing.read_bytes() if missing.is_file() else b"nothing here"


def _handler(host: Host) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, content = host.answer(self.path)
            moved = status == HTTPStatus.MOVED_PERMANENTLY
            try:
                self.send_response(status)
                for name, value in {"content-type": kind, "content-length": str(len(content)), **host.headers}.items():
                    self.send_header(name, value)
                if moved:
                    self.send_header("location", content.decode())
                self.end_headers()
                self.wfile.write(content)
            except ConnectionError:  # the browser went on to another page
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler
