"""Serve: the preview is for this machine alone, and shows the site and nothing else of the disk."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPResponse
from threading import Thread

import pytest
from published import House, three

from panel.errors import InputError
from panel.publish import serve
from panel.publish.serve import HOST, Preview

SECRET = "the key of the house"


class Open:
    """A preview that is running, and somebody who asks it."""

    def __init__(self, house: House) -> None:
        self.house, self.preview = house, Preview(house.out, 0)
        self.thread = Thread(target=self.preview.run)
        self.thread.start()

    @property
    def port(self) -> int:
        """The port that it took."""
        return int(self.preview.url.rstrip("/").rsplit(":", 1)[1])

    def ask(self, path: str, method: str = "GET") -> tuple[int, Mapping[str, str], bytes]:
        """Return status, headers and body for a path that is sent as it is."""
        line = HTTPConnection(HOST, self.port, timeout=10)
        line.putrequest(method, path, skip_host=True)
        line.endheaders()
        answer: HTTPResponse = line.getresponse()
        body = answer.read()
        line.close()
        return answer.status, {key.lower(): value for key, value in answer.getheaders()}, body

    def say(self, text: bytes) -> bytes:
        """Return what comes back for a request that is no request."""
        with socket.create_connection((HOST, self.port), timeout=10) as line:
            line.sendall(text)
            line.shutdown(socket.SHUT_WR)
            return line.makefile("rb").read()

    def close(self) -> None:
        """End it."""
        self.preview._server.shutdown()
        self.thread.join(timeout=10)
        self.preview.__exit__()


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    """A site that is served, with a secret beside it, links to that, and a folder without a page."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("panel.publish.build.has_letters", lambda: False)
        monkeypatch.setattr("os.fsync", lambda _: None)
        house = three(House(tmp_path_factory.mktemp("served")))
        house.built()
    house.path("secret.txt").write_text(SECRET)
    (house.folder / "site-other").mkdir()
    (house.folder / "site-other/secret.txt").write_text(SECRET)
    (house.out / "link").symlink_to(house.folder / "site-other")
    (house.out / "linked.txt").symlink_to(house.path("secret.txt"))
    (house.out / "loop").symlink_to("loop")
    (house.out / "empty").mkdir()
    (house.out / "empty/unlinked.txt").write_text("found by nobody")
    running = Open(house)
    yield running
    running.close()


def test_the_preview_is_for_this_machine_alone(shown: Open) -> None:
    """The server listens on loopback and nowhere else."""
    assert ("127.0.0.1", shown.port) == shown.preview._server.server_address[:2]
    assert "127.0.0.1" == HOST
    assert f"http://127.0.0.1:{shown.port}/" == shown.preview.url


def test_every_file_of_the_site_comes_with_its_type(shown: Open) -> None:
    """Each file is served as what it is, is not kept, and its type is not guessed."""
    types = {"html": "text/html", "atom": "application/atom+xml", "md": "text/markdown; charset=utf-8"}
    types |= {"json": "application/json", "txt": "text/plain; charset=utf-8", "xml": "application/xml"}
    for name, content in shown.house.site().items():
        if name == "linked.txt":
            continue
        status, headers, body = shown.ask(f"/{name}")

        assert (200, content) == (status, body)
        assert types[name.rsplit(".", 1)[1]] == headers["content-type"]
        assert ("nosniff", "no-store") == (headers["x-content-type-options"], headers["cache-control"])


def test_a_folder_shows_its_page(shown: Open) -> None:
    """The address of a page is its folder; without the slash it leads there."""
    assert shown.house.text("tools/alpha/index.html").encode() == shown.ask("/tools/alpha/")[2]
    status, headers, _ = shown.ask("/tools/alpha")
    assert (301, "/tools/alpha/") == (status, headers["location"].removeprefix(shown.preview.url.rstrip("/")))
    assert (200, b"") == (shown.ask("/", "HEAD")[0], shown.ask("/", "HEAD")[2])


MISSING = ["/nowhere", "/tools/nobody/", "/index.html/", "/tools/alpha/index.html/x", "/%FF", "/" + "x" * 300]


@pytest.mark.parametrize("path", MISSING)
def test_what_is_missing_is_told_by_the_site(shown: Open, path: str) -> None:
    """Where there is no page, the site's own comes with status 404, without a body where only the head is asked for."""
    status, headers, body = shown.ask(path)

    assert (404, shown.house.site()["404.html"]) == (status, body)
    assert ("text/html; charset=utf-8", str(len(body))) == (headers["content-type"], headers["content-length"])
    assert (404, b"") == (shown.ask(path, "HEAD")[0], shown.ask(path, "HEAD")[2])


