from __future__ import annotations

import pytest

from tui.analysis.intervals import wilson


@pytest.mark.parametrize(
    ("right", "count", "expected"),
    [
        (2, 3, (0.2077, 0.9385)),
        (0, 10, (0.0, 0.2775)),
        (10, 10, (0.7225, 1.0)),
        (81, 263, (0.2553, 0.3662)),  # Newcombe 1998, table I: 0.2553 to 0.3662
    ],
)
def test_the_ends_of_the_interval(right: int, count: int, expected: tuple[float, float]) -> None:
    assert wilson(right, count) == pytest.approx(expected, abs=5e-5)
