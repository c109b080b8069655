"""The format of byte counts, in the engine's messages and on the screen, and what busy means."""

from __future__ import annotations

BUSY = 0.25
"""The share of the processor that other programs use at least on a busy machine."""


def size(count: int) -> str:
    """Format a number of bytes, in powers of 1000: "1.3 GB"."""
    amount, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if amount < 999.5 or unit == "TB":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
