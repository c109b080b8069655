"""The forms of a matrix in memory, and how each is multiplied.

The quantised forms keep weights in groups of 32 along the input, each with a scale and an offset
in bf16, and are multiplied by PyTorch's grouped 4-bit kernel, with bf16 activations:

- int4: 16 steps between the smallest and the largest weight of a group. The groups of a Q4_1 GGUF
  are of that kind, so its weights keep their steps.
- int8: 255 steps around zero, as two 4-bit halves side by side, w = 16 s high + s low, which the
  kernel sums in fp32 over twice the inputs. PyTorch's own 8-bit kernel scales whole rows, and is
  slower where few rows are multiplied.

For many rows, both are dequantised first; see `unpacking`. A matrix whose inputs are not a multiple
of the group size stays in bf16.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
import torch.nn.functional as F

from engine.messages import Precision
from engine.precision import QUANTISED
from engine.runtime.packed.unpacking import lanes, numbers

GROUP = 32
"""Weights that share a scale and an offset."""
MANY = 64
"""Rows from which it is quicker to dequantise the weights first: at 128 that takes 0.7 of the
kernel's time in int4 and 0.4 in int8; at 32 it takes as long or longer (measured with AVX2)."""
_BLOCK = 2048
"""Outputs that are dequantised at a time: some megabytes, which may fit into a CPU cache."""
_TILE = 64
"""Outputs are padded to a multiple of this, as the 4-bit kernel requires."""


class Linear(Protocol):
    """A matrix ready to multiply."""

    bytes: int

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """[rows, in] -> [rows, out], both in the form's dtype."""


def dtype(precision: Precision) -> torch.dtype:
    """The dtype of activations, keys and values for a form."""
    return torch.float32 if precision == "exact" else torch.bfloat16


Tensors = dict[str, torch.Tensor]
"""The parts of a packed matrix or table, by name: plain tensors, which can be saved."""


def prepare(precision: Precision, weight: torch.Tensor, bias: torch.Tensor | None) -> Tensors:
    """Turn float32 [out, in] and its bias into the parts of a form, for `build`."""
    if precision in QUANTISED and weight.shape[1] % GROUP == 0:
        packed, scales = quantise(precision, weight)
        parts = {"packed": packed, "scales": scales}
    else:
        parts = {"weight": weight.to(dtype(precision))}
    if bias is not None:
        parts["bias"] = bias.to(dtype(precision))
    return parts


def build(parts: Tensors, out: int) -> Linear:
    """Build a matrix with `out` outputs from the parts that `prepare` made."""
    if "packed" in parts:
        return Grouped(parts["packed"], parts["scales"], out, parts.get("bias"))
    return Dense(parts["weight"], parts.get("bias"))


class Dense:
    """A matrix in fp32 or bf16."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        """Take the weights, [out, in], and the bias in the same dtype."""
        self.bytes = weight.nbytes + (0 if bias is None else bias.nbytes)
        self._bias = bias
        self._packed = _prepack(weight)
        self._weight = weight if self._packed is None else None

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply; see `Linear`."""
        if self._packed is None:
            assert self._weight is not None
            return F.linear(x, self._weight, self._bias)
        product: torch.Tensor = _linear(x, self._packed, self._bias, "none", [], "")
        return product


_linear: Callable[..., torch.Tensor] = torch.ops.mkldnn._linear_pointwise


def _prepack(weight: torch.Tensor) -> torch.Tensor | None:
    """Lay the weights out for oneDNN, which is faster than `F.linear`.

    None if this device or build has no such kernel.
    """
    if not (weight.is_cpu and torch._C._has_mkldnn):
        return None
    if weight.dtype == torch.bfloat16 and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return None
    try:
        packed: torch.Tensor = torch.ops.mkldnn._reorder_linear_weight(weight, 1)
        _linear(weight.new_zeros(1, weight.shape[1]), packed, None, "none", [], "")
    except (RuntimeError, NotImplementedError):
        return None
    return packed


class Grouped:
    """A matrix in 4-bit groups, one or two halves of them."""

    def __init__(
        self, packed: torch.Tensor, scales: torch.Tensor, out: int, bias: torch.Tensor | None
    ) -> None:
        """Take what `quantise` made, the number of outputs before padding, and the bias."""
        self._packed, self._scales = packed, scales
        self._out = out
        self._bias = bias
        self._inputs = self._packed.shape[1] * 2
        self.bytes = packed.nbytes + scales.nbytes + (0 if bias is None else bias.nbytes)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply; see `Linear`."""
        layout = lanes() if len(x) >= MANY else None
        product = self._by_kernel(x) if layout is None else self._in_fp32(x, layout)
        if product.shape[1] != self._out:
            product = product[:, : self._out]
        return product if self._bias is None else product + self._bias

    def _by_kernel(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[1] != self._inputs:
            x = torch.cat([x, x], -1)  # once for each half
        return _grouped(x.contiguous(), self._packed, GROUP, self._scales)

    def _in_fp32(self, x: torch.Tensor, layout: int) -> torch.Tensor:
        product = x.new_empty(len(x), len(self._packed))
        exact = x.float()
        for begin in range(0, len(self._packed), _BLOCK):
            some = slice(begin, begin + _BLOCK)
            weights = numbers(self._packed[some], self._scales[:, some], x.shape[1], layout)
            product[:, some] = exact @ weights
        return product


_grouped: Callable[..., torch.Tensor] = torch.ops.aten._weight_int4pack_mm_for_cpu


def quantise(precision: Precision, weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Quantise float32 [out, in] and lay it out for the kernel: packed, and bf16 scales.

    The kernel multiplies by (q - 8) * scale + offset, q from 0 to 15.
    """
    padding = -weight.shape[0] % _TILE
    groups = F.pad(weight, (0, 0, 0, padding)).reshape(-1, weight.shape[1] // GROUP, GROUP)
    steps, scales, offsets = _int4(groups) if precision == "int4" else _int8(groups)
    packed = torch.ops.aten._convert_weight_to_int4pack_for_cpu(steps.flatten(1), 1)
    pairs = torch.stack([scales, offsets], -1).bfloat16()
    return packed, pairs.transpose(0, 1).contiguous()


_Steps = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def _int4(groups: torch.Tensor) -> _Steps:
    """int32 [out, groups, 32] of 0..15, and scales and offsets [out, groups]."""
    low, high = groups.amin(-1), groups.amax(-1)
    scales = _bf16((high - low) / 15)
    offsets = _bf16(low + 8 * scales)
    safe = torch.where(scales == 0, 1, scales)
    # Steps are chosen for the rounded scale and offset, which are what the kernel will use.
    steps = ((groups - offsets[..., None]) / safe[..., None]).round_().add_(8).clamp_(0, 15)
    return steps.int(), scales, offsets


def _int8(groups: torch.Tensor) -> _Steps:
    """The same with two halves: [out, 2 * groups, 32], the high ones first."""
    scales = _bf16(groups.abs().amax(-1) / 127)
    safe = torch.where(scales == 0, 1, scales)
    steps = (groups / safe[..., None]).round_().clamp_(-128, 127).add_(128).int()
    # s (w - 128) = 16 s (high - 8) + s (low - 8) + 8 s
    halves = torch.cat([steps // 16, steps % 16], 1)
    return (
        halves,
        torch.cat([16 * scales, scales], 1),
        torch.cat([torch.zeros_like(scales), 8 * scales], 1),
    )


def _bf16(numbers: torch.Tensor) -> torch.Tensor:
    return numbers.bfloat16().float()
