"""Orders of sentences, scored by pairs: `scores[i][j]` is the score of j right after i.

The score of an order is the sum over its neighbours, so the best order is the longest path through
all sentences: exact up to `EXACT` of them by dynamic programming (Held and Karp 1962), beyond that
by moving runs of up to three sentences as long as it helps (Or 1976).

Such scores measure topic more than order: an order that scores better need not read better.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Sequence
from itertools import pairwise

Scores = Sequence[Sequence[float]]

EXACT = 11
"""Number of sentences; 2^11 sets of them with 11 ends each take some tenths of a second."""
_RUN = 3
_SAME = 1e-9
"""Relative difference below which totals are equal, as sums depend on their order."""
_SEED = 0
"""Fixed, so that a percentile is reproducible."""


def total(scores: Scores, order: Sequence[int]) -> float:
    """The sum of the scores of all neighbours in an order."""
    return sum(scores[one][other] for one, other in pairwise(order))


def places(scores: Scores, sentence: int) -> list[float]:
    """The total with a sentence moved to each place, the others keeping their order."""
    others = [each for each in range(len(scores)) if each != sentence]
    return [total(scores, [*others[:at], sentence, *others[at:]]) for at in range(len(scores))]


def shuffled(count: int, times: int) -> list[list[int]]:
    """`times` random orders of `count` sentences."""
    draw = random.Random(_SEED)
    return [draw.sample(range(count), count) for _ in range(times)]


def percentile(scores: Scores, orders: Sequence[Sequence[int]]) -> float:
    """The percentage (0-100) of these orders that score below the original; ties count half."""
    own = total(scores, range(len(scores)))
    return percentile_among(own, [total(scores, order) for order in orders])


def percentile_among(own: float, others: Sequence[float]) -> float:
    """The percentage (0-100) of the others that are below `own`; ties count half."""
    below = sum(each < own for each in others) + sum(each == own for each in others) / 2
    return 100 * below / len(others)


def better(scores: Scores) -> Generator[None, None, list[int]]:
    """The best order, or the best that the search finds; the original if none is better.

    Yields between steps.
    """
    given = list(range(len(scores)))
    order = yield from (_exact(scores) if len(scores) <= EXACT else _improved(scores, given))
    reached = total(scores, given)
    return order if total(scores, order) > reached + _SAME * abs(reached) else given


def _exact(scores: Scores) -> Generator[None, None, list[int]]:
    """The best order of all."""
    count = len(scores)
    # For each set of sentences (as bits) and the last of them: the best total, and the one before.
    best: list[dict[int, tuple[float, int]]] = [{} for _ in range(1 << count)]
    for last in range(count):
        best[1 << last][last] = (0.0, -1)
    for chosen in range(1, 1 << count):
        if not chosen % 256:
            yield
        for last, (reached, _) in best[chosen].items():
            for following in range(count):
                if chosen >> following & 1:
                    continue
                ends = best[chosen | 1 << following]
                new = reached + scores[last][following]
                if following not in ends or new > ends[following][0]:
                    ends[following] = (new, last)
    chosen = (1 << count) - 1
    last = max(range(count), key=lambda end: best[chosen][end][0])
    order: list[int] = []
    while last >= 0:
        order.append(last)
        before = best[chosen][last][1]
        chosen ^= 1 << last
        last = before
    return order[::-1]


def _improved(scores: Scores, order: list[int]) -> Generator[None, None, list[int]]:
    """Repeat the move that improves the order most, until none does."""
    reached = total(scores, order)
    while True:
        best, moved = reached, order
        for length in range(1, _RUN + 1):
            for start in range(len(order) - length + 1):
                run, rest = order[start : start + length], order[:start] + order[start + length :]
                left = total(scores, rest) + total(scores, run)
                for at in range(len(rest) + 1):
                    new = left + _gain(scores, rest, run, at)
                    if new > best + _SAME * abs(best):
                        best, moved = new, [*rest[:at], *run, *rest[at:]]
            yield
        if moved is order:
            return order
        reached, order = total(scores, moved), moved


def _gain(scores: Scores, rest: Sequence[int], run: Sequence[int], at: int) -> float:
    """How much the total gains from inserting a run before the `at`-th of the rest."""
    gain = 0.0
    if at > 0:
        gain += scores[rest[at - 1]][run[0]]
    if at < len(rest):
        gain += scores[run[-1]][rest[at]]
    if 0 < at < len(rest):
        gain -= scores[rest[at - 1]][rest[at]]
    return gain
