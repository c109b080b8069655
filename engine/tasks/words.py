"""Words at a mask: how they are spelled and tokenized, and which are likeliest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.interfaces import Tokenizer
from engine.messages import Piece

if TYPE_CHECKING:
    import torch

LOOKED_AT = 2000
"""How far down a ranking to search for tokens that fit."""


def as_word(piece: Piece) -> str:
    """The text of a piece at a mask, without the space before it, which is implied."""
    return piece.text.strip() or piece.text


@dataclass(frozen=True)
class Spelling:
    """The pieces of a word at a mask, and the pieces before and after it, which a word may change:
    for example, if the space before it is a piece by itself."""

    ids: tuple[int, ...]
    before: tuple[Piece, ...]
    after: tuple[Piece, ...]
    usual: bool
    """Whether the pieces around it are the same as around the mask."""


def spell(
    tokenizer: Tokenizer, text: str, pieces: Sequence[Piece], position: int, word: str
) -> Spelling:
    """Tokenize the text with the word in place of the mask at this position.

    If a piece would cover both the word and the text beside it, the word is tokenized by itself,
    with the space before it that the mask includes.
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
    """The positions of a word's pieces. They include a space that is a piece by itself if the mask
    includes it (`before` pieces precede it), but not the one that begins every text."""
    first = own[0]
    while first < own[-1] and not whole[first].text.strip():
        first += 1
    swallowed = spaced and first - 1 == before and not whole[before].text.strip()
    return list(range(before if swallowed else first, own[-1] + 1))


def _written(text: str, mask: Piece) -> tuple[int, int]:
    """The range of the mask itself, without the spaces that it includes."""
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
            continue  # a padded vocabulary has unused ids
        piece = tokenizer.token(number)
        if not piece.special and fits(piece):
            found.append((number, logprob))
            if len(found) == count:
                break
    return found
