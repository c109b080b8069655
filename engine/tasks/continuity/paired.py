"""Heads that judge two texts fed together, segment by segment: what they have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from engine.messages import Piece, ScoreResult
from engine.model import LoadedModel
from engine.tasks.continuity.witness import Figures, Results
from engine.tasks.limits import check_length

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Ordered:
    """A pair as such a head is fed it, in both orders."""

    forwards: list[Piece]
    backwards: list[Piece]

    @property
    def length(self) -> int:
        """Tokens of the longer order."""
        return max(len(self.forwards), len(self.backwards))


class Judged(NamedTuple):
    """One order, from the two logits of it."""

    probability: float
    """Of index 0."""
    logits: tuple[float, float]
    margin: float


class PairedHead:
    """A `Witness` with a head of two logits. Its main figure is their margin, in nats."""

    def __init__(
        self,
        model: LoadedModel,
        context: int | None,
        logits: Callable[[Sequence[Sequence[Piece]]], torch.Tensor],
        tell: Callable[[list[Piece], Judged, Judged], ScoreResult],
    ) -> None:
        """`logits` reads pairs side by side; `tell` words what it found in both orders."""
        self._model = model
        self._context = context
        self._logits = logits
        self._tell = tell

    def cut(self, a: str, b: str) -> Ordered:
        """See `Witness.cut`."""
        tokenizer = self._model.tokenizer
        pair = Ordered(tokenizer.pair(a, b), tokenizer.pair(b, a))
        check_length(self._model, pair.length, self._context)
        return pair

    def judge(self, cuts: Sequence[Ordered]) -> Results:
        """See `Witness.judge`."""
        rows = [row for pair in cuts for row in (pair.forwards, pair.backwards)]
        found = self._judged(rows)
        yield None
        return [
            self._tell(pair.forwards, there, back)
            for pair, there, back in zip(cuts, found[::2], found[1::2], strict=True)
        ]

    def figures(self, cuts: Sequence[Ordered]) -> Figures:
        """See `Witness.figures`."""
        found = self._judged([pair.forwards for pair in cuts])
        yield None
        return [judged.margin for judged in found]

    def _judged(self, rows: Sequence[Sequence[Piece]]) -> list[Judged]:
        return [
            Judged(
                probability=float(row.softmax(0)[0]),
                logits=(float(row[0]), float(row[1])),
                margin=float(row[0] - row[1]),
            )
            for row in self._logits(rows)
        ]
