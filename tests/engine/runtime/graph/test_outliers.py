"""Channels that are far larger than the others are found, and spoil nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.messages import Precision
from engine.runtime.graph import matrices
from engine.runtime.graph.matrices import Tensors
from engine.runtime.packed.weights import Matrix
from tests.support.families import divergence, plain, text
from tests.support.graph_models import dequantised, graph

LARGE = [3, 21]
_NORMS = ("ln_1", "ln_2", "ln_f", "layernorm.weight", "model.norm.weight")


@pytest.fixture(params=["gpt2", "llama", "llama, tied, biased, all heads alike", "qwen3"])
def large(saved: Callable[[str], Path], tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A model two of whose channels are large wherever states are normalised."""
    folder = tmp_path / "large"
    shutil.copytree(saved(request.param), folder)
    weights = load_file(folder / "model.safetensors")
    for name, tensor in weights.items():
        if name.endswith("weight") and any(norm in name for norm in _NORMS):
            tensor[LARGE] = 20.0
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def test_they_are_found_everywhere(large: Path) -> None:
    parts = graph(large, "int4")._parts
    for name in ("layer 0", "layer 1"):
        for matrix in ("qkv", "up"):
            assert set(LARGE) <= set(parts(name)[f"{matrix}.outliers"].tolist())
        assert f"{name}.out.outliers" not in parts(name)
    outer = parts("outer")
    head = "head" if "head.steps" in outer else "embedding"
    assert set(LARGE) <= set(outer[f"{head}.outliers"].tolist())


@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_rounding_loses_far_less_without_them(
    large: Path, precision: Precision, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = text(40)
    expected = plain(dequantised(large, precision), ids).log_softmax(-1)
    found, prepare = graph(large, precision, "none"), matrices.prepare

    def whole(bits: int, matrix: Matrix, outliers: torch.Tensor | None = None) -> Tensors:
        return prepare(bits, matrix)

    monkeypatch.setattr(matrices, "prepare", whole)
    kept, rounded = (
        divergence(expected, runtime.read(runtime.empty(), [ids])[1][0].log_softmax(-1))
        for runtime in (found, graph(large, precision, "none"))
    )
    assert kept < rounded / 2


def test_their_weights_are_as_they_were(large: Path) -> None:
    outer = graph(large, "int8")._parts("outer")
    name = "head" if "head.steps" in outer else "embedding"
    weights = load_file(large / "model.safetensors")
    table = next(
        weights[each]
        for each in ("lm_head.weight", "model.embed_tokens.weight", "transformer.wte.weight")
        if each in weights
    )
    assert torch.equal(outer[f"{name}.columns"], table[:, outer[f"{name}.outliers"]].T)
