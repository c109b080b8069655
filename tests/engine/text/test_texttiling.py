"""Segments: TextTiling's depths by hand, and the two measures by their definitions and papers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.text.texttiling import boundaries, depths, pk, threshold, window, window_diff

SCORES = st.lists(st.integers(-50, 50).map(float), min_size=1, max_size=30)


def test_a_depth_is_the_rise_to_the_peaks_on_both_sides() -> None:
    # From 1: left 1 -> 4 and no further, as 2 lies below 4; right 1 -> 3 -> 5.
    assert depths([2.0, 4.0, 1.0, 3.0, 5.0, 0.0]) == [2.0, 0.0, 7.0, 2.0, 0.0, 5.0]


def test_a_plateau_is_walked_over() -> None:
    assert depths([3.0, 1.0, 1.0, 2.0]) == [0.0, 3.0, 3.0, 0.0]


def test_the_threshold_is_the_mean_less_half_the_deviation() -> None:
    assert threshold([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]) == pytest.approx(5.0 - 2.0 / 2)


def test_boundaries_are_deep_valleys() -> None:
    # Four valleys 18 deep and one 2 deep: 74 / 11 - 8.54 / 2 = 2.46.
    scores = [9.0, 0.0, 9.0, 0.0, 9.0, 0.0, 9.0, 8.0, 9.0, 0.0, 9.0]
    found = depths(scores)
    assert found == [0.0, 18.0, 0.0, 18.0, 0.0, 18.0, 0.0, 2.0, 0.0, 18.0, 0.0]
    assert threshold(found) == pytest.approx(2.46, abs=0.01)
    assert boundaries(scores) == [1, 3, 5, 9]


def test_a_slope_is_no_valley() -> None:
    # Gap 1 is as deep as gap 0 on its right side alone.
    assert boundaries([0.0, 1.0, 9.0, 9.0]) == [0]


def test_an_even_text_has_no_boundary() -> None:
    assert boundaries([1.0] * 6) == []


def test_one_gap_is_no_boundary() -> None:
    assert boundaries([-3.0]) == []


@given(SCORES, st.integers(1, 9), st.integers(-9, 9))
def test_the_unit_of_the_scores_does_not_matter(scores: list[float], times: int, by: int) -> None:
    assert boundaries([score * times + by for score in scores]) == boundaries(scores)


@given(SCORES)
def test_a_text_read_backwards_has_the_same_depths(scores: list[float]) -> None:
    assert depths(scores[::-1]) == depths(scores)[::-1]


def test_the_window_is_half_a_mean_segment() -> None:
    assert window(12, [3, 7]) == 2  # three segments of four
    assert window(10, [4]) == 3  # two of five: halves are rounded up
    assert window(3, [0, 1]) == 1


# Two segments of ten: windows of five, of which there are fifteen. The cases are those by which
# Pevzner and Hearst (2002, section 3) compare the measures.
TEN = 20
AT = [9]


@pytest.mark.parametrize("measure", [pk, window_diff])
def test_a_missed_boundary_is_seen_by_every_window_across_it(measure) -> None:  # type: ignore[no-untyped-def]
    assert measure(TEN, AT, []) == pytest.approx(5 / 15)


@pytest.mark.parametrize("measure", [pk, window_diff])
def test_a_near_miss_costs_twice_its_distance(measure) -> None:  # type: ignore[no-untyped-def]
    assert measure(TEN, AT, [11]) == pytest.approx(2 * 2 / 15)


def test_a_false_boundary_near_a_true_one_costs_pk_less_than_window_diff() -> None:
    # Between 9 and 12 windows see both boundaries or one; only those that see 12 alone, or 9 and
    # 12, differ: Pk sees the former, WindowDiff both.
    assert pk(TEN, AT, [9, 12]) == pytest.approx(3 / 15)
    assert window_diff(TEN, AT, [9, 12]) == pytest.approx(5 / 15)


def test_pk_does_not_see_that_a_short_segment_is_missed() -> None:
    # Segments of 8, 1 and 11 sentences: windows of three.
    reference = [7, 8]
    assert window(TEN, reference) == 3
    assert pk(TEN, reference, [7]) == pytest.approx(1 / 17)
    assert window_diff(TEN, reference, [7]) == pytest.approx(3 / 17)


GAPS = st.integers(2, 25).flatmap(
    lambda count: st.tuples(
        st.just(count),
        st.sets(st.integers(0, count - 2)),
        st.sets(st.integers(0, count - 2)),
    )
)


@given(GAPS)
def test_both_measures_by_their_definition(case: tuple[int, set[int], set[int]]) -> None:
    count, reference, found = case
    width = window(count, reference)
    wrong_pk = wrong_diff = 0
    for first in range(count - width):
        there = [gap for gap in reference if first <= gap < first + width]
        here = [gap for gap in found if first <= gap < first + width]
        wrong_pk += (not there) != (not here)
        wrong_diff += len(there) != len(here)
    assert pk(count, reference, found) == pytest.approx(wrong_pk / (count - width))
    assert window_diff(count, reference, found) == pytest.approx(wrong_diff / (count - width))
    assert pk(count, reference, reference) == window_diff(count, reference, reference) == 0
    assert pk(count, reference, found) <= window_diff(count, reference, found)
