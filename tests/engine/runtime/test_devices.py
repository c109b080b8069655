"""What runtimes do with weights that are not on the CPU, tried without a GPU.

On PyTorch's meta device tensors have a place and a shape but no numbers, and an operation that
mixes them with tensors of the CPU is refused, as it would be on a GPU. `sound`, which brings
answers to the CPU, is replaced, because there is nothing to bring. For numbers see test_gpu.py.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
import torch
import transformers
from transformers import masking_utils

from engine.errors import EngineError
from engine.interfaces import CausalRuntime
from engine.machine.devices import full
from engine.messages import Device, Piece, Precision
from engine.runtime import generic, load, masked
from engine.runtime.generic import GenericRuntime
from engine.runtime.masked import load_masked
from engine.runtime.packed import decoder
from engine.runtime.packed.cache import SHARED_FROM
from engine.runtime.packed.decoder import PackedRuntime
from engine.runtime.packed.loading import load_packed
from engine.runtime.prefix_cache import CHUNK
from tests.conftest import Tiny
from tests.engine.runtime.test_load import files as files_with
from tests.support.bundles import files, quiet
from tests.support.families import FAMILIES, text
from tests.support.packed_models import VARIETIES
from tests.support.wording import says

META = cast(Device, "meta")

FULL = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("CUDA error: out of memory"),  # there is not even room for a context
    RuntimeError("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`"),
    RuntimeError("MPS backend out of memory (MPS allocated: 9.00 GB)"),
]
"""How PyTorch reports that a GPU is full."""

Saved = Callable[[str], Path]


@pytest.fixture(autouse=True)
def brought(monkeypatch: pytest.MonkeyPatch) -> list[torch.device]:
    """Where answers came from, which are zeros here."""
    seen: list[torch.device] = []

    def bring(logits: torch.Tensor) -> torch.Tensor:
        seen.append(logits.device)
        return torch.zeros(logits.shape)

    for module in (decoder, generic, masked):
        monkeypatch.setattr(module, "sound", bring)
    # transformers looks at numbers for a reason to leave a mask out, or to build another.
    for looks in (
        "_ignore_causal_mask_sdpa",
        "_ignore_bidirectional_mask_sdpa",
        "find_packed_sequence_indices",
    ):
        monkeypatch.setattr(masking_utils, looks, lambda *_, **__: None)
    return seen


def live(runtime: CausalRuntime) -> None:
    """Take a causal model through all it can do, with a prefix long enough to be shared."""
    row = runtime.empty()
    for start in range(0, SHARED_FROM, CHUNK):
        row = runtime.feed(row, [text(CHUNK, seed=start)])
    forks = runtime.select(row, [0, 0, 0])
    forks, logits = runtime.read(forks, [[1, 2], [3, 4], [5, 6]])
    assert logits.shape == (3, 2, runtime.vocabulary)
    forks = runtime.feed(runtime.select(forks, [2, 0]), [[7], [8]])
    assert forks.logits.is_cpu
    assert forks.logits.shape == (2, runtime.vocabulary)
    if runtime.reversible:
        forks = runtime.feed(runtime.crop(forks, SHARED_FROM + 1), [[7], [8]])
    assert runtime.states([[1, 2, 3], [4]]).shape[:2] == (2, 3)


@pytest.mark.parametrize("precision", ["exact", "bf16"])
@pytest.mark.parametrize("variety", VARIETIES)
def test_a_packed_model_stays_on_its_device(
    saved: Saved, brought: list[torch.device], variety: str, precision: Precision
) -> None:
    runtime = load_packed(files(saved(variety)), precision, quiet, META)
    assert isinstance(runtime, PackedRuntime)
    live(runtime)
    assert {device.type for device in brought} == {"meta"}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_generic_model_stays_on_its_device(brought: list[torch.device], family: str) -> None:
    model = FAMILIES[family]().eval().to("meta")
    assert isinstance(model, transformers.PreTrainedModel)
    runtime = GenericRuntime(model)
    row = runtime.feed(runtime.empty(), [[1, 2, 3]])
    forks = runtime.select(row, [0, 0])
    forks, logits = runtime.read(forks, [[1, 2], [3, 4]])
    assert logits.shape == (2, 2, runtime.vocabulary)
    assert runtime.states([[1, 2, 3], [4]]).shape[:2] == (2, 3)
    assert {device.type for device in brought} == {"meta"}


@pytest.mark.parametrize("kind", ["bert", "bert-mlm", "albert", "roberta"])
def test_an_encoder_stays_on_its_device(tiny: Tiny, brought: list[torch.device], kind: str) -> None:
    runtime = load_masked(files_with(tiny(kind), "masked"), quiet, META)
    row = [Piece(number, "", "") for number in (1, 2, 3)]
    assert runtime.mask_logits([row, row[:2]], [(0, 1), (1, 1)]).shape[0] == 2
    assert runtime.states([row, row[:2]]).shape[:2] == (2, 3)
    assert {device.type for device in brought} == {"meta"}


def test_a_next_sentence_head_stays_on_its_device(tiny: Tiny, brought: list[torch.device]) -> None:
    runtime = load_masked(files_with(tiny("bert"), "masked", "next_sentence"), quiet, META)
    row = [Piece(number, "", "") for number in (1, 2, 3)]
    assert runtime.next_sentence([row, row[:2]]).shape == (2, 2)
    assert {device.type for device in brought} == {"meta"}


@pytest.mark.parametrize(("precision", "place"), [("bf16", "meta"), ("int8", "cpu")])
def test_quantised_forms_stay_on_the_cpu(tiny: Tiny, precision: Precision, place: str) -> None:
    model = load(files_with(tiny("llama"), "causal"), quiet, precision, META)
    assert model.device == place


@pytest.mark.parametrize("error", FULL)
def test_a_device_that_is_full_is_reported_and_holds_nothing_of_what_was_tried(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    tried: list[weakref.ref[torch.Tensor]] = []

    def out_of_memory(*_: object) -> None:
        weights = torch.zeros(1)
        tried.append(weakref.ref(weights))
        raise error

    monkeypatch.setattr("engine.runtime.packed.loading.load_packed", out_of_memory)
    told = says("The free memory of meta is too little for")
    with pytest.raises(EngineError, check=told) as caught:
        load(files_with(tiny("llama"), "causal"), quiet, "exact", META)
    assert caught.value.event.kind == "too_big"
    assert tried[0]() is None


def test_memory_that_the_machine_lacks_is_not_blamed_on_a_device() -> None:
    assert full(MemoryError(), "a", "cpu") is None
    assert full(ValueError("a bad value"), "a", "cuda") is None
