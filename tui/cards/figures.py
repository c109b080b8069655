"""The figures of each witness to a pair: the one table behind cards, files and commands.

A new witness is a case of `judgement`; its words are in the strings file, what it measures under
``score.<kind>``, and under ``figures.<its main figure>`` how its figures read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

from engine.messages import (
    CosineResult,
    NspResult,
    Piece,
    PmiResult,
    ScoredToken,
    ScoreResult,
    SopResult,
)
from tui.strings import text

Unit = Literal["nats", "bits", "bits/token", "share", "logit", "cosine"]
"""A share is between 0 and 1, and drawn as a bar."""
Wording = Literal["card", "terms", "line", "answer"]
"""On a card, beside that, on the command line, and where a card is copied or searched."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of B after A (`there`) and of A after B (`back`)."""

    name: str
    unit: Unit
    there: float
    back: float
    means: str = ""
    """What a high logit says."""

    def value(self, *, back: bool) -> float:
        """The figure of one of the orders."""
        return self.back if back else self.there


@dataclass(frozen=True, slots=True)
class Fed:
    """Both texts in one row, as a head is fed them."""

    tokens: Sequence[Piece]
    attention_mask: Sequence[int]


@dataclass(frozen=True, slots=True)
class Gains:
    """B's tokens (`there`) and A's (`back`), each with and without the other text before it."""

    there: Sequence[ScoredToken]
    back: Sequence[ScoredToken]
    join: str
    start: str | None
    """As in `PmiResult`."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The figures of one witness for a pair."""

    kind: str
    figures: tuple[Figure, ...]
    """The main one first."""
    read: Fed | Gains | None = None
    """The tokens that can be walked through."""
    symmetric: bool = False
    """Whether both orders are the same to it."""

    def of_unit(self, unit: Unit) -> list[Figure]:
        """Those of its figures that have a unit."""
        return [figure for figure in self.figures if figure.unit == unit]

    def words(self, wording: Wording, *, back: bool = False, order: str = "") -> str:
        """Its figures in words for one of the orders, which is written as `order`."""
        values: dict[str, object] = {each.name: each.value(back=back) for each in self.figures}
        values |= {f"{each.name}_means": each.means for each in self.figures}
        return text(f"figures.{self.figures[0].name}.{wording}", order=order, **values)


def judgement(result: ScoreResult) -> Judgement:
    """The row of the table for a witness's result."""
    match result:
        case NspResult():
            return _of_a_head("nsp", result)
        case SopResult():
            return _of_a_head("sop", result)
        case PmiResult():
            back = result.reversed
            return Judgement(
                "pmi",
                (
                    Figure("bits", "bits", result.bits, back.bits),
                    Figure(
                        "bits_per_token", "bits/token", result.bits_per_token, back.bits_per_token
                    ),
                    Figure(
                        "conditional", "nats", result.logprob_conditional, back.logprob_conditional
                    ),
                    Figure("alone", "nats", result.logprob_alone, back.logprob_alone),
                ),
                Gains(result.tokens, back.tokens, result.join, result.start),
            )
        case CosineResult():
            cosine = Figure("cosine", "cosine", result.cosine, result.cosine)
            return Judgement("cosine", (cosine,), symmetric=True)
        case never:
            assert_never(never)


def _means(kind: str, logit: int) -> str:
    return text(f"score.logit.{kind}_{logit}")


def _of_a_head(kind: str, result: NspResult | SopResult) -> Judgement:
    back = result.reversed
    return Judgement(
        kind,
        (
            Figure("margin", "nats", result.margin, back.margin),
            Figure("probability", "share", result.probability, back.probability),
            *(
                Figure(f"logit_{n}", "logit", result.logits[n], back.logits[n], _means(kind, n))
                for n in range(2)
            ),
        ),
        Fed(result.tokens, result.attention_mask),
    )
