"""The figures of two texts as the cells of a table's row."""

from __future__ import annotations

from collections.abc import Sequence

from engine.messages import ScoreResult, Verdict
from tui.cards.figures import judgement
from tui.files.tables import Value

PAIR_COLUMNS = ("good_logprob", "bad_logprob", "difference", "correct")
"""Of a minimal pair, in nats."""


def pair(good: float, bad: float) -> dict[str, Value]:
    """The log-probabilities of a minimal pair, and whether the good sentence is the likelier."""
    figures = (good, bad, good - bad, good > bad)
    return dict(zip(PAIR_COLUMNS, figures, strict=True))


def scores(results: Sequence[ScoreResult], concluded: Verdict | None) -> dict[str, Value]:
    """The figures of both orders and the verdict, by the names of a table's columns."""
    cells: dict[str, Value] = {}
    for result in results:
        judged = judgement(result)
        cells |= {figure.name: figure.there for figure in judged.figures}
        if not judged.symmetric:
            cells |= {f"{figure.name}_reversed": figure.back for figure in judged.figures}
    if concluded is not None:
        cells |= {"topic": concluded.topic, "order": concluded.order}
    return cells
