"""The nodes that normalise, each together with the addition before it."""

from __future__ import annotations

from engine.runtime.graph.matrices import Tensors
from engine.runtime.graph.nodes import OURS, Graph


def normalised(
    graph: Graph, states: str, more: str | None, name: str, parts: Tensors, eps: float
) -> tuple[str, str]:
    """Add `more` to the states and normalise the sum; returns both, the normalised one first.

    By mean and variance if there is an offset, ``bias``, else by the mean square.
    """
    gain = [
        graph.weight(f"{name}.{part}", parts[part]) for part in ("weight", "bias") if part in parts
    ]
    kind = "LayerNormalization" if len(gain) == 2 else "SimplifiedLayerNormalization"
    if more is None:
        return graph.add(kind, [states, *gain], axis=-1, epsilon=eps), states
    found = graph.several(f"Skip{kind}", [states, more, *gain], 4, OURS, epsilon=eps)
    return found[0], found[3]
