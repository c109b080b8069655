"""A hub on this machine: as much of its protocol as a pull needs, and the ways it can fail."""

from __future__ import annotations

import hashlib
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "1111111111111111111111111111111111111111"


@dataclass
class Repo:
    """A model repository; files over `lfs_over` bytes are stored as the hub stores large ones."""

    files: dict[str, bytes]
    commit: str = COMMIT
    card: dict[str, object] = field(default_factory=dict)
    lfs_over: int = 10_000
    gated: bool = False
    hashes: bool = True
    sizes: dict[str, int] = field(default_factory=dict)
    """Sizes to claim instead of the true ones."""

    @classmethod
    def of(cls, folder: Path) -> Repo:
        """A repository with the files of a folder."""
        return cls({path.name: path.read_bytes() for path in folder.iterdir()})


@dataclass
class Asked:
    """A request that was made."""

    path: str
    range: str | None
    authorization: str | None


@dataclass
class Hub:
    """The server's contents and conduct, to be changed while it runs."""

    repos: dict[str, Repo] = field(default_factory=dict)
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    cut: dict[str, list[int]] = field(default_factory=dict)
    """For a file, after how many bytes each next answer breaks off."""
    hold: dict[str, int] = field(default_factory=dict)
    """For a file, after how many bytes an answer waits for `go`."""
    held: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)
    lie: dict[str, bytes] = field(default_factory=dict)
    """For a file, what is sent in place of its content."""

    def files_asked(self, name: str) -> list[Asked]:
        """The requests for one file, redirections to its storage left out."""
        return [asked for asked in self.asked if asked.path.endswith(f"/{COMMIT}/{name}")]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(
            Asked(path, self.headers.get("Range"), self.headers.get("Authorization"))
        )
        match path.split("/")[1:]:
            case ["api", "models", owner, name, *rest]:
                self._describe(f"{owner}/{name}", rest)
            case [owner, name, "resolve", commit, *file]:
                self._resolve(f"{owner}/{name}", commit, "/".join(file))
            case ["storage", owner, name, *file]:
                content = self.hub.repos[f"{owner}/{name}"].files["/".join(file)]
                self._send("/".join(file), content)
            case _:
                self._fail(404, "EntryNotFound")

    def _describe(self, repo_id: str, rest: list[str]) -> None:
        repo = self.hub.repos.get(repo_id)
        if repo is None:
            self._fail(401, "RepoNotFound")
        elif repo.gated and not self.headers.get("Authorization"):
            self._fail(401, "GatedRepo")
        elif rest and rest != ["revision", repo.commit]:
            self._fail(404, "RevisionNotFound")
        else:
            body = {
                "id": repo_id,
                "modelId": repo_id,
                "sha": repo.commit,
                "cardData": repo.card,
                "siblings": [self._sibling(repo, name) for name in repo.files],
            }
            self._answer(json.dumps(body).encode())

    def _sibling(self, repo: Repo, name: str) -> dict[str, object]:
        content = repo.files[name]
        sibling: dict[str, object] = {
            "rfilename": name,
            "size": repo.sizes.get(name, len(content)),
        }
        if repo.hashes:
            header = f"blob {len(content)}\0".encode()
            sibling["blobId"] = hashlib.sha1(header + content).hexdigest()
            if len(content) > repo.lfs_over:
                sha256 = hashlib.sha256(content).hexdigest()
                sibling["lfs"] = {"sha256": sha256, "size": len(content), "pointerSize": 130}
        return sibling

    def _resolve(self, repo_id: str, commit: str, name: str) -> None:
        repo = self.hub.repos[repo_id]
        if commit != repo.commit or name not in repo.files:
            self._fail(404, "EntryNotFound")
        elif len(repo.files[name]) > repo.lfs_over:
            self.send_response(302)
            self.send_header("Location", f"{self.hub.url}/storage/{repo_id}/{name}")
            self.send_header("X-Repo-Commit", repo.commit)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._send(name, repo.files[name])

    def _send(self, name: str, content: bytes) -> None:
        content = self.hub.lie.get(name, content)
        start = 0
        if wanted := self.headers.get("Range"):
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        body = content[start:]
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(body)))
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if cuts := self.hub.cut.get(name):
            self.wfile.write(body[: cuts.pop(0)])
            self.close_connection = True
        elif name in self.hub.hold:
            after = self.hub.hold[name]
            self.wfile.write(body[:after])
            self.wfile.flush()
            self.hub.held.set()
            self.hub.go.wait(60)
            self.wfile.write(body[after:])
        else:
            self.wfile.write(body)

    def _fail(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object, **kwargs: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed in mid-transfer is no error here."""


@contextmanager
def serve(repos: dict[str, Repo] | None = None, certificate: Path | None = None) -> Iterator[Hub]:
    """Run a hub, empty or with these repositories, on a free port of this machine.

    With a certificate (a PEM file with its key) it speaks TLS.
    """
    hub = Hub(repos or {})
    handler = type("Handler", (_Handler,), {"hub": hub})
    with _Server(("127.0.0.1", 0), handler) as server:
        scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            scheme = "https"
        hub.url = f"{scheme}://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield hub
        finally:
            hub.go.set()
            server.shutdown()
            thread.join()
