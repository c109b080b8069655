"""Verdicts follow their rules."""

from __future__ import annotations

import pytest

from engine.messages import (
    CosineResult,
    NspDirection,
    NspResult,
    PmiDirection,
    PmiResult,
    ScoreResult,
    SopDirection,
    SopResult,
    Verdict,
)
from engine.tasks.continuity import verdict


def nsp(there: float, back: float) -> NspResult:
    return NspResult(
        model="m",
        probability=0.5,
        logits=(there, 0.0),
        margin=there,
        reversed=NspDirection(0.5, (back, 0.0), back),
        tokens=[],
        attention_mask=[],
    )


def sop(there: float, back: float) -> SopResult:
    return SopResult(
        model="m",
        probability=0.5,
        logits=(there, 0.0),
        margin=there,
        reversed=SopDirection(0.5, (back, 0.0), back),
        tokens=[],
        attention_mask=[],
    )


def pmi(there: float, back: float, tokens: int = 10) -> PmiResult:
    return PmiResult(
        model="m",
        bits=there,
        bits_per_token=there / tokens,
        logprob_conditional=0.0,
        logprob_alone=0.0,
        tokens=[],
        reversed=PmiDirection(back, back / tokens, 0.0, 0.0, []),
        join=" ",
        start=None,
    )


@pytest.mark.parametrize(
    ("results", "topic", "order"),
    [
        ([], None, None),
        ([CosineResult(model="m", cosine=0.99)], None, None),
        ([nsp(3.0, 1.0)], "same", None),
        ([nsp(-3.0, 1.5)], "same", None),
        ([nsp(-3.0, -1.5)], "other", None),
        ([nsp(0.8, -3.0)], "unclear", None),
        ([sop(2.0, -2.0)], None, "this"),
        ([sop(-2.0, 2.0)], None, "reverse"),
        ([sop(5.0, 4.0)], None, "unclear"),
        ([pmi(8.0, 6.0)], "same", "this"),
        ([pmi(9.0, 1.0)], "other", "this"),
        ([pmi(3.0, 3.5)], "unclear", "unclear"),
        ([pmi(6.0, 12.0)], "same", "reverse"),
        ([nsp(3.0, 1.0), pmi(-1.0, 0.5)], "split", "reverse"),
        ([nsp(3.0, 1.0), pmi(3.0, 3.5)], "same", "unclear"),
        ([sop(2.0, -2.0), pmi(6.0, 12.0)], "same", "split"),
    ],
)
def test_the_witnesses_are_weighed(
    results: list[ScoreResult], topic: object, order: object
) -> None:
    assert verdict(results) == Verdict(topic=topic, order=order)  # type: ignore[arg-type]
