"""Fills several masks jointly.

A masked model gives p(x_i | rest) for each mask, not a joint distribution. There are four methods
to score a filling x_1 ... x_n (M: a mask that is still there), in nats:

- ``independent``: sum of log p(x_i | all M), as if the masks were independent.
- ``left_to_right``: sum of log p(x_i | x_1 ... x_{i-1}, M after), by beam search.
- ``confident_first``: the same chain in another order: each beam next fills the mask at which the
  model is most confident of a word.
- ``hcb``: the Hammersley-Clifford-Besag theorem builds p(x) / p(y) as the product over i of
  p(x_i | x_<i, y_>i) / p(y_i | x_<i, y_>i) for any pivot y; if y is all masks, both come from the
  forward passes of ``left_to_right`` (Brooks, Calef, Cowen-Breen & Sappington 2024, arXiv
  2402.15020). The score is defined up to a constant; here it is

      sum of log p(x_i | x_<i, M_>=i) - [log p(M | x_<i, M_>=i) - log p(M | all M)]

  with the last two terms at mask i, so that it equals ``left_to_right`` if earlier words do not
  change the probability of the mask token itself. It is a log-ratio and may exceed 0, so a filling
  has it beside its log-probability from left to right.

Only whole words are filled in: no pieces that continue a word, and no punctuation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.interfaces import MaskedRuntime
from engine.messages import Candidate, JointFill, JointFills, JointMethod, PairTable, Piece
from engine.runtime.loaded import LoadedModel
from engine.tasks.whole_words import Shape, Slot
from engine.tasks.words import as_word, likeliest

if TYPE_CHECKING:
    import torch

    from engine.runtime.masked_rows import Reading, Row

BEAM = 16
"""Beam width, and the maximum number of fillings returned."""
TABLE = 10
"""Candidates for each of two masks in the table of pairs."""

Filling = tuple[int | None, ...]
"""An id for each mask; None for one that is still open."""


@dataclass(frozen=True)
class _Prediction:
    """The model's prediction at an open mask, as far as the methods need it."""

    best: list[tuple[int, float]]
    """The likeliest words, with their log-probabilities."""
    mask: float
    """The log-probability of the mask token itself."""
    tabled: list[float]
    """The log-probabilities of the words in the table of pairs."""


