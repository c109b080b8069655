"""Prompt look-up: guesses the next tokens from an earlier occurrence of the text's last tokens.

After Saxena, "Prompt Lookup Decoding" (2023). The guess is fed together with the last token in one
forward pass. Then every token is drawn as usual, and the guess is dropped at the first token that
differs. So the text is the same, to the float tolerance of feeding several tokens at once instead
of one by one.
"""

from __future__ import annotations

from collections.abc import Sequence

GUESSED = 4
"""Ids guessed at once."""
CONTEXTS = (4, 3)
"""Lengths of the endings that are looked up, the longest first. Shorter ones match by chance."""
PAYS = 1.0
"""Guessed tokens that must be accepted per forward pass, on average, to be worth their cost."""
REST = 24
"""Tokens without guessing after it was not worth it."""


class Lookup:
    """Guesses for one text that grows at its end. Independent of timing."""

    def __init__(self) -> None:
        """Start with an empty index."""
        self._places: dict[tuple[int, ...], int] = {}
        """The position after the latest occurrence of each ending."""
        self._seen = 0
        self._average = 2 * PAYS
        self._resting = 0

    def guess(self, ids: Sequence[int], most: int) -> list[int]:
        """Guess the next ids, at most `most`; often none."""
        found = self._found(ids)
        if self._resting:
            self._resting -= 1
            return []
        return list(ids[found : found + min(most, GUESSED)]) if found else []

    def record_accepted(self, count: int) -> None:
        """Record how many guessed tokens were accepted."""
        self._average = 0.7 * self._average + 0.3 * count
        if self._average < PAYS:
            self._average = PAYS
            self._resting = REST

    def _found(self, ids: Sequence[int]) -> int:
        """The position after the latest earlier occurrence of the text's ending; 0 for none."""
        for end in range(self._seen + 1, len(ids)):
            for length in CONTEXTS:
                if end >= length:
                    self._places[tuple(ids[end - length : end])] = end
        self._seen = len(ids) - 1
        endings = (tuple(ids[-length:]) for length in CONTEXTS if len(ids) > length)
        return next((self._places[ending] for ending in endings if ending in self._places), 0)
