"""What is said on standard error while a command waits: states in a line, figures for people."""

from __future__ import annotations

from engine.messages import ModelState
from tui.strings import text


def describe(event: ModelState) -> str:
    """A model's state in one line; empty where there is nothing to wait for."""
    if event.state not in ("pulling", "converting", "loading"):
        return ""
    parts = [text(f"cli.state.{event.state}", model=event.model)]
    if event.stage:
        parts.append(event.stage)
    if event.done is not None and event.total:
        parts.append(text("cli.amount", done=size(event.done), total=size(event.total)))
    if event.percent is not None:
        parts.append(f"{event.percent:.0f} %")
    return "  ".join(parts)


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
