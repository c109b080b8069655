"""Random models of the packed families in their varieties, saved as checkpoints are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
import transformers

from engine.messages import Precision
from engine.runtime.packed.decoder import PackedRuntime
from engine.runtime.packed.loading import load_packed
from tests.support.bundles import files, quiet

SIZES = {
    "vocab_size": 67,  # no multiple of anything that a kernel likes
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 700,
    "initializer_range": 0.1,
}
GPT2 = {"vocab_size": 67, "n_positions": 700, "n_embd": 64, "n_layer": 2, "n_head": 4}


def _gpt2(**more: object) -> transformers.PreTrainedModel:
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(**GPT2, **more))


def _llama(**more: object) -> transformers.PreTrainedModel:
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(**{**SIZES, **more}))


def _qwen2(**more: object) -> transformers.PreTrainedModel:
    return transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**SIZES, **more))


def _mistral(window: int | None) -> transformers.PreTrainedModel:
    return transformers.MistralForCausalLM(
        transformers.MistralConfig(**SIZES, sliding_window=window)
    )


def gemma3(**more: object) -> transformers.PreTrainedModel:
    """With a scale, a window and layers that are not what they would be elsewhere."""
    own = {"head_dim": 32, "query_pre_attn_scalar": 24, "sliding_window": 16}
    types = {"layer_types": ["sliding_attention", "full_attention"]}
    return transformers.Gemma3ForCausalLM(
        transformers.Gemma3TextConfig(**{**SIZES, **own, **types, **more})
    )


def _rope(kind: str, **more: object) -> dict[str, object]:
    return {"rope_parameters": {"rope_type": kind, "rope_theta": 10000.0, **more}}


VARIETIES: dict[str, Callable[[], transformers.PreTrainedModel]] = {
    "gpt2": _gpt2,
    "gpt2, relu, own head, narrow": lambda: _gpt2(
        activation_function="relu", tie_word_embeddings=False, n_inner=80
    ),
    "llama": _llama,
    "llama, tied, biased, all heads alike": lambda: _llama(
        tie_word_embeddings=True, attention_bias=True, mlp_bias=True, num_key_value_heads=4
    ),
    "llama, wide heads, gelu": lambda: _llama(head_dim=32, hidden_act="gelu"),
    "llama 3": lambda: _llama(
        **_rope(
            "llama3",
            factor=4.0,
            low_freq_factor=1.0,
            high_freq_factor=4.0,
            original_max_position_embeddings=128,
        )
    ),
    "llama, linear": lambda: _llama(**_rope("linear", factor=2.0)),
    "llama, yarn": lambda: _llama(
        **_rope("yarn", factor=4.0, original_max_position_embeddings=128)
    ),
    "qwen2": _qwen2,
    "qwen2, window in one layer": lambda: _qwen2(
        use_sliding_window=True, sliding_window=16, max_window_layers=1
    ),
    "qwen3": lambda: transformers.Qwen3ForCausalLM(transformers.Qwen3Config(**SIZES, head_dim=32)),
    "mistral": lambda: _mistral(None),
    "mistral, window": lambda: _mistral(16),
    "gemma3": gemma3,
    "gemma3, wide window, linear, biased, own head": lambda: gemma3(
        sliding_window=300,
        attention_bias=True,
        tie_word_embeddings=False,
        rope_parameters={
            "sliding_attention": {"rope_type": "default", "rope_theta": 100.0},
            "full_attention": {"rope_type": "linear", "rope_theta": 10000.0, "factor": 8.0},
        },
    ),
}

SCORED = ["llama", "gemma3", "gemma3, wide window, linear, biased, own head"]
"""Read by all, by windows that are shorter than what texts share, and that end in it."""

ODD: dict[str, Callable[[], transformers.PreTrainedModel]] = {
    "gpt2, scaled by layer": lambda: _gpt2(scale_attn_by_inverse_layer_idx=True),
    "gpt2, unscaled": lambda: _gpt2(scale_attn_weights=False),
    "gpt2, tanh": lambda: _gpt2(activation_function="tanh"),
    "llama, dynamic": lambda: _llama(**_rope("dynamic", factor=2.0)),
    "llama, longrope": lambda: _llama(
        **_rope(
            "longrope",
            factor=4.0,
            short_factor=[1.0] * 8,
            long_factor=[4.0] * 8,
            original_max_position_embeddings=128,
        )
    ),
    "mistral, window of nothing": lambda: _mistral(0),
    "gemma3, both ways": lambda: gemma3(use_bidirectional_attention=True),
    "gemma3, capped": lambda: gemma3(final_logit_softcapping=3.0),
    "gemma3, dynamic in its full layers": lambda: gemma3(
        rope_parameters={
            "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
            "full_attention": {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 2.0},
        }
    ),
    "opt": lambda: transformers.OPTForCausalLM(
        transformers.OPTConfig(
            vocab_size=67, hidden_size=32, ffn_dim=48, num_hidden_layers=1, num_attention_heads=4
        )
    ),
}


def save(build: Callable[[], transformers.PreTrainedModel], folder: Path) -> None:
    """Save a seeded model with biases and gains that are not all alike."""
    torch.manual_seed(3)
    model = build().eval().requires_grad_(False)
    for name, parameter in model.named_parameters():
        if parameter.dim() == 1:
            parameter.add_(0.1 * torch.randn_like(parameter))
        elif "proj" in name or "c_" in name:
            parameter.mul_(2)
    model.save_pretrained(folder)


def plain(folder: Path) -> transformers.PreTrainedModel:
    """The same model as transformers loads it, in fp32."""
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def packed(folder: Path, precision: Precision = "exact") -> PackedRuntime:
    runtime = load_packed(files(folder), precision, quiet)
    assert runtime is not None
    return runtime
