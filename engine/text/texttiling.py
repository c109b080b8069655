"""Finds topic boundaries from a score for each gap between neighbouring sentences, and compares
them with reference boundaries.

Boundaries are those of TextTiling (Hearst 1997), whose gap scores come from shared words; here any
score works that is high where a sentence continues the one before well. Pk (Beeferman, Berger and
Lafferty 1999) and WindowDiff (Pevzner and Hearst 2002) measure how far they are from a reference.
Gaps count from 0: gap i lies between the sentences i and i + 1.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Collection, Sequence


def depths(scores: Sequence[float]) -> list[float]:
    """How deep each gap lies below the peaks on both sides of it, in the unit of the scores.

    On each side, the peak is reached by walking away from the gap as long as the score rises; the
    depth is the sum of both rises.
    """
    return [_climb(scores[at::-1]) + _climb(scores[at:]) for at, _ in enumerate(scores)]


def _climb(scores: Sequence[float]) -> float:
    """How far the scores rise from the first one before they fall."""
    top = scores[0]
    for score in scores[1:]:
        if score < top:
            break
        top = score
    return top - scores[0]


def threshold(found: Sequence[float]) -> float:
    """The depth above which a gap is a boundary: their mean less half their standard deviation.

    The deviation is that of the population. It is the stricter of the two cutoffs of Hearst (1997).
    """
    return statistics.fmean(found) - statistics.pstdev(found) / 2 if found else 0.0


def boundaries(scores: Sequence[float]) -> list[int]:
    """The gaps at which a segment ends: valleys that are deeper than the `threshold`.

    A gap on a slope can be deep too, on one side; a valley has no lower neighbour.
    """
    found = depths(scores)
    least = max(0.0, threshold(found))
    return [
        at
        for at, depth in enumerate(found)
        if depth > least and scores[at] <= min(scores[max(0, at - 1) : at + 2])
    ]


def window(sentences: int, reference: Collection[int]) -> int:
    """Half the mean length of the reference's segments, in sentences, as in Beeferman et al.

    Halves are rounded up; at least 1.
    """
    return max(1, int(sentences / (len(reference) + 1) / 2 + 0.5))


def pk(sentences: int, reference: Collection[int], found: Collection[int]) -> float:
    """The share (0-1) of pairs of sentences, a `window` apart, that are in the same segment by one
    segmentation but not by the other.
    """
    return _disagreement(sentences, reference, found, lambda count: min(count, 1))


def window_diff(sentences: int, reference: Collection[int], found: Collection[int]) -> float:
    """The share (0-1) of windows in which the numbers of boundaries differ."""
    return _disagreement(sentences, reference, found, lambda count: count)


def _disagreement(
    sentences: int,
    reference: Collection[int],
    found: Collection[int],
    seen: Callable[[int], int],
) -> float:
    """The share of windows over which `seen`, of the number of boundaries, differs."""
    width = window(sentences, reference)
    there, here = _counted(sentences, reference), _counted(sentences, found)
    windows = range(sentences - width)
    wrong = sum(
        seen(there[at + width] - there[at]) != seen(here[at + width] - here[at]) for at in windows
    )
    return wrong / len(windows) if windows else 0.0


def _counted(sentences: int, gaps: Collection[int]) -> list[int]:
    """The number of boundaries before each sentence."""
    counts = [0]
    for gap in range(sentences - 1):
        counts.append(counts[-1] + (gap in gaps))
    return counts
