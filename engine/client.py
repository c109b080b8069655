"""The front end's side of the connection: starts, watches and restarts the worker."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Literal

import msgspec

from engine import wire
from engine.messages import (
    LAST,
    Cancel,
    Configure,
    Done,
    Error,
    Event,
    Ping,
    Pong,
    Ready,
    Request,
)

log = logging.getLogger(__name__)

EngineState = Literal["starting", "ready", "silent", "restarting", "dead", "stopped"]
"""``silent``: it may hang; ``ready`` follows if it does not. ``restarting``: the worker ended, all
models are unloaded, and a new worker is starting. ``dead``: it ended too often, or refused to
serve; only `Engine.restart` brings it back."""

PAUSES_S = (0.0, 1.0, 4.0)
"""How long to wait before a restart, by the number of workers in a row that failed at once."""
DEATHS = len(PAUSES_S) + 1
"""After this many such failures in a row, no other worker is started."""
IN_VAIN_S = 60.0
"""A worker that ends sooner than this without having answered anything counts as failed."""

GRACE_S = 2.0
"""How long a worker may take to exit before it is killed."""
TICK_S = 0.5
"""Interval between checks that the worker still responds."""
SILENT_S = 10.0
"""A worker whose scheduler has not answered a ping for this long is ``silent``."""
STALLED_S = 60.0
"""So is one that answers pings but has sent no results for this long."""
RELUCTANT_S = 2.0
"""And one that has not stopped a cancelled request after this long."""
START_S = 60.0
"""A worker that is not ready after this long is killed."""
CANCEL_S = 8.0
"""So is one that has not stopped a cancelled request after this long."""

_LOG_LIMIT = 1024 * 1024
_READ_AHEAD = 1024 * 1024


class Answer(AsyncIterator[Event]):
    """The events that answer one request; the last is one of `engine.messages.LAST`.

    To stop early, call `aclose` (or use `contextlib.aclosing`), so that the engine stops working
    on the request. Cancelling the asyncio task that waits for an event does the same.
    """

    def __init__(self, cancel: Callable[[], None]) -> None:
        self._cancel = cancel
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._finished = False

    def cancel(self) -> None:
        """Ask the engine to stop. Events already on their way still arrive, then the last one."""
        if not self._finished:
            self._cancel()

    async def aclose(self) -> None:
        """Cancel the request and end the iteration."""
        self.cancel()
        self._finished = True

    async def __anext__(self) -> Event:
        """Wait for the next event."""
        if self._finished:
            raise StopAsyncIteration
        try:
            event = await self._events.get()
        except asyncio.CancelledError:
            await self.aclose()
            raise
        self._finished = isinstance(event, LAST)
        return event

    def put(self, event: Event) -> None:
        """Add an event received from the engine."""
        self._events.put_nowait(event)


class Engine:
    """A worker process and the connection to it, for one asyncio loop.

    A worker that dies, does not stop a cancelled request, or has made no progress for long when one
    is cancelled, is restarted with the same configuration. Pending requests end with an `Error` of
    kind ``worker_died``; requests made in the meantime wait for the new worker.
    """

    def __init__(
        self,
        configure: Configure,
        log: Path,
        on_event: Callable[[Event], None],
        on_state: Callable[[EngineState, Error | None], None],
        *,
        revive: bool,
    ) -> None:
        """Use `start`."""
        self._configure = configure
        self._log = log
        self._on_event = on_event
        self._on_state = on_state
        self._revive = revive
        self._state: EngineState = "starting"
        self._failure: Error | None = None
        self._last_id = 0
        self._answers: dict[int, Answer] = {}
        self._unsent: dict[int, bytes] = {}
        self._cancelled: dict[int, int] = {}
        """Ticks since each request was cancelled whose answer has not ended yet."""
        self._serving = False
        """Whether the worker accepts requests."""
        self._worked = False
        """Whether it has answered any request."""
        self._ping = 0
        """Id of the pending ping; 0 without one."""
        self._unanswered = 0
        """Ticks since that ping was sent."""
        self._idle = 0
        """Ticks since the last result."""
        self._fault = ""
        """Why the worker was killed, if it was killed here."""
        self._changing = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._supervisor: asyncio.Task[None] | None = None

    @classmethod
    async def start(
        cls,
        configure: Configure,
        log: Path,
        on_event: Callable[[Event], None] = lambda event: None,
        on_state: Callable[[EngineState, Error | None], None] = lambda state, error: None,
        *,
        revive: bool = True,
    ) -> Engine:
        """Start a worker. Requests can be made immediately; they wait until it is ready.

        Args:
            configure: the worker's configuration, now and after each restart.
            log: file for the output of the worker and its libraries; grows to about a megabyte.
                If it cannot be written, the output is discarded and everything else works.
            on_event: called in the loop with broadcast events, `ModelState` and `Memory`.
            on_state: called in the loop on each change of state, with the error if there is one.
            revive: whether to restart a worker that dies; otherwise it becomes ``dead``.

        Raises:
            OSError: the process cannot be started.
        """
        engine = cls(configure, log, on_event, on_state, revive=revive)
        _make_way(log)
        await engine._spawn()
        engine._begin()
        return engine

    @property
    def state(self) -> EngineState:
        """The state of the worker."""
        return self._state

    @property
    def alive(self) -> bool:
        """Whether requests are answered, now or after a restart."""
        return self._state not in {"dead", "stopped"}

    @property
    def pid(self) -> int | None:
        """The worker's process id."""
        return self._process.pid if self._process is not None else None

    def request(self, body: Request) -> Answer:
        """Send a request. The answer can be iterated once, from this loop."""
        self._last_id += 1
        request_id = self._last_id
        answer = Answer(lambda: self._cancel(request_id))
        if not self.alive:
            answer.put(self._failure or Done(finish="cancelled"))
            return answer
        try:
            frame = wire.encode(request_id, body)
        except wire.Unsendable as fault:
            answer.put(_unsendable(fault))
            return answer
        self._answers[request_id] = answer
        if self._serving:
            self._write(frame)
        else:
            self._unsent[request_id] = frame
        return answer

    async def restart(self) -> None:
        """Stop the worker, if there is one, and start a new one, even after it was given up.

        All models are unloaded, and all answers end.
        """
        async with self._changing:
            if self._state == "stopped":
                return
            ended = Error(
                kind="worker_died",
                message="You restarted the engine.",
                hint="Try again once it is ready.",
            )
            self._serving = False
            self._become("restarting", ended)
            self._end_answers(ended)
            await self._leave()
            try:
                await self._spawn()
            except OSError as error:
                self._give_up(_unstartable(error))
            else:
                self._begin()

    async def stop(self) -> None:
        """Stop the worker and end all answers within moments, whatever it is doing."""
        self._become("stopped")
        async with self._changing:
            await self._leave()
        self._end_answers(Done(finish="cancelled"))

    def _begin(self) -> None:
        self._supervisor = asyncio.create_task(self._supervise(), name="engine")

    async def _leave(self) -> None:
        """Stop the supervisor and its worker."""
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
            finally:  # also when the caller is cancelled
                if process.returncode is None:
                    process.kill()
            await process.wait()

    async def _spawn(self) -> None:
        """Start a process that runs this package's worker, not one in the current folder (-P).

        It leads its own session, so that Ctrl+C at the terminal does not reach it.
        """
        descriptor = _open_log(self._log)
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

    async def _supervise(self) -> None:
        """Keep a worker running; if that fails, end all answers."""
        try:
            await self._keep_up()
        except Exception as error:
            log.exception("the engine's supervisor failed")
            message = f"The connection to the engine failed: {error}"
            self._give_up(Error(kind="internal", message=message))

    async def _keep_up(self) -> None:
        """Serve one worker after the other, until one refuses or too many fail at once."""
        clock, in_vain = asyncio.get_running_loop().time, 0
        while True:
            born = clock()
            try:
                await self._serve()
            except _Refused as refusal:
                self._give_up(refusal.error)
                return
            code = await self._ended()
            in_vain = 0 if self._worked or clock() - born >= IN_VAIN_S else in_vain + 1
            if not self._revive or in_vain == DEATHS:
                self._give_up(self._died(code, again=False))
                return
            died = self._died(code, again=True)
            self._become("restarting", died)
            self._end_answers(died)
            await asyncio.sleep(PAUSES_S[max(0, in_vain - 1)])
            try:
                await self._spawn()
            except OSError as error:
                self._give_up(_unstartable(error))
                return

    async def _serve(self) -> None:
        """Talk to a new worker until its output ends.

        Raises:
            _Refused: the worker rejected its configuration.
        """
        self._serving = self._worked = False
        self._unanswered = self._idle = 0
        self._fault = ""
        watch = asyncio.create_task(self._watch())
        try:
            await self._converse()
        except wire.BrokenStream:
            self._fault = "it sent no message but other bytes"
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self._serving = False
            watch.cancel()

    async def _converse(self) -> None:
        """Configure a worker, then forward its events.

        Raises:
            _Refused: the worker rejected its configuration.
            wire.BrokenStream: its output is not made of messages.
            OSError, asyncio.IncompleteReadError: its output ended.
        """
        assert self._process is not None and self._process.stdout is not None
        self._last_id += 1
        configure_id = self._ping = self._last_id
        try:
            self._write(wire.encode(configure_id, self._configure))
        except wire.Unsendable as fault:
            raise _Refused(_unsendable(fault)) from fault
        while True:
            request_id, event = await _read(self._process.stdout)
            self._moved(request_id, event)
            if request_id == configure_id:
                if isinstance(event, Error):
                    raise _Refused(event)
                if isinstance(event, Ready):
                    if self._state != "ready":
                        self._become("ready")
                    self._send_unsent()
            elif request_id == 0:
                asyncio.get_running_loop().call_soon(self._on_event, event)
            elif (answer := self._answers.get(request_id)) is not None:
                if isinstance(event, LAST):
                    del self._answers[request_id]
                    self._cancelled.pop(request_id, None)
                self._worked = self._worked or not isinstance(event, Error | Pong)
                answer.put(self._with_log(event))

    def _with_log(self, event: Event) -> Event:
        """Add the path of the log to an internal error, which only the log explains."""
        if isinstance(event, Error) and event.kind == "internal":
            hint = f"{event.hint} The details are in {self._log}".lstrip()
            return msgspec.structs.replace(event, hint=hint)
        return event

    async def _watch(self) -> None:
        """Notice when the worker hangs.

        Counts ticks rather than seconds, so that a front end that was itself suspended does not
        blame the worker.
        """
        while True:
            await asyncio.sleep(TICK_S)
            for request_id in self._cancelled:
                self._cancelled[request_id] += 1
            reluctant_s = max(self._cancelled.values(), default=0) * TICK_S
            slow_start = not self._serving and self._unanswered * TICK_S >= START_S
            if slow_start or reluctant_s >= CANCEL_S:
                what, seconds = ("start", START_S) if slow_start else ("stop", CANCEL_S)
                self._kill(f"it did not {what} within {seconds:.0f} seconds")
                return
            if self._ping:
                self._unanswered += 1
            elif self._answers:
                self._last_id += 1
                self._ping = self._last_id
                self._write(wire.encode(self._ping, Ping()))
            self._idle = self._idle + 1 if self._answers else 0
            if self._state == "silent":
                continue
            if reluctant_s >= RELUCTANT_S:
                left = f"{CANCEL_S - RELUCTANT_S:.0f} seconds"
                hint = f"It is restarted if it does not stop within {left}."
                self._become("silent", _silent("has not stopped yet", hint))
            elif self._unanswered * TICK_S >= SILENT_S:
                self._become("silent", _silent(f"has not answered for {SILENT_S:.0f} seconds"))
            elif self._stalled:
                hint = "It may hang, or be busy with a long task: wait, or stop it to restart it."
                how = f"has made no progress for {STALLED_S:.0f} seconds"
                self._become("silent", _silent(how, hint))

    @property
    def _stalled(self) -> bool:
        """Whether it has sent no results for so long that it may hang."""
        return self._idle * TICK_S >= STALLED_S

    def _kill(self, fault: str) -> None:
        """End a worker that hangs; the supervisor starts another."""
        self._fault = fault
        assert self._process is not None
        self._process.kill()

    def _moved(self, request_id: int, event: Event) -> None:
        """Record that the worker has sent something."""
        if request_id == self._ping:
            self._ping = self._unanswered = 0
        if not isinstance(event, Pong):
            self._idle = 0
        if self._state == "silent" and self._unanswered == 0 and not self._stalled:
            self._become("ready")

    def _send_unsent(self) -> None:
        self._serving = True
        for frame in self._unsent.values():
            self._write(frame)
        self._unsent.clear()

    def _write(self, frame: bytes) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(frame)

    def _cancel(self, request_id: int) -> None:
        if request_id not in self._answers:
            return
        if self._unsent.pop(request_id, None) is not None:
            self._answers.pop(request_id).put(Done(finish="cancelled"))
        elif self._serving and request_id not in self._cancelled:
            self._cancelled[request_id] = 0
            if self._state == "silent" and self._stalled:
                # It would answer, but what it waits for, such as a load, would hang on.
                self._kill(f"it made no progress for {STALLED_S:.0f} seconds")
                return
            self._last_id += 1
            self._write(wire.encode(self._last_id, Cancel(request_id)))

    def _end_answers(self, last: Done | Error) -> None:
        """End the answers to sent requests; unsent ones wait if another worker is starting."""
        for request_id in list(self._answers):
            if request_id not in self._unsent or not self.alive:
                stopped = request_id in self._cancelled
                answer = self._answers.pop(request_id)
                answer.put(Done(finish="cancelled") if stopped else last)
        self._cancelled.clear()
        if not self.alive:
            self._unsent.clear()

    def _give_up(self, error: Error) -> None:
        self._failure = error
        self._become("dead", error)
        self._end_answers(error)

    def _become(self, state: EngineState, error: Error | None = None) -> None:
        self._state = state
        asyncio.get_running_loop().call_soon(self._on_state, state, error)

    async def _ended(self) -> int:
        """Wait for, or kill, a worker whose output ended or was broken; return its exit code."""
        assert self._process is not None
        try:
            return await asyncio.wait_for(self._process.wait(), GRACE_S)
        except TimeoutError:
            self._fault = self._fault or "it closed its output"
            self._process.kill()
            return await self._process.wait()

    def _died(self, code: int, *, again: bool) -> Error:
        how = self._fault or _how(code)
        if again:
            then = "It is restarting; try again."
        else:
            then = "It keeps failing, so it stays off." if self._revive else "Try again."
        return Error(
            kind="worker_died",
            message=f"The engine ended unexpectedly ({how}).",
            hint=f"{then} Its last output is in {self._log}",
        )


