"""The status line that a command shows on standard error while it waits."""

from __future__ import annotations

from engine.messages import ModelState
from tui.strings import text, worded
from tui.terminal.units import size


def describe(event: ModelState) -> tuple[str, str]:
    """The current step of a model and its progress; both are empty when it is idle."""
    if event.state not in ("pulling", "converting", "loading"):
        return "", ""
    step = [text(f"cli.state.{event.state}", model=event.model), worded(event.stage)]
    progress = []
    if event.done is not None and event.total:
        progress.append(text("cli.amount", done=size(event.done), total=size(event.total)))
    if event.percent is not None:
        progress.append(f"{event.percent:.0f} %")
    return "  ".join(filter(None, step)), "  ".join(progress)
