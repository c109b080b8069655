"""Shuffles the user's text, as a baseline for a witness's figure.

A figure by itself means little, as its scale differs from text to text. Its percentile among the
figures of the same words or sentences in random orders shows whether the witness is sensitive to
order at all; near 50, only the words counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from engine.interfaces import Tokenizer
from engine.tasks.continuity.sides import join
from engine.text import ordering
from engine.text.sentences import split

SENTENCES = 4
"""Sentences that A and B together must have to be shuffled, in 24 orders; else words are."""
WORDS = 4
"""Words separated by spaces that B must have to be shuffled by words; else its tokens are."""


@dataclass(frozen=True)
class Shuffles:
    """Pairs of texts made from the parts of one pair in other orders."""

    unit: Literal["sentences", "words", "tokens"]
    pairs: list[tuple[str, str]]


def shuffles(tokenizer: Tokenizer, a: str, b: str, times: int) -> Shuffles | None:
    """Make `times` shuffles, always the same ones; None if there is no second order.

    If A and B together have `SENTENCES` sentences, all of these are shuffled, and each text gets as
    many as it had. Otherwise the words of B are shuffled, and A is unchanged.
    """
    first, second = ([each.text for each in split(side)] for side in (a, b))
    if len(first) + len(second) >= SENTENCES:
        dealt = _orders([*first, *second], times)
        cut = len(first)
        return Shuffles("sentences", [(_text(d[:cut]), _text(d[cut:])) for d in dealt])
    words = b.split()
    if len(words) >= WORDS:
        return Shuffles("words", [(a, " ".join(order)) for order in _orders(words, times)])
    tokens = [
        b[piece.start : piece.end]
        for piece in tokenizer.encode(b)
        if piece.start is not None and piece.end is not None
    ]
    tokens = [token for token in tokens if token.strip()]
    if len(tokens) < 2:
        return None
    return Shuffles("tokens", [(a, "".join(order).strip()) for order in _orders(tokens, times)])


def _orders(parts: list[str], times: int) -> list[list[str]]:
    """Random orders, in which parts, or in short texts even all of them, may keep their places."""
    return [[parts[at] for at in order] for order in ordering.shuffled(len(parts), times)]


def _text(sentences: list[str]) -> str:
    """Join sentences into one text, without line breaks."""
    whole, *rest = (re.sub(r"\s*[\r\n]\s*", " ", each) for each in sentences)
    for each in rest:
        whole += join(whole, each) + each
    return whole
