"""Words at a mask: how they are written, how they are cut, and which are likeliest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.interfaces import Tokenizer
from engine.messages import Piece

if TYPE_CHECKING:
    import torch

LOOKED_AT = 2000
"""How far down a ranking is searched for tokens that fit."""


def as_word(piece: Piece) -> str:
    """What a piece reads as at a mask, where the space before a word goes without saying."""
    return piece.text.strip() or piece.text


@dataclass(frozen=True)
class Spelling:
    """A word as it is read at a mask, and the pieces before and after it: a word may be cut
    otherwise than the mask leaves room for, as where a space before it is a piece by itself."""

    ids: tuple[int, ...]
    before: tuple[Piece, ...]
    after: tuple[Piece, ...]
    usual: bool
    """Whether the pieces around it are those around the mask."""


def spell(
    tokenizer: Tokenizer, text: str, pieces: Sequence[Piece], position: int, word: str
) -> Spelling:
    """A word cut as the whole text is cut with it in place of the mask in this position.

    Where it would run together with what is beside it, it is cut by itself, with the space before
    it that the mask swallowed.
    """
    word = word.strip()
    begin, end = _written(text, pieces[position])
    whole = tokenizer.single(text[:begin] + word + text[end:])
    stop = begin + len(word)
    places = [(n, p.start, p.end) for n, p in enumerate(whole) if p.start is not None and p.end]
    own = [n for n, a, b in places if a is not None and a < stop and b > begin]
    before, after = pieces[:position], pieces[position + 1 :]
    if own:
        own = _spaced(whole, own, len(before), begin > 0 and text[begin - 1].isspace())
        first, last = whole[own[0]], whole[own[-1]]
        left = text[first.start : begin] if first.start is not None else ""
        if not left.strip() and (last.end or 0) <= stop:
            ids = tuple(piece.id for piece in whole[own[0] : own[-1] + 1])
            around = whole[: own[0]], whole[own[-1] + 1 :]
            usual = _ids(before) == _ids(around[0]) and _ids(after) == _ids(around[1])
            if not usual:
                before, after = around
            return Spelling(ids, tuple(before), tuple(after), usual)
    spaced = begin > 0 and text[begin - 1].isspace() and (pieces[position].start or 0) < begin
    alone = tokenizer.after(word) if begin and not spaced else tokenizer.encode(" " * spaced + word)
    return Spelling(_ids(alone), tuple(before), tuple(after), True)


def _spaced(whole: Sequence[Piece], own: list[int], before: int, spaced: bool) -> list[int]:
    """The places of a word's pieces. A space that is a piece by itself is one of them where the
    mask swallowed it (so many pieces are before it), but not what begins every text."""
    first = own[0]
    while first < own[-1] and not whole[first].text.strip():
        first += 1
    swallowed = spaced and first - 1 == before and not whole[before].text.strip()
    return list(range(before if swallowed else first, own[-1] + 1))


def _written(text: str, mask: Piece) -> tuple[int, int]:
    """Where a mask itself is written, without the spaces that it swallows."""
    start, end = mask.start or 0, mask.end or 0
    written = text[start:end]
    return end - len(written.lstrip()), start + len(written.rstrip())


def _ids(pieces: Sequence[Piece]) -> tuple[int, ...]:
    return tuple(piece.id for piece in pieces)


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
