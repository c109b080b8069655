"""The cosine of two texts' mean states, each read by itself: their similarity in any order.

A text's state is the mean of the last hidden states of its tokens, without padding (Reimers &
Gurevych 2019). An encoder's special tokens are included; a causal model's start token, which is the
same for every text, is fed but not included.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.decoding.prompting import start_token
from engine.errors import refusal
from engine.messages import CosineResult, Piece
from engine.runtime.batches import by_length
from engine.runtime.loaded import LoadedModel
from engine.tasks.continuity.witness import Figures, Results
from engine.tasks.limits import check_fits

if TYPE_CHECKING:
    import torch

TOKENS = 1024
"""Tokens per batch."""


@dataclass(frozen=True)
class Sides:
    """Two texts, tokenized separately."""

    a: tuple[Piece, ...]
    b: tuple[Piece, ...]

    @property
    def length(self) -> int:
        """Tokens of the longer text."""
        return max(len(self.a), len(self.b))


class Cosine:
    """A `Witness` from any model's states."""

    def __init__(self, model: LoadedModel) -> None:
        """Use the model's masked part, or its causal part if it has no other."""
        self._model = model
        self._start = start_token(model) if model.masked is None else None

    def cut(self, a: str, b: str) -> Sides:
        return Sides(self._read(a), self._read(b))

    def judge(self, cuts: Sequence[Sides]) -> Results:
        found = yield from self.figures(cuts)
        return [
            CosineResult(
                model=self._model.files.id,
                cosine=each,
                precision=self._model.precision,
                weights=self._model.files.weights,
            )
            for each in found
        ]

    def figures(self, cuts: Sequence[Sides]) -> Figures:
        # A text in many pairs is read only once.
        rows = list(dict.fromkeys(row for cut in cuts for row in (cut.a, cut.b)))
        means = dict(zip(rows, (yield from self._means(rows)), strict=True))
        return [float(means[cut.a] @ means[cut.b]) for cut in cuts]

    def _read(self, text: str) -> tuple[Piece, ...]:
        model = self._model
        if model.masked is not None:
            pieces = model.tokenizer.single(text)
            check_fits(model, model.masked, [piece.id for piece in pieces])
            return tuple(pieces)
        pieces = model.tokenizer.encode(text)
        if not pieces:
            raise refusal("bad_request", "no_tokens")
        row = (*([] if self._start is None else [self._start]), *pieces)
        assert model.causal is not None, "a loaded model has at least one of the two"
        check_fits(model, model.causal, [piece.id for piece in row])
        return row

    def _means(
        self, rows: Sequence[tuple[Piece, ...]]
    ) -> Generator[None, None, list[torch.Tensor]]:
        """Each text's mean state, float64 [width], normalised to length 1."""
        found: dict[int, torch.Tensor] = {}
        first = 0 if self._start is None else 1
        for batch in by_length([len(row) for row in rows], TOKENS):
            states = self._states([rows[number] for number in batch])
            for number, row in zip(batch, states, strict=True):
                mean = row[first : len(rows[number])].double().mean(0)
                found[number] = mean / mean.norm()
            yield None
        return [found[number] for number in range(len(rows))]

    @property
    def _states(self) -> Callable[[Sequence[Sequence[Piece]]], torch.Tensor]:
        masked, causal = self._model.masked, self._model.causal
        if masked is not None:
            return masked.states
        assert causal is not None, "a loaded model has at least one of the two"
        return lambda rows: causal.states([[piece.id for piece in row] for row in rows])
