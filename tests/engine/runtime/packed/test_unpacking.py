"""What the kernel's layout is turned back into, against what the kernel itself makes of it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from engine.messages import Precision
from engine.runtime.packed import linear, unpacking
from tests.engine.runtime.packed.test_linear import matrix, pack

TRY = """
import torch
from engine.runtime.packed import linear, unpacking
weight = torch.randn(70, 64)
rows = torch.randn(linear.MANY, 64).bfloat16()
for precision in ("int8", "int4"):
    packed = linear.build(linear.prepare(precision, weight, None), 70)
    few = torch.cat([packed(row[None]) for row in rows])
    assert torch.allclose(packed(rows).float(), few.float(), atol=0.25), precision
print(unpacking.lanes())
"""


@pytest.mark.parametrize("precision", ["int8", "int4"])
@pytest.mark.parametrize("size", [(64, 32), (70, 96), (2100, 64)])
def test_many_rows_give_what_the_kernel_gives_for_few(
    precision: Precision, size: tuple[int, int]
) -> None:
    packed = pack(precision, matrix(*size), matrix(1, size[0], seed=3)[0])
    rows = matrix(linear.MANY, size[1], seed=2).bfloat16()
    few = torch.cat([packed(row[None]) for row in rows])
    # Both round their sums to bf16, the largest being some 40.
    assert torch.allclose(packed(rows).float(), few.float(), atol=0.26)


@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_the_numbers_are_those_of_the_kernel(precision: Precision) -> None:
    layout = unpacking.lanes()
    if layout is None:
        pytest.skip("the layout of this processor is not known")
    packed, scales = linear.quantise(precision, matrix(128, 64))
    found = unpacking.numbers(packed, scales, 64, layout)
    identity = torch.eye(64).bfloat16()
    assert torch.equal(found.bfloat16(), pack(precision, matrix(128, 64))(identity))


def test_an_unknown_layout_is_left_to_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = pack("int4", matrix(70, 96))
    rows = matrix(linear.MANY, 96, seed=2).bfloat16()
    monkeypatch.setattr(linear, "lanes", lambda: None)
    few = torch.cat([packed(row[None]) for row in rows])
    assert torch.equal(packed(rows), few)


@pytest.mark.slow
@pytest.mark.parametrize("capability", ["default", "avx2"])
def test_the_layouts_of_other_processors_are_found_by_trying(capability: str) -> None:
    environ = {**os.environ, "ATEN_CPU_CAPABILITY": capability}
    finished = subprocess.run(
        [sys.executable, "-P", "-c", TRY], env=environ, capture_output=True, text=True, check=True
    )
    assert finished.stdout.strip() in {"None", "16", "32"}
