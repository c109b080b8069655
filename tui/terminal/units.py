"""Numbers as a person reads them."""

from __future__ import annotations

from engine.messages.units import size

__all__ = ["duration", "percent", "size"]


def duration(seconds: float) -> str:
    """A time in whole seconds, or in minutes and seconds."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def percent(probability: float, cells: int = 7) -> str:
    """A probability in 7 or more cells, which keeps its meaning down to one in a million."""
    value = probability * 100
    if value >= 99.995 and probability < 1.0:
        return ">99.99%".rjust(cells)
    if value >= 0.01 or value == 0.0:
        return f"{value:.2f}%".rjust(cells)
    return f"{value:.{cells - 7}e}%".rjust(cells)
