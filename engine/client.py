"""The front's side of the wire: starts the worker, watches it, and starts it again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Literal

import msgspec

from engine import wire
from engine.messages import LAST, Cancel, Configure, Done, Error, Event, Ready, Request

EngineState = Literal["starting", "ready", "restarting", "dead", "stopped"]
"""``restarting``: the worker died, all models left memory, a new one is on its way. ``dead``: it
died too often, or refused to serve; nothing more will come."""

DEATHS = 3
WINDOW_S = 60.0
"""So many deaths within so many seconds, and the worker is not started again."""

GRACE_S = 2.0
"""How long a worker that was told to end may take before it is killed."""

_LOG_LIMIT = 1024 * 1024
_READ_AHEAD = 1024 * 1024


class Answer(AsyncIterator[Event]):
    """The events that answer one request, the last one being one of `engine.messages.LAST`.

    Leave it early through `aclose` (`contextlib.aclosing`), so that the engine stops working on
    it. Cancelling the asyncio task that waits for an event does the same.
    """

    def __init__(self, cancel: Callable[[], None]) -> None:
        self._cancel = cancel
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._over = False

    def cancel(self) -> None:
        """Ask the engine to stop; what is under way still comes, then the last event."""
        if not self._over:
            self._cancel()

    async def aclose(self) -> None:
        """Stop, and take no more events."""
        self.cancel()
        self._over = True

    async def __anext__(self) -> Event:
        """The next event, as it comes."""
        if self._over:
            raise StopAsyncIteration
        try:
            event = await self._events.get()
        except asyncio.CancelledError:
            await self.aclose()
            raise
        self._over = isinstance(event, LAST)
        return event

    def put(self, event: Event) -> None:
        """Take an event from the engine."""
        self._events.put_nowait(event)


class Engine:
    """A worker process and the conversation with it, for one asyncio loop.

    A worker that dies is started again and configured as before. Requests that were under way end
    with an `Error` of kind ``worker_died``; those made meanwhile wait for the new one.
    """

    def __init__(
        self,
        configure: Configure,
        log: Path,
        on_event: Callable[[Event], None],
        on_state: Callable[[EngineState, Error | None], None],
    ) -> None:
        """Use `start`."""
        self._configure = configure
        self._log = log
        self._on_event = on_event
        self._on_state = on_state
        self._state: EngineState = "starting"
        self._failure: Error | None = None
        self._last_id = 0
        self._answers: dict[int, Answer] = {}
        self._unsent: dict[int, Request] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._supervisor: asyncio.Task[None] | None = None

    @classmethod
    async def start(
        cls,
        configure: Configure,
        log: Path,
        on_event: Callable[[Event], None] = lambda event: None,
        on_state: Callable[[EngineState, Error | None], None] = lambda state, error: None,
    ) -> Engine:
        """Start a worker. Requests can be made at once; they wait until it is ready.

        Args:
            configure: how the worker should be set up, now and after each restart.
            log: file for all that the worker and its libraries say; grows to a megabyte or so.
            on_event: called in the loop with the events for everybody, `ModelState` and `Memory`.
            on_state: called in the loop on each change, with the reason when it is a bad one.

        Raises:
            OSError: the log cannot be written or the process cannot be started.
        """
        engine = cls(configure, log, on_event, on_state)
        _make_way(log)
        process = await engine._spawn()
        engine._supervisor = asyncio.create_task(engine._supervise(process), name="engine")
        return engine

    @property
    def state(self) -> EngineState:
        """How the worker is."""
        return self._state

    @property
    def alive(self) -> bool:
        """Whether requests are, or will be, answered by a worker."""
        return self._state not in {"dead", "stopped"}

    @property
    def pid(self) -> int | None:
        """The worker's process id, for a person who wants to look at it."""
        return self._process.pid if self._process is not None else None

    def request(self, body: Request) -> Answer:
        """Ask something. The answer can be iterated once, from this loop."""
        self._last_id += 1
        request_id = self._last_id
        answer = Answer(lambda: self._cancel(request_id))
        if not self.alive:
            answer.put(self._failure or Done(finish="cancelled"))
        else:
            self._answers[request_id] = answer
            if self._state == "ready":
                self._write(request_id, body)
            else:
                self._unsent[request_id] = body
        return answer

    async def stop(self) -> None:
        """End the worker and all answers: within moments, whatever it is doing."""
        self._become("stopped")
        if self._supervisor is not None:
            self._supervisor.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._supervisor
        process = self._process
        if process is not None and process.returncode is None:
            assert process.stdin is not None
            process.stdin.close()
            try:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), GRACE_S)
            finally:  # also when whoever stops us is in a hurry
                if process.returncode is None:
                    process.kill()
            await process.wait()
        self._end_answers(Done(finish="cancelled"))

    async def _spawn(self) -> asyncio.subprocess.Process:
        """Start a process that runs this package's worker, wherever the user stands (-P).

        It leads a session of its own, so that Ctrl+C at the terminal does not reach it.
        """
        descriptor = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._process = await asyncio.create_subprocess_exec(
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
        return self._process

    async def _supervise(self, process: asyncio.subprocess.Process) -> None:
        """Talk with one worker after the other, until one refuses or they die too often."""
        deaths: deque[float] = deque(maxlen=DEATHS)
        clock = asyncio.get_running_loop().time
        while True:
            try:
                await self._converse(process)
            except _Refused as refusal:
                self._give_up(refusal.error)
                return
            code = await _ended(process)
            deaths.append(clock())
            if len(deaths) == DEATHS and deaths[-1] - deaths[0] < WINDOW_S:
                self._give_up(self._died(code, again=False))
                return
            died = self._died(code, again=True)
            self._end_answers(died)
            self._become("restarting", died)
            try:
                process = await self._spawn()
            except OSError as error:
                message = f"The engine cannot be started again: {error}"
                self._give_up(Error(kind="worker_died", message=message))
                return

    async def _converse(self, process: asyncio.subprocess.Process) -> None:
        """Configure a worker, then pass on what it says, until it says no more.

        Raises:
            _Refused: it will not serve us.
        """
        assert process.stdout is not None
        self._last_id += 1
        configure_id = self._last_id
        self._write(configure_id, self._configure)
        while True:
            try:
                request_id, event = await _read(process.stdout)
            except (asyncio.IncompleteReadError, OSError, wire.BrokenStream, msgspec.DecodeError):
                return
            if request_id == configure_id:
                if isinstance(event, Error):
                    raise _Refused(event)
                if isinstance(event, Ready):
                    self._become("ready")
                    self._send_unsent()
            elif request_id == 0:
                asyncio.get_running_loop().call_soon(self._on_event, event)
            elif (answer := self._answers.get(request_id)) is not None:
                if isinstance(event, LAST):
                    del self._answers[request_id]
                answer.put(self._with_log(event))

    def _with_log(self, event: Event) -> Event:
        """Add to an error that only the log explains where the log is."""
        if isinstance(event, Error) and event.kind == "internal":
            hint = f"{event.hint} The details are in {self._log}"
            return msgspec.structs.replace(event, hint=hint)
        return event

    def _send_unsent(self) -> None:
        for request_id, body in self._unsent.items():
            self._write(request_id, body)
        self._unsent.clear()

    def _write(self, request_id: int, body: Request) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(wire.encode(request_id, body))

    def _cancel(self, request_id: int) -> None:
        if request_id not in self._answers:
            return
        if self._unsent.pop(request_id, None) is not None:
            self._answers.pop(request_id).put(Done(finish="cancelled"))
        elif self._state == "ready":
            self._last_id += 1
            self._write(self._last_id, Cancel(request_id))

    def _end_answers(self, last: Done | Error) -> None:
        """End what the worker was told; while another is on its way, the rest waits for it."""
        for request_id in list(self._answers):
            if request_id not in self._unsent or not self.alive:
                self._answers.pop(request_id).put(last)
        if not self.alive:
            self._unsent.clear()

    def _give_up(self, error: Error) -> None:
        self._failure = error
        self._become("dead", error)
        self._end_answers(error)

    def _become(self, state: EngineState, error: Error | None = None) -> None:
        self._state = state
        asyncio.get_running_loop().call_soon(self._on_state, state, error)

    def _died(self, code: int, *, again: bool) -> Error:
        how = f"exit code {code}"
        if code < 0:
            how = signal.Signals(-code).name
            if code == -signal.SIGKILL:
                how += ", perhaps because memory ran out"
        then = "It is started again: ask again" if again else "It keeps ending, so it stays off"
        return Error(
            kind="worker_died",
            message=f"The engine ended unexpectedly ({how}).",
            hint=f"{then}. What it said last is in {self._log}",
        )


class _Refused(Exception):
    """The worker answered `Configure` with an error; starting it again would not help."""

    def __init__(self, error: Error) -> None:
        super().__init__(error.message)
        self.error = error


def _make_way(log: Path) -> None:
    """See that the log can be written and stays small; one older file is kept."""
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(log.with_name(log.name + ".1"))


async def _read(stream: asyncio.StreamReader) -> tuple[int, Event]:
    size = wire.length(await stream.readexactly(wire.LENGTH.size))
    frame = wire.frame(await stream.readexactly(size))
    return frame.id, wire.event(frame.body)


async def _ended(process: asyncio.subprocess.Process) -> int:
    """See that a worker whose output ended, or made no sense, is gone; its exit code."""
    try:
        return await asyncio.wait_for(process.wait(), GRACE_S)
    except TimeoutError:
        process.kill()
        return await process.wait()
