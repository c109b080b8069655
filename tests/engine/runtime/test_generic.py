"""The generic runtime against plain forwards of the same transformers model."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from engine.errors import EngineError
from engine.model import Branches, ModelFiles
from engine.runtime.generic import CHUNK, GenericRuntime, load_causal
from tests.conftest import Tiny

SMALL = {
    "vocab_size": 61,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 200,
    "initializer_range": 0.2,
    "pad_token_id": 0,
}
WINDOW = {"sliding_window": 8, "head_dim": 8}

FAMILIES: dict[str, Callable[[], transformers.PreTrainedModel]] = {
    "gpt2": lambda: transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=61, n_positions=200, n_embd=32, n_layer=2, n_head=4, initializer_range=0.2
        )
    ),
    "llama": lambda: transformers.LlamaForCausalLM(transformers.LlamaConfig(**SMALL)),
    "qwen2": lambda: transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**SMALL)),
    "mistral, sliding window": lambda: transformers.MistralForCausalLM(
        transformers.MistralConfig(**SMALL, **WINDOW)
    ),
    "gemma3, sliding and full": lambda: transformers.Gemma3ForCausalLM(
        transformers.Gemma3TextConfig(
            **SMALL, **WINDOW, layer_types=["sliding_attention", "full_attention"]
        )
    ),
    "opt": lambda: transformers.OPTForCausalLM(
        transformers.OPTConfig(
            vocab_size=61,
            hidden_size=32,
            ffn_dim=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=200,
            word_embed_proj_dim=32,
            init_std=0.2,
        )
    ),
    "bloom": lambda: transformers.BloomForCausalLM(
        transformers.BloomConfig(
            vocab_size=61, hidden_size=32, n_layer=2, n_head=4, initializer_range=0.2
        )
    ),
    "gpt-neox": lambda: transformers.GPTNeoXForCausalLM(
        transformers.GPTNeoXConfig(
            **{name: value for name, value in SMALL.items() if name != "num_key_value_heads"}
        )
    ),
    "lfm2, recurrent and full": lambda: transformers.Lfm2ForCausalLM(
        transformers.Lfm2Config(**SMALL, layer_types=["conv", "full_attention"])
    ),
}


def build(family: str) -> transformers.PreTrainedModel:
    torch.manual_seed(1)
    return FAMILIES[family]().eval()


def plain(model: transformers.PreTrainedModel, ids: list[int]) -> torch.Tensor:
    """float32 [len(ids), vocabulary] of one forward over everything, with no cache."""
    with torch.inference_mode():
        logits: torch.Tensor = model(torch.tensor([ids]), use_cache=False).logits[0]
        return logits


def text(length: int, seed: int = 0) -> list[int]:
    generator = torch.Generator().manual_seed(seed)
    ids: list[int] = torch.randint(1, 61, (length,), generator=generator).tolist()
    return ids


def finish(prefill: Generator[None, None, Branches]) -> tuple[Branches, int]:
    """Drain a prefill; return its branches and how often it yielded."""
    yields = 0
    while True:
        try:
            next(prefill)
        except StopIteration as stop:
            branches: Branches = stop.value
            return branches, yields
        yields += 1


def close(found: torch.Tensor, expected: torch.Tensor) -> bool:
    return torch.allclose(found, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_prefill_and_steps_equal_a_plain_forward(family: str) -> None:
    model = build(family)
    runtime = GenericRuntime(model)
    ids = text(2 * CHUNK + 12)
    expected = plain(model, ids)
    start = 2 * CHUNK + 2
    branches, yields = finish(runtime.prefill(ids[:start]))
    assert yields == 2
    for position in range(start, len(ids)):
        assert (branches.rows, branches.length) == (1, position)
        assert close(branches.logits[0], expected[position - 1])
        branches = runtime.step(branches, [ids[position]])
    assert close(branches.logits[0], expected[-1])


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_fork_leave_and_change_places(family: str) -> None:
    model = build(family)
    runtime = GenericRuntime(model)
    prompt = text(11)
    one, _ = finish(runtime.prefill(prompt))
    four = runtime.select(one, [0, 0, 0, 0])
    four = runtime.step(four, [3, 5, 7, 9])
    two = runtime.select(four, [3, 1])
    two = runtime.step(two, [20, 30])
    assert (two.rows, two.length) == (2, 13)
    assert close(two.logits[0], plain(model, [*prompt, 9, 20])[-1])
    assert close(two.logits[1], plain(model, [*prompt, 5, 30])[-1])
    # The fork took nothing from the row it came from.
    one = runtime.step(one, [42])
    assert close(one.logits[0], plain(model, [*prompt, 42])[-1])
    four = runtime.step(four, [1, 2, 3, 4])
    assert close(four.logits[2], plain(model, [*prompt, 7, 3])[-1])


@pytest.mark.parametrize("family", [name for name in FAMILIES if "recurrent" not in name])
def test_crop_goes_back_any_distance_more_than_once(family: str) -> None:
    model = build(family)
    runtime = GenericRuntime(model)
    ids = text(40)
    branches, _ = finish(runtime.prefill(ids))
    for length in (30, 29, 5):
        branches = runtime.crop(branches, length)
        assert branches.length == length
        assert branches.logits.isnan().all()
        branches = runtime.step(branches, [50])
        assert close(branches.logits[0], plain(model, [*ids[:length], 50])[-1])
    assert runtime.crop(branches, 6).logits is branches.logits


def test_crop_is_refused_where_a_layer_cannot_go_back() -> None:
    runtime = GenericRuntime(build("lfm2, recurrent and full"))
    branches, _ = finish(runtime.prefill(text(9)))
    with pytest.raises(EngineError) as caught:
        runtime.crop(branches, 4)
    assert caught.value.event.kind == "unable"


@pytest.mark.parametrize("family", FAMILIES)
def test_logprobs_equal_a_plain_forward_whatever_the_lengths(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.runtime.generic.SCORED_ROWS", 3)
    monkeypatch.setattr("engine.runtime.generic.SCORED_NUMBERS", 61 * 3 * 7)  # chunks of 7 tokens
    model = build(family)
    runtime = GenericRuntime(model)
    sequences = [text(length, seed=length) for length in (30, 1, 2, 17, 8, 30, 9)]
    scores = runtime.logprobs(sequences)
    assert [len(row) for row in scores] == [29, 0, 1, 16, 7, 29, 8]
    for ids, row in zip(sequences, scores, strict=True):
        expected = plain(model, ids)[:-1].log_softmax(-1)
        assert close(row, expected.gather(-1, torch.tensor(ids[1:])[:, None])[:, 0])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("chunk", [3, 100])
def test_what_scored_sequences_begin_with_is_fed_once(
    family: str, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, endings = text(10), [[5, 6, 7], [9], [], [5, 6, 8, 9, 9, 4]]
    monkeypatch.setattr("engine.runtime.generic.SCORED_NUMBERS", 61 * len(endings) * chunk)
    model = build(family)
    fed: list[int] = []
    model.register_forward_pre_hook(lambda module, given: fed.append(given[0].numel()))
    scores = GenericRuntime(model).logprobs([[*left, *ending] for ending in endings])
    assert sum(fed) == len(left) + len(endings) * (max(map(len, endings)) - 1)
    for ending, row in zip(endings, scores, strict=True):
        ids = [*left, *ending]
        expected = plain(model, ids)[:-1].log_softmax(-1)
        assert close(row, expected.gather(-1, torch.tensor(ids[1:])[:, None])[:, 0])


def test_logprobs_of_nothing_is_nothing() -> None:
    assert GenericRuntime(build("gpt2")).logprobs([]) == []


def test_a_model_without_keys_and_values_is_refused() -> None:
    config = transformers.MambaConfig(vocab_size=61, hidden_size=16, num_hidden_layers=1)
    with pytest.raises(EngineError) as caught:
        GenericRuntime(transformers.MambaForCausalLM(config))
    assert caught.value.event.kind == "unable"


# ------------------------------------------------------------------------------ loading


def files(folder: Path) -> ModelFiles:
    return ModelFiles(
        id=folder.name,
        folder=folder,
        revision="",
        model_type="",
        heads=frozenset({"causal"}),
        roles=("continue",),
        languages=(),
        weight_bytes=0,
        memory=0,
    )


def quiet(stage: str, percent: float) -> None:
    """Report to nobody."""


def copy_of(folder: Path, target: Path) -> Path:
    target.mkdir()
    for path in folder.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target


def test_loading_tells_its_progress_and_the_bytes(tiny: Tiny) -> None:
    told: list[tuple[str, float]] = []
    runtime = load_causal(files(tiny("gpt2")), lambda stage, percent: told.append((stage, percent)))
    percents = [percent for stage, percent in told if stage == "reading weights"]
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
    branches, _ = finish(runtime.prefill([5, 6]))
    assert branches.logits.dtype == torch.float32


def test_missing_tensors_are_refused_by_name(tiny: Tiny, tmp_path: Path) -> None:
    folder = copy_of(tiny("qwen2"), tmp_path / "beheaded")
    weights = load_file(folder / "model.safetensors")
    del weights["lm_head.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EngineError) as caught:
        load_causal(files(folder), quiet)
    assert caught.value.event.kind == "broken_model"
    assert "lm_head.weight" in caught.value.event.message


def test_tensors_of_another_shape_are_refused_by_name(tiny: Tiny, tmp_path: Path) -> None:
    folder = copy_of(tiny("gpt2"), tmp_path / "misshapen")
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(config.replace('"n_positions": 96', '"n_positions": 97'))
    with pytest.raises(EngineError) as caught:
        load_causal(files(folder), quiet)
    assert caught.value.event.kind == "broken_model"
    assert "transformer.wpe.weight" in caught.value.event.message


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
    assert caught.value.event.hint
