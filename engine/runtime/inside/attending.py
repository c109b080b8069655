"""An attention that shows what it computes, and that a `Change` alters.

It is registered with transformers under a name of its own. It calls the eager attention of the
model's own module, some queries at a time, so that no matrix of length x length is held. Of
classes that cannot take it, the weights that they return are shown, one layer at a time.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
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
    """What a forward pass watches and changes, while it runs."""

    watch: Watch
    change: Change
    layers_run: int = 0
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
    layer, current.layers_run = current.layers_run, current.layers_run + 1
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


@contextmanager
def returned(model: torch.nn.Module, watch: Watch, heads: int, length: int) -> Iterator[None]:
    """Have a class that returns its weights show each layer's as they come, and keep none.

    What a module with weights of its own returns of the shape [1, heads, length, length], with
    rows that sum to one, is a layer's attention; the modules around it get an empty tensor in its
    place. What another class returns in another way is among its outputs at the end.
    """
    shape, layers = (1, heads, length, length), 0

    def hook(module: torch.nn.Module, args: object, output: object) -> object:
        nonlocal layers
        if not isinstance(output, tuple | list):
            return None
        for at, part in enumerate(output):
            if isinstance(part, torch.Tensor) and part.shape == shape and _sums_to_one(part):
                show(watch, layers, part[0])
                layers += 1
                parts = [*output[:at], part.new_empty(1, heads, 0, 0), *output[at + 1 :]]
                return parts if isinstance(output, list) else tuple(parts)
        return None

    with ExitStack() as hooks:
        for module in model.modules():
            if next(module.parameters(), None) is not None:
                # Before those with which transformers keeps what a module returns.
                hooks.callback(module.register_forward_hook(hook, prepend=True).remove)
        yield


def show(watch: Watch, layer: int, weights: torch.Tensor) -> None:
    """Show all weights of a layer, [heads, positions, positions], some queries at a time."""
    if watch.weights is not None:
        step = max(1, _CELLS // (weights.shape[0] * weights.shape[2]))
        for first in range(0, weights.shape[1], step):
            watch.weights(layer, first, weights[:, first : first + step])


def _sums_to_one(weights: torch.Tensor) -> bool:
    return torch.allclose(weights.sum(-1), torch.ones(()), atol=1e-3)


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
