"""Dequantises matrices in the 4-bit kernel's layout, for multiplication by many rows.

The kernel dequantises the weights again for every few rows. For many rows it is quicker to do that
once and to multiply in fp32. The layout is internal to the kernel and differs between processors:
`lanes` detects it by trial, and if it is not one of those supported here, the kernel does
everything.
"""

from __future__ import annotations

from functools import cache

import torch

_LANES = (16, 32)
"""For the AVX2 and AVX-512 kernels."""


@cache
def lanes() -> int | None:
    """Outputs that are interleaved in this processor's layout; None if it is not supported."""
    steps = torch.arange(128 * 32).mul_(40503).bitwise_right_shift_(5).remainder_(16).view(128, 32)
    packed = torch.ops.aten._convert_weight_to_int4pack_for_cpu(steps.int(), 1)
    found = (count for count in _LANES if torch.equal(_steps(packed, count), steps.t()))
    return next(found, None)


def numbers(packed: torch.Tensor, scales: torch.Tensor, inputs: int, lanes: int) -> torch.Tensor:
    """Dequantise what `linear.quantise` made: float32 [inputs, outputs].

    `packed` and `scales` may be a part of the matrix that consists of whole blocks of 64 outputs.
    """
    steps = _steps(packed, lanes)
    if len(steps) == inputs:
        scale, offset = scales.float().unbind(-1)
        offset = offset - 8 * scale
    else:  # two halves of 8 bits, the high ones first
        steps = (steps[:inputs] << 4).bitwise_or_(steps[inputs:])
        scale = scales[len(scales) // 2 :, :, 0].float()
        offset = -128 * scale
    weights = steps.float().view(len(scale), -1, steps.shape[1])
    torch.addcmul(offset[:, None], weights, scale[:, None], out=weights)
    return weights.flatten(0, 1)


def _steps(packed: torch.Tensor, lanes: int) -> torch.Tensor:
    """The 4-bit steps of a matrix: uint8 [in, out].

    A block of twice `lanes` outputs has `lanes` bytes for each input: the first half of the outputs
    is in their low halves, the second in the high ones.
    """
    outputs, half = packed.shape
    pairs = packed.view(outputs // (2 * lanes), 2 * half, lanes).transpose(0, 1)
    return torch.stack([pairs & 15, pairs >> 4], 2).flatten(1)
