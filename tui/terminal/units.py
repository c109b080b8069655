"""Numbers as a person reads them."""

from __future__ import annotations


def size(count: int) -> str:
    """Bytes as people write them, in powers of 1000 as shops and registries do."""
    amount, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if amount < 999.5 or unit == "TB":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"


def percent(probability: float, cells: int = 7) -> str:
    """A probability in 7 or more cells, which keeps its meaning down to one in a million."""
    value = probability * 100
    if value >= 99.995 and probability < 1.0:
        return ">99.99%".rjust(cells)
    if value >= 0.01 or value == 0.0:
        return f"{value:.2f}%".rjust(cells)
    return f"{value:.{cells - 7}e}%".rjust(cells)
