"""Heads that classify two texts fed together as two segments.

They differ in their training objective, and so in the names of their results.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.interfaces import MaskedRuntime
from engine.messages import NspDirection, NspResult, Piece, ScoreResult, SopDirection, SopResult
from engine.runtime.loaded import LoadedModel
from engine.tasks.continuity.witness import Figures, Results
from engine.tasks.limits import check_fits

if TYPE_CHECKING:
    import torch

Direction = NspDirection | SopDirection


@dataclass(frozen=True)
class Ordered:
    """A tokenized pair, in both orders."""

    forwards: list[Piece]
    backwards: list[Piece]

    @property
    def length(self) -> int:
        """Tokens of the longer order."""
        return max(len(self.forwards), len(self.backwards))


class PairedHead:
    """A `Witness` from a head with two logits. Its main figure is their margin, in nats."""

    def __init__(
        self,
        model: LoadedModel,
        runtime: MaskedRuntime,
        logits: Callable[[Sequence[Sequence[Piece]]], torch.Tensor],
        direction: Callable[[float, tuple[float, float], float], Direction],
        result: Callable[..., ScoreResult],
    ) -> None:
        """`logits` reads a batch of pairs; `direction` and `result` are the types of the answers,
        for one order and for both.
        """
        self._model = model
        self._runtime = runtime
        self._logits = logits
        self._direction = direction
        self._result = result

    def cut(self, a: str, b: str) -> Ordered:
        tokenizer = self._model.tokenizer
        pair = Ordered(tokenizer.pair(a, b), tokenizer.pair(b, a))
        for row in (pair.forwards, pair.backwards):
            check_fits(self._model, self._runtime, [piece.id for piece in row])
        return pair

    def judge(self, cuts: Sequence[Ordered]) -> Results:
        rows = [row for pair in cuts for row in (pair.forwards, pair.backwards)]
        found = self._judged(rows)
        yield None
        return [
            self._result(
                model=self._model.files.id,
                precision=self._model.precision,
                weights=self._model.files.weights,
                probability=there.probability,
                logits=there.logits,
                margin=there.margin,
                reversed=back,
                tokens=pair.forwards,
                attention_mask=[1] * len(pair.forwards),
            )
            for pair, there, back in zip(cuts, found[::2], found[1::2], strict=True)
        ]

    def figures(self, cuts: Sequence[Ordered]) -> Figures:
        found = self._judged([pair.forwards for pair in cuts])
        yield None
        return [order.margin for order in found]

    def _judged(self, rows: Sequence[Sequence[Piece]]) -> list[Direction]:
        return [
            self._direction(
                float(row.softmax(0)[0]),
                (float(row[0]), float(row[1])),
                float(row[0] - row[1]),
            )
            for row in self._logits(rows)
        ]


def next_sentence(model: LoadedModel, runtime: MaskedRuntime) -> PairedHead:
    """A next-sentence head: whether B followed A, or is a random text.

    Devlin et al. 2019. It measures topic, and hardly order (Lan et al. 2020, Table 5). Its
    probability is mostly close to 0 or 1, so the margin between its logits is more informative.
    """
    return PairedHead(model, runtime, runtime.next_sentence, NspDirection, NspResult)


def sentence_order(model: LoadedModel, runtime: MaskedRuntime) -> PairedHead:
    """ALBERT's sentence-order head: whether two consecutive texts were swapped.

    Lan et al. 2020. It was trained only on texts that belong together.
    """
    return PairedHead(model, runtime, runtime.sentence_order, SopDirection, SopResult)
