"""Words at a mask: how they are written, how they are cut, and which are likeliest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from engine.messages import MASK, Piece
from engine.model import Tokenizer

if TYPE_CHECKING:
    import torch

LOOKED_AT = 2000
"""How far down a ranking is searched for tokens that fit."""


def as_word(piece: Piece) -> str:
    """What a piece reads as at a mask, where the space before a word goes without saying."""
    return piece.text.strip() or piece.text


def cut_word(
    tokenizer: Tokenizer, text: str, pieces: Sequence[Piece], position: int, word: str
) -> list[int]:
    """The ids of a word as the model would have read it at the mask in this position.

    Where the mask swallowed the space before it, as RoBERTa's does, that space belongs to the
    word: " baseball" is another piece than "baseball".
    """
    end = pieces[position].end or 0
    before = end - len(MASK) - 1
    spaced = before >= 0 and text[before].isspace()
    alone = spaced and any(
        piece.start is not None and piece.end is not None and piece.start <= before < piece.end
        for number, piece in enumerate(pieces)
        if number != position
    )
    return [p.id for p in tokenizer.encode((" " if spaced and not alone else "") + word.strip())]


def likeliest(
    tokenizer: Tokenizer,
    logprobs: torch.Tensor,
    count: int,
    fits: Callable[[Piece], bool] = lambda piece: True,
) -> list[tuple[int, float]]:
    """The best tokens that fit, none of them special, with their log-probabilities [vocabulary]."""
    best = logprobs.topk(min(LOOKED_AT, len(logprobs)))
    found: list[tuple[int, float]] = []
    for number, logprob in zip(best.indices.tolist(), best.values.tolist(), strict=True):
        if number >= tokenizer.vocabulary:
            continue  # a padded vocabulary has ids that no text leads to
        piece = tokenizer.token(number)
        if not piece.special and fits(piece):
            found.append((number, logprob))
            if len(found) == count:
                break
    return found
