"""Prepares the two texts of a pair: strips, joins and trims them."""

from __future__ import annotations

from collections.abc import Sequence

from engine.errors import refusal
from engine.interfaces import Tokenizer
from engine.messages import Piece, Trimmed

SPARE = 8
"""Tokens reserved for those that frame a pair, and for words tokenized differently within it."""


def cleaned(a: str, b: str) -> tuple[str, str]:
    """Both texts without the white space around them.

    Raises:
        EngineError: ``bad_request``, if one is empty.
    """
    a, b = a.strip(), b.strip()
    for name, side in (("A", a), ("B", b)):
        if not side:
            raise refusal("bad_request", "empty_side", side=name)
    return a, b


def trimmed(tokenizer: Tokenizer, context: int, a: str, b: str) -> tuple[str, str, Trimmed]:
    """Trim a pair to a context of this many tokens: the end of A and the beginning of B.

    These are nearest to each other. A text shorter than half the room leaves the rest to the other.
    """
    room = max(context - SPARE, 2)
    first, second = tokenizer.encode(a), tokenizer.encode(b)
    of_a = min(len(first), max(room // 2, room - len(second)))
    of_b = min(len(second), room - of_a)
    kept = Trimmed(a=len(first), a_kept=of_a, b=len(second), b_kept=of_b)
    return a[_start(first[len(first) - of_a :]) :].lstrip(), b[: _end(second[:of_b])].rstrip(), kept


def _start(pieces: Sequence[Piece]) -> int:
    return next((piece.start for piece in pieces if piece.start is not None), 0)


def _end(pieces: Sequence[Piece]) -> int:
    return next((piece.end for piece in reversed(pieces) if piece.end is not None), 0)


def join(a: str, b: str) -> str:
    """The text to put between two texts: a space, but nothing next to Japanese or Chinese."""
    return "" if _unspaced(a[-1]) or _unspaced(b[0]) else " "


_UNSPACED = (
    (0x2E80, 0x312F),  # radicals, punctuation, kana, bopomofo
    (0x3190, 0x9FFF),  # kanbun, enclosed and compatibility forms, Han
    (0xF900, 0xFAFF),  # compatibility Han
    (0xFE30, 0xFE4F),  # vertical forms
    (0xFF00, 0xFF9F),  # full-width forms, half-width katakana
    (0x1AFF0, 0x1B16F),  # more kana
    (0x20000, 0x3FFFF),  # more Han
)
"""Code points of Japanese and Chinese writing, punctuation included. Korean is spaced."""


def _unspaced(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in _UNSPACED)
