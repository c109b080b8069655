"""The figures of a distribution against PyTorch's, in double precision."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.runtime.distribution import Distribution, rank


def near(expected: object) -> object:
    return pytest.approx(expected, abs=1e-5, rel=1e-5)


@settings(deadline=None, max_examples=50)
@given(
    size=st.integers(1, 3000),
    spread=st.floats(0.0, 30.0),
    offset=st.floats(-1000.0, 1000.0),
    seed=st.integers(0, 1000),
    impossible=st.booleans(),
)
def test_the_figures_are_those_of_log_softmax(
    size: int, spread: float, offset: float, seed: int, impossible: bool
) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = spread * torch.randn(size, generator=generator) + offset
    if impossible:
        logits[1::3] = -torch.inf
    expected = logits.double().log_softmax(-1)
    found = Distribution(logits)
    assert found.normaliser == near(float(logits.double().logsumexp(-1)))
    assert found.entropy == near(float(torch.special.entr(expected.exp()).sum()))
    for token_id in {0, size // 2, size - 1}:
        assert found.logprob(token_id) == near(float(expected[token_id]))
        assert rank(logits, token_id) == 1 + int((logits > logits[token_id]).sum())
        assert found.rank(token_id) == rank(logits, token_id)
    ids, logprobs = found.likeliest(30)
    assert logprobs == near(expected.topk(min(30, size)).values.tolist())
    assert logits[ids].tolist() == logits.topk(min(30, size)).values.tolist()


def test_none_are_asked_for() -> None:
    assert Distribution(torch.zeros(5)).likeliest(0) == ([], [])
