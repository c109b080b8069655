"""What a model can do, by its configuration and the headers of its weight files.

A head exists only if its tensors are in a file: transformers fills missing heads with random
numbers and merely warns. Nothing here loads weights or imports torch, so that listing models is
quick. The tensor names are those of transformers' classes; `tests/engine/store/test_heads.py`
compares these tables with the library.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.messages import Head, Role

Config = Mapping[str, object]
Shapes = Mapping[str, tuple[int, ...]]
"""Shapes by tensor name, as in the files."""

FP32 = 4
"""Bytes per weight in memory, whatever the file stores."""


@dataclass(frozen=True)
class Causal:
    """Where a decoder family keeps its output layer."""

    output: str
    embedding: str
    """Suffix of the input embedding, which is also the output layer where `tied`."""
    tied: bool
    """transformers' default, if the configuration does not specify it."""


_GPT2 = Causal("lm_head.weight", "wte.weight", tied=True)
_LLAMA = Causal("lm_head.weight", "embed_tokens.weight", tied=False)
_LLAMA_TIED = Causal("lm_head.weight", "embed_tokens.weight", tied=True)
_NEOX = Causal("embed_out.weight", "embed_in.weight", tied=False)

CAUSAL: Mapping[str, Causal] = {
    "gpt2": _GPT2,
    "gpt_bigcode": _GPT2,
    "gpt_neo": _GPT2,
    "gptj": Causal("lm_head.weight", "wte.weight", tied=False),
    "codegen": Causal("lm_head.weight", "wte.weight", tied=False),
    "mpt": Causal("lm_head.weight", "wte.weight", tied=True),
    "bloom": Causal("lm_head.weight", "word_embeddings.weight", tied=True),
    "falcon": Causal("lm_head.weight", "word_embeddings.weight", tied=True),
    "gpt_neox": _NEOX,
    "gpt_neox_japanese": Causal("embed_out.weight", "embed_in.weight", tied=True),
    "opt": _LLAMA_TIED,
    "xglm": _LLAMA_TIED,
    "biogpt": Causal("output_projection.weight", "embed_tokens.weight", tied=True),
    "llama": _LLAMA,
    "mistral": _LLAMA,
    "mixtral": _LLAMA,
    "qwen2": _LLAMA,
    "qwen3": _LLAMA,
    "phi": _LLAMA,
    "phi3": _LLAMA,
    "stablelm": _LLAMA,
    "starcoder2": _LLAMA_TIED,
    "olmo": _LLAMA,
    "olmo2": _LLAMA,
    "granite": _LLAMA,
    "cohere": _LLAMA_TIED,
    "gemma": _LLAMA_TIED,
    "gemma2": _LLAMA_TIED,
    "gemma3_text": _LLAMA_TIED,
    "smollm3": _LLAMA_TIED,
}


@dataclass(frozen=True)
class Masked:
    """The parts of a masked-LM head that an encoder family keeps beside its embedding."""

    own: tuple[str, ...]
    bias: tuple[str, ...]
    """Possible names of the output bias; one is enough."""
    output: str
    """The output layer, tied to the embedding by default."""
    embedding: str = "word_embeddings.weight"
    tied: bool = True


def _norm(prefix: str) -> tuple[str, str]:
    return f"{prefix}.weight", f"{prefix}.bias"


_BERT = Masked(
    own=(
        *_norm("cls.predictions.transform.dense"),
        *_norm("cls.predictions.transform.LayerNorm"),
    ),
    bias=("cls.predictions.bias", "cls.predictions.decoder.bias"),
    output="cls.predictions.decoder.weight",
)
_ROBERTA = Masked(
    own=(*_norm("lm_head.dense"), *_norm("lm_head.layer_norm")),
    bias=("lm_head.bias", "lm_head.decoder.bias"),
    output="lm_head.decoder.weight",
)

