"""The thread that models are loaded on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from threading import Thread
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Loader(Executor):
    """Runs jobs one after the other, each on its own thread, which ends with the job.

    A thread that has run PyTorch keeps a team of OpenMP threads for as long as it lives. While
    there are more of those than cores, OpenMP puts idle ones to sleep immediately, including those
    that decode, and waking them hundreds of times per token halves the speed (libgomp,
    `GOMP_SPINCOUNT`; measured by tests/bench/spinning.py).
    """

    def __init__(self) -> None:
        self._latest: Thread | None = None

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a job after those submitted before it."""
        before, future = self._latest, Future[T]()

        def work() -> None:
            if before is not None:
                before.join()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(fn(*args, **kwargs))
                except BaseException as error:  # whatever it is, the caller gets it
                    future.set_exception(error)

        self._latest = Thread(target=work, name="loader", daemon=True)
        self._latest.start()
        return future
