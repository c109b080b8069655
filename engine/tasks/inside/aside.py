"""Work that posts events from a thread of its own, as a task of the scheduler."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from threading import Event as Flag
from threading import Lock

from engine.messages import Event
from engine.scheduler import Task, Wait

Post = Callable[[Event | None], None]
"""Sends an event on its way; None only checks whether the work is still wanted."""


class _Unwanted(Exception):
    """Ends work whose task was closed."""


class _Bell:
    """Wakes whoever waits, or the next one who would."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._rung = False
        self._wake: Callable[[], None] | None = None

    def ring(self) -> None:
        with self._lock:
            wake, self._wake = self._wake, None
            self._rung = wake is None
        if wake is not None:
            wake()

    def subscribe(self, wake: Callable[[], None]) -> None:
        with self._lock:
            rung, self._rung = self._rung, False
            self._wake = None if rung else wake
        if rung:
            wake()


def aside(executor: Executor, work: Callable[[Post], None]) -> Task:
    """Run `work` on an executor and yield what it posts. Closing the task ends it at its next post.

    Raises:
        Exception: what the work raised.
    """
    posted: SimpleQueue[Event] = SimpleQueue()
    bell, unwanted = _Bell(), Flag()

    def post(event: Event | None) -> None:
        if unwanted.is_set():
            raise _Unwanted
        if event is not None:
            posted.put(event)
            bell.ring()

    job: Future[None] = executor.submit(work, post)
    job.add_done_callback(lambda _: bell.ring())
    try:
        while not (job.done() and posted.empty()):
            yield Wait(bell.subscribe)
            while not posted.empty():
                yield posted.get()
        job.result()
    finally:
        unwanted.set()
