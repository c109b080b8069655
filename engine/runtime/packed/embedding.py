"""The table of token vectors. It is looked up, not multiplied, so it has its own layout."""

from __future__ import annotations

from typing import Protocol

import torch

from engine.messages import Precision
from engine.runtime.packed.linear import GROUP, dtype


class Embedding(Protocol):
    """A table of token vectors."""

    bytes: int

    def __call__(self, ids: torch.Tensor) -> torch.Tensor:
        """int64 [tokens] -> [tokens, width], in the type of the form's activations."""


def pack(precision: Precision, table: torch.Tensor) -> Embedding:
    """Pack float32 [vocabulary, width] in a form."""
    if precision in {"int8", "int4"} and table.shape[1] % GROUP == 0:
        return Bytes(table)
    return Plain(table.to(dtype(precision)))


class Plain:
    """A table in fp32 or bf16."""

    def __init__(self, table: torch.Tensor) -> None:
        """Take the table, [vocabulary, width]."""
        self._table = table
        self.bytes = table.nbytes

    def __call__(self, ids: torch.Tensor) -> torch.Tensor:
        """Look ids up; see `Embedding`."""
        return self._table[ids]


class Bytes:
    """A table in 8 bits, with a scale for each group of 32.

    Also beside 4-bit matrices: as a table it is not read whole at each step, so it costs no speed,
    and the input of the first layer is no place to lose bits. A Q8_0 table keeps its steps.
    """

    def __init__(self, table: torch.Tensor) -> None:
        """Take the table, float32 [vocabulary, width]."""
        groups = table.reshape(len(table), -1, GROUP)
        self._scales = (groups.abs().amax(-1, keepdim=True) / 127).half()
        scales = self._scales.float()
        steps = (groups / torch.where(scales == 0, 1, scales)).round_().clamp_(-128, 127)
        self._steps = steps.to(torch.int8)
        self.bytes = self._steps.nbytes + self._scales.nbytes

    def __call__(self, ids: torch.Tensor) -> torch.Tensor:
        """Look ids up; see `Embedding`."""
        vectors: torch.Tensor = self._steps[ids] * self._scales[ids].float()
        return vectors.flatten(1).bfloat16()
