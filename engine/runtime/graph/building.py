"""The nodes of a whole model."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from engine.messages import FloatInputs
from engine.runtime.graph.attention import IDS, attended, declare
from engine.runtime.graph.matrices import Tensors, multiplied, shrunk
from engine.runtime.graph.nodes import OURS, Graph
from engine.runtime.graph.norms import normalised
from engine.runtime.graph.stored import Parts, of
from engine.runtime.graph.tables import Table
from engine.runtime.packed.families import Shape

KEPT, POSITIONS = "kept", "positions"
"""Inputs besides those of attention: the tokens whose logits are wanted, int64; for families that
learn them the vectors of the tokens' positions, float32 [tokens, width]."""
STATES, LOGITS, LARGEST_IDS, LARGEST = "states", "logits", "largest ids", "largest"
"""Outputs: what is before the output layer, float32 [tokens, width]; float32 [kept, vocabulary]; of
these the ids of the largest, int64 [kept, n], and their values, computed again, float32."""

_FLOATS: dict[FloatInputs, frozenset[str]] = {
    "none": frozenset(),
    "down": frozenset({"down"}),
    "layers": frozenset({"qkv", "out", "up", "down"}),
}


def build(parts: Parts, shape: Shape, floats: FloatInputs) -> Graph:
    """The graph of a model; `floats` names the matrices that multiply floats.

    All but attention takes the tokens of all rows one after the other, [tokens, width].
    """
    graph, outer = Graph(), parts("outer")
    graph.input(KEPT, torch.int64, ["kept"])
    declare(graph, shape)
    untied = of("head", outer)
    head = untied or of("embedding", outer)
    output = Table(graph, "head", head, shape.width)
    table = Table(graph, "embedding", of("embedding", outer), shape.width) if untied else output
    states = _embedded(graph, table.looked_up(IDS), shape, positions="positions" in outer)
    more: str | None = None
    rounded: list[str] = []
    for number in range(shape.layers):
        layer = _Layer(graph, shape, number, parts(f"layer {number}"), _FLOATS[floats], rounded)
        states, more = layer.added(states, more)
    last, _ = normalised(graph, states, more, "last_norm", of("last_norm", outer), shape.eps)
    last = _nan_if_not_finite(graph, last, rounded)
    kept = graph.add("Gather", [last, KEPT], axis=0)
    ready = kept
    if "outliers" in head:
        factors = shrunk(torch.ones(shape.width), head["outliers"])
        ready = graph.add("Mul", [kept, graph.weight("head.factors", factors)])
    logits = multiplied(graph, ready, "head", head, shape.width, floats=False)
    ids, largest = output.refined(logits, kept)
    for value, name in ((last, STATES), (logits, LOGITS), (ids, LARGEST_IDS), (largest, LARGEST)):
        graph.several("Identity", [value], [name])
    graph.output(STATES, ["all", shape.width])
    graph.output(LOGITS, ["kept", shape.vocabulary])
    graph.output(LARGEST_IDS, ["kept", "n"], torch.int64)
    graph.output(LARGEST, ["kept", "n"])
    return graph


def _embedded(graph: Graph, vectors: str, shape: Shape, *, positions: bool) -> str:
    if shape.embedding_scale != 1:
        scale = graph.weight("embedding scale", torch.tensor([shape.embedding_scale]))
        vectors = graph.add("Mul", [vectors, scale])
    if positions:
        own = graph.input(POSITIONS, torch.float32, ["tokens", shape.width])
        vectors = graph.add("Add", [vectors, own])
    return graph.add("Reshape", [vectors, graph.constant(-1, shape.width)])


def _nan_if_not_finite(graph: Graph, states: str, rounded: list[str]) -> str:
    """The states, or NaN if anything that was rounded was NaN or infinite.

    The kernels would have gone on with numbers, which mean nothing.
    """
    if not rounded:
        return states
    sums = [graph.add("ReduceSum", [value]) for value in rounded]
    total = graph.add("ReduceSum", [graph.add("Concat", sums, axis=0)])
    return graph.add("Add", [states, graph.add("Sub", [total, total])])


@dataclass(frozen=True)
class _Layer:
    """The nodes of one layer."""

    graph: Graph
    shape: Shape
    number: int
    parts: Tensors
    floats: frozenset[str]
    rounded: list[str]
    """Inputs that were rounded to 8 bits and whose NaN would be lost. Normalised states reach the
    last layer, and of 4-bit matrices' inputs the sums stay floats: theirs would show."""

    def added(self, states: str, more: str | None) -> tuple[str, str]:
        """Go on from states to which `more` is still to be added; returns both again."""
        shape = self.shape
        x, states = self._ready("before_attention", "qkv", states, more)
        qkv = self._multiplied("qkv", x, shape.width)
        mixed = attended(self.graph, qkv, self.number, self.parts, shape)
        more = self._multiplied("out", mixed, shape.heads * shape.head_dim)
        more = self._after("after_attention", more)
        x, states = self._ready("before_mlp", "up", states, more)
        hidden = self._activated(self._multiplied("up", x, shape.width))
        return states, self._after("after_mlp", self._multiplied("down", hidden, shape.hidden))

    def _after(self, name: str, more: str) -> str:
        """What a part of the layer adds, normalised if the family does so."""
        return self._normalised(name, more, None)[0] if self.shape.sandwiched else more

    def _ready(self, name: str, matrix: str, states: str, more: str | None) -> tuple[str, str]:
        """Normalise what a matrix is to multiply."""
        return self._normalised(name, states, more, self.parts.get(f"{matrix}.outliers"))

    def _normalised(
        self, name: str, states: str, more: str | None, outliers: torch.Tensor | None = None
    ) -> tuple[str, str]:
        label, parts = f"layer {self.number}/{name}", of(name, self.parts)
        return normalised(self.graph, states, more, label, parts, self.shape.eps, outliers)

    def _multiplied(self, name: str, x: str, width: int) -> str:
        label, parts = f"layer {self.number}/{name}", of(name, self.parts)
        floats = name in self.floats
        if name in {"out", "down"} and not floats and "offsets" not in parts:
            self.rounded.append(x)
        return multiplied(self.graph, x, label, parts, width, floats=floats)

    def _activated(self, x: str) -> str:
        if not self.shape.gated:
            return self._activation(x)
        gate, other = self.graph.several("Split", [x], 2, axis=-1, num_outputs=2)
        return self.graph.add("Mul", [self._activation(gate), other])

    def _activation(self, x: str) -> str:
        match self.shape.activation:
            case "silu":
                return self.graph.add("QuickGelu", [x], OURS, alpha=1.0)
            case "gelu":
                return self.graph.add("Gelu", [x])
            case "gelu_tanh":
                return self.graph.add("Gelu", [x], approximate="tanh")
            case "relu":
                return self.graph.add("Relu", [x])
