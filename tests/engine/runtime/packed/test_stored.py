"""Quantised forms are packed once, and packed anew when anything about them has changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from engine.interfaces import ModelFiles
from engine.messages import Precision
from engine.runtime.packed import linear, stored
from engine.runtime.packed.loading import load_packed
from engine.store import artifacts
from tests.support.bundles import files, quiet
from tests.support.families import text

Saved = Callable[[str], Path]


def kept(folder: Path, root: Path) -> ModelFiles:
    return dataclasses.replace(files(folder), derived=artifacts.place(root, folder))


def logits(model: ModelFiles, precision: Precision) -> torch.Tensor:
    runtime = load_packed(model, precision, quiet)
    assert runtime is not None
    return runtime.read(runtime.empty(), [text(12)])[1]


@pytest.mark.parametrize("precision", ["int8", "int4"])
@pytest.mark.parametrize("variety", ["gpt2", "llama, tied, biased, all heads alike", "qwen3"])
def test_a_kept_form_is_the_same_form(
    saved: Saved,
    tmp_path: Path,
    variety: str,
    precision: Precision,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = kept(saved(variety), tmp_path)
    first = logits(model, precision)

    def never(*args: object) -> None:
        raise AssertionError("packed again")

    monkeypatch.setattr(linear, "quantise", never)
    assert torch.equal(logits(model, precision), first)


@pytest.mark.parametrize("precision", ["exact", "bf16"])
def test_plain_copies_are_not_kept(saved: Saved, tmp_path: Path, precision: Precision) -> None:
    logits(kept(saved("llama"), tmp_path), precision)
    assert not (tmp_path / "derived").exists()


@pytest.mark.parametrize("harm", ["cut short", "no file of ours", "another torch"])
def test_what_cannot_be_used_is_packed_anew(
    saved: Saved, tmp_path: Path, harm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = kept(saved("llama"), tmp_path)
    first = logits(model, "int4")
    assert model.derived is not None
    (file,) = model.derived.glob("*.safetensors")
    whole = file.read_bytes()
    tensors = {name: tensor.clone() for name, tensor in load_file(file).items()}
    if harm == "cut short":
        file.write_bytes(whole[: len(whole) // 2])
    elif harm == "no file of ours":
        file.write_bytes(b"nothing")
    else:
        monkeypatch.setattr(stored, "VERSION", 0)
    assert torch.equal(logits(model, "int4"), first)
    again = load_file(file)  # kept anew
    assert all(torch.equal(again[name], tensor) for name, tensor in tensors.items())


def test_a_store_that_cannot_be_written_is_no_hindrance(saved: Saved, tmp_path: Path) -> None:
    (tmp_path / "derived").write_text("a file where a folder should be")
    assert logits(kept(saved("llama"), tmp_path), "int4").isfinite().all()
