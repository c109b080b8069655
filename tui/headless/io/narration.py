"""The status line that a command shows on standard error while it waits."""

from __future__ import annotations

import time
from collections.abc import Callable

from engine.messages import ModelState
from tui.strings import text, worded
from tui.terminal.forecast import Forecast
from tui.terminal.units import size


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
