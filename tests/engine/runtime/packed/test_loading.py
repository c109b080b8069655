"""Folders that the packed loader reads, and those that it refuses."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.errors import EngineError
from tests.support.bundles import files
from tests.support.families import close, text
from tests.support.families import plain as forward
from tests.support.packed_models import packed, plain
from tui.strings import worded

Saved = Callable[[str], Path]


def copied(folder: Path, target: Path) -> Path:
    shutil.copytree(folder, target)
    return target


@pytest.mark.parametrize("variety", ["gpt2", "llama"])
def test_names_may_lack_the_root(saved: Saved, tmp_path: Path, variety: str) -> None:
    folder = copied(saved(variety), tmp_path / "bare")
    weights = load_file(folder / "model.safetensors")
    bare = {
        name.split(".", 1)[1] if not name.startswith("lm_head") else name: tensor
        for name, tensor in weights.items()
    }
    save_file(bare, folder / "model.safetensors", metadata={"format": "pt"})
    assert_same(folder, saved(variety))


def test_shards_are_read(saved: Saved, tmp_path: Path) -> None:
    folder = copied(saved("llama"), tmp_path / "sharded")
    (folder / "model.safetensors").unlink()
    plain(saved("llama")).save_pretrained(folder, max_shard_size="100KB")
    assert len(list(folder.glob("*.safetensors"))) > 1
    assert_same(folder, saved("llama"))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_runs_in_single(saved: Saved, tmp_path: Path, dtype: torch.dtype) -> None:
    folder = copied(saved("llama"), tmp_path / "half")
    weights = load_file(folder / "model.safetensors")
    halves = {name: tensor.to(dtype) for name, tensor in weights.items()}
    save_file(halves, folder / "model.safetensors", metadata={"format": "pt"})
    assert_same(folder, folder)


def assert_same(folder: Path, reference: Path) -> None:
    runtime = packed(folder)
    ids = text(20)
    _, logits = runtime.read(runtime.empty(), [ids])
    assert logits.dtype == torch.float32
    assert close(logits[0], forward(plain(reference), ids))


@pytest.mark.parametrize(
    ("variety", "name"),
    [("gpt2", "transformer.h.1.mlp.c_fc.bias"), ("llama", "lm_head.weight")],
)
def test_missing_tensors_are_refused_by_name(
    saved: Saved, tmp_path: Path, variety: str, name: str
) -> None:
    folder = copied(saved(variety), tmp_path / "beheaded")
    weights = load_file(folder / "model.safetensors")
    del weights[name]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert_refused(folder, name)


def test_tensors_of_another_shape_are_refused_by_name(saved: Saved, tmp_path: Path) -> None:
    folder = copied(saved("gpt2"), tmp_path / "misshapen")
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(config.replace('"n_positions": 700', '"n_positions": 701'))
    assert_refused(folder, "transformer.wpe.weight")


@pytest.mark.parametrize("harm", ["cut short", "no weights", "not JSON", "no number"])
def test_broken_files_are_a_broken_model(saved: Saved, tmp_path: Path, harm: str) -> None:
    folder = copied(saved("gpt2"), tmp_path / "broken")
    weights, config = folder / "model.safetensors", folder / "config.json"
    if harm == "cut short":
        weights.write_bytes(weights.read_bytes()[:1000])
    elif harm == "no weights":
        weights.unlink()
    elif harm == "not JSON":
        config.write_text("{")
    else:
        config.write_text(config.read_text().replace('"n_embd": 64', '"n_embd": "many"'))
    assert_refused(folder, "cannot be loaded")


def assert_refused(folder: Path, what: str) -> None:
    with pytest.raises(EngineError) as caught:
        packed(folder)
    assert caught.value.event.kind == "broken_model"
    assert what in worded(caught.value.event.message)
    assert worded(caught.value.event.hint)


def test_the_bytes_are_those_of_the_weights(saved: Saved) -> None:
    weights = load_file(saved("llama") / "model.safetensors")
    matrices = sum(tensor.nbytes for tensor in weights.values() if tensor.dim() == 2)
    assert packed(saved("llama")).bytes == matrices
    assert files(saved("llama")).folder == saved("llama")
