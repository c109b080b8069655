"""Words that were tracked through a text: their figures at each place, and as rows of a table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from engine.messages import TextToken, TrackedWord
from tui.analysis.heat import bits
from tui.files.tables import Value

EVEN_BITS = 1.0
"""Bits below which two words count as equally likely."""
COLUMNS = ("position", "token", "word", "probability", "surprisal_bits", "rank")
"""Of a table. Positions count from 1; the one after the last token has no token."""


def difference(words: Sequence[TrackedWord], place: int) -> float | None:
    """Bits by which the first of two words is likelier; None where there are no such figures."""
    if len(words) != 2:
        return None
    one, other = (word.logprobs[place] for word in words)
    return None if one is None or other is None else bits(one - other)


def rows(tokens: Sequence[TextToken], words: Sequence[TrackedWord]) -> Iterator[dict[str, Value]]:
    """A row for each word at each place."""
    for place in range(len(words[0].logprobs) if words else 0):
        for word in words:
            logprob = word.logprobs[place]
            yield {
                "position": place + 1,
                "token": tokens[place].text if place < len(tokens) else None,
                "word": word.word,
                "probability": None if logprob is None else math.exp(logprob),
                "surprisal_bits": None if logprob is None else bits(-logprob),
                "rank": word.ranks[place],
            }
