"""The status line that a command shows on standard error while it waits."""

from __future__ import annotations

import time
from collections.abc import Callable

from engine.messages import ModelState
from tui.strings import text, worded
from tui.terminal.units import duration, size

_SETTLED_S = 3.0
"""From when on the time that passed says something of the time left."""


class Narrator:
    """Describes what is done to models, with the time that is left as far as it can be foreseen."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[tuple[str, str], tuple[float, float, float]] = {}
        """When a model's work of one kind began to report percents, the first one and the last."""

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
            left = self._left(event.model, kind, event.percent)
            progress += [] if left is None else [text("cli.left", time=duration(left))]
        return "  ".join(filter(None, step)), "  ".join(progress)

    def _left(self, model: str, kind: str, percent: float) -> float | None:
        """Seconds that are left at the speed so far; None while that is not clear."""
        now = self._clock()
        began, first, last = self._seen.get((model, kind), (now, percent, percent))
        if percent < last:  # another round of the same
            began, first = now, percent
        self._seen[model, kind] = began, first, percent
        if percent == first or now - began < _SETTLED_S:
            return None
        return (100 - percent) * (now - began) / (percent - first)
