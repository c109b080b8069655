"""Words of any number of pieces at a mask.

A word of n pieces is scored in a slot of n masks, from left to right: the sum of
log p(piece | text around, pieces before it in the word), the pieces after it still masked. That is
its part of the within-word pseudo-log-likelihood of the filled text (Kauf & Ivanova 2023). What
the model thinks of a slot being so wide is not in it, so words of different lengths compare
roughly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.messages import Piece, WordScore
from engine.model import LoadedModel, MaskedRuntime, Tokenizer
from engine.tasks.limits import check_fits
from engine.tasks.words import as_word, cut_word, likeliest

if TYPE_CHECKING:
    import torch

    from engine.runtime.masked_rows import Reading, Row

BEAM = 20
"""Beginnings of words of one length that are gone on with."""


@dataclass(frozen=True)
class Slot:
    """A mask of a text, and what the vocabulary's ranking there is."""

    text: str
    pieces: Sequence[Piece]
    position: int
    logprobs: torch.Tensor
    """float32 [vocabulary], for a slot of one piece."""

    def cut(self, tokenizer: Tokenizer, word: str) -> tuple[int, ...]:
        """The ids of a word as it is read here."""
        return tuple(cut_word(tokenizer, self.text, self.pieces, self.position, word))

    def rank(self, logprob: float) -> int:
        """The place that a word would have among the vocabulary's single pieces."""
        return 1 + int((self.logprobs > logprob).sum())

    def row(self, tokenizer: Tokenizer, length: int, begun: Sequence[int]) -> Row:
        """The text with so many masks here, the first of them filled; asks for the next."""
        own = self.pieces[self.position]
        filled = [tokenizer.token(number) for number in begun]
        masks = [own] * (length - len(begun))
        after = self.pieces[self.position + 1 :]
        row = [*self.pieces[: self.position], *filled, *masks, *after]
        return row, [self.position + len(begun)]


def asked(
    model: LoadedModel, runtime: MaskedRuntime, slots: Sequence[Slot], words: Sequence[str]
) -> Reading[list[list[WordScore]]]:
    """Score these words in each of the slots.

    Every beginning of a word is a text of its own, shared by the words that begin so; as all are
    known beforehand, they are read side by side.

    Raises:
        EngineError: ``too_long`` when a word does not fit into the context.
    """
    from engine.runtime import masked_rows  # not at the top: torch is not there yet

    tokenizer = model.tokenizer

    def known(ids: tuple[int, ...]) -> bool:
        return bool(ids) and tokenizer.unknown not in ids and max(ids) < runtime.vocabulary

    spelt = [[slot.cut(tokenizer, word) for word in words] for slot in slots]
    wanted: dict[tuple[int, int, tuple[int, ...]], set[int]] = defaultdict(set)
    for number, spellings in enumerate(spelt):
        for ids in spellings:
            if len(ids) > 1 and known(ids):
                for place, following in enumerate(ids):
                    wanted[number, len(ids), ids[:place]].add(following)
    keys = list(wanted)
    rows = [slots[number].row(tokenizer, length, begun) for number, length, begun in keys]
    if rows:
        longest = max((row for row, _ in rows), key=len)
        check_fits(model, runtime, [piece.id for piece in longest])
    found = yield from masked_rows.read(
        runtime,
        rows,
        lambda number, row: {own: float(row[0, own]) for own in wanted[keys[number]]},
    )
    scores = dict(zip(keys, found, strict=True))

    def score(number: int, ids: tuple[int, ...]) -> float | None:
        if not known(ids):
            return None
        if len(ids) == 1:
            return float(slots[number].logprobs[ids[0]])
        return sum(scores[number, len(ids), ids[:n]][own] for n, own in enumerate(ids))

    return [
        [
            _scored(slot, word, ids, score(number, ids))
            for word, ids in zip(words, spellings, strict=True)
        ]
        for number, (slot, spellings) in enumerate(zip(slots, spelt, strict=True))
    ]


def search(
    model: LoadedModel, runtime: MaskedRuntime, slot: Slot, longest: int, count: int
) -> Reading[list[WordScore]]:
    """The likeliest words of each number of pieces up to a longest, at most so many of each.

    Every number of pieces has a beam of its own, else short words would crowd out all others.
    What the tokenizer would cut otherwise is no word of its vocabulary, and left out.

    Raises:
        EngineError: ``too_long`` when a word does not fit into the context.
    """
    from engine.runtime import masked_rows  # not at the top: torch is not there yet

    tokenizer = model.tokenizer
    check_fits(model, runtime, [piece.id for piece in slot.pieces], longest - 1)
    shape = _Shape.of(tokenizer, slot)
    beams: dict[int, list[tuple[tuple[int, ...], float]]] = {
        length: [((), 0.0)] for length in range(2, longest + 1)
    }
    for step in range(longest):
        fits = shape.continues if step else shape.begins
        begun = [
            (length, ids, score)
            for length, beam in beams.items()
            if length > step
            for ids, score in beam
        ]
        following = yield from masked_rows.read(
            runtime,
            [slot.row(tokenizer, length, ids) for length, ids, _ in begun],
            lambda _, row, fits=fits: likeliest(tokenizer, row[0], BEAM, fits),  # type: ignore[misc]
        )
        longer: dict[int, list[tuple[tuple[int, ...], float]]] = defaultdict(list)
        for (length, ids, score), more in zip(begun, following, strict=True):
            longer[length] += [((*ids, own), score + logprob) for own, logprob in more]
        for length, found in longer.items():
            if length == step + 1:
                found = [
                    each
                    for each in found
                    if slot.cut(tokenizer, _text(tokenizer, each[0])) == each[0]
                ]
            beams[length] = sorted(found, key=lambda each: -each[1])[:BEAM]
    beams[1] = [((own,), score) for own, score in likeliest(tokenizer, slot.logprobs, count)]
    words = [
        _scored(slot, _text(tokenizer, ids), ids, score)
        for beam in beams.values()
        for ids, score in beam[:count]
    ]
    return sorted(words, key=lambda word: -(word.logprob or 0.0))


def _text(tokenizer: Tokenizer, ids: Sequence[int]) -> str:
    pieces = [tokenizer.token(number) for number in ids]
    return as_word(pieces[0]) + "".join(piece.text for piece in pieces[1:])


@dataclass(frozen=True)
class _Shape:
    """How a vocabulary tells the beginning of a word from what goes on."""

    hashes: bool
    """WordPiece: what goes on is written with ## before it."""
    spaced: bool
    """The others: what begins a word here begins with a space."""

    @classmethod
    def of(cls, tokenizer: Tokenizer, slot: Slot) -> _Shape:
        first = tokenizer.token(slot.cut(tokenizer, "a")[0])
        return cls(tokenizer.find("##s") is not None, first.text.startswith(" "))

    def begins(self, piece: Piece) -> bool:
        if self.hashes:
            return not piece.piece.startswith("##") and piece.text[:1].isalnum()
        return piece.text.startswith(" ") == self.spaced and piece.text.strip()[:1].isalnum()

    def continues(self, piece: Piece) -> bool:
        if self.hashes:
            return piece.piece.startswith("##")
        return piece.text[:1].isalnum()


def _scored(slot: Slot, word: str, ids: Sequence[int], logprob: float | None) -> WordScore:
    rank = None if logprob is None else slot.rank(logprob)
    return WordScore(text=word, ids=list(ids), logprob=logprob, rank=rank)
