"""How fast this machine's memory can be read, and the share of that which decoding reaches.

Each token needs all weights once, so memory sets the pace of one stream; what is below it is
computation and the small operations in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from engine.bench.decoding import Forms
from engine.bench.timing import seconds, turns
from engine.messages import Measured

READ = 1_000_000_000
"""Bytes summed up: more than any cache holds."""


def shares(models: Forms, decoded: Sequence[Measured], rounds: int) -> Iterator[Measured]:
    """Bytes of weights read a second by one stream of each form, beside the memory's own speed."""
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
