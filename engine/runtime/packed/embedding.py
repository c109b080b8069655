"""The table of token vectors. It is indexed, not multiplied, so it has its own layout."""

from __future__ import annotations

from typing import Protocol

import torch

from engine.messages import Precision
from engine.precision import QUANTISED
from engine.runtime.packed.linear import GROUP, Tensors, dtype


class Embedding(Protocol):
    """A table of token vectors."""

    bytes: int

    def __call__(self, ids: torch.Tensor) -> torch.Tensor:
        """int64 [tokens] -> float32 [tokens, width]."""


def prepare(precision: Precision, table: torch.Tensor) -> Tensors:
    """Turn float32 [vocabulary, width] into the parts of a form, for `build`."""
    if precision in QUANTISED and table.shape[1] % GROUP == 0:
        steps, scales = _quantise(table)
        return {"steps": steps, "scales": scales}
    return {"table": table.to(dtype(precision))}


def build(parts: Tensors) -> Embedding:
    """A table from the parts that `prepare` made."""
    return Bytes(parts["steps"], parts["scales"]) if "steps" in parts else Plain(parts["table"])


class Plain:
    """A table in fp32 or bf16."""

    def __init__(self, table: torch.Tensor) -> None:
        """Take the table, [vocabulary, width]."""
        self._table = table
        self.bytes = table.nbytes

    def __call__(self, ids: torch.Tensor) -> torch.Tensor:
        """Look ids up; see `Embedding`."""
        return self._table[ids].float()


class Bytes:
    """A table in 8 bits, with a scale for each group of 32.

    Also used with 4-bit matrices: a table is not read as a whole at each step, so it costs no
    speed, and the input of the first layer should stay accurate. A Q8_0 table is stored exactly.
    """

    def __init__(self, steps: torch.Tensor, scales: torch.Tensor) -> None:
        """Take int8 [vocabulary, groups, 32] and float16 [vocabulary, groups, 1]."""
        self._steps, self._scales = steps, scales
        self.bytes = steps.nbytes + scales.nbytes

    def __call__(self, ids: torch.Tensor) -> torch.Tensor:
        """Look ids up; see `Embedding`."""
        vectors: torch.Tensor = self._steps[ids] * self._scales[ids].float()
        return vectors.flatten(1)


def _quantise(table: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    groups = table.reshape(len(table), -1, GROUP)
    stored = (groups.abs().amax(-1, keepdim=True) / 127).half()
    scales = stored.float()
    steps = (groups / torch.where(scales == 0, 1, scales)).round_().clamp_(-128, 127)
    return steps.to(torch.int8), stored