@pytest.mark.parametrize("path", ["/categories/", "/empty/", "/tools/%2e%2e/empty/"])
def test_no_folder_is_listed(shown: Open, path: str) -> None:
    """A folder without a page shows nothing of what is in it."""
    status, _, body = shown.ask(path)

    assert (404, False, False) == (status, b"unlinked" in body, b"builders" in body)


OUTSIDE = [
    "/../secret.txt",
    "/..%2fsecret.txt",
    "/%2e%2e/secret.txt",
    "/%2e%2e%2fsecret.txt",
    "/tools/../../secret.txt",
    "/tools/%2e%2e/%2e%2e/secret.txt",
    "/..%5csecret.txt",
    "/....//secret.txt",
    "//secret.txt",
    "///../secret.txt",
    "/../site-other/secret.txt",
    "/%00",
    "/index.html%00.png",
    "/%00/../../secret.txt",
    "/link/secret.txt",
    "/linked.txt",
    "/loop",
    "/%2e/",
    "secret.txt",
    "/\xff",
]


@pytest.mark.parametrize("path", OUTSIDE)
def test_no_path_leads_out_of_the_folder(shown: Open, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """However a path climbs, or whatever a link in the site leads to, nothing else is shown; and the server goes on."""
    answer = shown.say(f"GET {path} HTTP/1.0\r\n\r\n".encode("latin-1"))

    assert answer.startswith(b"HTTP/1.0 200" if path == "/%2e/" else b"HTTP/1.0 404")
    assert SECRET.encode() not in answer
    assert ("", 200) == (capsys.readouterr().err, shown.ask("/")[0])


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"])
def test_nothing_can_be_changed(shown: Open, method: str) -> None:
    """The preview answers questions and takes nothing."""
    before = shown.house.site()

    assert 501 == shown.ask("/index.html", method)[0]
    assert before == shown.house.site()


def test_a_preview_without_a_site_says_that_nothing_is_there(house: House) -> None:
    """A folder that has no page for what is missing answers 404 all the same."""
    running = Open(house)
    status, _, body = running.ask("/")
    running.close()

    assert (404, True) == (status, b"Not Found" in body or b"not found" in body.lower())


def test_a_taken_port_is_told(house: House) -> None:
    """A port that somebody else has is refused with what to do, before anything is built."""
    house.published("alpha")
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(InputError, match=f"--port {port}: .*; name another one, or 0 for a free one"):
            Preview(house.out, port)
        said = house.refused("publish", "--serve", "--port", str(port))

    assert (True, 1) == (f"--port {port}: " in said, said.count("\n"))
    assert not house.out.exists()


def test_the_command_builds_and_serves(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --serve the site is built, for its own address or for none, and served; no file names the preview."""
    served: list[str] = []
    monkeypatch.setattr(Preview, "run", lambda self: served.append(self.url))
    house.published("alpha")
    house.path("panel.toml").write_text("")
    printed = house.done("publish", "--serve", "--port", "0", "--workers", "1")

    assert f"{served[0]} shows it, to this machine alone; Ctrl-C ends it" in printed
    assert "no feeds, no sitemap, no cards: they need an address" in printed
    assert not [name for name in house.site() if name.startswith(("cards/", "sitemap")) or name.endswith(".atom")]
    before = [name for name, content in house.site().items() if b"127.0.0.1" in content or b"localhost" in content]
    house.path("panel.toml").write_text('[site]\nurl = "https://panel.example"\n')
    house.done("publish", "--serve", "--port", "0", "--workers", "1")
    assert "https://panel.example/tools/alpha/" in house.text("sitemap.xml")
    assert ("feeds/all.atom" in house.site(), 2) == (True, len(served))
    named = [name for name, content in house.site().items() if b"127.0.0.1" in content or b"localhost" in content]
    assert [] == [*before, *named]


def test_a_build_that_fails_leaves_the_port(house: House) -> None:
    """Where the site can't be built nothing is served, and the port is free again."""
    house.kept("alpha").parent.mkdir(parents=True)
    house.kept("alpha").write_text("{")
    with socket.socket() as other:
        other.bind((HOST, 0))
        port = other.getsockname()[1]
    assert "is not JSON" in house.refused("publish", "--serve", "--port", str(port))

    with Preview(house.out, port) as preview:
        assert f"http://127.0.0.1:{port}/" == preview.url


def test_ctrl_c_ends_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends the preview without an error, and gives its port back."""

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(serve.ThreadingHTTPServer, "serve_forever", interrupted)
    with Preview(house.out, 0) as preview:
        preview.run()

    assert -1 == preview._server.socket.fileno()
