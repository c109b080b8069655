"""A worker process: the pipes to it, the log of its output, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

from engine import wire
from engine.messages import Event

GRACE_S = 2.0
"""How long a worker may take to exit before it is killed."""
_LOG_LIMIT = 1024 * 1024
_READ_AHEAD = 1024 * 1024


class Process:
    """One worker that runs, or has run."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Use `spawn`."""
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._input = process.stdin
        self._output = process.stdout

    @classmethod
    async def spawn(cls, log: Path) -> Process:
        """Start a process that runs this package's worker, not one in the current folder (-P).

        It leads its own session, so that Ctrl+C at the terminal does not reach it.

        Raises:
            OSError: it cannot be started.
        """
        descriptor = _open_log(log)
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                "engine",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=descriptor,
                start_new_session=True,
                limit=_READ_AHEAD,
            )
        finally:
            os.close(descriptor)
        return cls(process)

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
            wire.BrokenStream: the output is not made of messages.
            OSError, asyncio.IncompleteReadError: the output ended.
        """
        size = wire.length(await self._output.readexactly(wire.LENGTH.size))
        frame = wire.frame(await self._output.readexactly(size))
        return frame.id, wire.event(frame.body)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

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
                process.kill()
        await process.wait()

    async def ended(self) -> str:
        """Wait for, or kill, a worker whose output ended or was broken; say how it ended."""
        try:
            return _how(await asyncio.wait_for(self._process.wait(), GRACE_S))
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
            return "it closed its output"


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


def _how(code: int) -> str:
    """How a process ended."""
    if code >= 0:
        return f"exit code {code}"
    if code == -signal.SIGKILL:
        return "SIGKILL, perhaps because memory ran out"
    names = {number.value: number.name for number in signal.Signals}
    return names.get(-code, f"signal {-code}")
