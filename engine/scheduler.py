"""Runs tasks concurrently on one thread, one step of each in turn."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import NoReturn, TypeVar

from engine import wire
from engine.errors import EngineError, explain, failure
from engine.messages import LAST, Done, Event

log = logging.getLogger(__name__)

T = TypeVar("T")
Action = Callable[[], None]


@dataclass(frozen=True)
class Wait:
    """Yielded by a task to be parked until `subscribe`'s argument is called."""

    subscribe: Callable[[Action], None]


Task = Generator[Event | Wait | None, None, None]
"""Yields events, None after a step without one, or a `Wait`. Closing it cancels it."""


def settled(future: Future[T]) -> Generator[Wait, None, T]:
    """Park the task that yields from this until the future is done, and return its result.

    Raises:
        Exception: the future's exception.
    """
    if not future.done():
        yield Wait(lambda wake: future.add_done_callback(lambda _: wake()))
    return future.result()


class Scheduler:
    """Runs tasks round-robin, each identified by its request's id.

    Everything happens on the thread that calls `run`; only `post` may be called from others.
    Posted actions run between any two steps, so a cancel takes effect within one step of whatever
    is running. `housekeeping` is called every round and returns the seconds after which it must be
    called again even if nothing else happens (None: never).
    """

    def __init__(
        self, send: Callable[[int, Event], None], housekeeping: Callable[[], float | None]
    ) -> None:
        """`send` may raise `EngineError` or `wire.Unsendable`: then the task ends with an error."""
        self._send = send
        self._housekeeping = housekeeping
        self._inbox: SimpleQueue[Action] = SimpleQueue()
        self._live: dict[int, Task] = {}
        self._parked: dict[int, Task] = {}

    def post(self, action: Action) -> None:
        """Run an action on the scheduler's thread before its next step. Thread-safe."""
        self._inbox.put(action)

    def start(self, request_id: int, task: Task) -> None:
        """Add a task to the round."""
        if request_id in self._live or request_id in self._parked:
            task.close()
            self._send(request_id, failure("bad_request", "id_in_use", request=request_id))
            return
        self._live[request_id] = task

    def cancel(self, request_id: int) -> None:
        """Close a task, live or parked, and answer that it was cancelled; ignored if it ended."""
        task = self._live.get(request_id) or self._parked.get(request_id)
        if task is not None:
            self._finish(request_id, task, Done(finish="cancelled"))

    @property
    def idle(self) -> bool:
        """Whether there is no task, live or parked."""
        return not self._live and not self._parked

    def run(self) -> NoReturn:
        """Run rounds forever."""
        while True:
            self.round()

    def round(self) -> None:
        """Run one step of every live task; without any, wait for a posted action."""
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
        except StopIteration:
            self._finish(request_id, task, Done())
        except EngineError as error:
            self._finish(request_id, task, error.event)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a panic in Rust is no Exception; the other tasks continue
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
        except EngineError as error:
            self._finish(request_id, task, error.event)
        except wire.Unsendable as fault:
            log.error("request %d: %s cannot be sent: %s", request_id, type(event), fault)
            unsendable = failure("internal", "unsendable_answer", why=fault.reason)
            self._finish(request_id, task, unsendable)

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
