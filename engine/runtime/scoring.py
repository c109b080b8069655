"""Log-probabilities of whole texts under a causal model, many texts in few forward passes."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Sequence

import torch

from engine.interfaces import CausalRuntime
from engine.runtime.padding import padded

ROWS = 16
"""Sequences per batch."""
NUMBERS = 16_000_000
"""Logits held at once: 64 MB."""


def logprobs(
    runtime: CausalRuntime, sequences: Sequence[Sequence[int]]
) -> Generator[None, None, list[torch.Tensor]]:
    """Score every token of each sequence except the first, yielding between forward passes.

    Returns float32 [len - 1] for each sequence: log p(ids[i + 1] | ids[: i + 1]), in nats, before
    any sampler.
    """
    scores = [torch.empty(0)] * len(sequences)
    by_length = sorted(range(len(sequences)), key=lambda number: len(sequences[number]))
    for _, alike in itertools.groupby(by_length, lambda n: runtime.regime(len(sequences[n]))):
        while numbers := list(itertools.islice(alike, ROWS)):
            rows = yield from _side_by_side(runtime, [sequences[number] for number in numbers])
            for number, row in zip(numbers, rows, strict=True):
                scores[number] = row
    return scores


def _side_by_side(
    runtime: CausalRuntime, sequences: Sequence[Sequence[int]]
) -> Generator[None, None, list[torch.Tensor]]:
    """Score sequences of one regime in one batch, padded on the right, which attention never sees.

    Their common prefix is fed once, as one row, which is then forked.
    """
    width = max(map(len, sequences))
    tokens = padded(sequences)
    scores = torch.empty(len(sequences), max(width - 1, 0))
    shared = min(_shared(sequences), width - 1)
    branches = runtime.empty()
    chunk = max(1, NUMBERS // (len(sequences) * runtime.vocabulary))
    starts = [*range(0, shared, chunk), *range(shared, width - 1, chunk)]
    for start, stop in itertools.pairwise([*starts, width - 1]):
        if start >= shared and branches.rows < len(sequences):
            branches = runtime.select(branches, [0] * len(sequences))
        fed = tokens[:, start:stop][: branches.rows].tolist()
        branches, logits = runtime.read(branches, fed, width)
        targets = tokens[:, start + 1 : stop + 1, None]
        found = logits.log_softmax(-1).expand(len(sequences), -1, -1).gather(-1, targets)
        scores[:, start:stop] = found.squeeze(-1)
        yield None
    return [row[: max(len(ids) - 1, 0)] for row, ids in zip(scores, sequences, strict=True)]


def _shared(sequences: Sequence[Sequence[int]]) -> int:
    """The length of the common prefix of all sequences."""
    columns = enumerate(zip(*sequences, strict=False))
    shortest = min(map(len, sequences))
    return next((place for place, column in columns if len(set(column)) > 1), shortest)
