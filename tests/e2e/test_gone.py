"""A terminal that goes away without a signal: the far side of ssh dies, a shell is killed."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from tests.support.terminal import PROGRAM, environment, opened


class Line:
    """A terminal that belongs to no session, so that its end sends no signal."""

    def __init__(self) -> None:
        self.near, self.far = pty.openpty()
        fcntl.ioctl(self.far, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

    def wait(self, drawn: str) -> None:
        """Read until this has been drawn."""
        seen = b""
        while drawn.encode() not in seen:
            seen += os.read(self.near, 65536)

    def close(self) -> None:
        """Leave what is at the far end without a terminal."""
        for end in (self.near, self.far):
            with suppress(OSError):
                os.close(end)


@contextmanager
def started(
    command: list[str], home: dict[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], Line]]:
    with closing(Line()) as line:
        leader = subprocess.Popen(
            command,
            env=home,
            stdin=line.far,
            stdout=line.far,
            stderr=line.far,
            start_new_session=True,
        )
        try:
            yield leader, line
        finally:
            leader.kill()
            leader.wait()


def remaining(processes: list[psutil.Process], seconds: float = 60) -> list[psutil.Process]:
    """Those that do not end within so long; they are killed."""
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    for process in alive:
        process.kill()
    return alive


@pytest.mark.parametrize("end", ["the terminal is closed", "the shell around it is killed"])
def test_the_app_saves_and_ends_with_its_worker(tmp_path: Path, end: str) -> None:
    home = environment(tmp_path)
    with started(["sh", "-c", f"{PROGRAM}; true"], home) as (shell, line):
        line.wait("on disk")
        os.write(line.near, b" and unsent")
        line.wait("unsent")
        (app,) = psutil.Process(shell.pid).children()
        processes = [app, *app.children(recursive=True)]
        assert len(processes) > 1
        if end == "the terminal is closed":
            line.close()
        else:
            shell.kill()
            line.wait("\x1b[?1049l")  # the terminal is still there, and is left as it was found
        assert remaining(processes) == []
    with opened(home) as terminal:
        terminal.wait("and unsent")
        terminal.press("ctrl+q")
        assert terminal.ended() == 0
