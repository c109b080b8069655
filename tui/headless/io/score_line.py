"""How one judgement reads in a line, its main figure first."""

from __future__ import annotations

from engine.messages import ScoreResult
from tui.cards.figures import judgement


def line(result: ScoreResult, *, back: bool = False) -> str:
    """The figures of a judgement, of B after A or, with `back`, of A after B."""
    return judgement(result).words("line", back=back)
