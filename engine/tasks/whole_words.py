"""Words of any number of pieces at a mask.

A word of n pieces is scored in a slot of n masks, from left to right: the sum of
log p(piece | text around, pieces before it in the word), the pieces after it still masked. That is
its part of the within-word pseudo-log-likelihood of the filled text (Kauf & Ivanova 2023). It does
not include the probability of the slot's length, so words of different lengths are only roughly
comparable.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.interfaces import MaskedRuntime, Tokenizer
from engine.messages import Piece, WordScore
from engine.runtime.loaded import LoadedModel
from engine.tasks.limits import check_fits
from engine.tasks.words import Spelling, as_word, likeliest, spell

if TYPE_CHECKING:
    import torch

    from engine.runtime.masked_rows import Reading, Row

BEAM = 20
"""Beam width for words of one length."""


@dataclass(frozen=True)
class Slot:
    """A mask of a text, and the ranking of the vocabulary there."""

    text: str
    pieces: Sequence[Piece]
    position: int
    logprobs: torch.Tensor
    """float32 [vocabulary], for a slot of one piece."""

    def spell(self, tokenizer: Tokenizer, word: str) -> Spelling:
        """The spelling of a word here."""
        return spell(tokenizer, self.text, self.pieces, self.position, word)

    def rank(self, logprob: float) -> int:
        """The rank that a word would have among the vocabulary's single pieces."""
        return 1 + int((self.logprobs > logprob).sum())

    def row(
        self,
        tokenizer: Tokenizer,
        length: int,
        begun: Sequence[int],
        spelling: Spelling | None = None,
    ) -> Row:
        """The text with `length` masks here, the first ones filled, and the next one to predict.

        With a word's spelling, the pieces around the masks are those around that word.
        """
        own = self.pieces[self.position]
        filled = [tokenizer.token(number) for number in begun]
        masks = [own] * (length - len(begun))
        before: Sequence[Piece] = self.pieces[: self.position]
        after: Sequence[Piece] = self.pieces[self.position + 1 :]
        if spelling is not None:
            before, after = spelling.before, spelling.after
        return [*before, *filled, *masks, *after], [len(before) + len(begun)]


def asked(
    model: LoadedModel, runtime: MaskedRuntime, slots: Sequence[Slot], words: Sequence[str]
) -> Reading[list[list[WordScore]]]:
    """Score these words in each of the slots.

    Every prefix of a word is a separate text, shared by the words that begin with it; all of them
    are read in batches.

    Raises:
        EngineError: ``too_long`` if a word does not fit the context.
    """
    from engine.runtime import masked_rows  # not at the top: torch may not be imported yet

    tokenizer = model.tokenizer

    def in_vocabulary(ids: tuple[int, ...]) -> bool:
        return bool(ids) and tokenizer.unknown not in ids and max(ids) < runtime.vocabulary

    spelt = [[slot.spell(tokenizer, word) for word in words] for slot in slots]
    wanted: dict[_Begun, set[int]] = defaultdict(set)
    for number, spellings in enumerate(spelt):
        for spelling in spellings:
            ids = spelling.ids
            if (len(ids) > 1 or not spelling.usual) and in_vocabulary(ids):
                for place, following in enumerate(ids):
                    wanted[_begun(number, spelling, place)].add(following)
    keys = list(wanted)
    rows = [slots[key[0]].row(tokenizer, key[1], key[2], key[3]) for key in keys]
    if rows:
        longest = max((row for row, _ in rows), key=len)
        check_fits(model, runtime, [piece.id for piece in longest])
    found = yield from masked_rows.read(
        runtime,
        rows,
        lambda number, row: _at(row[0].log_softmax(-1), wanted[keys[number]]),
    )
    scores = dict(zip(keys, found, strict=True))

    def score(number: int, spelling: Spelling) -> float | None:
        ids = spelling.ids
        if not in_vocabulary(ids):
            return None
        if len(ids) == 1 and spelling.usual:
            return float(slots[number].logprobs[ids[0]])
        return sum(scores[_begun(number, spelling, n)][own] for n, own in enumerate(ids))

    return [
        [
            _scored(slot, word, spelling.ids, score(number, spelling))
            for word, spelling in zip(words, spellings, strict=True)
        ]
        for number, (slot, spellings) in enumerate(zip(slots, spelt, strict=True))
    ]


_Begun = tuple[int, int, tuple[int, ...], Spelling | None]
"""A slot's index, its number of pieces, the first of them, and the word's spelling if the pieces
around it differ from those around the mask."""


def _at(logprobs: torch.Tensor, ids: Iterable[int]) -> dict[int, float]:
    return {number: float(logprobs[number]) for number in ids}


def _begun(number: int, spelling: Spelling, place: int) -> _Begun:
    ids = spelling.ids
    around = None if spelling.usual else replace(spelling, ids=())
    return number, len(ids), ids[:place], around


def search(
    model: LoadedModel, runtime: MaskedRuntime, slot: Slot, longest: int, count: int
) -> Reading[list[WordScore]]:
    """The likeliest words of each number of pieces up to `longest`, at most `count` of each.

    Every number of pieces has its own beam, as short words would crowd out all others. Sequences
    that the tokenizer would not produce are left out.

    Raises:
        EngineError: ``too_long`` if a word does not fit the context.
    """
    from engine.runtime import masked_rows  # not at the top: torch may not be imported yet

    tokenizer = model.tokenizer
    check_fits(model, runtime, [piece.id for piece in slot.pieces], longest - 1)
    shape = Shape(tokenizer, slot)
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
            lambda _, row, fits=fits: likeliest(tokenizer, row[0].log_softmax(-1), BEAM, fits),  # type: ignore[misc]
        )
        longer: dict[int, list[tuple[tuple[int, ...], float]]] = defaultdict(list)
        for (length, ids, score), more in zip(begun, following, strict=True):
            longer[length] += [((*ids, own), score + logprob) for own, logprob in more]
        for length, found in longer.items():
            if length == step + 1:
                found = [
                    each for each in found if shape.usual(_text(tokenizer, each[0])) == each[0]
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


class Shape:
    """How a vocabulary distinguishes the beginning of a word from its continuation."""

    def __init__(self, tokenizer: Tokenizer, slot: Slot) -> None:
        self._tokenizer = tokenizer
        self._slot = slot
        first = tokenizer.token(slot.spell(tokenizer, "a").ids[0])
        # WordPiece writes ## before a continuation.
        self._hashes = tokenizer.find("##s") is not None
        self._glued = first.piece.startswith("##")
        self._spaced = first.text.startswith(" ")

    def begins(self, piece: Piece) -> bool:
        """Whether a piece is the beginning of a word here, and may be all of it."""
        if self._hashes and self._glued:
            return piece.piece.startswith("##")
        if self._hashes:
            return not piece.piece.startswith("##") and piece.text[:1].isalnum()
        return piece.text.startswith(" ") == self._spaced and piece.text.strip()[:1].isalnum()

    def continues(self, piece: Piece) -> bool:
        """Whether a piece goes on with a word that was begun."""
        if self._hashes:
            return piece.piece.startswith("##")
        return piece.text[:1].isalnum()

    def usual(self, word: str) -> tuple[int, ...] | None:
        """The tokens of a word here; None if the text around it would be tokenized differently."""
        spelling = self._slot.spell(self._tokenizer, word)
        return spelling.ids if spelling.usual else None


def _scored(slot: Slot, word: str, ids: Sequence[int], logprob: float | None) -> WordScore:
    rank = None if logprob is None else slot.rank(logprob)
    return WordScore(text=word, ids=list(ids), logprob=logprob, rank=rank)
