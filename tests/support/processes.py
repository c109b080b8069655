"""Real worker processes for tests, spoken to over their pipes, and libraries put in their way."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from engine import wire
from engine.messages import LAST, Configure, Event, Frame, Ready, Request, Token

WATCHDOG_S = 300.0
"""A worker that sends nothing for as long as this is killed, so that no test waits for ever."""

STUCK = "import threading; threading.Event().wait()"
"""A torch that never ends being imported: whatever needs it waits for ever."""


class Peer:
    """The front's end of a worker's pipes."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None and process.stdout is not None
        self.process = process
        self.stdin = process.stdin
        self.stdout = process.stdout
        self.received: list[tuple[int, Event]] = []
        self._last_id = 0

    def send(self, body: Request) -> int:
        """Send a request; its id."""
        self._last_id += 1
        self.send_bytes(wire.encode(self._last_id, body))
        return self._last_id

    def send_raw(self, request_id: int, body: object) -> None:
        """Send a frame around anything."""
        payload = msgspec.msgpack.encode(
            Frame(request_id, msgspec.Raw(msgspec.msgpack.encode(body)))
        )
        self.send_bytes(wire.LENGTH.pack(len(payload)) + payload)

    def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.stdin.write(data)
        self.stdin.flush()

    def next(self) -> tuple[int, Event]:
        """The next event, whoever it is for; AssertionError when the worker has ended."""
        frame = self._read()
        assert frame is not None, "the worker ended"
        self.received.append((frame.id, wire.event(frame.body)))
        return self.received[-1]

    def rest_of(self, request_id: int) -> list[Event]:
        """What comes for a request, up to its last event."""
        events: list[Event] = []
        while True:
            number, event = self.next()
            if number == request_id:
                events.append(event)
                if isinstance(event, LAST):
                    return events

    def ask(self, body: Request) -> list[Event]:
        """Send a request and read its whole answer."""
        return self.rest_of(self.send(body))

    def first_token(self, request_id: int) -> None:
        """Read until a continuation has produced something."""
        while True:
            number, event = self.next()
            if number == request_id and isinstance(event, Token):
                return

    def until(self, event: Event) -> None:
        """Read until this is broadcast."""
        while self.next() != (0, event):
            pass

    def ended(self) -> int:
        """Wait for the end of the process; its exit code."""
        while self._read() is not None:
            pass
        return self.process.wait()

    def _read(self) -> Frame | None:
        watchdog = threading.Timer(WATCHDOG_S, self.process.kill)
        watchdog.start()
        try:
            return wire.read_frame(self.stdout)
        finally:
            watchdog.cancel()


@contextmanager
def worker(log: Path, environ: Mapping[str, str] = os.environ) -> Iterator[Peer]:
    """A worker process in an environment; its output goes to the log."""
    with (
        log.open("ab") as stderr,
        subprocess.Popen(
            [sys.executable, "-P", "-m", "engine"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environ,
        ) as process,
    ):
        try:
            yield Peer(process)
        finally:
            process.kill()


@contextmanager
def configured(
    log: Path, configure: Configure, environ: Mapping[str, str] = os.environ
) -> Iterator[Peer]:
    """A worker process that is configured."""
    with worker(log, environ) as peer:
        (answer,) = peer.ask(configure)
        assert isinstance(answer, Ready)
        yield peer


def without_torch(folder: Path, source: str = STUCK) -> dict[str, str]:
    """An environment in which a package `torch` of this source hides the real one."""
    package = folder / "torch"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(source)
    return {**os.environ, "PYTHONPATH": str(folder)}
