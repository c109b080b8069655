"""Reads many positions in many texts with a masked model, in few forward passes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

import torch

from engine.interfaces import MaskedRuntime
from engine.messages import Piece, Progress
from engine.runtime.batches import by_length

TOKENS = 1024
"""Tokens per batch: some tenths of a second with a small model."""

T = TypeVar("T")
Row = tuple[Sequence[Piece], Sequence[int]]
"""A text as fed, and the positions in it to predict."""
Reading = Generator[Progress | None, None, T]


def read(
    runtime: MaskedRuntime, rows: Sequence[Row], take: Callable[[int, torch.Tensor], T]
) -> Reading[list[T]]:
    """Call `take` with each row's index and logits (float32 [positions, vocabulary]).

    Returns its results, in the order of the rows. Rows of similar length are read together; the
    logits of a batch are not kept, as one row of them can be a megabyte. Yields between forward
    passes, with `Progress` if there are several.
    """
    taken: dict[int, T] = {}
    for batch in by_length([len(text) for text, _ in rows], TOKENS):
        texts = [rows[number][0] for number in batch]
        places = [(row, place) for row, number in enumerate(batch) for place in rows[number][1]]
        logits = runtime.mask_logits(texts, places)
        shares = torch.split(logits, [len(rows[number][1]) for number in batch])
        for number, share in zip(batch, shares, strict=True):
            taken[number] = take(number, share)
        yield Progress(done=len(taken), total=len(rows)) if len(taken) < len(rows) else None
    return [taken[number] for number in range(len(rows))]
