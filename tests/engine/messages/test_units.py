from __future__ import annotations

import pytest

from engine.messages import units


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9_949, "9.9 kB"),
        (10_049, "10.0 kB"),
        (21_092_352, "21.1 MB"),
        (99_949_999, "99.9 MB"),
        (440_000_000, "440 MB"),
        (999_499_999, "999 MB"),
        (999_500_000, "1.0 GB"),
        (14_473_649_356, "14.5 GB"),
        (2_000_000_000_000, "2.0 TB"),
    ],
)
def test_sizes_read_well(size: int, text: str) -> None:
    assert units.size(size) == text
