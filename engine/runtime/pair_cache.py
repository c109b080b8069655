"""Scores of pairs of sentences, kept so that after an edit only the changed pairs are scored again.

Losing the cache costs only time.
"""

from __future__ import annotations

from engine.messages import Witness

LIMIT = 40_000
"""Ordered pairs: all pairs of 200 sentences, in both orders."""
_EACH = 500
"""Approximate bytes of a pair and its scores."""


class PairCache:
    """The cached pairs of one model in one form."""

    def __init__(self, limit: int = LIMIT) -> None:
        """Start empty; `limit` is the number of ordered pairs."""
        self._limit = limit
        self._kept: dict[tuple[str, str], Witness] = {}
        """The oldest first."""

    @property
    def bytes(self) -> int:
        """Approximate bytes that the pairs take."""
        return _EACH * len(self._kept)

    def get(self, first: str, second: str) -> Witness | None:
        """The scores of `second` right after `first`, or None."""
        return self._kept.get((first, second))

    def keep(self, first: str, second: str, witness: Witness) -> None:
        """Cache the scores of a pair."""
        self._kept.pop((first, second), None)
        self._kept[first, second] = witness
        if len(self._kept) > self._limit:
            del self._kept[next(iter(self._kept))]

    def clear(self) -> None:
        """Drop all pairs."""
        self._kept.clear()
