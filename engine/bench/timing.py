"""Times contestants in turns, so that a machine that slows down affects all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

SETTLE_S = 0.5
"""Pause between two turns, as the threads of the previous one keep spinning for a while."""


def turns(contestants: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The median result of each contestant, after a warm-up turn."""
    results: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        for name, run in contestants.items():
            time.sleep(SETTLE_S)
            result = run()
            if number:
                results[name].append(result)
    return {name: statistics.median(found) for name, found in results.items()}


def seconds(work: Callable[[], object]) -> float:
    """The seconds that `work` takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin
