"""Pulls and conversions: short-lived child processes, the only ones with network access."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass, field

import msgspec

from engine import wire
from engine.errors import EngineError, failure
from engine.messages import Done, Error, Event, ModelInfo, ModelState, State, Words
from engine.pull.job import PullJob
from engine.scheduler import Wait, settled

log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Child:
    model: str
    process: subprocess.Popen[bytes]
    ended: Future[None] = field(default_factory=Future)
    users: int = 0
    cancelled: bool = False
    last: ModelState | None = None

    def kill(self) -> None:
        """Kill it and all its own children (pip among them)."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


class Children:
    """Runs at most one job per model: a request for a model that is being pulled joins that pull.

    `run` and `current` must be called on the scheduler's thread. Other threads call `broadcast`
    with the children's reports, and `at_rest` for a model's state after its child was killed.
    """

    def __init__(self, broadcast: Callable[[Event], None], at_rest: Callable[[str], State]) -> None:
        self._broadcast = broadcast
        self._at_rest = at_rest
        self._running: dict[str, _Child] = {}
        self._failures: dict[str, Words] = {}

    def run(self, model: str, job: PullJob) -> Generator[Wait, None, None]:
        """Wait for a job on this model; when its last waiting task is closed, it is killed.

        Raises:
            EngineError: what the child reported, or that it died.
        """
        child = self._running.get(model) or self._begin(model, job)
        child.users += 1
        try:
            yield from settled(child.ended)
        except EngineError as error:
            self._failures[model] = error.event.message
            raise
        finally:
            child.users -= 1
            if not child.users:
                self._running.pop(model, None)
                child.cancelled = True
                child.kill()

    def running(self, model: str) -> bool:
        """Whether a job on this model is running."""
        return model in self._running

    def current(self, info: ModelInfo) -> ModelInfo:
        """The store's information about a model, with the state of its pull added."""
        child = self._running.get(info.id)
        if child is not None:
            state = child.last.state if child.last is not None else "pulling"
            return msgspec.structs.replace(info, state=state)
        reason = self._failures.get(info.id)
        if reason is not None and info.state == "absent":
            return msgspec.structs.replace(info, state="failed", reason=reason)
        return info

    def kill_all(self) -> None:
        """Kill every job, because the process is about to end. Thread-safe."""
        for child in list(self._running.values()):
            child.kill()

    def _begin(self, model: str, job: PullJob) -> _Child:
        self._failures.pop(model, None)
        process = subprocess.Popen(
            job.argv,
            env=job.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        child = _Child(model, process)
        self._running[model] = child
        name = f"child {process.pid}"
        threading.Thread(
            target=self._follow, args=(child, job.stdin), name=name, daemon=True
        ).start()
        return child

    def _follow(self, child: _Child, stdin: bytes) -> None:
        """Forward the child's reports, on a separate thread, until it ends."""
        with child.process as process:
            try:
                failed = self._listen(child, stdin)
            except (OSError, wire.BrokenStream) as error:
                log.warning("child %d: %s", process.pid, error)
                failed = self._cut_short(child)
            finally:
                child.kill()
        if failed is None:
            child.ended.set_result(None)
        else:
            child.ended.set_exception(EngineError(failed))

    def _cut_short(self, child: _Child) -> Error:
        """Broadcast the state of a model whose child ended without a result."""
        ended = failure("internal", "pull_ended")
        if child.cancelled:
            state = self._at_rest(child.model)
            self._broadcast(ModelState(model=child.model, state=state, cause="asked"))
        else:
            self._broadcast(ModelState(model=child.model, state="failed", reason=ended.message))
        return ended

    def _listen(self, child: _Child, stdin: bytes) -> Error | None:
        """Why the job failed, or None; raises if the child's output ends without a result."""
        process = child.process
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(stdin)
        process.stdin.flush()  # not closed: end of input makes the child exit
        while (frame := wire.read_frame(process.stdout)) is not None:
            match wire.event(frame.body):
                case Done():
                    return None
                case Error() as error:
                    return error
                case ModelState() as state:
                    child.last = state
                    self._broadcast(state)
        raise wire.BrokenStream("no answer")
