"""How a candidate for a mask is written."""

from __future__ import annotations

from engine.messages import Piece


def as_word(piece: Piece) -> str:
    """What a piece reads as at a mask, where the space before a word goes without saying."""
    return piece.text.strip() or piece.text
