"""Takes turns, so that a machine that slows down does so for everybody."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

SETTLE_S = 0.5
"""Between two turns: the threads of whoever came before wait awake for a while."""


def turns(contestants: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The median result of each contestant, after a turn that does not count."""
    results: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        for name, run in contestants.items():
            time.sleep(SETTLE_S)
            result = run()
            if number:
                results[name].append(result)
    return {name: statistics.median(found) for name, found in results.items()}


def seconds(work: Callable[[], object]) -> float:
    """How long this takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin
