"""The status line that a command shows on standard error while it waits."""

from __future__ import annotations

import time
from collections.abc import Callable

from engine.messages import ModelState
from tui.strings import text, worded
from tui.terminal.units import duration, size

_SETTLED_S = 3.0
"""From when on the time that passed says something of the time left."""


class Remaining:
    """The time that is left of some work, by its speed so far."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = self._first = self._last = 0.0
        self._started = False

    def left(self, done: float, total: float) -> float | None:
        """Seconds; None while that is not clear. Work that is less done than before began anew."""
        now = self._clock()
        if not self._started or done < self._last:
            self._started, self._began, self._first = True, now, done
        self._last = done
        if done == self._first or now - self._began < _SETTLED_S:
            return None
        return (total - done) * (now - self._began) / (done - self._first)


def progress(done: int, total: int, remaining: Remaining) -> str:
    """How much is done, and the time that is left as soon as that is clear."""
    left = remaining.left(done, total)
    parts = [f"{done}/{total}"]
    parts += [] if left is None else [text("cli.left", time=duration(left))]
    return "  ".join(parts)


class Narrator:
    """Describes what is done to models, with the time that is left as far as it can be foreseen."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[tuple[str, str], Remaining] = {}
        """By model and kind of work."""

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
            progress.append(f"{event.percent:.0f} %")
            seen = self._seen.setdefault((event.model, kind), Remaining(self._clock))
            left = seen.left(event.percent, 100)
            progress += [] if left is None else [text("cli.left", time=duration(left))]
        return "  ".join(filter(None, step)), "  ".join(progress)
