"""The nodes that normalise, each together with the addition before it."""

from __future__ import annotations

import torch

from engine.runtime.graph.matrices import Tensors, shrunk
from engine.runtime.graph.nodes import OURS, Graph


def normalised(
    graph: Graph,
    states: str,
    more: str | None,
    name: str,
    parts: Tensors,
    eps: float,
    outliers: torch.Tensor | None = None,
) -> tuple[str, str]:
    """Add `more` to the states and normalise the sum; returns both, the normalised one first.

    By mean and variance if there is an offset, ``bias``, else by the mean square. With outliers
    the result is ready for `matrices.multiplied`.
    """
    gain = [
        graph.weight(f"{name}.{part}", shrunk(parts[part], outliers))
        for part in ("weight", "bias")
        if part in parts
    ]
    kind = "LayerNormalization" if len(gain) == 2 else "SimplifiedLayerNormalization"
    if more is None:
        return graph.add(kind, [states, *gain], axis=-1, epsilon=eps), states
    found = graph.several(f"Skip{kind}", [states, more, *gain], 4, OURS, epsilon=eps)
    return found[0], found[3]
