"""Numbers as a person reads them."""

from __future__ import annotations

import math

from rich.cells import cell_len, set_cell_size

from engine.messages.units import size
from tui.strings import text

__all__ = ["chance", "duration", "padded", "percent", "size"]

_LEAST = 1e-6
"""Below this a probability is read as a power of 2, as no percentage of it says anything."""


def padded(written: str, cells: int) -> str:
    """A text with spaces after it, up to this many cells; a longer one stays whole."""
    return set_cell_size(written, max(cells, cell_len(written)))


def duration(seconds: float) -> str:
    """A time in whole seconds, or in minutes and seconds."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return text(f"duration.{'minutes' if minutes else 'seconds'}", m=minutes, s=rest)


def percent(probability: float, cells: int = 7) -> str:
    """A probability in 7 or more cells; one below one in a million as a power of 2: ``2^-131``."""
    if 0.0 < probability < _LEAST:
        return _power(math.log2(probability)).rjust(cells)
    value = probability * 100
    if value >= 99.995 and probability < 1.0:
        return ">99.99%".rjust(cells)
    if value >= 0.01 or value == 0.0:
        return f"{value:.2f}%".rjust(cells)
    return f"{value:.{cells - 7}e}%".rjust(cells)


def chance(logprob: float, cells: int = 7) -> str:
    """The probability of a log-probability in nats, as `percent`, however small it is."""
    probability = math.exp(min(logprob, 0.0))
    if probability > 0.0 or logprob == -math.inf:
        return percent(probability, cells)
    return _power(logprob / math.log(2)).rjust(cells)


def _power(exponent: float) -> str:
    return f"2^{exponent:.0f}" if exponent <= -99.95 else f"2^{exponent:.1f}"
