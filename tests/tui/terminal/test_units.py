from __future__ import annotations

import math

import pytest

from tui.terminal.units import chance, duration, percent


@pytest.mark.parametrize(
    ("probability", "narrow", "wide"),
    [
        (1.0, "100.00%", " 100.00%"),
        (0.99996, ">99.99%", " >99.99%"),
        (0.25, " 25.00%", "  25.00%"),
        (0.0001, "  0.01%", "   0.01%"),
        (0.0000123, " 1e-03%", "1.2e-03%"),
        (0.0, "  0.00%", "   0.00%"),
        (1e-7, "2^-23.3", " 2^-23.3"),
        (2e-41, " 2^-135", "  2^-135"),
    ],
)
def test_a_probability_keeps_its_meaning(probability: float, narrow: str, wide: str) -> None:
    assert percent(probability) == narrow
    assert percent(probability, 8) == wide


@pytest.mark.parametrize(
    ("logprob", "written"),
    [
        (0.0, "100.00%"),
        (1e-9, "100.00%"),
        (math.log(0.25), " 25.00%"),
        (-2000.0, "2^-2885"),
        (-math.inf, "  0.00%"),
    ],
)
def test_a_probability_too_small_for_a_float_is_still_a_number(
    logprob: float, written: str
) -> None:
    assert chance(logprob) == written


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.4, "0 s"), (59.4, "59 s"), (60, "1 min 0 s"), (331, "5 min 31 s")]
)
def test_a_time_is_read_at_once(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown
