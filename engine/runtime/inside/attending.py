"""An attention that shows what it computes, and that a `Change` alters.

It is registered with transformers under a name of its own. It calls the eager attention of the
model's own module, some queries at a time, so that a long text needs no square of its length.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers.masking_utils import AttentionMaskInterface, eager_mask
from transformers.modeling_utils import AttentionInterface

from engine.messages import Change

NAME = "inside"
_CELLS = 2**23
"""Weights computed at once, of all heads: 32 MB."""


@dataclass(frozen=True)
class Attended:
    """What one layer's attention was given, and how it scales: each [heads, positions, size].

    Keys and values may have fewer heads than queries, each shared by several.
    """

    queries: torch.Tensor
    keys: torch.Tensor
    values: torch.Tensor
    scale: float


@dataclass
class Watch:
    """Called during a pass, on the thread that runs it; an exception ends the pass."""

    weights: Callable[[int, int, torch.Tensor], None] | None = None
    """With a layer, the first query, and the weights of some: [heads, queries, positions]."""
    attended: Callable[[int, Attended], None] | None = None
    """With a layer, before its weights."""
    stream: Callable[[int, torch.Tensor], None] | None = None
    """With 0 and the embeddings, then 1 and what the first layer gives, and so on:
    [positions, width]."""
    joined: Callable[[int, torch.Tensor], None] | None = None
    """With a layer and its heads' outputs before they are projected: [positions, all heads]."""
    mlp: Callable[[int, torch.Tensor], None] | None = None
    """With a layer and what its MLP adds: [positions, width]."""
    table: Callable[[str, list[int], torch.Tensor], None] | None = None
    """With a table of embeddings, its shape, and the rows that are read: [..., width]."""


@dataclass
class Pass:
    """One pass in progress."""

    watch: Watch
    change: Change
    attended: int = field(default=0)
    """Layers whose attention has run."""


CURRENT: ContextVar[Pass] = ContextVar("current pass")


def _attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """The module's own eager attention of [1, heads, positions, size], shown and altered."""
    current = CURRENT.get()
    layer, current.attended = current.attended, current.attended + 1
    eager = sys.modules[type(module).__module__].eager_attention_forward
    watch, length = current.watch, query.shape[2]
    if watch.attended is not None:
        scale = options.get("scaling") or query.shape[-1] ** -0.5
        watch.attended(layer, Attended(query[0], key[0], value[0], scale))
    off = [head for at, head in current.change.heads if at == layer]
    step = max(1, _CELLS // (query.shape[1] * key.shape[2]))
    outputs = []
    for first in range(0, length, step):
        some = query[:, :, first : first + step]
        mask = None if attention_mask is None else attention_mask[:, :, first : first + step]
        mask = _cut(mask, some, key.shape[2], first, current.change.cut)
        output, weights = eager(module, some, key, value, mask, **options)
        if watch.weights is not None:
            watch.weights(layer, first, weights[0])
        outputs.append(output)
    joined = torch.cat(outputs, dim=1)
    if off:
        joined[:, :, off] = 0
    return joined, None


def _cut(
    mask: torch.Tensor | None, query: torch.Tensor, keys: int, first: int, cut: Sequence[int]
) -> torch.Tensor | None:
    """The mask of queries from `first` on, with positions hidden from all others."""
    if not cut:
        return mask
    if mask is None:
        mask = query.new_zeros(1, 1, query.shape[2], keys)
    mask = mask.expand(-1, -1, query.shape[2], -1).clone()
    for position in cut:
        at = position - first
        own = mask[:, :, at, position].clone() if 0 <= at < mask.shape[2] else None
        mask[..., position] = torch.finfo(mask.dtype).min
        if own is not None:
            mask[:, :, at, position] = own
    return mask


AttentionInterface.register(NAME, _attend)
AttentionMaskInterface.register(NAME, eager_mask)
