from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.store import checkpoint
from engine.store.checkpoint import Broken
from tests.conftest import Tiny
from tests.support.tiny import configure
from tests.support.wording import says


@pytest.fixture
def model(tiny: Tiny, tmp_path: Path) -> Path:
    """A copy of a whole model, to be broken."""
    return Path(shutil.copytree(tiny("gpt2"), tmp_path / "model"))


def test_a_whole_model_is_described(model: Path) -> None:
    found = checkpoint.read(model)
    assert found.model_type == "gpt2"
    assert found.heads == {"causal"}
    assert found.weight_bytes == (model / "model.safetensors").stat().st_size
    assert not found.chat


@pytest.mark.parametrize("name", ["vocab_size", "n_inner", "n_layer"])
def test_sizes_beyond_the_weights_are_told_before_a_model_is_built(model: Path, name: str) -> None:
    configure(model, **{name: 10_000_000})
    with pytest.raises(Broken, check=says(r"10,?000,?000")):
        checkpoint.read(model)


def test_layers_that_share_weights_are_any_number(tiny: Tiny, tmp_path: Path) -> None:
    folder = tmp_path / "albert"
    shutil.copytree(tiny("albert"), folder)
    configure(folder, num_hidden_layers=24)
    assert "masked" in checkpoint.read(folder).heads


def _shard(model: Path) -> dict[str, str]:
    """Split the weights in two files and return the index's map."""
    weights = load_file(model / "model.safetensors")
    (model / "model.safetensors").unlink()
    names = sorted(weights)
    files = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
    placed = {name: files[i % 2] for i, name in enumerate(names)}
    for file in files:
        save_file({n: weights[n] for n in names if placed[n] == file}, model / file)
    (model / checkpoint.SHARDED).write_text(json.dumps({"metadata": {}, "weight_map": placed}))
    return placed


def test_shards_are_read_as_one(model: Path) -> None:
    whole = checkpoint.read(model)
    _shard(model)
    parts = checkpoint.read(model)
    assert (parts.heads, parts.memory) == (whole.heads, whole.memory)


def test_a_missing_shard_is_reported(model: Path) -> None:
    _shard(model)
    (model / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(Broken, check=says("missing: there is no model-00002")):
        checkpoint.read(model)


@pytest.mark.parametrize("name", ["../x.safetensors", "/etc/passwd", "a\\b", "..", ""])
def test_an_index_cannot_point_out_of_the_folder(model: Path, name: str) -> None:
    placed = _shard(model)
    index = {"weight_map": {**placed, "lm_head.weight": name}}
    (model / checkpoint.SHARDED).write_text(json.dumps(index))
    with pytest.raises(Broken, check=says("points elsewhere")):
        checkpoint.read(model)


@pytest.mark.parametrize("index", ["{", "[]", '{"weight_map": {}}', '{"weight_map": {"a": 3}}'])
def test_a_broken_index_is_reported(model: Path, index: str) -> None:
    (model / "model.safetensors").unlink()
    (model / checkpoint.SHARDED).write_text(index)
    with pytest.raises(Broken, check=says("index of the weight files")):
        checkpoint.read(model)


@pytest.mark.parametrize("keep", [0, 4, 300, -1])
def test_weights_cut_short_are_reported(model: Path, keep: int) -> None:
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:keep])
    with pytest.raises(Broken, check=says(r"model\.safetensors is damaged or cut short")):
        checkpoint.read(model)


def test_missing_weights_are_reported(model: Path) -> None:
    (model / "model.safetensors").unlink()
    with pytest.raises(Broken, check=says("weights are missing")):
        checkpoint.read(model)


def test_a_pickle_is_refused(model: Path) -> None:
    (model / "model.safetensors").unlink()
    torch.save({}, model / "pytorch_model.bin")
    with pytest.raises(Broken, check=says("pickle")):
        checkpoint.read(model)


def test_a_folder_without_configuration_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(Broken, check=says("not a model folder")):
        checkpoint.read(tmp_path)


@pytest.mark.parametrize("text", [b"", b"{", b"[1]", b"\xff\xfe"])
def test_an_unreadable_configuration_is_reported(model: Path, text: bytes) -> None:
    (model / "config.json").write_bytes(text)
    with pytest.raises(Broken, check=says(r"config\.json cannot be read")):
        checkpoint.read(model)


