"""What is said on standard error while a command waits: states in a line, figures for people."""

from __future__ import annotations

from engine.messages import ModelState
from tui.strings import text


def describe(event: ModelState) -> tuple[str, str]:
    """What is being done to a model, and how far it is; both empty when nothing is."""
    if event.state not in ("pulling", "converting", "loading"):
        return "", ""
    step = [text(f"cli.state.{event.state}", model=event.model), event.stage]
    progress = []
    if event.done is not None and event.total:
        progress.append(text("cli.amount", done=size(event.done), total=size(event.total)))
    if event.percent is not None:
        progress.append(f"{event.percent:.0f} %")
    return "  ".join(filter(None, step)), "  ".join(progress)


def size(count: int) -> str:
    """Bytes as people write them, in powers of 1000 as shops and registries do."""
    amount, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if amount < 999.5 or unit == "TB":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"


def percent(probability: float) -> str:
    """A probability with enough digits to tell small ones apart."""
    return f"{probability:.2%}" if probability >= 0.0001 else f"{probability * 100:.1e}%"
