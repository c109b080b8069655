from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from engine import checkpoint, manifest
from engine.convert import convert_gguf
from engine.errors import EngineError
from engine.messages import Pull
from engine.store import Store
from tests import pulls, tinygguf


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tinygguf.write(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


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
    _, told = AutoModelForCausalLM.from_pretrained(converted, output_loading_info=True)
    assert not any(told.values())
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


def test_digits_stand_apart_from_the_spaces_before_them(converted: Path) -> None:
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
    while pulls.next_state(child).stage != "building the tokenizer":
        pass
    os.killpg(child.pid, signal.SIGKILL)
    pulls.finish(child)
    assert store.unconverted(str(gguf))
    assert not list((store.root / "converted").glob("*"))
