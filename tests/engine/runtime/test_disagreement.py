"""Where a configuration and the weight files disagree, what the files hold decides."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from engine import runtime
from engine.errors import EngineError
from engine.interfaces import CausalRuntime, ModelFiles
from engine.messages import Continue, Done
from engine.runtime.generic import load_causal
from engine.runtime.masked import load_masked
from engine.runtime.packed.loading import load_packed
from engine.store import checkpoint
from engine.store.checkpoint import Broken
from engine.tasks import continuation
from tests.conftest import Tiny
from tests.engine.runtime.test_load import files
from tests.support.bundles import quiet
from tests.support.tiny import configure
from tests.support.wording import says
from tui.strings import worded

EMBEDDING = {"gpt2": "transformer.wte.weight", "llama": "model.embed_tokens.weight"}
OUTPUT = "lm_head.weight"


def _packed(folder: ModelFiles) -> CausalRuntime:
    model = load_packed(folder, "exact", quiet)
    assert model is not None
    return model


def _generic(folder: ModelFiles) -> CausalRuntime:
    return load_causal(folder, quiet)


Load = Callable[[ModelFiles], CausalRuntime]
both_ways = pytest.mark.parametrize("load", [_packed, _generic])


def _logits(model: CausalRuntime) -> torch.Tensor:
    return model.read(model.empty(), [[5, 7, 9]])[1][0]


@pytest.fixture
def model(request: pytest.FixtureRequest, tiny: Tiny, tmp_path: Path) -> Path:
    """A copy of a whole model, to be changed."""
    return Path(shutil.copytree(tiny(request.param), tmp_path / "model"))


def _change(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    held = load_file(folder / checkpoint.SINGLE)
    change(held)
    save_file(held, folder / checkpoint.SINGLE, metadata={"format": "pt"})


@both_ways
@pytest.mark.parametrize("holds", ["embedding", "output", "the same twice", "two"])
@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("model", ["gpt2", "llama"], indirect=True)
def test_the_output_layer_is_that_of_the_file(
    model: Path, tied: bool, holds: str, load: Load
) -> None:
    def change(held: dict[str, torch.Tensor]) -> None:
        name = next(name for name in EMBEDDING.values() if name in held)
        if holds != "embedding":
            held[OUTPUT] = held[name].flip(0) if holds == "two" else held[name].clone()
        if holds == "output":
            del held[name]

    _change(model, change)
    configure(model, tie_word_embeddings=tied)
    reference, info = transformers.AutoModelForCausalLM.from_pretrained(
        model, dtype=torch.float32, output_loading_info=True
    )
    if info["missing_keys"]:
        with pytest.raises(EngineError, check=says("lack")):
            load(files(model, "causal"))
        return
    with torch.inference_mode():
        wanted = reference(torch.tensor([[5, 7, 9]])).logits[0]
    torch.testing.assert_close(_logits(load(files(model, "causal"))), wanted)


@both_ways
@pytest.mark.parametrize(
    ("model", "facts"),
    [
        ("llama", {"vocab_size": 600}),
        ("llama", {"intermediate_size": 48}),
        ("llama", {"num_hidden_layers": 1}),
        ("llama", {"num_hidden_layers": 3}),
        ("llama", {"num_key_value_heads": 4}),
        ("llama", {"head_dim": 4}),
        ("llama", {"attention_bias": True}),
        ("gpt2", {"n_layer": 1}),
        ("gpt2", {"n_inner": 64}),
        ("gpt2", {"n_positions": 64}),
        ("gpt2", {"n_embd": 64}),
    ],
    indirect=["model"],
)
def test_sizes_that_are_not_those_of_the_files_are_refused(
    model: Path, facts: dict[str, object], load: Load
) -> None:
    configure(model, **facts)
    with pytest.raises(EngineError, check=says(r"lack|another shape|has no place for")):
        load(files(model, "causal"))


@both_ways
@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("llama", "model.layers.0.self_attn.q_proj.bias"),
        ("llama", "model.layers.1.self_attn.q_norm.weight"),
        ("llama", "model.norm.bias"),
        ("gpt2", "transformer.h.2.ln_1.weight"),
    ],
    indirect=["model"],
)
def test_tensors_that_would_be_passed_over_are_named(model: Path, name: str, load: Load) -> None:
    _change(model, lambda held: held.update({name: torch.ones(32)}))
    with pytest.raises(EngineError, check=says(f"no place for {name}")):
        load(files(model, "causal"))


@both_ways
@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("llama", "model.layers.0.self_attn.rotary_emb.inv_freq"),
        ("llama", "score.weight"),
        ("gpt2", "transformer.h.0.attn.bias"),
        ("gpt2", "transformer.h.0.attn.masked_bias"),
    ],
    indirect=["model"],
)
def test_constants_and_other_heads_do_no_harm(
    model: Path, name: str, load: Load, tiny: Tiny
) -> None:
    kind = "llama" if name.startswith(("model.", "score.")) else "gpt2"
    _change(model, lambda held: held.update({name: torch.ones(4)}))
    expected = _logits(load(files(tiny(kind), "causal")))
    torch.testing.assert_close(_logits(load(files(model, "causal"))), expected)


@pytest.mark.parametrize(
    ("model", "facts"),
    [
        ("bert", {"num_hidden_layers": 1}),
        ("bert", {"num_hidden_layers": 3}),
        ("bert", {"vocab_size": 5000}),
        ("distilbert", {"n_layers": 1}),
        ("roberta", {"intermediate_size": 48}),
        ("albert", {"embedding_size": 8}),
    ],
    indirect=["model"],
)
def test_an_encoder_of_other_sizes_is_refused(model: Path, facts: dict[str, object]) -> None:
    configure(model, **facts)
    with pytest.raises(EngineError, check=says(r"lack|another shape|has no place for")):
        load_masked(files(model, "masked"), quiet)


@pytest.mark.parametrize(
    ("model", "facts"),
    [
        ("gpt2", {"activation_function": "nosuch"}),
        ("gpt2", {"layer_norm_epsilon": "small"}),
        ("llama", {"hidden_act": "nosuch"}),
        ("llama", {"rope_parameters": {"rope_type": "nosuch", "rope_theta": 1.0}}),
        ("llama", {"rope_parameters": 3}),
        ("llama", {"eos_token_id": "</s>"}),
        ("gpt2", {"dtype": "float99"}),
        ("bert", {"hidden_act": "nosuch"}),
        ("bert", {"pad_token_id": 10**7}),
        ("roberta", {"pad_token_id": 10**7}),
        ("modernbert", {"layer_types": ["nosuch"] * 3}),
    ],
    indirect=["model"],
)
def test_what_libraries_fail_on_is_put_in_words(model: Path, facts: dict[str, object]) -> None:
    configure(model, **facts)
    found = checkpoint.read(model)
    with pytest.raises(EngineError) as caught:
        runtime.load(files(model, *found.heads), quiet)
    assert caught.value.event.kind == "broken_model"
    assert not re.search(r"\w(Error|Exception)\b", worded(caught.value.event.message))


@pytest.mark.parametrize("end", [-1, [-1], 2**70, 99_999])
@pytest.mark.parametrize("model", ["gpt2", "llama"], indirect=True)
def test_an_end_that_no_token_has_ends_nothing(model: Path, end: object) -> None:
    configure(model, eos_token_id=end)
    (model / "generation_config.json").unlink()
    loaded = runtime.load(files(model, "causal"), quiet)
    request = Continue(model="m", prompt="I play", max_tokens=3)
    last = list(continuation.run(loaded, request, 0.0))[-1]
    assert isinstance(last, Done)


@pytest.mark.parametrize("model", ["gpt2"], indirect=True)
def test_a_tokenizer_without_tokens_is_refused(model: Path) -> None:
    empty = {"model": {"type": "BPE", "vocab": {}, "merges": []}}
    (model / "tokenizer.json").write_text(json.dumps(empty))
    with pytest.raises(EngineError, check=says("its vocabulary is empty")):
        runtime.load(files(model, "causal"), quiet)


@pytest.mark.parametrize("model", ["gpt2", "llama"], indirect=True)
def test_a_decoder_with_neither_layer_has_no_head(model: Path) -> None:
    def change(held: dict[str, torch.Tensor]) -> None:
        for name in EMBEDDING.values():
            held.pop(name, None)

    _change(model, change)
    with pytest.raises(Broken, check=says("lack lm_head")):
        checkpoint.read(model)
