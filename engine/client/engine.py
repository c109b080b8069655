"""Requests and their answers, over one worker after the other."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from engine import json_files, wire
from engine.client import watch
from engine.client.answer import Answer
from engine.client.process import Process, make_way
from engine.client.program import program, trial
from engine.client.watch import Watch
from engine.errors import failure
from engine.messages import (
    LAST,
    Cancel,
    Configure,
    Done,
    Error,
    Event,
    Message,
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


class Engine:
    """A worker process and the connection to it, for one asyncio loop.

    A worker that dies, does not stop a cancelled request, or has made no progress for long when one
    is cancelled, is restarted with the same configuration. Pending requests end with an `Error` of
    kind ``worker_died``; requests made in the meantime wait for the new worker.

    With a command the worker is on another machine. A link that was up and is lost is tried again
    for as long as the engine is wanted; one that never came up is not.
    """

    def __init__(
        self,
        configure: Configure,
        log: Path,
        on_event: Callable[[Event], None],
        on_state: Callable[[EngineState, Error | None], None],
        *,
        revive: bool,
        command: str | None,
    ) -> None:
        """Use `start`."""
        self._command = command
        self._program = program(command)
        self._reached = False
        """Whether any worker was ever ready."""
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
        self._serving = False
        """Whether the worker accepts requests."""
        self._worked = False
        """Whether it has answered any request."""
        self._fault: Message | None = None
        """Why the worker was killed, if it was killed here."""
        self._changing = asyncio.Lock()
        self._process: Process | None = None
        self._watch = Watch(0)
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
        command: str | None = None,
    ) -> Engine:
        """Start a worker. Requests can be made immediately; they wait until it is ready.

        Args:
            configure: the worker's configuration, now and after each restart.
            log: file for the output of the worker and its libraries; grows to about a megabyte.
                If it cannot be written, the output is discarded and everything else works.
            on_event: called in the loop with broadcast events, such as `ModelState` and `Memory`,
                and with each worker's `Ready`.
            on_state: called in the loop on each change of state, with the error if there is one.
            revive: whether to restart a worker that dies; otherwise it becomes ``dead``.
            command: what leads to another machine, on which the worker runs; see
                `engine.client.program`.

        Raises:
            OSError: the process cannot be started.
            ValueError: the command has no words.
        """
        engine = cls(configure, log, on_event, on_state, revive=revive, command=command)
        make_way(log)
        engine._process = await Process.spawn(engine._program, log)
        engine._begin()
        return engine

    @property
    def state(self) -> EngineState:
        """Where the worker is in its life; see `EngineState`."""
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
            ended = failure("worker_died", "restarted")
            self._serving = False
            self._become("restarting", ended)
            self._end_answers(ended)
            await self._leave()
            try:
                self._process = await Process.spawn(self._program, self._log)
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
        if self._process is not None:
            await self._process.stop()

    async def _supervise(self) -> None:
        """Keep a worker running; if that fails, end all answers."""
        try:
            await self._keep_up()
        except Exception as error:
            log.exception("the engine's supervisor failed")
            self._give_up(failure("internal", "connection", error=error))

    async def _keep_up(self) -> None:
        """Serve one worker after the other, until one refuses or too many fail at once."""
        clock, in_vain = asyncio.get_running_loop().time, 0
        while True:
            born = clock()
            try:
                ready = await self._serve()
            except _Refused as refusal:
                self._give_up(refusal.error)
                return
            assert self._process is not None
            how = await self._process.ended()
            in_vain = 0 if self._worked or clock() - born >= IN_VAIN_S else in_vain + 1
            if not self._revive or self._hopeless(in_vain, ready=ready):
                self._give_up(self._died(how, again=False))
                return
            died = self._died(how, again=True)
            self._become("restarting", died)
            self._end_answers(died)
            await asyncio.sleep(PAUSES_S[min(max(0, in_vain - 1), len(PAUSES_S) - 1)])
            try:
                self._process = await Process.spawn(self._program, self._log)
            except OSError as error:
                self._give_up(_unstartable(error))
                return

    def _hopeless(self, in_vain: int, *, ready: bool) -> bool:
        """Whether another worker would end as the last ones did; `ready`: whether that one was."""
        if self._command is not None and not ready:
            return not self._reached
        return in_vain >= DEATHS

    async def _serve(self) -> bool:
        """Talk to a new worker until its output ends; return whether it was ever ready.

        Raises:
            _Refused: the worker rejected its configuration.
        """
        self._serving = self._worked = False
        self._fault = None
        self._last_id += 1
        self._watch = Watch(self._last_id)
        assert self._process is not None
        watching = asyncio.create_task(self._keep_watch(self._process))
        try:
            await self._converse(self._process, self._last_id)
        except wire.BrokenStream as error:
            if self._command is None:
                self._fault = Message.of("reason.other_bytes")
            else:
                self._fault = Message.of("reason.printed", line=str(error))
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            ready, self._serving = self._serving, False
            self._reached = self._reached or ready
            watching.cancel()
        return ready

    async def _converse(self, process: Process, configure_id: int) -> None:
        """Configure a worker, then forward its events.

        Raises:
            _Refused: the worker rejected its configuration.
            wire.BrokenStream: its output is not made of messages.
            OSError, asyncio.IncompleteReadError: its output ended.
        """
        try:
            process.write(wire.encode(configure_id, self._configure))
        except wire.Unsendable as fault:
            raise _Refused(_unsendable(fault)) from fault
        while True:
            request_id, event = await process.read()
            self._watch.moved(request_id, event)
            if self._state == "silent" and self._watch.well:
                self._become("ready")
            if request_id == configure_id:
                if isinstance(event, Error):
                    raise _Refused(event)
                if isinstance(event, Ready):
                    if self._state != "ready":
                        self._become("ready")
                    self._send_unsent()
                    asyncio.get_running_loop().call_soon(self._on_event, event)
            elif request_id == 0:
                asyncio.get_running_loop().call_soon(self._on_event, event)
            elif (answer := self._answers.get(request_id)) is not None:
                if isinstance(event, LAST):
                    del self._answers[request_id]
                    self._watch.ended(request_id)
                self._worked = self._worked or not isinstance(event, Error | Pong)
                answer.put(self._with_log(event))

    def _with_log(self, event: Event) -> Event:
        """Add the path of the log to an internal error, which only the log explains."""
        if isinstance(event, Error) and event.kind == "internal":
            hint = Message.of("details", hint=event.hint, log=self._log)
            return msgspec.structs.replace(event, hint=hint)
        return event

    async def _keep_watch(self, process: Process) -> None:
        """Ping the worker while it works; report when it is silent, and kill it when it hangs."""
        while True:
            await asyncio.sleep(watch.TICK_S)
            self._watch.tick(working=bool(self._answers))
            fault = self._watch.hangs(serving=self._serving)
            if fault is not None:
                self._fault = fault
                process.kill()
                return
            if self._answers and not self._watch.pinged:
                self._last_id += 1
                self._watch.ping(self._last_id)
                process.write(wire.encode(self._last_id, Ping()))
            silent = None if self._state == "silent" else self._watch.silent()
            if silent is not None:
                self._become("silent", silent)

    def _send_unsent(self) -> None:
        self._serving = True
        for frame in self._unsent.values():
            self._write(frame)
        self._unsent.clear()

    def _write(self, frame: bytes) -> None:
        assert self._process is not None
        self._process.write(frame)

    def _cancel(self, request_id: int) -> None:
        if request_id not in self._answers:
            return
        if self._unsent.pop(request_id, None) is not None:
            self._answers.pop(request_id).put(Done(finish="cancelled"))
        elif self._serving and request_id not in self._watch.stopping:
            self._watch.cancelled(request_id)
            if self._state == "silent" and self._watch.stalled:
                # It would answer, but what it waits for, such as a load, would hang on.
                self._fault = Message.of("reason.stalled", seconds=watch.STALLED_S)
                assert self._process is not None
                self._process.kill()
                return
            self._last_id += 1
            self._write(wire.encode(self._last_id, Cancel(request_id)))

    def _end_answers(self, last: Done | Error) -> None:
        """End the answers to sent requests; unsent ones wait if another worker is starting."""
        for request_id in list(self._answers):
            if request_id not in self._unsent or not self.alive:
                stopped = request_id in self._watch.stopping
                self._watch.ended(request_id)
                answer = self._answers.pop(request_id)
                answer.put(Done(finish="cancelled") if stopped else last)
        if not self.alive:
            self._unsent.clear()

    def _give_up(self, error: Error) -> None:
        self._failure = error
        self._become("dead", error)
        self._end_answers(error)

    def _become(self, state: EngineState, error: Error | None = None) -> None:
        self._state = state
        asyncio.get_running_loop().call_soon(self._on_state, state, error)

    def _died(self, how: Message, *, again: bool) -> Error:
        how = self._fault or how
        if self._command is not None:
            return self._lost(how, again=again)
        if again:
            return failure("worker_died", "died_restarting", how=how, log=self._log)
        if self._revive:
            return failure("worker_died", "died_for_good", how=how, log=self._log)
        return failure("worker_died", "died", how=how, log=self._log)

    def _lost(self, how: Message, *, again: bool) -> Error:
        """The same of a worker on another machine, where the program here says what it is."""
        assert self._process is not None and self._command is not None
        said = self._process.last_words()
        if said and self._fault is None:
            how = Message.of("reason.said", line=said)
        if again:
            return failure("worker_died", "link_lost", how=how)
        shell = trial(self._command)
        if self._process.not_found:
            return failure("worker_died", "not_installed_there", how=how, shell=shell)
        return failure("worker_died", "not_reached", how=how, shell=shell)


class _Refused(Exception):
    """The worker answered `Configure` with an error; a restart would not help."""

    def __init__(self, error: Error) -> None:
        super().__init__(str(error.message))
        self.error = error


def _unsendable(fault: wire.Unsendable) -> Error:
    return failure("bad_request", "unsendable", why=fault.reason)


def _unstartable(error: OSError) -> Error:
    return failure("worker_died", "unstartable", why=json_files.reason(error))
