"""The status line that a command shows on standard error while it waits."""

from __future__ import annotations

import time
from collections.abc import Callable

from engine.messages import ModelState
from tui.strings import text, worded
from tui.terminal.units import duration, size

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
        return share if left is None else f"{share}  {text('cli.left', time=duration(left))}"

    def _left(self, done: float, total: float) -> float | None:
        now = self._clock()
        if self._first is None or done < self._last:  # it began, or another round of it
            self._first = now, done
        self._last = done
        began, first = self._first
        if done == first or now - began < _SETTLED_S:
            return None
        return (total - done) * (now - began) / (done - first)


class Narrator:
    """Describes what is done to models, with the time that is left as far as it can be foreseen."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._forecasts: dict[tuple[str, str], Forecast] = {}
        """By the model, and the kind of its work."""

    def describe(self, event: ModelState) -> tuple[str, str]:
        """The current step of a model and its progress; both are empty when it is idle."""
        kind = event.state
        if kind in ("pulling", "converting", "loading"):
            step = [text(f"cli.state.{kind}", model=event.model), worded(event.stage)]
        elif event.stage:
            step = [event.model, worded(event.stage)]  # it is in memory, and is being measured
        else:
            return "", ""
        progress = []
        if event.done is not None and event.total:
            progress.append(text("cli.amount", done=size(event.done), total=size(event.total)))
        if event.percent is not None:
            known = self._forecasts.setdefault((event.model, kind), Forecast(self._clock))
            progress.append(known.progress(event.percent))
        return "  ".join(filter(None, step)), "  ".join(progress)
