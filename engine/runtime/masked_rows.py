"""Many places in many texts under a masked model, in few forwards."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

import torch

from engine.interfaces import MaskedRuntime
from engine.messages import Piece, Progress
from engine.runtime.batches import by_length

TOKENS = 1024
"""Tokens read side by side: some tenths of a second with a small model."""

T = TypeVar("T")
Row = tuple[Sequence[Piece], Sequence[int]]
"""A text as fed, and the positions in it that are asked about."""
Reading = Generator[Progress | None, None, T]


def read(
    runtime: MaskedRuntime, rows: Sequence[Row], take: Callable[[int, torch.Tensor], T]
) -> Reading[list[T]]:
    """Give each row's number and log-probabilities (float32 [positions, vocabulary]) to `take`.

    Returns what it made of them, in the order of the rows. Rows of like length are read together;
    no batch's logits outlive it, as a row of them can be a megabyte. Yields between forwards, and
    how far it is where there are several.
    """
    taken: dict[int, T] = {}
    for batch in by_length([len(text) for text, _ in rows], TOKENS):
        texts = [rows[number][0] for number in batch]
        places = [(row, place) for row, number in enumerate(batch) for place in rows[number][1]]
        logprobs = runtime.mask_logits(texts, places).log_softmax(-1)
        shares = torch.split(logprobs, [len(rows[number][1]) for number in batch])
        for number, share in zip(batch, shares, strict=True):
            taken[number] = take(number, share)
        yield Progress(done=len(taken), total=len(rows)) if len(taken) < len(rows) else None
    return [taken[number] for number in range(len(rows))]
