"""Random models of many families, and the results of plain transformers with them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator
from typing import TypeVar

import torch
import transformers

from engine.interfaces import Branches, CausalRuntime
from engine.runtime.prefix_cache import PrefixCache

T = TypeVar("T")

PLAIN = {
    "vocab_size": 61,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 200,
    "initializer_range": 0.2,
}
SMALL = {**PLAIN, "intermediate_size": 48, "num_key_value_heads": 2, "pad_token_id": 0}
WINDOW = {"sliding_window": 8, "head_dim": 8}

FAMILIES: dict[str, Callable[[], transformers.PreTrainedModel]] = {
    "gpt2": lambda: transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=61, n_positions=200, n_embd=32, n_layer=2, n_head=4, initializer_range=0.2
        )
    ),
    "llama": lambda: transformers.LlamaForCausalLM(transformers.LlamaConfig(**SMALL)),
    "qwen2": lambda: transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**SMALL)),
    "mistral, sliding window": lambda: transformers.MistralForCausalLM(
        transformers.MistralConfig(**SMALL, **WINDOW)
    ),
    "gemma3, sliding and full": lambda: transformers.Gemma3ForCausalLM(
        transformers.Gemma3TextConfig(
            **SMALL, **WINDOW, layer_types=["sliding_attention", "full_attention"]
        )
    ),
    "opt": lambda: transformers.OPTForCausalLM(
        transformers.OPTConfig(
            vocab_size=61,
            hidden_size=32,
            ffn_dim=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=200,
            word_embed_proj_dim=32,
            init_std=0.2,
        )
    ),
    "bloom": lambda: transformers.BloomForCausalLM(
        transformers.BloomConfig(
            vocab_size=61, hidden_size=32, n_layer=2, n_head=4, initializer_range=0.2
        )
    ),
    "gpt-neox": lambda: transformers.GPTNeoXForCausalLM(
        transformers.GPTNeoXConfig(
            **{name: value for name, value in SMALL.items() if name != "num_key_value_heads"}
        )
    ),
    "gpt-neo, local": lambda: transformers.GPTNeoForCausalLM(
        transformers.GPTNeoConfig(
            vocab_size=61,
            hidden_size=32,
            num_layers=2,
            num_heads=4,
            attention_types=[[["global", "local"], 1]],
            window_size=8,
            max_position_embeddings=200,
            initializer_range=0.2,
        )
    ),
    "gpt-j": lambda: transformers.GPTJForCausalLM(
        transformers.GPTJConfig(
            vocab_size=61,
            n_positions=200,
            n_embd=32,
            n_layer=2,
            n_head=4,
            rotary_dim=4,
            initializer_range=0.2,
        )
    ),
    "mpt": lambda: transformers.MptForCausalLM(
        transformers.MptConfig(
            vocab_size=61, d_model=32, n_layers=2, n_heads=4, max_seq_len=200, init_std=0.2
        )
    ),
    "falcon, alibi": lambda: transformers.FalconForCausalLM(
        transformers.FalconConfig(**PLAIN, alibi=True)
    ),
    "xglm": lambda: transformers.XGLMForCausalLM(
        transformers.XGLMConfig(
            vocab_size=61,
            d_model=32,
            ffn_dim=48,
            num_layers=2,
            attention_heads=4,
            max_position_embeddings=200,
            init_std=0.2,
        )
    ),
    "biogpt": lambda: transformers.BioGptForCausalLM(
        transformers.BioGptConfig(**PLAIN, intermediate_size=48)
    ),
    "gemma2, sliding and full": lambda: transformers.Gemma2ForCausalLM(
        transformers.Gemma2Config(**SMALL, **WINDOW)
    ),
    "stablelm, yarn": lambda: transformers.StableLmForCausalLM(
        transformers.StableLmConfig(
            **SMALL,
            rope_parameters={
                "rope_type": "yarn",
                "rope_theta": 10000.0,
                "partial_rotary_factor": 0.5,
                "factor": 4.0,
                "original_max_position_embeddings": 50,
            },
        )
    ),
    "lfm2, recurrent and full": lambda: transformers.Lfm2ForCausalLM(
        transformers.Lfm2Config(**SMALL, layer_types=["conv", "full_attention"])
    ),
}
BORDER = 13
"""Tokens beyond which these read a text otherwise."""

DYNAMIC = {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 4.0}

BORDERED: dict[str, Callable[[], transformers.PreTrainedModel]] = {
    "phi3, longrope": lambda: transformers.Phi3ForCausalLM(
        transformers.Phi3Config(
            **SMALL,
            original_max_position_embeddings=BORDER,
            rope_parameters={
                "rope_type": "longrope",
                "rope_theta": 10000.0,
                "short_factor": [1.0, 1.1, 1.2, 1.3],
                "long_factor": [3.0, 5.0, 7.0, 9.0],
                "original_max_position_embeddings": BORDER,
            },
        )
    ),
    "llama, dynamic": lambda: transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            **{**SMALL, "max_position_embeddings": BORDER}, rope_parameters=DYNAMIC
        )
    ),
    "gpt-neox, dynamic": lambda: transformers.GPTNeoXForCausalLM(
        transformers.GPTNeoXConfig(
            **{**PLAIN, "max_position_embeddings": BORDER},
            intermediate_size=48,
            rope_parameters={**DYNAMIC, "partial_rotary_factor": 1.0},
        )
    ),
    "gemma3, dynamic in its full layers": lambda: transformers.Gemma3ForCausalLM(
        transformers.Gemma3TextConfig(
            **{**SMALL, "max_position_embeddings": BORDER},
            **WINDOW,
            layer_types=["sliding_attention", "full_attention"],
            rope_parameters={
                "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
                "full_attention": DYNAMIC,
            },
        )
    ),
}


def build(family: str) -> transformers.PreTrainedModel:
    torch.manual_seed(1)
    return {**FAMILIES, **BORDERED}[family]().eval()


def plain(model: transformers.PreTrainedModel, ids: list[int]) -> torch.Tensor:
    """float32 [len(ids), vocabulary] of one forward over everything, with no cache.

    By a model that has read nothing before, where it remembers how long that was.
    """
    with torch.inference_mode():
        remembers = "dynamic" in str(getattr(model.config, "rope_parameters", ""))
        fresh = copy.deepcopy(model) if remembers else model
        logits: torch.Tensor = fresh(torch.tensor([ids]), use_cache=False).logits[0]
        return logits


def text(length: int, seed: int = 0) -> list[int]:
    generator = torch.Generator().manual_seed(seed)
    ids: list[int] = torch.randint(1, 61, (length,), generator=generator).tolist()
    return ids


def finish(steps: Generator[object, None, T]) -> tuple[T, int]:
    """Drain a generator; return what it returned and how often it yielded."""
    yields = 0
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            returned: T = stop.value
            return returned, yields
        yields += 1


def prefilled(runtime: CausalRuntime, ids: list[int]) -> tuple[Branches, int]:
    """One row that holds these ids, and how often feeding them yielded."""
    return finish(PrefixCache(runtime).prefill(ids))


def close(found: torch.Tensor, expected: torch.Tensor) -> bool:
    return torch.allclose(found, expected, atol=1e-4, rtol=0)


def divergence(expected: torch.Tensor, found: torch.Tensor) -> float:
    """The mean Kullback-Leibler divergence in nats, of log-probabilities [places, vocabulary]."""
    return float((expected.exp() * (expected - found)).sum(-1).mean())
