"""The table of what witnesses say has a row and words for each of them."""

from __future__ import annotations

from typing import get_args

import pytest

from engine.messages import (
    CosineResult,
    NspDirection,
    NspResult,
    PmiDirection,
    PmiResult,
    ScoredToken,
    ScoreResult,
    SopDirection,
    SopResult,
)
from tui.cards.figures import judgement
from tui.render.verdicts import measures
from tui.strings import text

B, A = [ScoredToken(1, "b", -1.0, -2.0)], [ScoredToken(2, "a", -1.0, None)]
NSP = NspResult(
    model="m",
    probability=0.75,
    logits=(1.5, 0.25),
    margin=1.25,
    reversed=NspDirection(0.25, (-1.0, 1.0), -2.0),
    tokens=[],
    attention_mask=[],
)
SOP = SopResult(
    model="m",
    probability=0.75,
    logits=(1.5, 0.25),
    margin=1.25,
    reversed=SopDirection(0.25, (-1.0, 1.0), -2.0),
    tokens=[],
    attention_mask=[],
)
PMI = PmiResult(
    model="m",
    bits=2.0,
    bits_per_token=0.5,
    logprob_conditional=-3.0,
    logprob_alone=-4.0,
    tokens=B,
    reversed=PmiDirection(-2.0, -0.25, -5.0, -6.0, A),
    join=" ",
    start="<s>",
)
COSINE = CosineResult(model="m", cosine=0.5)
RESULTS: list[ScoreResult] = [NSP, SOP, PMI, COSINE]


def test_all_witnesses_are_tried_here() -> None:
    assert {type(result) for result in RESULTS} == set(get_args(ScoreResult))


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: type(result).__name__)
def test_every_witness_has_its_words(result: ScoreResult) -> None:
    row = judgement(result)
    assert measures(result)
    for back in (False, True):
        assert all(row.words(wording, back=back) for wording in ("card", "line", "answer"))
    assert all(text(f"export.figure.{figure.name}") for figure in row.figures)
    assert row.symmetric == all(figure.there == figure.back for figure in row.figures)


@pytest.mark.parametrize(
    ("result", "there", "back"),
    [
        (
            NSP,
            "margin +1.2500 nats  probability 0.750000  logits is next 1.5000, not next 0.2500",
            "margin -2.0000 nats  probability 0.250000  logits is next -1.0000, not next 1.0000",
        ),
        (
            PMI,
            "+2.000 bits  +0.500 bits/token  log p given -3.000  alone -4.000",
            "-2.000 bits  -0.250 bits/token  log p given -5.000  alone -6.000",
        ),
        (COSINE, "cosine +0.5000", "cosine +0.5000"),
    ],
)
def test_the_figures_are_those_of_their_order(result: ScoreResult, there: str, back: str) -> None:
    row = judgement(result)
    assert row.words("line") == there
    assert row.words("line", back=True) == back
