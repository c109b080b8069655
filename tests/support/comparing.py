"""What every causal runtime must do as transformers' plain class does, checked in one place."""

from __future__ import annotations

import torch
from transformers import PreTrainedModel

from engine.interfaces import CausalRuntime
from engine.runtime.scoring import logprobs
from tests.support.families import close, finish, plain, prefilled, text


def check_steps(runtime: CausalRuntime, model: PreTrainedModel, ids: list[int], fed: int) -> None:
    """A prompt of so many ids in chunks, then the others one by one."""
    expected = plain(model, ids)
    branches, _ = prefilled(runtime, ids[:fed])
    for position in range(fed, len(ids)):
        assert (branches.rows, branches.length) == (1, position)
        assert close(branches.logits[0], expected[position - 1])
        branches = runtime.feed(branches, [[ids[position]]])
    assert close(branches.logits[0], expected[-1])


def check_rows(runtime: CausalRuntime, model: PreTrainedModel) -> None:
    """Several rows at once, several tokens each, after what they share."""
    rows = [text(9, seed=1), text(9, seed=2)]
    branches = runtime.select(runtime.feed(runtime.empty(), [[5, 6, 7]]), [0, 0])
    branches, logits = runtime.read(branches, rows)
    for row, ids in enumerate(rows):
        expected = plain(model, [5, 6, 7, *ids])
        assert close(logits[row], expected[3:])
        assert close(branches.logits[row], expected[-1])


def check_scores(runtime: CausalRuntime, model: PreTrainedModel) -> None:
    """Several endings of a long beginning, scored together."""
    left = text(300)
    sequences = [[*left, *text(length, seed=length)] for length in (5, 1, 40, 12)]
    scores, _ = finish(logprobs(runtime, sequences))
    for ids, row in zip(sequences, scores, strict=True):
        expected = plain(model, ids)[:-1].log_softmax(-1)
        assert close(row, expected.gather(-1, torch.tensor(ids[1:])[:, None])[:, 0])


def check_states(runtime: CausalRuntime, model: PreTrainedModel) -> None:
    """The last hidden states of texts side by side."""
    rows = [text(9, seed=1), text(30, seed=2), text(1)]
    for row, found in zip(rows, runtime.states(rows), strict=True):
        with torch.inference_mode():
            output = model(torch.tensor([row]), output_hidden_states=True)
        assert close(found[: len(row)], output.hidden_states[-1][0])
