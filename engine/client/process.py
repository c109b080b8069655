"""A worker process: the pipes to it, the log of its output, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence
from pathlib import Path

from engine import wire
from engine.messages import Event, Message

GRACE_S = 2.0
"""How long a worker may take to exit before it is killed."""
_LOG_LIMIT = 1024 * 1024
_READ_AHEAD = 1024 * 1024
_NOT_FOUND = 127
"""The exit code of shells, and of ssh after them."""
_LINE_S = 0.2
"""How long to wait for the rest of a line that is no message."""
_LAST_WORDS = 1024
"""How many bytes at the end of the log can be its last line."""


class Process:
    """One worker that runs, or has run."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path, logged: int) -> None:
        """Use `spawn`."""
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._input = process.stdin
        self._output = process.stdout
        self._log = log
        self._logged = logged
        """The size of the log before this process wrote to it."""

    @classmethod
    async def spawn(cls, program: Sequence[str], log: Path) -> Process:
        """Start a program that is a worker, or leads to one.

        It leads its own session, so that Ctrl+C at the terminal does not reach it.

        Raises:
            OSError: it cannot be started.
        """
        descriptor = _open_log(log)
        logged = os.fstat(descriptor).st_size
        try:
            process = await asyncio.create_subprocess_exec(
                *program,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=descriptor,
                start_new_session=True,
                limit=_READ_AHEAD,
            )
        finally:
            os.close(descriptor)
        return cls(process, log, logged)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def write(self, frame: bytes) -> None:
        """Send a frame."""
        self._input.write(frame)

    async def read(self) -> tuple[int, Event]:
        """The next event, and the id of the request that it answers.

        Raises:
            wire.BrokenStream: the output is not made of messages; says how it begins.
            OSError, asyncio.IncompleteReadError: the output ended.
        """
        header = await self._output.readexactly(wire.LENGTH.size)
        try:
            size = wire.length(header)
        except wire.BrokenStream as error:
            raise wire.BrokenStream(await self._line(header)) from error
        frame = wire.frame(await self._output.readexactly(size))
        return frame.id, wire.event(frame.body)

    async def _line(self, begun: bytes) -> str:
        """A line of output that is no message, as far as it has come."""
        with contextlib.suppress(TimeoutError):
            begun += await asyncio.wait_for(self._output.read(_LAST_WORDS), _LINE_S)
        return begun.decode(errors="replace").partition("\n")[0]

    def kill(self) -> None:
        """End it at once, with what it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def stop(self) -> None:
        """Ask it to exit, and wait until it has; one that takes too long is killed."""
        process = self._process
        if process.returncode is not None:
            return
        self._input.close()
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), GRACE_S)
        finally:  # also when the caller is cancelled
            if process.returncode is None:
                self.kill()
        await process.wait()

    async def ended(self) -> Message:
        """Wait for, or kill, a worker whose output ended or was broken; say how it ended."""
        try:
            return _how(await asyncio.wait_for(self._process.wait(), GRACE_S))
        except TimeoutError:
            self.kill()
            await self._process.wait()
            return Message.of("reason.closed_output")

    @property
    def not_found(self) -> bool:
        """Whether a shell ended it because there is no such program."""
        return self._process.returncode == _NOT_FOUND

    def last_words(self) -> str:
        """The last line that it wrote to the log, such as an error of ssh; empty without one."""
        with contextlib.suppress(OSError), self._log.open("rb") as log:
            log.seek(max(self._logged, log.seek(0, os.SEEK_END) - _LAST_WORDS))
            lines = log.read().decode(errors="replace").split("\n")
            return next((line.strip() for line in reversed(lines) if line.strip()), "")
        return ""


def make_way(log: Path) -> None:
    """Create the log's folder, and rotate a log that has grown too large."""
    with contextlib.suppress(OSError):
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > _LOG_LIMIT:
            log.replace(log.with_name(log.name + ".1"))


def _open_log(log: Path) -> int:
    """Open the log, or the null device if it cannot be written."""
    try:
        return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK, 0o600)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)


def _how(code: int) -> Message:
    """How a process ended."""
    if code >= 0:
        return Message.of("reason.exit_code", code=code)
    if code == -signal.SIGKILL:
        return Message.of("reason.killed")
    names = {number.value: number.name for number in signal.Signals}
    return Message.of("reason.signal", signal=names.get(-code, -code))