MASKED: Mapping[str, Masked] = {
    "bert": _BERT,
    "ernie": _BERT,
    "megatron-bert": _BERT,
    "deberta": _BERT,
    "deberta-v2": _BERT,
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,
    "camembert": _ROBERTA,
    "mpnet": _ROBERTA,
    "albert": Masked(
        own=(*_norm("predictions.dense"), *_norm("predictions.LayerNorm")),
        bias=("predictions.bias", "predictions.decoder.bias"),
        output="predictions.decoder.weight",
    ),
    "distilbert": Masked(
        own=(*_norm("vocab_transform"), *_norm("vocab_layer_norm")),
        bias=("vocab_projector.bias",),
        output="vocab_projector.weight",
    ),
    "electra": Masked(
        own=(
            *_norm("generator_predictions.dense"),
            *_norm("generator_predictions.LayerNorm"),
        ),
        bias=("generator_lm_head.bias",),
        output="generator_lm_head.weight",
    ),
    "modernbert": Masked(
        own=("head.dense.weight", "head.norm.weight"),
        bias=("decoder.bias",),
        output="decoder.weight",
        embedding="tok_embeddings.weight",
    ),
}

NEXT_SENTENCE: Mapping[str, tuple[str, ...]] = {
    "bert": (*_norm("cls.seq_relationship"), *_norm("pooler.dense")),
}
SENTENCE_ORDER: Mapping[str, tuple[str, ...]] = {
    "albert": (*_norm("sop_classifier.classifier"), *_norm("pooler")),
}
"""The sentence-order head, which is not a next-sentence head. The common checkpoint of ALBERT has
the pooler without the head."""

BUFFERS = (
    ".attn.bias",
    ".attention.bias",
    ".masked_bias",
    ".causal_mask",
    "position_ids",
    "rotary_emb.inv_freq",
)
"""Constants in old checkpoints, which transformers ignores and computes itself."""


def supported(model_type: str) -> bool:
    """Whether heads of this model type can be recognised."""
    return model_type in CAUSAL or model_type in MASKED


def looks_ahead(config: Config) -> bool:
    """Whether a decoder attends to later tokens too, as some that give embeddings do."""
    ahead = config.get("use_bidirectional_attention") or not config.get("is_causal", True)
    return bool(ahead) and config.get("model_type") in CAUSAL


def find(config: Config, shapes: Shapes) -> frozenset[Head]:
    """The heads whose tensors are all in the files.

    Args:
        config: the model's config.json.
        shapes: all tensors of its weight files.
    """
    model_type = str(config.get("model_type"))
    names = {_modern(name) for name in shapes}
    found: set[Head] = set()
    if (causal := CAUSAL.get(model_type)) and _has_output(
        names, causal.output, causal.embedding, _tied(config, causal.tied)
    ):
        found.add("causal")
    if config.get("is_decoder") is True:
        return frozenset(found)
    if (masked := MASKED.get(model_type)) and _has_masked(names, masked, config):
        found.add("masked")
    if (second := NEXT_SENTENCE.get(model_type)) and all(_held(names, name) for name in second):
        found.add("next_sentence")
    order = SENTENCE_ORDER.get(model_type)
    # No class of transformers has this head without a masked-LM head.
    if order and "masked" in found and all(_held(names, name) for name in order):
        found.add("sentence_order")
    return frozenset(found)


def roles(heads: Iterable[Head]) -> tuple[Role, ...]:
    """The roles of these heads; a causal one has all three, by its own methods."""
    heads = set(heads)
    found: list[Role] = []
    if "causal" in heads:
        found.append("continue")
    if heads & {"causal", "masked"}:
        found.append("fill")
    if heads & {"causal", "next_sentence", "sentence_order"}:
        found.append("score")
    return tuple(found)


def memory(config: Config, shapes: Shapes) -> int:
    """Bytes that the weights take in fp32, an output layer tied to the embedding counted once."""
    tied, _ = tied_output(config, shapes) or (None, None)
    return sum(
        FP32 * math.prod(shape)
        for name, shape in shapes.items()
        if name != tied and not name.endswith(BUFFERS)
    )


