"""Graphs against plain forwards of transformers with the same weights dequantised."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel

from engine.errors import EngineError
from engine.machine import threads
from engine.messages import FloatInputs, Precision
from engine.runtime import refining
from engine.runtime.graph import matrices, session
from engine.runtime.graph.decoder import GraphRuntime
from engine.runtime.graph.loading import load_graph
from engine.runtime.packed import decoder as packed_decoder
from engine.runtime.prefix_cache import CHUNK
from engine.store import distances
from tests.support.bundles import files, quiet
from tests.support.comparing import check_rows, check_scores, check_states, check_steps
from tests.support.families import close, divergence, prefilled, text
from tests.support.families import plain as forward
from tests.support.graph_models import SHAPES, dequantised, graph
from tests.support.packed_models import ODD, SCORED
from tests.support.walks import Mirror, Walk, walks

Saved = Callable[[str], Path]
FORMS: tuple[Precision, ...] = ("int8", "int4")


@pytest.fixture
def all_refined(monkeypatch: pytest.MonkeyPatch) -> None:
    """The output layer multiplies floats for every logit, not only for the largest."""
    monkeypatch.setattr(refining, "REFINED", 67)


@pytest.mark.usefixtures("all_refined")
@pytest.mark.parametrize("precision", FORMS)
@pytest.mark.parametrize("variety", SHAPES)
def test_with_floats_it_equals_the_dequantised_model(
    saved: Saved, variety: str, precision: Precision
) -> None:
    runtime = graph(saved(variety), precision)
    model = dequantised(saved(variety), precision)
    check_steps(runtime, model, text(2 * CHUNK + 8), fed=2 * CHUNK + 2)
    check_rows(runtime, model)


@pytest.mark.usefixtures("all_refined")
@pytest.mark.parametrize("variety", ["gpt2", "llama"])
def test_weights_that_need_no_offsets_stay_what_they_are(
    saved: Saved, tmp_path: Path, variety: str
) -> None:
    """As in a Q4_0 file, in which tables have 8 bits."""
    folder = tmp_path / "centred"
    shutil.copytree(saved(variety), folder)
    weights = load_file(folder / "model.safetensors")
    for name, weight in weights.items():
        if weight.dim() == 2 and not any(part in name for part in ("wte", "wpe", "embed", "head")):
            across = variety == "gpt2"
            groups = (weight.T if across else weight).unflatten(1, (-1, matrices.GROUP))
            scales = groups.abs().amax(-1, keepdim=True) / 8
            steps = (groups / scales).round().clamp(-8, 7)
            steps[..., 0] = -8
            found = (steps * scales).flatten(1)
            weights[name] = (found.T if across else found).contiguous()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    runtime, model = graph(folder, "int4"), dequantised(folder, "int4")
    assert not any("offsets" in part for part in runtime._parts("layer 0"))
    layers = [name for name in weights if "layers.0.mlp" in name or "h.0.mlp" in name]
    for name, weight in model.state_dict().items():
        if name in layers:
            assert close(weight, weights[name])
    check_steps(runtime, model, text(40), fed=20)
    rounded = graph(folder, "int4", "none")
    _, logits = rounded.read(rounded.empty(), [text(40)])
    expected = forward(model, text(40)).log_softmax(-1)
    assert 0 < divergence(expected, logits[0].log_softmax(-1)) < 1e-3


@pytest.mark.parametrize("floats", distances.FLOAT_INPUTS[:-1])
@pytest.mark.parametrize("precision", FORMS)
@pytest.mark.parametrize("variety", SHAPES)
def test_rounded_inputs_stay_near(
    saved: Saved, variety: str, precision: Precision, floats: FloatInputs
) -> None:
    runtime = graph(saved(variety), precision, floats)
    model = dequantised(saved(variety), precision)
    rows = [text(40, seed=1), text(40, seed=2)]
    _, logits = runtime.read(runtime.select(runtime.empty(), [0, 0]), rows)
    for row, found in zip(rows, logits, strict=True):
        expected = forward(model, row).log_softmax(-1)
        assert 0 < divergence(expected, found.log_softmax(-1)) < 1e-3


@pytest.mark.parametrize("variety", SHAPES)
def test_states_side_by_side_equal_those_of_one_text(saved: Saved, variety: str) -> None:
    check_states(graph(saved(variety), "int4"), dequantised(saved(variety), "int4"))


@pytest.mark.usefixtures("all_refined")
@pytest.mark.parametrize("variety", SCORED)
def test_several_texts_are_scored_as_one_is(saved: Saved, variety: str) -> None:
    check_scores(graph(saved(variety), "int4"), dequantised(saved(variety), "int4"))


@pytest.mark.parametrize("variety", ODD)
def test_what_is_built_otherwise_has_no_graph(saved: Saved, variety: str) -> None:
    assert load_graph(files(saved(variety)), "int4", quiet) is None


@pytest.mark.parametrize("precision", FORMS)
@pytest.mark.parametrize("number", [torch.nan, torch.inf])
@pytest.mark.parametrize("name", ["h.1.ln_1.bias", "h.0.mlp.c_fc.weight", "wte.weight"])
def test_weights_that_are_no_numbers_are_refused(
    saved: Saved, tmp_path: Path, name: str, number: float, precision: Precision
) -> None:
    folder = changed(saved("gpt2"), tmp_path / "broken", f"transformer.{name}", number)
    with pytest.raises(EngineError) as caught:
        graph(folder, precision)
    assert caught.value.event.kind == "broken_model"


@pytest.mark.parametrize("floats", distances.FLOAT_INPUTS)
@pytest.mark.parametrize("precision", FORMS)
@pytest.mark.parametrize("name", ["attn.c_attn", "mlp.c_fc"])
def test_what_becomes_too_large_is_no_answer(
    saved: Saved,
    tmp_path: Path,
    name: str,
    precision: Precision,
    floats: FloatInputs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is NaN or infinite inside of a layer is not rounded to numbers."""
    folder = changed(saved("gpt2"), tmp_path / "large", f"transformer.h.0.{name}.weight", 3e38)
    with monkeypatch.context() as patch:
        # As if only some texts, and not the random tokens at loading, became so large.
        patch.setattr(packed_decoder, "sound", lambda states: states)
        runtime = graph(folder, precision, floats)
    with pytest.raises(EngineError) as caught:
        runtime.feed(runtime.empty(), [[1, 2]])
    assert caught.value.event.kind == "broken_model"


