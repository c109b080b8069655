"""Quantised forms are made once, and made anew when anything about them has changed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine import runtime
from engine.interfaces import ModelFiles
from engine.messages import Distance, FloatInputs, Precision
from engine.runtime.graph import matrices
from engine.runtime.graph.decoder import GraphRuntime
from engine.runtime.graph.loading import load_graph
from engine.store import distances
from engine.store.store import Store
from tests.support.bundles import kept, quiet
from tests.support.families import text

Saved = Callable[[str], Path]

CONTINUED = """
import sys
from pathlib import Path
from engine import runtime
from engine.messages import Continue, Sampling, Token
from engine.store.store import Store
from engine.tasks import continuation

files = Store(Path(sys.argv[1])).find("starter-ja")
model = runtime.load(files, lambda stage, percent: None, sys.argv[2])
request = Continue(model=files.id, prompt="東京", sampling=Sampling(), max_tokens=1)
events = list(continuation.run(model, request, 0.0))
print(any(isinstance(event, Token) for event in events), "transformers" in sys.modules)
"""


def load(model: ModelFiles, precision: Precision) -> GraphRuntime:
    runtime = load_graph(model, precision, quiet)
    assert runtime is not None
    return runtime


def logits(model: ModelFiles, precision: Precision) -> torch.Tensor:
    runtime = load(model, precision)
    return runtime.read(runtime.empty(), [text(12)])[1]


@pytest.mark.parametrize("precision", ["int8", "int4"])
@pytest.mark.parametrize(
    "variety", ["gpt2", "llama, tied, biased, all heads alike", "llama, yarn", "qwen3", "gemma3"]
)
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
        raise AssertionError("made again")

    monkeypatch.setattr(matrices, "prepare", never)
    assert torch.equal(logits(model, precision), first)


@pytest.mark.parametrize("harm", ["cut short", "no file of ours", "of another version", "absent"])
def test_what_cannot_be_used_is_made_anew(saved: Saved, tmp_path: Path, harm: str) -> None:
    model = kept(saved("llama"), tmp_path)
    first = logits(model, "int4")
    assert model.derived is not None
    (file,) = model.derived.glob("*.safetensors")
    whole = file.read_bytes()
    tensors = {name: tensor.clone() for name, tensor in load_file(file).items()}
    file.unlink()
    if harm == "cut short":
        file.write_bytes(whole[: len(whole) // 2])
    elif harm == "no file of ours":
        file.write_bytes(b"nothing")
    elif harm == "of another version":
        save_file(tensors, file, metadata={"version": "1", "torch": "2", "processor": "AVX2"})
    assert torch.equal(logits(model, "int4"), first)
    again = load_file(file)  # kept anew
    assert all(torch.equal(again[name], tensor) for name, tensor in tensors.items())


def test_a_store_that_cannot_be_written_is_no_hindrance(saved: Saved, tmp_path: Path) -> None:
    (tmp_path / "derived").write_text("a file where a folder should be")
    assert logits(kept(saved("llama"), tmp_path), "int4").isfinite().all()


@pytest.mark.parametrize("floats", distances.FLOAT_INPUTS)
def test_it_runs_as_it_was_measured(saved: Saved, tmp_path: Path, floats: FloatInputs) -> None:
    model = kept(saved("llama"), tmp_path)
    assert load(model, "int4").floats == distances.UNMEASURED
    figures = {"kl": 1e-3, "top1": 0.98, "perplexity": 20.0, "tokens": 1200}
    distances.write(model, [Distance(precision="int4", float_inputs=floats, **figures)])  # type: ignore[arg-type]
    assert load(model, "int4").floats == floats
    assert load(model, "int8").floats == distances.UNMEASURED


@pytest.mark.parametrize("precision", ["exact", "bf16", "int4"])
def test_a_model_that_was_loaded_before_answers_without_transformers(
    tmp_path: Path, precision: Precision
) -> None:
    """To import it takes longer than all else before the first token."""
    runtime.load(Store(tmp_path).find("starter-ja"), quiet, precision)
    call = [sys.executable, "-P", "-c", CONTINUED, str(tmp_path), precision]
    ran = subprocess.run(call, capture_output=True, text=True, check=False)
    assert ran.stdout.split() == ["True", "False"], ran.stderr
