"""How one judgement reads in a line, its main figure first."""

from __future__ import annotations

from engine.messages import (
    CosineResult,
    NspDirection,
    NspResult,
    PmiDirection,
    PmiResult,
    ScoreResult,
    SopDirection,
    SopResult,
)
from tui.strings import text


def line(direction: ScoreResult | NspDirection | SopDirection | PmiDirection) -> str:
    """The figures of a judgement, or of one direction of it."""
    match direction:
        case PmiResult() | PmiDirection():
            return text(
                "cli.pmi",
                bits=f"{direction.bits:+.3f}",
                per_token=f"{direction.bits_per_token:+.3f}",
                conditional=f"{direction.logprob_conditional:.3f}",
                alone=f"{direction.logprob_alone:.3f}",
            )
        case CosineResult():
            return text("cli.cosine", cosine=f"{direction.cosine:+.4f}")
        case NspResult() | NspDirection() | SopResult() | SopDirection():
            first, second = direction.logits
            return text(
                "cli.nsp",
                probability=f"{direction.probability:.6f}",
                margin=f"{direction.margin:+.4f}",
                first=f"{first:.4f}",
                second=f"{second:.4f}",
            )
