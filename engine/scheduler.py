"""Runs tasks side by side on one thread, a step of each in turn."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import NoReturn, TypeVar

from engine import finite, wire
from engine.errors import EngineError, explain
from engine.messages import LAST, Done, Error, Event

log = logging.getLogger(__name__)

T = TypeVar("T")
Action = Callable[[], None]


@dataclass(frozen=True)
class Wait:
    """What a task yields to be left alone until `subscribe`'s argument has been called."""

    subscribe: Callable[[Action], None]


Task = Generator[Event | Wait | None, None, None]
"""Yields events, None after a step with nothing to say, or a `Wait`. Closing it cancels it."""


def settled(future: Future[T]) -> Generator[Wait, None, T]:
    """Park the task that yields from this until the future is settled, and give its result.

    Raises:
        Exception: whatever the future was settled with.
    """
    if not future.done():
        yield Wait(lambda wake: future.add_done_callback(lambda _: wake()))
    return future.result()


class Scheduler:
    """A round-robin of tasks, each known by its request's id.

    Everything happens on the thread that calls `run`; only `post` may be called from others.
    What other threads have posted is looked at between any two steps, so a cancel takes effect
    within one step of whatever is running. `housekeeping` is called every round and tells in how
    many seconds it wants to be called again though nothing else happens (None: never).
    """

    def __init__(
        self, send: Callable[[int, Event], None], housekeeping: Callable[[], float | None]
    ) -> None:
        self._send = send
        self._housekeeping = housekeeping
        self._inbox: SimpleQueue[Action] = SimpleQueue()
        self._live: dict[int, Task] = {}
        self._parked: dict[int, Task] = {}

    def post(self, action: Action) -> None:
        """Have the scheduler's thread do something before its next step. Safe on any thread."""
        self._inbox.put(action)

    def start(self, request_id: int, task: Task) -> None:
        """Add a task to the round."""
        if request_id in self._live or request_id in self._parked:
            task.close()
            message = f"Request {request_id} is still being answered."
            self._send(request_id, Error(kind="bad_request", message=message))
            return
        self._live[request_id] = task

    def cancel(self, request_id: int) -> None:
        """Close a task, live or parked, and say so; nothing happens when it is over already."""
        task = self._live.get(request_id) or self._parked.get(request_id)
        if task is not None:
            self._finish(request_id, task, Done(finish="cancelled"))

    def run(self) -> NoReturn:
        """Take rounds for ever."""
        while True:
            self.round()

    def round(self) -> None:
        """Take one step of every live task; without any, wait for something to be posted."""
        wait_s = self._housekeeping()
        if self._live:
            self._catch_up()
        else:
            try:
                action = self._inbox.get(timeout=wait_s)
            except Empty:
                return
            self._act(action)
            self._catch_up()
        for request_id, task in list(self._live.items()):
            if self._live.get(request_id) is task:
                self._step(request_id, task)
                self._catch_up()

    def _catch_up(self) -> None:
        while not self._inbox.empty():
            self._act(self._inbox.get())

    def _act(self, action: Action) -> None:
        try:
            action()
        except KeyboardInterrupt:
            raise
        except BaseException:  # as in _step
            log.exception("what was posted failed")

    def _step(self, request_id: int, task: Task) -> None:
        try:
            event = next(task)
            if not isinstance(event, Wait):
                finite.check(event)
        except StopIteration:
            self._finish(request_id, task, Done())
        except EngineError as error:
            self._finish(request_id, task, error.event)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a panic in Rust is no Exception; the other tasks go on
            log.exception("request %d failed", request_id)
            self._finish(request_id, task, explain(error))
        else:
            if isinstance(event, Wait):
                self._park(request_id, task, event)
            elif isinstance(event, LAST):
                self._finish(request_id, task, event)
            elif event is not None:
                self._pass_on(request_id, task, event)

    def _pass_on(self, request_id: int, task: Task, event: Event) -> None:
        try:
            self._send(request_id, event)
        except wire.Unsendable as fault:
            log.error("request %d: %s cannot be sent: %s", request_id, type(event), fault)
            message = f"The answer cannot be passed on: {fault}."
            self._finish(request_id, task, Error(kind="internal", message=message))

    def _park(self, request_id: int, task: Task, wait: Wait) -> None:
        def wake() -> None:
            if self._parked.get(request_id) is task:
                self._live[request_id] = self._parked.pop(request_id)

        self._parked[request_id] = self._live.pop(request_id)
        wait.subscribe(lambda: self.post(wake))

    def _finish(self, request_id: int, task: Task, last: Event) -> None:
        self._live.pop(request_id, None)
        self._parked.pop(request_id, None)
        try:
            task.close()
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # as in _step; the answer itself is not in doubt
            log.exception("request %d failed while it was closed", request_id)
        self._pass_on(request_id, task, last)
