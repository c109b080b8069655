"""How far work is, and how long it will still take."""

from __future__ import annotations

import time
from collections.abc import Callable

from tui.strings import text
from tui.terminal.units import duration

_SETTLED_S = 3.0
"""From when on the time that passed says something of the time left."""


class Forecast:
    """Foresees when work ends, at the speed so far."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._first: tuple[float, float] | None = None
        """When the work was first seen, and how much of it was done."""
        self._last = 0.0

    def progress(self, percent: float) -> str:
        """The percent, and the time that is left as far as it is clear."""
        return self._with_left(f"{percent:.0f} %", percent, 100)

    def count(self, done: int, total: int) -> str:
        """How many are done, and the time that is left as far as it is clear."""
        return self._with_left(f"{done}/{total}", done, total)

    def _with_left(self, share: str, done: float, total: float) -> str:
        left = self._left(done, total)
        return share if left is None else f"{share}  {text('duration.left', time=duration(left))}"

    def _left(self, done: float, total: float) -> float | None:
        now = self._clock()
        if self._first is None or done < self._last:  # it began, or another round of it
            self._first = now, done
        self._last = done
        began, first = self._first
        if done == first or now - began < _SETTLED_S:
            return None
        return (total - done) * (now - began) / (done - first)
