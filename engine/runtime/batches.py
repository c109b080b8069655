"""Batches of texts of similar length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def by_length(lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Group texts, given their lengths, into batches of indices, the shortest texts first.

    Padded to its longest text, a batch has at most `tokens` tokens, or contains one text only.
    """
    waiting = sorted(range(len(lengths)), key=lengths.__getitem__)
    while waiting:
        # The last text of a batch is its longest, to which all of it is padded.
        count = next(
            (n for n, i in enumerate(waiting) if (n + 1) * lengths[i] > tokens), len(waiting)
        )
        batch, waiting = waiting[: max(count, 1)], waiting[max(count, 1) :]
        yield batch
