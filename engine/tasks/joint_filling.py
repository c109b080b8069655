"""Several masks filled together.

A masked model gives p(x_i | rest) for each mask, not a joint distribution. Four ways to one, each
scoring a filling x_1 ... x_n (M: a mask still there), in nats:

- ``independent``: sum of log p(x_i | all M), as if the masks knew nothing of each other.
- ``left_to_right``: sum of log p(x_i | x_1 ... x_{i-1}, M after), by a beam.
- ``confident_first``: the same chain in another order: each beam next fills the mask at which the
  model is surest of a word.
- ``hcb``: the Hammersley-Clifford-Besag theorem builds p(x) / p(y) as the product over i of
  p(x_i | x_<i, y_>i) / p(y_i | x_<i, y_>i) for any pivot y; with y all masks both are read in the
  forwards of left to right (Brooks, Calef, Cowen-Breen & Sappington 2024, arXiv 2402.15020). The
  score is defined up to a constant; here it is

      sum of log p(x_i | x_<i, M_>=i) - [log p(M | x_<i, M_>=i) - log p(M | all M)]

  with the last two read at mask i, so that it equals ``left_to_right`` where earlier words leave
  the chance of the mask token itself unchanged. It is a log-ratio and may exceed 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.messages import Candidate, JointFill, JointMethod, PairTable, Piece
from engine.model import LoadedModel, MaskedRuntime
from engine.tasks.words import as_word, likeliest

if TYPE_CHECKING:
    import torch

    from engine.runtime.masked_rows import Reading, Row

BEAM = 16
"""Fillings that are gone on with, and the most that are told."""
TABLE = 10
"""Candidates of each of two masks in the table of their pairs."""

Filling = tuple[int | None, ...]
"""An id for each mask that is filled."""


@dataclass(frozen=True)
class Masks:
    """The masks of a text, and what the model says at each while all are there."""

    model: LoadedModel
    runtime: MaskedRuntime
    pieces: Sequence[Piece]
    positions: Sequence[int]
    logprobs: torch.Tensor
    """float32 [masks, vocabulary]"""

    def filled(self, filling: Filling, places: Sequence[int]) -> Row:
        """The text with some masks filled; asks for those with these numbers."""
        row = list(self.pieces)
        for position, number in zip(self.positions, filling, strict=True):
            if number is not None:
                row[position] = self.model.tokenizer.token(number)
        return row, [self.positions[place] for place in places]

    def best(self, logprobs: torch.Tensor, count: int) -> list[tuple[int, float]]:
        """The likeliest tokens, with their log-probabilities [vocabulary]."""
        return likeliest(self.model.tokenizer, logprobs, count)


def fill(masks: Masks, method: JointMethod, top: int) -> Reading[list[JointFill]]:
    """The likeliest fillings of all masks, at most `BEAM`; see the module for the methods."""
    if method == "independent":
        beam = _independent(masks)
    else:
        beam = yield from _chained(masks, method)
    tokenizer = masks.model.tokenizer
    return [
        JointFill(
            words=[as_word(tokenizer.token(number)) for number in filling if number is not None],
            ids=[number for number in filling if number is not None],
            logprob=score,
        )
        for filling, score in beam[:top]
    ]


def _independent(masks: Masks) -> list[tuple[Filling, float]]:
    beam: list[tuple[Filling, float]] = [((), 0.0)]
    for logprobs in masks.logprobs:
        best = masks.best(logprobs, BEAM)
        longer = [((*ids, own), score + more) for ids, score in beam for own, more in best]
        beam = _kept(longer)
    return beam


def _chained(masks: Masks, method: JointMethod) -> Reading[list[tuple[Filling, float]]]:
    """Fill one mask after the other, each time with what is filled already in the text."""
    from engine.runtime import masked_rows  # not at the top: torch is not there yet

    count = len(masks.positions)
    choose = _surest if method == "confident_first" else _first
    correct = _pivoted(masks) if method == "hcb" else None
    beam: list[tuple[Filling, float]] = [((None,) * count, 0.0)]
    for _ in range(count):
        opened = [[n for n, own in enumerate(filling) if own is None] for filling, _ in beam]

        def grown(
            number: int,
            logprobs: torch.Tensor,
            beam: list[tuple[Filling, float]] = beam,
            opened: list[list[int]] = opened,
        ) -> list[tuple[Filling, float]]:
            (filling, score), row = beam[number], choose(logprobs)
            place = opened[number][row]
            if correct is not None:
                score -= correct(place, logprobs[row])
            return [
                ((*filling[:place], own, *filling[place + 1 :]), score + more)
                for own, more in masks.best(logprobs[row], BEAM)
            ]

        rows = [
            masks.filled(filling, places) for (filling, _), places in zip(beam, opened, strict=True)
        ]
        found = yield from masked_rows.read(masks.runtime, rows, grown)
        beam = _kept([each for more in found for each in more])
    return beam


def _first(logprobs: torch.Tensor) -> int:
    return 0


def _surest(logprobs: torch.Tensor) -> int:
    return int(logprobs.amax(-1).argmax())


def _pivoted(masks: Masks) -> Callable[[int, torch.Tensor], float]:
    """How much likelier the mask token itself became at a mask, by what is filled before it."""
    mask = masks.model.tokenizer.mask
    assert mask is not None, "a masked-language head comes with a mask"
    alone = masks.logprobs[:, mask].tolist()
    return lambda place, logprobs: float(logprobs[mask]) - alone[place]


def _kept(beam: list[tuple[Filling, float]]) -> list[tuple[Filling, float]]:
    return sorted(beam, key=lambda each: -each[1])[:BEAM]


def table(masks: Masks) -> Reading[PairTable]:
    """Every pair of the likeliest tokens of two masks, under both orders of filling them."""
    from engine.runtime import masked_rows  # not at the top: torch is not there yet

    tokenizer = masks.model.tokenizer
    left, right = (masks.best(logprobs, TABLE) for logprobs in masks.logprobs)
    rows = [masks.filled((own, None), [1]) for own, _ in left]
    rows += [masks.filled((None, own), [0]) for own, _ in right]

    def joint(number: int, logprobs: torch.Tensor) -> list[float]:
        first, others = (
            (left[number], right) if number < len(left) else (right[number - len(left)], left)
        )
        return [first[1] + float(logprobs[0, own]) for own, _ in others]

    found = yield from masked_rows.read(masks.runtime, rows, joint)
    by_right = found[len(left) :]
    return PairTable(
        left=[_candidate(tokenizer.token(own), score) for own, score in left],
        right=[_candidate(tokenizer.token(own), score) for own, score in right],
        left_first=found[: len(left)],
        right_first=[list(column) for column in zip(*by_right, strict=True)],
    )


def _candidate(piece: Piece, logprob: float) -> Candidate:
    return Candidate(piece.id, as_word(piece), math.exp(logprob))
