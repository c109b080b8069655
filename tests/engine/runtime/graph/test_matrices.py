"""What is left of a matrix in 4 and 8 bits."""

from __future__ import annotations

import pytest
import torch

from engine.runtime.graph import matrices
from engine.runtime.graph.matrices import GROUP
from engine.runtime.packed.weights import Matrix
from tests.support.graph_models import numbers


def matrix(out: int, into: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(out, into, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("size", [(64, 32), (7, 96), (5, 50), (3, 1)])
def test_no_weight_moves_by_more_than_half_a_step(bits: int, size: tuple[int, int]) -> None:
    weight = matrix(*size)
    parts = matrices.prepare(bits, Matrix(weight))
    found = numbers(parts)
    half = parts["scales"].abs().repeat_interleave(GROUP, 1)[:, : size[1]] / 2
    assert ((found[:, : size[1]] - weight).abs() <= half * 1.001 + 1e-6).all()
    assert found.shape[1] % GROUP == 0


@pytest.mark.parametrize("bits", [4, 8])
def test_weights_on_the_grid_are_kept(bits: int) -> None:
    """What was quantised in groups before, as a Q4_1 or Q8_0 file is, loses nothing again."""
    generator = torch.Generator().manual_seed(2)
    span = 15 if bits == 4 else 254
    steps = torch.randint(0, span + 1, (16, 3, GROUP), generator=generator)
    steps[..., 0], steps[..., 1] = 0, span
    scales = torch.rand(16, 3, 1, generator=generator).half().float()
    lowest = torch.randn(16, 3, 1, generator=generator).half().float()
    weight = (steps * scales + lowest if bits == 4 else (steps - 127) * scales).flatten(1)
    found = numbers(matrices.prepare(bits, Matrix(weight)))
    assert torch.allclose(found, weight, rtol=1e-6, atol=1e-6)


def test_what_needs_no_offsets_has_none() -> None:
    """As a Q4_0 file is: the weight farthest from zero, of either sign, is -8 steps."""
    generator = torch.Generator().manual_seed(3)
    steps = torch.randint(-8, 8, (16, 3, GROUP), generator=generator)
    steps[..., 5] = -8
    scales = torch.randn(16, 3, 1, generator=generator).half().float()
    scales[3, 1] = 0
    weight = (steps * scales).flatten(1)
    parts = matrices.prepare(4, Matrix(weight))
    assert "offsets" not in parts
    assert torch.allclose(numbers(parts), weight, rtol=1e-6, atol=0)
    weight[9, 40] += 0.2 * scales[9, 1, 0]
    assert "offsets" in matrices.prepare(4, Matrix(weight))


@pytest.mark.parametrize("bits", [4, 8])
def test_outliers_are_kept_apart_and_are_zeros_in_the_matrix(bits: int) -> None:
    weight, outliers = matrix(7, 50), torch.tensor([3, 40])
    parts = matrices.prepare(bits, Matrix(weight), outliers)
    expected = numbers(matrices.prepare(bits, Matrix(weight)))
    offsets = parts.get("offsets", torch.zeros(2, 7)).T
    expected[:, outliers] = offsets[:, outliers // GROUP]
    assert torch.equal(numbers(parts), expected)
    assert torch.equal(parts["columns"], weight[:, outliers].T)


@pytest.mark.parametrize("bits", [4, 8])
def test_equal_weights_and_zeros_stay(bits: int) -> None:
    weight = torch.zeros(3, 64)
    weight[1] = 0.5
    found = numbers(matrices.prepare(bits, Matrix(weight)))
    assert torch.allclose(found, weight, atol=1e-6)
