"""Shuffles of a person's own text, to set what a witness says of it against.

A figure by itself says little: what counts as much differs from text to text. Among those of the
same words or sentences in random orders it has a place. Such a place tells whether the witness
sees the order at all; one near 50 says that only the words counted.
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
"""So many in A and B together can be dealt anew: 24 orders. With fewer, words are shuffled."""
WORDS = 4
"""So many words at spaces make a text that can be shuffled by them; else its tokens are."""


@dataclass(frozen=True)
class Shuffles:
    """Pairs of texts made of a pair's own parts in other orders."""

    unit: Literal["sentences", "words", "tokens"]
    pairs: list[tuple[str, str]]


def shuffles(tokenizer: Tokenizer, a: str, b: str, times: int) -> Shuffles | None:
    """So many shuffles, always the same; None where there is no second order.

    Where A and B have `SENTENCES` together, all of them are dealt anew, so many to each as before.
    Otherwise the words of B are put in another order, and A stays as it is.
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
    """Random orders; a part may stay where it was, and so, in short texts, may all of them."""
    return [[parts[at] for at in order] for order in ordering.shuffled(len(parts), times)]


def _text(sentences: list[str]) -> str:
    """Sentences as one text, without the line breaks that they were laid out with."""
    whole, *rest = (re.sub(r"\s*[\r\n]\s*", " ", each) for each in sentences)
    for each in rest:
        whole += join(whole, each) + each
    return whole
