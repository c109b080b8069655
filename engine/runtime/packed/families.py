"""The shape of a model for the packed decoder, read from its configuration.

The families differ only in a few ways: what is normalised and how, whether the feed-forward is
gated, whether positions are learned or rotary, how far each layer looks back, and which projections
have biases. If anything else in a configuration would change a result, `shape` returns None.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
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
class Rotary:
    """Rotary position embedding: `frequencies`, head_dim / 2 of them, in radians per position."""

    frequencies: tuple[float, ...]
    scale: float


@dataclass(frozen=True)
class Kind:
    """How the layers of one kind see positions."""

    rotary: Rotary | None = None
    window: int | None = None
    """Tokens that a token attends to, itself the last of them; None for all before it."""


@dataclass(frozen=True)
class Shape:
    """The shape of a decoder-only transformer."""

    kinds: tuple[Kind, ...]
    kind_of: tuple[int, ...]
    """For each layer, the number of its kind."""
    width: int
    heads: int
    kv_heads: int
    head_dim: int
    hidden: int
    vocabulary: int
    context: int
    eps: float
    scale: float
    """What the products of queries and keys are multiplied by."""
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
    """Qwen3, Gemma 3: queries and keys are normalised head by head."""
    sandwiched: bool = False
    """Gemma 3: what attention and the feed-forward add is normalised too."""
    gains_from_one: bool = False
    """Gemma 3: the gains of normalisations are stored as their difference from 1."""
    embedding_scale: float = 1.0
    """What token vectors are multiplied by when they are looked up."""

    @property
    def layers(self) -> int:
        """The number of layers."""
        return len(self.kind_of)

    @property
    def rotates(self) -> bool:
        """Whether positions are rotary; otherwise they are learned."""
        return not self.conv1d

    @property
    def gated(self) -> bool:
        """Whether the feed-forward multiplies an activated half by a linear one."""
        return not self.conv1d


def shape(folder: Path) -> Shape | None:
    """The shape of the model in a folder if the packed decoder supports it, else None."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if config.model_type == "gpt2":
        return _gpt2(config)
    if config.model_type in {"llama", "mistral", "qwen2", "qwen3"}:
        return _llama(config, config.hidden_act)
    if config.model_type == "gemma3_text":
        return _gemma3(config)
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
        kinds=(Kind(),),
        kind_of=(0,) * config.n_layer,
        width=config.n_embd,
        heads=config.n_head,
        kv_heads=config.n_head,
        head_dim=config.n_embd // config.n_head,
        hidden=config.n_inner or 4 * config.n_embd,
        vocabulary=config.vocab_size,
        context=config.n_positions,
        eps=config.layer_norm_epsilon,
        scale=(config.n_embd // config.n_head) ** -0.5,
        activation=activation,
        tied=config.tie_word_embeddings,
        conv1d=True,
        qkv_bias=True,
        out_bias=True,
        mlp_bias=True,
    )


def _llama(config: PretrainedConfig, activated: str) -> Shape | None:
    activation = _ACTIVATIONS.get(activated)
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    types = _layer_types(config)
    order = list(dict.fromkeys(types))
    kinds = [_kind(config, head_dim, each) for each in order]
    if activation is None or None in kinds or len(types) != config.num_hidden_layers:
        return None
    kind = config.model_type
    bias = bool(getattr(config, "attention_bias", False)) and kind != "mistral"
    return Shape(
        kinds=tuple(filter(None, kinds)),
        kind_of=tuple(map(order.index, types)),
        width=config.hidden_size,
        heads=config.num_attention_heads,
        kv_heads=config.num_key_value_heads,
        head_dim=head_dim,
        hidden=config.intermediate_size,
        vocabulary=config.vocab_size,
        context=config.max_position_embeddings,
        eps=config.rms_norm_eps,
        scale=head_dim**-0.5,
        activation=activation,
        tied=config.tie_word_embeddings,
        qkv_bias=kind == "qwen2" or bias,
        out_bias=kind != "qwen2" and bias,
        mlp_bias=bool(getattr(config, "mlp_bias", False)) and kind == "llama",
        qk_norm=kind == "qwen3",
    )


def _gemma3(config: PretrainedConfig) -> Shape | None:
    caps = config.attn_logit_softcapping, config.final_logit_softcapping
    alike = _llama(config, config.hidden_activation)
    if alike is None or config.use_bidirectional_attention or caps != (None, None):
        return None
    return replace(
        alike,
        scale=config.query_pre_attn_scalar**-0.5,
        qk_norm=True,
        sandwiched=True,
        gains_from_one=True,
        embedding_scale=config.hidden_size**0.5,
    )


_FULL, _SLIDING = "full_attention", "sliding_attention"


def _layer_types(config: PretrainedConfig) -> list[str]:
    """What each layer attends to, in transformers' words."""
    if config.model_type in {"qwen2", "qwen3", "gemma3_text"}:
        return list(config.layer_types)
    slides = config.model_type == "mistral" and config.sliding_window is not None
    return [_SLIDING if slides else _FULL] * config.num_hidden_layers


def _kind(config: PretrainedConfig, head_dim: int, layer_type: str) -> Kind | None:
    """What the layers of a type see; None if that cannot be said by a rotation and a window."""
    rotary = _rotary(config, head_dim, layer_type)
    if rotary is None or layer_type not in {_FULL, _SLIDING}:
        return None
    window = config.sliding_window if layer_type == _SLIDING else config.max_position_embeddings
    if window is None or window < 1:
        return None
    return Kind(rotary, window if window < config.max_position_embeddings else None)


def _rotary(config: PretrainedConfig, head_dim: int, layer_type: str) -> Rotary | None:
    """The rotary embedding of a type of layer; None if it changes with the length of the text."""
    import torch
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    own = layer_type if layer_type in config.rope_parameters else None
    parameters = config.rope_parameters if own is None else config.rope_parameters[own]
    kind = parameters["rope_type"]
    if kind == "default":
        steps = torch.arange(0, head_dim, 2, dtype=torch.int64).float() / head_dim
        return Rotary(tuple((1.0 / parameters["rope_theta"] ** steps).tolist()), 1.0)
    if kind in {"linear", "llama3", "yarn"}:
        frequencies, scale = ROPE_INIT_FUNCTIONS[kind](config, torch.device("cpu"), layer_type=own)
        return Rotary(tuple(frequencies.tolist()), scale)
    return None
