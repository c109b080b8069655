"""The forms of a matrix in memory, fp32 and bf16, and how they are multiplied."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F

from engine.messages import Precision

DTYPES: Mapping[Precision, torch.dtype] = {"exact": torch.float32, "bf16": torch.bfloat16}
"""The dtype of weights, activations, keys and values for a form."""


class Linear:
    """A matrix ready to multiply."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        """Take the weights, [out, in], and the bias in the same dtype."""
        self.bytes = weight.nbytes + (0 if bias is None else bias.nbytes)
        self._bias = bias
        self._packed = _prepack(weight)
        self._weight = weight if self._packed is None else None

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """[rows, in] -> [rows, out], both in the form's dtype."""
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
