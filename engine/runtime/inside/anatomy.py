"""Where each family keeps its layers: names of modules below transformers' base model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Names:
    """The modules of one family."""

    layers: str
    """The list of layers."""
    norm: str = ""
    """The last norm, after all layers; "" where each layer ends with its own."""
    projection: str = ""
    """In a layer: what turns the outputs of all heads into what is added."""
    mlp: str = ""
    """In a layer: what is added after attention."""

    @property
    def adds(self) -> bool:
        """Whether a layer adds its parts to what it was given, without a norm after them."""
        return bool(self.norm and self.projection and self.mlp)


_GPT2 = Names("h", "ln_f", "attn.c_proj", "mlp")
_LLAMA = Names("layers", "norm", "self_attn.o_proj", "mlp")
_BERT = Names("encoder.layer")

NAMES: Mapping[str, Names] = {
    "gpt2": _GPT2,
    "gpt_bigcode": _GPT2,
    "gptj": Names("h", "ln_f", "attn.out_proj", "mlp"),
    "gpt_neo": Names("h", "ln_f", "attn.attention.out_proj", "mlp"),
    "codegen": Names("h", "ln_f", "attn.out_proj", "mlp"),
    "gpt_neox": Names("layers", "final_layer_norm", "attention.dense", "mlp"),
    "phi": Names("layers", "final_layernorm", "self_attn.dense", "mlp"),
    "llama": _LLAMA,
    "mistral": _LLAMA,
    "mixtral": _LLAMA,
    "qwen2": _LLAMA,
    "qwen3": _LLAMA,
    "phi3": _LLAMA,
    "stablelm": _LLAMA,
    "starcoder2": _LLAMA,
    "olmo": _LLAMA,
    "smollm3": _LLAMA,
    "gemma3_text": Names("layers", "norm"),
    "bert": _BERT,
    "roberta": _BERT,
    "xlm-roberta": _BERT,
    "camembert": _BERT,
    "electra": _BERT,
    "ernie": _BERT,
    "distilbert": Names("transformer.layer"),
    "albert": Names("encoder.albert_layer_groups"),
    "modernbert": Names("layers", "final_norm"),
}
"""By model type. Families that are not listed show tokens, tensors and attention alone."""