def changed(folder: Path, copy: Path, name: str, number: float) -> Path:
    shutil.copytree(folder, copy)
    weights = load_file(copy / "model.safetensors")
    weights[name][0] = number
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    return copy


@pytest.fixture(scope="module", params=["llama", "gemma3"])
def both(saved: Saved, request: pytest.FixtureRequest) -> tuple[GraphRuntime, PreTrainedModel]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(refining, "REFINED", 67)
        return graph(saved(request.param), "int8"), dequantised(saved(request.param), "int8")


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(walk=walks)
def test_rows_hold_what_was_fed_to_them_whatever_is_forked_and_cropped(
    both: tuple[GraphRuntime, PreTrainedModel], walk: Walk
) -> None:
    runtime, model = both
    mirror = Mirror(runtime, text(20))
    for what, number in walk:
        mirror.go(what, number)
    mirror.go("feed", 0)
    assert mirror.branches.length == len(mirror.rows[0])
    for row, ids in enumerate(mirror.rows):
        assert close(mirror.branches.logits[row], forward(model, ids)[-1])


def test_rows_in_one_memory_are_no_harm_to_each_other(
    both: tuple[GraphRuntime, PreTrainedModel],
) -> None:
    runtime, _ = both
    one, _ = prefilled(runtime, text(20))
    kept = runtime.select(one, [0])
    assert kept.memory == one.memory
    before = runtime.feed(runtime.select(one, [0]), [[7]]).logits
    other = runtime.feed(kept, [[8]])
    assert other.memory.keys().isdisjoint(one.memory)
    back = runtime.feed(runtime.crop(other, 20), [[7]])
    assert torch.equal(back.logits, before)


def test_it_follows_the_number_of_threads_in_the_middle_of_a_text(
    saved: Saved, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "AMORTISED", 0)
    runtime, ids = graph(saved("llama"), "int4"), text(9)
    whole = runtime.feed(runtime.empty(), [ids])
    before = threads.used()
    rows = runtime.feed(runtime.empty(), [ids[:4]])
    try:
        for number, some in ((before + 1, ids[4:7]), (before, ids[7:])):
            threads.use(number)
            rows = runtime.feed(rows, [some])
            assert runtime._session.threads == number
    finally:
        threads.use(before)
    assert close(rows.logits[0], whole.logits[0])


def test_a_graph_is_not_compiled_again_before_that_has_paid_off(
    saved: Saved, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "AMORTISED", math.inf)
    runtime, before = graph(saved("llama"), "int4"), threads.used()
    threads.use(before + 1)
    try:
        runtime.feed(runtime.empty(), [text(3)])
    finally:
        threads.use(before)
    assert runtime._session.threads == before
