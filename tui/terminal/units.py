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


def percent(probability: float) -> str:
    """A probability with enough digits to tell small ones apart."""
    return f"{probability:.2%}" if probability >= 0.0001 else f"{probability * 100:.1e}%"