@dataclass(frozen=True)
class Masks:
    """The masks of a text, and the model's predictions at each while all are open.

    Predictions for the text with some masks filled are cached, as the methods share many of them.
    """

    model: LoadedModel
    runtime: MaskedRuntime
    slots: Sequence[Slot]
    _shapes: list[Shape] = field(default_factory=list)
    _predictions: dict[tuple[Filling, int], _Prediction] = field(default_factory=dict)
    _tabled: list[list[tuple[int, float]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for place, slot in enumerate(self.slots):
            self._shapes.append(Shape(self.model.tokenizer, slot))
            self._tabled.append(self._best(place, slot.logprobs, TABLE))
            self._predictions[self.empty, place] = self._taken(place, slot.logprobs)

    @property
    def empty(self) -> Filling:
        """No mask filled."""
        return (None,) * len(self.slots)

    def tabled(self, place: int) -> list[tuple[int, float]]:
        """The words of the table of pairs at a mask, likeliest first."""
        return self._tabled[place]

    def at(self, filling: Filling, place: int) -> _Prediction:
        """The prediction at a mask, after `read`."""
        return self._predictions[filling, place]

    def read(self, asked: Sequence[tuple[Filling, Sequence[int]]]) -> Reading[None]:
        """Predict, for the text with each of these fillings, some of its open masks."""
        from engine.runtime import masked_rows  # not at the top: torch may not be imported yet

        missing = [
            (filling, [place for place in places if (filling, place) not in self._predictions])
            for filling, places in asked
        ]
        missing = [(filling, places) for filling, places in missing if places]

        def taken(number: int, logits: torch.Tensor) -> list[_Prediction]:
            places, logprobs = missing[number][1], logits.log_softmax(-1)
            return [self._taken(*each) for each in zip(places, logprobs, strict=True)]

        rows = [self._row(filling, places) for filling, places in missing]
        found = yield from masked_rows.read(self.runtime, rows, taken)
        for (filling, places), predictions in zip(missing, found, strict=True):
            self._predictions.update(
                zip(((filling, place) for place in places), predictions, strict=True)
            )

    def _row(self, filling: Filling, places: Sequence[int]) -> Row:
        """The text with some masks filled, and the positions of the masks to predict."""
        row = list(self.slots[0].pieces)
        for slot, number in zip(self.slots, filling, strict=True):
            if number is not None:
                row[slot.position] = self.model.tokenizer.token(number)
        return row, [self.slots[place].position for place in places]

    def _taken(self, place: int, logprobs: torch.Tensor) -> _Prediction:
        mask = self.model.tokenizer.mask
        assert mask is not None, "a masked-language head comes with a mask"
        return _Prediction(
            best=self._best(place, logprobs, BEAM),
            mask=float(logprobs[mask]),
            tabled=[float(logprobs[own]) for own, _ in self._tabled[place]],
        )

    def _best(self, place: int, logprobs: torch.Tensor, count: int) -> list[tuple[int, float]]:
        """The likeliest whole words; of a vocabulary without any, the likeliest tokens."""
        tokenizer = self.model.tokenizer
        words = likeliest(tokenizer, logprobs, count, self._shapes[place].begins)
        return words or likeliest(tokenizer, logprobs, count)


def fill(masks: Masks, methods: Sequence[JointMethod], top: int) -> Reading[list[JointFills]]:
    """The likeliest fillings of all masks, at most `BEAM`, by each method (see the module)."""
    results: list[JointFills] = []
    tokenizer = masks.model.tokenizer
    for method in methods:
        beam = _independent(masks) if method == "independent" else None
        if beam is None:
            beam = yield from _chained(masks, method)
        fillings = [
            JointFill(
                words=[as_word(tokenizer.token(own)) for own in filling if own is not None],
                ids=[own for own in filling if own is not None],
                logprob=logprob,
                ratio=score if method == "hcb" else None,
            )
            for filling, logprob, score in beam[:top]
        ]
        results.append(JointFills(method=method, fillings=fillings))
    return results


_Scored = tuple[Filling, float, float]
"""A filling, its log-probability and the score to rank it by."""


def _independent(masks: Masks) -> list[_Scored]:
    beam: list[_Scored] = [((), 0.0, 0.0)]
    for place in range(len(masks.slots)):
        best = masks.at(masks.empty, place).best
        beam = _kept(
            [
                ((*ids, own), logprob + more, score + more)
                for ids, logprob, score in beam
                for own, more in best
            ]
        )
    return beam


def _chained(masks: Masks, method: JointMethod) -> Reading[list[_Scored]]:
    """Fill one mask after the other, each given those filled before."""
    beam: list[_Scored] = [(masks.empty, 0.0, 0.0)]
    for _ in masks.slots:
        opened = [[n for n, own in enumerate(filling) if own is None] for filling, *_ in beam]
        if method != "confident_first":
            opened = [places[:1] for places in opened]
        yield from masks.read(
            [(filling, places) for (filling, *_), places in zip(beam, opened, strict=True)]
        )
        longer: list[_Scored] = []
        for (filling, logprob, score), places in zip(beam, opened, strict=True):
            place = max(places, key=lambda place, own=filling: masks.at(own, place).best[0][1])  # type: ignore[misc]
            prediction = masks.at(filling, place)
            if method == "hcb":
                # How much likelier the words filled before made the mask token itself.
                score -= prediction.mask - masks.at(masks.empty, place).mask
            before, after = filling[:place], filling[place + 1 :]
            longer += [
                ((*before, own, *after), logprob + more, score + more)
                for own, more in prediction.best
            ]
        beam = _kept(longer)
    return beam


def _kept(beam: list[_Scored]) -> list[_Scored]:
    return sorted(beam, key=lambda each: -each[2])[:BEAM]


def table(masks: Masks) -> Reading[PairTable]:
    """Score every pair of the likeliest words of two masks, in both orders of filling them."""
    left, right = masks.tabled(0), masks.tabled(1)
    lefts: list[Filling] = [(own, None) for own, _ in left]
    rights: list[Filling] = [(None, own) for own, _ in right]
    yield from masks.read([(each, [1]) for each in lefts] + [(each, [0]) for each in rights])

    def joint(first: float, filling: Filling, other: int) -> list[float]:
        return [first + more for more in masks.at(filling, other).tabled]

    by_right = [joint(score, each, 0) for (_, score), each in zip(right, rights, strict=True)]
    tokenizer = masks.model.tokenizer
    return PairTable(
        left=[_candidate(tokenizer.token(own), score) for own, score in left],
        right=[_candidate(tokenizer.token(own), score) for own, score in right],
        left_first=[joint(score, each, 1) for (_, score), each in zip(left, lefts, strict=True)],
        right_first=[list(column) for column in zip(*by_right, strict=True)],
    )


def _candidate(piece: Piece, logprob: float) -> Candidate:
    return Candidate(piece.id, as_word(piece), math.exp(logprob))
