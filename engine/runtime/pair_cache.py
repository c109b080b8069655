"""What a model has said of pairs of sentences, kept so that a text that was changed in one place is
judged anew in that place alone. Losing any of it costs only time.
"""

from __future__ import annotations

from engine.messages import Witness

LIMIT = 40_000
"""Ordered pairs: both orders of all the pairs of 200 sentences."""
_EACH = 500
"""Bytes, about, that a pair and what is said of it take."""


class PairCache:
    """The pairs kept for one model in one form."""

    def __init__(self, limit: int = LIMIT) -> None:
        """Keep nothing yet."""
        self._limit = limit
        self._kept: dict[tuple[str, str], Witness] = {}
        """The least recently kept first."""

    @property
    def bytes(self) -> int:
        """About what the pairs take."""
        return _EACH * len(self._kept)

    def get(self, first: str, second: str) -> Witness | None:
        """What is known of a sentence right after another, if anything is."""
        return self._kept.get((first, second))

    def keep(self, first: str, second: str, witness: Witness) -> None:
        """Set aside what a model said of a pair."""
        self._kept.pop((first, second), None)
        self._kept[first, second] = witness
        if len(self._kept) > self._limit:
            del self._kept[next(iter(self._kept))]

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