def test_an_unknown_type_is_reported(model: Path) -> None:
    configure(model, model_type="t5")
    with pytest.raises(Broken, check=says('"t5" are not supported')):
        checkpoint.read(model)


def test_quantised_weights_are_refused(model: Path) -> None:
    configure(model, quantization_config={"quant_method": "gptq"})
    with pytest.raises(Broken, check=says("quantised")):
        checkpoint.read(model)


@pytest.mark.parametrize(
    "facts", [{"is_causal": False}, {"is_causal": None}, {"use_bidirectional_attention": True}]
)
def test_a_decoder_that_looks_ahead_is_refused(model: Path, facts: dict[str, object]) -> None:
    configure(model, is_causal=True, use_bidirectional_attention=False)
    checkpoint.read(model)
    configure(model, **facts)
    with pytest.raises(Broken, check=says("sees the later ones too")):
        checkpoint.read(model)


def test_weights_of_another_kind_have_no_head(model: Path) -> None:
    configure(model, model_type="bert")
    with pytest.raises(Broken, check=says("no head")):
        checkpoint.read(model)


def test_a_chat_template_is_found_in_either_place(model: Path) -> None:
    settings = model / "tokenizer_config.json"
    settings.write_text(json.dumps({"chat_template": "{{ messages }}"}))
    assert checkpoint.read(model).chat
    settings.write_text("{}")
    assert not checkpoint.read(model).chat
    (model / "chat_template.jinja").write_text("{{ messages }}")
    assert checkpoint.read(model).chat


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"n_layer": -1}, "n_layer is -1"),
        ({"n_head": 0}, "n_head is 0"),
        ({"n_head": 7}, "n_head is 7, which does not divide n_embd, 32"),
        ({"vocab_size": 0}, "vocab_size is 0"),
        ({"n_embd": "32"}, "n_embd is '32'"),
        ({"n_positions": 0.5}, r"n_positions is 0\.5"),
        ({"query_pre_attn_scalar": -4}, "query_pre_attn_scalar is -4"),
    ],
)
def test_sizes_that_no_model_can_have_are_reported(
    facts: dict[str, object], reason: str, model: Path
) -> None:
    configure(model, **facts)
    with pytest.raises(Broken, check=says(f"cannot be right: {reason}")):
        checkpoint.read(model)


@pytest.mark.parametrize(
    ("kind", "facts", "told"),
    [
        ("gpt2", {"vocab_size": 2**40}, "vocab_size is 1099511627776, and the files hold 420"),
        ("gpt2", {"n_layer": 2**31}, "n_layer is 2147483648, and the files hold 2 layers"),
        ("bert", {"num_hidden_layers": 2**31}, "the files hold 2 layers"),
        ("bert", {"vocab_size": 2**40}, "the files hold 6000 tokens"),
        ("distilbert", {"n_layers": 1}, "the files hold 2 layers"),
        ("modernbert", {"num_hidden_layers": 4}, "the files hold 3 layers"),
        ("albert", {"num_hidden_groups": 2}, "the files hold 1 layers"),
    ],
)
def test_what_the_files_hold_another_number_of_is_told(
    kind: str, facts: dict[str, object], told: str, tiny: Tiny, tmp_path: Path
) -> None:
    model = Path(shutil.copytree(tiny(kind), tmp_path / "model"))
    configure(model, **facts)
    with pytest.raises(Broken, check=says(told)):
        checkpoint.read(model)


def test_keys_are_shared_by_whole_groups_of_heads(tiny: Tiny, tmp_path: Path) -> None:
    model = Path(shutil.copytree(tiny("llama"), tmp_path / "model"))
    configure(model, num_key_value_heads=3)
    with pytest.raises(Broken, check=says("num_key_value_heads is 3, which does not divide")):
        checkpoint.read(model)


def test_a_decoder_without_its_output_layer_is_refused_by_name(tiny: Tiny, tmp_path: Path) -> None:
    model = Path(shutil.copytree(tiny("llama"), tmp_path / "model"))
    configure(model, tie_word_embeddings=False)
    with pytest.raises(Broken, check=says(r"lack lm_head\.weight, the output layer")):
        checkpoint.read(model)
