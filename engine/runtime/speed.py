"""Measures how fast one runtime decodes beside another."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from statistics import median

from engine.interfaces import Branches, CausalRuntime
from engine.machine import threads
from engine.messages import Precision

TURNS = 3
"""How often each runtime has its turn."""
STEPS, SETTLING = 8, 3
"""Tokens of a turn, and the first of them, which are not counted: the other's threads still wait
awake."""


def speed(
    exact: CausalRuntime, form: CausalRuntime, precision: Precision, ids: Sequence[int]
) -> Generator[None, None, float]:
    """How many times exact's tokens per second a form gives, one text at a time.

    Both are fed the same ids token by token, some tokens of one and some of the other, so that
    whatever else the machine does is shared between them. Yields between tokens.
    """
    ways: tuple[tuple[CausalRuntime, Precision], ...] = (exact, "exact"), (form, precision)
    rows: list[Branches] = [exact.empty(), form.empty()]
    took: tuple[list[float], list[float]] = ([], [])
    for turn in range(TURNS):
        for number, (runtime, own) in enumerate(ways):
            for step, token in enumerate(ids[turn * STEPS : (turn + 1) * STEPS]):
                with threads.for_form(own):
                    begin = time.perf_counter()
                    rows[number] = runtime.feed(rows[number], [[token]])
                    seconds = time.perf_counter() - begin
                if step >= SETTLING:
                    took[number].append(seconds)
                yield
    return median(took[0]) / median(took[1])
