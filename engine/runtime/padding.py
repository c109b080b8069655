"""Texts of unlike length side by side."""

from __future__ import annotations

from collections.abc import Sequence

import torch


def padded(rows: Sequence[Sequence[int]]) -> torch.Tensor:
    """int64 [rows, longest]: zeros stand on the right, where no token of a causal model looks."""
    width = max(map(len, rows))
    return torch.tensor([[*row, *[0] * (width - len(row))] for row in rows])
