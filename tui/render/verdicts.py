"""The verdict of the witnesses to a pair, in words."""

from __future__ import annotations

from collections.abc import Iterable

from engine.messages import CosineResult, ScoreResult, Shuffled, Trimmed, Verdict
from engine.messages.starters import STARTER_MASKED
from tui.cards.figures import judgement
from tui.strings import text


def verdict(found: Verdict) -> str:
    """One plain sentence."""
    topic, order = found.topic, found.order
    if topic is None and order is None:
        return text("score.nothing")
    parts = (text(f"score.topic.{topic or 'unasked'}"), text(f"score.order.{order or 'unasked'}"))
    return text("score.verdict", topic=parts[0], order=parts[1])


def measures(result: ScoreResult) -> str:
    """The sentence that explains a witness: topic, order, or similarity."""
    return text(f"score.{judgement(result).kind}")


def likeness_alone(results: Iterable[ScoreResult]) -> bool:
    """Whether no witness judges more than how alike the texts are."""
    return all(isinstance(each, CosineResult) for each in results)


def more_than_likeness(model: str) -> str:
    """Which models judge more than the likeness that this one gives alone."""
    return text("score.alone", model=model, other=STARTER_MASKED)


def place(shuffled: Shuffled) -> str:
    """Where its figure ranks among those of shuffles."""
    return text(
        "score.shuffled",
        percentile=f"{shuffled.percentile:.0f}",
        times=shuffled.times,
        unit=text(f"score.unit.{shuffled.unit}"),
    )


def cut(trimmed: Trimmed) -> str:
    """What was read of texts that are too long together."""
    return text(
        "score.trimmed",
        a_kept=trimmed.a_kept,
        a=trimmed.a,
        b_kept=trimmed.b_kept,
        b=trimmed.b,
    )
