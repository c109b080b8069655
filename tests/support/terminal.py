"""The installed app in a pseudo-terminal, with a terminal emulator that shows its screen."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pexpect
import psutil
import pyte

PROGRAM = str(Path(sys.executable).with_name("tsuzuki"))
PATIENCE_S = 300.0
"""No measure of anything: only what keeps a test from hanging for ever."""

KEYS = {
    "enter": "\r",
    "escape": "\x1b",
    "f1": "\x1bOP",
    "f2": "\x1bOQ",
    "f3": "\x1bOR",
    "f4": "\x1bOS",
    "f6": "\x1b[17~",
    "f8": "\x1b[19~",
    "f10": "\x1b[21~",
    "shift+tab": "\x1b[Z",
    "right": "\x1b[C",
    "up": "\x1b[A",
    "ctrl+c": "\x03",
    "ctrl+n": "\x0e",
    "ctrl+p": "\x10",
    "ctrl+q": "\x11",
}


class Terminal:
    """What a person sees and types."""

    def __init__(
        self,
        environment: Mapping[str, str],
        columns: int = 80,
        rows: int = 24,
        command: Sequence[str] = (PROGRAM,),
    ) -> None:
        self.child = pexpect.spawn(
            command[0],
            list(command[1:]),
            env=dict(environment),
            dimensions=(rows, columns),
            timeout=PATIENCE_S,
            encoding=None,
        )
        self.raw = b""
        """All that was sent to the terminal."""
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def text(self) -> str:
        """The screen as lines; a wide character appears once."""
        return "\n".join(
            "".join(line[column].data for column in range(self._screen.columns)).rstrip()
            for line in (self._screen.buffer[row] for row in range(self._screen.lines))
        )

    def press(self, *keys: str) -> None:
        for key in keys:
            self.child.send(KEYS.get(key, key).encode())

    def resize(self, columns: int, rows: int) -> None:
        """Make the window another size."""
        self._screen.resize(rows, columns)
        self.child.setwinsize(rows, columns)

    def read(self) -> None:
        """Take in what the app has drawn since, if anything."""
        with contextlib.suppress(pexpect.TIMEOUT):
            drawn: bytes = self.child.read_nonblocking(65536, timeout=0.1)  # type: ignore[assignment]
            self.raw += drawn
            self._stream.feed(drawn)

    def skim(self, wanted: bytes) -> None:
        """Read until these bytes come; the screen, which takes time, is emulated only then."""
        drawn, end = b"", time.monotonic() + PATIENCE_S
        while wanted not in drawn:
            assert time.monotonic() < end, f"{wanted!r} did not appear"
            with contextlib.suppress(pexpect.TIMEOUT):
                drawn += self.child.read_nonblocking(65536, timeout=0.1)  # type: ignore[operator]
        self.raw += drawn
        self._stream.feed(drawn)

    def wait(self, *texts: str) -> str:
        """Read until all these texts are on the screen at once; return it."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            self.read()
            if all(text in self.text for text in texts):
                return self.text
        raise AssertionError(f"{texts} did not appear in:\n{self.text}")

    def ended(self) -> int:
        """Wait for the end of the app; return its exit status."""
        with contextlib.suppress(pexpect.EOF):
            while True:
                self.read()
        self.child.close()
        return -1 if self.child.exitstatus is None else self.child.exitstatus

    def close(self) -> None:
        """Kill the app if it still runs, and wait until it is gone.

        pexpect's own way gives up after a tenth of a second, which is little on a busy machine.
        """
        if self.child.isalive():
            self.child.kill(signal.SIGKILL)
            self.child.wait()
        self.child.close()

    def workers(self) -> list[psutil.Process]:
        """The engine's processes."""
        return [
            child
            for child in psutil.Process(self.child.pid).children(recursive=True)
            if child.cmdline()[-2:] == ["-m", "engine"]
        ]


@contextlib.contextmanager
def opened(environment: Mapping[str, str], *arguments: str) -> Iterator[Terminal]:
    terminal = Terminal(environment, command=[PROGRAM, *arguments])
    try:
        yield terminal
    finally:
        terminal.close()


def environment(home: Path, **more: str) -> dict[str, str]:
    """Empty folders of its own, and a terminal as people have them."""
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "SSH_CONNECTION")}
    own = {f"TSUZUKI_{kind}_HOME": str(home / kind.lower()) for kind in ("CONFIG", "STATE", "DATA")}
    return kept | own | {"TERM": "xterm-256color", "LANG": "C.UTF-8"} | more
