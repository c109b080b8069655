"""The forms of a matrix, each against the original weights."""

from __future__ import annotations

import pytest
import torch

from engine.messages import Precision
from engine.runtime.packed import embedding, linear

FORMS: tuple[Precision, ...] = ("exact", "bf16", "int8", "int4")


def pack(
    precision: Precision, weight: torch.Tensor, bias: torch.Tensor | None = None
) -> linear.Linear:
    return linear.build(linear.prepare(precision, weight, bias), len(weight))


def matrix(out: int, into: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(out, into, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("precision", FORMS)
@pytest.mark.parametrize("size", [(64, 32), (70, 96), (5, 48)])
@pytest.mark.parametrize("rows", [1, 3, linear.MANY])
def test_a_form_multiplies_as_its_weights_would(
    precision: Precision, size: tuple[int, int], rows: int
) -> None:
    weight = matrix(*size)
    bias = matrix(1, size[0])[0]
    x = matrix(rows, size[1], seed=2).to(linear.dtype(precision))
    found = pack(precision, weight, bias)(x)
    assert found.dtype == linear.dtype(precision)
    expected = x.double() @ weight.double().T + bias
    # Steps of a 15th of a group's span (about 4.5), errors of half a step, summed at random.
    tolerance = {"exact": 1e-4, "bf16": 0.2, "int8": 0.3, "int4": 5.0}[precision]
    assert torch.allclose(found.double(), expected, atol=tolerance)


@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_weights_on_the_grid_are_kept_to_the_step(precision: Precision) -> None:
    """What was quantised in groups before, as a Q4_1 or Q8_0 file is, loses nothing again."""
    generator = torch.Generator().manual_seed(2)
    span = 15 if precision == "int4" else 254
    steps = torch.randint(0, span + 1, (16, 3, linear.GROUP), generator=generator)
    steps[..., 0], steps[..., 1] = 0, span
    scales = torch.tensor([0.25, 0.5, 0.0625])[:, None]  # exact in bf16
    offset = -8 if precision == "int4" else -127
    weight = ((steps + offset) * scales).reshape(16, -1).float()
    identity = torch.eye(weight.shape[1], dtype=torch.bfloat16)
    found = pack(precision, weight)(identity).T.float()
    assert torch.equal(found, weight.bfloat16().float())


@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_equal_weights_and_zeros_have_a_scale_too(precision: Precision) -> None:
    weight = torch.zeros(3, 64)
    weight[1] = 0.5
    x = torch.ones(1, 64, dtype=torch.bfloat16)
    found = pack(precision, weight)(x)[0]
    assert torch.allclose(found.float(), torch.tensor([0.0, 32.0, 0.0]), atol=0.2)


@pytest.mark.parametrize("precision", FORMS)
def test_inputs_that_make_no_whole_groups_still_multiply(precision: Precision) -> None:
    weight = matrix(8, 40)
    x = matrix(2, 40, seed=2).to(linear.dtype(precision))
    found = pack(precision, weight)(x)
    assert torch.allclose(found.float(), x.float() @ weight.T, atol=0.1)


def test_smaller_forms_are_smaller() -> None:
    weight = matrix(256, 256)
    sizes = [pack(precision, weight).bytes for precision in FORMS]
    assert sizes[0] == weight.nbytes
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[3] == weight.nbytes * (4 + 1) / 32  # four bits and the share of a scale


@pytest.mark.parametrize("precision", FORMS)
def test_a_table_gives_the_rows_asked_for(precision: Precision) -> None:
    table = matrix(50, 64)
    packed = embedding.build(embedding.prepare(precision, table))
    ids = torch.tensor([3, 49, 3])
    found = packed(ids)
    assert found.dtype == torch.float32
    tolerance = {"exact": 0.0, "bf16": 0.02}.get(precision, 0.03)
    assert torch.allclose(found.float(), table[ids], atol=tolerance)
    assert packed.bytes <= table.nbytes
