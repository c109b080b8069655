"""A random small Llama as a GGUF file, quantised as SmolLM2's is, with a byte-level tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import gguf
import numpy
from tokenizers.pre_tokenizers import ByteLevel

if TYPE_CHECKING:
    from transformers import GPT2LMHeadModel

CHAT = "{% for message in messages %}<|im_start|>{{ message['content'] }}<|im_end|>{% endfor %}"
_WIDTH = 64
_SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
_MERGES = [("h", "e"), ("l", "l"), ("he", "ll"), ("hell", "o"), ("Ġ", "Ġ")]


def write(
    path: Path,
    *,
    layers: int = 2,
    lacks: str = "",
    output: bool = False,
    extra: tuple[str, ...] = (),
    part: tuple[int, int] | None = None,
    facts: Mapping[str, int] = MappingProxyType({}),
    architecture: str = "llama",
    exact: bool = False,
) -> Path:
    """Write the file and return its path.

    Args:
        path: where.
        layers: how many it has.
        lacks: tensors whose names begin so are left out.
        output: whether it has an output layer of its own.
        extra: names of tensors that it has besides.
        part: it is this one of so many parts, counted from 0, with the layers of this number alone.
        facts: what its header says instead of the truth.
        architecture: what its header calls it.
        exact: whether its matrices are fp32 instead of quantised.
    """
    tokens = [*_SPECIAL, *sorted(ByteLevel.alphabet()), *(a + b for a, b in _MERGES)]
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(layers)
    writer.add_context_length(128)
    writer.add_embedding_length(_WIDTH)
    writer.add_feed_forward_length(2 * _WIDTH)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_rope_freq_base(10_000.0)
    writer.add_rope_dimension_count(_WIDTH // 4)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([3] * len(_SPECIAL) + [1] * (len(tokens) - len(_SPECIAL)))
    writer.add_token_merges([f"{a} {b}" for a, b in _MERGES])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT)
    for name, value in facts.items():
        writer.kv_data[0][name] = gguf.GGUFValue(value, gguf.GGUFValueType.UINT32)
    if part is not None:
        writer.add_uint16("split.no", part[0])
        writer.add_uint16("split.count", part[1])

    random = numpy.random.default_rng(0)
    kinds = gguf.GGMLQuantizationType

    def wanted(name: str) -> bool:
        if part is not None and not name.startswith(f"blk.{part[0]}."):
            return part[0] == 0 and not name.startswith("blk.")
        return not (lacks and name.startswith(lacks))

    def matrix(name: str, rows: int, columns: int, kind: gguf.GGMLQuantizationType) -> None:
        values = random.normal(0, 0.2, (rows, columns)).astype(numpy.float32)
        kind = kinds.F32 if exact else kind
        if wanted(name):
            writer.add_tensor(f"{name}.weight", gguf.quants.quantize(values, kind), raw_dtype=kind)

    def norm(name: str) -> None:
        values = random.normal(1, 0.1, _WIDTH).astype(numpy.float32)
        if wanted(name):
            writer.add_tensor(f"{name}.weight", values)

    matrix("token_embd", len(tokens), _WIDTH, kinds.Q8_0)
    norm("output_norm")
    for layer in range(layers):
        matrix(f"blk.{layer}.attn_q", _WIDTH, _WIDTH, kinds.Q4_1)
        matrix(f"blk.{layer}.attn_k", _WIDTH // 2, _WIDTH, kinds.Q4_1)
        matrix(f"blk.{layer}.attn_v", _WIDTH // 2, _WIDTH, kinds.Q4_1)
        matrix(f"blk.{layer}.attn_output", _WIDTH, _WIDTH, kinds.Q4_1)
        matrix(f"blk.{layer}.ffn_gate", 2 * _WIDTH, _WIDTH, kinds.Q4_1)
        matrix(f"blk.{layer}.ffn_up", 2 * _WIDTH, _WIDTH, kinds.Q4_1)
        matrix(f"blk.{layer}.ffn_down", _WIDTH, 2 * _WIDTH, kinds.Q4_1)
        norm(f"blk.{layer}.attn_norm")
        norm(f"blk.{layer}.ffn_norm")
    if output:
        matrix("output", len(tokens), _WIDTH, kinds.Q8_0)
    for name in extra:
        writer.add_tensor(name, numpy.ones(_WIDTH, numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


_GPT2 = {
    "wte": "token_embd",
    "wpe": "position_embd",
    "ln_f": "output_norm",
    "ln_1": "attn_norm",
    "attn.c_attn": "attn_qkv",
    "attn.c_proj": "attn_output",
    "ln_2": "ffn_norm",
    "mlp.c_fc": "ffn_up",
    "mlp.c_proj": "ffn_down",
}


def write_gpt2(path: Path, model: GPT2LMHeadModel) -> Path:
    """Write the weights of a GPT-2 in fp32 and return its path. Its words are made up."""
    config = model.config
    writer = gguf.GGUFWriter(path, "gpt2")
    writer.add_block_count(config.n_layer)
    writer.add_context_length(config.n_positions)
    writer.add_embedding_length(config.n_embd)
    writer.add_feed_forward_length(4 * config.n_embd)
    writer.add_head_count(config.n_head)
    writer.add_layer_norm_eps(config.layer_norm_epsilon)
    writer.add_tokenizer_model("gpt2")
    made_up = [f"w{number}" for number in range(config.vocab_size - 3)]
    writer.add_token_list(["a", "b", "ab", *made_up])
    writer.add_token_types([1] * config.vocab_size)
    writer.add_token_merges(["a b"])
    for name, tensor in model.transformer.state_dict().items():
        owner, _, own = name.rpartition(".")
        layer = owner.removeprefix("h.").split(".", 1) if owner.startswith("h.") else None
        place = f"blk.{layer[0]}.{_GPT2[layer[1]]}" if layer else _GPT2[owner]
        # Its projections are stored the other way round than those of other families.
        turned = own == "weight" and owner.rpartition(".")[2].startswith("c_")
        writer.add_tensor(f"{place}.{own}", (tensor.T if turned else tensor).contiguous().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
