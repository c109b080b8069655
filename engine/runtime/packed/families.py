"""The shape of a model for the packed decoder, read from its configuration.

The families differ only in a few ways: their normalisation, whether the feed-forward is gated,
whether positions are learned or rotary, and which projections have biases. If anything else in a
configuration would change a result, `shape` returns None.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig

Activation = Literal["silu", "gelu", "gelu_tanh", "relu"]

_ACTIVATIONS: dict[str, Activation] = {
    "silu": "silu",
    "swish": "silu",
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
}


@dataclass(frozen=True)
class Shape:
    """The shape of a decoder-only transformer."""

    layers: int
    width: int
    heads: int
    kv_heads: int
    head_dim: int
    hidden: int
    vocabulary: int
    context: int
    eps: float
    activation: Activation
    tied: bool
    """Whether the output layer is the embedding."""
    conv1d: bool = False
    """GPT-2: matrices stored transposed, the query's, key's and value's in one; normalised by
    mean and variance; positions learned."""
    qkv_bias: bool = False
    out_bias: bool = False
    mlp_bias: bool = False
    qk_norm: bool = False
    """Qwen3: queries and keys are normalised head by head."""
    rotary: Rotary | None = None

    @property
    def gated(self) -> bool:
        """Whether the feed-forward multiplies an activated half by a linear one."""
        return not self.conv1d


@dataclass(frozen=True, eq=False)
class Rotary:
    """Rotary position embedding: `frequencies`, float32 [head_dim / 2], radians per position."""

    frequencies: torch.Tensor
    scale: float


def shape(folder: Path) -> Shape | None:
    """The shape of the model in a folder if the packed decoder supports it, else None."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if config.model_type == "gpt2":
        return _gpt2(config)
    if config.model_type in {"llama", "mistral", "qwen2", "qwen3"}:
        return _llama(config)
    return None


def _gpt2(config: PretrainedConfig) -> Shape | None:
    plain = (
        config.scale_attn_weights
        and not config.scale_attn_by_inverse_layer_idx
        and not config.add_cross_attention
    )
    activation = _ACTIVATIONS.get(config.activation_function)
    if not plain or activation is None:
        return None
    return Shape(
        layers=config.n_layer,
        width=config.n_embd,
        heads=config.n_head,
        kv_heads=config.n_head,
        head_dim=config.n_embd // config.n_head,
        hidden=config.n_inner or 4 * config.n_embd,
        vocabulary=config.vocab_size,
        context=config.n_positions,
        eps=config.layer_norm_epsilon,
        activation=activation,
        tied=config.tie_word_embeddings,
        conv1d=True,
        qkv_bias=True,
        out_bias=True,
        mlp_bias=True,
    )


def _llama(config: PretrainedConfig) -> Shape | None:
    activation = _ACTIVATIONS.get(config.hidden_act)
    context = config.max_position_embeddings
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    rotary = _rotary(config, head_dim)
    if activation is None or rotary is None or _slides(config, context):
        return None
    kind = config.model_type
    bias = bool(getattr(config, "attention_bias", False)) and kind != "mistral"
    return Shape(
        layers=config.num_hidden_layers,
        width=config.hidden_size,
        heads=config.num_attention_heads,
        kv_heads=config.num_key_value_heads,
        head_dim=head_dim,
        hidden=config.intermediate_size,
        vocabulary=config.vocab_size,
        context=context,
        eps=config.rms_norm_eps,
        activation=activation,
        tied=config.tie_word_embeddings,
        qkv_bias=kind == "qwen2" or bias,
        out_bias=kind != "qwen2" and bias,
        mlp_bias=bool(getattr(config, "mlp_bias", False)) and kind == "llama",
        qk_norm=kind == "qwen3",
        rotary=rotary,
    )


def _slides(config: PretrainedConfig, context: int) -> bool:
    """Whether any layer attends to less than the whole context."""
    if config.model_type in {"qwen2", "qwen3"}:
        return "sliding_attention" in (config.layer_types or [])
    window = getattr(config, "sliding_window", None)
    return window is not None and window < context


def _rotary(config: PretrainedConfig, head_dim: int) -> Rotary | None:
    """A configuration's rotary embedding; None if it changes with the length of the text."""
    import torch
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    parameters = config.rope_parameters
    kind = parameters["rope_type"]
    if kind == "default":
        steps = torch.arange(0, head_dim, 2, dtype=torch.int64).float() / head_dim
        return Rotary(1.0 / parameters["rope_theta"] ** steps, 1.0)
    if kind in {"linear", "llama3", "yarn"}:
        frequencies, scale = ROPE_INIT_FUNCTIONS[kind](config, torch.device("cpu"))
        return Rotary(frequencies, scale)
    return None
