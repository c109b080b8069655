"""Measures how fast one runtime decodes beside another."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from statistics import median

from engine.interfaces import Branches, CausalRuntime

STEPS = 12
"""Tokens that each runtime decodes; not counted is the first, for which much is made ready."""


def speed(
    exact: CausalRuntime, form: CausalRuntime, ids: Sequence[int]
) -> Generator[None, None, float]:
    """How many times exact's tokens per second a form gives, one text at a time.

    Both are fed the same ids, token by token in turns, so that whatever else the machine does is
    shared between them. Yields between tokens.
    """
    runtimes = exact, form
    rows: list[Branches] = [runtime.empty() for runtime in runtimes]
    took: tuple[list[float], list[float]] = ([], [])
    for token in ids[:STEPS]:
        for number, runtime in enumerate(runtimes):
            begin = time.perf_counter()
            rows[number] = runtime.feed(rows[number], [[token]])
            took[number].append(time.perf_counter() - begin)
        yield
    return median(took[0][1:]) / median(took[1][1:])
