"""Scoring many texts in few forwards, against plain forwards one at a time."""

from __future__ import annotations

import pytest
import torch

from engine.runtime.generic import GenericRuntime
from engine.runtime.scoring import logprobs, statistics
from tests.support.families import FAMILIES, build, close, finish, plain, text


@pytest.mark.parametrize("family", FAMILIES)
def test_logprobs_equal_a_plain_forward_whatever_the_lengths(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.runtime.scoring.ROWS", 3)
    monkeypatch.setattr("engine.runtime.scoring.NUMBERS", 61 * 3 * 7)  # chunks of 7 tokens
    model = build(family)
    runtime = GenericRuntime(model)
    sequences = [text(length, seed=length) for length in (30, 1, 2, 17, 8, 30, 9)]
    scores, _ = finish(logprobs(runtime, sequences))
    assert [len(row) for row in scores] == [29, 0, 1, 16, 7, 29, 8]
    for ids, row in zip(sequences, scores, strict=True):
        expected = plain(model, ids)[:-1].log_softmax(-1)
        assert close(row, expected.gather(-1, torch.tensor(ids[1:])[:, None])[:, 0])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("chunk", [3, 100])
def test_what_scored_sequences_begin_with_is_fed_once(
    family: str, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, endings = text(10), [[5, 6, 7], [9], [], [5, 6, 8, 9, 9, 4]]
    monkeypatch.setattr("engine.runtime.scoring.NUMBERS", 61 * len(endings) * chunk)
    model = build(family)
    fed: list[int] = []
    model.register_forward_pre_hook(lambda module, given: fed.append(given[0].numel()))
    scores, _ = finish(logprobs(GenericRuntime(model), [[*left, *ending] for ending in endings]))
    assert sum(fed) == len(left) + len(endings) * (max(map(len, endings)) - 1)
    for ending, row in zip(endings, scores, strict=True):
        ids = [*left, *ending]
        expected = plain(model, ids)[:-1].log_softmax(-1)
        assert close(row, expected.gather(-1, torch.tensor(ids[1:])[:, None])[:, 0])


@pytest.mark.parametrize("family", FAMILIES)
def test_sequences_fork_where_they_part(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.runtime.scoring.PASS", 1)  # forks are cheap: there are several
    model = build(family)
    fed: list[int] = []
    model.register_forward_pre_hook(lambda module, given: fed.append(given[0].numel()))
    left = text(6)
    sequences = [
        [*left, 5, 6, 7, 8, 9, 4],
        [*left, 5, 6, 7, 8, 3, 4, 5],
        [*left, 9, 6, 7, 8, 9, 4],
        [*left, 9, 6, 7],
        text(12, seed=3),
    ]
    found: dict[int, torch.Tensor] = {}
    finish(statistics(GenericRuntime(model), sequences, found.__setitem__))
    assert sum(fed) < 5 * 12 - 3 * 6
    for number, ids in enumerate(sequences):
        expected = plain(model, ids)[:-1].log_softmax(-1)
        own = expected.gather(-1, torch.tensor(ids[1:])[:, None])
        assert close(found[number][0], own[:, 0])
        assert close(found[number][1], 1.0 + (expected > own).sum(-1))
        assert close(found[number][2], torch.special.entr(expected.exp()).sum(-1))


def test_logprobs_of_nothing_is_nothing() -> None:
    assert finish(logprobs(GenericRuntime(build("gpt2")), [])) == ([], 0)
