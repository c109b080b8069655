"""Texts of unlike length in few batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def by_length(lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """The numbers of texts of these lengths in batches of like length, the shortest first.

    Padded to its longest, a batch has at most so many tokens, or is one text alone.
    """
    waiting = sorted(range(len(lengths)), key=lengths.__getitem__)
    while waiting:
        # The longest of a batch is its last: what it is padded to is what all of it costs.
        count = next(
            (n for n, i in enumerate(waiting) if (n + 1) * lengths[i] > tokens), len(waiting)
        )
        batch, waiting = waiting[: max(count, 1)], waiting[max(count, 1) :]
        yield batch
