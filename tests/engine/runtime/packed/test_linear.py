"""A matrix in fp32 and bf16 against plain multiplication."""

from __future__ import annotations

import pytest
import torch

from engine.messages import Precision
from engine.runtime.packed.linear import DTYPES, Linear


def matrix(out: int, into: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(out, into, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("precision", ["exact", "bf16"])
@pytest.mark.parametrize("size", [(64, 32), (70, 96), (5, 48), (8, 41)])
@pytest.mark.parametrize("rows", [1, 3, 64])
def test_a_form_multiplies_as_its_weights_would(
    precision: Precision, size: tuple[int, int], rows: int
) -> None:
    weight, bias = matrix(*size), matrix(1, size[0])[0]
    kind = DTYPES[precision]
    x = matrix(rows, size[1], seed=2).to(kind)
    linear = Linear(weight.to(kind), bias.to(kind))
    found = linear(x)
    assert found.dtype == kind
    expected = x.double() @ weight.double().T + bias
    tolerance = {"exact": 1e-4, "bf16": 0.2}[precision]
    assert torch.allclose(found.double(), expected, atol=tolerance)
    assert linear.bytes == (weight.nbytes + bias.nbytes) * kind.itemsize // 4
