"""The distance of two models against a plain computation with transformers."""

from __future__ import annotations

import copy

import pytest
import torch

from engine.runtime.distance import measure
from engine.runtime.generic import GenericRuntime
from tests.support.families import build, finish, plain, text


@pytest.mark.parametrize("length", [40, 300])
def test_the_figures_are_those_of_a_plain_computation(
    length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.runtime.distance.WINDOW", 128)
    exact = build("llama")
    other = copy.deepcopy(exact)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    ids = text(length)
    found, yields = finish(measure(GenericRuntime(exact), GenericRuntime(other), "int8", ids))
    assert yields >= length // 32

    divergences, surprisals, same = [], [], []
    for start in range(0, length - 1, 128):  # each window begins anew
        window = ids[start : start + 129]
        one = plain(exact, window)[:-1].log_softmax(-1)
        two = plain(other, window)[:-1].log_softmax(-1)
        divergences.append((one.exp() * (one - two)).sum(-1))
        surprisals.append(-two.gather(-1, torch.tensor(window[1:])[:, None])[:, 0])
        same.append(one.argmax(-1) == two.argmax(-1))
    assert found.precision == "int8"
    assert found.tokens == length - 1
    assert found.kl == pytest.approx(float(torch.cat(divergences).mean()), abs=1e-5)
    assert found.top1 == pytest.approx(float(torch.cat(same).float().mean()))
    assert found.perplexity == pytest.approx(float(torch.cat(surprisals).mean().exp()), rel=1e-4)


def test_a_model_is_no_distance_from_itself() -> None:
    runtime = GenericRuntime(build("gpt2"))
    found, _ = finish(measure(runtime, runtime, "bf16", text(50)))
    assert (found.kl, found.top1) == (0.0, 1.0)
