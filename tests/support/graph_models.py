"""The random models of the packed families in a quantised form, and what they are compared with."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import torch
import transformers

from engine.messages import FloatInputs, Precision
from engine.runtime.graph import matrices
from engine.runtime.graph.decoder import GraphRuntime
from engine.runtime.graph.loading import load_graph
from engine.runtime.graph.matrices import GROUP, Tensors
from engine.runtime.packed.weights import Matrix
from tests.support.bundles import files, quiet
from tests.support.packed_models import VARIETIES, gemma3, plain

SMALL_HEADS = {"hidden_size": 40, "intermediate_size": 50, "num_hidden_layers": 1}

SHAPES: dict[str, Callable[[], transformers.PreTrainedModel]] = {
    **VARIETIES,
    "llama, heads of 10, widths of no whole groups": lambda: transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=67, num_attention_heads=4, num_key_value_heads=2, **SMALL_HEADS
        )
    ),
    "qwen3, heads of 8": lambda: transformers.Qwen3ForCausalLM(
        transformers.Qwen3Config(
            vocab_size=67, num_attention_heads=4, num_key_value_heads=1, head_dim=8, **SMALL_HEADS
        )
    ),
    "gemma3, heads of 10 that share keys": lambda: gemma3(
        hidden_size=40,
        intermediate_size=50,
        num_hidden_layers=3,
        num_key_value_heads=1,
        head_dim=10,
        sliding_window=7,
        layer_types=["full_attention", "sliding_attention", "sliding_attention"],
    ),
    "gpt2, heads of 5": lambda: transformers.GPT2LMHeadModel(
        transformers.GPT2Config(vocab_size=67, n_positions=700, n_embd=40, n_layer=1, n_head=8)
    ),
}
"""With those whose heads and widths the kernels would not take as they are."""


def graph(folder: Path, precision: Precision, floats: FloatInputs = "layers") -> GraphRuntime:
    runtime = load_graph(files(folder), precision, quiet)
    assert runtime is not None
    return runtime.with_floats(floats)


_PART = {
    **dict.fromkeys(("q_proj", "k_proj", "v_proj", "c_attn"), "qkv"),
    **dict.fromkeys(("gate_proj", "up_proj", "c_fc"), "up"),
    **dict.fromkeys(("embed_tokens", "wte"), "embedding"),
    "lm_head": "head",
}
"""What a module of transformers is a part of, if channels of that may stay floats."""


def dequantised(folder: Path, precision: Precision) -> transformers.PreTrainedModel:
    """transformers' class with the weights that a form rounds to: what it should compute."""
    model, parts = plain(folder), graph(folder, precision)._parts
    tables = {model.get_input_embeddings(), model.get_output_embeddings()}
    with torch.inference_mode():
        for name, module in model.named_modules():
            weight = getattr(module, "weight", None)
            if weight is None or weight.dim() != 2 or weight.shape[0] == 700:
                continue  # a gain, or GPT-2's positions
            bits = 8 if precision == "int8" or module in tables else 4
            across = isinstance(module, transformers.pytorch_utils.Conv1D)
            weight = weight.T if across else weight
            rounded = numbers(matrices.prepare(bits, Matrix(weight)))[:, : weight.shape[1]]
            number = re.search(r"\.(\d+)\.", name)
            own = parts("outer" if number is None else f"layer {number[1]}")
            part = _PART.get(name.rpartition(".")[2])
            if part == "head" and "head.steps" not in own:
                continue  # the embedding
            outliers = own.get(f"{part}.outliers")
            if outliers is not None:
                rounded[:, outliers] = weight[:, outliers]
            weight.copy_(rounded)
    return model


def numbers(parts: Tensors) -> torch.Tensor:
    """The weights that the parts of a matrix mean: float32 [out, in], filled up."""
    steps, scales = parts["steps"], parts["scales"][..., None]
    if steps.shape[-1] == GROUP:
        return ((steps.float() - 128) * scales).flatten(1)
    apart = torch.stack([steps & 15, steps >> 4], -1).flatten(-2).float()
    weights = (apart - 8) * scales
    return (weights + parts["offsets"].T[..., None] if "offsets" in parts else weights).flatten(1)
