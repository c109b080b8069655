"""The words of a text under two models, or of two versions of a text, side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from tui.analysis.minimal_pairs import aligned

Measured = tuple[str, float | None]
"""A word, with the space before it, and its surprisal in bits, if it has one."""


@dataclass(frozen=True)
class Both:
    """The same place on both sides."""

    texts: tuple[str, str]
    bits: tuple[float | None, float | None]

    @property
    def difference(self) -> float | None:
        """How much more the second side was surprised."""
        one, other = self.bits
        return None if one is None or other is None else other - one


def same_text(one: Sequence[Measured], other: Sequence[Measured]) -> list[Both]:
    """Words of one text, which are taken together until they end at one place on both sides."""
    places = [
        {end: number for number, end in enumerate(accumulate(len(text) for text, _ in side), 1)}
        for side in (one, other)
    ]
    shared = [0, *sorted(places[0].keys() & places[1].keys())]
    starts = [{0: 0} | each for each in places]
    return [
        _both(one[starts[0][begin] : starts[0][end]], other[starts[1][begin] : starts[1][end]])
        for begin, end in pairwise(shared)
    ]


def two_texts(one: Sequence[Measured], other: Sequence[Measured]) -> list[Both]:
    """Words of two texts: those that both have, and what stands between them."""
    words = [[text.strip() for text, _ in side] for side in (one, other)]
    return [
        _both([one[n] for n in part.spans[0]], [other[n] for n in part.spans[1]])
        for part in aligned(*words)
    ]


def greatest(found: Sequence[Both], most: int) -> list[int]:
    """The indices of those that differ most, the largest difference first."""
    known = [number for number, each in enumerate(found) if each.difference is not None]
    return sorted(known, key=lambda number: -abs(found[number].difference or 0.0))[:most]


def _both(one: Sequence[Measured], other: Sequence[Measured]) -> Both:
    texts = "".join(text for text, _ in one).strip(), "".join(text for text, _ in other).strip()
    return Both(texts, (_sum(one), _sum(other)))


def _sum(words: Sequence[Measured]) -> float | None:
    known = [bits for _, bits in words if bits is not None]
    return math.fsum(known) if len(known) == len(words) else None
