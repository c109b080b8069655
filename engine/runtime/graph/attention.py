"""The nodes of attention, and what they read besides the weights.

Keys and values are inputs and outputs in the same memory: a step writes behind what is there.
The node takes heads whose size is a multiple of `SIZES`; others are filled up with zeros.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from engine.runtime.graph.matrices import Tensors
from engine.runtime.graph.nodes import OURS, Dimensions, Graph
from engine.runtime.packed.families import Rotary, Shape

IDS, LAST, TOTAL = "ids", "last", "total"
"""Inputs: token ids, int64 [rows, tokens]; the last place of each row, int32 [rows]; the number of
places, int32 [1]."""
_ROWS = "rows, tokens, the rest"
"""The shape of what belongs to tokens, if those of a row are apart from others."""


def angles(kind: int) -> tuple[str, str]:
    """Inputs for a kind of layer: cosines and sines, float32 [places, head_dim / 2]."""
    return f"cosines {kind}", f"sines {kind}"


def past(layer: int, part: str) -> str:
    """The input for a layer's keys or values, float32 [rows, kv_heads, capacity, head_dim]."""
    return f"past {part} {layer}"


def present(layer: int, part: str) -> str:
    """The output in the same memory."""
    return f"present {part} {layer}"


PARTS = ("keys", "values")
SIZES = 16


def head_size(shape: Shape) -> int:
    """The size of a head in memory."""
    return -(-shape.head_dim // SIZES) * SIZES


def declare(graph: Graph, shape: Shape) -> None:
    """Declare the inputs that all layers share."""
    graph.input(IDS, torch.int64, ["rows", "tokens"])
    apart = [graph.add("Shape", [IDS]), graph.constant(-1)]
    graph.several("Concat", apart, [_ROWS], axis=0)
    graph.input(LAST, torch.int32, ["rows"])
    graph.input(TOTAL, torch.int32, [1])
    for number in range(len(shape.kinds) if shape.rotates else 0):
        for name in angles(number):
            graph.input(name, torch.float32, ["places", head_size(shape) // 2])


def attended(graph: Graph, qkv: str, layer: int, parts: Tensors, shape: Shape) -> str:
    """Attention of one layer: queries, keys and values to [tokens, heads * head_dim]."""
    memory: Dimensions = ["rows", shape.kv_heads, "capacity", head_size(shape)]
    before = [graph.input(past(layer, part), torch.float32, memory) for part in PARTS]
    after = [present(layer, part) for part in PARTS]
    for name in after:
        graph.output(name, memory)
    kind = shape.kind_of[layer]
    window = shape.kinds[kind].window
    rotation = angles(kind) if shape.rotates else ("", "")
    qkv = graph.add("Reshape", [qkv, _ROWS])
    states = [qkv]
    if "queries_gain" in parts:
        states = _normalised(graph, qkv, layer, parts, shape)
    states = [_widened(graph, each, shape) for each in states]
    mixed = graph.several(
        "GroupQueryAttention",
        [*states, *[""] * (3 - len(states)), *before, LAST, TOTAL, *rotation],
        [f"attended {layer}", *after],
        OURS,
        num_heads=shape.heads,
        kv_num_heads=shape.kv_heads,
        do_rotary=int(shape.rotates),
        local_window_size=-1 if window is None else window,
        scale=shape.scale,
    )[0]
    mixed = _narrowed(graph, mixed, shape)
    return graph.add("Reshape", [mixed, graph.constant(-1, shape.heads * shape.head_dim)])


def _normalised(graph: Graph, qkv: str, layer: int, parts: Tensors, shape: Shape) -> list[str]:
    """Queries, keys and values apart, the first two normalised head by head."""
    width = shape.head_dim
    sizes = [heads * width for heads in (shape.heads, shape.kv_heads, shape.kv_heads)]
    queries, keys, values = graph.several("Split", [qkv, graph.constant(*sizes)], 3, axis=-1)
    found = []
    for states, name in ((queries, "queries_gain"), (keys, "keys_gain")):
        apart = graph.add("Reshape", [states, graph.constant(0, 0, -1, width)])
        gain = graph.weight(f"layer {layer}/{name}", parts[name])
        normal = graph.add(
            "SimplifiedLayerNormalization", [apart, gain], axis=-1, epsilon=shape.eps
        )
        found.append(graph.add("Reshape", [normal, graph.constant(0, 0, -1)]))
    return [*found, values]


def _widened(graph: Graph, states: str, shape: Shape) -> str:
    """Heads filled up to their size in memory."""
    if head_size(shape) == shape.head_dim:
        return states
    pieces, more = _pieces(shape), head_size(shape) - shape.head_dim
    apart = graph.add(
        "Reshape", [states, graph.constant(0, 0, -1, pieces, shape.head_dim // pieces)]
    )
    filled = graph.add("Pad", [apart, graph.constant(*[0] * 9, more // pieces)])
    return graph.add("Reshape", [filled, graph.constant(0, 0, -1)])


def _narrowed(graph: Graph, states: str, shape: Shape) -> str:
    """The opposite of `_widened`."""
    if head_size(shape) == shape.head_dim:
        return states
    pieces = _pieces(shape)
    apart = graph.add(
        "Reshape", [states, graph.constant(0, 0, -1, pieces, head_size(shape) // pieces)]
    )
    end = graph.constant(shape.head_dim // pieces)
    cut = graph.add("Slice", [apart, graph.constant(0), end, graph.constant(-1)])
    return graph.add("Reshape", [cut, graph.constant(0, 0, -1)])


def _pieces(shape: Shape) -> int:
    """The parts of a head that are filled up: rotation pairs its halves."""
    return 2 if shape.rotates else 1


class Rotation:
    """The rotations of the first places, computed as far as they are needed."""

    def __init__(self, rotary: Rotary, size: int) -> None:
        """Take a rotation and the size of a head in memory; what fills it up is not rotated."""
        frequencies = torch.tensor(rotary.frequencies)
        self._frequencies = F.pad(frequencies, (0, size // 2 - len(frequencies)))
        self._scale = rotary.scale
        self._tables = self._computed(0)

    def tables(self, places: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Cosines and sines of at least this many places, float32 [places, head_dim / 2]."""
        if len(self._tables[0]) < places:
            self._tables = self._computed(2 * places)
        return self._tables

    def _computed(self, places: int) -> tuple[torch.Tensor, torch.Tensor]:
        angles = torch.arange(places, dtype=torch.float32)[:, None] * self._frequencies
        return angles.cos() * self._scale, angles.sin() * self._scale
