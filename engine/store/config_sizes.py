"""Checks whether the sizes in a configuration are possible.

Libraries trust them, and fail or hang somewhere else.
"""

from __future__ import annotations

from collections.abc import Mapping

_WIDTH = ("hidden_size", "n_embd", "d_model", "dim")
_HEADS = ("num_attention_heads", "n_head", "n_heads", "num_heads", "attention_heads")
_KEY_HEADS = ("num_key_value_heads", "num_kv_heads")
_OTHERS = (
    "vocab_size",
    "embedding_size",
    "intermediate_size",
    "hidden_dim",
    "ffn_dim",
    "n_inner",
    "head_dim",
    "num_hidden_layers",
    "n_layer",
    "n_layers",
    "num_layers",
    "num_hidden_groups",
    "inner_group_num",
    "max_position_embeddings",
    "n_positions",
    "n_ctx",
    "max_seq_len",
)


def impossible(config: Mapping[str, object]) -> str | None:
    """What is wrong with the sizes in a configuration, for the user; None if nothing is."""
    sizes: dict[str, int] = {}
    for name in (*_WIDTH, *_HEADS, *_KEY_HEADS, *_OTHERS):
        size = config.get(name)
        if isinstance(size, int) and not isinstance(size, bool) and size >= 1:
            sizes[name] = size
        elif size is not None:
            return f"{name} is {size!r}, where a whole number of 1 or more belongs"
    width, heads, key_heads = (_first(sizes, names) for names in (_WIDTH, _HEADS, _KEY_HEADS))
    if "head_dim" not in sizes and sizes.get(width, 0) % sizes.get(heads, 1):
        return f"{heads} is {sizes[heads]}, which does not divide {width}, {sizes[width]}"
    if sizes.get(heads, 0) % sizes.get(key_heads, 1):
        return f"{key_heads} is {sizes[key_heads]}, which does not divide {heads}, {sizes[heads]}"
    return None


def _first(sizes: Mapping[str, int], names: tuple[str, ...]) -> str:
    """The first of these names that the configuration uses; "" if it uses none."""
    return next((name for name in names if name in sizes), "")
