"""A random small Llama as a GGUF file, quantised as SmolLM2's is, with a byte-level tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import gguf
import numpy
from tokenizers.pre_tokenizers import ByteLevel

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
