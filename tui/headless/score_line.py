"""How one judgement reads in a line."""

from __future__ import annotations

from engine.messages import NspDirection, NspResult, PmiDirection, PmiResult
from tui.strings import text


def line(direction: NspResult | NspDirection | PmiResult | PmiDirection) -> str:
    """The figures of a judgement, or of one direction of it."""
    if isinstance(direction, NspResult | NspDirection):
        first, second = direction.logits
        return text(
            "cli.nsp",
            probability=f"{direction.probability:.6f}",
            margin=f"{direction.margin:+.4f}",
            first=f"{first:.4f}",
            second=f"{second:.4f}",
        )
    return text(
        "cli.pmi",
        bits=f"{direction.bits:+.3f}",
        per_token=f"{direction.bits_per_token:+.3f}",
        conditional=f"{direction.logprob_conditional:.3f}",
        alone=f"{direction.logprob_alone:.3f}",
    )
