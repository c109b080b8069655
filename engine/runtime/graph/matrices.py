"""A matrix in groups of 4 or 8 bits, and the nodes that multiply by it.

Weights are kept in groups of 32 along the input, each with a float32 scale:

- 4 bits: 16 steps between the smallest and the largest weight of a group, scale * (step - 8) +
  offset. The groups of a Q4_1 GGUF are of that kind, so its weights lose nothing. The offsets are
  multiplied by the sums of the groups of the input. A matrix that loses nothing without offsets, as
  in a Q4_0 GGUF, has none.
- 8 bits: 255 steps around zero, scale * (step - 128), as in a Q8_0 GGUF.

ONNX Runtime's kernels round what is multiplied, group by group, to 8 bits, which is fast for one
row and several. They can also multiply floats, by 4-bit matrices without much loss of speed where
there is one row. By 8-bit ones that would take some hundred times as long: such a matrix is split
into two of 4 bits, w = s (16 high + low - 128) = 16 s (high - 8) + s (low - 8) + 8 s.

Of some inputs a few channels, `outliers`, and their weights stay floats, and are multiplied
together with the sums. In the matrix itself they are zeros, and the input comes with them `shrunk`,
so that the rest of their group is rounded as if they were not there.

Inputs that are no whole number of groups are filled up with zeros, and so are the weights.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from engine.runtime.graph.nodes import OURS, Graph
from engine.runtime.packed.weights import Matrix

GROUP = 32
"""Weights that share a scale."""
_FLOATS, _BYTES = 1, 4
"""`accuracy_level` of MatMulNBits: what multiplies the weights."""
_EXACT = 1e-3
"""What floats may be off, in steps."""
_SHRUNK = 2.0**-16
"""A power of two, by which no float loses anything."""

Tensors = dict[str, torch.Tensor]
"""The parts of a matrix or of a whole component, by name."""


def prepare(bits: int, matrix: Matrix, outliers: torch.Tensor | None = None) -> Tensors:
    """Quantise a matrix to 4 or 8 bits; returns its parts for `multiplied`.

    ``steps`` uint8 [out, groups, 32] (two to a byte in 4 bits: [out, groups, 16]), ``scales``
    float32 [out, groups], if needed ``offsets`` float32 [groups, out], and ``bias`` if it has one.
    With outliers, int64 [outliers], also these, and ``columns``, their weights, float32
    [outliers, out].
    """
    groups = _grouped(matrix.weight)
    parts = (_centred(groups) or _four(groups)) if bits == 4 else _eight(groups)
    if outliers is not None:
        parts["steps"].flatten(1)[:, outliers] = 2 ** (bits - 1)
        parts |= {"outliers": outliers, "columns": matrix.weight[:, outliers].t().contiguous()}
    if bits == 4:
        parts["steps"] = _paired(parts["steps"])
    if matrix.bias is not None:
        parts["bias"] = matrix.bias
    return parts


def _grouped(weight: torch.Tensor) -> torch.Tensor:
    """[out, in] -> [out, groups, 32], filled up with zeros."""
    return F.pad(weight, (0, -weight.shape[1] % GROUP)).reshape(len(weight), -1, GROUP)


def _four(groups: torch.Tensor) -> Tensors:
    low, high = groups.amin(-1), groups.amax(-1)
    scales = (high - low) / 15
    steps = ((groups - low[..., None]) / _divisors(scales)).round_().clamp_(0, 15).to(torch.uint8)
    offsets = (low + 8 * scales).t().contiguous()
    return {"steps": steps, "scales": scales, "offsets": offsets}


def _centred(groups: torch.Tensor) -> Tensors | None:
    """Without offsets: the weight farthest from zero is -8 steps. None if that loses anything."""
    farthest = groups.gather(-1, groups.abs().argmax(-1, keepdim=True))
    scales = farthest[..., 0] / -8
    exact = groups / _divisors(scales)
    steps = exact.round()
    if ((exact - steps).abs() > _EXACT).any() or (steps > 7).any():
        return None
    return {"steps": (steps + 8).to(torch.uint8), "scales": scales}


def _eight(groups: torch.Tensor) -> Tensors:
    scales = groups.abs().amax(-1) / 127
    steps = (groups / _divisors(scales)).round_().clamp_(-127, 127).add_(128).to(torch.uint8)
    return {"steps": steps, "scales": scales}


def _divisors(scales: torch.Tensor) -> torch.Tensor:
    """[..., 1], so that groups of zeros stay zeros."""
    return torch.where(scales == 0, 1, scales)[..., None]


def _paired(steps: torch.Tensor) -> torch.Tensor:
    """Two 4-bit steps to a byte, the first in its low half."""
    return steps[..., ::2] | (steps[..., 1::2] << 4)


def filled(graph: Graph, x: str, width: int) -> str:
    """x, [tokens, width], filled up with zeros to whole groups."""
    if width % GROUP:
        return graph.add("Pad", [x, graph.constant(0, 0, 0, -width % GROUP)])
    return x


def shrunk(values: torch.Tensor, outliers: torch.Tensor | None) -> torch.Tensor:
    """Values of the channels, [width], with those of the outliers as `multiplied` expects them."""
    if outliers is None:
        return values
    return values.index_copy(0, outliers, values[outliers] * _SHRUNK)


def multiplied(graph: Graph, x: str, name: str, parts: Tensors, width: int, *, floats: bool) -> str:
    """Multiply x, [tokens, width], by a matrix; its outliers are `shrunk`.

    With `floats` nothing is rounded but the weights.
    """
    groups = parts["scales"].shape[1]
    x = filled(graph, x, width)
    steps, scales = parts["steps"], parts["scales"]
    offsets, columns = parts.get("offsets"), parts.get("columns")
    if columns is not None:
        columns = columns / _SHRUNK
        if offsets is not None:
            columns -= offsets[parts["outliers"] // GROUP]
    bias = graph.weight(f"{name}.bias", parts["bias"]) if "bias" in parts else ""
    products = []
    if floats and steps.shape[-1] == GROUP:
        high = _paired(steps >> 4)
        products.append(_product(graph, x, f"{name}.high", high, 16 * scales, floats))
        steps, offsets = _paired(steps & 15), 8 * scales.t().contiguous()
    products.append(_product(graph, x, name, steps, scales, floats, bias))
    total = products[0] if len(products) == 1 else graph.add("Add", products)
    if offsets is not None:
        # One product with zeros and ones takes less time than two nodes that reshape and sum.
        into, summed = torch.eye(groups).repeat_interleave(GROUP, 0), f"sums of {groups} groups"
        if columns is not None:
            picks = F.one_hot(parts["outliers"], groups * GROUP).float()
            into, summed = torch.cat([into, picks.t()], 1), f"{name}.sums"
            offsets = torch.cat([offsets, columns])
        sums = graph.add("MatMul", [x, graph.weight(summed, into)])
        return graph.add("Gemm", [sums, graph.weight(f"{name}.offsets", offsets), total])
    if columns is not None:
        own = graph.add("Gather", [x, graph.weight(f"{name}.outliers", parts["outliers"])], axis=-1)
        return graph.add("Gemm", [own, graph.weight(f"{name}.columns", columns), total])
    return total


def _product(
    graph: Graph,
    x: str,
    name: str,
    steps: torch.Tensor,
    scales: torch.Tensor,
    floats: bool,
    bias: str = "",
) -> str:
    weights = [graph.weight(f"{name}.steps", steps), graph.weight(f"{name}.scales", scales)]
    return graph.add(
        "MatMulNBits",
        [x, *weights, "", "", bias] if bias else [x, *weights],
        OURS,
        K=scales.shape[1] * GROUP,
        N=len(steps),
        bits=4 if steps.shape[-1] < GROUP else 8,
        block_size=GROUP,
        accuracy_level=_FLOATS if floats else _BYTES,
    )
