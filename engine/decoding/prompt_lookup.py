"""Prompt look-up: guesses the next tokens from an earlier place in the text that went the same way.

After Saxena, "Prompt Lookup Decoding" (2023). The guess is fed together with the last token, one
reading of the weights for all of them; then every token is drawn as it would have been without,
and the first that is not as guessed ends it. So the text is the same, to the float tolerance of
reading several tokens at once instead of one by one.
"""

from __future__ import annotations

from collections.abc import Sequence

GUESSED = 4
"""Ids guessed at once."""
CONTEXTS = (4, 3)
"""Lengths of the endings that are looked for, the longest first. Shorter ones agree by chance."""
PAYS = 1.0
"""Guessed ids that must come true at each reading, on average, to be worth their computation."""
REST = 24
"""Tokens without guessing after it did not pay."""


class Lookup:
    """Guesses for one text that grows at its end. Nothing in it depends on the clock."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._places: dict[tuple[int, ...], int] = {}
        """Where the text went on after the latest occurrence of an ending."""
        self._seen = 0
        self._average = 2 * PAYS
        self._resting = 0

    def guess(self, ids: Sequence[int], most: int) -> list[int]:
        """The ids that may come next, `most` at most; often none."""
        found = self._found(ids)
        if self._resting:
            self._resting -= 1
            return []
        return list(ids[found : found + min(most, GUESSED)]) if found else []

    def record_accepted(self, count: int) -> None:
        """Hear how many ids of the last guess were drawn."""
        self._average = 0.7 * self._average + 0.3 * count
        if self._average < PAYS:
            self._average = PAYS
            self._resting = REST

    def _found(self, ids: Sequence[int]) -> int:
        """The place after the latest earlier occurrence of the text's ending; 0 for none."""
        for end in range(self._seen + 1, len(ids)):
            for length in CONTEXTS:
                if end >= length:
                    self._places[tuple(ids[end - length : end])] = end
        self._seen = len(ids) - 1
        endings = (tuple(ids[-length:]) for length in CONTEXTS if len(ids) > length)
        return next((self._places[ending] for ending in endings if ending in self._places), 0)