class _Refused(Exception):
    """The worker answered `Configure` with an error; a restart would not help."""

    def __init__(self, error: Error) -> None:
        super().__init__(error.message)
        self.error = error


def _unsendable(fault: wire.Unsendable) -> Error:
    return Error(kind="bad_request", message=f"This cannot be sent to the engine: {fault}.")


def _make_way(log: Path) -> None:
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


async def _read(stream: asyncio.StreamReader) -> tuple[int, Event]:
    size = wire.length(await stream.readexactly(wire.LENGTH.size))
    frame = wire.frame(await stream.readexactly(size))
    return frame.id, wire.event(frame.body)


def _how(code: int) -> str:
    """How a process ended."""
    if code >= 0:
        return f"exit code {code}"
    if code == -signal.SIGKILL:
        return "SIGKILL, perhaps because memory ran out"
    names = {number.value: number.name for number in signal.Signals}
    return names.get(-code, f"signal {-code}")


def _unstartable(error: OSError) -> Error:
    message = f"The engine cannot be restarted: {error.strerror or error}"
    return Error(kind="worker_died", message=message)


def _silent(
    how: str, hint: str = "It is busy with a long task, or it hangs: wait, or stop it."
) -> Error:
    return Error(kind="worker_died", message=f"The engine {how}.", hint=hint)
