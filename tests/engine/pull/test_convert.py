from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import sys
from pathlib import Path

import gguf as gguf_library
import pytest
import torch
from safetensors.torch import load_file
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GPT2Config,
    GPT2LMHeadModel,
)

from engine.errors import EngineError
from engine.messages import Message, Pull
from engine.pull.convert import convert_gguf, from_pickles
from engine.pull.gguf_header import Header
from engine.store import checkpoint, manifest
from engine.store.store import Store
from tests.conftest import Tiny
from tests.support import pulls, tiny_gguf
from tests.support.tiny import configure
from tui.strings import worded


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gguf.write(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture(scope="module")
def converted(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("converted")
    convert_gguf(made, folder, lambda *_: None)
    return folder


@pytest.fixture
def gguf(made: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copy(made, tmp_path / "m.gguf"))


def _weights(folder: Path, **options: object) -> dict[str, torch.Tensor]:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **options)
    return dict(model.state_dict())


def test_the_weights_are_those_that_transformers_reads(made: Path, converted: Path) -> None:
    original = _weights(made.parent, gguf_file=made.name)
    copied = _weights(converted)
    assert copied.keys() == original.keys()
    assert all(torch.equal(copied[name], original[name]) for name in original)


def test_nothing_is_missing_and_the_tied_layer_is_stored_once(converted: Path) -> None:
    _, info = AutoModelForCausalLM.from_pretrained(converted, output_loading_info=True)
    assert not any(info.values())
    assert "lm_head.weight" not in load_file(converted / "model.safetensors")
    assert "quantization_config" not in json.loads((converted / "config.json").read_text())
    found = checkpoint.read(converted)
    assert found.heads == {"causal"}
    assert found.context == 128
    assert found.chat


def test_the_tokenizer_comes_with_its_template_and_ends(converted: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(converted)
    turns = [{"role": "user", "content": "hello"}]
    assert tokenizer.apply_chat_template(turns, tokenize=False) == "<|im_start|>hello<|im_end|>"
    assert tokenizer.eos_token_id == 2
    settings = json.loads((converted / "generation_config.json").read_text())
    assert settings["eos_token_id"] == 2
    assert tokenizer.convert_ids_to_tokens(tokenizer("hello")["input_ids"]) == ["hello"]


def test_digits_are_separate_from_the_spaces_before_them(converted: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(converted)
    tokens = tokenizer.convert_ids_to_tokens(tokenizer("l  12")["input_ids"])
    assert tokens == ["l", "ĠĠ", "1", "2"]


def test_a_file_is_converted_once(gguf: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store", [gguf], [])
    outcome = pulls.run(store, Pull(str(gguf)), pulls.environment(tmp_path)).succeeded()
    assert {state.state for state in outcome.states} == {"converting", "on_disk"}
    files = store.find(str(gguf))
    assert files.revision == manifest.sha256(gguf)
    assert files.heads == {"causal"}
    assert files.weights == store.info(str(gguf)).weights == "Q4_1"
    again = pulls.run(store, Pull(str(gguf)), pulls.environment(tmp_path)).succeeded()
    assert {state.state for state in again.states} == {"on_disk"}


@pytest.mark.parametrize("keep", [4, 100, 3000, -200])
def test_a_damaged_file_is_refused(gguf: Path, tmp_path: Path, keep: int) -> None:
    gguf.write_bytes(gguf.read_bytes()[:keep])
    with pytest.raises(EngineError) as caught:
        convert_gguf(gguf, tmp_path, lambda *_: None)
    assert caught.value.event.kind == "broken_model"


def test_a_killed_conversion_leaves_no_model(gguf: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store", [gguf], [])
    child = pulls.start(store, Pull(str(gguf)), pulls.environment(tmp_path))
    while pulls.next_state(child).stage != Message("stage.tokenizer"):
        pass
    os.killpg(child.pid, signal.SIGKILL)
    pulls.finish(child)
    assert store.unconverted(str(gguf))
    assert not list((store.root / "converted").glob("*"))


@pytest.mark.skipif(sys.platform != "linux", reason="limits of other processes")
@pytest.mark.parametrize("room", [100, 40_000], ids=["for no tokenizer", "for no weights"])
def test_a_full_disk_is_named(gguf: Path, tmp_path: Path, room: int) -> None:
    store = Store(tmp_path / "store", [gguf], [])
    # Half a .pyc would outlast the test.
    environ = pulls.environment(tmp_path, PYTHONDONTWRITEBYTECODE="1")
    child = pulls.start(store, Pull(str(gguf)), environ)
    resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (room, room))
    error = pulls.finish(child).error
    assert error.kind == "unable"
    assert "File too large" in worded(error.message)
    assert "free some space" in worded(error.hint)
    assert store.unconverted(str(gguf))


def _refusal(path: Path, folder: Path) -> str:
    with pytest.raises(EngineError) as caught:
        convert_gguf(path, folder, lambda *_: None)
    assert not (folder / "model.safetensors").exists()
    assert caught.value.event.kind == "broken_model"
    return worded(caught.value.event.message)


@pytest.mark.parametrize(
    ("lacks", "named"),
    [
        ("blk.1.ffn_down", r"lacks blk\.1\.ffn_down\.weight"),
        ("token_embd", r"lacks token_embd\.weight"),
        ("output_norm", r"lacks output_norm\.weight"),
        ("blk.0.attn_", r"lacks blk\.0\.attn_k\.weight and 4 more"),
        ("blk.1.", r"lacks all tensors of blk\.1, of 2 layers"),
    ],
)
def test_what_a_file_lacks_is_named(lacks: str, named: str, tmp_path: Path) -> None:
    path = tiny_gguf.write(tmp_path / "m.gguf", lacks=lacks)
    assert re.search(named, _refusal(path, tmp_path))


@pytest.mark.parametrize(
    "extra", ["blk.0.attn_q.bias", "rope_freqs.weight", "blk.0.attn_q_norm.weight"]
)
def test_what_would_be_left_out_of_a_file_is_named(extra: str, tmp_path: Path) -> None:
    path = tiny_gguf.write(tmp_path / "m.gguf", extra=(extra,))
    assert f"contains {extra}" in _refusal(path, tmp_path)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"llama.block_count": 2**31}, "lacks all tensors of blk.2, of 2,147,483,648 layers"),
        ({"llama.block_count": 0}, "says that it has 0 layers"),
        ({"llama.block_count": 1}, "holds tensors of blk.1"),
        ({"llama.attention.head_count": 0}, "llama.attention.head_count is 0"),
        ({"llama.attention.head_count": 7}, "not a multiple of the number of attention heads"),
        ({"llama.embedding_length": 128}, "another shape"),
        ({"llama.feed_forward_length": 64}, "another shape"),
    ],
)
def test_a_header_that_its_tensors_belie_is_refused(
    facts: dict[str, int], reason: str, tmp_path: Path
) -> None:
    path = tiny_gguf.write(tmp_path / "m.gguf", facts=facts)
    assert reason in _refusal(path, tmp_path)


