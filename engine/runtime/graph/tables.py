"""A table of token vectors in 8 bits, which is looked up, not multiplied.

Also used with 4-bit matrices: a table is not read as a whole at each step, so it costs no speed,
and the input of the first layer should stay accurate. A Q8_0 table loses nothing.
"""

from __future__ import annotations

import torch

from engine.runtime.graph.matrices import Tensors


class Table:
    """Token vectors, dequantised when they are looked up."""

    def __init__(self, parts: Tensors, width: int) -> None:
        """Take what `matrices.prepare` made of the table in 8 bits."""
        self._steps, self._scales = parts["steps"], parts["scales"]
        self._outliers = parts.get("outliers")
        self._columns = parts["columns"].t().contiguous() if "columns" in parts else None
        self._width = width

    def __call__(self, ids: torch.Tensor) -> torch.Tensor:
        """int64 [...] -> float32 [..., width]."""
        vectors = (self._steps[ids].float() - 128) * self._scales[ids][..., None]
        vectors = vectors.flatten(-2)[..., : self._width]
        if self._outliers is not None and self._columns is not None:
            vectors[..., self._outliers] = self._columns[ids]
        return vectors