def tied(config: Config, shapes: Shapes) -> int:
    """Bytes in fp32 of an embedding that is a causal model's output layer too."""
    family = CAUSAL.get(str(config.get("model_type")))
    if family is None or not _tied(config, family.tied):
        return 0
    return sum(
        FP32 * math.prod(shape) for name, shape in shapes.items() if _is(name, family.embedding)
    )


def embedding(config: Config, shapes: Shapes) -> int | None:
    """The tokens that an embedding has rows for; None where there is no known one."""
    model_type = str(config.get("model_type"))
    family = CAUSAL.get(model_type) or MASKED.get(model_type)
    found = [shape for name, shape in shapes.items() if family and _is(name, family.embedding)]
    return found[0][0] if len(found) == 1 and found[0] else None


def tied_output(config: Config, names: Iterable[str]) -> tuple[str, str] | None:
    """The names of the output layer and the embedding, if both are in a file although tied.

    They are equal according to the configuration; only their values show whether they really are.
    """
    model_type = str(config.get("model_type"))
    family = CAUSAL.get(model_type) or MASKED.get(model_type)
    if family is None or not _tied(config, family.tied):
        return None
    names = list(names)
    embedding = next((name for name in names if _is(name, family.embedding)), None)
    return (family.output, embedding) if embedding and family.output in names else None


def context(config: Config) -> int | None:
    """The context length; None if the configuration sets no limit."""
    for key in ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len"):
        value = config.get(key)
        if isinstance(value, int) and value > 0:
            # RoBERTa counts its positions from the padding id + 1.
            pad = config.get("pad_token_id")
            spent = pad + 1 if isinstance(pad, int) else 2
            offset = spent if MASKED.get(str(config.get("model_type"))) is _ROBERTA else 0
            return int(value * _stretched(config)) - offset
    return None


def _stretched(config: Config) -> float:
    """The factor by which a text may exceed the configured positions: dynamic NTK counts them
    without its factor, all other kinds of scaling include theirs."""
    rope = config.get("rope_parameters") or config.get("rope_scaling")
    if not isinstance(rope, Mapping):
        return 1.0
    # Models with different layers have parameters for each type of layer.
    for own in (rope, *rope.values()):
        if isinstance(own, Mapping) and own.get("rope_type", own.get("type")) == "dynamic":
            factor = own.get("factor")
            return factor if isinstance(factor, int | float) and factor > 1 else 1.0
    return 1.0


def _modern(name: str) -> str:
    """The name as transformers reads it: checkpoints from TensorFlow use gamma and beta."""
    for old, new in (("LayerNorm.gamma", "LayerNorm.weight"), ("LayerNorm.beta", "LayerNorm.bias")):
        if name.endswith(old):
            return name.removesuffix(old) + new
    return name


def _held(names: Iterable[str], wanted: str) -> bool:
    """Whether a tensor is there, with or without the base model's prefix."""
    return any(_is(name, wanted) for name in names)


def _is(name: str, wanted: str) -> bool:
    return name == wanted or name.endswith("." + wanted)


def _tied(config: Config, default: bool) -> bool:
    value = config.get("tie_word_embeddings")
    return value if isinstance(value, bool) else default


def _has_output(names: set[str], output: str, embedding: str, tied: bool) -> bool:
    return output in names or (tied and _held(names, embedding))


def _has_masked(names: set[str], masked: Masked, config: Config) -> bool:
    own = set(masked.own)
    bias = set(masked.bias)
    if config.get("model_type") == "modernbert" and config.get("norm_bias") is True:
        own.add("head.norm.bias")
    if config.get("model_type") == "modernbert" and config.get("decoder_bias") is False:
        bias = set()
    return (
        own <= names
        and (not bias or bool(bias & names))
        and _has_output(names, masked.output, masked.embedding, _tied(config, masked.tied))
    )