@pytest.mark.parametrize("place", [8, 16])
def test_a_header_that_announces_more_than_there_is_ends_at_once(
    place: int, gguf: Path, tmp_path: Path
) -> None:
    held = bytearray(gguf.read_bytes())
    held[place : place + 8] = (2**60).to_bytes(8, "little")  # tensors, then keys
    gguf.write_bytes(held)
    _refusal(gguf, tmp_path)


def test_a_kind_that_the_library_cannot_place_is_refused(tmp_path: Path) -> None:
    path = tiny_gguf.write(tmp_path / "m.gguf", architecture="mistral")
    assert "mistral" in _refusal(path, tmp_path)


def test_memory_is_looked_at_before_anything_is_built(tmp_path: Path) -> None:
    path = tiny_gguf.write(tmp_path / "m.gguf", facts={"llama.vocab_size": 2**31})
    with pytest.raises(EngineError) as caught:
        convert_gguf(path, tmp_path, lambda *_: None)
    assert caught.value.event.kind == "too_big"


def test_an_output_layer_of_its_own_is_kept(tmp_path: Path) -> None:
    path = tiny_gguf.write(tmp_path / "m.gguf", output=True)
    (tmp_path / "out").mkdir()
    convert_gguf(path, tmp_path / "out", lambda *_: None)
    kept = load_file(tmp_path / "out" / "model.safetensors")
    assert not torch.equal(kept["lm_head.weight"], kept["model.embed_tokens.weight"])
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    assert torch.equal(model.lm_head.weight, kept["lm_head.weight"])


