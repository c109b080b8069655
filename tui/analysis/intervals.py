"""How sure a share is that was counted in a few cases."""

from __future__ import annotations

import math

_Z = 1.959963984540054
"""The normal quantile of a 95 % interval."""


def wilson(right: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share of `count` > 0 cases (Wilson 1927), each end from 0 to 1."""
    share, square = right / count, _Z * _Z / count
    middle = share + square / 2
    spread = _Z * math.sqrt(share * (1 - share) / count + square / (4 * count))
    return max(0.0, (middle - spread) / (1 + square)), min(1.0, (middle + spread) / (1 + square))
