"""Whether the sizes in a configuration can be those of a model at all, and those of its files.

Libraries take what is written there and fail, run on for ever or take all memory, somewhere else.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

from engine.messages import Message
from engine.store import heads

_WIDTH = ("hidden_size", "n_embd", "d_model", "dim")
_HEADS = ("num_attention_heads", "n_head", "n_heads", "num_heads", "attention_heads")
_KEY_HEADS = ("num_key_value_heads", "num_kv_heads")
_LONG = ("vocab_size", "embedding_size", "intermediate_size", "hidden_dim", "ffn_dim", "n_inner")
_LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_OTHERS = (
    "head_dim",
    "query_pre_attn_scalar",
    "num_hidden_groups",
    "inner_group_num",
    "max_position_embeddings",
    "n_positions",
    "n_ctx",
    "max_seq_len",
)


def impossible(config: Mapping[str, object]) -> Message | None:
    """What is wrong with the sizes in a configuration, for the user; None if nothing is."""
    sizes: dict[str, int] = {}
    for name in (*_WIDTH, *_HEADS, *_KEY_HEADS, *_LONG, *_LAYERS, *_OTHERS):
        size = config.get(name)
        if isinstance(size, int) and not isinstance(size, bool) and size >= 1:
            sizes[name] = size
        elif size is not None:
            return Message.of("reason.no_size_here", name=name, value=repr(size))
    width, heads, key_heads = (_first(sizes, names) for names in (_WIDTH, _HEADS, _KEY_HEADS))
    if "head_dim" not in sizes and sizes.get(width, 0) % sizes.get(heads, 1):
        return _undivided(sizes, heads, width)
    if sizes.get(heads, 0) % sizes.get(key_heads, 1):
        return _undivided(sizes, key_heads, heads)
    return None


def _undivided(sizes: Mapping[str, int], name: str, by: str) -> Message:
    return Message.of("reason.undivided", name=name, value=sizes[name], whole=by, divided=sizes[by])


def unlike(config: heads.Config, shapes: heads.Shapes) -> Message | None:
    """What a configuration counts that its weight files cannot hold; None: nothing.

    A library would build a model of that size, for ever or until the memory is full, before it
    looks what the files have for it. The sizes must be possible ones.
    """
    rows = heads.embedding(config, shapes)
    vocabulary = config.get("vocab_size")
    if rows is not None and vocabulary is not None and rows != vocabulary:
        return Message.of("reason.other_vocabulary", value=vocabulary, held=rows)
    # ALBERT's layers are one over and over.
    name = "num_hidden_groups" if "num_hidden_groups" in config else _first(config, _LAYERS)
    layers, held = config.get(name), _layers(shapes)
    if layers is not None and layers != held:
        return Message.of("reason.other_layers", name=name, value=layers, held=held)
    longest = max((length for shape in shapes.values() for length in shape), default=0)
    for name in (*_WIDTH, *_LONG):
        size = config.get(name)
        if isinstance(size, int) and size > longest:
            return Message.of("reason.longer", name=name, value=size, longest=longest)
    return None


def _layers(shapes: heads.Shapes) -> int:
    """Layers in weight files: the numbers in the names of most of their tensors."""
    stacks: dict[str, list[int]] = defaultdict(list)
    for name in shapes:
        if found := _NUMBERED.match(name):
            stacks[found[1]].append(int(found[2]))
    return max(sorted(stacks.values(), key=len)[-1]) + 1 if stacks else 0


_NUMBERED = re.compile(r"(.*?)\b(\d+)\.")


def _first(sizes: Mapping[str, object], names: tuple[str, ...]) -> str:
    """The one of these names that the configuration uses; "" where it uses none."""
    return next((name for name in names if name in sizes), "")
