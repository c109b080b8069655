"""Padding of texts to one length."""

from __future__ import annotations

from collections.abc import Sequence

import torch


def padded(rows: Sequence[Sequence[int]]) -> torch.Tensor:
    """int64 [rows, longest], padded with zeros on the right, which causal attention never sees."""
    width = max(map(len, rows))
    return torch.tensor([[*row, *[0] * (width - len(row))] for row in rows])
