"""The generic runtime against plain forwards of the same transformers model."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from engine.errors import EngineError
from engine.messages import Message, Words
from engine.runtime.generic import GenericRuntime, load_causal
from engine.runtime.prefix_cache import CHUNK
from tests.conftest import Tiny
from tests.support.bundles import files, quiet
from tests.support.families import FAMILIES, build, close, plain, prefilled, text
from tui.strings import worded


@pytest.mark.parametrize("family", FAMILIES)
def test_prefill_and_steps_equal_a_plain_forward(family: str) -> None:
    model = build(family)
    runtime = GenericRuntime(model)
    ids = text(2 * CHUNK + 12)
    expected = plain(model, ids)
    start = 2 * CHUNK + 2
    branches, yields = prefilled(runtime, ids[:start])
    assert yields == 2
    for position in range(start, len(ids)):
        assert (branches.rows, branches.length) == (1, position)
        assert close(branches.logits[0], expected[position - 1])
        branches = runtime.feed(branches, [[ids[position]]])
    assert close(branches.logits[0], expected[-1])


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_fork_leave_and_change_places(family: str) -> None:
    model = build(family)
    runtime = GenericRuntime(model)
    prompt = text(11)
    one, _ = prefilled(runtime, prompt)
    four = runtime.select(one, [0, 0, 0, 0])
    four = runtime.feed(four, [[3], [5], [7], [9]])
    two = runtime.select(four, [3, 1])
    two = runtime.feed(two, [[20], [30]])
    assert (two.rows, two.length) == (2, 13)
    assert close(two.logits[0], plain(model, [*prompt, 9, 20])[-1])
    assert close(two.logits[1], plain(model, [*prompt, 5, 30])[-1])
    # The fork took nothing from the row it came from.
    one = runtime.feed(one, [[42]])
    assert close(one.logits[0], plain(model, [*prompt, 42])[-1])
    four = runtime.feed(four, [[1], [2], [3], [4]])
    assert close(four.logits[2], plain(model, [*prompt, 7, 3])[-1])


@pytest.mark.parametrize("family", FAMILIES)
def test_states_side_by_side_equal_those_of_one_text(family: str) -> None:
    model = build(family)
    rows = [[5, 9, 33], [7, 8, 2, 44, 51, 6, 9, 17, 30, 4, 12], [60]]
    states = GenericRuntime(model).states(rows)
    for row, found in zip(rows, states, strict=True):
        with torch.inference_mode():
            output = model(torch.tensor([row]), output_hidden_states=True)
        assert torch.allclose(found[: len(row)], output.hidden_states[-1][0], atol=1e-5)


@pytest.mark.parametrize("family", [name for name in FAMILIES if "recurrent" not in name])
def test_crop_goes_back_any_distance_more_than_once(family: str) -> None:
    model = build(family)
    runtime = GenericRuntime(model)
    ids = text(40)
    branches, _ = prefilled(runtime, ids)
    for length in (30, 29, 5):
        branches = runtime.crop(branches, length)
        assert branches.length == length
        assert branches.logits.isnan().all()
        branches = runtime.feed(branches, [[50]])
        assert close(branches.logits[0], plain(model, [*ids[:length], 50])[-1])
    assert runtime.crop(branches, 6).logits is branches.logits


def test_crop_is_refused_where_a_layer_cannot_go_back() -> None:
    runtime = GenericRuntime(build("lfm2, recurrent and full"))
    branches, _ = prefilled(runtime, text(9))
    with pytest.raises(EngineError) as caught:
        runtime.crop(branches, 4)
    assert caught.value.event.kind == "unable"


def test_a_model_without_keys_and_values_is_refused() -> None:
    config = transformers.RwkvConfig(vocab_size=61, hidden_size=16, num_hidden_layers=2)
    with pytest.raises(EngineError) as caught:
        GenericRuntime(transformers.RwkvForCausalLM(config))
    assert caught.value.event.kind == "unable"


# ------------------------------------------------------------------------------ loading


def copy_of(folder: Path, target: Path) -> Path:
    target.mkdir()
    for path in folder.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target


def test_loading_reports_its_progress_and_the_bytes(tiny: Tiny) -> None:
    reports: list[tuple[Words, float]] = []
    runtime = load_causal(
        files(tiny("gpt2")), lambda stage, percent: reports.append((stage, percent))
    )
    percents = [percent for stage, percent in reports if stage == Message("stage.weights")]
    assert percents[0] == 0
    assert percents[-1] == 100
    assert percents == sorted(set(percents))
    assert len(percents) > 5
    weights = load_file(tiny("gpt2") / "model.safetensors")
    assert runtime.bytes == sum(tensor.numel() * 4 for tensor in weights.values())
    assert runtime.context == 96


def test_half_precision_weights_run_in_single(tiny: Tiny, tmp_path: Path) -> None:
    folder = copy_of(tiny("llama"), tmp_path / "half")
    transformers.AutoModelForCausalLM.from_pretrained(folder).half().save_pretrained(folder)
    runtime = load_causal(files(folder), quiet)
    branches, _ = prefilled(runtime, [5, 6])
    assert branches.logits.dtype == torch.float32


def test_missing_tensors_are_refused_by_name(tiny: Tiny, tmp_path: Path) -> None:
    folder = copy_of(tiny("qwen2"), tmp_path / "beheaded")
    weights = load_file(folder / "model.safetensors")
    del weights["lm_head.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EngineError) as caught:
        load_causal(files(folder), quiet)
    assert caught.value.event.kind == "broken_model"
    assert "lm_head.weight" in worded(caught.value.event.message)


def test_tensors_of_another_shape_are_refused_by_name(tiny: Tiny, tmp_path: Path) -> None:
    folder = copy_of(tiny("gpt2"), tmp_path / "misshapen")
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(config.replace('"n_positions": 96', '"n_positions": 97'))
    with pytest.raises(EngineError) as caught:
        load_causal(files(folder), quiet)
    assert caught.value.event.kind == "broken_model"
    assert "transformer.wpe.weight" in worded(caught.value.event.message)


@pytest.mark.parametrize("harm", ["cut short", "no weights", "not JSON", "no number"])
def test_broken_files_are_a_broken_model(tiny: Tiny, tmp_path: Path, harm: str) -> None:
    folder = copy_of(tiny("gpt2"), tmp_path / "broken")
    weights = folder / "model.safetensors"
    if harm == "cut short":
        weights.write_bytes(weights.read_bytes()[:1000])
    elif harm == "no weights":
        weights.unlink()
    elif harm == "not JSON":
        (folder / "config.json").write_text("{")
    else:
        config = (folder / "config.json").read_text()
        (folder / "config.json").write_text(config.replace('"n_embd": 32', '"n_embd": "many"'))
    with pytest.raises(EngineError) as caught:
        load_causal(files(folder), quiet)
    assert caught.value.event.kind == "broken_model"
    assert worded(caught.value.event.hint)
