"""Recomputes the largest logits in fp32, because rounding in a coarser form can reorder them."""

from __future__ import annotations

from collections.abc import Callable

import torch

REFINED = 64
"""Number of logits per token that are recomputed."""


def refinable(vocabulary: int) -> int:
    """How many of a token's logits are recomputed."""
    return min(REFINED, vocabulary)


def refined(
    logits: torch.Tensor, states: torch.Tensor, rows: Callable[[torch.Tensor], torch.Tensor]
) -> torch.Tensor:
    """Replace the largest logits by products in fp32.

    Args:
        logits: float32 [..., tokens, vocabulary].
        states: [..., tokens, width], what the output layer multiplied.
        rows: looks rows of the output layer up: int64 [...] -> float32 [..., width].
    """
    largest = logits.topk(refinable(logits.shape[-1]), sorted=False).indices
    exact = rows(largest) @ states.float()[..., None]
    return logits.scatter(-1, largest, exact.squeeze(-1))
