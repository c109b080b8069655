"""Jobs run in their order, each on a thread of its own that is gone afterwards."""

from __future__ import annotations

import threading
import time

import pytest

from engine.machine.loader import Loader


def test_jobs_run_one_after_the_other() -> None:
    loader, order = Loader(), list[int]()
    first = threading.Event()

    def slow() -> None:
        first.wait(10)
        order.append(1)

    jobs = [loader.submit(slow), loader.submit(order.append, 2), loader.submit(order.append, 3)]
    first.set()
    for job in jobs:
        job.result(10)
    assert order == [1, 2, 3]


def test_no_thread_is_left() -> None:
    loader = Loader()
    assert loader.submit(threading.get_ident).result(10) != threading.get_ident()
    for _ in range(500):
        if not any(thread.name == "loader" for thread in threading.enumerate()):
            return
        time.sleep(0.01)
    raise AssertionError("the thread is still there")


def test_what_goes_wrong_is_reported_and_the_next_one_runs() -> None:
    loader = Loader()
    failed = loader.submit(int, "x")
    with pytest.raises(ValueError, match="invalid literal"):
        failed.result(10)
    assert loader.submit(int, "7").result(10) == 7
