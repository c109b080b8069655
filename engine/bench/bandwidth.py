"""This machine's memory bandwidth, and the share of it that decoding reaches.

Each token needs all weights once, so memory bandwidth limits one stream; the difference is
computation and the small operations in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from engine.bench.decoding import Forms
from engine.bench.timing import seconds, turns
from engine.messages import Measured

READ = 1_000_000_000
"""Bytes to sum: more than fits into any cache."""


def shares(models: Forms, decoded: Sequence[Measured], rounds: int) -> Iterator[Measured]:
    """Bytes of weights that one stream of each form reads per second, and the memory bandwidth."""
    numbers = torch.ones(READ // 8, dtype=torch.int64)
    found = turns({"read": lambda: seconds(numbers.sum)}, rounds)
    speed = READ / found["read"] / 1e9
    for form, model in models.items():
        (one,) = (each for each in decoded if each.case == f"{form}, one stream")
        yield Measured(
            group="bandwidth",
            case=f"{form}, one stream",
            unit="GB/s",
            value=one.value * model.bytes / 1e9,
            peers={"memory, read by all threads": speed},
        )
