"""Numbers as a person reads them."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

from engine.messages.units import size

__all__ = ["padded", "percent", "size"]


def padded(text: str, cells: int) -> str:
    """A text with spaces after it, up to this many cells; a longer one stays whole."""
    return set_cell_size(text, max(cells, cell_len(text)))


def percent(probability: float, cells: int = 7) -> str:
    """A probability in 7 or more cells, which keeps its meaning down to one in a million."""
    value = probability * 100
    if value >= 99.995 and probability < 1.0:
        return ">99.99%".rjust(cells)
    if value >= 0.01 or value == 0.0:
        return f"{value:.2f}%".rjust(cells)
    return f"{value:.{cells - 7}e}%".rjust(cells)
