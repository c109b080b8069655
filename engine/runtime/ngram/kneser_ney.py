"""Interpolated modified Kneser-Ney smoothing (Chen & Goodman 1999, section 3).

With a(g) the count of an n-gram g: how often it is there, where it has the highest order or begins
a sentence, else how many different words come before it. After a history h::

    p(w | h) = (a(hw) - D(a(hw))) / a(h) + g(h) p(w | h without its first word)
    g(h)     = (D1 N1(h) + D2 N2(h) + D3 N3(h)) / a(h)

a(h) is the sum of a(hw) over all w; N1, N2 and N3 count the w whose a(hw) is 1, 2, and 3 or more;
a history that was never seen leaves all to the shorter one. Under the shortest is the uniform
distribution over all words, the unknown word and the end of a sentence. The discounts of each
order come from its n1 ... n4, the numbers of n-grams with a(g) 1 ... 4::

    Y = n1 / (n1 + 2 n2),   D1 = 1 - 2Y n2/n1,   D2 = 2 - 3Y n3/n2,   D3 = 3 - 4Y n4/n3

Where a text is too small for these, they are 0.5, 1 and 1.5, as in KenLM's fallback (Heafield et
al. 2013).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FALLBACK = (0.5, 1.0, 1.5)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Order:
    """The n-grams of one order, sorted by the n-gram without their last word, then by that word."""

    keys: Ints
    """The number of the n-gram without its last word, times the vocabulary, plus that word."""
    discounted: Floats
    """a(g) - D(a(g))."""
    totals: Floats
    """a(h) of each n-gram of the order below."""
    shares: Floats
    """g(h), likewise; 1 where a(h) is 0."""


class KneserNey:
    """The probability of each word after others."""

    def __init__(
        self,
        sentences: Iterable[Sequence[int]],
        *,
        order: int,
        vocabulary: int,
        start: int,
        end: int,
    ) -> None:
        """Count the n-grams of sentences of ids below `vocabulary`, without `start` and `end`."""
        self.order = order
        self.vocabulary = vocabulary
        self._start = start
        framed = [[start, *sentence, end] for sentence in sentences]
        words = np.fromiter((word for each in framed for word in each), np.int64)
        owners = np.repeat(np.arange(len(framed)), [len(each) for each in framed])
        self._orders = [
            self._smoothed(*counted, below) for counted, below in self._counted(words, owners)
        ]
        uniform = np.full(vocabulary, 1 / (vocabulary - 1))
        uniform[start] = 0.0  # it is given, never predicted
        self._uniform: Floats = uniform

    @property
    def bytes(self) -> int:
        """Bytes in memory."""
        return sum(
            array.nbytes
            for each in self._orders
            for array in (each.keys, each.discounted, each.totals, each.shares)
        )

    def distribution(self, history: Sequence[int]) -> Floats:
        """p(w | history) of every w: float64 [vocabulary]."""
        found = self._add(self._uniform, 0, 0)
        for length in range(1, min(len(history), self.order - 1) + 1):
            place = self._find(history[-length:])
            if place is None:
                break  # nor is a longer one there
            found = self._add(found, length, place)
        return found

    def _add(self, shorter: Floats, length: int, place: int) -> Floats:
        """The distribution after a history, which is n-gram `place` of order `length`."""
        order = self._orders[length]
        total = order.totals[place]
        if not total:
            return shorter
        begin, stop = np.searchsorted(
            order.keys, (place * self.vocabulary, (place + 1) * self.vocabulary)
        )
        found: Floats = shorter * order.shares[place]
        words = order.keys[begin:stop] - place * self.vocabulary
        found[words] += order.discounted[begin:stop] / total
        return found

    def _find(self, words: Sequence[int]) -> int | None:
        """Which n-gram of its order this is; None where it was not seen."""
        place = 0
        for order, word in zip(self._orders, words, strict=False):
            key = place * self.vocabulary + word
            place = int(np.searchsorted(order.keys, key))
            if place == len(order.keys) or order.keys[place] != key:
                return None
        return place

    def _counted(self, words: Ints, owners: Ints) -> Iterable[tuple[tuple[Ints, Ints], int]]:
        """For each order: the keys of its n-grams and a(g), and how many the order below has."""
        found: list[tuple[Ints, Ints, Ints]] = []
        """Keys, counts, and where each n-gram is for the first time."""
        sizes = [1]
        suffixes: list[Ints] = []
        """The number that each n-gram has in the order below without its first word."""
        places = np.arange(len(words))
        numbers = np.zeros(len(words), np.int64)
        for n in range(1, self.order + 1):
            places = places[places + n <= len(words)]
            places = places[owners[places + n - 1] == owners[places]]
            keys, first, inverse, counts = np.unique(
                numbers[places] * self.vocabulary + words[places + n - 1],
                return_index=True,
                return_inverse=True,
                return_counts=True,
            )
            suffixes.append(numbers[places[first] + 1] if n > 1 else np.zeros_like(keys))
            numbers = np.full(len(words), -1)
            numbers[places] = inverse
            found.append((keys, counts, words[places[first]]))
            sizes.append(len(keys))
        for n, (keys, counts, begins) in enumerate(found, 1):
            if n < self.order:
                before = np.bincount(suffixes[n], minlength=len(keys))
                counts = np.where(begins == self._start, counts, before)
            if n == 1:
                counts = np.where(begins == self._start, 0, counts)
            yield (keys, counts), sizes[n - 1]

    def _smoothed(self, keys: Ints, counts: Ints, below: int) -> _Order:
        discounts = np.array((0.0, *_discounts(counts)))
        taken = discounts[np.minimum(counts, 3)]
        history = keys // self.vocabulary
        totals = np.bincount(history, weights=counts, minlength=below)
        left = np.bincount(history, weights=taken, minlength=below)
        shares = np.divide(left, totals, out=np.ones(below), where=totals > 0)
        return _Order(keys, counts - taken, totals.astype(np.float64), shares)


def _discounts(counts: Ints) -> tuple[float, float, float]:
    """D1, D2 and D3 of an order."""
    n1, n2, n3, n4 = (int((counts == number).sum()) for number in (1, 2, 3, 4))
    if not n1 or not n2 or not n3:
        return FALLBACK
    y = n1 / (n1 + 2 * n2)
    found = 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3
    good = all(0 <= each <= most for each, most in zip(found, (1, 2, 3), strict=True))
    return found if good else FALLBACK
