"""Orders: totals by hand, and the best order by trying all of them."""

from __future__ import annotations

import itertools
from collections.abc import Generator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.text import ordering
from engine.text.ordering import better, percentile, places, shuffled, total


def finished(steps: Generator[None, None, list[int]]) -> list[int]:
    while True:
        try:
            next(steps)
        except StopIteration as stopped:
            found: list[int] = stopped.value
            return found


def matrices(least: int, most: int) -> st.SearchStrategy[list[list[float]]]:
    cell = st.integers(-9, 9).map(float)
    return st.integers(least, most).flatmap(
        lambda count: st.lists(
            st.lists(cell, min_size=count, max_size=count), min_size=count, max_size=count
        )
    )


SCORES = [[0.0, 5.0, -1.0], [2.0, 0.0, 1.0], [7.0, 3.0, 0.0]]


def test_total_and_places() -> None:
    assert total(SCORES, [0, 1, 2]) == 6.0
    # 2 at the beginning: 7 + 5; in the middle: -1 + 3; at the end: 5 + 1.
    assert places(SCORES, 2) == [12.0, 2.0, 6.0]


def test_the_better_order_of_three() -> None:
    assert finished(better(SCORES)) == [2, 0, 1]


@given(matrices(2, 5))
def test_the_order_of_a_few_is_the_best_of_all(scores: list[list[float]]) -> None:
    best = max(total(scores, order) for order in itertools.permutations(range(len(scores))))
    order = finished(better(scores))
    assert sorted(order) == list(range(len(scores)))
    assert total(scores, order) == pytest.approx(best)


@given(matrices(ordering.EXACT + 1, ordering.EXACT + 4))
def test_the_order_of_many_is_never_worse_and_no_move_helps(scores: list[list[float]]) -> None:
    order = finished(better(scores))
    assert sorted(order) == list(range(len(scores)))
    reached = total(scores, order)
    assert reached >= total(scores, range(len(scores)))
    for at in range(len(order)):
        rest = order[:at] + order[at + 1 :]
        for place in range(len(order)):
            assert total(scores, [*rest[:place], order[at], *rest[place:]]) <= reached + 1e-6


def test_many_are_put_right_after_one_was_moved() -> None:
    scores = [[1.0 if other == one + 1 else 0.0 for other in range(30)] for one in range(30)]
    moved = [*range(5), 20, *range(5, 20), *range(21, 30)]
    seen = [[scores[one][other] for other in moved] for one in moved]
    assert [moved[at] for at in finished(better(seen))] == list(range(30))


def test_an_order_that_none_is_better_than_stays() -> None:
    even = [[1.0] * 6 for _ in range(6)]
    assert finished(better(even)) == list(range(6))


def test_percentile_counts_ties_half() -> None:
    # 12 is above, 6 itself a tie, 2 below.
    orders = [[2, 0, 1], [0, 1, 2], [0, 2, 1]]
    assert percentile(SCORES, orders) == pytest.approx(100 * 1.5 / 3)


def test_shuffles_are_permutations_and_always_the_same() -> None:
    orders = shuffled(9, 20)
    assert orders == shuffled(9, 20)
    assert all(sorted(order) == list(range(9)) for order in orders)
    assert len({tuple(order) for order in orders}) == 20