def test_a_gpt2_is_as_long_as_its_table_of_positions(tmp_path: Path) -> None:
    config = GPT2Config(vocab_size=64, n_positions=24, n_embd=32, n_layer=2, n_head=4)
    model = GPT2LMHeadModel(config).eval()
    (tmp_path / "out").mkdir()
    convert_gguf(
        tiny_gguf.write_gpt2(tmp_path / "m.gguf", model), tmp_path / "out", lambda *_: None
    )
    ids = torch.tensor([range(24)])
    kept = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    torch.testing.assert_close(kept(ids).logits, model(ids).logits)


def _parts(folder: Path) -> list[Path]:
    return [
        tiny_gguf.write(folder / f"m-{number + 1:05}-of-00002.gguf", part=(number, 2))
        for number in range(2)
    ]


def test_the_parts_of_a_model_are_read_together(converted: Path, tmp_path: Path) -> None:
    parts = _parts(tmp_path)
    (tmp_path / "out").mkdir()
    kind = convert_gguf(parts[0], tmp_path / "out", lambda *_: None)
    whole, joined = _weights(converted), _weights(tmp_path / "out")
    assert whole.keys() == joined.keys()
    assert all(torch.equal(joined[name], whole[name]) for name in whole)
    assert kind == "Q4_1"
    assert not list((tmp_path / "out").glob("*.gguf"))
    store = Store(tmp_path / "store", list(parts), [])
    assert {store.place(str(part)).folder for part in parts} == {store.place(str(parts[0])).folder}
    assert store.info(str(parts[1])).bytes == sum(part.stat().st_size for part in parts)


@pytest.mark.parametrize("gone", [0, 1])
def test_a_part_that_is_missing_is_named(gone: int, tmp_path: Path) -> None:
    parts = _parts(tmp_path)
    parts[gone].unlink()
    assert f"part {gone + 1} of 2 is missing: {parts[gone].name}" in _refusal(
        parts[1 - gone], tmp_path
    )


def test_parts_under_other_names_are_reported(tmp_path: Path) -> None:
    parts = _parts(tmp_path)
    alone = parts[1].rename(tmp_path / "m.gguf")
    assert "one of 2 parts by its header, and of 1 by its name" in _refusal(alone, tmp_path)
    parts[0].rename(parts[1])
    shutil.copy(parts[1], parts[0])
    assert "holds part 1 of 2" in _refusal(parts[0], tmp_path)


def test_a_mixture_is_called_by_its_name(tmp_path: Path) -> None:
    def kind(file_type: int) -> str:
        path = tiny_gguf.write(tmp_path / "m.gguf", facts={"general.file_type": file_type})
        return Header(path).kind

    assert kind(gguf_library.LlamaFileType.MOSTLY_Q4_1) == "Q4_1"
    assert kind(gguf_library.LlamaFileType.MOSTLY_Q8_0) == "Q4_1"  # its tensors say otherwise
    assert kind(12345) == "Q4_1"


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("separate", [True, False])
def test_a_pickle_keeps_the_output_layer_that_it_holds(
    tied: bool, separate: bool, tiny: Tiny, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny("llama"), tmp_path / "model"))
    configure(folder, tie_word_embeddings=tied)
    held = load_file(folder / "model.safetensors")
    embedding = held["model.embed_tokens.weight"]
    held["lm_head.weight"] = embedding + 1 if separate else embedding
    (folder / "model.safetensors").unlink()
    torch.save(held, folder / "pytorch_model.bin")
    from_pickles([folder / "pytorch_model.bin"], folder, lambda *_: None)
    kept = load_file(folder / "model.safetensors")
    assert ("lm_head.weight" in kept) == (separate or not tied)
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert torch.equal(model.lm_head.weight, held["lm_head.weight"])


def test_a_pickle_with_the_output_layer_alone_keeps_it(tiny: Tiny, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny("llama"), tmp_path / "model"))
    held = load_file(folder / "model.safetensors")
    held["lm_head.weight"] = held.pop("model.embed_tokens.weight")
    (folder / "model.safetensors").unlink()
    torch.save(held, folder / "pytorch_model.bin")
    from_pickles([folder / "pytorch_model.bin"], folder, lambda *_: None)
    assert load_file(folder / "model.safetensors").keys() == held.keys()
    assert checkpoint.read(folder).heads == {"causal"}
